//! One slice view: image, labels, crosshair, annotations, and what the pointer does.

use super::compose::{Border, borders};
use super::egui;
use super::info_tile::number;
use super::opaque::{GreyPicture, ground};
use super::settings::Settings;
use super::theme::{self, UNIT};
use super::tiled_texture::TiledTexture;
use super::viewer::{Tool, Viewer};
use crate::session::SliceState;
use crate::volume::{LabelMap, LabelTable, LabelValue, Plane, PlaneLayout, Window};
use egui::{Align2, Color32, FontId, Pos2, Rect, Sense, Stroke, vec2};
use egui_phosphor::regular as icon;

/// What a grey texture shows; equal keys need no new one.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageKey {
    slice: usize,
    frame: usize,
    window: Window,
    smooth: bool,
}

/// Labels of a slice, ready to paint.
pub struct Overlay {
    slice: usize,
    /// The snapshot it was made from.
    labels: LabelMap,
    table: LabelTable,
    opacity: f32,
    hovered: LabelValue,
    /// Fill of the labelled part, one texel per voxel; `None` where nothing is to be filled.
    fill: Option<(LabelledPart, TiledTexture)>,
    /// Outlines.
    borders: Vec<Border>,
}

/// Where a slice lies on the screen.
struct Frame {
    rect: Rect,
    image: Rect,
    size: [usize; 3],
    /// Points per millimetre.
    scale: f32,
}

impl Frame {
    fn new(rect: Rect, layout: &PlaneLayout, pixel_mm: [f64; 3], zoom: f32, pan_mm: egui::Vec2) -> Self {
        let extent = vec2((layout.size[0] as f64 * pixel_mm[0]) as f32, (layout.size[1] as f64 * pixel_mm[1]) as f32);
        let room = rect.shrink(2.0 * UNIT).size();
        let scale = (room.x / extent.x).min(room.y / extent.y).max(1e-3) * zoom;
        let image = Rect::from_center_size(rect.center() + pan_mm * scale, extent * scale);
        Self { rect, image, size: layout.size, scale }
    }

    /// Screen point of a position in slice pixels.
    fn to_screen(&self, at: [f32; 2]) -> Pos2 {
        let share = vec2(at[0] / self.size[0] as f32, at[1] / self.size[1] as f32);
        self.image.min + share * self.image.size()
    }

    /// Position in slice pixels of a screen point.
    fn to_slice(&self, at: Pos2) -> [f64; 2] {
        let share = (at - self.image.min) / self.image.size();
        [f64::from(share.x) * self.size[0] as f64, f64::from(share.y) * self.size[1] as f64]
    }

    fn pixel_under(&self, at: Pos2) -> Option<[usize; 2]> {
        let [x, y] = self.to_slice(at);
        let inside = x >= 0.0 && y >= 0.0 && x < self.size[0] as f64 && y < self.size[1] as f64;
        inside.then_some([x as usize, y as usize])
    }
}

/// Shows a slice view in `rect`; whether it was double-clicked.
pub fn slice_view_ui(
    ui: &mut egui::Ui,
    rect: Rect,
    plane: Plane,
    viewer: &mut Viewer,
    settings: &mut Settings,
) -> bool {
    let layout = viewer.layout(plane);
    let geometry = viewer.volume().geometry.clone();
    let slice = layout.screen(viewer.cursor)[2];
    let response = ui.interact(rect, ui.id().with(plane.name()), Sense::click_and_drag());
    let label = format!("{} view", plane.name());
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::WidgetType::Image, true, &label);
        info.current_text_value = Some(format!("slice {} of {}", slice + 1, layout.size[2]));
        info
    });
    let (zoom, pan) = (viewer.view(plane).zoom, viewer.view(plane).pan_mm);
    let frame = Frame::new(rect, &layout, layout.pixel_mm(&geometry), zoom, pan);
    let double_clicked = response.double_clicked() && !viewer.tool.is_brush();
    handle_pointer(ui, &response, plane, &frame, &layout, viewer, settings);

    let slice = layout.screen(viewer.cursor)[2];
    let painter = ui.painter_at(rect);
    paint_ground(&painter, &frame);
    paint_image(ui, &painter, plane, &frame, &layout, slice, viewer, settings);
    if viewer.show_labels {
        paint_labels(ui, &painter, plane, &frame, &layout, slice, viewer, settings);
    }
    if let Some(heat) = viewer.heat.as_ref().filter(|heat| heat.plane == plane && heat.slice == slice) {
        let whole = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
        painter.image(heat.texture.id(), frame.image, whole, Color32::WHITE);
    }
    if viewer.show_crosshair {
        paint_crosshair(&painter, plane, &frame, &layout, viewer);
    }
    if viewer.show_annotations {
        paint_annotations(&painter, plane, &frame, &layout, slice, viewer);
    }
    paint_brush(ui, &response, &painter, &frame, viewer, settings);
    let focused = response.has_focus() || viewer.hovered_view == Some(plane);
    let border = if focused { theme::plane_colour(plane) } else { theme::plane_colour(plane).gamma_multiply(0.45) };
    painter.rect_stroke(rect, 0.0, Stroke::new(1.0, border), egui::StrokeKind::Inside);
    double_clicked
}

/// Wheel travel (in points) of one slice.
const WHEEL_STEP: f32 = 30.0;

fn handle_pointer(
    ui: &egui::Ui,
    response: &egui::Response,
    plane: Plane,
    frame: &Frame,
    layout: &PlaneLayout,
    viewer: &mut Viewer,
    settings: &mut Settings,
) {
    use egui::PointerButton::{Middle, Primary, Secondary};
    if response.is_pointer_button_down_on() {
        // A button that was pressed before has the focus no longer, or Enter would press it again.
        ui.memory_mut(|memory| memory.focused().into_iter().for_each(|id| memory.surrender_focus(id)));
    }
    let pointer = response.interact_pointer_pos().or(response.hover_pos());
    if response.hovered() {
        viewer.hovered_view = Some(plane);
        let slice = layout.screen(viewer.cursor)[2];
        let under = response.hover_pos().and_then(|p| frame.pixel_under(p));
        let voxel = under.map(|[c, r]| layout.voxel([c, r, slice]));
        viewer.hovered = voxel.map(|v| (plane, v));
        viewer.hovered_label = voxel.map_or(0, |v| viewer.shown_labels().get(v));
        handle_wheel(ui, plane, viewer, settings);
    }
    let icon = match viewer.tool {
        Tool::Crosshair => egui::CursorIcon::Crosshair,
        Tool::ZoomPan => egui::CursorIcon::Grab,
        Tool::Brush if viewer.session.document().table.is_locked(viewer.active_label) => egui::CursorIcon::NotAllowed,
        Tool::Brush | Tool::Eraser => egui::CursorIcon::None,
    };
    response.clone().on_hover_cursor(icon);
    let down = |button| {
        response.dragged_by(button)
            || (response.is_pointer_button_down_on() && ui.input(|i| i.pointer.button_down(button)))
    };
    let brush = viewer.tool.is_brush();
    if brush && (down(Primary) || down(Secondary)) {
        if let Some(at) = pointer {
            let erase = viewer.tool == Tool::Eraser || down(Secondary);
            viewer.paint(plane, frame.to_slice(at), erase, settings.brush_mm);
        }
    } else if viewer.stroke.as_ref().is_some_and(|s| s.plane == plane) {
        viewer.commit_stroke();
    }
    if brush {
        // Nothing else moves while a brush is in hand, but the middle button.
    } else if viewer.tool == Tool::Crosshair && down(Primary) {
        if let Some(at) = pointer {
            let [x, y] = frame.to_slice(at);
            let clamp = |v: f64, n: usize| v.clamp(0.0, n as f64 - 1.0) as usize;
            let slice = layout.screen(viewer.cursor)[2];
            viewer.cursor = layout.voxel([clamp(x, layout.size[0]), clamp(y, layout.size[1]), slice]);
        }
    } else if viewer.tool == Tool::ZoomPan && response.dragged_by(Primary) {
        viewer.view(plane).pan_mm += response.drag_delta() / frame.scale;
    }
    if !brush && response.dragged_by(Secondary) {
        let factor = (-response.drag_delta().y / 150.0).exp();
        zoom_by(viewer, plane, factor);
    }
    if response.dragged_by(Middle) {
        viewer.view(plane).pan_mm += response.drag_delta() / frame.scale;
    }
}

fn zoom_by(viewer: &mut Viewer, plane: Plane, factor: f32) {
    let view = viewer.view(plane);
    view.zoom = (view.zoom * factor).clamp(0.2, 60.0);
}

fn handle_wheel(ui: &egui::Ui, plane: Plane, viewer: &mut Viewer, settings: &mut Settings) {
    let (zoom, shift) = ui.input(|i| (i.zoom_delta(), i.modifiers.shift));
    if zoom != 1.0 {
        zoom_by(viewer, plane, zoom);
        return;
    }
    let mut travel = 0.0;
    ui.input(|i| {
        for event in &i.events {
            if let egui::Event::MouseWheel { unit, delta, modifiers, .. } = event {
                if modifiers.command || modifiers.ctrl {
                    continue;
                }
                let along = if delta.y == 0.0 { delta.x } else { delta.y };
                travel += match unit {
                    egui::MouseWheelUnit::Point => along / WHEEL_STEP,
                    egui::MouseWheelUnit::Line | egui::MouseWheelUnit::Page => along,
                };
            }
        }
    });
    // A touchpad or a fine wheel sends parts of a step; they add up. A change of direction starts anew.
    viewer.wheel = if viewer.wheel * travel < 0.0 { travel } else { viewer.wheel + travel };
    let steps = viewer.wheel.trunc() as i64;
    viewer.wheel -= steps as f32;
    if steps == 0 {
    } else if shift && viewer.tool.is_brush() {
        settings.brush_mm = (settings.brush_mm + 0.5 * steps as f64).clamp(0.5, 100.0);
    } else {
        viewer.step_slice(plane, steps);
    }
}

/// Paints the ground around the image; the image itself is opaque.
fn paint_ground(painter: &egui::Painter, frame: &Frame) {
    let (rect, image) = (frame.rect, frame.image.intersect(frame.rect));
    if !image.is_positive() {
        painter.add(ground(vec![rect], theme::VIEW_GROUND));
        return;
    }
    // The image's edge may cover part of a pixel only.
    let inside = image.shrink(1.0);
    let mut around = vec![
        Rect::from_min_max(rect.min, egui::pos2(rect.right(), inside.top())),
        Rect::from_min_max(egui::pos2(rect.left(), inside.bottom()), rect.max),
        Rect::from_min_max(egui::pos2(rect.left(), inside.top()), egui::pos2(inside.left(), inside.bottom())),
        Rect::from_min_max(egui::pos2(inside.right(), inside.top()), egui::pos2(rect.right(), inside.bottom())),
    ];
    around.retain(Rect::is_positive);
    painter.add(ground(around, theme::VIEW_GROUND));
}

fn paint_image(
    ui: &egui::Ui,
    painter: &egui::Painter,
    plane: Plane,
    frame: &Frame,
    layout: &PlaneLayout,
    slice: usize,
    viewer: &mut Viewer,
    settings: &Settings,
) {
    let key = ImageKey { slice, frame: viewer.frame, window: viewer.window, smooth: settings.smooth };
    if viewer.view(plane).image.as_ref().is_none_or(|(shown, _)| *shown != key) {
        let mut grey = Vec::new();
        layout.grey_slice(viewer.volume(), key.frame, slice, key.window, &mut grey);
        let last = viewer.view(plane).image.take().map(|(_, picture)| picture);
        let size = [layout.size[0], layout.size[1]];
        let picture = GreyPicture::replace(last, ui.ctx(), size, grey, settings.smooth);
        viewer.view(plane).image = Some((key, picture));
    }
    if let Some((_, picture)) = &viewer.view(plane).image {
        picture.paint(painter, frame.image);
    }
}

/// The rows and columns of a slice that hold labels: left, top, width, height.
type LabelledPart = [usize; 4];

fn labelled_part(values: &[LabelValue], columns: usize) -> Option<LabelledPart> {
    let (mut left, mut right, mut top, mut bottom) = (columns, 0, usize::MAX, 0);
    for (row, line) in values.chunks_exact(columns.max(1)).enumerate() {
        let Some(first) = line.iter().position(|&v| v != 0) else { continue };
        let last = line.iter().rposition(|&v| v != 0).unwrap_or(first);
        (left, right) = (left.min(first), right.max(last));
        (top, bottom) = (top.min(row), row);
    }
    (top != usize::MAX).then(|| [left, top, right + 1 - left, bottom + 1 - top])
}

fn colour_of(table: &LabelTable, label: LabelValue) -> Option<[u8; 3]> {
    match table.get(label) {
        Some(entry) => entry.visible.then_some(entry.colour),
        // Labels that a running network has already found are shown before they have an entry.
        None => Some(crate::volume::default_colour(label)),
    }
}

fn paint_labels(
    ui: &egui::Ui,
    painter: &egui::Painter,
    plane: Plane,
    frame: &Frame,
    layout: &PlaneLayout,
    slice: usize,
    viewer: &mut Viewer,
    settings: &Settings,
) {
    let labels = viewer.shown_labels().clone();
    let table = viewer.shown_table().clone();
    let opacity = if settings.fill { settings.opacity } else { 0.0 };
    let hovered = viewer.hovered_label;
    let current = viewer.view(plane).overlay.as_ref().is_some_and(|o| {
        o.slice == slice
            && o.opacity == opacity
            && o.hovered == hovered
            && o.labels.is_same_snapshot(&labels)
            && o.table == table
    });
    if !current {
        let mut values = Vec::new();
        layout.read_labels(&labels, slice, &mut values);
        let last = viewer.view(plane).overlay.take().and_then(|o| o.fill).map(|(_, texture)| texture);
        let part = labelled_part(&values, layout.size[0]);
        let (mut fill, mut outline) = (None, Vec::new());
        if let Some([left, top, width, height]) = part {
            let rows = values.chunks_exact(layout.size[0]).skip(top).take(height);
            let inside: Vec<LabelValue> = rows.flat_map(|row| &row[left..left + width]).copied().collect();
            if opacity > 0.0 {
                let texel = |&label: &LabelValue| match colour_of(&table, label) {
                    Some([r, g, b]) if label != 0 => {
                        let opacity = if label == hovered { (opacity * 1.4).min(1.0) } else { opacity };
                        Color32::from_rgba_unmultiplied(r, g, b, (opacity * 255.0) as u8)
                    }
                    _ => Color32::TRANSPARENT,
                };
                let texels: Vec<Color32> = inside.iter().map(texel).collect();
                let (name, nearest) = (format!("{} labels", plane.name()), egui::TextureOptions::NEAREST);
                let texture = TiledTexture::replace(last, ui.ctx(), &name, [width, height], texels, nearest);
                fill = Some(([left, top, width, height], texture));
            }
            outline = borders(&inside, width, height);
            for point in outline.iter_mut().flat_map(|border| [&mut border.from, &mut border.to]) {
                *point = [point[0] + left as f32, point[1] + top as f32];
            }
        }
        viewer.view(plane).overlay =
            Some(Overlay { slice, labels, table: table.clone(), opacity, hovered, fill, borders: outline });
    }
    let Some(overlay) = &viewer.view(plane).overlay else { return };
    if let Some(([left, top, width, height], texture)) = &overlay.fill {
        let corner = |x: usize, y: usize| frame.to_screen([x as f32, y as f32]);
        texture.paint(painter, Rect::from_two_pos(corner(*left, *top), corner(left + width, top + height)));
    }
    if settings.outline {
        let shapes = overlay.borders.iter().filter_map(|border| {
            let [r, g, b] = colour_of(&table, border.label)?;
            let points = [frame.to_screen(border.from), frame.to_screen(border.to)];
            Some(egui::Shape::LineSegment { points, stroke: Stroke::new(theme::OUTLINE, Color32::from_rgb(r, g, b)) })
        });
        painter.extend(shapes);
    }
}

/// The planes whose positions are the vertical and the horizontal line of a view.
fn crossing(plane: Plane) -> [Plane; 2] {
    match plane {
        Plane::Axial => [Plane::Sagittal, Plane::Coronal],
        Plane::Coronal => [Plane::Sagittal, Plane::Axial],
        Plane::Sagittal => [Plane::Coronal, Plane::Axial],
    }
}

fn paint_crosshair(painter: &egui::Painter, plane: Plane, frame: &Frame, layout: &PlaneLayout, viewer: &Viewer) {
    let [column, row, _] = layout.screen(viewer.cursor);
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

fn paint_annotations(
    painter: &egui::Painter,
    plane: Plane,
    frame: &Frame,
    layout: &PlaneLayout,
    slice: usize,
    viewer: &Viewer,
) {
    let small = FontId::proportional(theme::SMALL);
    let text = |at: Pos2, anchor: Align2, text: String, colour: Color32| {
        annotation(painter, at, anchor, text, &small, colour);
    };
    let r = frame.rect.shrink(2.0 * UNIT);
    let [left, right, top, bottom] = layout.letters.map(String::from);
    let colour = theme::plane_colour(plane);
    text(r.left_center(), Align2::LEFT_CENTER, left, colour);
    text(r.right_center(), Align2::RIGHT_CENTER, right, colour);
    text(r.center_top(), Align2::CENTER_TOP, top, colour);
    text(r.center_bottom(), Align2::CENTER_BOTTOM, bottom, colour);
    let geometry = &viewer.volume().geometry;
    let position = geometry.world_at(viewer.cursor)[plane.world_axis()];
    let letters = crate::volume::RAS_LETTERS[plane.world_axis()];
    let end = if position < 0.0 { letters[1] } else { letters[0] };
    let line = vec2(0.0, theme::SMALL + UNIT);
    text(r.left_top(), Align2::LEFT_TOP, format!("{} {} / {}", plane.name(), slice + 1, layout.size[2]), colour);
    text(r.left_top() + line, Align2::LEFT_TOP, format!("{end} {:.1} mm", position.abs()), theme::VIEW_TEXT);
    // Maps of shares and the like have windows below one.
    let digits = |value: f64| if viewer.window.width < 10.0 { number(value) } else { format!("{value:.0}") };
    let window = format!("W {}  L {}", digits(viewer.window.width), digits(viewer.window.level));
    text(r.left_top() + line * 2.0, Align2::LEFT_TOP, window, theme::VIEW_TEXT);
    let state = viewer.session.document().state(plane, slice);
    if state != SliceState::Todo {
        text(r.right_top(), Align2::RIGHT_TOP, state.name().to_string(), theme::VIEW_TEXT);
    }
    let warnings = viewer.volume().warnings.len();
    if warnings > 0 {
        let below = if state == SliceState::Todo { r.right_top() } else { r.right_top() + line };
        let many = if warnings == 1 { "" } else { "s" };
        text(below, Align2::RIGHT_TOP, format!("{} {warnings} warning{many}", icon::WARNING), theme::SAGITTAL);
    }
    paint_scale_bar(painter, frame, &small);
}

/// Text over an image, on a veil that keeps it readable over bright tissue.
fn annotation(painter: &egui::Painter, at: Pos2, anchor: Align2, text: String, font: &FontId, colour: Color32) {
    let galley = painter.layout_no_wrap(text, font.clone(), colour);
    let rect = anchor.anchor_size(at, galley.size());
    painter.rect_filled(rect.expand2(vec2(2.0, 0.0)), 2.0, theme::VIEW_VEIL);
    painter.galley(rect.min, galley, colour);
}

/// Lengths a scale bar may have, in millimetres.
const BAR_MM: [f32; 10] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

fn paint_scale_bar(painter: &egui::Painter, frame: &Frame, font: &FontId) {
    let wanted = frame.rect.width() * 0.25;
    let fits = BAR_MM.iter().rev().find(|mm| **mm * frame.scale <= wanted);
    let Some(&mm) = fits else { return };
    let start = frame.rect.left_bottom() + vec2(2.0 * UNIT, -2.5 * UNIT);
    let end = start + vec2(mm * frame.scale, 0.0);
    for (width, colour) in [(3.5, Color32::BLACK), (1.5, theme::VIEW_TEXT)] {
        let stroke = Stroke::new(width, colour);
        painter.line_segment([start, end], stroke);
        for at in [start, end] {
            painter.line_segment([at - vec2(0.0, UNIT), at + vec2(0.0, 1.0)], stroke);
        }
    }
    let name = if mm < 10.0 { format!("{mm} mm") } else { format!("{:.0} cm", mm / 10.0) };
    annotation(painter, end + vec2(2.0 * UNIT, 0.0), Align2::LEFT_CENTER, name, font, theme::VIEW_TEXT);
}

/// The brush's true footprint under the pointer.
fn paint_brush(
    ui: &egui::Ui,
    response: &egui::Response,
    painter: &egui::Painter,
    frame: &Frame,
    viewer: &Viewer,
    settings: &Settings,
) {
    let Some(at) = response.hover_pos().filter(|_| viewer.tool.is_brush()) else { return };
    let erase = viewer.tool == Tool::Eraser || ui.input(|i| i.pointer.secondary_down());
    let colour = match colour_of(&viewer.session.document().table, viewer.active_label) {
        Some([r, g, b]) if !erase => Color32::from_rgb(r, g, b),
        _ => Color32::WHITE,
    };
    let radius = settings.brush_mm as f32 / 2.0 * frame.scale;
    painter.circle_stroke(at, radius, Stroke::new(2.5, Color32::BLACK.gamma_multiply(0.6)));
    painter.circle_stroke(at, radius, Stroke::new(1.0, colour));
    painter.circle_filled(at, 1.0, colour);
}
