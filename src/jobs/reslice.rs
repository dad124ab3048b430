//! A scan along a plane or a path.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::volume::{LabelMap, Reslice, Resliced, Slab, Volume};

/// Samples a scan and its labels at the pixels of a plane or a path.
pub struct ResliceJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// Its frame.
    pub frame: usize,
    /// Labels that are sampled too.
    pub labels: Option<LabelMap>,
    /// The pixels.
    pub reslice: Arc<Reslice>,
    /// The thickness of the picture.
    pub slab: Slab,
}

impl Job for ResliceJob {
    type Output = Resliced;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "reslice", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Reslicing {}", self.volume.name)
    }

    fn run(self, work: &Work<()>) -> Result<Resliced, JobError> {
        let Self { volume, frame, labels, reslice, slab } = self;
        let values = reslice.read(&volume, frame, slab, work.watch)?;
        let labels = labels.map(|labels| reslice.read_labels(&labels, work.watch)).transpose()?;
        Ok(Resliced { size: reslice.size(), values: Arc::new(values), labels: labels.map(Arc::new) })
    }
}
