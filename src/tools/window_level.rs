//! Changes the display window by dragging: sideways the width, up and down the level, as in 3D Slicer and most viewers of hospitals.

use super::tool::{Button, Look, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry};
use super::zooming::zoom;
use crate::volume::Window;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "window-level",
    name: "Window and level",
    icon: "\u{E18C}",
    hint: "drag sideways for contrast (width), up and down for brightness (level)",
    key: "3",
    paints: false,
    options: &[],
    make: || Box::new(WindowLevel),
};

/// Points of the screen that a way over the whole range of values takes.
const POINTS_PER_SPAN: f64 = 600.0;

struct WindowLevel;

impl Tool for WindowLevel {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        let PointerKind::Drag(Button::Primary) = pointer.kind else { return zoom(pointer) };
        let step = slice.value_span.max(f64::MIN_POSITIVE) / POINTS_PER_SPAN;
        let [across, down] = pointer.moved_points.map(f64::from);
        let Window { level, width } = slice.window;
        // Up is brighter: a lower level.
        let width = (width + across * step).clamp(slice.value_span * 1e-4, slice.value_span * 10.0);
        Reply::look(Look::Window(Window { level: level + down * step, width }))
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Adjust
    }
}
