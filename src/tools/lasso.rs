//! Outlines a structure freely: press, drag around it, release. The right button erases what it encloses.

use super::enclosed::fill;
use super::freehand::Freehand;
use super::stroke::paints_left;
use super::tool::{Outline, Pointer, PointerCursor, Reply, Slice, Tool, ToolEntry};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "lasso",
    name: "Lasso",
    icon: "\u{EDC6}",
    hint: "drag around a structure and release to fill it; right button erases, Esc drops the outline",
    key: "6",
    paints: true,
    options: &[],
    make: || Box::new(Lasso::default()),
};

#[derive(Default)]
struct Lasso {
    freehand: Freehand,
}

impl Tool for Lasso {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        let Some((outline, button)) = self.freehand.pointer(slice, pointer) else { return Reply::default() };
        if outline.points.len() < 3 {
            return Reply::refusal("Hold the button and drag around what is to be filled");
        }
        fill(slice, &outline, &[], paints_left(slice, button), ["Lasso", "Erase lasso"])
    }

    fn is_busy(&self) -> bool {
        self.freehand.is_busy()
    }

    fn abort(&mut self) -> bool {
        self.freehand.abort()
    }

    fn outline(&self) -> Option<&Outline> {
        self.freehand.outline()
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
