//! Adapting the model to the slices that are marked done.

use crate::app::{Outbox, Studio};
use crate::gui::controls::{command_button, note};
use crate::gui::egui;

/// Shows the buttons, and what is missing where nothing can be learned yet.
pub fn refine_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let count = studio.done_slices().len();
    if count == 0 {
        note(ui, "Correct a slice and mark it done (Enter over its view); the model then learns from it.");
    }
    ui.horizontal_wrapped(|ui| {
        let text = if count == 0 { "Refine".to_string() } else { format!("Refine from {count} done") };
        command_button(ui, studio, outbox, "segment.refine", Some(&text));
        if studio.models.adapted.is_some() {
            command_button(ui, studio, outbox, "segment.keep", Some("Keep"));
            command_button(ui, studio, outbox, "segment.forget", Some("Forget"));
        }
    });
    if studio.teach.form.scans.is_some() && count > 0 {
        note(ui, "Scans that the Teach task learns from are mixed in, so that the model keeps what it knows of them.");
    }
}
