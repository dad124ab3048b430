//! Paints the active label with a disc that is round in millimetres; the right button erases.

use super::stroke::StrokeTool;
use super::tool::{Button, ToolEntry};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "brush",
    name: "Brush",
    icon: "\u{E6F0}",
    hint: "left button paints, right button erases, Shift+wheel changes the size",
    key: "4",
    make: || StrokeTool::make(|slice, button| if button == Button::Primary { slice.label } else { 0 }),
};
