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

/// A window after a drag by points of the screen, for values of which the largest and the smallest differ by so much.
pub fn dragged_window(Window { level, width }: Window, value_span: f64, moved_points: [f32; 2]) -> Window {
    // Where all values are one, or none is a number, the width is that of a step between whole values.
    let span = if value_span > 0.0 && value_span.is_finite() { value_span } else { 1.0 };
    let step = span / POINTS_PER_SPAN;
    let [across, down] = moved_points.map(f64::from);
    // Up is brighter: a lower level.
    let width = (width + across * step).clamp(span * 1e-4, span * 10.0);
    Window { level: level + down * step, width }
}

struct WindowLevel;

impl Tool for WindowLevel {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        let PointerKind::Drag(Button::Primary) = pointer.kind else { return zoom(pointer) };
        Reply::look(Look::Window(dragged_window(slice.window, slice.value_span, pointer.moved_points)))
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Adjust
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{PaintRules, Session};
    use crate::tools::touch_answer::Nobody;
    use crate::tools::{AnswerStrokes, ToolOptions};
    use crate::volume::{Affine, Geometry, Plane, PlaneLayout, Rescale, Volume, Voxels};

    #[test]
    fn a_window_over_one_value_is_dragged_wider_again() {
        let geometry = Geometry::new([2, 2, 2], Affine::IDENTITY).unwrap();
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let voxels = Voxels::U8(std::sync::Arc::new(vec![7; 8]));
        let mut session = Session::default();
        let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "one value".into());
        let (_, segmentation) = session.add_scan(std::sync::Arc::new(volume));
        for value_span in [0.0, f64::NAN, f64::NEG_INFINITY] {
            let mut window = Window { level: 7.0, width: 1.0 };
            // Far to the left, then to the right.
            for across in [-900.0f32, -900.0, 300.0] {
                let answers: std::sync::Arc<dyn AnswerStrokes> = std::sync::Arc::new(Nobody);
                let slice = Slice {
                    document: session.document(),
                    segmentation,
                    plane: Plane::Axial,
                    layout,
                    number: 0,
                    cursor: [0; 3],
                    frame: 0,
                    window,
                    value_span,
                    label: 1,
                    options: &ToolOptions::default(),
                    rules: &PaintRules::default(),
                    answers: &answers,
                };
                let kind = PointerKind::Drag(Button::Primary);
                let (mm_per_point, pixels_per_point) = (1.0, [1.0; 2]);
                let moved_points = [across, 0.0];
                let drag = Pointer { kind, at: [1.0; 2], is_alt: false, moved_points, mm_per_point, pixels_per_point };
                let reply = WindowLevel.pointer(&slice, &drag);
                let [Look::Window(now)] = reply.look[..] else { panic!("{:?}", reply.look) };
                assert!(now.width > 0.0, "{value_span}: {now:?}");
                window = now;
            }
            assert!((window.width - 0.5001).abs() < 1e-9, "{value_span}: {window:?}");
        }
    }
}
