//! TODO

use crate::app::{Outbox, Studio};
use crate::gui::egui;

/// Shows it.
pub fn segment_ui(_: &mut egui::Ui, _: &Studio, _: &mut Outbox) {}
/// Foot.
pub fn foot_ui(_: &mut egui::Ui, _: &Studio, _: &mut Outbox) {}
