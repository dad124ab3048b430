//! The line of the oblique plane in a slice view, and the handles that turn it.

use super::frame::Frame;
use crate::app::state::reslicing::{Directions, ObliqueForm, ResliceRequest, ResliceTile};
use crate::app::state::views::ScanView;
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Plane, PlaneLayout, Vec3, Volume, dot};
use crate::words::{self, say};
use egui::{Pos2, Rect, Sense, Stroke, Vec2};

/// Side of what a handle is grabbed by.
const GRAB: f32 = 5.0 * UNIT;
/// Radius of a handle.
const HANDLE: f32 = 1.25 * UNIT;
/// Distance of a handle from the middle of the line, as a share of the tile's shorter side.
const REACH: f32 = 0.34;
/// A plane that is nearer than this to a view's own has no line in it: the sine of the angle between them.
const PARALLEL: f64 = 0.02;

/// A slice in the patient: places of points of the slice, and back.
struct InPatient<'a> {
    volume: &'a Volume,
    layout: &'a PlaneLayout,
    slice: usize,
}

fn minus(a: Vec3, b: Vec3) -> Vec3 {
    [0, 1, 2].map(|n| a[n] - b[n])
}

impl InPatient<'_> {
    /// The place in millimetres of a point in slice pixels.
    fn place(&self, [column, row]: [f64; 2]) -> Vec3 {
        self.volume.geometry.world_from_voxel().point(self.layout.point_in_voxel(column, row, self.slice))
    }

    /// The point in slice pixels of a place, whatever slice it lies in.
    fn point(&self, place: Vec3) -> [f64; 2] {
        let [column, row, _] = self.layout.point_on_screen(self.volume.geometry.voxel_from_world().point(place));
        [column, row]
    }

    /// Where the view's columns and rows lead, in millimetres of a pixel.
    fn sides(&self) -> [Vec3; 2] {
        let from = self.place([0.0; 2]);
        [minus(self.place([1.0, 0.0]), from), minus(self.place([0.0, 1.0]), from)]
    }
}

/// Where the plane cuts a slice: a point of the line, and a step along it, both in slice pixels.
fn line(patient: &InPatient, form: &ObliqueForm, through: Vec3) -> Option<([f64; 2], [f64; 2])> {
    let normal = form.directions.normal();
    let sides = patient.sides();
    let slopes = sides.map(|side| dot(normal, side));
    let shares = [0, 1].map(|n| slopes[n] / dot(sides[n], sides[n]).sqrt());
    if shares[0].hypot(shares[1]) < PARALLEL {
        return None;
    }
    // The nearest point of the line to the place, in pixels.
    let from = patient.point(through);
    let off = dot(normal, minus(patient.place(from), through));
    let square = slopes[0].powi(2) + slopes[1].powi(2);
    Some(([0, 1].map(|n| from[n] - off * slopes[n] / square), [-slopes[1], slopes[0]]))
}

/// Paints where the plane of the oblique tile cuts the slice; its handles are dragged to turn the plane about the cursor.
pub fn plane_line_ui(
    ui: &egui::Ui,
    painter: &egui::Painter,
    (plane, layout): (Plane, &PlaneLayout),
    frame: &Frame,
    (studio, volume, view): (&Studio, &Volume, &ScanView),
    outbox: &mut Outbox,
) {
    if !studio.shows(ResliceTile::Oblique.content()) || !studio.display.crosshair {
        return;
    }
    let form = studio.oblique();
    let through = form.through(&volume.geometry, view.cursor);
    let patient = InPatient { volume, layout, slice: layout.screen(view.cursor)[2] };
    let Some((middle, step)) = line(&patient, &form, through) else { return };
    let to_screen = |[column, row]: [f64; 2]| frame.to_screen([column as f32, row as f32]);
    let centre = to_screen(middle);
    let along = (to_screen([middle[0] + step[0], middle[1] + step[1]]) - centre).normalized();
    let rect = frame.rect;
    let far = along * (rect.size().length() + (centre - rect.center()).length());
    let gap = along * 2.5 * UNIT;
    for side in [1.0, -1.0] {
        let ends = [centre + gap * side, centre + far * side];
        painter.line_segment(ends, Stroke::new(2.5, theme::VIEW_VEIL));
        painter.line_segment(ends, Stroke::new(1.0, theme::OBLIQUE));
    }
    if studio.reslicing.is_placing {
        return;
    }
    let reach = REACH * rect.size().min_elem();
    for (n, side) in [1.0f32, -1.0].into_iter().enumerate() {
        let at = centre + along * reach * side;
        let line = step.map(|pixels| pixels * f64::from(side));
        let towards = minus(patient.place([middle[0] + line[0], middle[1] + line[1]]), patient.place(middle));
        if let Some(pointed) = handle_ui(ui, painter, (plane, n), at, rect) {
            let snaps = ui.input(|i| i.modifiers.shift);
            let to = minus(patient.place(frame.to_slice(pointed)), patient.place(middle));
            let directions: Directions = form.directions.turned_to(towards, to, patient.sides(), snaps);
            outbox.send(Request::Reslice(ResliceRequest::Plane(ObliqueForm { directions, ..form })));
        }
    }
}

/// A handle of the line; where it is dragged to.
fn handle_ui(ui: &egui::Ui, painter: &egui::Painter, (plane, n): (Plane, usize), at: Pos2, rect: Rect) -> Option<Pos2> {
    let grab = Rect::from_center_size(at, Vec2::splat(GRAB)).intersect(rect);
    if !grab.is_positive() {
        return None;
    }
    let response = ui.interact(grab, ui.id().with(("oblique handle", plane, n)), Sense::drag());
    let name = say!("Turn the oblique plane: {plane} handle {n}", plane = words::text(plane.name()), n = n + 1);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Other, true, &name));
    let is_lit = response.hovered() || response.dragged();
    let radius = if is_lit { HANDLE * 1.3 } else { HANDLE };
    painter.circle(at, radius, theme::OBLIQUE, Stroke::new(1.5, theme::VIEW_VEIL));
    let cursor = if response.dragged() { egui::CursorIcon::Grabbing } else { egui::CursorIcon::Grab };
    let response = response.on_hover_cursor(cursor);
    if response.dragged() { response.interact_pointer_pos() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::reslicing::Angles;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};

    #[test]
    fn the_line_lies_on_the_plane_in_every_view_of_a_sheared_grid() {
        let columns = [[-0.8, 0.0, 0.0], [0.0, -0.7, 0.2], [0.0, 0.6, 2.0]];
        let geometry = Geometry::new([20, 20, 20], Affine::from_columns(columns, [8.0, 3.0, -20.0])).unwrap();
        let voxels = Voxels::U8(vec![0; 8000].into());
        let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "a".into());
        let directions = Directions::from(Angles { forward: 25.0, sideways: 40.0, within: 10.0 });
        let form = ObliqueForm { directions, ..ObliqueForm::default() };
        let through = volume.geometry.world_at([7, 12, 9]);
        for plane in Plane::ALL {
            let layout = PlaneLayout::new(&volume.geometry, plane);
            let patient = InPatient { volume: &volume, layout: &layout, slice: layout.screen([7, 12, 9])[2] };
            let (middle, step) = line(&patient, &form, through).unwrap();
            for share in [-3.0, 0.0, 5.0] {
                let at = patient.place([0, 1].map(|n| middle[n] + share * step[n]));
                assert!(dot(directions.normal(), minus(at, through)).abs() < 1e-9, "{plane:?}");
            }
        }
        let coronal = ObliqueForm { directions: Directions::of(Plane::Coronal), ..form };
        let flat = Geometry::new([20, 20, 20], Affine::IDENTITY).unwrap();
        let volume = Volume::new(flat, Voxels::U8(vec![0; 8000].into()), vec![], Rescale::IDENTITY, "b".into());
        let layout = PlaneLayout::new(&volume.geometry, Plane::Coronal);
        let patient = InPatient { volume: &volume, layout: &layout, slice: 5 };
        assert!(line(&patient, &coronal, [5.0; 3]).is_none(), "a view that lies as the plane does has no line");
    }
}
