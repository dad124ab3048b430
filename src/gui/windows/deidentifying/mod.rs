//! The De-identify window: what is chosen on the left, every change on the right, writing at the foot.

mod changes;
mod foot;
mod form;

use crate::app::state::deidentifying::DeidentifyRequest;
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::words::say;

/// Width of the window, at most.
const WIDTH: f32 = 270.0 * UNIT;
/// Height of the window, at most.
const HEIGHT: f32 = 165.0 * UNIT;
/// Room that is left around it.
const AROUND: f32 = 16.0 * UNIT;

/// Shows it while it is open.
pub fn deidentifying_ui(context: &egui::Context, studio: &Studio, outbox: &mut Outbox) {
    if !studio.deidentifying.is_open {
        return;
    }
    let room = context.content_rect().size() - egui::Vec2::splat(AROUND);
    let size = egui::vec2(WIDTH.min(room.x), HEIGHT.min(room.y));
    let modal = egui::Modal::new(egui::Id::new("deidentify")).show(context, |ui| {
        ui.set_width(size.x);
        ui.set_height(size.y);
        ui.horizontal(|ui| {
            ui.label(egui::RichText::new(say!("De-identify")).heading());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button(say!("Close")).on_hover_text(say!("Close; what is being written goes on (Esc)")).clicked()
                {
                    outbox.send(Request::Deidentify(DeidentifyRequest::Close));
                }
            });
        });
        ui.add_space(UNIT);
        let height = ui.available_height() - foot::height(ui);
        ui.scope(|ui| {
            // A line between columns is as high as there is room.
            ui.set_max_height(height);
            ui.horizontal_top(|ui| {
                ui.allocate_ui(egui::vec2(form::WIDTH, height), |ui| {
                    ui.vertical(|ui| {
                        ui.set_width(form::WIDTH);
                        form::form_ui(ui, studio, outbox, height);
                    });
                });
                ui.separator();
                let width = ui.available_width();
                ui.allocate_ui(egui::vec2(width, height), |ui| {
                    ui.vertical(|ui| {
                        ui.set_min_size(egui::vec2(width, height));
                        changes::changes_ui(ui, studio, outbox, height);
                    });
                });
            });
        });
        foot::foot_ui(ui, studio, outbox);
    });
    if modal.should_close() {
        outbox.send(Request::Deidentify(DeidentifyRequest::Close));
    }
}
