//! Moves the image in its view; the right button zooms.

use super::tool::{Button, Look, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry};
use super::zooming::zoom;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "hand",
    name: "Hand",
    icon: "\u{E298}",
    hint: "left button moves the image, right button zooms",
    key: "2",
    paints: false,
    options: &[],
    make: || Box::new(Hand),
};

struct Hand;

impl Tool for Hand {
    fn pointer(&mut self, _: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Drag(Button::Primary) => {
                Reply::look(Look::Pan(pointer.moved_points.map(|points| points * pointer.mm_per_point)))
            }
            _ => zoom(pointer),
        }
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Hand
    }
}
