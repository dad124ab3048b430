//! What a tool does that takes longer than a frame.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::tools::{Errand, Reply};

/// Does a tool's errand.
#[derive(Debug)]
pub struct ErrandJob {
    /// The errand, with the snapshot that it works on.
    pub errand: Errand,
}

impl Job for ErrandJob {
    type Output = Reply;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "errand", is_kept_when_stopped: false };

    fn title(&self) -> String {
        self.errand.title.into()
    }

    fn run(self, work: &Work<()>) -> Result<Reply, JobError> {
        Ok((self.errand.run)(work.watch.stage(self.errand.title))?)
    }
}
