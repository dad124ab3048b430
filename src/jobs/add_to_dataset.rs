//! Adding a scan and its finished slices to a data set's folder.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::learn::{MarkedScan, add_to_dataset};

/// Adds a scan and its finished slices to a data set's folder.
#[derive(Clone)]
pub struct AddToDatasetJob {
    /// The folder.
    pub folder: PathBuf,
    /// What.
    pub scan: MarkedScan,
}

impl Job for AddToDatasetJob {
    /// The case's name in the folder.
    type Output = String;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "add-to-dataset", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Adding {} to the data set", self.scan.volume.name)
    }

    fn run(self, work: &Work<()>) -> Result<String, JobError> {
        let watch = work.watch.stage("Adding to the data set");
        Ok(add_to_dataset(&self.scan, &self.folder, watch, &|text| work.warn(text))?)
    }
}
