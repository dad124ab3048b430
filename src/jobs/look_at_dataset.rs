//! Looking at a folder of labelled scans.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::labelled::open_dataset;
use super::title::file_name;
use crate::learn::Split;

/// Looks at a folder of labelled scans.
#[derive(Debug, Clone)]
pub struct LookAtDatasetJob {
    /// The folder.
    pub folder: PathBuf,
}

/// What a folder of labelled scans holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetFacts {
    /// The folder.
    pub folder: PathBuf,
    /// Its scans, as they are split where nobody chooses.
    pub split: Split,
    /// Names of the labels, without the background.
    pub labels: Vec<String>,
}

impl Job for LookAtDatasetJob {
    type Output = DatasetFacts;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "look-at-dataset", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Looking at scans in {}", file_name(&self.folder))
    }

    fn run(self, work: &Work<()>) -> Result<DatasetFacts, JobError> {
        // What there is to warn about is said when it is learned from.
        let dataset = open_dataset(&self.folder, work.watch, &|_| {})?;
        let split = dataset.default_split();
        let labels = dataset.labels.into_values().skip(1).collect();
        Ok(DatasetFacts { folder: self.folder, split, labels })
    }
}
