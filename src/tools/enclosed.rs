//! What an outline encloses gets a label: what polygon, lasso, level tracing and live wire share.

use super::step::Gesture;
use super::tool::{Outline, Reply, Slice};
use crate::session::Painter;
use crate::shape::pixels_inside;
use crate::volume::{LabelValue, PlaneLayout, VoxelRow};

/// Rows of the pixels of a slice.
pub(super) fn rows_of(layout: &PlaneLayout, slice: usize, pixels: &[[usize; 2]]) -> Vec<VoxelRow> {
    VoxelRow::joined(pixels.iter().map(|[column, row]| layout.voxel([*column, *row, slice])))
}

/// Gives what an outline encloses, and `also` some pixels of its slice, a label: one command, made on the outline's own slice. `names` are
/// those of painting and erasing.
pub(super) fn fill(
    slice: &Slice,
    outline: &Outline,
    also: &[[usize; 2]],
    label: LabelValue,
    names: [&'static str; 2],
) -> Reply {
    let Some(mut painter) = Painter::new(slice.document, slice.segmentation, slice.rules) else {
        return Reply::default();
    };
    let layout = PlaneLayout::new(painter.labels().geometry(), outline.plane);
    if outline.slice >= layout.size[2] {
        return Reply::default();
    }
    let mut pixels = pixels_inside(&outline.points, [layout.size[0], layout.size[1]]);
    pixels.extend(also.iter().filter(|[column, row]| *column < layout.size[0] && *row < layout.size[1]));
    let is_changed = painter.fill_rows(&rows_of(&layout, outline.slice, &pixels), label);
    let gesture = Gesture {
        name: names[usize::from(label == 0)],
        of: slice.segmentation,
        plane: outline.plane,
        slices: vec![outline.slice],
        label,
    };
    gesture.end(painter, is_changed)
}
