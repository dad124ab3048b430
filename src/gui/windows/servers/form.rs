//! A server that is added or changed: its fields, each checked as it is typed.

use crate::app::state::servers::{Field, Protocol, ServerForm, ServersRequest};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};

/// Width of captions.
const CAPTION: f32 = 34.0 * UNIT;
/// Width of fields.
const FIELD: f32 = 90.0 * UNIT;

/// What is wrong with which field.
type Wrong = Vec<(Field, String)>;

/// Shows the form.
pub fn form_ui(ui: &mut egui::Ui, studio: &Studio, form: &ServerForm, outbox: &mut Outbox) {
    let others = studio.servers.known.servers.iter().enumerate().filter(|(n, _)| Some(*n) != form.at);
    let names: Vec<&str> = others.map(|(_, server)| server.name.as_str()).collect();
    let wrong = form.server(&names).err().unwrap_or_default();
    let mut changed = form.clone();
    ui.label(
        egui::RichText::new(if form.at.is_some() { say!("Change the server") } else { say!("Add a server") }).strong(),
    );
    ui.add_space(UNIT);
    let height = ui.available_height() - 12.0 * UNIT;
    egui::ScrollArea::vertical().id_salt("server form").max_height(height).show(ui, |ui| {
        text_ui(ui, say!("Name"), say!("How you call it"), &mut changed.name, find(&wrong, Field::Name));
        ui.horizontal(|ui| {
            caption_ui(ui, say!("Speaks"));
            for (protocol, name, hint) in [
                (Protocol::Web, "DICOMweb", say!("Over https: QIDO, WADO and STOW")),
                (
                    Protocol::Classic,
                    say!("Classic DICOM"),
                    say!("Associations with C-FIND, C-GET or C-MOVE, and C-STORE"),
                ),
            ] {
                ui.radio_value(&mut changed.protocol, protocol, name).on_hover_text(hint);
            }
        });
        match changed.protocol {
            Protocol::Web => web_ui(ui, &mut changed, &wrong),
            Protocol::Classic => classic_ui(ui, &mut changed, &wrong),
        }
        if let Some(warning) = form.warning() {
            let warn = theme::tokens(ui).warn;
            ui.add(egui::Label::new(egui::RichText::new(words::shown(&warning)).small().color(warn)).wrap());
        }
    });
    ui.add_space(UNIT);
    ui.horizontal(|ui| {
        let keep = ui.add_enabled(wrong.is_empty(), egui::Button::new(say!("Save server")));
        let why = wrong.first().map(|(_, why)| why.clone()).unwrap_or_default();
        if keep
            .on_hover_text(say!("Keep it in the list; a password is never kept there"))
            .on_disabled_hover_text(why)
            .clicked()
        {
            outbox.send(Request::Servers(ServersRequest::KeepForm));
        }
        if ui.button(say!("Cancel")).on_hover_text(say!("Change nothing (Esc)")).clicked() {
            outbox.send(Request::Servers(ServersRequest::LeaveForm));
        }
    });
    if changed != *form {
        outbox.send(Request::Servers(ServersRequest::Form(Box::new(changed))));
    }
}

fn web_ui(ui: &mut egui::Ui, form: &mut ServerForm, wrong: &Wrong) {
    text_ui(ui, say!("Address"), "https://host/dicom-web", &mut form.url, find(wrong, Field::Url));
    text_ui(ui, say!("User"), say!("Leave it empty where nobody logs in"), &mut form.user, None);
    note(
        ui,
        say!(
            "The password is asked for when it is needed. It can be kept in the system's keyring, never in Lamella's files."
        ),
    );
    ca_file_ui(ui, form);
}

fn ca_file_ui(ui: &mut egui::Ui, form: &mut ServerForm) {
    let hint = say!("Certificate of the server's authority (PEM); often none");
    text_ui(ui, say!("CA file"), hint, &mut form.ca_file, None);
}

fn classic_ui(ui: &mut egui::Ui, form: &mut ServerForm, wrong: &Wrong) {
    text_ui(ui, say!("Host"), say!("pacs.example.org or 10.0.0.5"), &mut form.host, find(wrong, Field::Host));
    text_ui(ui, say!("Port"), "104", &mut form.port, find(wrong, Field::Port));
    text_ui(ui, say!("Its AE title"), "ORTHANC", &mut form.called, find(wrong, Field::Called));
    text_ui(ui, say!("Our AE title"), "LAMELLA", &mut form.calling, find(wrong, Field::Calling));
    ui.horizontal(|ui| {
        caption_ui(ui, say!("It sends by"));
        let get = say!("Over the connection that Lamella makes; nothing is set up on the server");
        ui.radio_value(&mut form.moves, false, "C-GET").on_hover_text(get);
        let moves = say!("The server calls back: it must know our AE title, this computer and the port below");
        ui.radio_value(&mut form.moves, true, "C-MOVE").on_hover_text(moves);
    });
    if form.moves {
        text_ui(ui, say!("Our port"), "11112", &mut form.own_port, find(wrong, Field::OwnPort));
    }
    ui.horizontal(|ui| {
        caption_ui(ui, say!("Secure"));
        ui.checkbox(&mut form.is_secure, say!("Connect by TLS"));
    });
    if form.is_secure {
        ca_file_ui(ui, form);
    }
}

fn find(wrong: &Wrong, field: Field) -> Option<&str> {
    wrong.iter().find(|(of, _)| *of == field).map(|(_, why)| why.as_str())
}

fn caption_ui(ui: &mut egui::Ui, caption: &str) -> egui::Response {
    let size = egui::vec2(CAPTION, ui.spacing().interact_size.y);
    let left = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(size, left, |ui| {
        ui.set_min_width(CAPTION);
        ui.add(egui::Label::new(caption).truncate())
    })
    .inner
}

/// A field with its caption, by which it is found; what is wrong with it stands below once something is typed.
fn text_ui(ui: &mut egui::Ui, caption: &str, hint: &str, text: &mut String, wrong: Option<&str>) {
    ui.horizontal(|ui| {
        let name = caption_ui(ui, caption);
        let dim = theme::tokens(ui).dim;
        let hint = egui::RichText::new(hint).color(dim);
        let width = FIELD.min(ui.available_width());
        ui.add(egui::TextEdit::singleline(text).hint_text(hint).desired_width(width)).labelled_by(name.id);
    });
    if let Some(wrong) = wrong.filter(|_| !text.trim().is_empty()) {
        ui.horizontal(|ui| {
            caption_ui(ui, "");
            let bad = theme::tokens(ui).bad;
            ui.add(egui::Label::new(egui::RichText::new(words::shown(wrong)).small().color(bad)).wrap());
        });
    }
}
