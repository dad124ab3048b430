//! Moves the cursor, or a point of a measurement; the right button zooms.

use super::measuring::Grip;
use super::tool::{Button, Drafted, Look, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry};
use super::zooming::zoom;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "crosshair",
    name: "Crosshair",
    icon: "\u{E1D6}",
    hint: "left button moves the cursor, right button zooms",
    key: "1",
    paints: false,
    options: &[],
    make: || Box::new(Crosshair(Grip::default())),
};

/// It may hold a point of a measurement.
struct Crosshair(Grip);

impl Tool for Crosshair {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Press(Button::Primary) if self.0.press(slice, pointer) => Reply::default(),
            PointerKind::Drag(Button::Primary) if self.0.drag(slice, pointer) => Reply::default(),
            PointerKind::Release(Button::Primary) => self.0.release(slice, pointer).unwrap_or_default(),
            PointerKind::Press(Button::Primary) | PointerKind::Drag(Button::Primary) => {
                let within = |axis: usize| pointer.at[axis].clamp(0.0, slice.layout.size[axis] as f64 - 1.0) as usize;
                Reply::look(Look::Cursor(slice.layout.voxel([within(0), within(1), slice.number])))
            }
            _ => zoom(pointer),
        }
    }

    fn is_busy(&self) -> bool {
        self.0.drafted().is_some()
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
