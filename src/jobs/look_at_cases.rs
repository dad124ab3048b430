//! Looking at the segmentations of cases that are not open: how far each is.

use std::path::PathBuf;

use super::case_files::newest_of;
use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::formats::read_annotated_labels;
use crate::volume::{Completion, LabelMap, SliceKey, SliceState};

/// Looks at the segmentations of cases, one after the other.
pub struct LookAtCasesJob {
    /// The cases.
    pub cases: Vec<CaseToSee>,
}

/// A case whose segmentation is looked at.
#[derive(Debug, Clone)]
pub struct CaseToSee {
    /// Its number.
    pub case: usize,
    /// Voxels of the scan along i, j, k, with a 0 where they are not known.
    pub shape: [usize; 3],
    /// Where its segmentation may lie.
    pub places: Vec<PathBuf>,
}

/// What was found of a case.
#[derive(Debug)]
pub struct CaseLook {
    /// Its number.
    pub case: usize,
    /// Its segmentation and how far that is; none where there is no file that can be read.
    pub found: Option<(PathBuf, Completion)>,
}

impl Job for LookAtCasesJob {
    type Output = ();
    type Event = CaseLook;
    const KIND: &'static JobKind = &JobKind { id: "look-at-cases", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Looking at segmentations".into()
    }

    fn run(self, work: &Work<CaseLook>) -> Result<(), JobError> {
        let watch = work.watch.stage("Looking at segmentations");
        let count = self.cases.len().max(1);
        for (n, CaseToSee { case, shape, places }) in self.cases.into_iter().enumerate() {
            watch.at(n as f32 / count as f32)?;
            let Some(path) = newest_of(&places) else {
                work.tell(CaseLook { case, found: None });
                continue;
            };
            // What is doubtful about it is said when it is opened.
            let found = match read_annotated_labels(&path, None, watch.quiet(), &|_| {}) {
                Ok((labels, _)) if !shape.contains(&0) && labels.geometry().shape() != shape => {
                    let (file, own) = (file_name(&path), labels.geometry().shape());
                    work.warn(format!(
                        "{file} is not taken for a segmentation: it has {own:?} voxels, its scan {shape:?}."
                    ));
                    None
                }
                Ok((labels, annotations)) => {
                    let completion = Completion::of(&labels, annotations.states.into_iter());
                    Some((path, completion))
                }
                Err(error) => {
                    watch.check()?;
                    work.warn(format!("The segmentation {} cannot be read: {error}.", file_name(&path)));
                    None
                }
            };
            work.tell(CaseLook { case, found });
        }
        Ok(())
    }
}

/// Looks whether all slices with labels are done, of a segmentation that is open.
pub struct CompletionJob {
    /// The labels.
    pub labels: LabelMap,
    /// The states of their slices.
    pub states: Vec<(SliceKey, SliceState)>,
}

impl Job for CompletionJob {
    type Output = Completion;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "completion", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Looking at slices".into()
    }

    fn run(self, work: &Work<()>) -> Result<Completion, JobError> {
        work.watch.check()?;
        Ok(Completion::of(&self.labels, self.states.into_iter()))
    }
}
