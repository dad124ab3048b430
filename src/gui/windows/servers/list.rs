//! The servers that the user keeps.

use crate::app::state::servers::{Servers, ServersRequest};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::remote::Server;
use crate::words::{self, say};

/// Width of the list.
pub const WIDTH: f32 = 56.0 * UNIT;
/// Height of a server's row.
const ROW: f32 = 10.0 * UNIT;
/// Height of the buttons below the list.
const BUTTONS: f32 = 28.0 * UNIT;

/// Shows the list with its buttons.
pub fn list_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.set_width(WIDTH);
    let servers = &studio.servers;
    let height = ui.available_height() - BUTTONS;
    egui::ScrollArea::vertical().id_salt("servers").max_height(height).min_scrolled_height(height).show(ui, |ui| {
        ui.set_min_height(height);
        if let Some(problem) = &servers.problem {
            ui.add(
                egui::Label::new(egui::RichText::new(words::shown(problem)).small().color(theme::tokens(ui).bad))
                    .wrap(),
            );
        }
        if servers.known.servers.is_empty() {
            note(ui, say!("No server yet."));
        }
        for (n, server) in servers.known.servers.iter().enumerate() {
            if row_ui(ui, server, servers.chosen == Some(n)).clicked() {
                outbox.send(Request::Servers(ServersRequest::Choose(n)));
            }
        }
    });
    buttons_ui(ui, servers, outbox);
}

fn row_ui(ui: &mut egui::Ui, server: &Server, is_chosen: bool) -> egui::Response {
    let t = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(egui::vec2(ui.available_width(), ROW), egui::Sense::click());
    if is_chosen {
        ui.painter().rect_filled(rect, UNIT, t.accent.gamma_multiply(0.16));
    } else if response.hovered() {
        ui.painter().rect_filled(rect, UNIT, t.line);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, UNIT, egui::Stroke::new(1.0, t.accent), egui::StrokeKind::Inside);
    }
    let inside = rect.shrink2(egui::vec2(UNIT, UNIT));
    let line = |text: &str, style: egui::TextStyle, colour| {
        let mut job = egui::text::LayoutJob::simple_singleline(text.into(), style.resolve(ui.style()), colour);
        job.wrap = egui::text::TextWrapping::truncate_at_width(inside.width());
        ui.painter().layout_job(job)
    };
    ui.painter().galley(inside.left_top(), line(&server.name, egui::TextStyle::Body, t.text), t.text);
    let address = server.address.shown();
    let below = line(&address, egui::TextStyle::Small, t.dim);
    ui.painter().galley(inside.left_bottom() - egui::vec2(0.0, below.size().y), below, t.dim);
    response.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::WidgetType::SelectableLabel,
            true,
            is_chosen,
            say!("Server {server}", server = server.name),
        )
    });
    response.on_hover_text(format!("{}\n{address}", server.name))
}

fn buttons_ui(ui: &mut egui::Ui, servers: &Servers, outbox: &mut Outbox) {
    let has_chosen = servers.server().is_some() && servers.form.is_none();
    ui.horizontal(|ui| {
        for (name, hint, is_possible, request) in [
            (say!("Add"), say!("Write down another server"), servers.form.is_none(), ServersRequest::Add),
            (say!("Edit"), say!("Change the chosen server"), has_chosen, ServersRequest::Edit),
            (say!("Remove"), say!("Take the chosen server off the list"), has_chosen, ServersRequest::Remove),
        ] {
            let button = ui.add_enabled(is_possible, egui::Button::new(name));
            let told = say!("{name} server", name);
            button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, is_possible, &told));
            if button.on_hover_text(hint).on_disabled_hover_text(say!("Choose a server first")).clicked() {
                outbox.send(Request::Servers(request));
            }
        }
    });
    ui.horizontal(|ui| {
        let test = ui.add_enabled(has_chosen, egui::Button::new(say!("Test")));
        test.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, has_chosen, say!("Test server")));
        let hint = say!("Ask whether the server is there, takes the login and speaks with Lamella");
        if test.on_hover_text(hint).on_disabled_hover_text(say!("Choose a server first")).clicked() {
            outbox.send(Request::Servers(ServersRequest::Test));
        }
        if servers.account().is_some() {
            let forget = ui.add_enabled(has_chosen, egui::Button::new(say!("Forget password")));
            if forget.on_hover_text(say!("Forget it here and in the system's keyring")).clicked() {
                outbox.send(Request::Servers(ServersRequest::Forget));
            }
        }
    });
    if let Some((_, removed)) = &servers.removed {
        ui.horizontal(|ui| {
            if ui.button(say!("Bring back")).on_hover_text(say!("Put the removed server into the list again")).clicked()
            {
                outbox.send(Request::Servers(ServersRequest::BringBack));
            }
            let text = egui::RichText::new(&removed.name).small().color(theme::tokens(ui).dim);
            ui.add(egui::Label::new(text).truncate());
        });
    }
}
