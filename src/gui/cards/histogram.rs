//! The histogram with its draggable window.

use crate::gui::egui;
use crate::gui::theme;
use crate::volume::{Statistics, Window};

/// Shows the histogram; dragging moves the level sideways and the width up and down.
pub fn histogram_ui(ui: &mut egui::Ui, statistics: &Statistics, window: &mut Window) {
    let t = theme::tokens(ui);
    let size = egui::vec2(ui.available_width(), theme::HISTOGRAM);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Slider, true, "Histogram"));
    let span = (statistics.max - statistics.min).max(f64::MIN_POSITIVE);
    if response.dragged() {
        let delta = response.drag_delta();
        window.level += f64::from(delta.x / rect.width()) * span;
        window.width = (window.width * f64::from(delta.y / 80.0).exp()).clamp(span * 1e-4, span * 10.0);
    }
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 3.0, t.ground);
    let x_of = |value: f64| rect.left() + ((value - statistics.min) / span) as f32 * rect.width();
    let (low, high) = (window.level - window.width / 2.0, window.level + window.width / 2.0);
    let inside = egui::Rect::from_x_y_ranges(x_of(low)..=x_of(high), rect.y_range());
    painter.rect_filled(inside, 0.0, t.accent.gamma_multiply(0.18));
    // Air would dwarf everything else, so heights are logarithmic.
    let top = statistics.histogram.iter().map(|&n| (n as f32).ln_1p()).fold(1.0, f32::max);
    let bins = statistics.histogram.len() as f32;
    for (n, &count) in statistics.histogram.iter().enumerate() {
        let x = rect.left() + (n as f32 + 0.5) / bins * rect.width();
        let height = (count as f32).ln_1p() / top * (rect.height() - 4.0);
        painter.vline(x, (rect.bottom() - height)..=rect.bottom(), egui::Stroke::new(rect.width() / bins, t.dim));
    }
    for value in [low, high] {
        painter.vline(x_of(value), rect.y_range(), egui::Stroke::new(1.0, t.accent));
    }
    response
        .on_hover_text("Drag sideways for the level, up and down for the width")
        .on_hover_cursor(egui::CursorIcon::Move);
}
