//! Taking what others send.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::remote::{AeTitle, Heard, Inbox, Receiver};

/// Listens on a port and takes what others send, until it is stopped.
#[derive(Debug)]
pub struct RemoteReceiveJob {
    /// Which of our addresses is listened on.
    pub address: IpAddr,
    /// The port; 0 is any that is free.
    pub port: u16,
    /// Our title.
    pub title: AeTitle,
    /// The folder, which is made where it is not there.
    pub folder: PathBuf,
}

/// What a receiver tells.
#[derive(Debug)]
pub enum ReceiveNews {
    /// It listens on this port.
    Listening(u16),
    /// What it hears.
    Heard(Heard),
}

/// What was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoteReceived {
    /// Instances that are here.
    pub kept: usize,
    /// Instances that were no good.
    pub refused: usize,
    /// Series that are not in place, because a connection broke or something was refused.
    pub unfinished: usize,
}

impl Job for RemoteReceiveJob {
    type Output = RemoteReceived;
    type Event = ReceiveNews;
    const KIND: &'static JobKind = &JobKind { id: "remote-receive", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Receiving as {}", self.title)
    }

    fn run(self, work: &Work<ReceiveNews>) -> Result<RemoteReceived, JobError> {
        let inbox = Inbox::open(&self.folder)?;
        let receiver = Receiver::open(self.address, self.port, self.title)?;
        work.tell(ReceiveNews::Listening(receiver.port()));
        let received = Mutex::new(RemoteReceived::default());
        receiver.serve(&inbox, None, work.watch, &|| false, &|heard| {
            let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
            match heard {
                Heard::Kept => received.kept += 1,
                Heard::Refused(_) => received.refused += 1,
                Heard::Finished { .. } | Heard::Broken(_) | Heard::Unfinished { .. } => {}
            }
            drop(received);
            work.tell(ReceiveNews::Heard(heard));
        });
        let mut received = received.into_inner().unwrap_or_else(PoisonError::into_inner);
        received.unfinished = inbox.unfinished()?.len();
        Ok(received)
    }
}
