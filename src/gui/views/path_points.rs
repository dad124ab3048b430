//! The path of the curved tile in a slice view: its line, and its points, which are placed by clicks and dragged.

use super::frame::Frame;
use crate::app::state::reslicing::{ResliceRequest, ResliceTile};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Plane, PlaneLayout, Vec3, Volume};
use crate::words::{self, say};
use egui::{Pos2, Rect, Sense, Shape, Stroke, Vec2};

/// Side of what a point is grabbed by.
const GRAB: f32 = 4.0 * UNIT;
/// Slices from the one in view within which a point, or a piece of the path, is of it.
const NEAR: f64 = 1.0;
/// How strongly what lies in other slices is painted.
const FAINT: f32 = 0.35;

/// Paints the path as it is seen through the slice; while points are placed, a click adds one and a drag moves one.
pub fn path_ui(
    ui: &egui::Ui,
    painter: &egui::Painter,
    (plane, layout, slice): (Plane, &PlaneLayout, usize),
    frame: &Frame,
    (studio, volume): (&Studio, &Volume),
    response: &egui::Response,
    outbox: &mut Outbox,
) {
    if !studio.shows(ResliceTile::Curved.content()) {
        return;
    }
    let geometry = &volume.geometry;
    let seen = |place: Vec3| {
        let [column, row, at] = layout.point_on_screen(geometry.voxel_from_world().point(place));
        (frame.to_screen([column as f32, row as f32]), (at - slice as f64).abs() <= NEAR)
    };
    line_ui(painter, studio, seen);
    let is_placing = studio.reslicing.is_placing;
    let place = |at: Pos2| {
        let [column, row] = frame.to_slice(at);
        geometry.world_from_voxel().point(layout.point_in_voxel(column, row, slice))
    };
    let mut send = |request| outbox.send(Request::Reslice(request));
    if is_placing && response.hovered() {
        ui.set_cursor_icon(egui::CursorIcon::Crosshair);
    }
    if is_placing
        && response.clicked_by(egui::PointerButton::Primary)
        && let Some(at) = response.interact_pointer_pos().filter(|at| frame.pixel_under(*at).is_some())
    {
        send(ResliceRequest::Add(place(at)));
    }
    for (n, point) in studio.path().points.iter().enumerate() {
        let (at, is_here) = seen(*point);
        let mut is_lit = false;
        if is_placing && is_here && frame.rect.contains(at) {
            let grab = Rect::from_center_size(at, Vec2::splat(GRAB));
            let handle = ui.interact(grab, ui.id().with(("path point", plane, n)), Sense::drag());
            let name = say!("Point {n} of the path: {plane}", n = n + 1, plane = words::text(plane.name()));
            handle.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Other, true, &name));
            is_lit = handle.hovered() || handle.dragged();
            let to = handle.interact_pointer_pos().filter(|_| handle.dragged());
            let cursor = if handle.dragged() { egui::CursorIcon::Grabbing } else { egui::CursorIcon::Grab };
            handle.on_hover_cursor(cursor);
            if let Some(to) = to.filter(|to| frame.pixel_under(*to).is_some()) {
                send(ResliceRequest::Move(n, place(to)));
            }
        }
        let radius = theme::HANDLE * if is_lit { 1.5 } else { 1.0 };
        let colour = theme::PATH.gamma_multiply(if is_here { 1.0 } else { FAINT });
        painter.circle(at, radius, colour, Stroke::new(1.0, theme::VIEW_VEIL));
    }
}

/// The middle of the straightened picture, which is the path; what lies in other slices is faint.
fn line_ui(painter: &egui::Painter, studio: &Studio, seen: impl Fn(Vec3) -> (Pos2, bool)) {
    let Some(ready) = &studio.reslicing.pictures[ResliceTile::Curved as usize].ready else { return };
    let middle = (ready.reslice.columns as f64 - 1.0) / 2.0;
    let places: Vec<(Pos2, bool)> = ready.reslice.rows.iter().map(|row| seen(row.place(middle))).collect();
    let all: Vec<Pos2> = places.iter().map(|(at, _)| *at).collect();
    painter.add(Shape::line(all, Stroke::new(theme::OUTLINE, theme::PATH.gamma_multiply(FAINT))));
    for piece in places.chunk_by(|a, b| a.1 == b.1).filter(|piece| piece.first().is_some_and(|(_, here)| *here)) {
        let piece = piece.iter().map(|(at, _)| *at).collect();
        painter.add(Shape::line(piece, Stroke::new(theme::OUTLINE, theme::PATH)));
    }
}
