//! TODO

use crate::app::{Outbox, Studio};
use crate::gui::egui;

/// Shows it.
pub fn leaving_ui(_: &mut egui::Ui, _: &Studio, _: &mut Outbox) {}
