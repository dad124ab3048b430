//! Shows the closed line of one value around the pointer; a click fills it. 3D Slicer has such a tool of the same name.

use super::enclosed::fill;
use super::options::{Choice, OptionKind, ToolOption};
use super::stroke::paints_left;
use super::tool::{Handles, Outline, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry};
use crate::edit::{Side, level_outline};

/// On which side of the line the structure lies.
pub const SIDE: ToolOption = ToolOption {
    id: "level-tracing.side",
    name: "Structure",
    hint: "Whether the structure is at least as bright as the place under the pointer, or at most",
    kind: OptionKind::Choice(&[
        Choice { id: "brighter", name: "Brighter than the line" },
        Choice { id: "darker", name: "Darker than the line" },
    ]),
};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "level-tracing",
    name: "Level tracing",
    icon: "\u{E7AE}",
    hint: "move over a structure's edge until the line fits, then click to fill it; right button erases",
    key: "V",
    paints: true,
    options: &[SIDE],
    make: || Box::new(LevelTracing::default()),
};

#[derive(Default)]
struct LevelTracing {
    outline: Option<Outline>,
}

fn trace(slice: &Slice, at: [f64; 2]) -> Option<Outline> {
    let (seed, volume) = (slice.pixel(at)?, slice.volume()?);
    let mut values = Vec::new();
    slice.layout.read_slice(volume, slice.frame, slice.number, &mut values);
    let side = if slice.options.choice(&SIDE) == "darker" { Side::Darker } else { Side::Brighter };
    let points = level_outline(&values, [slice.layout.size[0], slice.layout.size[1]], seed, side);
    let (plane, slice) = (slice.plane, slice.number);
    (!points.is_empty()).then_some(Outline { plane, slice, points, handles: Handles::None, held: None })
}

impl Tool for LevelTracing {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Hover => self.outline = trace(slice, pointer.at),
            PointerKind::Press(button) => {
                self.outline = None;
                if let Some(outline) = trace(slice, pointer.at) {
                    let label = paints_left(slice, button);
                    return fill(slice, &outline, &[], label, ["Level tracing", "Level tracing, erase"]);
                }
            }
            PointerKind::Drag(_) | PointerKind::Release(_) => {}
        }
        Reply::default()
    }

    fn abort(&mut self) -> bool {
        self.outline = None;
        false
    }

    fn outline(&self) -> Option<&Outline> {
        self.outline.as_ref()
    }

    fn follows_pointer(&self) -> bool {
        true
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
