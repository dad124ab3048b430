//! The bar at the top: menus, undo and redo, tools, what the tool paints with, palette, theme. All but the layout comes from the lists of
//! commands and tools.

use super::history::history_ui;
use crate::app::commands::{self, CommandEntry, Group};
use crate::app::{Outbox, Request, Studio, Task};
use crate::gui::controls::{beside, icon_command};
use crate::gui::egui;
use crate::gui::paint::still;
use crate::gui::theme::{self, UNIT};
use crate::tools::{BRUSH_SIZE, OptionValue, TOOLS};
use crate::volume::Plane;
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Width of the whole word on what the program is not for.
const DISCLAIMER: f32 = 43.0 * UNIT;
/// Widest name of the active label.
const NAME: f32 = 30.0 * UNIT;
/// Room for the palette and the theme at the right end.
const END: f32 = 21.0 * UNIT;

/// Shows the bar.
pub fn top_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let bar = egui::Panel::top("top bar").exact_size(theme::BAR_HEIGHT).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = UNIT;
            menus_ui(ui, studio, outbox);
            ui.separator();
            history_ui(ui, studio, outbox);
            ui.separator();
            ui.scope(|ui| tools_ui(ui, studio, outbox));
            paint_ui(ui, studio, outbox);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let sign = if studio.settings.dark { icon::SUN } else { icon::MOON };
                icon_command(ui, studio, outbox, "window.theme", sign);
                icon_command(ui, studio, outbox, "window.palette", icon::MAGNIFYING_GLASS);
                ui.add_space(theme::UNIT);
                let t = theme::tokens(ui);
                // Beside many tools there is room for the half that matters.
                let is_wide = ui.available_width() > DISCLAIMER;
                let text =
                    if is_wide { say!("For research use; not for diagnosis") } else { say!("Not for diagnosis") };
                let text = egui::RichText::new(text).small().color(t.dim);
                let response = ui.add(egui::Label::new(text).truncate());
                beside(&response, say!("For research use; not for diagnosis"));
            });
        });
    });
    still::keep(ui.ctx(), bar.response.rect);
}

/// A menu for each group of commands but the tools, which lie in the bar; in a narrow window, one menu with all of them.
fn menus_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let all: Vec<&CommandEntry> =
        commands::all().iter().filter(|entry| entry.is_in_menu && entry.group != Group::Tools).collect();
    let groups: Vec<&[&CommandEntry]> = all.chunk_by(|a, b| a.group == b.group).collect();
    let is_narrow = ui.ctx().content_rect().width() < theme::NARROW;
    let mut groups_ui = |ui: &mut egui::Ui| {
        for entries in &groups {
            let Some(group) = entries.first().map(|entry| entry.group) else { continue };
            let menu = ui.menu_button(words::text(group.name()), |ui| {
                // What is higher than the window is scrolled, so that its last commands can be had.
                let row = ui.spacing().interact_size.y + ui.spacing().item_spacing.y;
                let room = ui.ctx().content_rect().height() - theme::BAR_HEIGHT - 6.0 * UNIT;
                let mut entries_ui =
                    |ui: &mut egui::Ui| entries.iter().copied().for_each(|entry| entry_ui(ui, entry, studio, outbox));
                if row * entries.len() as f32 > room {
                    egui::ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, entries_ui);
                } else {
                    entries_ui(ui);
                }
            });
            let name = menu_name(group);
            menu.response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
        }
    };
    if is_narrow {
        let menu = ui.menu_button(egui::RichText::new(icon::LIST).size(theme::HEADING), groups_ui);
        menu.response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Menu")));
    } else {
        groups_ui(ui);
    }
}

/// A menu that is called as a task is told from its tab.
fn menu_name(group: Group) -> String {
    let name = words::text(group.name());
    let is_called_as_a_task = Task::ALL.iter().any(|task| task.name() == group.name());
    if is_called_as_a_task { say!("Menu {name}", name) } else { name.into() }
}

/// A command in a menu: its name, its key, and why it cannot be done now.
fn entry_ui(ui: &mut egui::Ui, entry: &'static CommandEntry, studio: &Studio, outbox: &mut Outbox) {
    let keys = commands::keys_of(&studio.settings.keys, entry);
    let first = keys.first().map(ToString::to_string).unwrap_or_default();
    let lacks = (entry.lacks)(studio);
    let button = ui.add_enabled(lacks.is_none(), egui::Button::new(words::text(entry.name)).shortcut_text(first));
    let hint = words::text(entry.hint);
    let button = if hint.is_empty() { button } else { button.on_hover_text(hint) };
    let why = lacks.map(|lacks| say!("{lacks}.", lacks = words::text(lacks))).unwrap_or_default();
    if button.on_disabled_hover_text(why).clicked() {
        outbox.run(entry.id);
        ui.close();
    }
}

/// The tools, from their list.
fn tools_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let is_possible = studio.shown.is_some();
    // Close together, so that a window of 1280 points has room for what the tool paints with.
    (ui.spacing_mut().item_spacing.x, ui.spacing_mut().button_padding.x) = (0.25 * UNIT, 1.25 * UNIT);
    for tool in TOOLS {
        let is_chosen = studio.hand.entry.id == tool.id;
        let button = egui::Button::selectable(is_chosen, egui::RichText::new(tool.icon).size(theme::HEADING));
        let button = ui.add_enabled(is_possible, button);
        button.widget_info(|| {
            egui::WidgetInfo::selected(egui::WidgetType::Button, is_possible, is_chosen, words::text(tool.name))
        });
        let keys = commands::find(tool.id).map(|entry| commands::keys_of(&studio.settings.keys, entry));
        let keys: Vec<String> = keys.unwrap_or_default().iter().map(ToString::to_string).collect();
        let keys = if keys.is_empty() { String::new() } else { format!(" ({})", keys.join(", ")) };
        let why = if is_possible { "" } else { say!("\nOpen a scan first.") };
        beside(&button, &format!("{}: {}{keys}{why}", words::text(tool.name), words::text(tool.hint)));
        if button.clicked() {
            outbox.run(tool.id);
        }
    }
}

/// Size of the brush and the active label, where the tool has them.
fn paint_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(slice) = studio.tool_slice(Plane::Axial) else { return };
    if !studio.hand.entry.paints {
        return;
    }
    ui.separator();
    if studio.hand.entry.has(&BRUSH_SIZE) {
        let chosen = studio.settings.tools.number(&BRUSH_SIZE);
        let mut diameter = chosen;
        let size = ui.add(egui::DragValue::new(&mut diameter).speed(0.1).max_decimals(1).suffix(" mm"));
        size.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, say!("Brush size")));
        beside(&size, words::text(BRUSH_SIZE.hint));
        if (diameter - chosen).abs() > f64::EPSILON {
            outbox.send(Request::ToolOption(&BRUSH_SIZE, OptionValue::Number(diameter)));
        }
    }
    let label = studio.segmentation().and_then(|segmentation| segmentation.table().get(slice.label));
    let name = label.map_or_else(|| say!("Label {label}", label = slice.label), |label| label.name.clone());
    let [r, g, b] = label.map_or_else(|| crate::volume::default_colour(slice.label), |label| label.colour);
    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(3.0 * UNIT), egui::Sense::hover());
    ui.painter().rect_filled(rect, 2.0, egui::Color32::from_rgb(r, g, b));
    let lock = if label.is_some_and(|label| label.locked) { format!("{} ", icon::LOCK_KEY) } else { String::new() };
    ui.scope(|ui| {
        ui.set_max_width(NAME.min(ui.available_width() - END).max(0.0));
        let text = ui.add(egui::Label::new(format!("{lock}{name}")).truncate());
        let is_locked = if lock.is_empty() { "" } else { say!("; it is locked") };
        beside(&text, &say!("Tools draw {name}{is_locked} (, and .)", name, is_locked));
    });
}
