//! The question what of the 3-D tile is written as pictures.

use crate::app::state::body::BodyRequest;
use crate::app::state::body_pictures::{COUNTS, PicturesForm, PicturesKind, PicturesRequest, SIDES};
use crate::app::{Outbox, Request, Studio};
use crate::drawing::Ground;
use crate::gui::controls::{note, row};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};

/// Width of the window.
const WIDTH: f32 = 90.0 * UNIT;

/// Asks, while it is open.
pub fn body_pictures_ui(context: &egui::Context, studio: &Studio, outbox: &mut Outbox) {
    let Some(form) = studio.body.pictures.form else { return };
    let mut changed = form;
    let mut word = None;
    let modal = egui::Modal::new(egui::Id::new("body pictures")).show(context, |ui| {
        ui.set_width(WIDTH);
        ui.label(egui::RichText::new(say!("3-D pictures")).heading());
        ui.add_space(UNIT);
        form_ui(ui, &mut changed);
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| {
            let t = theme::tokens(ui);
            let text = match changed.kind {
                PicturesKind::One => say!("Save picture...").to_string(),
                PicturesKind::Turn => say!("Save {count} pictures...", count = changed.count),
            };
            let save = egui::Button::new(egui::RichText::new(text).strong().color(t.on_accent)).fill(t.accent_fill);
            if ui.add(save).on_hover_text(say!("Choose where to (Enter)")).clicked() {
                word = Some(PicturesRequest::Save);
            }
            if ui.button(say!("Cancel")).on_hover_text(say!("Write nothing (Esc)")).clicked() {
                word = Some(PicturesRequest::Close);
            }
        });
        // A field that is being typed into takes Enter for itself.
        if ui.ctx().memory(|memory| memory.focused().is_none()) && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
            word = Some(PicturesRequest::Save);
        }
    });
    if modal.should_close() {
        word = word.or(Some(PicturesRequest::Close));
    }
    let send = |outbox: &mut Outbox, request| outbox.send(Request::Body(BodyRequest::Pictures(request)));
    if changed != form {
        send(outbox, PicturesRequest::Form(changed));
    }
    word.into_iter().for_each(|word| send(outbox, word));
}

fn form_ui(ui: &mut egui::Ui, form: &mut PicturesForm) {
    ui.horizontal(|ui| {
        for (kind, name, hint) in PicturesKind::ALL {
            ui.selectable_value(&mut form.kind, kind, words::text(name)).on_hover_text(words::text(hint));
        }
    });
    ui.add_space(UNIT);
    row(ui, say!("Size"), |ui| {
        ui.add(egui::DragValue::new(&mut form.size[0]).range(SIDES)).on_hover_text(say!("Columns of a picture"));
        ui.label("x");
        let height = egui::DragValue::new(&mut form.size[1]).range(SIDES).suffix(say!(" pixels"));
        ui.add(height).on_hover_text(say!("Rows of a picture"));
    });
    row(ui, say!("Ground"), |ui| {
        ui.radio_value(&mut form.ground, Ground::Black, say!("Black"));
        ui.radio_value(&mut form.ground, Ground::White, say!("White"));
    });
    match form.kind {
        PicturesKind::One => note(ui, say!("In full quality, from where the tile looks at the body.")),
        PicturesKind::Turn => {
            row(ui, say!("Pictures"), |ui| {
                ui.add(egui::DragValue::new(&mut form.count).range(COUNTS))
                    .on_hover_text(say!("Pictures of a full turn"));
            });
            ui.checkbox(&mut form.is_animated, say!("Also one PNG that plays them"))
                .on_hover_text(say!("An animated PNG, which web browsers and slides show"));
            note(ui, say!("A full turn in full quality, as numbered PNGs in a folder."))
        }
    };
}
