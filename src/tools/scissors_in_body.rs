//! Cuts through the body along the line of sight: voxels of labels that an outline over the 3-D tile encloses, or does not, are erased.

use super::options::{Choice, OptionKind, ToolOption};
use super::step::Gesture;
use super::tool::Errand;
use crate::session::{Document, PaintRules, Painter, SegmentationId};
use crate::shape::pixels_inside;
use crate::volume::{BRICK_EDGE, LabelMap, LabelValue, Plane, Region, VoxelRow};

/// Which labels are cut in the 3-D tile.
pub const CUT_LABELS: ToolOption = ToolOption {
    id: "scissors.labels",
    name: "In 3-D",
    hint: "Which labels are cut where the outline is drawn in the 3-D tile",
    kind: OptionKind::Choice(&[
        Choice { id: "shown", name: "All that are shown" },
        Choice { id: "active", name: "The active label" },
    ]),
};

/// Pixels along the longer side of the picture that an outline is filled in.
const PIXELS: f64 = 2048.0;

/// A cut as it is seen.
#[derive(Debug, Clone)]
pub struct BodyCut {
    /// From voxels to the picture: rows whose products with (i, j, k, 1) are x, y and w; x / w is from -1 to 1 to the right, y / w up, and w
    /// is above 0 before the viewer.
    pub picture_from_voxel: [[f64; 4]; 3],
    /// Width over height of the picture.
    pub aspect: f64,
    /// The outline in the picture.
    pub outline: Vec<[f64; 2]>,
    /// Whether what lies outside of it goes, also what is beside the picture and behind the viewer.
    pub is_outside: bool,
    /// The part of the grid that is seen: nothing else is cut.
    pub kept: Region,
    /// The labels that are cut, in rising order.
    pub labels: Vec<LabelValue>,
}

impl BodyCut {
    /// What cuts a segmentation, in one step: for a worker's thread. None where the segmentation is gone.
    pub fn errand(self, document: &Document, of: SegmentationId, rules: &PaintRules) -> Option<Errand> {
        let mut painter = Painter::new(document, of, rules)?;
        let run = move |watch: crate::work::Watch<'_>| {
            let filled = Filled::new(&self.outline, self.aspect);
            let (first, count) = (self.kept.start[2], self.kept.shape()[2].max(1));
            let mut is_changed = false;
            for k in first..self.kept.end[2] {
                watch.at((k - first) as f32 / count as f32)?;
                let rows = self.rows(painter.labels(), &filled, k);
                is_changed |= painter.fill_rows(&rows, 0);
            }
            // What was corrected is marked in the plane that is worked in most.
            let gesture = Gesture { name: "Scissors in 3-D", of, plane: Plane::Axial, slices: Vec::new(), label: 0 };
            Ok(gesture.end_through(painter, is_changed))
        };
        Some(Errand { title: "Cutting", of: Some(of), run: Box::new(run) })
    }

    /// The voxels of a slice along the third axis that go.
    fn rows(&self, labels: &LabelMap, filled: &Filled, k: usize) -> Vec<VoxelRow> {
        let Region { start, end } = self.kept;
        let is_cut = |label: LabelValue| label != 0 && self.labels.binary_search(&label).is_ok();
        let mut voxels = Vec::new();
        for j in start[1]..end[1] {
            let mut i = start[0];
            while i < end[0] {
                // The next brick along the row.
                let next = ((i / BRICK_EDGE + 1) * BRICK_EDGE).min(end[0]);
                let uniform = labels.uniform_at([i, j, k]);
                if uniform.is_none_or(is_cut) {
                    let goes = |i: &usize| {
                        let label = uniform.unwrap_or_else(|| labels.get([*i, j, k]));
                        is_cut(label) && self.goes(filled, [*i, j, k])
                    };
                    voxels.extend((i..next).filter(goes).map(|i| [i, j, k]));
                }
                i = next;
            }
        }
        VoxelRow::joined(voxels)
    }

    fn goes(&self, filled: &Filled, voxel: [usize; 3]) -> bool {
        let [x, y, w] = self
            .picture_from_voxel
            .map(|row| row[0] * voxel[0] as f64 + row[1] * voxel[1] as f64 + row[2] * voxel[2] as f64 + row[3]);
        (w > 0.0 && filled.contains([x / w, y / w])) != self.is_outside
    }
}

/// The pixels of a picture that an outline encloses.
struct Filled {
    size: [usize; 2],
    is_in: Vec<bool>,
}

impl Filled {
    fn new(outline: &[[f64; 2]], aspect: f64) -> Self {
        let size = [PIXELS * aspect.min(1.0), PIXELS / aspect.max(1.0)].map(|side| side.ceil().max(1.0) as usize);
        let mut filled = Self { size, is_in: vec![false; size[0] * size[1]] };
        let polygon: Vec<[f64; 2]> = outline.iter().map(|place| filled.pixel(*place)).collect();
        for [column, row] in pixels_inside(&polygon, size) {
            filled.is_in[row * size[0] + column] = true;
        }
        filled
    }

    fn pixel(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [f64::midpoint(1.0, x) * self.size[0] as f64, f64::midpoint(1.0, -y) * self.size[1] as f64]
    }

    fn contains(&self, place: [f64; 2]) -> bool {
        let [column, row] = self.pixel(place);
        let is_within = (0.0..self.size[0] as f64).contains(&column) && (0.0..self.size[1] as f64).contains(&row);
        is_within && self.is_in[row as usize * self.size[0] + column as usize]
    }
}
