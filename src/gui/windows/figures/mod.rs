//! The window that draws slices for papers: choices on the left, what comes of them on the right.

mod form;

use crate::app::act::figures::lacks;
use crate::app::state::figures::{FigureForm, FigureKind, FigureRequest};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::paint::textures::Textures;
use crate::gui::theme::{self, UNIT};
use crate::jobs::{Job, SaveSheetJob, SaveSlicesJob};
use crate::words::{self, say};

/// Width of the window, at most.
const WIDTH: f32 = 270.0 * UNIT;
/// Height of the window, at most.
const HEIGHT: f32 = 165.0 * UNIT;
/// Room that is left around it.
const AROUND: f32 = 16.0 * UNIT;

/// Shows it while it is open.
pub fn figures_ui(context: &egui::Context, studio: &Studio, outbox: &mut Outbox, textures: &mut Textures) {
    let Some(form) = &studio.figures.form else { return };
    let room = context.content_rect().size() - egui::Vec2::splat(AROUND);
    let size = egui::vec2(WIDTH.min(room.x), HEIGHT.min(room.y));
    let modal = egui::Modal::new(egui::Id::new("figures")).show(context, |ui| {
        ui.set_width(size.x);
        ui.set_height(size.y);
        ui.horizontal(|ui| {
            ui.label(egui::RichText::new(say!("Slices as pictures")).heading());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button(say!("Close")).on_hover_text(say!("Close; what is being written goes on (Esc)")).clicked()
                {
                    outbox.send(Request::Figure(FigureRequest::Close));
                }
            });
        });
        ui.add_space(UNIT);
        let foot = 2.0 * ui.spacing().interact_size.y + 4.0 * UNIT;
        let height = ui.available_height() - foot;
        ui.scope(|ui| {
            // A line between columns is as high as there is room.
            ui.set_max_height(height);
            ui.horizontal_top(|ui| {
                ui.allocate_ui(egui::vec2(form::WIDTH, height), |ui| {
                    ui.vertical(|ui| form::form_ui(ui, studio, form, outbox, height));
                });
                ui.separator();
                let width = ui.available_width();
                ui.allocate_ui(egui::vec2(width, height), |ui| {
                    ui.vertical(|ui| {
                        ui.set_min_size(egui::vec2(width, height));
                        preview_ui(ui, studio, textures, egui::vec2(width, height));
                    });
                });
            });
        });
        foot_ui(ui, studio, form, outbox);
    });
    if modal.should_close() {
        outbox.send(Request::Figure(FigureRequest::Close));
    }
}

fn preview_ui(ui: &mut egui::Ui, studio: &Studio, textures: &mut Textures, room: egui::Vec2) {
    let t = theme::tokens(ui);
    if let Some(problem) = &studio.figures.problem {
        let text = crate::app::state::notices::in_sentence_case(&words::shown(problem));
        ui.add(egui::Label::new(egui::RichText::new(text).color(t.bad)).wrap());
        return;
    }
    let Some((_, picture)) = &studio.figures.preview else {
        note(ui, say!("Drawing..."));
        return;
    };
    let texture = textures.of(ui.ctx(), picture, egui::TextureOptions::LINEAR);
    let full = texture.size_vec2();
    let scale = (room.x / full.x).min(room.y / full.y).min(1.0);
    let response = ui.add(egui::Image::new((texture.id(), full * scale)));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Image, true, say!("Preview")));
}

fn foot_ui(ui: &mut egui::Ui, studio: &Studio, form: &FigureForm, outbox: &mut Outbox) {
    ui.separator();
    let t = theme::tokens(ui);
    ui.horizontal(|ui| {
        let name = match form.kind {
            FigureKind::Sheet => say!("Save sheet..."),
            FigureKind::Files => say!("Save files..."),
            FigureKind::Stack => say!("Save stack..."),
        };
        let task = [SaveSheetJob::KIND, SaveSlicesJob::KIND].into_iter().find_map(|kind| studio.tasks.find(kind));
        let lacks = lacks(studio).or_else(|| task.map(|_| say!("Wait until what is being written is there").into()));
        let text = egui::RichText::new(name).strong().color(t.on_accent);
        let button = ui.add_enabled(lacks.is_none(), egui::Button::new(text).fill(t.accent_fill));
        let hint = say!("Choose where, and write");
        if button.on_hover_text(hint).on_disabled_hover_text(words::shown(&lacks.unwrap_or_default())).clicked() {
            outbox.send(Request::Figure(FigureRequest::Save));
        }
        if let Some(task) = task {
            if ui.button(say!("Stop")).on_hover_text(say!("Stop writing")).clicked() {
                outbox.send(Request::Cancel(task.id));
            }
            ui.add(egui::ProgressBar::new(task.fraction).desired_width(40.0 * UNIT).desired_height(3.0 * UNIT));
            ui.ctx().request_repaint_after_secs(0.2);
        } else if let Some(said) = &studio.figures.said {
            let colour = if said.is_error { t.bad } else { t.good };
            ui.add(egui::Label::new(egui::RichText::new(words::shown(&said.text)).color(colour)).truncate())
                .on_hover_text(words::shown(&said.text));
        }
    });
}
