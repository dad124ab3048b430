//! A table of numbers: names on the left, a column a number; it scrolls in its own area.

use super::controls::beside;
use super::egui;
use super::theme::{self, UNIT};

/// Width of the names.
const NAME: f32 = 24.0 * UNIT;
/// Width of a number.
const NUMBER: f32 = 16.0 * UNIT;
/// Width of a row's colour.
const COLOUR: f32 = 3.0 * UNIT;

/// A column's title and what it is.
pub type Head = (&'static str, &'static str);

/// What a row shows.
#[derive(Debug, Default)]
pub struct TableRow {
    /// Its name.
    pub name: String,
    /// Its colour, where it has one.
    pub colour: Option<[u8; 3]>,
    /// Whether it is the chosen one.
    pub is_chosen: bool,
    /// A number for each column.
    pub numbers: Vec<String>,
    /// What a click does.
    pub hint: String,
}

/// Shows a table, at most so high; only rows in sight are asked for. The row that was clicked.
pub fn table_ui(
    ui: &mut egui::Ui,
    id: &str,
    heads: &[Head],
    (count, height): (usize, f32),
    row: impl Fn(usize) -> TableRow,
) -> Option<usize> {
    let line = ui.spacing().interact_size.y;
    let mut clicked = None;
    egui::ScrollArea::horizontal().id_salt((id, "across")).show(ui, |ui| {
        ui.spacing_mut().item_spacing = egui::vec2(UNIT, 0.0);
        head_ui(ui, heads, line);
        let list = egui::ScrollArea::vertical().id_salt(id).max_height(height - line).auto_shrink([true, true]);
        list.show_rows(ui, line, count, |ui, rows| {
            for at in rows {
                if row_ui(ui, heads, &row(at)).clicked() {
                    clicked = Some(at);
                }
            }
        });
    });
    clicked
}

fn head_ui(ui: &mut egui::Ui, heads: &[Head], height: f32) {
    ui.horizontal(|ui| {
        ui.allocate_exact_size(egui::vec2(COLOUR + UNIT + NAME, height), egui::Sense::hover());
        let dim = theme::tokens(ui).dim;
        for (title, about) in heads {
            let (rect, response) = ui.allocate_exact_size(egui::vec2(NUMBER, height), egui::Sense::hover());
            number_at(ui, rect, title, dim);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, *title));
            beside(&response, about);
        }
    });
}

fn number_at(ui: &egui::Ui, rect: egui::Rect, text: &str, colour: egui::Color32) {
    let font = egui::FontId::proportional(theme::SMALL);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.text(rect.right_center(), egui::Align2::RIGHT_CENTER, text, font, colour);
}

fn row_ui(ui: &mut egui::Ui, heads: &[Head], row: &TableRow) -> egui::Response {
    let t = theme::tokens(ui);
    let height = ui.spacing().interact_size.y;
    let width = COLOUR + NAME + NUMBER * heads.len() as f32 + UNIT * (heads.len() + 1) as f32;
    let (rect, response) = ui.allocate_exact_size(egui::vec2(width, height), egui::Sense::click());
    if row.is_chosen {
        ui.painter().rect_filled(rect, UNIT, t.accent.gamma_multiply(0.12));
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, UNIT, t.line);
    }
    if let Some([r, g, b]) = row.colour {
        let centre = rect.left_center() + egui::vec2(COLOUR / 2.0, 0.0);
        let patch = egui::Rect::from_center_size(centre, egui::Vec2::splat(COLOUR - UNIT));
        ui.painter().rect_filled(patch, UNIT / 2.0, egui::Color32::from_rgb(r, g, b));
    }
    let font = egui::TextStyle::Body.resolve(ui.style());
    let mut job = egui::text::LayoutJob::simple_singleline(row.name.clone(), font, t.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(NAME);
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let mut left = rect.left() + COLOUR + UNIT;
    ui.painter().galley(egui::pos2(left, rect.center().y - galley.size().y / 2.0), galley, t.text);
    left += NAME + UNIT;
    for shown in &row.numbers {
        let place = egui::Rect::from_min_size(egui::pos2(left, rect.top()), egui::vec2(NUMBER, height));
        number_at(ui, place, shown, t.text);
        left += NUMBER + UNIT;
    }
    let numbers = heads.iter().zip(&row.numbers).map(|((title, _), number)| format!("{title} {number}"));
    let told = format!("{}: {}", row.name, numbers.collect::<Vec<_>>().join(", "));
    let is_chosen = row.is_chosen;
    response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::SelectableLabel, true, is_chosen, &told));
    beside(&response, &format!("{}: {}", row.name, row.hint));
    response
}
