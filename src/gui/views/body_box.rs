//! The clipping box over the 3-D tile: a thin frame, a handle in the middle of each face, and sliders.

use crate::app::state::body::BodyRequest;
use crate::app::state::camera::Side;
use crate::app::state::clip_box::{ClipBox, Face};
use crate::app::{Outbox, Request, Studio, commands};
use crate::gui::egui;
use crate::gui::paint::body::Look;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Geometry, Plane};
use crate::words::{self, say};
use egui::{Color32, Pos2, Rect, Sense, Stroke, Vec2, vec2};

/// Side of what a handle is grabbed by.
const GRAB: f32 = 5.0 * UNIT;
/// Radius of a handle.
const HANDLE: f32 = 1.25 * UNIT;
/// Nearest to the viewer that a frame is drawn, in millimetres.
const NEAR: f64 = 1.0;
/// Shortest way on the screen from a face to the one beyond that handles are shown for: what is seen from its edge cannot be pulled.
const SHORT: f32 = 6.0 * UNIT;

/// How the view shows places of the grid.
struct Shown<'a> {
    rect: Rect,
    look: &'a Look,
}

impl Shown<'_> {
    fn clip(&self, voxel: [f64; 3]) -> [f64; 4] {
        self.look.clip_from_voxel.map(|row| {
            let [x, y, z, w] = row.map(f64::from);
            x * voxel[0] + y * voxel[1] + z * voxel[2] + w
        })
    }

    fn on_screen(&self, [x, y, _, w]: [f64; 4]) -> Pos2 {
        let half = self.rect.size() / 2.0;
        self.rect.center() + vec2((x / w) as f32 * half.x, (-y / w) as f32 * half.y)
    }

    /// A place that lies before the viewer.
    fn place(&self, voxel: [f64; 3]) -> Option<Pos2> {
        let clip = self.clip(voxel);
        (clip[3] > NEAR).then(|| self.on_screen(clip))
    }

    /// The part of a line that lies before the viewer.
    fn line(&self, ends: [[f64; 3]; 2]) -> Option<[Pos2; 2]> {
        let [a, b] = ends.map(|end| self.clip(end));
        if a[3].max(b[3]) <= NEAR {
            return None;
        }
        let cut = |from: [f64; 4], to: [f64; 4]| {
            if from[3] > NEAR {
                return from;
            }
            let share = (NEAR - from[3]) / (to[3] - from[3]);
            [0, 1, 2, 3].map(|n| from[n] + share * (to[n] - from[n]))
        };
        Some([self.on_screen(cut(a, b)), self.on_screen(cut(b, a))])
    }
}

fn colour(side: Side) -> Color32 {
    theme::plane_colour(match side {
        Side::Right | Side::Left => Plane::Sagittal,
        Side::Anterior | Side::Posterior => Plane::Coronal,
        Side::Superior | Side::Inferior => Plane::Axial,
    })
}

/// Draws the box of the scan on screen, where it is on; its handles are dragged.
pub fn box_ui(ui: &egui::Ui, rect: Rect, studio: &Studio, look: &Look, outbox: &mut Outbox) {
    let (Some(volume), Some(clip)) = (studio.volume(), studio.clip_box().filter(|clip| clip.is_on)) else { return };
    let shown = Shown { rect, look };
    frame_ui(&ui.painter_at(rect), &shown, &clip);
    for side in Side::ALL {
        let face = Face::of(&volume.geometry, side);
        if let Some(moved) = handle_ui(ui, &shown, &volume.geometry, clip, (side, face)) {
            outbox.send(Request::Body(BodyRequest::Clip(moved)));
        }
    }
}

/// Twelve edges; the three that meet at the corner farthest from the viewer are faint.
fn frame_ui(painter: &egui::Painter, shown: &Shown, clip: &ClipBox) {
    let corners = clip.corners();
    let far = |n: &usize| shown.clip(corners[*n])[3];
    let farthest = (0..8).max_by(|a, b| far(a).total_cmp(&far(b)));
    let edges = (0..8usize).flat_map(|from| (0..3).map(move |axis| [from, from | 1 << axis]));
    for edge in edges.filter(|[from, to]| from != to) {
        let is_behind = farthest.is_some_and(|n| edge.contains(&n));
        let colour = theme::VIEW_TEXT.gamma_multiply(if is_behind { 0.25 } else { 0.6 });
        if let Some(line) = shown.line(edge.map(|n| corners[n])) {
            painter.line_segment(line, Stroke::new(1.0, colour));
        }
    }
}

/// A handle in the middle of a face, which is pulled along the face's axis; the box as it is then.
fn handle_ui(
    ui: &egui::Ui,
    shown: &Shown,
    geometry: &Geometry,
    clip: ClipBox,
    (side, face): (Side, Face),
) -> Option<ClipBox> {
    let shape = geometry.shape();
    let middle = clip.middle(face);
    let inward = |voxels: f64| {
        let mut place = middle;
        place[face.axis] += if face.is_end { -voxels } else { voxels };
        shown.place(place)
    };
    let (at, next) = (inward(0.0)?, inward(1.0)?);
    let step: Vec2 = next - at;
    if step.length() * (shape[face.axis] as f32) < SHORT || !shown.rect.shrink(HANDLE).contains(at) {
        return None;
    }
    let id = ui.id().with(("face of the clipping box", side.letter()));
    let response = ui.interact(Rect::from_center_size(at, Vec2::splat(GRAB)), id, Sense::drag());
    let is_lit = response.hovered() || response.dragged();
    let painter = ui.painter_at(shown.rect);
    painter.circle(at, HANDLE * if is_lit { 1.3 } else { 1.0 }, colour(side), Stroke::new(1.0, theme::VIEW_GROUND));
    let depth = clip.depth(face, shape) as f64;
    if response.drag_started() {
        ui.data_mut(|data| data.insert_temp(id, depth));
    }
    let moved = response.drag_delta();
    if !response.dragged() || moved == Vec2::ZERO {
        return None;
    }
    let begun: f64 = ui.data(|data| data.get_temp(id)).unwrap_or(depth);
    // Fractions of voxels add up over a drag.
    let now = (begun + f64::from(moved.dot(step) / step.length_sq())).clamp(0.0, shape[face.axis] as f64);
    ui.data_mut(|data| data.insert_temp(id, now));
    let cut = clip.cut(face, now.round() as usize, shape);
    (cut != clip).then_some(cut)
}

/// Switch, sliders of the six faces, and the whole again.
pub fn box_menu_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(volume) = studio.volume() else { return };
    let (geometry, shape) = (&volume.geometry, volume.geometry.shape());
    let clip = studio.clip_box();
    let mut is_on = clip.is_some_and(|clip| clip.is_on);
    let text = commands::find("view.body-box").map_or("", |entry| words::text(entry.hint));
    if ui.checkbox(&mut is_on, say!("Clipping box")).on_hover_text(text).changed() {
        outbox.run("view.body-box");
    }
    let Some(clip) = clip.filter(|_| is_on) else { return };
    for (side, name) in Side::ALL.into_iter().zip([
        say!("Right"),
        say!("Left"),
        say!("Front"),
        say!("Back"),
        say!("Head"),
        say!("Feet"),
    ]) {
        let face = Face::of(geometry, side);
        let mm = geometry.spacing_mm()[face.axis];
        let most = (shape[face.axis] - 1) as f64 * mm;
        let mut depth = clip.depth(face, shape) as f64 * mm;
        ui.horizontal(|ui| {
            let slider = egui::Slider::new(&mut depth, 0.0..=most).suffix(" mm").fixed_decimals(0).step_by(mm);
            let caption = ui.add_sized([10.0 * UNIT, ui.spacing().interact_size.y], egui::Label::new(name));
            let slider = ui.add(slider).labelled_by(caption.id);
            if slider.changed() {
                let moved = clip.cut(face, (depth / mm).round() as usize, shape);
                outbox.send(Request::Body(BodyRequest::Clip(moved)));
            }
            slider.on_hover_text(say!("How much of this side is hidden"));
        });
    }
    if ui.button(say!("Whole scan")).on_hover_text(say!("The box hides nothing again")).clicked() {
        outbox.run("view.body-box-reset");
    }
}
