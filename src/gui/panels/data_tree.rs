//! TODO

use crate::app::{Outbox, Studio};
use crate::gui::egui;
use crate::gui::paint::textures::Textures;

/// Shows the panel on the left.
pub fn data_tree_ui(_: &mut egui::Ui, _: &Studio, _: &mut Outbox, _: &mut Textures) {}
