//! Taking a label off all slices that are not finished.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::session::{Painted, Painter};
use crate::volume::LabelValue;

/// Takes a label off all slices that are not finished.
#[derive(Debug, Clone)]
pub struct EraseLabelJob {
    /// The segmentation as it is, with what protects it.
    pub painter: Painter,
    /// The label.
    pub value: LabelValue,
}

/// What is left.
#[derive(Debug, Clone)]
pub struct Erased {
    /// The change.
    pub painted: Painted,
    /// Whether some of the label is left, in finished slices.
    pub is_left: bool,
}

impl Job for EraseLabelJob {
    type Output = Erased;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "erase-label", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Deleting a label".into()
    }

    fn run(mut self, work: &Work<()>) -> Result<Erased, JobError> {
        let is_left = self.painter.erase(self.value, work.watch.stage("Deleting a label"))?;
        Ok(Erased { painted: self.painter.finish(), is_left })
    }
}
