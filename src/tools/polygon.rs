//! Outlines a structure by its corners: click corner by corner, drag a corner to move it; Enter fills, Shift+Enter erases.

use super::enclosed;
use super::tool::{
    Button, Handles, OTHER_SLICE, Outline, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry, ToolKey,
};
use crate::volume::LabelValue;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "polygon",
    name: "Polygon",
    icon: "\u{E6D0}",
    hint: "click corner by corner, drag a corner to move it; Enter fills, Shift+Enter erases, Backspace takes the last corner, Esc drops all",
    key: "5",
    paints: true,
    options: &[],
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
        let (plane, number) = (slice.plane, slice.number);
        let new = || Outline { plane, slice: number, points: Vec::new(), handles: Handles::All, held: None };
        let outline = self.outline.get_or_insert_with(new);
        if (outline.plane, outline.slice) != (slice.plane, slice.number) {
            return Reply::refusal(OTHER_SLICE);
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
        if outline.points.len() < 3 {
            return Reply { is_taken: true, ..Reply::refusal("An outline needs three corners") };
        }
        let reply = enclosed::fill(slice, outline, &[], label, ["Polygon", "Erase polygon"]);
        // What could not be filled stays, so that it can be once a lock is open.
        if !reply.commands.is_empty() {
            self.outline = None;
        }
        Reply { is_taken: true, ..reply }
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
