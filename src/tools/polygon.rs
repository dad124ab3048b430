//! Outlines a structure by its corners: click corner by corner, drag a corner to move it; Enter fills, Shift+Enter erases.

use super::stroke::entry;
use super::tool::{
    Button, Outline, Pointer, PointerCursor, PointerKind, Refusal, Reply, Slice, Tool, ToolEntry, ToolKey,
};
use crate::session::{Command, Edit, KeptBy, Painter, SliceState, key};
use crate::shape::pixels_inside;
use crate::volume::LabelValue;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "polygon",
    name: "Polygon",
    icon: "\u{E6D0}",
    hint: "click corner by corner, drag a corner to move it; Enter fills, Shift+Enter erases, Backspace takes the last corner, Esc drops all",
    key: "5",
    make: || Box::new(Polygon { outline: None }),
};

/// How near the pointer must be to a corner to hold it, in points of the screen.
const REACH_POINTS: f64 = 8.0;

struct Polygon {
    outline: Option<Outline>,
}

impl Polygon {
    /// The corner under the pointer.
    fn corner_at(&self, pointer: &Pointer) -> Option<usize> {
        let away = |point: &[f64; 2]| {
            let off = [0, 1].map(|n| (point[n] - pointer.at[n]) / f64::from(pointer.pixels_per_point[n]).max(1e-9));
            off[0].hypot(off[1])
        };
        let corners = self.outline.iter().flat_map(|outline| outline.points.iter().map(away).enumerate());
        corners.filter(|(_, away)| *away <= REACH_POINTS).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(n, _)| n)
    }

    fn press(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        let held = self.corner_at(pointer);
        let new = || Outline { plane: slice.plane, slice: slice.number, points: Vec::new(), held: None };
        let outline = self.outline.get_or_insert_with(new);
        if (outline.plane, outline.slice) != (slice.plane, slice.number) {
            let refusal = Refusal::Other("The outline is on another slice: finish it first (Enter), or drop it (Esc)");
            return Reply { refusal: Some(refusal), ..Reply::default() };
        }
        outline.held = held.or_else(|| {
            outline.points.push(pointer.at);
            Some(outline.points.len() - 1)
        });
        Reply::default()
    }

    /// Gives what the outline encloses a label: one command.
    fn fill(&mut self, slice: &Slice, label: LabelValue) -> Reply {
        let Some(outline) = &self.outline else { return Reply::default() };
        let taken = Reply { is_taken: true, ..Reply::default() };
        if outline.points.len() < 3 {
            let refusal = Refusal::Other("An outline needs three corners");
            return Reply { refusal: Some(refusal), ..taken };
        }
        let Some(mut painter) = Painter::new(slice.document, slice.segmentation, slice.rules) else { return taken };
        let layout = crate::volume::PlaneLayout::new(painter.labels().geometry(), outline.plane);
        let inside = pixels_inside(&outline.points, [layout.size[0], layout.size[1]]);
        let voxels: Vec<[usize; 3]> =
            inside.iter().map(|[column, row]| layout.voxel([*column, *row, outline.slice])).collect();
        let is_changed = painter.fill(&voxels, label);
        let painted = painter.finish();
        let kept: Vec<KeptBy> = painted.kept.keys().copied().collect();
        let refusal = (!kept.is_empty()).then_some(Refusal::Kept(kept));
        // What could not be filled stays, so that it can be once a lock is open.
        if !is_changed {
            return Reply { refusal, ..taken };
        }
        let of = slice.segmentation;
        let state = vec![(key(outline.plane, outline.slice), SliceState::Corrected)];
        self.outline = None;
        let mut edits = vec![Edit::Labels(painted), Edit::States(of, state)];
        edits.extend(entry(slice, of, label));
        let name = if label == 0 { "Erase polygon" } else { "Polygon" };
        Reply { commands: vec![Command::by_hand(name, edits)], refusal, ..taken }
    }
}

impl Tool for Polygon {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Press(Button::Primary) => return self.press(slice, pointer),
            PointerKind::Drag(Button::Primary) => {
                if let Some(outline) = &mut self.outline
                    && (outline.plane, outline.slice) == (slice.plane, slice.number)
                    && let Some(point) = outline.held.and_then(|held| outline.points.get_mut(held))
                {
                    *point = pointer.at;
                }
            }
            PointerKind::Release(Button::Primary) => {
                self.outline.iter_mut().for_each(|outline| outline.held = None);
            }
            _ => {}
        }
        Reply::default()
    }

    fn key(&mut self, slice: &Slice, key: ToolKey) -> Reply {
        match key {
            ToolKey::Confirm => self.fill(slice, slice.label),
            ToolKey::ConfirmErasing => self.fill(slice, 0),
            ToolKey::Back => {
                if let Some(outline) = &mut self.outline {
                    outline.points.pop();
                    outline.held = None;
                }
                self.outline.take_if(|outline| outline.points.is_empty());
                Reply { is_taken: true, ..Reply::default() }
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.outline.is_some()
    }

    fn abort(&mut self) -> bool {
        self.outline.take().is_some()
    }

    fn outline(&self) -> Option<&Outline> {
        self.outline.as_ref()
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
