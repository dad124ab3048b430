//! What `lamella bench edit` times: a list of cases on one made scan with twenty labels.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use super::error::JobError;
use crate::measure::{Measuring, Wanted, measure};
use crate::session::{Command, Edit, PaintRules, Painter, SegmentationId, Session};
use crate::volume::{Affine, Geometry, LabelMap, Plane, PlaneLayout, Rescale, Volume, Voxels};
use crate::work::{Watch, memory};

/// Labels of the scene.
const LABELS: usize = 20;
/// Radius of the ball of the strokes, in voxels.
const BALL_RADIUS: i64 = 15;
/// Frames of a stroke, and voxels that the ball moves by in each.
const STROKE: (usize, i64) = (30, 4);
/// Strokes whose undo is weighed.
const STROKES: usize = 1000;
/// The label that strokes paint.
const PAINTED: u16 = 21;

/// One measurement: what it is, and what it has to be.
pub struct EditCase {
    /// Unique name.
    pub id: &'static str,
    /// What is measured, in words.
    pub title: &'static str,
    /// `s` or `bytes`.
    pub unit: &'static str,
    /// The most that it may be; `None` where nothing is promised.
    pub bound: Option<f64>,
    /// Measures: one number for each repetition.
    pub run: fn(&EditScene, usize) -> Result<Vec<f64>, JobError>,
}

/// Every case.
pub const EDIT_CASES: &[EditCase] = &[
    EditCase {
        id: "statistics",
        title: "values of the image in 20 labels",
        unit: "s",
        bound: Some(0.3),
        run: |scene, repeat| repeated(repeat, || scene.measure(false)),
    },
    EditCase {
        id: "forms",
        title: "the same with surfaces and diameters",
        unit: "s",
        bound: None,
        run: |scene, repeat| repeated(repeat, || scene.measure(true)),
    },
    EditCase {
        id: "ball-frame",
        title: "a frame of a stroke with a ball of radius 15, and the labels of three views read again",
        unit: "s",
        bound: Some(8e-3),
        run: |scene, repeat| {
            let mut session = scene.session()?;
            let mut frames = Vec::new();
            for n in 0..repeat {
                frames.extend(session.stroke(n)?);
            }
            Ok(frames)
        },
    },
    EditCase {
        id: "undo",
        title: "that stroke undone",
        unit: "s",
        bound: Some(8e-3),
        run: |scene, repeat| Ok(scene.back_and_forth(repeat)?.into_iter().map(|(undo, _)| undo).collect()),
    },
    EditCase {
        id: "redo",
        title: "that stroke redone",
        unit: "s",
        bound: Some(8e-3),
        run: |scene, repeat| Ok(scene.back_and_forth(repeat)?.into_iter().map(|(_, redo)| redo).collect()),
    },
    EditCase {
        id: "undo-memory",
        title: "memory of 1,000 strokes that can be undone",
        unit: "bytes",
        bound: Some(64.0 * 1024.0 * 1024.0),
        run: |scene, _| scene.weigh_strokes(),
    },
];

fn repeated(repeat: usize, mut run: impl FnMut() -> Result<(), JobError>) -> Result<Vec<f64>, JobError> {
    (0..repeat).map(|_| seconds(&mut run)).collect()
}

fn seconds(run: impl FnOnce() -> Result<(), JobError>) -> Result<f64, JobError> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64())
}

/// A scan of noise with twenty bright ellipsoids, each a label.
pub struct EditScene {
    volume: Arc<Volume>,
    labels: LabelMap,
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
        let cell = [shape[0] as f64 / 2.0, shape[1] as f64 / 2.0, shape[2] as f64 / 5.0];
        let label_of = |voxel: [usize; 3]| -> u16 {
            let at = [0, 1, 2].map(|axis| voxel[axis] as f64 / cell[axis]);
            let from = at.map(|p| (p.fract() - 0.5) * 2.0);
            let cells = at.map(|p| p as usize);
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

    fn measure(&self, forms: bool) -> Result<(), JobError> {
        let what = Measuring { image: Some((&self.volume, 0)), forms };
        let found = measure(&self.labels, &Wanted::All, what, Watch::unwatched())?;
        if found.len() == LABELS {
            Ok(())
        } else {
            Err(JobError::Broken(format!("{} labels of {LABELS}", found.len())))
        }
    }

    /// A session with the scene's scan and labels.
    fn session(&self) -> Result<Editing, JobError> {
        let mut session = Session::default();
        let (_, segmentation) = session.add_scan(self.volume.clone());
        let mut editing = Editing { session, segmentation, shape: self.labels.geometry().shape() };
        let mut painter = editing.painter()?;
        painter.take(self.labels.clone(), &crate::session::Incoming::default());
        editing.apply(painter)?;
        Ok(editing)
    }

    fn back_and_forth(&self, repeat: usize) -> Result<Vec<(f64, f64)>, JobError> {
        let mut editing = self.session()?;
        editing.stroke(0)?;
        let once = |session: &mut Session| {
            let undo = seconds(|| session.undo().map(drop).ok_or_else(|| JobError::Broken("nothing to undo".into())))?;
            let redo = seconds(|| session.redo().map(drop).ok_or_else(|| JobError::Broken("nothing to redo".into())))?;
            Ok((undo, redo))
        };
        (0..repeat.max(20)).map(|_| once(&mut editing.session)).collect()
    }

    fn weigh_strokes(&self) -> Result<Vec<f64>, JobError> {
        let mut editing = self.session()?;
        let before = editing.session.undo_bytes();
        for n in 0..STROKES {
            let mut painter = editing.painter()?;
            let centre = [0, 1, 2].map(|axis| spread(n * 3 + axis, editing.shape[axis]));
            painter.fill(&ball(centre, editing.shape), PAINTED);
            editing.apply(painter)?;
        }
        Ok(vec![editing.session.undo_bytes() as f64 - before as f64])
    }
}

/// A place along an axis, spread over all of it.
fn spread(n: usize, length: usize) -> i64 {
    let mixed = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    (mixed % length as u64) as i64
}

/// Voxels of the ball inside the grid.
fn ball(centre: [i64; 3], shape: [usize; 3]) -> Vec<[usize; 3]> {
    let range = |axis: usize| {
        let (low, high) = (centre[axis] - BALL_RADIUS, centre[axis] + BALL_RADIUS);
        low.max(0)..=high.min(shape[axis] as i64 - 1)
    };
    let mut voxels = Vec::new();
    for k in range(2) {
        for j in range(1) {
            for i in range(0) {
                let from = [i - centre[0], j - centre[1], k - centre[2]];
                if from.iter().map(|d| d * d).sum::<i64>() <= BALL_RADIUS * BALL_RADIUS {
                    voxels.push([i as usize, j as usize, k as usize]);
                }
            }
        }
    }
    voxels
}

/// A session under work.
struct Editing {
    session: Session,
    segmentation: SegmentationId,
    shape: [usize; 3],
}

impl Editing {
    fn painter(&self) -> Result<Painter, JobError> {
        let painter = Painter::new(self.session.document(), self.segmentation, &PaintRules::default());
        painter.ok_or_else(|| JobError::Broken("the segmentation is gone".into()))
    }

    fn apply(&mut self, painter: Painter) -> Result<(), JobError> {
        let command = Command::by_hand("Stroke", vec![Edit::Labels(painter.finish())]);
        self.session.apply(command).map(drop).map_err(|e| JobError::Broken(e.to_string()))
    }

    /// One stroke through the grid; seconds of each frame, the last one with what ends the stroke.
    fn stroke(&mut self, number: usize) -> Result<Vec<f64>, JobError> {
        let (frames, step) = STROKE;
        let mut painter = self.painter()?;
        let mut times = Vec::with_capacity(frames);
        let first = [1, 2].map(|axis| spread(number * 2 + axis, self.shape[axis]));
        for frame in 0..frames {
            let at = [(BALL_RADIUS + step * frame as i64) % self.shape[0] as i64, first[0], first[1]];
            let start = Instant::now();
            painter.fill(&ball(at, self.shape), PAINTED);
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
    fn every_case_measures_a_small_scene() {
        let scene = EditScene::new([64, 64, 80]).unwrap();
        assert_eq!(scene.labels.voxel_counts().len(), LABELS);
        let ids: std::collections::BTreeSet<&str> = EDIT_CASES.iter().map(|case| case.id).collect();
        assert_eq!(ids.len(), EDIT_CASES.len());
        for case in EDIT_CASES.iter().filter(|case| case.id != "undo-memory") {
            let samples = (case.run)(&scene, 1).unwrap();
            assert!(!samples.is_empty() && samples.iter().all(|sample| *sample >= 0.0), "{}", case.id);
        }
        assert_eq!(ball([20, 20, 20], [64, 64, 80]).len(), 14_147, "voxel centres within 15 voxels");
    }
}
