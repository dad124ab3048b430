//! Sending DICOM files to a server.

use std::path::{Path, PathBuf};

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::formats::{Skipped, list_files, object_names};
use crate::remote::{Secret, Sent, Server, connect};

/// Sends files and the DICOM files of folders as they are.
#[derive(Debug)]
pub struct RemoteSendJob {
    /// The server.
    pub server: Server,
    /// The password, where one is needed.
    pub password: Option<Secret>,
    /// Files and folders.
    pub inputs: Vec<PathBuf>,
}

/// What was sent, and what in the folders is no DICOM file.
#[derive(Debug, Default)]
pub struct RemoteSent {
    /// What was sent.
    pub sent: Sent,
    /// Files of folders that are left out.
    pub left_out: Vec<Skipped>,
}

impl Job for RemoteSendJob {
    type Output = RemoteSent;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "remote-send", is_kept_when_stopped: true };

    fn title(&self) -> String {
        let first = self.inputs.first().map(|path| file_name(path)).unwrap_or_default();
        format!("Sending {first} to {}", self.server.name)
    }

    fn run(self, work: &Work<()>) -> Result<RemoteSent, JobError> {
        let mut peer = connect(&self.server, self.password)?;
        let watch = work.watch.stage("sending");
        let (listed, mut left_out) = list_files(&self.inputs, watch)?;
        let mut files = Vec::new();
        for path in listed {
            watch.check()?;
            // A file that the user named is sent, or refused by name.
            match self.inputs.contains(&path).then_some(()).ok_or_else(|| belongs(&path)) {
                Ok(()) | Err(Ok(())) => files.push(path),
                Err(Err(reason)) => left_out.push(Skipped { path, reason }),
            }
        }
        if files.is_empty() {
            return Err(JobError::Other("there is no DICOM file to send".into()));
        }
        Ok(RemoteSent { sent: peer.send(&files, watch)?, left_out })
    }
}

/// Whether a file of a folder is one to send.
fn belongs(path: &Path) -> Result<(), String> {
    const DIRECTORY: &str = "1.2.840.10008.1.3.10";
    match object_names(path)?.class_uid.as_str() {
        DIRECTORY => Err("a DICOM directory, which is no image".into()),
        _ => Ok(()),
    }
}
