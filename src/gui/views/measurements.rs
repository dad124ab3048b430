//! Rulers, angles and regions over a slice, with what they give beside them.

use super::frame::Frame;
use super::slider;
use crate::app::Studio;
use crate::app::act::measuring;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::session::MeasurementId;
use crate::volume::{Measurement, Plane};
use egui::{Align2, FontId, Pos2, Rect, Shape, Stroke, vec2};

/// Paints those of a slice. It costs nothing where there are none.
pub fn measurements_ui(painter: &egui::Painter, frame: &Frame, (plane, slice): (Plane, usize), studio: &Studio) {
    let Some(volume) = studio.volume() else { return };
    let here = measuring::shown(studio).filter(|(_, own)| own.plane == plane);
    let mut here = here.filter(|(_, own)| own.slice(&volume.geometry) == Some(slice)).peekable();
    if here.peek().is_none() {
        return;
    }
    let drafted = studio.hand.tool.drafted().map(|drafted| drafted.id);
    let is_over = studio.hover.is_some_and(|hover| hover.plane == plane);
    let under = if is_over { measuring::under_pointer(studio) } else { None };
    for (id, own) in here {
        let is_lit = drafted == Some(id) || (drafted.is_none() && under == Some(id));
        let outline = own.outline(&volume.geometry).into_iter();
        let outline: Vec<Pos2> = outline.map(|at| frame.to_screen(at.map(|at| at as f32))).collect();
        let handles = own.handles(&volume.geometry).into_iter();
        let handles: Vec<Pos2> = handles.map(|at| frame.to_screen(at.map(|at| at as f32))).collect();
        paint_figure(painter, outline.clone(), &handles, is_lit, own.figure.is_region());
        paint_value(painter, frame, &outline, value(studio, id, own, is_lit && drafted.is_none()));
    }
}

/// What it gives; its name and all of it where the pointer is.
fn value(studio: &Studio, id: MeasurementId, own: &Measurement, is_whole: bool) -> String {
    let name = is_whole.then(|| own.name.clone());
    let most = if is_whole { usize::MAX } else { measuring::FEW_LINES };
    name.into_iter().chain(measuring::lines(studio, id, own).into_iter().take(most)).collect::<Vec<_>>().join("\n")
}

/// A light line on a dark one, which is seen on every ground, with marks at its ends.
fn paint_figure(painter: &egui::Painter, outline: Vec<Pos2>, handles: &[Pos2], is_lit: bool, is_region: bool) {
    let colour = if is_lit { theme::MEASUREMENT_LIT } else { theme::MEASUREMENT };
    painter.add(Shape::line(outline.clone(), Stroke::new(2.0 * theme::OUTLINE, theme::VIEW_VEIL)));
    painter.add(Shape::line(outline, Stroke::new(theme::OUTLINE, colour)));
    // The corners around a region show where to drag; elsewhere they would only be in the way.
    for at in handles.iter().filter(|_| is_lit || !is_region) {
        let radius = if is_lit { theme::HANDLE } else { theme::HANDLE * 0.7 };
        painter.circle(*at, radius, colour, Stroke::new(1.0, theme::VIEW_VEIL));
    }
}

/// The text to the right of the figure, or to its left where there is no room, always within the tile.
fn paint_value(painter: &egui::Painter, frame: &Frame, outline: &[Pos2], text: String) {
    let font = FontId::proportional(theme::TEXT);
    let galley = painter.layout_no_wrap(text, font, theme::VIEW_TEXT);
    let mut room = frame.rect.shrink(UNIT);
    room.max.x -= slider::WIDTH;
    let by_x = |a: &&Pos2, b: &&Pos2| a.x.total_cmp(&b.x);
    let (Some(right), Some(left)) = (outline.iter().max_by(by_x), outline.iter().min_by(by_x)) else { return };
    let gap = vec2(2.0 * UNIT + theme::HANDLE, 0.0);
    let beside = Align2::LEFT_CENTER.anchor_size(*right + gap, galley.size());
    let other = Align2::RIGHT_CENTER.anchor_size(*left - gap, galley.size());
    let place = if beside.right() > room.right() && other.left() >= room.left() { other } else { beside };
    let place = within(place, room);
    painter.rect_filled(place.expand2(vec2(UNIT / 2.0, 0.0)), UNIT / 2.0, theme::VIEW_VEIL);
    painter.galley(place.min, galley, theme::VIEW_TEXT);
}

/// A rectangle moved so that it lies within another one; its upper left corner does where it is larger.
fn within(rect: Rect, room: Rect) -> Rect {
    let to = |at: f32, low: f32, high: f32| at.min(high).max(low);
    let x = to(rect.min.x, room.min.x, room.max.x - rect.width());
    let y = to(rect.min.y, room.min.y, room.max.y - rect.height());
    Rect::from_min_size(egui::pos2(x, y), rect.size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_within_the_tile() {
        let room = Rect::from_min_size(egui::pos2(10.0, 10.0), vec2(100.0, 50.0));
        let at = |x: f32, y: f32| within(Rect::from_min_size(egui::pos2(x, y), vec2(30.0, 20.0)), room).min;
        assert_eq!(at(50.0, 20.0), egui::pos2(50.0, 20.0));
        assert_eq!(at(105.0, -9.0), egui::pos2(80.0, 10.0));
        assert_eq!(at(-90.0, 90.0), egui::pos2(10.0, 40.0));
        let wide = within(Rect::from_min_size(egui::pos2(0.0, 0.0), vec2(300.0, 20.0)), room);
        assert_eq!(wide.min, egui::pos2(10.0, 10.0));
    }
}
