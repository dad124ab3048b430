//! TODO

use crate::app::{Outbox, Studio};
use crate::gui::egui;
use crate::gui::paint::textures::Textures;

/// Shows it.
pub fn teach_ui(_: &mut egui::Ui, _: &Studio, _: &mut Outbox, _: &mut Textures) {}
/// Foot.
pub fn foot_ui(_: &mut egui::Ui, _: &Studio, _: &mut Outbox) {}
