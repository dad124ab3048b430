//! Measures an angle: click one end, the corner, the other end; drag a point to move it.

use super::measuring::{Drawing, Grip};
use super::tool::{Button, Drafted, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry, ToolKey};
use super::zooming::zoom;
use crate::volume::Figure;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "angle",
    name: "Angle",
    icon: "\u{E7BC}",
    hint: "click one end, the corner, the other end; Backspace takes a click back, drag a point to move it, Delete over it takes it away",
    key: "Shift+M",
    paints: false,
    options: &[],
    make: || Box::new(Angle { drawing: None, grip: Grip::default() }),
};

/// Points of an angle.
const POINTS: usize = 3;
const OTHER_SLICE: &str = "The angle is on another slice: finish it there, or drop it (Esc)";

struct Angle {
    /// What is drawn, and how many of its points are placed; the next one follows the pointer.
    drawing: Option<(Drawing, usize)>,
    grip: Grip,
}

impl Angle {
    fn press(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match &mut self.drawing {
            Some((drawing, _)) if !drawing.is_here(slice) => return Reply::refusal(OTHER_SLICE),
            Some((drawing, _)) => drawing.drag(slice, pointer.at),
            None if self.grip.press(slice, pointer) => {}
            None => {
                let drawing = Drawing::begin(slice, pointer.at, |point| Figure::Angle([point; POINTS]));
                self.drawing = drawing.map(|drawing| (drawing, 0));
            }
        }
        Reply::default()
    }

    /// The point that follows the pointer moves, and those after it.
    fn follow(&mut self, slice: &Slice, pointer: &Pointer) {
        if let Some((drawing, _)) = &mut self.drawing {
            drawing.drag(slice, pointer.at);
        }
    }

    fn release(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        if let Some(reply) = self.grip.release(slice, pointer) {
            return reply;
        }
        let Some((drawing, placed)) = self.drawing.as_mut().filter(|(drawing, _)| drawing.is_here(slice)) else {
            return Reply::default();
        };
        drawing.drag(slice, pointer.at);
        if *placed == 1 && drawing.has_short_leg(slice, pointer) {
            return Reply::refusal("A leg of the angle has no length: click further away");
        }
        if *placed + 1 < POINTS {
            *placed += 1;
            drawing.hold(*placed..POINTS);
        } else if drawing.is_flat(slice, pointer) {
            return Reply::refusal("A leg of the angle has no length: click further away");
        } else if let Some((drawing, _)) = self.drawing.take() {
            return drawing.end(slice, pointer, "");
        }
        Reply::default()
    }
}

impl Tool for Angle {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Press(Button::Primary) => return self.press(slice, pointer),
            PointerKind::Drag(Button::Primary) => {
                if !self.grip.drag(slice, pointer) {
                    self.follow(slice, pointer);
                }
            }
            PointerKind::Hover => self.follow(slice, pointer),
            PointerKind::Release(Button::Primary) => return self.release(slice, pointer),
            _ => return zoom(pointer),
        }
        Reply::default()
    }

    fn key(&mut self, _: &Slice, key: ToolKey) -> Reply {
        if key != ToolKey::Back {
            return Reply::default();
        }
        match &mut self.drawing {
            Some((drawing, placed)) if *placed > 1 => {
                *placed -= 1;
                drawing.hold(*placed..POINTS);
            }
            _ => self.drawing = None,
        }
        Reply { is_taken: true, ..Reply::default() }
    }

    fn is_busy(&self) -> bool {
        self.drafted().is_some()
    }

    fn abort(&mut self) -> bool {
        let was_held = self.grip.abort();
        self.drawing.take().is_some() || was_held
    }

    fn drafted(&self) -> Option<&Drafted> {
        self.drawing.as_ref().map(|(drawing, _)| drawing.drafted()).or(self.grip.drafted())
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
