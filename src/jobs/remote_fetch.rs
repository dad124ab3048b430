//! Fetching images from a server.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::remote::{Fetched, Inbox, Secret, Server, Wanted, connect};

/// Fetches a study or a series into a folder; what is there already is not asked for again.
#[derive(Debug)]
pub struct RemoteFetchJob {
    /// The server.
    pub server: Server,
    /// The password, where one is needed.
    pub password: Option<Secret>,
    /// What is fetched.
    pub wanted: Wanted,
    /// The folder, which is made where it is not there.
    pub folder: PathBuf,
}

impl Job for RemoteFetchJob {
    type Output = Fetched;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "remote-fetch", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Fetching from {}", self.server.name)
    }

    fn run(self, work: &Work<()>) -> Result<Fetched, JobError> {
        let mut peer = connect(&self.server, self.password)?;
        let mut inbox = Inbox::open(&self.folder)?;
        Ok(peer.fetch(&self.wanted, &mut inbox, work.watch.stage("fetching"))?)
    }
}
