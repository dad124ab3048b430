//! The 3-D tile: the labels as surfaces, which are turned, moved and picked by the pointer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::body_box::box_ui;
use super::body_buttons::buttons_ui;
use super::grey::{ImageKey, grey_slice};
use crate::app::act::body_scissors;
use crate::app::state::body::{BodyRequest, LassoStep};
use crate::app::state::camera::{Bounds, Camera, Side};
use crate::app::state::rendering::Rendering;
use crate::app::state::views::ScanView;
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::paint::body::{Look, Scene, SlicePicture, VolumeScene, picture};
use crate::gui::paint::opaque::ground;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Plane, PlaneLayout, Volume};
use crate::words::say;
use egui::{Align2, Color32, FontId, Pos2, Rect, Sense, Stroke, vec2};

/// The view moves until so long after its last move.
const MOVING: Duration = Duration::from_millis(180);
/// Radians that a drag across the shorter side of the tile turns.
const TURN: f64 = std::f64::consts::PI;
/// How much nearer a step of the wheel goes.
const WHEEL: f64 = 1.12;
/// Wheel travel (in points) of one step.
const WHEEL_STEP: f32 = 40.0;
/// How much nearer dragging up by the tile's height goes.
const DRAG: f64 = 8.0;

/// How the tile was looked at in the last frame.
#[derive(Default)]
pub struct BodyCache {
    last: Option<(Look, Instant)>,
    /// Axial, coronal, sagittal.
    slices: [Option<(ImageKey, Arc<SlicePicture>)>; 3],
}

impl BodyCache {
    /// The slices through the cursor.
    fn slices(&mut self, studio: &Studio, volume: &Volume, view: &ScanView) -> Vec<Arc<SlicePicture>> {
        let of_plane = |plane: Plane| {
            let layout = PlaneLayout::new(&volume.geometry, plane);
            let key = ImageKey::new(studio, view, layout.screen(view.cursor)[2]);
            let cache = &mut self.slices[plane as usize];
            if let Some((_, picture)) = cache.as_ref().filter(|(known, _)| *known == key) {
                return picture.clone();
            }
            let grey = grey_slice(volume, &layout, &key);
            let picture = Arc::new(SlicePicture::new(&layout, key.slice, grey, theme::plane_colour(plane)));
            *cache = Some((key, picture.clone()));
            picture
        };
        Plane::ALL.map(of_plane).into()
    }

    /// Whether the view moves, or what it shows changes.
    fn is_moving(&mut self, look: &Look) -> bool {
        match &mut self.last {
            Some((last, since)) if last == look => since.elapsed() < MOVING,
            Some((last, since)) => {
                (*last, *since) = (look.clone(), Instant::now());
                true
            }
            None => {
                let now = Instant::now();
                self.last = Some((look.clone(), now.checked_sub(MOVING).unwrap_or(now)));
                false
            }
        }
    }
}

/// Shows the body in `rect`; whether it was double-clicked.
pub fn body_view_ui(
    ui: &mut egui::Ui,
    rect: Rect,
    (studio, volume, view): (&Studio, &Volume, &ScanView),
    outbox: &mut Outbox,
    cache: &mut BodyCache,
) -> bool {
    let response = ui.interact(rect, ui.id().with("body"), Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Image, true, say!("3-D view")));
    if is_empty(studio) {
        // Nothing is made and nothing drawn until there is something to be seen.
        empty_ui(ui, rect, studio, &response, outbox);
        return response.double_clicked();
    }
    let (Some(camera), Some(look)) = (studio.body_camera(), studio.body_look()) else { return false };
    let aspect = f64::from(rect.width() / rect.height().max(1.0));
    pointer_ui(ui, &response, (studio, volume), &camera, outbox);

    let painter = ui.painter_at(rect);
    let has_labels = !studio.body.surfaces.blocks.is_empty();
    let rendering = studio.body.form.rendering;
    let values = studio
        .shown
        .and_then(|scan| studio.body.values.of(scan, view.frame))
        .filter(|_| rendering != Rendering::Surfaces);
    let volume_scene = values.map(|values| {
        let table = rendering.table(values.range, view.window);
        let looks = (table, rendering == Rendering::Maximum);
        VolumeScene::new((&volume.geometry, values.clone()), &camera, aspect, look.kept, looks)
    });
    let look = Look::new(&volume.geometry, &camera, aspect, look, theme::VIEW_GROUND);
    let is_painting = studio.hand.tool.labels().is_some() && !studio.body.waits_for_strokes;
    let is_moving = cache.is_moving(&look) || is_painting;
    if is_moving {
        ui.ctx().request_repaint_after(MOVING);
    }
    let is_surfaces = rendering == Rendering::Surfaces;
    let slices = if studio.body.form.slices && is_surfaces { cache.slices(studio, volume, view) } else { Vec::new() };
    let blocks = if is_surfaces { studio.body.surfaces.blocks.clone() } else { Arc::default() };
    let shown = look.clone();
    painter.add(picture(ui.ctx(), rect, Scene { blocks, slices, volume: volume_scene, look, is_moving }));
    box_ui(ui, rect, studio, &shown, outbox);
    outline_ui(&painter, rect, studio);
    if studio.display.annotations {
        axes_ui(&painter, rect, &camera);
        texts_ui(&painter, rect, studio, if is_surfaces { has_labels } else { values.is_some() });
        buttons_ui(ui, rect, studio, outbox);
    }
    let is_lit = response.has_focus() || response.hovered();
    let border = if is_lit { theme::VIEW_TEXT } else { theme::VIEW_TEXT.gamma_multiply(0.35) };
    painter.rect_stroke(rect, 0.0, Stroke::new(1.0, border), egui::StrokeKind::Inside);
    response.double_clicked()
}

/// Whether surfaces are wanted where there are neither labels nor slices to be shown.
fn is_empty(studio: &Studio) -> bool {
    let form = &studio.body.form;
    form.rendering == Rendering::Surfaces && !form.slices && studio.body.surfaces.blocks.is_empty()
}

/// What will be seen, and how.
fn empty_ui(ui: &mut egui::Ui, rect: Rect, studio: &Studio, response: &egui::Response, outbox: &mut Outbox) {
    if response.hovered() != studio.body.is_hovered {
        outbox.send(Request::Body(BodyRequest::Hover(response.hovered())));
    }
    let painter = ui.painter_at(rect);
    painter.add(ground(vec![rect], theme::VIEW_GROUND));
    if studio.display.annotations {
        texts_ui(&painter, rect, studio, false);
        buttons_ui(ui, rect, studio, outbox);
    }
    let is_lit = response.has_focus() || response.hovered();
    let border = if is_lit { theme::VIEW_TEXT } else { theme::VIEW_TEXT.gamma_multiply(0.35) };
    painter.rect_stroke(rect, 0.0, Stroke::new(1.0, border), egui::StrokeKind::Inside);
}

/// A place of the tile from -1 to 1, to the right and up.
fn place(rect: Rect, at: Pos2) -> [f64; 2] {
    let share = (at - rect.center()) / (rect.size() / 2.0);
    [f64::from(share.x), f64::from(-share.y)]
}

/// Left turns, with Shift moves, the middle button moves, right goes nearer; a click picks.
fn pointer_ui(
    ui: &egui::Ui,
    response: &egui::Response,
    (studio, volume): (&Studio, &Volume),
    camera: &Camera,
    outbox: &mut Outbox,
) {
    use egui::PointerButton::{Middle, Primary, Secondary};
    if response.hovered() != studio.body.is_hovered {
        outbox.send(Request::Body(BodyRequest::Hover(response.hovered())));
    }
    let rect = response.rect;
    let side = f64::from(rect.size().min_elem().max(1.0));
    let [x, y] = [response.drag_delta().x, response.drag_delta().y].map(|points| f64::from(points) / side);
    let bounds = Bounds::whole(&volume.geometry);
    let shift = ui.input(|i| i.modifiers.shift);
    let mut moved = *camera;
    let [cuts, turns] = [body_scissors::are_in_hand(studio), ui.input(|i| i.modifiers.command)];
    if cuts && !shift {
        lasso_ui(ui, response, studio, turns, outbox);
    }
    if response.dragged_by(Middle) || (response.dragged_by(Primary) && shift) {
        moved = moved.panned([x, y]);
    } else if response.dragged_by(Primary) && (!cuts || turns && studio.body.lasso.is_empty()) {
        moved = moved.orbited([TURN * x, TURN * y]);
    } else if response.dragged_by(Secondary) {
        moved = moved.zoomed(DRAG.powf(-y), bounds);
    }
    if response.hovered() {
        let (wheel, pinch) = ui.input(|i| (i.smooth_scroll_delta().y / WHEEL_STEP, i.zoom_delta()));
        if wheel != 0.0 {
            moved = moved.zoomed(WHEEL.powf(f64::from(wheel)), bounds);
        }
        if pinch != 1.0 {
            moved = moved.zoomed(f64::from(pinch), bounds);
        }
    }
    if moved != *camera {
        outbox.send(Request::Body(BodyRequest::Camera(moved)));
    }
    if response.clicked_by(Primary)
        && let Some(at) = response.interact_pointer_pos()
    {
        let aspect = f64::from(rect.width() / rect.height().max(1.0));
        let [from, direction] = camera.ray(place(rect, at), aspect);
        outbox.send(Request::Body(BodyRequest::Pick { from, direction }));
    }
}

/// The scissors' outline: a drag draws it, unless that turns the body.
fn lasso_ui(ui: &egui::Ui, response: &egui::Response, studio: &Studio, turns: bool, outbox: &mut Outbox) {
    use egui::PointerButton::Primary;
    let rect = response.rect;
    let mut send = |step| outbox.send(Request::Body(BodyRequest::Lasso(step)));
    let begins = response.drag_started_by(Primary) && !turns;
    if begins && let Some(at) = ui.input(|i| i.pointer.press_origin()) {
        send(LassoStep::Begin(place(rect, at)));
    }
    if (begins || !studio.body.lasso.is_empty())
        && let Some(at) = response.interact_pointer_pos()
    {
        send(LassoStep::To(place(rect, at)));
    }
    if response.drag_stopped_by(Primary) {
        send(LassoStep::End(f64::from(rect.width() / rect.height().max(1.0))));
    }
    if response.hovered() {
        ui.set_cursor_icon(egui::CursorIcon::Crosshair);
    }
}

/// The outline so far, closed.
fn outline_ui(painter: &egui::Painter, rect: Rect, studio: &Studio) {
    let half = rect.size() / 2.0;
    let at = |[x, y]: &[f64; 2]| rect.center() + vec2(*x as f32 * half.x, -*y as f32 * half.y);
    let points: Vec<Pos2> = studio.body.lasso.iter().map(at).collect();
    painter.add(egui::Shape::closed_line(points, Stroke::new(1.5, theme::VIEW_TEXT)));
}

/// The patient's directions in the lower left corner, the nearest last.
fn axes_ui(painter: &egui::Painter, rect: Rect, camera: &Camera) {
    const LENGTH: f32 = 6.0 * UNIT;
    let centre = rect.left_bottom() + vec2(11.0 * UNIT, -11.0 * UNIT);
    let mut ends: Vec<([f64; 3], &str, Color32)> = Side::ALL
        .into_iter()
        .zip([Plane::Sagittal, Plane::Sagittal, Plane::Coronal, Plane::Coronal, Plane::Axial, Plane::Axial])
        .map(|(side, plane)| {
            (
                camera.seen(Camera::from(side, Bounds { middle: [0.0; 3], radius: 1.0 }).back()),
                side.letter(),
                theme::plane_colour(plane),
            )
        })
        .collect();
    ends.sort_by(|a, b| a.0[2].total_cmp(&b.0[2]));
    for ([x, y, towards], letter, colour) in ends {
        // What points away is faint.
        let colour = colour.gamma_multiply(if towards < -0.05 { 0.4 } else { 1.0 });
        let along = vec2(x as f32, -y as f32);
        painter.line_segment([centre, centre + along * LENGTH], Stroke::new(1.5, colour));
        painter.text(
            centre + along * (LENGTH + 2.0 * UNIT),
            Align2::CENTER_CENTER,
            letter,
            FontId::proportional(theme::SMALL),
            colour,
        );
    }
}

fn texts_ui(painter: &egui::Painter, rect: Rect, studio: &Studio, has_labels: bool) {
    let small = FontId::proportional(theme::SMALL);
    let at = rect.left_top() + vec2(2.0 * UNIT, 2.0 * UNIT);
    painter.text(at, Align2::LEFT_TOP, say!("3-D"), small.clone(), theme::VIEW_TEXT);
    let mut line = vec2(0.0, theme::SMALL + UNIT);
    if body_scissors::are_in_hand(studio) && has_labels {
        let text = say!("Drag around what is to be cut; Ctrl and drag turns, Esc drops the outline");
        painter.text(at + line, Align2::LEFT_TOP, text, small.clone(), theme::VIEW_TEXT.gamma_multiply(0.7));
        line *= 2.0;
    }
    if studio.body.surfaces.step > 1 {
        let text = say!(
            "Surfaces of {step} x {step} x {step} voxels: single ones would take too much memory",
            step = studio.body.surfaces.step
        );
        painter.text(at + line, Align2::LEFT_TOP, text, small.clone(), theme::SAGITTAL);
    }
    if !has_labels {
        let is_preparing = studio.body.form.rendering != Rendering::Surfaces;
        let is_busy = is_preparing || studio.body.surfaces.labels.is_none() && studio.body.surfaces.failed.is_none();
        let text = if is_busy {
            if is_preparing { say!("Preparing the scan...") } else { say!("Making surfaces...") }
        } else {
            say!("Labels are shown here as surfaces:\npaint some, or run a model")
        };
        let galley = painter.layout(
            text.into(),
            FontId::proportional(theme::SMALL + 1.0),
            theme::VIEW_TEXT.gamma_multiply(0.7),
            rect.width() - 8.0 * UNIT,
        );
        let corner = rect.center() - galley.size() / 2.0;
        painter.galley(corner, galley, theme::VIEW_TEXT);
    }
}
