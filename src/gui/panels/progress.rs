//! How far a running job is: its stage, its share and the time left.

use crate::app::state::notices::in_sentence_case;
use crate::app::state::tasks::TaskState;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words;

/// Shows stage, time left and a bar.
pub fn progress_ui(ui: &mut egui::Ui, task: &TaskState) {
    let t = theme::tokens(ui);
    let small = |text: String| egui::RichText::new(text).small().color(t.dim);
    let stage = if task.stage.is_empty() { &task.title } else { task.stage };
    let stage = in_sentence_case(&words::shown(stage));
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let share = format!("{:.0} %", task.fraction * 100.0);
            let left = task.time_left();
            let left = words::shown(&left);
            ui.label(small(if left.is_empty() { share } else { format!("{share}, {left}") }));
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(small(stage)).truncate());
            });
        });
    });
    let bar = egui::ProgressBar::new(task.fraction).fill(t.accent_fill);
    ui.add(bar.desired_height(2.0 * UNIT).corner_radius(2));
}
