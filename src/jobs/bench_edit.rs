//! What `lamella bench edit` times: a list of cases on one made scan with twenty labels.

mod files;
mod scene;
mod stopwatch;

use super::error::JobError;
use crate::edit::{SeedGrowing, grow_from_seeds};
use crate::measure::{Measuring, Wanted, measure};
use crate::session::Session;
use crate::volume::Region;
use crate::work::Watch;

pub use scene::EditScene;
use scene::LABELS;
use stopwatch::seconds;

/// Strokes whose undo is weighed.
const STROKES: usize = 1000;
/// Edge of the cube of voxels in which labels grow from seeds.
const SEEDED: usize = 256;

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
        title: "a frame of a stroke with a ball of radius 15, and the labels of three views read again; painting it is not in it",
        unit: "s",
        bound: Some(8e-3),
        run: |scene, repeat| {
            let mut session = scene.session(false)?;
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
    EditCase {
        id: "journal",
        title: "that stroke appended to a journal and synced, in the system's folder for temporary files",
        unit: "s",
        bound: Some(16e-3),
        run: |scene, repeat| scene.journal_entries(repeat.max(20)),
    },
    EditCase {
        id: "document",
        title: "a document with 20 labels saved and synced",
        unit: "s",
        bound: Some(2.0),
        run: |scene, repeat| scene.save_documents(repeat),
    },
    EditCase {
        id: "seeds",
        title: "20 labels and what is around them grown from seeds over 256 x 256 x 256 voxels",
        unit: "s",
        bound: Some(5.0),
        run: |_, repeat| grow_seeds(SEEDED, repeat),
    },
];

fn repeated(repeat: usize, mut run: impl FnMut() -> Result<(), JobError>) -> Result<Vec<f64>, JobError> {
    (0..repeat).map(|_| seconds(&mut run)).collect()
}

/// Grows labels over a cube of so many voxels along each edge.
fn grow_seeds(edge: usize, repeat: usize) -> Result<Vec<f64>, JobError> {
    let scene = EditScene::new([edge; 3])?;
    let (strokes, labels) = scene.seeds();
    let region = Region::whole([edge; 3]);
    let growing = SeedGrowing { volume: scene.volume(), frame: 0, strokes: &strokes, labels: &labels, region };
    repeated(repeat, || {
        grow_from_seeds(&growing, Watch::unwatched()).map(drop).map_err(|e| JobError::Broken(e.to_string()))
    })
}

impl EditScene {
    fn measure(&self, forms: bool) -> Result<(), JobError> {
        let what = Measuring { image: Some((self.volume(), 0)), forms };
        let found = measure(self.labels(), &Wanted::All, what, Watch::unwatched())?;
        if found.len() == LABELS {
            Ok(())
        } else {
            Err(JobError::Broken(format!("{} labels of {LABELS}", found.len())))
        }
    }

    fn back_and_forth(&self, repeat: usize) -> Result<Vec<(f64, f64)>, JobError> {
        let mut editing = self.session(false)?;
        editing.stroke(0)?;
        let once = |session: &mut Session| {
            let undo = seconds(|| session.undo().map(drop).ok_or_else(|| JobError::Broken("nothing to undo".into())))?;
            let redo = seconds(|| session.redo().map(drop).ok_or_else(|| JobError::Broken("nothing to redo".into())))?;
            Ok((undo, redo))
        };
        (0..repeat.max(20)).map(|_| once(&mut editing.session)).collect()
    }

    fn weigh_strokes(&self) -> Result<Vec<f64>, JobError> {
        let mut editing = self.session(false)?;
        let before = editing.session.undo_bytes();
        for n in 0..STROKES {
            editing.dab(n)?;
        }
        Ok(vec![editing.session.undo_bytes() as f64 - before as f64])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_measures_a_small_scene() {
        let scene = EditScene::new([64, 64, 80]).unwrap();
        assert_eq!(scene.labels().voxel_counts().len(), LABELS);
        let ids: std::collections::BTreeSet<&str> = EDIT_CASES.iter().map(|case| case.id).collect();
        assert_eq!(ids.len(), EDIT_CASES.len());
        for case in EDIT_CASES.iter().filter(|case| !["undo-memory", "seeds"].contains(&case.id)) {
            let samples = (case.run)(&scene, 1).unwrap();
            assert!(!samples.is_empty() && samples.iter().all(|sample| *sample >= 0.0), "{}", case.id);
        }
        assert_eq!(grow_seeds(64, 1).unwrap().len(), 1);
    }
}
