//! The oblique and the curved tile: the scan along a plane, or straightened along a path.

use std::sync::Arc;

use super::annotations::{annotation, paint_scale_bar};
use super::frame::{Frame, room};
use super::overlay::FlatOverlay;
use super::pointer::wheel_steps;
use super::reslice_buttons::buttons_ui;
use crate::app::state::reslicing::{Along, PathForm, ReadyPicture, ResliceRequest, ResliceTile, distance_mm};
use crate::app::state::views::{Pose, ScanView, fitting_scale};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::paint::opaque::{GreyPicture, ground};
use crate::gui::theme::{self, UNIT};
use crate::tools::{dragged_window, dragged_zoom};
use crate::volume::{Resliced, Slab, Volume, Window, direction_letters, dot};
use crate::words::{self, say};
use egui::{Align2, Color32, FontId, Pos2, Rect, Sense, Stroke, vec2};

/// Degrees that a step of the wheel turns a straightened picture.
const WHEEL_DEGREES: f64 = 3.0;

/// What a grey picture shows.
#[derive(PartialEq)]
struct ImageKey {
    /// Values are told apart by where they lie; they are kept, so that no others come to lie there.
    values: Same<Vec<f32>>,
    window: Window,
    is_inverted: bool,
    is_smooth: bool,
}

/// Shared data; only the same is equal.
struct Same<T>(Arc<T>);

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What a tile has painted already.
#[derive(Default)]
pub struct ReslicedCache {
    image: Option<(ImageKey, GreyPicture)>,
    overlay: Option<FlatOverlay>,
    /// Wheel travel that is not a whole step yet.
    wheel: f32,
}

fn pose_of(tile: ResliceTile, studio: &Studio) -> Pose {
    match tile {
        ResliceTile::Oblique => studio.oblique().pose,
        ResliceTile::Curved => studio.path().pose,
    }
}

fn with_pose(tile: ResliceTile, studio: &Studio, pose: Pose) -> ResliceRequest {
    match tile {
        ResliceTile::Oblique => {
            ResliceRequest::Plane(crate::app::state::reslicing::ObliqueForm { pose, ..studio.oblique() })
        }
        ResliceTile::Curved => ResliceRequest::Path(PathForm { pose, ..studio.path() }),
    }
}

/// Shows a tile in `rect`; whether it was double-clicked. `fit` is the scale of the slice views at a zoom of 1, where all have one.
pub fn resliced_ui(
    ui: &mut egui::Ui,
    rect: Rect,
    (tile, fit): (ResliceTile, Option<f32>),
    (studio, volume, view): (&Studio, &Volume, &ScanView),
    outbox: &mut Outbox,
    caches: &mut [ReslicedCache; 2],
) -> bool {
    let cache = &mut caches[tile as usize];
    let name = words::text(tile.content().name());
    let response = ui.interact(rect, ui.id().with(("resliced", tile as usize)), Sense::click_and_drag());
    let label = say!("{plane} view", plane = name);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Image, true, &label));
    hover_ui(&response, tile, studio, outbox);
    let painter = ui.painter_at(rect);
    painter.add(ground(vec![rect], theme::VIEW_GROUND));
    let colour = if tile == ResliceTile::Oblique { theme::OBLIQUE } else { theme::PATH };
    if let Some(ready) = &studio.reslicing.pictures[tile as usize].ready {
        let size = ready.reslice.size();
        let pixel_mm = ready.reslice.pixel_mm;
        let own = match tile {
            // The scale stays while the plane is turned.
            ResliceTile::Oblique => fit.unwrap_or_else(|| fitting_scale(room(rect), [longest_mm(volume); 2])),
            ResliceTile::Curved => fitting_scale(room(rect), size.map(|n| (n as f64 * pixel_mm) as f32)),
        };
        let frame = Frame::of_picture(rect, size, pixel_mm, own, pose_of(tile, studio));
        pointer_ui(ui, &response, (tile, &frame, ready), (studio, volume, view), outbox, &mut cache.wheel);
        paint_picture(ui, &painter, &frame, ready, (studio, volume, view), cache);
        if studio.display.crosshair {
            cursor_ui(&painter, &frame, ready, (studio, volume, view));
        }
        if studio.display.annotations {
            texts_ui(&painter, &frame, ready, (view, name, colour));
        }
    } else {
        empty_ui(&painter, rect, tile, studio, colour);
    }
    if studio.display.annotations {
        buttons_ui(ui, rect, tile, studio, outbox);
    }
    let is_lit = response.has_focus() || response.hovered();
    let border = if is_lit { colour } else { colour.gamma_multiply(0.45) };
    painter.rect_stroke(rect, 0.0, Stroke::new(1.0, border), egui::StrokeKind::Inside);
    response.double_clicked()
}

/// The longest edge of the scan.
fn longest_mm(volume: &Volume) -> f32 {
    let (shape, spacing) = (volume.geometry.shape(), volume.geometry.spacing_mm());
    (0..3).map(|n| (shape[n] as f64 * spacing[n]) as f32).fold(0.0, f32::max)
}

fn hover_ui(response: &egui::Response, tile: ResliceTile, studio: &Studio, outbox: &mut Outbox) {
    let is_here = studio.reslicing.hovered == Some(tile);
    if response.hovered() != is_here {
        let hovered = response.hovered().then_some(tile);
        outbox.send(Request::Reslice(ResliceRequest::Hover(hovered)));
    }
}

/// Left moves the cursor, or does what the hand and the window tool do; right zooms, the middle button moves; the wheel goes through the plane, or
/// turns about the path.
fn pointer_ui(
    ui: &egui::Ui,
    response: &egui::Response,
    (tile, frame, ready): (ResliceTile, &Frame, &ReadyPicture),
    (studio, volume, view): (&Studio, &Volume, &ScanView),
    outbox: &mut Outbox,
    wheel: &mut f32,
) {
    use egui::PointerButton::{Middle, Primary, Secondary};
    if response.is_pointer_button_down_on() {
        // A button that was pressed before has the focus no longer, or Enter would press it again.
        ui.memory_mut(|memory| memory.focused().into_iter().for_each(|id| memory.surrender_focus(id)));
    }
    let mut pose = pose_of(tile, studio);
    let moved = response.drag_delta();
    let pan = |pose: Pose| {
        let by = moved / frame.scale;
        Pose { pan_mm: [pose.pan_mm[0] + by.x, pose.pan_mm[1] + by.y], ..pose }
    };
    let is_down = response.is_pointer_button_down_on() && ui.input(|i| i.pointer.button_down(Primary));
    match studio.hand.entry.id {
        "hand" if response.dragged_by(Primary) => pose = pan(pose),
        "window-level" if response.dragged_by(Primary) => {
            let statistics = volume.statistics();
            let window = dragged_window(view.window, statistics.max - statistics.min, moved.into());
            outbox.send(Request::Window(window));
        }
        "hand" | "window-level" => {}
        _ => {
            let is_pointed = is_down || response.clicked_by(Primary);
            let place = response.interact_pointer_pos().filter(|_| is_pointed && !response.double_clicked());
            let place = place.filter(|at| frame.pixel_under(*at).is_some());
            if let Some(place) = place.and_then(|at| ready.reslice.place(frame.to_slice(at))) {
                outbox.send(Request::Reslice(ResliceRequest::Cursor(place)));
            }
            if response.hovered() {
                ui.set_cursor_icon(egui::CursorIcon::Crosshair);
            }
        }
    }
    if response.dragged_by(Middle) {
        pose = pan(pose);
    }
    if response.dragged_by(Secondary) {
        pose = pose.zoomed(dragged_zoom(moved.y));
    }
    if response.hovered() {
        let zoom = ui.input(egui::InputState::zoom_delta);
        if zoom != 1.0 {
            pose = pose.zoomed(zoom);
        }
        let steps = wheel_steps(ui, wheel);
        if steps != 0 {
            outbox.send(Request::Reslice(match tile {
                ResliceTile::Oblique => ResliceRequest::Step(steps),
                ResliceTile::Curved => {
                    let form = studio.path();
                    let angle = (form.angle + WHEEL_DEGREES * steps as f64 + 180.0).rem_euclid(360.0) - 180.0;
                    ResliceRequest::Path(PathForm { angle, ..form })
                }
            }));
        }
    }
    if pose != pose_of(tile, studio) {
        outbox.send(Request::Reslice(with_pose(tile, studio, pose)));
    }
}

fn paint_picture(
    ui: &egui::Ui,
    painter: &egui::Painter,
    frame: &Frame,
    ready: &ReadyPicture,
    (studio, volume, view): (&Studio, &Volume, &ScanView),
    cache: &mut ReslicedCache,
) {
    // A coarse picture reaches to the end of its last pixels.
    let end = ready.resliced.size.map(|n| (n * ready.thinning) as f32);
    let place = Rect::from_min_max(frame.to_screen([0.0; 2]), frame.to_screen(end));
    let key = ImageKey {
        values: Same(ready.resliced.values.clone()),
        window: view.window,
        is_inverted: volume.display.inverted != view.inverted,
        is_smooth: studio.settings.smooth || ready.thinning > 1,
    };
    if cache.image.as_ref().is_none_or(|(shown, _)| *shown != key) {
        let last = cache.image.take().map(|(_, picture)| picture);
        let grey = grey(&ready.resliced, &key);
        let picture = GreyPicture::replace(last, ui.ctx(), ready.resliced.size, grey, key.is_smooth);
        cache.image = Some((key, picture));
    }
    if let Some((_, picture)) = &cache.image {
        picture.paint(painter, place, [false; 2]);
    }
    if studio.display.labels
        && let (Some(labels), Some(table)) = (&ready.resliced.labels, studio.shown_table())
    {
        let is_preview = studio.shown_labels().is_some_and(|(_, is_preview)| is_preview);
        let shown = (labels, ready.resliced.size, table, is_preview);
        FlatOverlay::renew(&mut cache.overlay, ui.ctx(), shown, studio);
        if let Some(overlay) = &cache.overlay {
            overlay.paint(painter, place, studio.settings.outline);
        }
    }
}

/// Bytes of grey; what lies outside of the scan is black.
fn grey(resliced: &Resliced, key: &ImageKey) -> Vec<u8> {
    let invert = if key.is_inverted { u8::MAX } else { 0 };
    let of = |value: &f32| {
        if value.is_nan() { 0 } else { (key.window.grey(f64::from(*value)) * 255.0) as u8 ^ invert }
    };
    resliced.values.iter().map(of).collect()
}

/// The cursor: a cross where it lies on the plane, a line across at the place of the path that is nearest to it.
fn cursor_ui(
    painter: &egui::Painter,
    frame: &Frame,
    ready: &ReadyPicture,
    (studio, volume, view): (&Studio, &Volume, &ScanView),
) {
    let rect = frame.rect;
    let stroke = Stroke::new(1.0, theme::VIEW_TEXT.gamma_multiply(0.6));
    match &ready.key.along {
        Along::Plane(plane) => {
            let through = studio.oblique().through(&volume.geometry, view.cursor);
            let from_middle = [0, 1, 2].map(|n| through[n] - plane.centre[n]);
            let at = [plane.right, plane.down].map(|side| dot(from_middle, side) / ready.reslice.pixel_mm);
            let size = ready.reslice.size();
            let at = frame.to_screen([0, 1].map(|n| (at[n] + size[n] as f64 / 2.0) as f32));
            let gap = 2.5 * UNIT;
            painter.vline(at.x, rect.top()..=(at.y - gap), stroke);
            painter.vline(at.x, (at.y + gap)..=rect.bottom(), stroke);
            painter.hline(rect.left()..=(at.x - gap), at.y, stroke);
            painter.hline((at.x + gap)..=rect.right(), at.y, stroke);
        }
        Along::Path(_, width_mm, _) => {
            let cursor = studio.oblique().through(&volume.geometry, view.cursor);
            let middle = (ready.reslice.columns as f64 - 1.0) / 2.0;
            let away = ready.reslice.rows.iter().map(|row| distance_mm(row.place(middle), cursor)).enumerate();
            if let Some((row, away)) = away.min_by(|a, b| a.1.total_cmp(&b.1))
                && away <= width_mm / 2.0
            {
                let y = frame.to_screen([0.0, row as f32 + 0.5]).y;
                painter.hline(frame.image.intersect(rect).x_range(), y, stroke);
            }
        }
    }
}

/// Orientation letters, what the tile shows, the scale bar.
fn texts_ui(
    painter: &egui::Painter,
    frame: &Frame,
    ready: &ReadyPicture,
    (view, name, colour): (&ScanView, &str, Color32),
) {
    let small = FontId::proportional(theme::SMALL);
    let r = frame.rect.shrink(2.0 * UNIT);
    let text = |at: Pos2, anchor: Align2, text: String, colour: Color32| {
        annotation(painter, at, anchor, text, &small, colour);
    };
    let line = vec2(0.0, theme::SMALL + UNIT);
    text(r.left_top(), Align2::LEFT_TOP, name.to_string(), colour);
    let window = format!("W {:.0}  L {:.0}", view.window.width, view.window.level);
    let mut below = r.left_top() + line;
    let mut write = |words: String| {
        text(below, Align2::LEFT_TOP, words, theme::VIEW_TEXT);
        below += line;
    };
    write(window);
    match &ready.key.along {
        Along::Plane(plane) => {
            let back = |side: [f64; 3]| side.map(|part| -part);
            let sides = [back(plane.right), plane.right, back(plane.down), plane.down].map(direction_letters);
            let [left, right, top, bottom] = sides;
            text(r.left_center(), Align2::LEFT_CENTER, left, colour);
            text(r.right_center(), Align2::RIGHT_CENTER, right, colour);
            text(r.center_top(), Align2::CENTER_TOP, top, colour);
            text(r.center_bottom(), Align2::CENTER_BOTTOM, bottom, colour);
        }
        Along::Path(_, _, angle) => {
            let length = (ready.reslice.rows.len().saturating_sub(1)) as f64 * ready.reslice.pixel_mm;
            write(say!(
                "{mm} mm long, turned {angle} degrees",
                mm = format!("{length:.1}"),
                angle = format!("{angle:.0}")
            ));
        }
    }
    if ready.key.slab.thickness_mm > 0.0 {
        let Slab { thickness_mm, kind } = ready.key.slab;
        let kind = words::text(kind.name());
        write(say!("{kind} of {mm} mm", kind, mm = format!("{thickness_mm:.1}")));
    }
    paint_scale_bar(painter, frame, &small);
}

/// What to do where there is no picture yet.
fn empty_ui(painter: &egui::Painter, rect: Rect, tile: ResliceTile, studio: &Studio, colour: Color32) {
    let small = FontId::proportional(theme::SMALL);
    let at = rect.left_top() + vec2(2.0 * UNIT, 2.0 * UNIT);
    painter.text(at, Align2::LEFT_TOP, words::text(tile.content().name()), small, colour);
    if tile == ResliceTile::Oblique {
        return;
    }
    let text = if studio.reslicing.is_placing {
        say!("Click along a structure in the views, slice by slice;\nEsc ends, Backspace takes the last point back")
    } else {
        say!("The scan is straightened here along a path:\nplace its points with the button above")
    };
    let font = FontId::proportional(theme::SMALL + 1.0);
    let galley = painter.layout(text.into(), font, theme::VIEW_TEXT.gamma_multiply(0.7), rect.width() - 8.0 * UNIT);
    painter.galley(rect.center() - galley.size() / 2.0, galley, theme::VIEW_TEXT);
}
