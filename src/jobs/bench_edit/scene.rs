//! The made scan, its twenty labels, and strokes through it.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use crate::edit::{Brush, BrushShape};
use crate::jobs::error::JobError;
use crate::session::{Command, Edit, PaintRules, Painter, SegmentationId, Session};
use crate::volume::{Affine, Geometry, LabelMap, LabelValue, Plane, PlaneLayout, Rescale, Volume, VoxelRow, Voxels};
use crate::work::memory;

/// Labels of the scene.
pub(super) const LABELS: usize = 20;
/// The ball of the strokes: its radius is 15 voxels, which are of 1 mm.
const BALL: Brush = Brush { diameter_mm: 30.0, shape: BrushShape::Ball };
/// Where along i a stroke begins, so that all of the ball lies inside the grid.
const START: i64 = 15;
/// Frames of a stroke, and voxels that the ball moves by in each.
const STROKE: (usize, i64) = (30, 4);
/// The label that strokes paint.
const PAINTED: u16 = 21;

/// A scan of noise with twenty bright ellipsoids, each a label.
pub struct EditScene {
    volume: Arc<Volume>,
    labels: LabelMap,
}

/// Voxels along each axis of the cell that an ellipsoid lies in: two by two by five of them.
fn cell_of(shape: [usize; 3]) -> [f64; 3] {
    [shape[0] as f64 / 2.0, shape[1] as f64 / 2.0, shape[2] as f64 / 5.0]
}

/// Where a voxel lies from the middle of its cell, from -1 to 1 along each axis.
fn from_middle(voxel: [usize; 3], cell: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|axis| ((voxel[axis] as f64 / cell[axis]).fract() - 0.5) * 2.0)
}

/// The noise of a voxel: the same on every machine.
fn noise(n: usize) -> i16 {
    let mixed = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 57) as i16 - 64
}

impl EditScene {
    /// Makes the scene on a grid of voxels of 1 mm.
    ///
    /// # Errors
    /// When the grid is too small or the memory is not there.
    pub fn new(shape: [usize; 3]) -> Result<Self, JobError> {
        let geometry = Geometry::new(shape, Affine::IDENTITY).map_err(|e| JobError::Other(e.to_string()))?;
        if shape.iter().any(|n| *n < 64) {
            return Err(JobError::Other(format!(
                "a scene of {shape:?} voxels is too small; take at least 64 along each axis"
            )));
        }
        memory::ensure::<i16>(geometry.voxel_count())?;
        let cell = cell_of(shape);
        let label_of = |voxel: [usize; 3]| -> u16 {
            let from = from_middle(voxel, cell);
            let cells = [0, 1, 2].map(|axis| (voxel[axis] as f64 / cell[axis]) as usize);
            let label = 1 + cells[0].min(1) + 2 * cells[1].min(1) + 4 * cells[2].min(4);
            let radius = 0.45 + 0.02 * label as f64;
            if from.iter().map(|p| p * p).sum::<f64>() <= radius * radius { label as u16 } else { 0 }
        };
        let [columns, rows, _] = shape;
        let mut values = vec![0i16; geometry.voxel_count()];
        values.par_chunks_mut(columns * rows).enumerate().for_each(|(k, slice)| {
            for (n, value) in slice.iter_mut().enumerate() {
                let label = label_of([n % columns, n / columns, k]);
                *value = noise(k * columns * rows + n) + if label == 0 { -900 } else { 20 * label as i16 };
            }
        });
        let labels = LabelMap::from_fn(geometry.clone(), label_of);
        let volume = Volume::new(geometry, Voxels::I16(Arc::new(values)), vec![], Rescale::IDENTITY, "scene".into());
        Ok(Self { volume: Arc::new(volume), labels })
    }

    /// Voxels that have a label.
    pub fn labelled(&self) -> usize {
        self.labels.voxel_counts().values().sum()
    }

    /// The scan.
    pub(super) fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// The labels.
    pub(super) fn labels(&self) -> &LabelMap {
        &self.labels
    }

    /// A stroke in the middle of every ellipsoid, and one more label between them; and all these labels.
    pub(super) fn seeds(&self) -> (LabelMap, Vec<LabelValue>) {
        let cell = cell_of(self.labels.geometry().shape());
        let around = LABELS as LabelValue + 1;
        let strokes = LabelMap::from_fn(self.labels.geometry().clone(), |voxel| {
            let from = from_middle(voxel, cell);
            let is_edge = from.iter().any(|p| p.abs() > 0.97);
            let is_middle = from.iter().map(|p| p * p).sum::<f64>() < 0.02;
            if is_edge {
                around
            } else if is_middle {
                self.labels.get(voxel)
            } else {
                0
            }
        });
        (strokes, (1..=around).collect())
    }

    /// A session with the scene's scan and labels, which tells a journal of its changes or not.
    pub(super) fn session(&self, keeps_entries: bool) -> Result<Editing, JobError> {
        let mut session = Session::default();
        if keeps_entries {
            session.keep_entries();
        }
        let (_, segmentation) = session.add_scan(self.volume.clone());
        let mut editing = Editing { session, segmentation, shape: self.labels.geometry().shape() };
        let mut painter = editing.painter()?;
        painter.take(self.labels.clone(), &crate::session::Incoming::default());
        editing.apply(painter)?;
        Ok(editing)
    }
}

/// A place along an axis, spread over all of it.
fn spread(n: usize, length: usize) -> i64 {
    let mixed = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    (mixed % length as u64) as i64
}

/// What the brush covers on its way from one voxel to another of an axial slice, row by row, as the tool has it.
fn swept(geometry: &Geometry, from: [i64; 3], to: [i64; 3]) -> Vec<VoxelRow> {
    let layout = PlaneLayout::new(geometry, Plane::Axial);
    let [from, to] = [from, to].map(|voxel| layout.screen(voxel.map(|n| n as usize)));
    let middle = |screen: [usize; 3]| [screen[0] as f64 + 0.5, screen[1] as f64 + 0.5];
    BALL.sweep(geometry, &layout, to[2], middle(from), middle(to))
}

/// A session under work.
pub(super) struct Editing {
    pub(super) session: Session,
    segmentation: SegmentationId,
    shape: [usize; 3],
}

impl Editing {
    /// A painter of the segmentation.
    fn painter(&self) -> Result<Painter, JobError> {
        let painter = Painter::new(self.session.document(), self.segmentation, &PaintRules::default());
        painter.ok_or_else(|| JobError::Broken("the segmentation is gone".into()))
    }

    fn apply(&mut self, painter: Painter) -> Result<(), JobError> {
        let command = Command::by_hand("Stroke", vec![Edit::Labels(painter.finish())]);
        self.session.apply(command).map(drop).map_err(|e| JobError::Broken(e.to_string()))
    }

    /// One ball somewhere: the number says where.
    pub(super) fn dab(&mut self, number: usize) -> Result<(), JobError> {
        let mut painter = self.painter()?;
        let centre = [0, 1, 2].map(|axis| spread(number * 3 + axis, self.shape[axis]));
        painter.fill_rows(&swept(painter.labels().geometry(), centre, centre), PAINTED);
        self.apply(painter)
    }

    /// One stroke through the grid; seconds of each frame, the last one with what ends the stroke.
    pub(super) fn stroke(&mut self, number: usize) -> Result<Vec<f64>, JobError> {
        let (frames, step) = STROKE;
        let mut painter = self.painter()?;
        let mut times = Vec::with_capacity(frames);
        let first = [1, 2].map(|axis| spread(number * 2 + axis, self.shape[axis]));
        let place = |frame: usize| [(START + step * frame as i64) % self.shape[0] as i64, first[0], first[1]];
        for frame in 0..frames {
            let at = place(frame);
            let start = Instant::now();
            for row in swept(painter.labels().geometry(), place(frame.saturating_sub(1)), at) {
                painter.fill_rows(&[row], PAINTED);
            }
            read_views(painter.labels(), at);
            times.push(start.elapsed().as_secs_f64());
        }
        let start = Instant::now();
        self.apply(painter)?;
        if let Some(last) = times.last_mut() {
            *last += start.elapsed().as_secs_f64();
        }
        Ok(times)
    }
}

/// Reads the labels of the three slices through a voxel, as the views do.
fn read_views(labels: &LabelMap, at: [i64; 3]) {
    let mut slice = Vec::new();
    for plane in Plane::ALL {
        let layout = PlaneLayout::new(labels.geometry(), plane);
        let number = layout.screen(at.map(|n| n as usize))[2];
        layout.read_labels(labels, number, &mut slice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ball_holds_the_centres_within_its_radius_and_every_label_has_its_seed() {
        let geometry = Geometry::new([64, 64, 80], Affine::IDENTITY).unwrap();
        let ball = swept(&geometry, [20; 3], [20; 3]);
        assert_eq!(ball.iter().map(|row| row.count).sum::<usize>(), 14_147, "voxel centres within 15 voxels");
        let (strokes, labels) = EditScene::new([64, 64, 80]).unwrap().seeds();
        assert!(strokes.voxel_counts().into_keys().eq(labels));
    }
}
