//! Looking through files and folders for what can be opened.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::formats::{self, Findings};

/// Looks at paths that were chosen together, headers only.
#[derive(Debug, Clone)]
pub struct ScanJob {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
}

impl Job for ScanJob {
    type Output = Findings;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "scan", is_kept_when_stopped: true };

    fn title(&self) -> String {
        match &self.paths[..] {
            [path] => format!("Reading {}", super::title::file_name(path)),
            paths => format!("Reading {} files", paths.len()),
        }
    }

    fn run(self, work: &Work<()>) -> Result<Findings, JobError> {
        Ok(formats::scan_all(&self.paths, work.watch.stage("Looking through files"))?)
    }
}
