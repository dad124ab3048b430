//! A guided task, at the foot of the data tree: what has been reached, and how the next step is done.

use crate::app::commands::{self, keys_of};
use crate::app::state::first_task::{FirstStep, FirstTask};
use crate::app::{Outbox, Studio};
use crate::gui::controls::{command_button, icon_button, note};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Shows it while there is one.
pub fn first_task_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(task) = &studio.first_task else { return };
    egui::Panel::bottom("first task").show_separator_line(false).show(ui, |ui| {
        theme::card_frame(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            title_ui(ui, task, outbox);
            let next = task.next();
            for (n, step) in task.guide.steps.iter().enumerate() {
                step_ui(ui, step, task.is_reached(n), next == Some(n));
                if next == Some(n) {
                    how_ui(ui, step, studio, outbox);
                }
            }
            if next.is_none() {
                note(ui, words::text(task.guide.end));
            }
        });
        ui.add_space(UNIT);
    });
}

fn title_ui(ui: &mut egui::Ui, task: &FirstTask, outbox: &mut Outbox) {
    let line = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(line, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        if icon_button(ui, icon::X, say!("End the first steps")).on_hover_text(say!("Hide the first steps")).clicked() {
            outbox.run("window.end-first-task");
        }
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(egui::RichText::new(words::text(task.guide.title)).heading()).truncate());
        });
    });
    let count = say!("{count} of {all}", count = task.count(), all = task.guide.steps.len());
    ui.label(egui::RichText::new(count).small().color(theme::tokens(ui).dim));
}

fn step_ui(ui: &mut egui::Ui, step: &FirstStep, is_reached: bool, is_next: bool) {
    let t = theme::tokens(ui);
    let (sign, colour) = match (is_reached, is_next) {
        (true, _) => (icon::CHECK_CIRCLE, t.good),
        (false, true) => (icon::ARROW_CIRCLE_RIGHT, t.accent),
        (false, false) => (icon::CIRCLE, t.dim),
    };
    ui.horizontal(|ui| {
        ui.label(egui::RichText::new(sign).color(colour));
        let text = egui::RichText::new(words::text(step.name));
        let text = if is_next { text.strong() } else { text.color(t.dim) };
        let name = ui.label(text);
        let state = if is_reached { say!("done") } else { say!("to do") };
        let label = format!("{}: {state}", words::text(step.name));
        name.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, &label));
    });
}

/// How a step is done: in words, and by a button or a key.
fn how_ui(ui: &mut egui::Ui, step: &FirstStep, studio: &Studio, outbox: &mut Outbox) {
    note(ui, words::text(step.how));
    let Some(entry) = commands::find(step.command) else { return };
    ui.horizontal(|ui| {
        if (entry.lacks)(studio).is_none() {
            command_button(ui, studio, outbox, entry.id, Some(words::text(step.button)));
        }
        if let Some(key) = keys_of(&studio.settings.keys, entry).first() {
            note(ui, say!("Key: {key}", key));
        }
    });
}
