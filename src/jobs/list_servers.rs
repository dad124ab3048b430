//! The file in which the user's servers are kept.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::remote::KnownServers;

/// Reads the list of servers, or writes it.
#[derive(Debug, Clone)]
pub struct ListServersJob {
    /// The file.
    pub file: PathBuf,
    /// What is written; none: it is read.
    pub written: Option<KnownServers>,
}

impl Job for ListServersJob {
    /// The list that was read or written.
    type Output = KnownServers;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "list-servers", is_kept_when_stopped: true };

    fn title(&self) -> String {
        if self.written.is_some() { "Saving the list of servers".into() } else { "Reading the list of servers".into() }
    }

    fn run(self, _: &Work<()>) -> Result<KnownServers, JobError> {
        match self.written {
            Some(list) => {
                list.write(&self.file)?;
                Ok(list)
            }
            None => Ok(KnownServers::read(&self.file)?),
        }
    }
}
