//! The histogram with its draggable window.

use crate::gui::controls::beside;
use crate::gui::egui;
use crate::gui::theme;
use crate::volume::{Statistics, Window};
use crate::words::say;

/// Shows the histogram; dragging moves the level sideways and the width up and down.
pub fn histogram_ui(ui: &mut egui::Ui, statistics: &Statistics, window: &mut Window) {
    let t = theme::tokens(ui);
    let size = egui::vec2(ui.available_width(), theme::HISTOGRAM);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Slider, true, say!("Histogram")));
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
    painter.add(columns(&statistics.histogram, rect, ui.pixels_per_point(), t.dim));
    for value in [low, high] {
        painter.vline(x_of(value), rect.y_range(), egui::Stroke::new(1.0, t.accent));
    }
    beside(&response, say!("Drag sideways for the level, up and down for the width"));
    response.on_hover_cursor(egui::CursorIcon::Move);
}

/// The histogram as one mesh: a column for every column of screen pixels, as high as the fullest bin under it.
fn columns(histogram: &[u64], rect: egui::Rect, pixels_per_point: f32, colour: egui::Color32) -> egui::Mesh {
    let mut mesh = egui::Mesh::default();
    let count = (rect.width() * pixels_per_point).floor() as usize;
    // Air would dwarf everything else, so heights are logarithmic.
    let height = |n: u64| (n as f32).ln_1p();
    let top = histogram.iter().map(|&n| height(n)).fold(1.0, f32::max);
    for column in 0..count {
        let first = column * histogram.len() / count;
        let last = ((column + 1) * histogram.len()).div_ceil(count);
        let fullest = histogram[first..last].iter().copied().max().unwrap_or(0);
        if fullest > 0 {
            let x = rect.left() + column as f32 / pixels_per_point;
            let y = rect.bottom() - height(fullest) / top * (rect.height() - 4.0);
            let bar = egui::Rect::from_x_y_ranges(x..=x + 1.0 / pixels_per_point, y..=rect.bottom());
            mesh.add_colored_rect(bar, colour);
        }
    }
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_is_seen_whatever_the_width() {
        let mut histogram = vec![0u64; 100];
        (histogram[0], histogram[37], histogram[99]) = (5, 1, 9);
        for width in [1.0, 30.0, 99.0, 100.0, 243.0] {
            let rect = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, 64.0));
            let mesh = columns(&histogram, rect, 1.0, egui::Color32::WHITE);
            let quads: Vec<_> = mesh.vertices.chunks(4).map(|v| (v[0].pos.x, v[0].pos.y)).collect();
            let at = |bin: f32| quads.iter().any(|q| (q.0 / width * 100.0 - bin).abs() <= (100.0 / width).max(1.0));
            assert!(at(0.0) && at(37.0) && at(99.0), "{width}: {quads:?}");
            assert!(quads.iter().all(|q| q.1 >= 4.0 && q.0 < width));
        }
    }
}
