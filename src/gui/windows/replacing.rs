//! The question before a file is written over.

use crate::app::state::saving::{Replacing, ReplacingAnswer};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::UNIT;

/// Asks, while a file waits for the answer.
pub fn replacing_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(Replacing { path, why, .. }) = &studio.replacing else { return };
    let mut answer = None;
    let modal = egui::Modal::new(egui::Id::new("replacing")).show(ui.ctx(), |ui| {
        ui.set_width(110.0 * UNIT);
        ui.label(egui::RichText::new("Replace the file?").heading());
        ui.add(egui::Label::new(format!("{} is there already. {why}", path.display())).wrap());
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| {
            for (name, hint, word) in [
                ("Replace", "Write over the file", ReplacingAnswer::Replace),
                ("Choose another name", "Open the dialog again", ReplacingAnswer::Another),
                ("Cancel", "Write nothing (Esc)", ReplacingAnswer::Cancel),
            ] {
                if ui.button(name).on_hover_text(hint).clicked() {
                    answer = Some(word);
                }
            }
        });
    });
    if modal.should_close() {
        answer = answer.or(Some(ReplacingAnswer::Cancel));
    }
    if let Some(answer) = answer {
        outbox.send(Request::Replacing(answer));
    }
}
