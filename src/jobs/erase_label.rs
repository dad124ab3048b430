//! Taking a label off a scan.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::edit::erase_label;
use crate::volume::{LabelMap, LabelValue, PlaneLayout};

/// Takes a label off all slices that are not finished.
#[derive(Clone)]
pub struct EraseLabelJob {
    /// The document's labels.
    pub labels: LabelMap,
    /// The label.
    pub value: LabelValue,
    /// Finished slices.
    pub done: Vec<(PlaneLayout, usize)>,
}

/// What is left.
#[derive(Debug, Clone)]
pub struct Erased {
    /// The labels without it.
    pub labels: LabelMap,
    /// The label.
    pub value: LabelValue,
    /// Whether some of it is left, in finished slices.
    pub is_left: bool,
}

impl Job for EraseLabelJob {
    type Output = Erased;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "erase-label", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Deleting a label".into()
    }

    fn run(self, _: &Work<()>) -> Result<Erased, JobError> {
        let (labels, is_left) = erase_label(&self.labels, self.value, &self.done);
        Ok(Erased { labels, value: self.value, is_left })
    }
}
