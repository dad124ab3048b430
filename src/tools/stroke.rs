//! A stroke of a round brush: what brush and eraser share.

use super::tool::{Button, Pointer, PointerKind, Refusal, Reply, Slice};
use crate::edit::Brush;
use crate::session::{Command, Edit, KeptBy, Painter, SegmentationId, SliceState, key};
use crate::volume::{Label, LabelMap, LabelValue, Plane};

/// A stroke under way.
pub(super) struct Stroke {
    painter: Painter,
    of: SegmentationId,
    plane: Plane,
    slice: usize,
    label: LabelValue,
    last: [f64; 2],
    is_changed: bool,
    button: Button,
}

/// Takes a pointer event; `label` is what a button paints.
pub(super) fn pointer(
    stroke: &mut Option<Stroke>,
    slice: &Slice,
    pointer: &Pointer,
    label: impl Fn(Button) -> LabelValue,
) -> Reply {
    match pointer.kind {
        PointerKind::Press(button) | PointerKind::Drag(button) => {
            // Whoever turns the wheel while painting continues in the slice that is seen.
            let is_left = |s: &Stroke| (s.plane, s.slice) != (slice.plane, slice.number) || s.of != slice.segmentation;
            let reply = if stroke.as_ref().is_some_and(is_left) { end(stroke, slice) } else { Reply::default() };
            if stroke.is_none() {
                *stroke = begin(slice, pointer, label(button), button);
            }
            if let Some(stroke) = stroke.as_mut().filter(|stroke| stroke.button == button) {
                stroke.sweep(slice, pointer.at);
            }
            reply
        }
        PointerKind::Release(button) if stroke.as_ref().is_some_and(|stroke| stroke.button == button) => {
            end(stroke, slice)
        }
        PointerKind::Release(_) | PointerKind::Hover => Reply::default(),
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

    /// The labels so far.
    pub(super) fn labels(&self) -> (SegmentationId, &LabelMap) {
        (self.of, self.painter.labels())
    }
}
