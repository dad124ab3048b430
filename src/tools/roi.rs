//! Measures a region of a slice: drag from corner to corner, drag a corner to change it.

use super::measuring::Dragged;
use super::options::{Choice, OptionKind, ToolOption};
use super::tool::{Slice, ToolEntry};
use crate::volume::Figure;

/// What is drawn.
const SHAPE: ToolOption = ToolOption {
    id: "roi.shape",
    name: "Shape",
    hint: "An ellipse in the rectangle that is dragged, or the rectangle",
    kind: OptionKind::Choice(&[
        Choice { id: "ellipse", name: "Ellipse" },
        Choice { id: "rectangle", name: "Rectangle" },
    ]),
};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "roi",
    name: "Region of interest",
    icon: "\u{E69A}",
    hint: "drag from corner to corner for area and values; drag a corner to change it, Delete over it takes it away",
    key: "Shift+R",
    paints: false,
    options: &[SHAPE],
    make: || {
        let figure = |slice: &Slice, point| match slice.options.choice(&SHAPE) {
            "rectangle" => Figure::Rectangle([point; 2]),
            _ => Figure::Ellipse([point; 2]),
        };
        Box::new(Dragged::new(figure, "Drag from one corner of the region to the other"))
    },
};
