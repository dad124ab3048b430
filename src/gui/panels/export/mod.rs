//! Export: masks, images, pictures.

mod numbers;

use super::section;
use crate::app::state::numbers::SECTION;
use crate::app::state::saving::file_name;
use crate::app::{Outbox, Studio};
use crate::gui::controls::{command_button, main_button, note, row};
use crate::gui::egui;
use crate::gui::theme;
use egui_phosphor::regular as icon;

/// Shows the task.
pub fn export_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    section(ui, studio, outbox, "Segmentation", |ui, outbox| segmentation_ui(ui, studio, outbox));
    section(ui, studio, outbox, SECTION, |ui, outbox| numbers::numbers_section_ui(ui, studio, outbox));
    section(ui, studio, outbox, "Image and pictures", |ui, outbox| {
        for (id, sign, text) in [
            ("file.save-image", icon::IMAGE, "Save image"),
            ("file.picture-axial", icon::CAMERA, "Save axial picture"),
            ("file.picture-coronal", icon::CAMERA, "Save coronal picture"),
            ("file.picture-sagittal", icon::CAMERA, "Save sagittal picture"),
        ] {
            wide_button(ui, studio, outbox, id, (sign, text));
        }
        note(ui, "Pictures are PNG files of the slices in the views, with their labels as they are laid over.");
    });
}

/// What is in hand, and where it is kept.
fn segmentation_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (Some(segmentation), Some(view)) = (studio.segmentation(), studio.label_view()) else { return };
    let value = |ui: &mut egui::Ui, text: String| {
        let tip = text.clone();
        crate::gui::controls::beside(&ui.add(egui::Label::new(text).truncate()), &tip);
    };
    row(ui, "Name", |ui| value(ui, segmentation.name().to_string()));
    let labels = segmentation.table().0.len();
    row(ui, "Labels", |ui| value(ui, labels.to_string()));
    let file = match &view.file {
        Some(file) => file.path.display().to_string(),
        None => "none yet".into(),
    };
    row(ui, "File", |ui| value(ui, file));
    if segmentation.is_modified() {
        let warn = theme::tokens(ui).warn;
        ui.label(egui::RichText::new("Not saved as it is now").color(warn));
    } else if let Some(file) = &view.file {
        let text = format!("{} holds it as it is now", file_name(&file.path));
        let good = theme::tokens(ui).good;
        ui.add(egui::Label::new(egui::RichText::new(text).color(good)).truncate());
    }
    wide_button(ui, studio, outbox, "file.save-as", (icon::FLOPPY_DISK_BACK, "Save as..."));
    wide_button(ui, studio, outbox, "file.export-surfaces", (icon::CUBE, "Export surfaces..."));
}

fn wide_button(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, id: &'static str, (sign, text): (&str, &str)) {
    let shown = format!("{sign}  {text}");
    let button = ui.vertical_centered_justified(|ui| command_button(ui, studio, outbox, id, Some(&shown))).inner;
    let is_enabled = button.enabled();
    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, is_enabled, text));
}

/// The main button.
pub fn foot_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    main_button(ui, studio, outbox, "file.save", "Save segmentation");
}
