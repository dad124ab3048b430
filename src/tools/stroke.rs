//! A stroke of a brush: what brushes and the eraser share.

use super::options::{Choice, OptionKind, ToolOption};
use super::step::Gesture;
use super::tool::{Button, HighlightWork, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool};
use crate::edit::{Brush, BrushShape};
use crate::session::{Painter, Segmentation, SegmentationId};
use crate::volume::{LabelMap, LabelValue, Plane, Volume, VoxelRow};

/// The size of every brush.
pub const BRUSH_SIZE: ToolOption = ToolOption {
    id: "brush.size",
    name: "Size",
    hint: "Diameter of the brush, the same in every plane (+ and -, or Shift+wheel over a view)",
    kind: OptionKind::Millimetres { range: [0.5, 100.0], default: 4.0 },
};

/// The form of every brush.
pub const BRUSH_SHAPE: ToolOption = ToolOption {
    id: "brush.shape",
    name: "Shape",
    hint: "A disc or a square paints in one slice; a ball or a cube paints through the slices, as far in millimetres",
    kind: OptionKind::Choice(&[
        Choice { id: "disc", name: "Disc (one slice)" },
        Choice { id: "ball", name: "Ball (3-D)" },
        Choice { id: "square", name: "Square (one slice)" },
        Choice { id: "cube", name: "Cube (3-D)" },
    ]),
};

/// The brush that was chosen.
pub(super) fn brush(slice: &Slice) -> Brush {
    let shape = match slice.options.choice(&BRUSH_SHAPE) {
        "ball" => BrushShape::Ball,
        "square" => BrushShape::Square,
        "cube" => BrushShape::Cube,
        _ => BrushShape::Disc,
    };
    Brush { diameter_mm: slice.options.number(&BRUSH_SIZE), shape }
}

/// The voxels that the brush covers on its way from one point to another.
pub(super) fn swept(slice: &Slice, from: [f64; 2], to: [f64; 2]) -> Vec<VoxelRow> {
    let Some(segmentation) = slice.document.segmentation(slice.segmentation) else { return Vec::new() };
    brush(slice).sweep(segmentation.labels().geometry(), &slice.layout, slice.number, from, to)
}

/// Finds what a click at a point of the slice would paint.
pub(super) type FindHighlight = fn(&Slice, [f64; 2]) -> Option<HighlightWork>;

/// How a tool strokes.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// What a button paints.
    pub paints: fn(&Slice, Button) -> LabelValue,
    /// Which voxels get a label on the way from one point to another.
    pub covers: fn(&Slice, LabelValue, [f64; 2], [f64; 2]) -> Vec<VoxelRow>,
    /// What of the footprint is painted, where it is not all of it.
    pub highlight: Option<FindHighlight>,
    /// What painting and erasing are called in the list of steps.
    pub names: [&'static str; 2],
}

/// Finds what of the footprint at a point is painted: the rows that `choose` takes of it, and that nothing protects.
pub(super) fn chosen_of_footprint(
    slice: &Slice,
    at: [f64; 2],
    choose: impl FnOnce(&Volume, &[VoxelRow]) -> Vec<VoxelRow> + Send + 'static,
) -> Option<HighlightWork> {
    let volume = slice.volume()?.clone();
    let (rows, label) = (swept(slice, at, at), slice.label);
    let mut painter = Painter::new(slice.document, slice.segmentation, slice.rules)?;
    Some(Box::new(move |watch| {
        let rows = choose(&volume, &rows);
        watch.check()?;
        painter.fill_rows(&rows, label);
        Ok(painter.labels().clone())
    }))
}

/// The left button paints, the right one erases.
pub(super) fn paints_left(slice: &Slice, button: Button) -> LabelValue {
    if button == Button::Primary { slice.label } else { 0 }
}

/// A stroke under way.
struct Stroke {
    painter: Painter,
    of: SegmentationId,
    plane: Plane,
    slice: usize,
    label: LabelValue,
    last: [f64; 2],
    /// The first and the last slice in which something changed.
    changed: Option<[usize; 2]>,
    button: Button,
}

/// A tool that paints while a button is held.
pub(super) struct StrokeTool {
    manner: Manner,
    stroke: Option<Stroke>,
}

impl StrokeTool {
    pub(super) fn new(manner: Manner) -> Self {
        Self { manner, stroke: None }
    }

    fn end(&mut self) -> Reply {
        let Some(Stroke { painter, of, plane, slice, label, changed, .. }) = self.stroke.take() else {
            return Reply::default();
        };
        let others = changed.map(|[first, last]| first..=last).into_iter().flatten().filter(|other| *other != slice);
        let slices = std::iter::once(slice).chain(others).collect();
        let name = self.manner.names[usize::from(label == 0)];
        Gesture { name, of, plane, slices, label }.end(painter, changed.is_some())
    }

    fn begin(&self, slice: &Slice, pointer: &Pointer, button: Button) -> Option<Stroke> {
        Some(Stroke {
            painter: Painter::new(slice.document, slice.segmentation, slice.rules)?,
            of: slice.segmentation,
            plane: slice.plane,
            slice: slice.number,
            label: (self.manner.paints)(slice, button),
            last: pointer.at,
            changed: None,
            button,
        })
    }
}

impl Stroke {
    fn sweep(
        &mut self,
        slice: &Slice,
        covers: fn(&Slice, LabelValue, [f64; 2], [f64; 2]) -> Vec<VoxelRow>,
        at: [f64; 2],
    ) {
        for row in covers(slice, self.label, self.last, at) {
            if self.painter.fill_rows(&[row], self.label) {
                let end = [row.start[0] + row.count.saturating_sub(1), row.start[1], row.start[2]];
                let ends = [row.start, end].map(|voxel| slice.layout.screen(voxel)[2]);
                let [first, last] = self.changed.unwrap_or([usize::MAX, 0]);
                self.changed = Some([first.min(ends[0]).min(ends[1]), last.max(ends[0]).max(ends[1])]);
            }
        }
        self.last = at;
    }
}

impl Tool for StrokeTool {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        let (PointerKind::Press(button) | PointerKind::Drag(button) | PointerKind::Release(button)) = pointer.kind
        else {
            return Reply::default();
        };
        if self.stroke.as_ref().is_some_and(|stroke| stroke.button != button) {
            return Reply::default();
        }
        if matches!(pointer.kind, PointerKind::Release(_)) {
            return self.end();
        }
        // Whoever turns the wheel while painting continues in the slice that is seen. What was dropped stays dropped until the next press.
        let is_left = |s: &Stroke| (s.plane, s.slice) != (slice.plane, slice.number) || s.of != slice.segmentation;
        let goes_on = self.stroke.as_ref().is_some_and(is_left);
        let reply = if goes_on { self.end() } else { Reply::default() };
        if self.stroke.is_none() && (goes_on || matches!(pointer.kind, PointerKind::Press(_))) {
            self.stroke = self.begin(slice, pointer, button);
        }
        if let Some(stroke) = &mut self.stroke {
            stroke.sweep(slice, self.manner.covers, pointer.at);
        }
        reply
    }

    fn is_busy(&self) -> bool {
        self.stroke.is_some()
    }

    fn abort(&mut self) -> bool {
        self.stroke.take().is_some()
    }

    fn labels(&self) -> Option<(SegmentationId, &LabelMap)> {
        self.stroke.as_ref().map(|stroke| (stroke.of, stroke.painter.labels()))
    }

    fn cursor(&self, slice: &Slice) -> PointerCursor {
        let table = slice.document.segmentation(slice.segmentation).map(Segmentation::table);
        let label = (self.manner.paints)(slice, Button::Primary);
        let is_locked = table.is_some_and(|table| table.is_locked(label));
        if is_locked { PointerCursor::NotAllowed } else { PointerCursor::Footprint }
    }

    fn footprint(&self, slice: &Slice, at: [f64; 2]) -> Option<Vec<VoxelRow>> {
        Some(swept(slice, at, at))
    }

    fn highlight(&self, slice: &Slice, at: [f64; 2]) -> Option<HighlightWork> {
        self.manner.highlight.filter(|_| self.stroke.is_none()).and_then(|find| find(slice, at))
    }
}
