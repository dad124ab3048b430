//! A held-back case beside what a model makes of it.

use std::path::PathBuf;

use super::train::load_case;
use super::{JobError, JobEvent, Outcome, Progress};
use crate::engine::DeviceChoice;
use crate::learn::{CaseFiles, Dataset, read_case, worst_slice};
use crate::model::Model;
use crate::work::{Stopped, Watch};

/// What to compare.
#[derive(Debug, Clone)]
pub struct CompareJob {
    /// The model's file.
    pub model: PathBuf,
    /// Where the case is from, with the labels that the model has learned.
    pub dataset: Dataset,
    /// The case's name.
    pub case: String,
    /// Device.
    pub device: DeviceChoice,
}

pub(super) fn run(job: &CompareJob, progress: Progress, watch: Watch) -> Result<Outcome, JobError> {
    let model = Model::load(&job.model)?;
    let load = |files: &CaseFiles| load_case(files, watch, &|_| {});
    let told = |notice| progress(JobEvent::Warning(notice));
    let scan = read_case(&job.dataset, &job.case, &load, &mut { told });
    let scan = scan.map_err(|error| if watch.should_stop() { JobError::Stopped(Stopped) } else { error.into() })?;
    let slice = worst_slice(&model, &scan, job.dataset.ignore, job.device, watch)?;
    let slice = slice.ok_or_else(|| JobError::Other(format!("the scan {} has no slice", job.case)))?;
    Ok(Outcome::Compared(Box::new(slice)))
}
