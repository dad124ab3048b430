//! Numbers of the labels: the table, copied and saved.

use crate::app::{Outbox, Studio};
use crate::gui::controls::command_button;
use crate::gui::egui;
use crate::gui::measurements::measurements_list_ui;
use crate::gui::numbers::numbers_ui;
use crate::gui::theme::UNIT;
use egui_phosphor::regular as icon;

/// Height of the table.
const TABLE: f32 = 40.0 * UNIT;

/// Shows the section.
pub fn numbers_section_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    numbers_ui(ui, studio, outbox, TABLE);
    ui.horizontal_wrapped(|ui| {
        let copy = format!("{} Copy", icon::COPY);
        command_button(ui, studio, outbox, "labels.copy-numbers", Some(&copy));
        let csv = format!("{} Copy CSV", icon::COPY);
        command_button(ui, studio, outbox, "labels.copy-numbers-csv", Some(&csv));
        let save = format!("{} Save CSV...", icon::FLOPPY_DISK_BACK);
        command_button(ui, studio, outbox, "file.save-numbers", Some(&save));
    });
    measurements_list_ui(ui, studio, outbox, TABLE);
}
