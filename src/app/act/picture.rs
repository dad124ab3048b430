//! Pixels of a slice: grey values through the window, labels over them, outlines on voxel borders.

use crate::formats::RgbPicture;
use crate::volume::{LabelMap, LabelTable, LabelValue, PlaneLayout, Volume, Window};

/// A run of voxel borders: start and end in pixels of the slice, and the label it belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Border {
    /// Column and row of the start.
    pub from: [f32; 2],
    /// Column and row of the end.
    pub to: [f32; 2],
    /// The label on the lit side.
    pub label: LabelValue,
}

/// Borders between different labels; runs of one label are joined.
pub fn borders(labels: &[LabelValue], columns: usize, rows: usize) -> Vec<Border> {
    let at = |column: usize, row: usize| -> LabelValue {
        // One beyond the right or lower edge wraps to "nothing" on purpose.
        if column < columns && row < rows { labels[row * columns + column] } else { 0 }
    };
    let mut found = Vec::new();
    let mut scan = |horizontal: bool| {
        let (lines, length) = if horizontal { (rows, columns) } else { (columns, rows) };
        for line in 0..=lines {
            let mut run: Option<(usize, LabelValue)> = None;
            for n in 0..=length {
                let label = if n == length {
                    0
                } else {
                    let pick = |l: usize| if horizontal { at(n, l) } else { at(l, n) };
                    let before = if line > 0 { pick(line - 1) } else { 0 };
                    let after = pick(line);
                    match (before, after) {
                        (a, b) if a == b => 0,
                        (a, 0) => a,
                        (_, b) => b,
                    }
                };
                if let Some((start, current)) = run.take_if(|(_, current)| *current != label) {
                    let point = |n: usize| if horizontal { [n as f32, line as f32] } else { [line as f32, n as f32] };
                    found.push(Border { from: point(start), to: point(n), label: current });
                }
                if run.is_none() && label != 0 {
                    run = Some((n, label));
                }
            }
        }
    };
    scan(true);
    scan(false);
    found
}

/// How a slice is shown.
pub struct Look {
    /// Display window.
    pub window: Window,
    /// Whether grey values are interpolated between voxels.
    pub is_smooth: bool,
    /// Opacity of the fill; 0 for none.
    pub opacity: f32,
    /// Whether labels have outlines.
    pub outline: bool,
    /// Whether labels are shown at all.
    pub labels: bool,
}

/// Smallest edge of a saved picture.
const PICTURE_EDGE: usize = 512;

/// A picture of a slice with square pixels, labels laid over.
pub fn picture(
    volume: &Volume,
    labels: &LabelMap,
    table: &LabelTable,
    layout: &PlaneLayout,
    place: (usize, usize),
    look: &Look,
) -> RgbPicture {
    let (frame, slice) = place;
    let [columns, rows, _] = layout.size;
    let (mut grey, mut values) = (Vec::new(), Vec::new());
    layout.grey_slice(volume, frame, slice, look.window, &mut grey);
    layout.read_labels(labels, slice, &mut values);
    if !look.labels {
        values.fill(0);
    }
    let opacity = look.opacity;
    let [w_mm, h_mm, _] = layout.pixel_mm(&volume.geometry);
    let extent = [columns as f64 * w_mm, rows as f64 * h_mm];
    let scale = PICTURE_EDGE as f64 / extent[0].min(extent[1]);
    let size = extent.map(|e| ((e * scale).round() as usize).clamp(1, 8 * PICTURE_EDGE));
    let mut rgb = Vec::with_capacity(size[0] * size[1] * 3);
    for y in 0..size[1] {
        for x in 0..size[0] {
            let at = (y * rows / size[1]) * columns + x * columns / size[0];
            let base = [grey[at]; 3];
            let colour = table.get(values[at]).filter(|l| l.visible).map(|l| l.colour);
            let mix = |n: usize, c: u8| (f32::from(base[n]) * (1.0 - opacity) + f32::from(c) * opacity) as u8;
            rgb.extend(colour.map_or(base, |c| [0, 1, 2].map(|n| mix(n, c[n]))));
        }
    }
    let mut picture = RgbPicture { width: size[0], height: size[1], rgb };
    if look.outline {
        for border in borders(&values, columns, rows) {
            if let Some(label) = table.get(border.label).filter(|l| l.visible) {
                draw_border(&mut picture, &border, [columns, rows], label.colour);
            }
        }
    }
    picture
}

/// Draws a border two pixels thick.
fn draw_border(picture: &mut RgbPicture, border: &Border, slice: [usize; 2], colour: [u8; 3]) {
    let size = [picture.width, picture.height];
    let range = |axis: usize| {
        let at = |v: f32| (v as usize * size[axis]).div_ceil(slice[axis]);
        at(border.from[axis]).saturating_sub(1)..(at(border.to[axis]) + 1).min(size[axis])
    };
    for y in range(1) {
        for x in range(0) {
            picture.rgb[(y * size[0] + x) * 3..][..3].copy_from_slice(&colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shows_what_the_view_shows() {
        use crate::volume::{Affine, Geometry, Label, Plane, Rescale, Voxels};
        let geometry = Geometry::new([4, 4, 1], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(std::sync::Arc::new(vec![100; 16]));
        let volume = Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, String::new());
        let mut labels = LabelMap::empty(geometry.clone());
        labels.set([1, 1, 0], 1);
        let mut table = LabelTable(vec![Label::new(1, "One")]);
        table.0[0].colour = [255, 0, 0];
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let red = |opacity: f32, outline: bool, labels_shown: bool| {
            let window = Window { level: 100.0, width: 100.0 };
            let look = Look { window, is_smooth: false, opacity, outline, labels: labels_shown };
            let picture = picture(&volume, &labels, &table, &layout, (0, 0), &look);
            assert_eq!((picture.width, picture.height), (512, 512));
            picture.rgb.chunks_exact(3).filter(|p| p[0] > p[1] + 20).count()
        };
        assert_eq!(red(0.4, false, true), 128 * 128, "the fill covers its voxel exactly");
        let outlined = red(0.0, true, true);
        assert!((4 * 128 * 2 - 16..=4 * 128 * 2 + 16).contains(&outlined), "{outlined}");
        assert_eq!(red(0.4, true, false), 0, "hidden labels leave no trace");
    }

    #[test]
    fn a_block_has_four_borders_on_its_edges() {
        #[rustfmt::skip]
        let labels = [
            0, 0, 0, 0,
            0, 2, 2, 0,
            0, 2, 2, 0,
        ];
        let found = borders(&labels, 4, 3);
        let border = |from: [f32; 2], to: [f32; 2]| Border { from, to, label: 2 };
        assert_eq!(
            found,
            [
                border([1.0, 1.0], [3.0, 1.0]),
                border([1.0, 3.0], [3.0, 3.0]),
                border([1.0, 1.0], [1.0, 3.0]),
                border([3.0, 1.0], [3.0, 3.0]),
            ]
        );
    }
}
