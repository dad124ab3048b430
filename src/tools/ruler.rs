//! Measures a length: drag from one end to the other, drag an end to move it.

use super::measuring::Dragged;
use super::tool::{Slice, ToolEntry};
use crate::volume::Figure;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "ruler",
    name: "Ruler",
    icon: "\u{E6B8}",
    hint: "drag from one end to the other; drag an end to move it, Delete over it takes it away",
    key: "M",
    paints: false,
    options: &[],
    make: || {
        let figure = |_: &Slice, point| Figure::Ruler([point; 2]);
        Box::new(Dragged::new(figure, "Drag from one end of the length to the other"))
    },
};
