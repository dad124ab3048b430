//! Paints the active label with a disc that is round in millimetres; the right button erases.

use super::stroke::{Stroke, pointer};
use super::tool::{Button, Footprint, Pointer, PointerCursor, Reply, Slice, Tool, ToolEntry};
use crate::session::{Segmentation, SegmentationId};
use crate::volume::LabelMap;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "brush",
    name: "Brush",
    icon: "\u{E6F0}",
    hint: "left button paints, right button erases, Shift+wheel changes the size",
    key: "4",
    make: || Box::new(BrushTool { stroke: None }),
};

struct BrushTool {
    stroke: Option<Stroke>,
}

impl Tool for BrushTool {
    fn pointer(&mut self, slice: &Slice, at: &Pointer) -> Reply {
        pointer(&mut self.stroke, slice, at, |button| if button == Button::Primary { slice.label } else { 0 })
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

    fn cursor(&self, slice: &Slice) -> PointerCursor {
        let table = slice.document.segmentation(slice.segmentation).map(Segmentation::table);
        let is_locked = table.is_some_and(|table| table.is_locked(slice.label));
        if is_locked { PointerCursor::NotAllowed } else { PointerCursor::Footprint }
    }

    fn footprint(&self, slice: &Slice) -> Option<Footprint> {
        Some(Footprint { diameter_mm: slice.brush_mm })
    }
}
