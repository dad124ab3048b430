//! Listing, the folder for the new files, writing, and what came of it.

use crate::app::act::deidentifying::is_busy;
use crate::app::state::deidentifying::DeidentifyRequest;
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::panels::progress::progress_ui;
use crate::gui::theme::{self, UNIT};
use crate::jobs::{DeidentifyJob, Job};
use crate::words::{self, plural, say};

/// Rows at the foot: what is said has two lines.
const ROWS: f32 = 3.0;

/// Height of all of it.
pub fn height(ui: &egui::Ui) -> f32 {
    ROWS * (ui.spacing().interact_size.y + ui.spacing().item_spacing.y) + 4.0 * UNIT
}

/// Shows it.
pub fn foot_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.separator();
    let state = &studio.deidentifying;
    let is_idle = !is_busy(studio);
    let t = theme::tokens(ui);
    ui.horizontal(|ui| {
        ui.label(say!("Write to"));
        let text = state.form.output.as_ref().map(|folder| folder.display().to_string());
        let text = text.unwrap_or_else(|| say!("a new folder, which you choose").into());
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let files = state.current().map_or(0, |list| list.report.files);
            let name = match files {
                0 => say!("De-identify").to_string(),
                files => plural!(files, "De-identify 1 file", "De-identify {files} files", files),
            };
            let lacks = state.lacks_to_write().or((!is_idle).then_some(say!("Wait until what is under way is done")));
            let label = egui::RichText::new(name).strong().color(t.on_accent);
            let button = ui.add_enabled(lacks.is_none(), egui::Button::new(label).fill(t.accent_fill));
            let hint = say!("Write the files without their patients into the folder; the old ones stay as they are");
            if button.on_hover_text(hint).on_disabled_hover_text(lacks.map(words::text).unwrap_or_default()).clicked() {
                outbox.send(Request::Deidentify(DeidentifyRequest::Write));
            }
            let lacks = state.lacks_to_list().or((!is_idle).then_some(say!("Wait until what is under way is done")));
            let list = ui.add_enabled(lacks.is_none(), egui::Button::new(say!("List changes")));
            let hint = say!("Look through the files and list what would be changed; nothing is written");
            if list.on_hover_text(hint).on_disabled_hover_text(lacks.map(words::text).unwrap_or_default()).clicked() {
                outbox.send(Request::Deidentify(DeidentifyRequest::List));
            }
            if ui.add_enabled(is_idle, egui::Button::new(say!("Folder for new files..."))).clicked() {
                outbox.send(Request::Deidentify(DeidentifyRequest::ChooseOutput));
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(egui::RichText::new(&text).color(t.dim)).truncate()).on_hover_text(&text);
            });
        });
    });
    if let Some(task) = studio.tasks.find(DeidentifyJob::KIND) {
        ui.horizontal(|ui| {
            let stop = ui.add_enabled(!task.is_stopping, egui::Button::new(say!("Stop")));
            stop.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Stop de-identifying")));
            if stop.on_hover_text(say!("Stop; files that are written stay")).clicked() {
                outbox.send(Request::Cancel(task.id));
            }
            ui.vertical(|ui| progress_ui(ui, task));
        });
        ui.ctx().request_repaint_after_secs(0.2);
    } else if let Some(said) = &state.said {
        let colour = if said.is_error { t.bad } else { t.good };
        let height = 2.0 * ui.spacing().interact_size.y;
        egui::ScrollArea::vertical().id_salt("deidentify said").max_height(height).show(ui, |ui| {
            ui.add(egui::Label::new(egui::RichText::new(words::shown(&said.text)).color(colour)).wrap());
        });
    }
}
