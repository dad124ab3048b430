//! The question for a password.

use crate::app::state::servers::{Asking, ServersRequest};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::remote::Secret;
use crate::words::{self, say};

/// A password while it is typed.
#[derive(Default)]
pub struct Typed {
    text: String,
    is_kept: bool,
    has_focus: bool,
}

impl Typed {
    /// Asks for it.
    pub fn ui(&mut self, ui: &mut egui::Ui, studio: &Studio, asking: &Asking, outbox: &mut Outbox) {
        ui.label(egui::RichText::new(say!("Password")).strong());
        let bad = theme::tokens(ui).bad;
        if let Some(why) = &asking.why {
            ui.add(egui::Label::new(egui::RichText::new(words::shown(why)).color(bad)).wrap());
        }
        let name = ui.add(
            egui::Label::new(say!("{user} at {url}", user = asking.account.user, url = asking.account.url)).wrap(),
        );
        let field = egui::TextEdit::singleline(&mut self.text).password(true).desired_width(70.0 * UNIT);
        let field = ui.add(field).labelled_by(name.id);
        if !self.has_focus {
            field.request_focus();
            self.has_focus = true;
        }
        let is_entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        if studio.servers.uses_keyring {
            ui.checkbox(&mut self.is_kept, say!("Keep it in the system's keyring"));
            note(ui, say!("Else it is forgotten when Lamella is closed."));
        } else {
            note(ui, say!("There is no keyring: it is forgotten when Lamella is closed."));
        }
        ui.add_space(UNIT);
        ui.horizontal(|ui| {
            let log_in = ui.add_enabled(!self.text.is_empty(), egui::Button::new(say!("Log in")));
            if (log_in.clicked() || is_entered) && !self.text.is_empty() {
                let password = Secret::new(std::mem::take(&mut self.text));
                outbox.send(Request::Servers(ServersRequest::Password(password, self.is_kept)));
                *self = Self::default();
            }
            if ui.button(say!("Cancel")).on_hover_text(say!("Do nothing (Esc)")).clicked() {
                *self = Self::default();
                outbox.send(Request::Servers(ServersRequest::NoPassword));
            }
        });
    }
}
