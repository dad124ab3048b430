//! Counting the voxels of every label.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::volume::{LabelCounts, LabelMap};

/// Counts the voxels of every label.
#[derive(Clone)]
pub struct CountLabelsJob {
    /// The labels.
    pub labels: LabelMap,
}

impl Job for CountLabelsJob {
    /// What was counted, and the voxels of every label.
    type Output = (LabelMap, LabelCounts);
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "count-labels", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Counting voxels".into()
    }

    fn run(self, _: &Work<()>) -> Result<(LabelMap, LabelCounts), JobError> {
        let counts = self.labels.voxel_counts();
        Ok((self.labels, counts))
    }
}
