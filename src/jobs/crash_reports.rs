//! Reports of faults of the program that are kept in its own folder.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::home::{CrashReport, reports};

/// Reads the reports.
#[derive(Debug, Clone)]
pub struct FindCrashReportsJob {
    /// The program's folder; it need not exist.
    pub folder: PathBuf,
}

impl Job for FindCrashReportsJob {
    /// The newest first.
    type Output = Vec<CrashReport>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "find-crash-reports", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Looking for reports of faults".into()
    }

    fn run(self, _: &Work<()>) -> Result<Vec<CrashReport>, JobError> {
        Ok(reports(&self.folder))
    }
}

/// Removes reports.
#[derive(Debug, Clone)]
pub struct DeleteCrashReportsJob {
    /// Their files.
    pub paths: Vec<PathBuf>,
}

impl Job for DeleteCrashReportsJob {
    type Output = ();
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "delete-crash-reports", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Deleting reports of faults".into()
    }

    fn run(self, _: &Work<()>) -> Result<(), JobError> {
        for path in self.paths {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(JobError::Other(format!("{} cannot be deleted: {error}", path.display())));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
