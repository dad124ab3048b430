//! Crosshair, text over the images, scale bar.

use super::facts::number;
use super::frame::Frame;
use super::slider;
use crate::app::Studio;
use crate::app::state::overlay::Fit;
use crate::app::state::views::ScanView;
use crate::drawing::{bar_mm, bar_name};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::session::SliceState;
use crate::volume::{Plane, PlaneLayout, Volume};
use crate::words::{self, plural, say};
use egui::{Align2, Color32, FontId, Pos2, Stroke, vec2};
use egui_phosphor::regular as icon;

/// The planes whose positions are the vertical and the horizontal line of a view.
fn crossing(plane: Plane) -> [Plane; 2] {
    match plane {
        Plane::Axial => [Plane::Sagittal, Plane::Coronal],
        Plane::Coronal => [Plane::Sagittal, Plane::Axial],
        Plane::Sagittal => [Plane::Coronal, Plane::Axial],
    }
}

/// Paints the crosshair through a pixel of the slice.
pub fn crosshair_ui(painter: &egui::Painter, plane: Plane, frame: &Frame, [column, row, _]: [usize; 3]) {
    let centre = frame.to_screen([column as f32 + 0.5, row as f32 + 0.5]);
    let gap = 2.5 * UNIT;
    let stroke = |plane| Stroke::new(1.0, theme::plane_colour(plane).gamma_multiply(0.8));
    let [vertical, horizontal] = crossing(plane);
    let r = frame.rect;
    painter.vline(centre.x, r.top()..=(centre.y - gap), stroke(vertical));
    painter.vline(centre.x, (centre.y + gap)..=r.bottom(), stroke(vertical));
    painter.hline(r.left()..=(centre.x - gap), centre.y, stroke(horizontal));
    painter.hline((centre.x + gap)..=r.right(), centre.y, stroke(horizontal));
}

/// Paints orientation letters, slice, position, window, state, warnings and the scale bar.
pub fn annotations_ui(
    painter: &egui::Painter,
    plane: Plane,
    frame: &Frame,
    layout: &PlaneLayout,
    (studio, volume, view): (&Studio, &Volume, &ScanView),
) {
    let slice = layout.screen(view.cursor)[2];
    let small = FontId::proportional(theme::SMALL);
    let text = |at: Pos2, anchor: Align2, text: String, colour: Color32| {
        annotation(painter, at, anchor, text, &small, colour);
    };
    let mut r = frame.rect.shrink(2.0 * UNIT);
    r.max.x -= slider::WIDTH;
    let flips = view.flips(plane);
    let [left, right, top, bottom] = layout.mirrored(flips).letters.map(String::from);
    let colour = theme::plane_colour(plane);
    text(r.left_center(), Align2::LEFT_CENTER, left, colour);
    text(r.right_center(), Align2::RIGHT_CENTER, right, colour);
    text(r.center_top(), Align2::CENTER_TOP, top, colour);
    text(r.center_bottom(), Align2::CENTER_BOTTOM, bottom, colour);
    let geometry = &volume.geometry;
    let position = geometry.world_at(view.cursor)[plane.world_axis()];
    let letters = crate::volume::RAS_LETTERS[plane.world_axis()];
    let end = if position < 0.0 { letters[1] } else { letters[0] };
    let line = vec2(0.0, theme::SMALL + UNIT);
    text(
        r.left_top(),
        Align2::LEFT_TOP,
        format!("{} {} / {}", words::text(plane.name()), slice + 1, layout.size[2]),
        colour,
    );
    text(r.left_top() + line, Align2::LEFT_TOP, format!("{end} {:.1} mm", position.abs()), theme::VIEW_TEXT);
    // Maps of shares and the like have windows below one.
    let digits = |value: f64| if view.window.width < 10.0 { number(value) } else { format!("{value:.0}") };
    let window = format!("W {}  L {}", digits(view.window.width), digits(view.window.level));
    let window = if view.inverted { say!("{window}  inverted", window) } else { window };
    text(r.left_top() + line * 2.0, Align2::LEFT_TOP, window, theme::VIEW_TEXT);
    let mut below = r.left_top() + line * 3.0;
    let frames = volume.frame_count();
    if frames > 1 {
        let name = volume.frame_names.get(view.frame).map(|name| format!("  {name}")).unwrap_or_default();
        let said = short(
            painter,
            &small,
            &say!("Frame {frame} / {frames}{name}", frame = view.frame + 1, frames, name),
            r.width() / 2.0,
        );
        text(below, Align2::LEFT_TOP, said, theme::VIEW_TEXT);
        below += line;
    }
    if flips.iter().any(|is_on| *is_on) {
        text(below, Align2::LEFT_TOP, say!("Flipped").into(), theme::SAGITTAL);
        below += line;
    }
    if let Some((laid, over, fit)) = studio.overlay() {
        let frames = over.frame_count();
        let frame = if frames > 1 {
            say!("frame {frame} / {frames} of ", frame = laid.frame + 1, frames)
        } else {
            String::new()
        };
        let name = short(painter, &small, &say!("Overlay: {frame}{over}", frame, over = over.name), r.width() / 2.0);
        text(below, Align2::LEFT_TOP, name, theme::VIEW_TEXT);
        if fit == Fit::OtherSpace {
            text(below + line, Align2::LEFT_TOP, say!("Other frame of reference").into(), theme::SAGITTAL);
        }
    }
    let state = studio.segmentation().map_or(SliceState::Todo, |segmentation| segmentation.state(plane, slice));
    if state != SliceState::Todo {
        text(r.right_top(), Align2::RIGHT_TOP, words::text(state.name()).to_string(), theme::VIEW_TEXT);
    }
    let warnings = volume.warnings.len();
    if warnings > 0 {
        let below = if state == SliceState::Todo { r.right_top() } else { r.right_top() + line };
        text(
            below,
            Align2::RIGHT_TOP,
            format!("{} {}", icon::WARNING, plural!(warnings, "1 warning", "{warnings} warnings", warnings)),
            theme::SAGITTAL,
        );
    }
    paint_scale_bar(painter, frame, &small);
}

/// A text that is cut with an ellipsis where it is wider than so many points.
fn short(painter: &egui::Painter, font: &FontId, text: &str, width: f32) -> String {
    let is_short = |text: &str| painter.layout_no_wrap(text.into(), font.clone(), Color32::WHITE).size().x <= width;
    let mut kept: Vec<char> = text.chars().collect();
    if is_short(text) {
        return text.into();
    }
    while !kept.is_empty() {
        kept.pop();
        let cut: String = kept.iter().chain(&['\u{2026}']).collect();
        if is_short(&cut) {
            return cut;
        }
    }
    String::new()
}

/// Text over an image, on a veil that keeps it readable over bright tissue.
pub fn annotation(painter: &egui::Painter, at: Pos2, anchor: Align2, text: String, font: &FontId, colour: Color32) {
    let galley = painter.layout_no_wrap(text, font.clone(), colour);
    let rect = anchor.anchor_size(at, galley.size());
    painter.rect_filled(rect.expand2(vec2(2.0, 0.0)), 2.0, theme::VIEW_VEIL);
    painter.galley(rect.min, galley, colour);
}

/// A bar at the lower left, with its length beside it.
pub fn paint_scale_bar(painter: &egui::Painter, frame: &Frame, font: &FontId) {
    let Some(mm) = bar_mm(frame.rect.width() * 0.25 / frame.scale) else { return };
    let start = frame.rect.left_bottom() + vec2(2.0 * UNIT, -2.5 * UNIT);
    let end = start + vec2(mm * frame.scale, 0.0);
    for (width, colour) in [(3.5, Color32::BLACK), (1.5, theme::VIEW_TEXT)] {
        let stroke = Stroke::new(width, colour);
        painter.line_segment([start, end], stroke);
        for at in [start, end] {
            painter.line_segment([at - vec2(0.0, UNIT), at + vec2(0.0, 1.0)], stroke);
        }
    }
    annotation(painter, end + vec2(2.0 * UNIT, 0.0), Align2::LEFT_CENTER, bar_name(mm), font, theme::VIEW_TEXT);
}
