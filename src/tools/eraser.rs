//! Erases with a disc that is round in millimetres.

use super::stroke::{Stroke, pointer};
use super::tool::{Footprint, Pointer, PointerCursor, Reply, Slice, Tool, ToolEntry};
use crate::session::SegmentationId;
use crate::volume::LabelMap;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "eraser",
    name: "Eraser",
    icon: "\u{E21E}",
    hint: "either button erases, Shift+wheel changes the size",
    key: "E",
    make: || Box::new(Eraser { stroke: None }),
};

struct Eraser {
    stroke: Option<Stroke>,
}

impl Tool for Eraser {
    fn pointer(&mut self, slice: &Slice, at: &Pointer) -> Reply {
        pointer(&mut self.stroke, slice, at, |_| 0)
    }

    fn is_busy(&self) -> bool {
        self.stroke.is_some()
    }

    fn abort(&mut self) -> bool {
        self.stroke.take().is_some()
    }

    fn labels(&self) -> Option<(SegmentationId, &LabelMap)> {
        self.stroke.as_ref().map(Stroke::labels)
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Footprint
    }

    fn footprint(&self, slice: &Slice) -> Option<Footprint> {
        Some(Footprint { diameter_mm: slice.brush_mm })
    }
}
