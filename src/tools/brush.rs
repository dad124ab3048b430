//! Paints the active label with a disc, ball, square or cube of one size in millimetres; the right button erases.

use super::stroke::{BRUSH_SHAPE, BRUSH_SIZE, Manner, StrokeTool, paints_left, swept};
use super::tool::ToolEntry;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "brush",
    name: "Brush",
    icon: "\u{E6F0}",
    hint: "left button paints, right button erases, Shift+wheel changes the size",
    key: "4",
    paints: true,
    options: &[BRUSH_SIZE, BRUSH_SHAPE],
    make: || Box::new(StrokeTool::new(MANNER)),
};

const MANNER: Manner = Manner {
    paints: paints_left,
    covers: |slice, _, from, to| swept(slice, from, to),
    highlight: None,
    names: ["Brush", "Erase"],
};
