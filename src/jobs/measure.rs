//! Measuring the labels of a segmentation.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::measure::{Measured, Measuring, Wanted, measure};
use crate::volume::{LabelMap, Volume};

/// Measures labels.
#[derive(Clone)]
pub struct MeasureJob {
    /// The labels.
    pub labels: LabelMap,
    /// The image on the same grid and its frame, for statistics of values.
    pub image: Option<(Arc<Volume>, usize)>,
    /// Which labels.
    pub wanted: Wanted,
    /// Whether surfaces and diameters are measured too.
    pub forms: bool,
}

impl Job for MeasureJob {
    /// What was measured, and the numbers of its labels.
    type Output = (LabelMap, Measured);
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "measure", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Measuring labels".into()
    }

    fn run(self, work: &Work<()>) -> Result<Self::Output, JobError> {
        let image = self.image.as_ref().map(|(volume, frame)| (volume.as_ref(), *frame));
        let what = Measuring { image, forms: self.forms };
        let measured = measure(&self.labels, &self.wanted, what, work.watch.stage("Measuring"))?;
        Ok((self.labels, measured))
    }
}
