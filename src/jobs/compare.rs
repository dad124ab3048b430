//! A held-back case beside what a model makes of it.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::labelled::read_scan;
use crate::engine::DeviceChoice;
use crate::learn::{Dataset, Preview, worst_slice};
use crate::model::Model;

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

impl Job for CompareJob {
    /// The slice with the most wrong pixels.
    type Output = Preview;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "compare", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Comparing {}", self.case)
    }

    fn run(self, work: &Work<()>) -> Result<Preview, JobError> {
        let model = Model::load(&self.model)?;
        let scan = read_scan(&self.dataset, &self.case, work.watch, &|text| work.warn(text))?;
        let slice = worst_slice(&model, &scan, self.dataset.ignore, self.device, work.watch)?;
        slice.ok_or_else(|| JobError::Other(format!("the scan {} has no slice", self.case)))
    }
}
