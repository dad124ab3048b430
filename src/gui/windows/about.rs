//! TODO

use crate::gui::egui;

/// Shows version, licence and what it is not for; whether it stays open.
pub fn about_ui(_: &egui::Context) -> bool {
    false
}
