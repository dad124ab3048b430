//! Which files, and what stays in them.

use crate::app::act::deidentifying::{is_busy, open_series};
use crate::app::state::deidentifying::{DATES, DeidentifyForm, DeidentifyRequest, KEPT};
use crate::app::state::saving::file_name;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};

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
    ui.label(egui::RichText::new(say!("DICOM files")).strong());
    let shown = match form.inputs.as_slice() {
        [] => say!("none yet").into(),
        [one] => one.display().to_string(),
        many => say!("{title} ({count} files)", title = form.title, count = many.len()),
    };
    let dim = theme::tokens(ui).dim;
    ui.add(egui::Label::new(egui::RichText::new(&shown).color(dim)).truncate()).on_hover_text(&shown);
    ui.horizontal(|ui| {
        for (name, hint, request) in [
            (say!("Folder..."), say!("A folder with all that is in it"), DeidentifyRequest::ChooseFolder),
            (say!("File..."), say!("One file"), DeidentifyRequest::ChooseFile),
        ] {
            if ui.button(name).on_hover_text(hint).clicked() {
                outbox.send(Request::Deidentify(request));
            }
        }
        let button = ui.add_enabled(open_series(studio).is_some(), egui::Button::new(say!("Open series")));
        let button = button.on_hover_text(say!("The files of the scan on screen"));
        if button.on_disabled_hover_text(say!("The scan on screen is not DICOM")).clicked() {
            outbox.send(Request::Deidentify(DeidentifyRequest::OpenSeries));
        }
    });
}

fn wishes_ui(ui: &mut egui::Ui, form: &mut DeidentifyForm) {
    ui.label(egui::RichText::new(say!("Dates")).strong());
    ui.horizontal(|ui| {
        for (dates, name, hint) in DATES {
            let (name, hint) = (words::text(name), words::text(hint));
            let radio = ui.radio_value(&mut form.wishes.dates, dates, name);
            let told = say!("{name} dates", name);
            radio.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::RadioButton, true, &told));
            radio.on_hover_text(hint);
        }
    });
    ui.add_space(UNIT);
    ui.label(egui::RichText::new(say!("What stays")).strong());
    for (kept, name, hint) in KEPT {
        let (name, hint) = (words::text(name), words::text(hint));
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
    ui.label(egui::RichText::new(say!("New names")).strong());
    let mut is_from_file = form.key.is_some();
    let random = ui.radio_value(&mut is_from_file, false, say!("That nobody can make again"));
    random.on_hover_text(say!("From a secret that is forgotten when they are written"));
    ui.horizontal(|ui| {
        let name = form.key.as_deref().map_or_else(|| say!("From a secret in a file...").into(), file_name);
        let radio = ui.radio_value(&mut is_from_file, true, name);
        radio.on_hover_text(say!(
            "Another run with the same file makes the same names; keep it as safe as the scans (--key)"
        ));
    });
    match (is_from_file, &form.key) {
        (true, None) => outbox.send(Request::Deidentify(DeidentifyRequest::ChooseKey)),
        (false, Some(_)) => form.key = None,
        _ => {}
    }
    note(ui, say!("The rules are those of the basic profile of DICOM PS3.15. Pixels are not changed."));
}
