//! TODO

use crate::app::{Outbox, Studio};
use crate::gui::egui;

/// The palette, while it is open.
#[derive(Default)]
pub struct Palette {}

impl Palette {
    /// Shows it; whether it stays open.
    pub fn ui(&mut self, _: &egui::Context, _: &Studio, _: &mut Outbox) -> bool {
        false
    }
}
