//! A brush that paints only where the image lies in a range. The right button erases, whatever the value.

use super::options::{OptionKind, OptionValue, ToolOption};
use super::stroke::{BRUSH_SHAPE, BRUSH_SIZE, Manner, StrokeTool, chosen_of_footprint, paints_left, swept};
use super::tool::{Button, HighlightWork, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry};
use crate::session::SegmentationId;
use crate::volume::{LabelMap, Volume, VoxelRow};

/// Which values are painted.
pub const PAINTED_VALUES: ToolOption = ToolOption {
    id: "threshold-brush.values",
    name: "Values",
    hint: "Only voxels with a value in this range are painted, both ends included; the display window's until you choose others",
    kind: OptionKind::Values,
};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "threshold-brush",
    name: "Threshold brush",
    icon: "\u{E566}",
    hint: "paints only values in the range; Alt+click takes the range from under the brush, right button erases",
    key: "T",
    paints: true,
    options: &[BRUSH_SIZE, BRUSH_SHAPE, PAINTED_VALUES],
    make: || Box::new(ThresholdBrush { stroke: StrokeTool::new(MANNER), picked: None }),
};

const MANNER: Manner = Manner {
    paints: paints_left,
    covers: |slice, label, from, to| {
        let rows = swept(slice, from, to);
        let (Some(volume), true) = (slice.volume(), label != 0) else { return rows };
        in_range(volume, &rows, slice.values(&PAINTED_VALUES), slice.frame)
    },
    highlight: Some(|slice, at| {
        let (range, frame) = (slice.values(&PAINTED_VALUES), slice.frame);
        chosen_of_footprint(slice, at, move |volume, rows| in_range(volume, rows, range, frame))
    }),
    names: ["Threshold brush", "Erase"],
};

fn in_range(volume: &Volume, rows: &[VoxelRow], [low, high]: [f64; 2], frame: usize) -> Vec<VoxelRow> {
    VoxelRow::filtered(rows, |voxel| (low..=high).contains(&volume.value(voxel, frame)))
}

struct ThresholdBrush {
    stroke: StrokeTool,
    /// The range of values over which the pointer went with Alt held.
    picked: Option<[f64; 2]>,
}

/// The lowest and the highest value of the image that the brush covers with the pointer at a point of the slice; `None` where it covers no
/// number.
pub fn values_under(slice: &Slice, at: [f64; 2]) -> Option<[f64; 2]> {
    let volume = slice.volume()?;
    let rows = swept(slice, at, at);
    let values = rows.iter().flat_map(|row| row.voxels()).map(|voxel| volume.value(voxel, slice.frame));
    values.filter(|value| value.is_finite()).map(|value| [value; 2]).reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
}

impl Tool for ThresholdBrush {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        let begins = pointer.is_alt && pointer.kind == PointerKind::Press(Button::Primary);
        let goes_on = self.picked.is_some() && pointer.kind == PointerKind::Drag(Button::Primary);
        if !begins && !goes_on {
            self.picked = None;
            return self.stroke.pointer(slice, pointer);
        }
        let Some([low, high]) = values_under(slice, pointer.at) else { return Reply::default() };
        let [from, to] = self.picked.filter(|_| goes_on).unwrap_or([low, high]);
        let picked = [from.min(low), to.max(high)];
        self.picked = Some(picked);
        Reply { options: vec![(&PAINTED_VALUES, OptionValue::Values(Some(picked)))], ..Reply::default() }
    }

    fn is_busy(&self) -> bool {
        self.stroke.is_busy()
    }

    fn abort(&mut self) -> bool {
        self.picked = None;
        self.stroke.abort()
    }

    fn labels(&self) -> Option<(SegmentationId, &LabelMap)> {
        self.stroke.labels()
    }

    fn cursor(&self, slice: &Slice) -> PointerCursor {
        self.stroke.cursor(slice)
    }

    fn highlight(&self, slice: &Slice, at: [f64; 2]) -> Option<HighlightWork> {
        self.stroke.highlight(slice, at)
    }

    fn footprint(&self, slice: &Slice, at: [f64; 2]) -> Option<Vec<VoxelRow>> {
        self.stroke.footprint(slice, at)
    }
}
