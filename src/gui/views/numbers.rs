//! A tile with the numbers of the labels, live while they are painted, and with rulers, angles and regions.

use crate::app::{Outbox, Studio};
use crate::gui::egui;
use crate::gui::measurements::measurements_list_ui;
use crate::gui::numbers::numbers_ui;
use crate::gui::paint::still;
use crate::gui::theme::UNIT;
use crate::words::say;

/// Room for the heading.
const HEADING: f32 = 8.0 * UNIT;

/// Room for what stands below the list of measurements.
const BUTTONS: f32 = 12.0 * UNIT;

/// Shows the table; whether the tile was double-clicked.
pub fn numbers_tile_ui(ui: &mut egui::Ui, rect: egui::Rect, studio: &Studio, outbox: &mut Outbox) -> bool {
    let response = ui.interact(rect, ui.id().with("numbers tile"), egui::Sense::click());
    let room = rect.shrink(3.0 * UNIT);
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(room).id_salt("numbers tile"));
    inside.set_clip_rect(rect);
    inside.label(egui::RichText::new(say!("Numbers")).heading());
    let is_measured = studio.shown.is_some_and(|scan| !studio.session.document().measurements(scan).is_empty());
    let height = room.height() - HEADING;
    let table = if is_measured { height / 2.0 } else { height };
    numbers_ui(&mut inside, studio, outbox, table);
    let left = room.bottom() - inside.cursor().top() - BUTTONS;
    measurements_list_ui(&mut inside, studio, outbox, left.max(0.0));
    still::keep(ui.ctx(), rect);
    response.double_clicked()
}
