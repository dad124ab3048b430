//! The palette: all commands, to be searched and run, each with its keys and, where it cannot be done now, why.

use crate::app::commands::{CommandEntry, keys_of, search};
use crate::app::{Outbox, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui::{Align2, Key, Modifiers, Sense, vec2};

/// Rows that a page key moves by.
const PAGE: usize = 8;

/// The palette, while it is open.
#[derive(Default)]
pub struct Palette {
    text: String,
    chosen: usize,
    /// Whether the chosen row is brought into sight.
    is_moved: bool,
    has_focus: bool,
}

impl Palette {
    /// Shows it; whether it stays open.
    pub fn ui(&mut self, context: &egui::Context, studio: &Studio, outbox: &mut Outbox) -> bool {
        let id = egui::Id::new("palette");
        let area = egui::Modal::default_area(id).anchor(Align2::CENTER_TOP, vec2(0.0, 12.0 * UNIT));
        let mut wanted = None;
        let modal = egui::Modal::new(id).area(area).show(context, |ui| {
            ui.set_width(theme::OVER_WIDTH.min(ui.ctx().content_rect().width() - 16.0 * UNIT));
            let steps = take_keys(ui);
            self.field_ui(ui);
            let found = search(&self.text, &studio.settings.keys, &studio.used);
            self.follow(&steps, found.len());
            if steps.is_confirmed {
                wanted = found.get(self.chosen).copied();
            }
            ui.add_space(UNIT);
            if found.is_empty() {
                ui.label(egui::RichText::new(say!("No command has these words.")).color(theme::tokens(ui).dim));
            }
            if let Some(clicked) = self.rows_ui(ui, studio, &found) {
                wanted = Some(clicked);
            }
        });
        // What cannot be done now stays in sight with its reason.
        if let Some(entry) = wanted.filter(|entry| (entry.lacks)(studio).is_none()) {
            outbox.run(entry.id);
            return false;
        }
        !modal.should_close()
    }

    fn field_ui(&mut self, ui: &mut egui::Ui) {
        let hint = egui::RichText::new(say!("Search all commands")).color(theme::tokens(ui).dim);
        let field = egui::TextEdit::singleline(&mut self.text).hint_text(hint).desired_width(f32::INFINITY);
        let field = ui.add(field);
        field.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, say!("Search all commands"));
            info.current_text_value = Some(self.text.clone());
            info
        });
        if !self.has_focus {
            field.request_focus();
            self.has_focus = true;
        }
        if field.changed() {
            (self.chosen, self.is_moved) = (0, true);
        }
    }

    fn follow(&mut self, steps: &Steps, count: usize) {
        let last = count.saturating_sub(1);
        let before = self.chosen;
        self.chosen = (self.chosen + steps.down).saturating_sub(steps.up).min(last);
        self.is_moved |= self.chosen != before;
    }

    /// The rows that are in sight; the command of the one that was clicked.
    fn rows_ui(
        &mut self,
        ui: &mut egui::Ui,
        studio: &Studio,
        found: &[&'static CommandEntry],
    ) -> Option<&'static CommandEntry> {
        let mut clicked = None;
        let height = theme::OVER_LIST.min(ui.ctx().content_rect().height() - 40.0 * UNIT);
        let spacing = ui.spacing().item_spacing.y;
        let mut list = egui::ScrollArea::vertical().max_height(height).auto_shrink([false, true]);
        if std::mem::take(&mut self.is_moved) {
            // The chosen row in the middle of the list.
            let at = self.chosen as f32 * (theme::COMMAND_ROW + spacing);
            list = list.vertical_scroll_offset((at - (height - theme::COMMAND_ROW) / 2.0).max(0.0));
        }
        list.show_rows(ui, theme::COMMAND_ROW, found.len(), |ui, rows| {
            for n in rows {
                if let Some(entry) = found.get(n) {
                    let response = row_ui(ui, studio, entry, n == self.chosen);
                    if response.clicked() {
                        self.chosen = n;
                        clicked = Some(*entry);
                    }
                }
            }
        });
        clicked
    }
}

/// What the keys of this frame mean for the list.
struct Steps {
    down: usize,
    up: usize,
    is_confirmed: bool,
}

/// Takes the keys that are the list's before the field takes them.
fn take_keys(ui: &egui::Ui) -> Steps {
    ui.input_mut(|i| {
        let mut count = |key| i.count_and_consume_key(Modifiers::NONE, key);
        let down = count(Key::ArrowDown) + PAGE * count(Key::PageDown);
        let up = count(Key::ArrowUp) + PAGE * count(Key::PageUp);
        Steps { down, up, is_confirmed: count(Key::Enter) > 0 }
    })
}

/// A command: group, name and keys; below what it does, or why it cannot be done now.
fn row_ui(ui: &mut egui::Ui, studio: &Studio, entry: &CommandEntry, is_chosen: bool) -> egui::Response {
    let t = theme::tokens(ui);
    let lacks = (entry.lacks)(studio);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::COMMAND_ROW), Sense::click());
    let name = words::text(entry.name).trim_end_matches("...");
    response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::Button, lacks.is_none(), is_chosen, name));
    if is_chosen || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, t.ground);
    }
    let keys: Vec<String> = keys_of(&studio.settings.keys, entry).iter().map(ToString::to_string).collect();
    let inside = rect.shrink2(vec2(2.0 * UNIT, UNIT));
    let font = egui::TextStyle::Body.resolve(ui.style());
    let small = egui::TextStyle::Small.resolve(ui.style());
    let painter = ui.painter().with_clip_rect(rect);
    let keys = painter.layout_no_wrap(keys.join("  "), small.clone(), t.dim);
    let keys_at = egui::pos2(inside.right() - keys.size().x, inside.top());
    painter.galley(keys_at, keys, t.dim);
    let width = keys_at.x - inside.left() - 2.0 * UNIT;
    let colour = if lacks.is_none() { t.text } else { t.dim };
    let title = format!("{}: {name}", words::text(entry.group.name()));
    painter.galley(inside.left_top(), one_line(&painter, &title, font, colour, width), colour);
    let below = lacks.map_or_else(
        || words::text(entry.hint).to_string(),
        |lacks| say!("Not now: {lacks}.", lacks = words::text(lacks)),
    );
    let below_colour = if lacks.is_none() { t.dim } else { t.warn };
    let line = one_line(&painter, &below, small, below_colour, inside.width());
    let response = if line.elided { response.on_hover_text(below) } else { response };
    let below = line;
    painter.galley(inside.left_bottom() - vec2(0.0, below.size().y), below, below_colour);
    response
}

/// A line that ends in an ellipsis where it is too long.
fn one_line(
    painter: &egui::Painter,
    text: &str,
    font: egui::FontId,
    colour: egui::Color32,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(text.into(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    painter.layout_job(job)
}
