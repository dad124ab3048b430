//! A scan as bytes of bounded size, for pictures through all of it.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::volume::{SmallVolume, Volume};

/// Shrinks a frame of a scan.
pub struct ShrinkVolumeJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// Its frame.
    pub frame: usize,
}

impl Job for ShrinkVolumeJob {
    type Output = Arc<SmallVolume>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "shrink-volume", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Preparing {} for 3-D", self.volume.name)
    }

    fn run(self, work: &Work<()>) -> Result<Arc<SmallVolume>, JobError> {
        Ok(Arc::new(SmallVolume::new(&self.volume, self.frame, work.watch)?))
    }
}
