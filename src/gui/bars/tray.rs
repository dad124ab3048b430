//! Running jobs at the right end of the line of messages; those that do not fit are in a list.

use crate::app::state::tasks::TaskState;
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::jobs::{Job, RefineJob, SegmentJob, TrainJob};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Jobs that are shown in the line itself.
const SHOWN: usize = 2;
/// Width of a job's text.
const TEXT: f32 = 70.0 * UNIT;
/// Width of a job's bar.
const BAR: f32 = 24.0 * UNIT;
/// How often the line looks whether a job has become long.
const LOOK_AGAIN_SECONDS: f32 = 0.2;

/// Shows the jobs, from the right.
pub fn tray_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    if studio.tasks.all().any(|task| !task.is_long()) {
        ui.ctx().request_repaint_after_secs(LOOK_AGAIN_SECONDS);
    }
    let long: Vec<&TaskState> = studio.tasks.all().filter(|task| task.is_long()).collect();
    for task in long.iter().take(SHOWN) {
        job_ui(ui, task, outbox);
    }
    if long.len() > SHOWN {
        let text = say!("{count} jobs", count = long.len());
        ui.menu_button(text, |ui| {
            for task in &long {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| job_ui(ui, task, outbox));
            }
        })
        .response
        .on_hover_text(say!("All running jobs"));
    }
}

/// Whether it makes sense to pause a job: those that keep the processor busy for long.
fn can_pause(task: &TaskState) -> bool {
    [TrainJob::KIND, SegmentJob::KIND, RefineJob::KIND].contains(&task.kind)
}

/// A job, from the right: cancel, pause, bar, what is done.
fn job_ui(ui: &mut egui::Ui, task: &TaskState, outbox: &mut Outbox) {
    let t = theme::tokens(ui);
    if button_ui(ui, icon::X, &say!("Cancel: {task}", task = words::shown(&task.title))) {
        outbox.send(Request::Cancel(task.id));
    }
    if can_pause(task) && !task.is_stopping {
        let (sign, verb) = if task.is_paused() { (icon::PLAY, say!("Resume")) } else { (icon::PAUSE, say!("Pause")) };
        if button_ui(ui, sign, &format!("{verb}: {}", words::shown(&task.title))) {
            outbox.send(Request::Pause(task.id));
        }
    }
    let bar = egui::ProgressBar::new(task.fraction).fill(t.accent).desired_height(3.0 * UNIT).corner_radius(2);
    ui.add_sized([BAR, 4.0 * UNIT], bar);
    let text = text(&task.title, task.stage, &task.time_left());
    let size = egui::vec2(TEXT.min(ui.available_width()), ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let label = egui::Label::new(egui::RichText::new(&text).small().color(t.dim)).truncate();
        ui.add(label).on_hover_text(&text);
    });
}

/// What is done, its stage, and the time left.
fn text(title: &str, stage: &str, left: &str) -> String {
    // A stage that the title names already is not said twice.
    let is_said = title.to_lowercase().contains(&stage.to_lowercase());
    let parts = [title, if is_said { "" } else { stage }, left];
    parts.into_iter().filter(|part| !part.is_empty()).map(words::shown).collect::<Vec<_>>().join(", ")
}

fn button_ui(ui: &mut egui::Ui, sign: &str, name: &str) -> bool {
    let button = ui.add(egui::Button::new(egui::RichText::new(sign).small()).small());
    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
    button.on_hover_text(name).clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_line_says_each_thing_once() {
        assert_eq!(text("Teaching liver", "learning", "30 s left"), "Teaching liver, learning, 30 s left");
        assert_eq!(text("Reading head.nii", "Reading", ""), "Reading head.nii");
        assert_eq!(text("Segmenting head", "", "Stopping"), "Segmenting head, Stopping");
    }
}
