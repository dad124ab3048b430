//! The Servers window: servers on the left, what the chosen one has on the right, fetching and sending at the foot.

mod foot;
mod form;
mod list;
mod password;
mod results;
mod search;

use crate::app::state::servers::ServersRequest;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::words::say;

/// Width of the window, at most.
const WIDTH: f32 = 270.0 * UNIT;
/// Height of the window, at most.
const HEIGHT: f32 = 165.0 * UNIT;
/// Room that is left around it.
const AROUND: f32 = 16.0 * UNIT;

/// What is typed and not yet asked for.
#[derive(Default)]
pub struct ServersWindow {
    password: password::Typed,
}

impl ServersWindow {
    /// Shows it while it is open.
    pub fn ui(&mut self, context: &egui::Context, studio: &Studio, outbox: &mut Outbox) {
        if !studio.servers.is_open {
            *self = Self::default();
            return;
        }
        let room = context.content_rect().size() - egui::Vec2::splat(AROUND);
        let size = egui::vec2(WIDTH.min(room.x), HEIGHT.min(room.y));
        let modal = egui::Modal::new(egui::Id::new("servers")).show(context, |ui| {
            ui.set_width(size.x);
            ui.set_height(size.y);
            ui.horizontal(|ui| {
                ui.label(egui::RichText::new(say!("Servers")).heading());
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui
                        .button(say!("Close"))
                        .on_hover_text(say!("Close; what is being fetched or sent goes on (Esc)"))
                        .clicked()
                    {
                        outbox.send(Request::Servers(ServersRequest::Close));
                    }
                });
            });
            ui.add_space(UNIT);
            let height = ui.available_height();
            ui.horizontal_top(|ui| {
                ui.allocate_ui(egui::vec2(list::WIDTH, height), |ui| {
                    ui.vertical(|ui| list::list_ui(ui, studio, outbox));
                });
                ui.separator();
                let width = ui.available_width();
                ui.allocate_ui(egui::vec2(width, height), |ui| {
                    ui.vertical(|ui| {
                        ui.set_min_width(width);
                        self.right_ui(ui, studio, outbox);
                    });
                });
            });
        });
        // Within a form, Esc leaves the form.
        if modal.should_close() {
            outbox.send(Request::Servers(match (&studio.servers.form, &studio.servers.asking) {
                (_, Some(_)) => ServersRequest::NoPassword,
                (Some(_), None) => ServersRequest::LeaveForm,
                (None, None) => ServersRequest::Close,
            }));
        }
    }

    fn right_ui(&mut self, ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
        if let Some(form) = &studio.servers.form {
            form::form_ui(ui, studio, form, outbox);
        } else if let Some(asking) = &studio.servers.asking {
            self.password.ui(ui, studio, asking, outbox);
        } else if studio.servers.server().is_some() {
            search::search_ui(ui, studio, outbox);
            ui.add_space(UNIT);
            let height = ui.available_height() - foot::height(ui);
            ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
                ui.set_min_size(egui::vec2(ui.available_width(), height));
                results::results_ui(ui, studio, outbox, height);
            });
            foot::foot_ui(ui, studio, outbox);
        } else {
            ui.add_space(8.0 * UNIT);
            ui.vertical_centered(|ui| {
                note(ui, say!("Name a server of images, of your hospital or your own, to fetch scans from it and to send results back."));
                ui.add_space(UNIT);
                if ui.button(say!("Add a server")).on_hover_text(say!("Write down where it is")).clicked() {
                    outbox.send(Request::Servers(ServersRequest::Add));
                }
            });
        }
    }
}
