//! Labels of a slice: a fill with one texel per voxel, and outlines on voxel borders. A preview is hatched and dashed.

use std::sync::Arc;

use super::frame::Frame;
use crate::app::Studio;
use crate::gui::egui;
use crate::gui::paint::tiled_texture::TiledTexture;
use crate::gui::theme;
use crate::volume::{Border, LabelMap, LabelTable, LabelValue, Plane, PlaneLayout, borders};
use egui::{Color32, Rect, Stroke};

/// Opacity of the gaps in the hatch of a preview, as a share of the fill's.
const GAP: f32 = 0.3;
/// How much stronger the hovered label is filled.
const HOVERED: f32 = 1.4;

/// Labels to be shown on a slice.
pub struct LabelsOnSlice<'a> {
    /// The slice.
    pub slice: usize,
    /// All labels.
    pub labels: &'a LabelMap,
    /// Names and colours.
    pub table: &'a LabelTable,
    /// Whether they are no labels yet.
    pub is_preview: bool,
}

/// Labels of a slice, ready to paint.
pub struct Overlay {
    slice: usize,
    /// The snapshot it was made from.
    labels: LabelMap,
    table: LabelTable,
    opacity: f32,
    hovered: LabelValue,
    is_preview: bool,
    /// Fill of the labelled part, one texel per voxel; `None` where nothing is to be filled.
    fill: Option<(LabelledPart, TiledTexture)>,
    /// Outlines.
    borders: Vec<Border>,
}

/// The rows and columns of a slice that may hold labels: left, top, width, height.
type LabelledPart = [usize; 4];

fn colour_of(table: &LabelTable, label: LabelValue) -> Option<[u8; 3]> {
    match table.get(label) {
        Some(entry) => entry.visible.then_some(entry.colour),
        // Labels that a running network has already found are shown before they have an entry.
        None => Some(crate::volume::default_colour(label)),
    }
}

impl Overlay {
    /// Makes the overlay anew where what is to be shown has changed.
    pub fn renew(
        cache: &mut Option<Self>,
        context: &egui::Context,
        plane: Plane,
        layout: &PlaneLayout,
        shown: &LabelsOnSlice,
        studio: &Studio,
    ) {
        let opacity = if studio.settings.fill { studio.settings.opacity } else { 0.0 };
        let hovered = studio.hovered_label();
        let is_current = cache.as_ref().is_some_and(|o| {
            (o.slice, o.opacity, o.hovered, o.is_preview) == (shown.slice, opacity, hovered, shown.is_preview)
                && o.labels.is_same_snapshot(shown.labels)
                && o.table == *shown.table
        });
        if is_current {
            return;
        }
        let last = cache.take().and_then(|o| o.fill).map(|(_, texture)| texture);
        let (mut fill, mut outline) = (None, Vec::new());
        if let Some([columns, rows]) = layout.labelled_part(shown.labels, shown.slice) {
            let part @ [left, top, width, height] = [columns.start, rows.start, columns.len(), rows.len()];
            let mut inside = Vec::new();
            layout.read_labels_in(shown.labels, shown.slice, [columns, rows], &mut inside);
            if opacity > 0.0 {
                let texels = texels(&inside, width, (shown.table, shown.is_preview), opacity, hovered);
                let (name, nearest) = (format!("{} labels", plane.name()), egui::TextureOptions::NEAREST);
                fill = Some((part, TiledTexture::replace(last, context, &name, [width, height], texels, nearest)));
            }
            outline = borders(&inside, width, height);
            for point in outline.iter_mut().flat_map(|border| [&mut border.from, &mut border.to]) {
                *point = [point[0] + left as f32, point[1] + top as f32];
            }
        }
        *cache = Some(Self {
            slice: shown.slice,
            labels: shown.labels.clone(),
            table: shown.table.clone(),
            opacity,
            hovered,
            is_preview: shown.is_preview,
            fill,
            borders: outline,
        });
    }

    /// Paints it.
    pub fn paint(&self, painter: &egui::Painter, frame: &Frame, has_outline: bool) {
        if let Some(([left, top, width, height], texture)) = &self.fill {
            let corner = |x: usize, y: usize| frame.to_screen([x as f32, y as f32]);
            let place = Rect::from_two_pos(corner(*left, *top), corner(left + width, top + height));
            texture.paint(painter, place, frame.flips);
        }
        if !has_outline {
            return;
        }
        for border in &self.borders {
            let points = [frame.to_screen(border.from), frame.to_screen(border.to)];
            paint_border(painter, points, colour_of(&self.table, border.label), self.is_preview);
        }
    }
}

/// Labels of a picture that lies along no slice, ready to paint.
pub struct FlatOverlay {
    labels: Arc<Vec<LabelValue>>,
    table: LabelTable,
    opacity: f32,
    is_preview: bool,
    size: [usize; 2],
    fill: Option<TiledTexture>,
    borders: Vec<Border>,
}

impl FlatOverlay {
    /// Makes the overlay of labels row by row, columns and rows, names and colours, and whether they are no labels yet; anew where that has
    /// changed.
    pub fn renew(
        cache: &mut Option<Self>,
        context: &egui::Context,
        (labels, size, table, is_preview): (&Arc<Vec<LabelValue>>, [usize; 2], &LabelTable, bool),
        studio: &Studio,
    ) {
        let opacity = if studio.settings.fill { studio.settings.opacity } else { 0.0 };
        let is_current = cache.as_ref().is_some_and(|own| {
            (own.opacity, own.is_preview) == (opacity, is_preview)
                && Arc::ptr_eq(&own.labels, labels)
                && own.table == *table
        });
        if is_current {
            return;
        }
        let last = cache.take().and_then(|own| own.fill);
        let is_labelled = labels.iter().any(|label| *label != 0);
        let fill = (is_labelled && opacity > 0.0).then(|| {
            let texels = texels(labels, size[0], (table, is_preview), opacity, 0);
            TiledTexture::replace(last, context, "resliced labels", size, texels, egui::TextureOptions::NEAREST)
        });
        let borders = if is_labelled { borders(labels, size[0], size[1]) } else { Vec::new() };
        let (labels, table) = (labels.clone(), table.clone());
        *cache = Some(Self { labels, table, opacity, is_preview, size, fill, borders });
    }

    /// Paints it over a picture's place.
    pub fn paint(&self, painter: &egui::Painter, place: Rect, has_outline: bool) {
        if let Some(fill) = &self.fill {
            fill.paint(painter, place, [false; 2]);
        }
        let scale = egui::vec2(place.width() / self.size[0] as f32, place.height() / self.size[1] as f32);
        let at = |[x, y]: [f32; 2]| place.min + egui::vec2(x, y) * scale;
        let seen = painter.clip_rect();
        for border in self.borders.iter().filter(|_| has_outline) {
            let points = [at(border.from), at(border.to)];
            if seen.intersects(Rect::from_points(&points).expand(1.0)) {
                paint_border(painter, points, colour_of(&self.table, border.label), self.is_preview);
            }
        }
    }
}

fn paint_border(painter: &egui::Painter, points: [egui::Pos2; 2], colour: Option<[u8; 3]>, is_preview: bool) {
    let Some([r, g, b]) = colour else { return };
    let stroke = Stroke::new(theme::OUTLINE, Color32::from_rgb(r, g, b));
    if is_preview {
        painter.extend(egui::Shape::dashed_line(&points, stroke, 4.0, 3.0));
    } else {
        painter.add(egui::Shape::LineSegment { points, stroke });
    }
}

fn texels(
    labels: &[LabelValue],
    width: usize,
    shown: (&LabelTable, bool),
    opacity: f32,
    hovered: LabelValue,
) -> Vec<Color32> {
    // Fill and gap of a label.
    let (table, is_preview) = shown;
    let shades = |label| match colour_of(table, label) {
        Some([r, g, b]) if label != 0 => {
            let opacity = if label == hovered { (opacity * HOVERED).min(1.0) } else { opacity };
            let gap = if is_preview { opacity * GAP } else { opacity };
            [opacity, gap].map(|opacity| Color32::from_rgba_unmultiplied(r, g, b, (opacity * 255.0) as u8))
        }
        _ => [Color32::TRANSPARENT; 2],
    };
    let mut texels = Vec::with_capacity(labels.len());
    let mut last = (0, [Color32::TRANSPARENT; 2]);
    for (row, line) in labels.chunks(width.max(1)).enumerate() {
        texels.extend(line.iter().enumerate().map(|(column, &label)| {
            if label != last.0 {
                last = (label, shades(label));
            }
            last.1[usize::from((column + row) % 4 >= 2)]
        }));
    }
    texels
}
