//! Giving a label's voxels to another label.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::session::{Painted, Painter};
use crate::volume::LabelValue;

/// Gives the voxels of one label to another one wherever nothing protects them.
#[derive(Debug, Clone)]
pub struct MergeLabelsJob {
    /// The segmentation as it is, with what protects it.
    pub painter: Painter,
    /// The label that goes.
    pub from: LabelValue,
    /// The label that gets its voxels.
    pub into: LabelValue,
}

/// What became of the label.
#[derive(Debug, Clone)]
pub struct MergedLabels {
    /// The change.
    pub painted: Painted,
    /// Whether some of the label is left, in finished slices.
    pub is_left: bool,
}

impl Job for MergeLabelsJob {
    type Output = MergedLabels;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "merge-labels", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Merging labels".into()
    }

    fn run(mut self, work: &Work<()>) -> Result<MergedLabels, JobError> {
        let is_left = self.painter.relabel(self.from, self.into, work.watch.stage("Merging labels"))?;
        work.watch.check()?;
        Ok(MergedLabels { painted: self.painter.finish(), is_left })
    }
}
