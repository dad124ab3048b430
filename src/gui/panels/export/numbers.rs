//! Numbers of the labels: the table, copied and saved.

use crate::app::{Outbox, Studio};
use crate::gui::controls::command_button;
use crate::gui::egui;
use crate::gui::measurements::measurements_list_ui;
use crate::gui::numbers::numbers_ui;
use crate::gui::theme::UNIT;
use crate::words::say;
use egui_phosphor::regular as icon;

/// Height of the table.
const TABLE: f32 = 40.0 * UNIT;

/// Shows the section.
pub fn numbers_section_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    numbers_ui(ui, studio, outbox, TABLE);
    ui.horizontal_wrapped(|ui| {
        let copy = format!("{} {}", icon::COPY, say!("Copy"));
        command_button(ui, studio, outbox, "labels.copy-numbers", Some(&copy));
        let csv = format!("{} {}", icon::COPY, say!("Copy CSV"));
        command_button(ui, studio, outbox, "labels.copy-numbers-csv", Some(&csv));
        let save = format!("{} {}", icon::FLOPPY_DISK_BACK, say!("Save CSV..."));
        command_button(ui, studio, outbox, "file.save-numbers", Some(&save));
    });
    measurements_list_ui(ui, studio, outbox, TABLE);
}
