//! An outline that keeps to edges: click point by point, the line between them follows the image (intelligent scissors).

use super::enclosed::fill;
use super::tool::{
    Button, Handles, OTHER_SLICE, Outline, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry, ToolKey,
};
use crate::edit::{Picture, Wire};
use crate::volume::LabelValue;

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "live-wire",
    name: "Live wire",
    icon: "\u{E680}",
    hint: "click points along an edge, the line follows it; Enter fills, Shift+Enter erases, Backspace takes the last point, Esc drops all",
    key: "W",
    paints: true,
    options: &[],
    make: || Box::new(LiveWire::default()),
};

/// How far the line may leave the box around its two ends, in pixels.
const REACH: usize = 24;

#[derive(Default)]
struct LiveWire {
    /// The values of the slice, while a line is drawn on it.
    values: Vec<f32>,
    /// The points that were clicked, and the pixels from the one before to each of them, that one left out.
    legs: Vec<Vec<[usize; 2]>>,
    /// The pixels from the last point to the pointer, the last point left out.
    ahead: Vec<[usize; 2]>,
    /// The ways from the last point.
    wire: Option<Wire>,
    /// What is shown.
    outline: Option<Outline>,
}

fn middle(pixel: [usize; 2]) -> [f64; 2] {
    pixel.map(|n| n as f64 + 0.5)
}

/// The pixel under a point; that of the image's edge for a point beside it.
fn nearest(slice: &Slice, at: [f64; 2]) -> [usize; 2] {
    [0, 1].map(|axis| at[axis].clamp(0.0, slice.layout.size[axis].saturating_sub(1) as f64) as usize)
}

impl LiveWire {
    /// The pixels from the last point to a pixel, without the last point.
    fn leg_to(&mut self, slice: &Slice, target: [usize; 2]) -> Vec<[usize; 2]> {
        let Some(start) = self.legs.last().and_then(|leg| leg.last()).copied() else { return vec![target] };
        if self.wire.as_ref().is_none_or(|wire| !wire.leads(start, target)) {
            let Some(volume) = slice.volume() else { return vec![target] };
            let [width, height, _] = slice.layout.pixel_mm(&volume.geometry);
            let size = [slice.layout.size[0], slice.layout.size[1]];
            let picture = Picture { values: &self.values, size, pixel_mm: [width, height] };
            self.wire = Wire::between(&picture, start, target, REACH);
        }
        let path = self.wire.as_ref().map(|wire| wire.path(target)).unwrap_or_default();
        path.into_iter().skip(1).collect()
    }

    fn press(&mut self, slice: &Slice, at: [f64; 2]) -> Reply {
        if let Some(outline) = &self.outline
            && (outline.plane, outline.slice) != (slice.plane, slice.number)
        {
            return Reply::refusal(OTHER_SLICE);
        }
        if self.legs.is_empty() {
            let Some(volume) = slice.volume() else { return Reply::default() };
            slice.layout.read_slice(volume, slice.frame, slice.number, &mut self.values);
        }
        let leg = self.leg_to(slice, nearest(slice, at));
        if !leg.is_empty() {
            self.legs.push(leg);
            self.wire = None;
        }
        self.ahead.clear();
        self.show(slice);
        Reply::default()
    }

    fn hover(&mut self, slice: &Slice, at: [f64; 2]) {
        let is_here = |outline: &Outline| (outline.plane, outline.slice) == (slice.plane, slice.number);
        if self.outline.as_ref().is_some_and(is_here) {
            self.ahead = self.leg_to(slice, nearest(slice, at));
            self.show(slice);
        }
    }

    /// Renews what is shown.
    fn show(&mut self, slice: &Slice) {
        let (plane, number) = self.outline.as_ref().map_or((slice.plane, slice.number), |own| (own.plane, own.slice));
        let ends = self.legs.iter().scan(0, |sum, leg| {
            *sum += leg.len();
            Some(*sum - 1)
        });
        let handles = Handles::At(ends.collect());
        let points = self.legs.iter().flatten().chain(&self.ahead).map(|pixel| middle(*pixel)).collect();
        self.outline = Some(Outline { plane, slice: number, points, handles, held: None });
    }

    /// Closes the line along the image and fills it; what could not be filled stays.
    fn fill(&mut self, slice: &Slice, label: LabelValue) -> Reply {
        let Some(own) = self.outline.clone() else { return Reply::default() };
        let taken = |reply: Reply| Reply { is_taken: true, ..reply };
        if (own.plane, own.slice) != (slice.plane, slice.number) {
            return taken(Reply::refusal(OTHER_SLICE));
        }
        let Some(first) = self.legs.first().and_then(|leg| leg.first()).copied().filter(|_| self.legs.len() >= 3)
        else {
            return taken(Reply::refusal("A live wire needs three points"));
        };
        let back = self.leg_to(slice, first);
        let pixels: Vec<[usize; 2]> = self.legs.iter().flatten().chain(&back).copied().collect();
        let outline = Outline { points: pixels.iter().map(|pixel| middle(*pixel)).collect(), ..own };
        let reply = fill(slice, &outline, &pixels, label, ["Live wire", "Live wire, erase"]);
        if !reply.commands.is_empty() {
            self.abort();
        }
        taken(reply)
    }
}

impl Tool for LiveWire {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Press(Button::Primary) => return self.press(slice, pointer.at),
            PointerKind::Hover => self.hover(slice, pointer.at),
            _ => {}
        }
        Reply::default()
    }

    fn key(&mut self, slice: &Slice, key: ToolKey) -> Reply {
        match key {
            ToolKey::Confirm => self.fill(slice, slice.label),
            ToolKey::ConfirmErasing => self.fill(slice, 0),
            ToolKey::Back => {
                self.legs.pop();
                self.ahead.clear();
                self.wire = None;
                if self.legs.is_empty() {
                    self.abort();
                } else {
                    self.show(slice);
                }
                Reply { is_taken: true, ..Reply::default() }
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.outline.is_some()
    }

    fn abort(&mut self) -> bool {
        let was_busy = self.is_busy();
        *self = Self::default();
        was_busy
    }

    fn outline(&self) -> Option<&Outline> {
        self.outline.as_ref()
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
