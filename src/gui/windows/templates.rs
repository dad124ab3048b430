//! The window of templates: those that come with the program, and the user's own ones.

use crate::app::act::templates::lacks;
use crate::app::state::common_jobs::COMMON_JOBS;
use crate::app::state::saving::file_name;
use crate::app::state::templates::{OwnTemplate, TemplateRequest, Templates};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{icon_button, note};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Width of the window.
const WIDTH: f32 = 150.0 * UNIT;
/// Width of the field of the name.
const NAME: f32 = 80.0 * UNIT;

/// Shows it while it is open.
pub fn templates_ui(context: &egui::Context, studio: &Studio, outbox: &mut Outbox) {
    let templates = &studio.templates;
    if !templates.is_open {
        return;
    }
    let mut send = |request| outbox.send(Request::Template(request));
    let mut common = None;
    let modal = egui::Modal::new(egui::Id::new("templates")).show(context, |ui| {
        let screen = ui.ctx().content_rect();
        ui.set_width(WIDTH.min(screen.width() - 16.0 * UNIT));
        ui.label(egui::RichText::new(say!("Templates")).heading());
        note(ui, say!("A template sets labels, window, tool, tiles, model and form of saving, for the scan on screen or the next one."));
        ui.add_space(UNIT);
        let height = screen.height() - 60.0 * UNIT;
        egui::ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            for job in &COMMON_JOBS {
                if row_ui(ui, words::text(job.name), words::text(job.hint)) {
                    common = Some(job.id);
                }
            }
            own_ui(ui, templates, &mut send);
        });
        ui.add_space(2.0 * UNIT);
        save_ui(ui, studio, &mut send);
        ui.add_space(2.0 * UNIT);
        if ui.button(say!("Close")).on_hover_text(say!("Close (Esc)")).clicked() {
            send(TemplateRequest::Show(false));
        }
    });
    if modal.should_close() {
        send(TemplateRequest::Show(false));
    }
    if let Some(id) = common {
        outbox.run(id);
    }
}

/// A template and what it is for; whether it was chosen.
fn row_ui(ui: &mut egui::Ui, name: &str, hint: &str) -> bool {
    let button = ui.add(egui::Button::new(name).truncate());
    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
    if !hint.is_empty() {
        note(ui, hint);
    }
    ui.add_space(UNIT);
    button.clicked()
}

fn own_ui(ui: &mut egui::Ui, templates: &Templates, send: &mut impl FnMut(TemplateRequest)) {
    if templates.own.is_empty() {
        return;
    }
    ui.separator();
    ui.label(egui::RichText::new(say!("Your own")).color(theme::tokens(ui).dim));
    for OwnTemplate { path, read } in &templates.own {
        let file = file_name(path);
        let name = read.as_ref().map_or(file.as_str(), |template| template.name.as_str());
        ui.horizontal(|ui| {
            let delete = icon_button(ui, icon::TRASH, &say!("Delete the template {name}", name));
            if delete.on_hover_text(say!("Delete its file")).clicked() {
                send(TemplateRequest::Delete(path.clone()));
            }
            match read {
                Ok(template) => {
                    if row_ui(ui, &template.name, "") {
                        send(TemplateRequest::Use(path.clone()));
                    }
                }
                Err(why) => {
                    let why = words::shown(why);
                    let text = say!("{file} is not used: {why}. Nothing was changed.", file, why);
                    ui.add(egui::Label::new(egui::RichText::new(text).color(theme::tokens(ui).warn)).wrap());
                }
            }
        });
    }
}

/// The present settings as a template.
fn save_ui(ui: &mut egui::Ui, studio: &Studio, send: &mut impl FnMut(TemplateRequest)) {
    ui.label(egui::RichText::new(say!("Save what is set now as a template")).color(theme::tokens(ui).dim));
    ui.horizontal(|ui| {
        let mut name = studio.templates.name.clone();
        let caption = say!("Name of the template");
        let hint = egui::RichText::new(caption).color(theme::tokens(ui).dim);
        let field = ui.add(egui::TextEdit::singleline(&mut name).hint_text(hint).desired_width(NAME).char_limit(100));
        let text = name.clone();
        field.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, caption);
            info.current_text_value = Some(text.clone());
            info
        });
        if field.changed() {
            send(TemplateRequest::Name(name));
        }
        let lacks = lacks(studio);
        let button = ui.add_enabled(lacks.is_none(), egui::Button::new(say!("Save template")));
        let why = lacks.map(|lacks| say!("{lacks}.", lacks = words::text(lacks))).unwrap_or_default();
        let hint = say!(
            "Labels, window, tool, tiles, model and form of saving as they are; nothing of the scan or the patient"
        );
        if button.on_hover_text(hint).on_disabled_hover_text(why).clicked() {
            send(TemplateRequest::Save);
        }
    });
}
