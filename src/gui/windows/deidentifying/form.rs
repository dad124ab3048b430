//! Which files, and what stays in them.

use crate::app::act::deidentifying::{is_busy, open_series};
use crate::app::state::deidentifying::{DATES, DeidentifyForm, DeidentifyRequest, KEPT};
use crate::app::state::saving::file_name;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};

/// Width of the form.
pub const WIDTH: f32 = 68.0 * UNIT;

/// Shows the form within a height.
pub fn form_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, height: f32) {
    egui::ScrollArea::vertical().id_salt("deidentify form").max_height(height).show(ui, |ui| {
        ui.set_width(WIDTH - 2.0 * UNIT);
        let mut changed = studio.deidentifying.form.clone();
        ui.add_enabled_ui(!is_busy(studio), |ui| {
            inputs_ui(ui, studio, &changed, outbox);
            ui.add_space(UNIT);
            wishes_ui(ui, &mut changed);
            ui.add_space(UNIT);
            key_ui(ui, &mut changed, outbox);
        });
        if changed != studio.deidentifying.form {
            outbox.send(Request::Deidentify(DeidentifyRequest::Form(Box::new(changed))));
        }
    });
}

fn inputs_ui(ui: &mut egui::Ui, studio: &Studio, form: &DeidentifyForm, outbox: &mut Outbox) {
    ui.label(egui::RichText::new("DICOM files").strong());
    let shown = match form.inputs.as_slice() {
        [] => "none yet".into(),
        [one] => one.display().to_string(),
        many => format!("{} ({} files)", form.title, many.len()),
    };
    let dim = theme::tokens(ui).dim;
    ui.add(egui::Label::new(egui::RichText::new(&shown).color(dim)).truncate()).on_hover_text(&shown);
    ui.horizontal(|ui| {
        for (name, hint, request) in [
            ("Folder...", "A folder with all that is in it", DeidentifyRequest::ChooseFolder),
            ("File...", "One file", DeidentifyRequest::ChooseFile),
        ] {
            if ui.button(name).on_hover_text(hint).clicked() {
                outbox.send(Request::Deidentify(request));
            }
        }
        let button = ui.add_enabled(open_series(studio).is_some(), egui::Button::new("Open series"));
        let button = button.on_hover_text("The files of the scan on screen");
        if button.on_disabled_hover_text("The scan on screen is not DICOM").clicked() {
            outbox.send(Request::Deidentify(DeidentifyRequest::OpenSeries));
        }
    });
}

fn wishes_ui(ui: &mut egui::Ui, form: &mut DeidentifyForm) {
    ui.label(egui::RichText::new("Dates").strong());
    ui.horizontal(|ui| {
        for (dates, name, hint) in DATES {
            let radio = ui.radio_value(&mut form.wishes.dates, dates, name);
            let told = format!("{name} dates");
            radio.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::RadioButton, true, &told));
            radio.on_hover_text(hint);
        }
    });
    ui.add_space(UNIT);
    ui.label(egui::RichText::new("What stays").strong());
    for (kept, name, hint) in KEPT {
        let mut stays = form.wishes.kept.contains(&kept);
        if ui.checkbox(&mut stays, name).on_hover_text(hint).changed() {
            if stays {
                form.wishes.kept.insert(kept);
            } else {
                form.wishes.kept.remove(&kept);
            }
        }
    }
}

fn key_ui(ui: &mut egui::Ui, form: &mut DeidentifyForm, outbox: &mut Outbox) {
    ui.label(egui::RichText::new("New names").strong());
    let mut is_from_file = form.key.is_some();
    let random = ui.radio_value(&mut is_from_file, false, "That nobody can make again");
    random.on_hover_text("From a secret that is forgotten when they are written");
    ui.horizontal(|ui| {
        let name = form.key.as_deref().map_or_else(|| "From a secret in a file...".into(), file_name);
        let radio = ui.radio_value(&mut is_from_file, true, name);
        radio
            .on_hover_text("Another run with the same file makes the same names; keep it as safe as the scans (--key)");
    });
    match (is_from_file, &form.key) {
        (true, None) => outbox.send(Request::Deidentify(DeidentifyRequest::ChooseKey)),
        (false, Some(_)) => form.key = None,
        _ => {}
    }
    note(ui, "The rules are those of the basic profile of DICOM PS3.15. Pixels are not changed.");
}
