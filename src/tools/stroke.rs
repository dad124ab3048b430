//! A stroke of a round brush: what brush and eraser share.

use super::tool::{Button, Footprint, Pointer, PointerCursor, PointerKind, Refusal, Reply, Slice, Tool};
use crate::edit::Brush;
use crate::session::{Command, Edit, KeptBy, Painter, Segmentation, SegmentationId, SliceState, key};
use crate::volume::{Label, LabelMap, LabelValue, Plane};

/// A stroke under way.
struct Stroke {
    painter: Painter,
    of: SegmentationId,
    plane: Plane,
    slice: usize,
    label: LabelValue,
    last: [f64; 2],
    is_changed: bool,
    button: Button,
}

/// A tool that paints with a round brush while a button is held.
pub(super) struct StrokeTool {
    /// What a button paints.
    paints: fn(&Slice, Button) -> LabelValue,
    stroke: Option<Stroke>,
}

impl StrokeTool {
    pub(super) fn make(paints: fn(&Slice, Button) -> LabelValue) -> Box<dyn Tool> {
        Box::new(Self { paints, stroke: None })
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
            return end(&mut self.stroke, slice);
        }
        // Whoever turns the wheel while painting continues in the slice that is seen. What was dropped stays dropped until the next press.
        let is_left = |s: &Stroke| (s.plane, s.slice) != (slice.plane, slice.number) || s.of != slice.segmentation;
        let goes_on = self.stroke.as_ref().is_some_and(is_left);
        let reply = if goes_on { end(&mut self.stroke, slice) } else { Reply::default() };
        if self.stroke.is_none() && (goes_on || matches!(pointer.kind, PointerKind::Press(_))) {
            self.stroke = begin(slice, pointer, (self.paints)(slice, button), button);
        }
        if let Some(stroke) = &mut self.stroke {
            stroke.sweep(slice, pointer.at);
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
        let label = (self.paints)(slice, Button::Primary);
        let is_locked = table.is_some_and(|table| table.is_locked(label));
        if is_locked { PointerCursor::NotAllowed } else { PointerCursor::Footprint }
    }

    fn footprint(&self, slice: &Slice) -> Option<Footprint> {
        Some(Footprint { diameter_mm: slice.brush_mm })
    }
}

fn begin(slice: &Slice, pointer: &Pointer, label: LabelValue, button: Button) -> Option<Stroke> {
    Some(Stroke {
        painter: Painter::new(slice.document, slice.segmentation, slice.rules)?,
        of: slice.segmentation,
        plane: slice.plane,
        slice: slice.number,
        label,
        last: pointer.at,
        is_changed: false,
        button,
    })
}

/// Ends a stroke: one command, where something changed.
fn end(stroke: &mut Option<Stroke>, slice: &Slice) -> Reply {
    let Some(Stroke { painter, of, plane, slice: number, label, is_changed, .. }) = stroke.take() else {
        return Reply::default();
    };
    let painted = painter.finish();
    let kept: Vec<KeptBy> = painted.kept.keys().copied().collect();
    let refusal = (!kept.is_empty()).then_some(Refusal::Kept(kept));
    if !is_changed {
        return Reply { refusal, ..Reply::default() };
    }
    let name = if label == 0 { "Erase" } else { "Brush" };
    let mut edits = vec![Edit::Labels(painted), Edit::States(of, vec![(key(plane, number), SliceState::Corrected)])];
    edits.extend(entry(slice, of, label));
    Reply { commands: vec![Command::by_hand(name, edits)], refusal, ..Reply::default() }
}

/// The edit that gives a painted label its entry in the table, where it has none.
pub(super) fn entry(slice: &Slice, of: SegmentationId, label: LabelValue) -> Option<Edit> {
    let mut table = slice.document.segmentation(of)?.table().clone();
    if label == 0 || table.get(label).is_some() {
        return None;
    }
    table.0.push(Label::unnamed(label));
    Some(Edit::Table(of, table))
}

impl Stroke {
    fn sweep(&mut self, slice: &Slice, at: [f64; 2]) {
        let geometry = self.painter.labels().geometry().clone();
        let brush = Brush { diameter_mm: slice.brush_mm };
        let voxels = brush.sweep(&geometry, &slice.layout, self.slice, self.last, at);
        self.is_changed |= self.painter.fill(&voxels, self.label);
        self.last = at;
    }
}
