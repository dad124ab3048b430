//! What the program is, and where its files lie.

use crate::app::Outbox;
use crate::app::state::settings;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};

/// Shows version, licence, what it is not for, and where settings and models lie; whether it stays open.
pub fn about_ui(context: &egui::Context, outbox: &mut Outbox) -> bool {
    let mut is_open = true;
    let modal = egui::Modal::new(egui::Id::new("about")).show(context, |ui| {
        ui.set_width(110.0 * UNIT);
        let dim = theme::tokens(ui).dim;
        ui.label(egui::RichText::new(format!("Lamella {}", env!("CARGO_PKG_VERSION"))).heading());
        ui.add(egui::Label::new(words::text(env!("CARGO_PKG_DESCRIPTION"))).wrap());
        ui.add_space(2.0 * UNIT);
        let place = |path: Option<std::path::PathBuf>| {
            path.map_or_else(
                || say!("nowhere: this account has no folder for them").into(),
                |path| path.display().to_string(),
            )
        };
        let portable = if crate::home::is_portable() {
            say!("yes: everything of the program lies beside it")
        } else {
            say!("no; a folder called \"portable\" beside the program makes it so")
        };
        egui::Grid::new("about").num_columns(2).spacing([4.0 * UNIT, UNIT]).show(ui, |ui| {
            for (caption, text) in [
                (say!("Licence"), env!("CARGO_PKG_LICENSE").to_string()),
                (say!("Settings"), place(settings::file())),
                (say!("Models"), place(crate::model::user_folder())),
                (say!("Portable"), portable.to_string()),
            ] {
                ui.label(egui::RichText::new(caption).color(dim));
                ui.add(egui::Label::new(text).wrap().selectable(true));
                ui.end_row();
            }
        });
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| {
            is_open = !ui.button(say!("Close")).on_hover_text(say!("Close (Esc)")).clicked();
            let hint = say!("Whose work is in the program: crates, fonts and models, with the texts of their licences");
            if ui.button(say!("Licences...")).on_hover_text(hint).clicked() {
                outbox.run("window.licences");
                is_open = false;
            }
        });
    });
    is_open && !modal.should_close()
}
