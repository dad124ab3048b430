//! Whether a server of images is there.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::remote::{Greeting, Secret, Server, connect};

/// Asks a server whether it is there and speaks with us.
#[derive(Debug)]
pub struct RemoteTestJob {
    /// The server.
    pub server: Server,
    /// The password, where one is needed.
    pub password: Option<Secret>,
}

impl Job for RemoteTestJob {
    type Output = Greeting;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "remote-test", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Testing {}", self.server.name)
    }

    fn run(self, work: &Work<()>) -> Result<Greeting, JobError> {
        Ok(connect(&self.server, self.password)?.test(work.watch.stage("connecting"))?)
    }
}
