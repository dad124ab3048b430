//! Controls that all panels share: buttons of commands, notes, icons.

use super::egui;
use super::lines;
use super::theme;
use crate::app::{Outbox, Studio, commands};
use crate::words::{self, say};

/// A button of a command: its name, hint and keys, and why it cannot be pressed now. `text` says more than the name where it is given.
pub fn command_button(
    ui: &mut egui::Ui,
    studio: &Studio,
    outbox: &mut Outbox,
    id: &'static str,
    text: Option<&str>,
) -> egui::Response {
    let Some(entry) = commands::find(id) else { return ui.label(id) };
    let text = text.unwrap_or(words::text(entry.name).trim_end_matches("..."));
    let lacks = (entry.lacks)(studio);
    let response = ui.add_enabled(lacks.is_none(), egui::Button::new(text));
    finish(response, studio, outbox, id, text)
}

/// The main button of a task, over the whole width.
pub fn main_button(
    ui: &mut egui::Ui,
    studio: &Studio,
    outbox: &mut Outbox,
    id: &'static str,
    text: &str,
) -> egui::Response {
    let Some(entry) = commands::find(id) else { return ui.label(id) };
    let lacks = (entry.lacks)(studio);
    let t = theme::tokens(ui);
    let label = egui::RichText::new(text).strong().color(t.on_accent);
    let size = egui::vec2(ui.available_width(), theme::ACTION_HEIGHT);
    let button = egui::Button::new(label).fill(t.accent_fill);
    let response = ui.add_enabled_ui(lacks.is_none(), |ui| ui.add_sized(size, button)).inner;
    finish(response, studio, outbox, id, text)
}

/// A button of a command that shows an icon and is called by the command's name.
pub fn icon_command(
    ui: &mut egui::Ui,
    studio: &Studio,
    outbox: &mut Outbox,
    id: &'static str,
    icon: &str,
) -> egui::Response {
    let Some(entry) = commands::find(id) else { return ui.label(id) };
    let lacks = (entry.lacks)(studio);
    let button = egui::Button::new(egui::RichText::new(icon).size(theme::HEADING));
    let response = ui.add_enabled(lacks.is_none(), button);
    finish(response, studio, outbox, id, words::text(entry.name))
}

fn finish(
    response: egui::Response,
    studio: &Studio,
    outbox: &mut Outbox,
    id: &'static str,
    label: &str,
) -> egui::Response {
    let Some(entry) = commands::find(id) else { return response };
    let lacks = (entry.lacks)(studio);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, lacks.is_none(), label));
    let hint = commands::tooltip(&studio.settings.keys, entry);
    let why = lacks.map_or_else(String::new, |lacks| say!("{hint}\n{lacks}.", hint, lacks = words::text(lacks)));
    beside(&response, if lacks.is_some() { &why } else { &hint });
    if response.clicked() {
        outbox.run(id);
    }
    response
}

/// A button that shows an icon and is called by its name.
pub fn icon_button(ui: &mut egui::Ui, icon: &str, name: &str) -> egui::Response {
    let response = ui.button(egui::RichText::new(icon).size(theme::HEADING));
    let is_enabled = ui.is_enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, is_enabled, name));
    response
}

/// A small line that says more.
pub fn note(ui: &mut egui::Ui, text: impl Into<String>) -> egui::Response {
    let dim = theme::tokens(ui).dim;
    let text = lines::kept(ui, text, &egui::TextStyle::Small, ui.available_width());
    ui.add(egui::Label::new(egui::RichText::new(text).small().color(dim)).wrap())
}

/// A row with its caption on the left; the control has the rest of the width.
pub fn row<R>(ui: &mut egui::Ui, caption: &str, control: impl FnOnce(&mut egui::Ui) -> R) -> R {
    ui.horizontal(|ui| {
        let size = egui::vec2(theme::CAPTION, ui.spacing().interact_size.y);
        let left = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(size, left, |ui| {
            ui.set_min_width(theme::CAPTION);
            ui.add(egui::Label::new(caption).truncate());
        });
        control(ui)
    })
    .inner
}

/// A tooltip that lies beside the panel, so that it covers none of the panel's controls; under the control where there is no panel's edge
/// near.
pub fn beside(response: &egui::Response, text: &str) {
    if text.is_empty() {
        return;
    }
    let mut tip =
        if response.enabled() { egui::Tooltip::for_enabled(response) } else { egui::Tooltip::for_disabled(response) };
    if let Some((edge, [align, low])) = panel_edge(response) {
        let low = [low];
        tip.popup = tip.popup.anchor(edge).align(align).align_alternatives(&low);
        tip.show(|ui| ui.label(text));
        return;
    }
    tip.show(|ui| ui.label(text));
}

/// The row of a side panel that a control lies in, and where beside it its tooltip has room: level with its top, or with its bottom.
fn panel_edge(response: &egui::Response) -> Option<(egui::Rect, [egui::RectAlign; 2])> {
    let window = response.ctx.content_rect();
    let at = response.rect.center().x;
    let row = |x: egui::Rangef| egui::Rect::from_x_y_ranges(x, response.rect.y_range());
    let known = |id: &str| egui::PanelState::load(&response.ctx, egui::Id::new(id)).map(|panel| panel.outer_rect);
    let left = known("data").filter(|panel| panel.contains(response.rect.center()));
    let right = known("tasks").filter(|panel| panel.contains(response.rect.center()));
    match (left, right) {
        (Some(panel), _) if at < window.center().x => {
            Some((row(panel.x_range()), [egui::RectAlign::RIGHT_START, egui::RectAlign::RIGHT_END]))
        }
        (_, Some(panel)) if at > window.center().x => {
            Some((row(panel.x_range()), [egui::RectAlign::LEFT_START, egui::RectAlign::LEFT_END]))
        }
        _ => None,
    }
}

/// Whether a button's text needs more than this width.
fn is_longer(ui: &egui::Ui, text: &str, width: f32) -> bool {
    let font = egui::TextStyle::Button.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_string(), font, ui.visuals().text_color());
    galley.size().x > width - 2.0 * ui.spacing().button_padding.x
}

/// A list to choose from, as wide as there is room. Its caption is not shown, but it is found by it.
pub fn wide_list(
    ui: &mut egui::Ui,
    caption: &str,
    selected: impl Into<String>,
    entries: impl FnOnce(&mut egui::Ui),
) -> egui::Response {
    let response = list(ui, caption, selected.into(), entries);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(caption));
    response
}

/// A list in what room there is.
fn list(ui: &mut egui::Ui, caption: &str, selected: String, entries: impl FnOnce(&mut egui::Ui)) -> egui::Response {
    let width = ui.available_width();
    let is_long = is_longer(ui, &selected, width - ui.spacing().icon_width - ui.spacing().icon_spacing);
    let list = egui::ComboBox::from_id_salt(caption).width(width).truncate().selected_text(&selected);
    let response = list.show_ui(ui, entries).response;
    // What is shortened is whole beside it.
    if is_long { response.on_hover_text(selected) } else { response }
}

/// A list to choose from, with its caption on the left, by which it is found.
pub fn list_row(
    ui: &mut egui::Ui,
    caption: &str,
    selected: impl Into<String>,
    entries: impl FnOnce(&mut egui::Ui),
) -> egui::Response {
    ui.horizontal(|ui| {
        let size = egui::vec2(theme::CAPTION, ui.spacing().interact_size.y);
        let left = egui::Layout::left_to_right(egui::Align::Center);
        let name = ui.allocate_ui_with_layout(size, left, |ui| {
            ui.set_min_width(theme::CAPTION);
            ui.add(egui::Label::new(caption).truncate())
        });
        list(ui, caption, selected.into(), entries).labelled_by(name.inner.id)
    })
    .inner
}
