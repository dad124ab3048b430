//! The question before a file is written over.

use crate::app::state::saving::{Replacing, ReplacingAnswer};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::words::say;

/// Asks, while a file waits for the answer.
pub fn replacing_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(Replacing { path, why, .. }) = &studio.replacing else { return };
    let mut answer = None;
    let modal = egui::Modal::new(egui::Id::new("replacing")).show(ui.ctx(), |ui| {
        ui.set_width(110.0 * UNIT);
        ui.label(egui::RichText::new(say!("Replace the file?")).heading());
        ui.add(egui::Label::new(say!("{path} is there already. {why}", path = path.display(), why)).wrap());
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| {
            for (name, hint, word) in [
                (say!("Replace"), say!("Write over the file"), ReplacingAnswer::Replace),
                (say!("Choose another name"), say!("Open the dialog again"), ReplacingAnswer::Another),
                (say!("Cancel"), say!("Write nothing (Esc)"), ReplacingAnswer::Cancel),
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
