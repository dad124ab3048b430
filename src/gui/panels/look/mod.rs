//! Look: window, interpolation, frame, a second scan laid over, how the tiles lie, where a network looks.

mod attention;
mod compare;
mod histogram;
mod overlay;
mod tiles;
mod window;

use super::section;
use crate::app::state::comparing::SECTION;
use crate::app::{Outbox, Studio};
use crate::gui::egui;

/// Shows the task.
pub fn look_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    section(ui, studio, outbox, "Image", |ui, outbox| window::window_ui(ui, studio, outbox));
    section(ui, studio, outbox, "Tiles", |ui, outbox| tiles::tiles_ui(ui, studio, outbox));
    section(ui, studio, outbox, "Overlay", |ui, outbox| overlay::overlay_ui(ui, studio, outbox));
    section(ui, studio, outbox, SECTION, |ui, outbox| compare::compare_ui(ui, studio, outbox));
    section(ui, studio, outbox, "Attention", |ui, outbox| attention::attention_ui(ui, studio, outbox));
}
