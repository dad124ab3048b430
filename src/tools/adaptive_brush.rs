//! A brush that paints, of its footprint, the part around the pointer that looks like it; the right button erases such a part.

use super::options::{OptionKind, ToolOption};
use super::stroke::{BRUSH_SHAPE, BRUSH_SIZE, Manner, StrokeTool, brush, chosen_of_footprint, paints_left, swept};
use super::tool::{Slice, ToolEntry};
use crate::edit::similar_within;
use crate::volume::VoxelRow;

/// How unlike values may be; the flood fill has it, too.
pub const TOLERANCE: ToolOption = ToolOption {
    id: "tolerance",
    name: "Tolerance",
    hint: "How far values may be from those at the pointer, as a share of the display window's width",
    kind: OptionKind::Percent { range: [1.0, 100.0], default: 15.0 },
};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "adaptive-brush",
    name: "Adaptive brush",
    icon: "\u{E6B6}",
    hint: "paints what looks like the place under the pointer and is joined with it; right button erases it",
    key: "B",
    paints: true,
    options: &[BRUSH_SIZE, BRUSH_SHAPE, TOLERANCE],
    make: || Box::new(StrokeTool::new(MANNER)),
};

const MANNER: Manner = Manner {
    paints: paints_left,
    covers: |slice, _, from, to| covered(slice, from, to),
    highlight: Some(|slice, at| {
        let (seed, frame, tolerance) = (slice.voxel(at)?, slice.frame, tolerance(slice));
        chosen_of_footprint(slice, at, move |volume, rows| similar_within(volume, frame, rows, seed, tolerance))
    }),
    names: ["Adaptive brush", "Adaptive brush, erase"],
};

/// The tolerance in values of the image.
fn tolerance(slice: &Slice) -> f64 {
    slice.options.number(&TOLERANCE) / 100.0 * slice.window.width
}

/// The brush is set down at the end of the way, and on the way as often as it has to be to leave no gap: every half of its radius.
fn covered(slice: &Slice, from: [f64; 2], to: [f64; 2]) -> Vec<VoxelRow> {
    let Some(volume) = slice.volume() else { return Vec::new() };
    let pixel_mm = slice.layout.pixel_mm(&volume.geometry);
    let way = [0, 1].map(|axis| to[axis] - from[axis]);
    let length_mm = (way[0] * pixel_mm[0]).hypot(way[1] * pixel_mm[1]);
    let step_mm = (brush(slice).diameter_mm / 4.0).max(pixel_mm[0].min(pixel_mm[1]));
    // No way over the image needs more; a jump from far outside is not walked.
    let steps = (length_mm / step_mm).ceil().clamp(1.0, 256.0) as usize;
    let mut rows = Vec::new();
    for n in 1..=steps {
        let share = n as f64 / steps as f64;
        let at = [0, 1].map(|axis| from[axis] + way[axis] * share);
        if let Some(seed) = slice.voxel(at) {
            rows.extend(similar_within(volume, slice.frame, &swept(slice, at, at), seed, tolerance(slice)));
        }
    }
    rows
}
