//! The question how large the voxels of pictures are.

use crate::app::state::sizing::{SizeAnswer, SizeForm};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, plural, say};

/// Width of the window.
const WIDTH: f32 = 110.0 * UNIT;
/// Width of a field.
const FIELD: f32 = 24.0 * UNIT;
/// Width of the captions.
const CAPTION: f32 = 38.0 * UNIT;

/// Asks, while something waits for the answer.
pub fn sizing_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(form) = &studio.sizing.form else { return };
    let mut changed = form.clone();
    let mut word = None;
    let modal = egui::Modal::new(egui::Id::new("voxel size")).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        ui.label(egui::RichText::new(say!("How large is a voxel?")).heading());
        ui.add(egui::Label::new(egui::RichText::new(&form.name).strong()).truncate());
        note(ui, say!("{told} {order}.", told = form.told(), order = words::shown(&form.said.order)));
        ui.add_space(UNIT);
        let captions = [say!("Pixel width"), say!("Pixel height"), say!("Distance of slices")];
        for (typed, caption) in changed.typed.iter_mut().zip(captions).take(form.field_count()) {
            ui.horizontal(|ui| {
                let size = egui::vec2(CAPTION, ui.spacing().interact_size.y);
                let left = egui::Layout::left_to_right(egui::Align::Center);
                let name = ui.allocate_ui_with_layout(size, left, |ui| {
                    ui.set_min_width(CAPTION);
                    ui.label(caption)
                });
                ui.add(egui::TextEdit::singleline(typed).desired_width(FIELD)).labelled_by(name.inner.id);
                ui.label("mm");
            });
        }
        if form.others > 0 {
            let others = plural!(form.others, "the other picture", "the {others} others", others = form.others);
            ui.checkbox(
                &mut changed.is_for_folder,
                say!("Also for {others} of this folder that do not say it", others),
            );
        }
        ui.add_space(2.0 * UNIT);
        word = buttons_ui(ui, &changed);
    });
    if modal.should_close() {
        word = word.or(Some(SizeAnswer::Cancel));
    }
    if changed != *form {
        outbox.send(Request::VoxelSize(SizeAnswer::Form(Box::new(changed))));
    }
    word.into_iter().for_each(|word| outbox.send(Request::VoxelSize(word)));
}

fn buttons_ui(ui: &mut egui::Ui, form: &SizeForm) -> Option<SizeAnswer> {
    let mut word = None;
    ui.horizontal(|ui| {
        let t = theme::tokens(ui);
        let problem = form.answer().err();
        let text = egui::RichText::new(say!("Open")).strong().color(t.on_accent);
        let open = ui.add_enabled(problem.is_none(), egui::Button::new(text).fill(t.accent_fill));
        let is_meant = open.clicked() || problem.is_none() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        if is_meant {
            word = Some(SizeAnswer::Typed);
        }
        open.on_hover_text(say!("Open it with voxels of this size (Enter)"))
            .on_disabled_hover_text(problem.unwrap_or_default());
        let hint = say!("A pixel counts as 1 mm in all directions; the badge says so, and measures count pixels");
        if ui.button(say!("Unknown, use pixels")).on_hover_text(hint).clicked() {
            word = Some(SizeAnswer::Pixels);
        }
        if ui.button(say!("Cancel")).on_hover_text(say!("Open nothing (Esc)")).clicked() {
            word = Some(SizeAnswer::Cancel);
        }
    });
    word
}
