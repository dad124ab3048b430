//! The page without a scan.

use std::path::Path;

use crate::app::state::common_jobs::COMMON_JOBS;
use crate::app::state::saving::file_name;
use crate::app::state::templates::TemplateRequest;
use crate::app::{Outbox, Request, Studio, commands};
use crate::gui::controls::icon_button;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Width of the list of recent paths.
const RECENT: f32 = 110.0 * UNIT;
/// Width of the button of a template.
const TEMPLATE: f32 = 52.0 * UNIT;

/// Shows the page.
pub fn welcome_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let dim = theme::tokens(ui).dim;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.08).max(4.0 * UNIT));
        ui.label(egui::RichText::new("Lamella").size(theme::TITLE).strong());
        ui.label(egui::RichText::new(say!("Open a scan, segment it, correct it, save the mask.")).color(dim));
        ui.add_space(5.0 * UNIT);
        large_button(ui, studio, outbox, icon::FOLDER_OPEN, say!("Open folder"), "file.open-folder");
        large_button(ui, studio, outbox, icon::FILE, say!("Open file"), "file.open");
        large_button(ui, studio, outbox, icon::FLASK, say!("Try the sample"), "file.sample");
        ui.add_space(3.0 * UNIT);
        ui.label(egui::RichText::new(say!("or drop files and folders anywhere")).small().color(dim));
        ui.add_space(3.0 * UNIT);
        if studio.items.is_empty() {
            let hint = say!("The sample, the model, a correction, Refine and a file, in under three minutes");
            if ui.link(say!("First steps, with the sample")).on_hover_text(hint).clicked() {
                outbox.run("window.first-task");
            }
            ui.add_space(UNIT);
        }
        templates_ui(ui, studio, outbox);
        let hint = say!("Train a model on a folder of labelled scans; no scan needs to be open");
        let text = if studio.teach.is_alone { say!("Close the Teach task") } else { say!("Teach a model") };
        if ui.link(text).on_hover_text(hint).clicked() {
            outbox.run("teach.alone");
        }
        if studio.items.is_empty() {
            recent_ui(ui, studio, outbox);
        } else {
            questions_ui(ui, studio, outbox);
        }
    });
}

/// Common jobs, and the one that waits for a scan.
fn templates_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let dim = theme::tokens(ui).dim;
    ui.add_space(2.0 * UNIT);
    ui.label(egui::RichText::new(say!("Begin with a template")).color(dim));
    let size = egui::vec2(2.0 * TEMPLATE + UNIT, ui.spacing().interact_size.y);
    let more =
        commands::find("file.templates").map(|entry| (entry.id, words::text(entry.name), words::text(entry.hint)));
    let all: Vec<_> =
        COMMON_JOBS.iter().map(|job| (job.id, words::text(job.name), words::text(job.hint))).chain(more).collect();
    for row in all.chunks(2) {
        ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = UNIT;
            for (id, name, hint) in row {
                let button = egui::Button::new(*name).truncate().min_size(egui::vec2(TEMPLATE, size.y));
                if ui.add_sized([TEMPLATE, size.y], button).on_hover_text(*hint).clicked() {
                    outbox.run(id);
                }
            }
        });
    }
    if let Some(waiting) = &studio.templates.waiting {
        ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
            let forget = icon_button(ui, icon::X, say!("Forget the template"));
            if forget.on_hover_text(say!("Open the next scan without it")).clicked() {
                outbox.send(Request::Template(TemplateRequest::Forget));
            }
            let name = words::text(&waiting.template.name);
            ui.add(egui::Label::new(say!("\"{name}\" is set up for the next scan that opens.", name)).truncate());
        });
    }
    ui.add_space(2.0 * UNIT);
}

/// Series that are opened only with the user's word, each with what that does.
fn questions_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    for (n, item) in studio.items.iter().enumerate() {
        let Some(what) = item.entry.source.asks() else { continue };
        ui.add_space(3.0 * UNIT);
        theme::card_frame(ui).show(ui, |ui| {
            ui.set_width(RECENT);
            ui.label(egui::RichText::new(&item.entry.name).heading());
            ui.add(egui::Label::new(format!("{} {what}.", icon::WARNING)).wrap());
            ui.add_space(UNIT);
            let button = ui.button(say!("Open it so"));
            let name = say!("Open {entry} so", entry = item.entry.name);
            button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
            if button.clicked() {
                outbox.send(Request::ShowItem(n));
            }
        });
    }
}

fn large_button(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, sign: &str, name: &str, id: &'static str) {
    let text = egui::RichText::new(format!("{sign}   {name}")).size(theme::HEADING);
    let response = ui.add(egui::Button::new(text).min_size(egui::vec2(60.0 * UNIT, 10.0 * UNIT)));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
    let hint = commands::find(id).map(|entry| commands::tooltip(&studio.settings.keys, entry)).unwrap_or_default();
    if response.on_hover_text(hint).clicked() {
        outbox.run(id);
    }
}

/// Paths that were opened last, each with its folder.
fn recent_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    if studio.settings.recent.is_empty() {
        return;
    }
    ui.add_space(5.0 * UNIT);
    ui.label(egui::RichText::new(say!("Recent")).color(theme::tokens(ui).dim));
    let room = ui.available_rect_before_wrap();
    let width = RECENT.min(room.width());
    let list = egui::Rect::from_center_size(room.center(), egui::vec2(width, room.height()));
    ui.scope_builder(egui::UiBuilder::new().max_rect(list), |ui| {
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            for path in &studio.settings.recent {
                let size = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
                ui.allocate_ui_with_layout(size, egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    recent_row_ui(ui, studio, outbox, path);
                });
            }
        });
    });
}

fn recent_row_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, path: &Path) {
    let dim = theme::tokens(ui).dim;
    let name = if path.file_name().is_some() { file_name(path) } else { path.display().to_string() };
    let is_missing = studio.recent.missing.contains(path);
    let forget = icon_button(ui, icon::X, &say!("Forget {name}", name));
    if forget.on_hover_text(say!("Take it from this list; no file is deleted")).clicked() {
        let mut settings = studio.settings.clone();
        settings.recent.retain(|recent| recent != path);
        outbox.send(Request::Settings(Box::new(settings)));
    }
    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
        let whole = path.display().to_string();
        if is_missing {
            let text = egui::RichText::new(say!("{name} (not there)", name)).color(dim);
            ui.label(text).on_hover_text(say!(
                "{whole}\nIt was moved, renamed or deleted, or its drive is not connected.",
                whole
            ));
        } else if ui.link(name).on_hover_text(&whole).clicked() {
            outbox.send(Request::Open(vec![path.to_path_buf()]));
        }
        let folder = path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        ui.add(egui::Label::new(egui::RichText::new(folder).small().color(dim)).truncate());
    });
}
