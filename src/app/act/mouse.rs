//! Habits of the mouse that the user has chosen.

use super::painting::look;
use crate::app::state::studio::Studio;
use crate::tools::{self, Button, Pointer, PointerKind};
use crate::volume::Plane;

/// Tools that only look: their right button zooms, unless the user wants it to change the window.
const LOOKING: [&str; 6] = ["crosshair", "hand", "window-level", "ruler", "angle", "roi"];

/// Changes the window by the right button, where the user wants that and a tool for looking is in hand. Whether it did.
pub fn window_drag(studio: &mut Studio, plane: Plane, pointer: &Pointer) -> bool {
    let is_wanted = studio.settings.right_drag_windows && LOOKING.contains(&studio.hand.entry.id);
    if !is_wanted || pointer.kind != PointerKind::Drag(Button::Secondary) {
        return false;
    }
    let (Some(entry), Some(slice)) = (tools::find("window-level"), studio.tool_slice(plane)) else { return false };
    let dragged = Pointer { kind: PointerKind::Drag(Button::Primary), ..*pointer };
    let reply = (entry.make)().pointer(&slice, &dragged);
    reply.look.into_iter().for_each(|change| look(studio, plane, change));
    true
}
