//! Writing a table.

use std::io::Write as _;
use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::disk::replace_file;

/// Writes a table as text.
#[derive(Debug, Clone)]
pub struct SaveTableJob {
    /// Where to.
    pub path: PathBuf,
    /// What.
    pub text: String,
}

impl Job for SaveTableJob {
    /// The file.
    type Output = PathBuf;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-table", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving {}", file_name(&self.path))
    }

    fn run(self, _: &Work<()>) -> Result<PathBuf, JobError> {
        replace_file(&self.path, |writer| writer.write_all(self.text.as_bytes()))
            .map_err(|e| JobError::Other(format!("The table cannot be written to {}: {e}", self.path.display())))?;
        Ok(self.path)
    }
}
