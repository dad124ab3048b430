//! Reading a volume.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::formats::{self, Entry};
use crate::volume::Volume;

/// Loads an entry of a scan.
#[derive(Debug, Clone)]
pub struct LoadJob {
    /// The entry.
    pub entry: Entry,
}

impl Job for LoadJob {
    type Output = Arc<Volume>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "load", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Reading {}", self.entry.name)
    }

    fn run(self, work: &Work<()>) -> Result<Arc<Volume>, JobError> {
        let volume = formats::load(&self.entry, work.watch.stage("Reading"))?;
        // Computed here, so that no frame has to wait for it.
        let _ = volume.statistics();
        Ok(Arc::new(volume))
    }
}
