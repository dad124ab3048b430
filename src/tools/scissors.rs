//! Cuts through the volume along the view's axis: what lies behind and before a freely drawn outline is erased or filled.

use super::enclosed::rows_of;
use super::freehand::Freehand;
use super::options::{Choice, OptionKind, ToolOption};
use super::scissors_in_body::CUT_LABELS;
use super::step::Gesture;
use super::tool::{Errand, Outline, Pointer, PointerCursor, Reply, Slice, Tool, ToolEntry};
use crate::session::Painter;
use crate::shape::pixels_inside;
use crate::volume::PlaneLayout;

/// What the cut does.
pub const CUT: ToolOption = ToolOption {
    id: "scissors.cut",
    name: "Cut",
    hint: "What becomes of the voxels inside, or outside, of the outline",
    kind: OptionKind::Choice(&[
        Choice { id: "erase-inside", name: "Erase inside" },
        Choice { id: "erase-outside", name: "Erase outside" },
        Choice { id: "fill-inside", name: "Fill inside" },
    ]),
};

/// How far it goes.
pub const DEPTH: ToolOption = ToolOption {
    id: "scissors.depth",
    name: "Depth",
    hint: "Cut through all slices, or as far to both sides of this slice as the limit says",
    kind: OptionKind::Choice(&[
        Choice { id: "volume", name: "Through all slices" },
        Choice { id: "limited", name: "Up to the limit" },
    ]),
};

/// How far a limited cut goes to either side.
pub const LIMIT: ToolOption = ToolOption {
    id: "scissors.limit",
    name: "Limit",
    hint: "How far a limited cut goes to either side of the slice",
    kind: OptionKind::Millimetres { range: [0.0, 500.0], default: 10.0 },
};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "scissors",
    name: "Scissors",
    icon: "\u{EAE0}",
    hint: "drag an outline: what lies inside is erased through the slices (or what the options say); Esc drops the outline",
    key: "K",
    paints: true,
    options: &[CUT, DEPTH, LIMIT, CUT_LABELS],
    make: || Box::new(Scissors::default()),
};

#[derive(Default)]
struct Scissors {
    freehand: Freehand,
}

impl Tool for Scissors {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        let Some((outline, _)) = self.freehand.pointer(slice, pointer) else { return Reply::default() };
        if outline.points.len() < 3 {
            return Reply::refusal("Hold the button and drag around what is to be cut");
        }
        cut(slice, &outline).unwrap_or_default()
    }

    fn is_busy(&self) -> bool {
        self.freehand.is_busy()
    }

    fn abort(&mut self) -> bool {
        self.freehand.abort()
    }

    fn outline(&self) -> Option<&Outline> {
        self.freehand.outline()
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}

fn cut(slice: &Slice, outline: &Outline) -> Option<Reply> {
    let mut painter = Painter::new(slice.document, slice.segmentation, slice.rules)?;
    let geometry = painter.labels().geometry().clone();
    let layout = PlaneLayout::new(&geometry, outline.plane);
    let [columns, rows, count] = layout.size;
    let (label, is_outside) = match slice.options.choice(&CUT) {
        "fill-inside" => (slice.label, false),
        "erase-outside" => (0, true),
        _ => (0, false),
    };
    let mut pixels = pixels_inside(&outline.points, [columns, rows]);
    if is_outside {
        let mut is_in = vec![false; columns * rows];
        pixels.iter().for_each(|[column, row]| is_in[row * columns + column] = true);
        pixels = (0..columns * rows).filter(|n| !is_in[*n]).map(|n| [n % columns, n / columns]).collect();
    }
    let depth_mm = layout.pixel_mm(&geometry)[2];
    let reach = match slice.options.choice(&DEPTH) {
        // A slice whose middle is just as far away is cut.
        "limited" => (slice.options.number(&LIMIT) / depth_mm + 1e-6).floor() as usize,
        _ => count,
    };
    let slices = outline.slice.saturating_sub(reach)..outline.slice.saturating_add(reach + 1).min(count);
    let name = if label == 0 { "Scissors, erase" } else { "Scissors, fill" };
    let own = vec![outline.slice];
    let gesture = Gesture { name, of: slice.segmentation, plane: outline.plane, slices: own, label };
    let run = move |watch: crate::work::Watch<'_>| {
        let mut is_changed = false;
        let (first, length) = (slices.start, slices.len().max(1));
        for number in slices {
            watch.at((number - first) as f32 / length as f32)?;
            is_changed |= painter.fill_rows(&rows_of(&layout, number, &pixels), label);
        }
        Ok(gesture.end_through(painter, is_changed))
    };
    let errand = Errand { title: "Cutting", of: Some(slice.segmentation), run: Box::new(run) };
    Some(Reply { errand: Some(errand), ..Reply::default() })
}
