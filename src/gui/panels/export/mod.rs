//! Export: masks, images, pictures.

mod numbers;

use super::section;
use crate::app::state::numbers::SECTION;
use crate::app::state::saving::file_name;
use crate::app::{Outbox, Studio};
use crate::gui::controls::{beside, command_button, main_button, note, row};
use crate::gui::egui;
use crate::gui::theme;
use crate::words::say;
use egui_phosphor::regular as icon;

/// Shows the task.
pub fn export_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    section(ui, studio, outbox, "Segmentation", |ui, outbox| segmentation_ui(ui, studio, outbox));
    section(ui, studio, outbox, "Document", |ui, outbox| document_ui(ui, studio, outbox));
    section(ui, studio, outbox, SECTION, |ui, outbox| numbers::numbers_section_ui(ui, studio, outbox));
    section(ui, studio, outbox, "Image and pictures", |ui, outbox| {
        for (id, sign, text) in [
            ("file.save-image", icon::IMAGE, say!("Save image")),
            ("file.save-series", icon::STACK, say!("Save as DICOM series")),
            ("file.picture-axial", icon::CAMERA, say!("Save axial picture")),
            ("file.picture-coronal", icon::CAMERA, say!("Save coronal picture")),
            ("file.picture-sagittal", icon::CAMERA, say!("Save sagittal picture")),
        ] {
            wide_button(ui, studio, outbox, id, (sign, text));
        }
        wide_button(ui, studio, outbox, "file.figures", (icon::GRID_FOUR, say!("Sheet or slices...")));
        note(ui, say!("Pictures are PNG files of the slices in the views, with their labels as they are laid over."));
    });
}

/// What is in hand, and where it is kept.
fn segmentation_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (Some(segmentation), Some(view)) = (studio.segmentation(), studio.label_view()) else { return };
    let value = |ui: &mut egui::Ui, text: String| {
        let tip = text.clone();
        crate::gui::controls::beside(&ui.add(egui::Label::new(text).truncate()), &tip);
    };
    row(ui, say!("Name"), |ui| value(ui, segmentation.name().to_string()));
    let labels = segmentation.table().0.len();
    row(ui, say!("Labels"), |ui| value(ui, labels.to_string()));
    let file = match &view.file {
        Some(file) => file.path.display().to_string(),
        None => say!("none yet").into(),
    };
    row(ui, say!("File"), |ui| value(ui, file));
    if segmentation.is_modified() {
        let warn = theme::tokens(ui).warn;
        ui.label(egui::RichText::new(say!("Not saved as it is now")).color(warn));
    } else if let Some(file) = &view.file {
        let text = say!("{file} holds it as it is now", file = file_name(&file.path));
        let good = theme::tokens(ui).good;
        ui.add(egui::Label::new(egui::RichText::new(text).color(good)).truncate());
    }
    wide_button(ui, studio, outbox, "file.save-as", (icon::FLOPPY_DISK_BACK, say!("Save as...")));
    // What an archive takes is offered where there is a study to put it into.
    if studio.volume().is_some_and(|volume| volume.source.is_some()) {
        wide_button(ui, studio, outbox, "file.save-seg", (icon::ARCHIVE, say!("DICOM segmentation...")));
        wide_button(ui, studio, outbox, "file.save-rtstruct", (icon::POLYGON, say!("DICOM contours...")));
    }
    wide_button(ui, studio, outbox, "file.export-surfaces", (icon::CUBE, say!("Export surfaces...")));
}

/// One file for all that is open.
fn document_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let file = studio.document.as_ref().map_or_else(|| say!("none yet").into(), |own| own.path.display().to_string());
    row(ui, say!("File"), |ui| {
        let tip = file.clone();
        beside(&ui.add(egui::Label::new(file).truncate()), &tip);
    });
    let mut keeps = studio.session.document().keeps_scans();
    let check = ui.checkbox(&mut keeps, say!("Keep the scans in the document"));
    beside(&check, say!("The .lamella file holds the scans too, without their headers, and opens where they are not"));
    if check.changed() {
        outbox.run("file.keep-scans");
    }
    let bytes: usize = studio.session.document().scans().map(|(_, volume)| volume.byte_count()).sum();
    note(
        ui,
        if keeps {
            say!("The scans take up to {size} in it.", size = size_of_bytes(bytes))
        } else {
            say!("It says where the scans lie, and asks for those that are not there.").into()
        },
    );
    wide_button(ui, studio, outbox, "file.save-document", (icon::FLOPPY_DISK, say!("Save document")));
}

/// Bytes as people read them.
fn size_of_bytes(bytes: usize) -> String {
    let mb = bytes as f64 / 1e6;
    if mb < 1000.0 { format!("{:.1} MB", mb.max(0.1)) } else { format!("{:.1} GB", mb / 1e3) }
}

fn wide_button(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, id: &'static str, (sign, text): (&str, &str)) {
    let shown = format!("{sign}  {text}");
    let button = ui.vertical_centered_justified(|ui| command_button(ui, studio, outbox, id, Some(&shown))).inner;
    let is_enabled = button.enabled();
    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, is_enabled, text));
}

/// The main button.
pub fn foot_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    main_button(ui, studio, outbox, "file.save", say!("Save segmentation"));
}
