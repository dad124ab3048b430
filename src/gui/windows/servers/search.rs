//! What is looked for.

use crate::app::act::servers::is_waiting;
use crate::app::state::servers::{SearchForm, ServersRequest};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::say;

/// Shows the fields; Enter in any of them searches.
pub fn search_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let mut form = studio.servers.search.clone();
    let (mut is_entered, mut height) = (false, 0.0);
    ui.horizontal(|ui| {
        let SearchForm { patient_id, patient_name, dates, modality, accession } = &mut form;
        for (caption, hint, about, text, width) in [
            (say!("Patient ID"), say!("any"), say!("Letters and digits of the patient's ID"), patient_id, 28.0),
            (
                say!("Name"),
                say!("any, or Family*"),
                say!("The name as DICOM writes it: Family^Given"),
                patient_name,
                34.0,
            ),
            (
                say!("Date"),
                say!("any, or 20260101-20260131"),
                say!("A day, 20260131, or a range; a range may be open, 20260101-"),
                dates,
                46.0,
            ),
            (say!("Modality"), say!("any"), say!("CT, MR, SEG and the like"), modality, 18.0),
            (say!("Accession"), say!("any"), say!("Accession number of the study"), accession, 28.0),
        ] {
            ui.vertical(|ui| {
                ui.set_width(width * UNIT);
                let dim = theme::tokens(ui).dim;
                let name = ui.label(egui::RichText::new(caption).small().color(dim));
                let hint = egui::RichText::new(hint).color(dim);
                let field = egui::TextEdit::singleline(text).hint_text(hint).desired_width(width * UNIT);
                let field = ui.add(field).labelled_by(name.id);
                height = field.rect.height();
                is_entered |= field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                field.on_hover_text(say!("{about}\nEmpty stands for any, * for any letters", about));
            });
        }
        ui.vertical(|ui| {
            // Level with the fields, which have captions, and as high.
            ui.spacing_mut().interact_size.y = height;
            ui.spacing_mut().button_padding.y = 0.0;
            ui.label(egui::RichText::new(" ").small());
            let t = theme::tokens(ui);
            let text = egui::RichText::new(say!("Search")).strong().color(t.on_accent);
            let button = ui.add_enabled(!is_waiting(studio), egui::Button::new(text).fill(t.accent_fill));
            let button =
                button.on_hover_text(say!("List the studies that match; all where nothing is filled in (Enter)"));
            is_entered |= button.clicked();
        });
    });
    if form != studio.servers.search {
        outbox.send(Request::Servers(ServersRequest::SearchForm(Box::new(form))));
    }
    if is_entered && !is_waiting(studio) {
        outbox.send(Request::Servers(ServersRequest::Search));
    }
}
