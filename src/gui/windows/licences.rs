//! The Licences window: whose work is in the program, and the texts of the licences.

use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::licences::{Licences, LicencesError, Part, licences};
use crate::words::{plural, say};

/// Width of the list.
const LIST: f32 = 75.0 * UNIT;
/// Width of a text: a line of a licence in the font of code.
const TEXT: f32 = 150.0 * UNIT;

/// The Licences window, while it is open.
pub struct LicencesWindow {
    all: Result<Licences, LicencesError>,
    words: String,
    has_focus: bool,
    /// Title of the part whose text is shown, and the text.
    chosen: (String, String),
}

impl Default for LicencesWindow {
    fn default() -> Self {
        let all = licences();
        let first = all.as_ref().ok().and_then(|all| Some((all, all.parts.first()?)));
        let chosen = first.map(|(all, part)| (part.title(), all.text(part))).unwrap_or_default();
        Self { all, words: String::new(), has_focus: false, chosen }
    }
}

impl LicencesWindow {
    /// Shows it; whether it stays open.
    pub fn ui(&mut self, context: &egui::Context) -> bool {
        let mut is_open = true;
        let modal = egui::Modal::new(egui::Id::new("licences")).show(context, |ui| {
            let screen = ui.ctx().content_rect();
            ui.set_width((LIST + TEXT).min(screen.width() - 16.0 * UNIT));
            ui.label(egui::RichText::new(say!("Licences")).heading());
            match &self.all {
                Ok(all) => {
                    let height = (screen.height() - 52.0 * UNIT).max(30.0 * UNIT);
                    search_ui(ui, &mut self.words, &mut self.has_focus);
                    let found = all.search(&self.words);
                    ui.add_space(UNIT);
                    // A separator is as high as its row may be, and the row of a window may be as high as it likes.
                    let row = egui::vec2(ui.available_width(), height);
                    ui.allocate_ui_with_layout(row, egui::Layout::left_to_right(egui::Align::Min), |ui| {
                        let down = egui::Layout::top_down(egui::Align::Min);
                        ui.allocate_ui_with_layout(egui::vec2(LIST, height), down, |ui| {
                            list_ui(ui, height, all, &found, &mut self.chosen);
                        });
                        ui.separator();
                        let rest = egui::vec2(ui.available_width(), height);
                        ui.allocate_ui_with_layout(rest, down, |ui| text_ui(ui, height, &self.chosen));
                    });
                    ui.add_space(UNIT);
                    let count = plural!(found.len(), "{count} part", "{count} parts", count = found.len());
                    ui.label(egui::RichText::new(count).small().color(theme::tokens(ui).dim));
                }
                Err(error) => {
                    ui.label(error.to_string());
                }
            }
            ui.add_space(UNIT);
            ui.horizontal(|ui| {
                is_open = !ui.button(say!("Close")).on_hover_text(say!("Close (Esc)")).clicked();
                let hint = say!("Copy the text on the right");
                if ui.button(say!("Copy")).on_hover_text(hint).clicked() {
                    ui.ctx().copy_text(self.chosen.1.clone());
                }
            });
        });
        is_open && !modal.should_close()
    }
}

fn search_ui(ui: &mut egui::Ui, words: &mut String, has_focus: &mut bool) {
    let name = say!("Search names and licences");
    let hint = egui::RichText::new(name).color(theme::tokens(ui).dim);
    let field = ui.add(egui::TextEdit::singleline(words).hint_text(hint).desired_width(LIST));
    let text = words.clone();
    field.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, name);
        info.current_text_value = Some(text.clone());
        info
    });
    if !std::mem::replace(has_focus, true) {
        field.request_focus();
    }
}

/// The rows that are in sight: a name, and its licence where there is room.
fn list_ui(ui: &mut egui::Ui, height: f32, all: &Licences, found: &[&Part], chosen: &mut (String, String)) {
    let dim = theme::tokens(ui).dim;
    let row = ui.spacing().interact_size.y;
    let list = egui::ScrollArea::vertical().id_salt("licences").max_height(height).min_scrolled_height(height);
    list.auto_shrink([false, false]).show_rows(ui, row, found.len(), |ui, rows| {
        for part in found.get(rows).into_iter().flatten() {
            let title = part.title();
            let mut text = egui::text::LayoutJob::default();
            let font = egui::TextStyle::Body.resolve(ui.style());
            text.append(&title, 0.0, egui::TextFormat::simple(font, theme::tokens(ui).text));
            let font = egui::TextStyle::Small.resolve(ui.style());
            text.append(&format!("  {}", part.licence), 0.0, egui::TextFormat::simple(font, dim));
            let whole = text.text.clone();
            let button = egui::Button::selectable(chosen.0 == title, text).truncate();
            let response = ui.add(button.min_size(egui::vec2(ui.available_width(), row)));
            let is_chosen = chosen.0 == title;
            response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::Button, true, is_chosen, &title));
            if response.on_hover_text(whole).clicked() {
                *chosen = (title, all.text(part));
            }
        }
    });
}

fn text_ui(ui: &mut egui::Ui, height: f32, (title, text): &(String, String)) {
    // Another text begins at its top.
    let area = egui::ScrollArea::both().id_salt(title).max_height(height).min_scrolled_height(height);
    area.auto_shrink([false, false]).show(ui, |ui| {
        let text = egui::RichText::new(text).monospace().size(theme::SMALL);
        ui.add(egui::Label::new(text).wrap().selectable(true));
    });
}
