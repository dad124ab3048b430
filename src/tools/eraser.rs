//! Erases with a disc, ball, square or cube of one size in millimetres.

use super::stroke::{BRUSH_SHAPE, BRUSH_SIZE, Manner, StrokeTool, swept};
use super::tool::ToolEntry;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "eraser",
    name: "Eraser",
    icon: "\u{E21E}",
    hint: "either button erases, Shift+wheel changes the size",
    key: "E",
    paints: true,
    options: &[BRUSH_SIZE, BRUSH_SHAPE],
    make: || Box::new(StrokeTool::new(MANNER)),
};

const MANNER: Manner = Manner {
    paints: |_, _| 0,
    covers: |slice, _, from, to| swept(slice, from, to),
    highlight: None,
    names: ["Erase", "Erase"],
};
