//! Erases with a disc that is round in millimetres.

use super::stroke::StrokeTool;
use super::tool::ToolEntry;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "eraser",
    name: "Eraser",
    icon: "\u{E21E}",
    hint: "either button erases, Shift+wheel changes the size",
    key: "E",
    make: || StrokeTool::make(|_, _| 0),
};
