//! What a server of images has.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::remote::{Answers, Query, Secret, Server, connect};

/// Asks a server what it has.
#[derive(Debug)]
pub struct RemoteFindJob {
    /// The server.
    pub server: Server,
    /// The password, where one is needed.
    pub password: Option<Secret>,
    /// What is looked for.
    pub query: Query,
}

impl Job for RemoteFindJob {
    type Output = Answers;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "remote-find", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Searching {}", self.server.name)
    }

    fn run(self, work: &Work<()>) -> Result<Answers, JobError> {
        Ok(connect(&self.server, self.password)?.find(&self.query, work.watch.stage("searching"))?)
    }
}
