//! One slice view: image, what is laid over it, labels, crosshair, text, and what the tool shows.

use super::annotations::{annotations_ui, crosshair_ui};
use super::body::BodyCache;
use super::frame::Frame;
use super::grey::{ImageKey, grey_slice};
use super::in_hand::{paint_box, paint_footprint, paint_highlight, paint_outline, paint_scribbles};
use super::laid_over::LaidPicture;
use super::measurements::measurements_ui;
use super::overlay::{LabelsOnSlice, Overlay};
use super::path_points::path_ui;
use super::plane_line::plane_line_ui;
use super::pointer::{Hovered, pointer_ui};
use super::resliced::ReslicedCache;
use super::slider::slider_ui;
use crate::app::state::views::ScanView;
use crate::app::{Outbox, Studio};
use crate::gui::egui;
use crate::gui::paint::opaque::{GreyPicture, ground};
use crate::gui::paint::textures::Textures;
use crate::gui::paint::tiled_texture::seen_part;
use crate::gui::theme;
use crate::volume::{Plane, PlaneLayout, Volume};
use crate::words::{self, say};
use egui::{Color32, Rect, Sense, Stroke};

/// What a view has painted already.
#[derive(Default)]
struct PlaneCache {
    image: Option<(ImageKey, GreyPicture)>,
    laid: Option<LaidPicture>,
    overlay: Option<Overlay>,
}

/// What the views have on the graphics device.
#[derive(Default)]
pub struct Views {
    planes: [PlaneCache; 3],
    /// How the 3-D tile was looked at.
    pub body: BodyCache,
    /// The oblique and the curved tile.
    pub resliced: [ReslicedCache; 2],
    /// Wheel travel, in slices, that is not a whole slice yet.
    wheel: f32,
}

/// Shows a slice view in `rect`; whether it was double-clicked.
pub fn slice_view_ui(
    ui: &mut egui::Ui,
    rect: Rect,
    plane: Plane,
    fit: f32,
    (studio, volume, view): (&Studio, &Volume, &ScanView),
    outbox: &mut Outbox,
    (views, textures): (&mut Views, &mut Textures),
    hover: &mut Hovered,
) -> bool {
    let layout = PlaneLayout::new(&volume.geometry, plane);
    let slice = layout.screen(view.cursor)[2];
    let response = ui.interact(rect, ui.id().with(plane.name()), Sense::click_and_drag());
    let label = say!("{plane} view", plane = words::text(plane.name()));
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::WidgetType::Image, true, &label);
        info.current_text_value = Some(say!("slice {slice} of {size}", slice = slice + 1, size = layout.size[2]));
        info
    });
    let frame = Frame::new(rect, &layout, layout.pixel_mm(&volume.geometry), fit, view.pose(plane), view.flips(plane));
    pointer_ui(ui, &response, (plane, &layout), &frame, (studio, view), outbox, hover, &mut views.wheel);

    let painter = ui.painter_at(rect);
    paint_ground(&painter, &frame);
    let cache = &mut views.planes[plane as usize];
    let key = ImageKey::new(studio, view, slice);
    paint_image(ui, &painter, &frame, &layout, volume, key, &mut cache.image);
    LaidPicture::renew(&mut cache.laid, ui.ctx(), (plane, slice), studio);
    if let Some(laid) = &cache.laid {
        laid.paint(&painter, &frame, studio.settings.overlay_opacity);
    }
    if studio.display.labels
        && let (Some((labels, is_preview)), Some(table)) = (studio.shown_labels(), studio.shown_table())
    {
        let shown = LabelsOnSlice { slice, labels, table, is_preview };
        Overlay::renew(&mut cache.overlay, ui.ctx(), plane, &layout, &shown, studio);
        if let Some(overlay) = &cache.overlay {
            overlay.paint(&painter, &frame, studio.settings.outline);
        }
    }
    paint_heat(ui, &painter, &frame, (plane, slice), studio, textures);
    if studio.display.crosshair {
        crosshair_ui(&painter, plane, &frame, layout.screen(view.cursor));
    }
    plane_line_ui(ui, &painter, (plane, &layout), &frame, (studio, volume, view), outbox);
    path_ui(ui, &painter, (plane, &layout, slice), &frame, (studio, volume), &response, outbox);
    if studio.display.annotations {
        annotations_ui(&painter, plane, &frame, &layout, (studio, volume, view));
    }
    if studio.display.annotations {
        slider_ui(ui, plane, &frame, &layout, (studio, view), outbox);
    }
    paint_box(&painter, &frame, &layout, slice, studio);
    measurements_ui(&painter, &frame, (plane, slice), studio);
    paint_highlight(&painter, &frame, (plane, slice), studio);
    paint_outline(&painter, &frame, (plane, slice), studio);
    paint_scribbles(&painter, &frame, (plane, slice), studio);
    paint_footprint(ui, &painter, &frame, (plane, slice), studio, *hover);
    let is_lit = response.has_focus() || hover.is_some_and(|hovered| hovered.plane == plane);
    let colour = theme::plane_colour(plane);
    let border = if is_lit { colour } else { colour.gamma_multiply(0.45) };
    painter.rect_stroke(rect, 0.0, Stroke::new(1.0, border), egui::StrokeKind::Inside);
    // A double click with a tool that draws is two clicks.
    response.double_clicked()
        && !studio.reslicing.is_placing
        && !studio.hand.entry.paints
        && !studio.hand.tool.is_busy()
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
    frame: &Frame,
    layout: &PlaneLayout,
    volume: &Volume,
    key: ImageKey,
    cache: &mut Option<(ImageKey, GreyPicture)>,
) {
    if cache.as_ref().is_none_or(|(shown, _)| *shown != key) {
        let grey = grey_slice(volume, layout, &key);
        let last = cache.take().map(|(_, picture)| picture);
        let size = [layout.size[0], layout.size[1]];
        let picture = GreyPicture::replace(last, ui.ctx(), size, grey, key.smooth);
        *cache = Some((key, picture));
    }
    if let Some((_, picture)) = cache {
        picture.paint(painter, frame.image, frame.flips);
    }
}

fn paint_heat(
    ui: &egui::Ui,
    painter: &egui::Painter,
    frame: &Frame,
    place: (Plane, usize),
    studio: &Studio,
    textures: &mut Textures,
) {
    let is_here = |heat: &&crate::app::state::attention::Heat| {
        Some(heat.scan) == studio.shown && (heat.plane, heat.slice) == place
    };
    if let Some(heat) = studio.attending.heat.as_ref().filter(is_here) {
        let texture = textures.of(ui.ctx(), &heat.picture, egui::TextureOptions::NEAREST);
        painter.image(texture.id(), frame.image, seen_part(frame.flips), Color32::WHITE);
    }
}
