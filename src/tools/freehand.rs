//! An outline that is drawn with a button held: what lasso and scissors share.

use super::tool::{Button, Handles, Outline, Pointer, PointerKind, Slice};

/// The least way between two points of an outline, in points of the screen.
const STEP_POINTS: f64 = 1.0;

/// Draws a line on to a point of the slice, unless that is too near to its last one. So many pixels of the slice make a point of the
/// screen, across and down.
pub(super) fn draw_on(points: &mut Vec<[f64; 2]>, at: [f64; 2], pixels_per_point: [f32; 2]) {
    let is_new = points.last().is_none_or(|last| {
        let off = [0, 1].map(|n| (at[n] - last[n]) / f64::from(pixels_per_point[n]).max(1e-9));
        off[0].hypot(off[1]) >= STEP_POINTS
    });
    if is_new {
        points.push(at);
    }
}

/// An outline under way.
#[derive(Default)]
pub(super) struct Freehand {
    drawn: Option<(Outline, Button)>,
}

impl Freehand {
    /// Takes a pointer event. The outline and its button where the event ended it; an outline of fewer than three points encloses nothing.
    pub(super) fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Option<(Outline, Button)> {
        match pointer.kind {
            PointerKind::Press(button) if self.drawn.is_none() => {
                let (plane, slice) = (slice.plane, slice.number);
                let outline = Outline { plane, slice, points: vec![pointer.at], handles: Handles::None, held: None };
                self.drawn = Some((outline, button));
                None
            }
            PointerKind::Drag(button) => {
                self.go_to(slice, pointer, button);
                None
            }
            PointerKind::Release(button) if self.drawn.as_ref().is_some_and(|(_, own)| *own == button) => {
                self.go_to(slice, pointer, button);
                self.drawn.take()
            }
            _ => None,
        }
    }

    fn go_to(&mut self, slice: &Slice, pointer: &Pointer, button: Button) {
        let Some((outline, own)) = &mut self.drawn else { return };
        if *own != button || (outline.plane, outline.slice) != (slice.plane, slice.number) {
            return;
        }
        draw_on(&mut outline.points, pointer.at, pointer.pixels_per_point);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.drawn.is_some()
    }

    pub(super) fn abort(&mut self) -> bool {
        self.drawn.take().is_some()
    }

    pub(super) fn outline(&self) -> Option<&Outline> {
        self.drawn.as_ref().map(|(outline, _)| outline)
    }
}
