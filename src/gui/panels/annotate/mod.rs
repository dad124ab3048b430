//! Annotate: labels, how they are laid over the image, where may be painted, operations, the classifier of pixels.

mod display;
mod label_row;
mod labels;
mod operations;
mod painting;
mod pixels;

use super::section;
use crate::app::act::operating::SECTION;
use crate::app::{Outbox, Studio};
use crate::gui::egui;

/// Shows the task.
pub fn annotate_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let room = ui.clip_rect().height();
    section(ui, studio, outbox, "Labels", |ui, outbox| {
        labels::labels_ui(ui, studio, outbox, room);
        ui.separator();
        display::display_ui(ui, studio, outbox);
    });
    section(ui, studio, outbox, "Painting", |ui, outbox| painting::painting_ui(ui, studio, outbox));
    section(ui, studio, outbox, SECTION, |ui, outbox| operations::operations_ui(ui, studio, outbox));
    section(ui, studio, outbox, "Pixels", |ui, outbox| pixels::pixels_ui(ui, studio, outbox));
}
