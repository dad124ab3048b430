//! A tile with the numbers of the labels, live while they are painted.

use crate::app::{Outbox, Studio};
use crate::gui::egui;
use crate::gui::numbers::numbers_ui;
use crate::gui::paint::still;
use crate::gui::theme::UNIT;

/// Room for the heading.
const HEADING: f32 = 8.0 * UNIT;

/// Shows the table; whether the tile was double-clicked.
pub fn numbers_tile_ui(ui: &mut egui::Ui, rect: egui::Rect, studio: &Studio, outbox: &mut Outbox) -> bool {
    let response = ui.interact(rect, ui.id().with("numbers tile"), egui::Sense::click());
    let room = rect.shrink(3.0 * UNIT);
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(room).id_salt("numbers tile"));
    inside.set_clip_rect(rect);
    inside.label(egui::RichText::new("Numbers").heading());
    numbers_ui(&mut inside, studio, outbox, room.height() - HEADING);
    still::keep(ui.ctx(), rect);
    response.double_clicked()
}
