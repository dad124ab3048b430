//! Measures a length: drag from one end to the other, drag an end to move it.

use super::crosshair::zoom;
use super::measuring::Dragged;
use super::tool::{Button, Drafted, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry};
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
        Box::new(Ruler(Dragged::new(figure, "Drag from one end of the length to the other")))
    },
};

struct Ruler(Dragged);

impl Tool for Ruler {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Press(Button::Primary) => self.0.press(slice, pointer),
            PointerKind::Drag(Button::Primary) => self.0.drag(slice, pointer),
            PointerKind::Release(Button::Primary) => return self.0.release(slice, pointer),
            _ => return zoom(pointer),
        }
        Reply::default()
    }

    fn is_busy(&self) -> bool {
        self.0.is_busy()
    }

    fn abort(&mut self) -> bool {
        self.0.abort()
    }

    fn drafted(&self) -> Option<&Drafted> {
        self.0.drafted()
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
