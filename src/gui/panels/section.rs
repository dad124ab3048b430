//! A titled part of a task, which can be folded.

use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words;

/// Shows it; whether it is folded is remembered by its title.
pub fn section(
    ui: &mut egui::Ui,
    studio: &Studio,
    outbox: &mut Outbox,
    title: &str,
    content: impl FnOnce(&mut egui::Ui, &mut Outbox),
) {
    theme::card_frame(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let is_open = !studio.settings.folded.iter().any(|folded| folded == title);
        let header = egui::CollapsingHeader::new(egui::RichText::new(words::text(title)).heading())
            .id_salt(title)
            .open(Some(is_open));
        let response = header.show_unindented(ui, |ui| content(ui, outbox));
        if response.header_response.clicked() {
            let mut settings = studio.settings.clone();
            if is_open {
                settings.folded.push(title.to_string());
            } else {
                settings.folded.retain(|folded| folded != title);
            }
            outbox.send(Request::Settings(Box::new(settings)));
        }
    });
    ui.add_space(UNIT);
}
