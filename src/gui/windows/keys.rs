//! TODO

use crate::app::{Outbox, Studio};
use crate::gui::egui;

/// The Keys window, while it is open.
#[derive(Default)]
pub struct KeysWindow {}

impl KeysWindow {
    /// Shows it; whether it stays open.
    pub fn ui(&mut self, _: &egui::Context, _: &Studio, _: &mut Outbox) -> bool {
        false
    }
}
