//! The right button, which makes the image larger or smaller in every tool that looks or measures.

use super::tool::{Button, Look, Pointer, PointerKind, Reply};

/// Points of the screen that a zoom by a factor of e takes.
const ZOOM_POINTS: f32 = 150.0;

/// How much larger the image becomes by a drag of so many points down.
pub fn dragged_zoom(points_down: f32) -> f32 {
    (-points_down / ZOOM_POINTS).exp()
}

/// What the right button does in tools that do not paint.
pub(super) fn zoom(pointer: &Pointer) -> Reply {
    match pointer.kind {
        PointerKind::Drag(Button::Secondary) => Reply::look(Look::Zoom(dragged_zoom(pointer.moved_points[1]))),
        _ => Reply::default(),
    }
}
