//! Names and colours of labels in files of their own.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::formats;
use crate::volume::LabelTable;

/// Reads names and colours.
#[derive(Debug, Clone)]
pub struct OpenNamesJob {
    /// The file.
    pub path: PathBuf,
}

impl Job for OpenNamesJob {
    type Output = LabelTable;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "open-names", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Reading label names {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<LabelTable, JobError> {
        let found = formats::read_names(&self.path)?;
        found.warnings.into_iter().for_each(|text| work.warn(text));
        Ok(found.annotations.table)
    }
}

/// Writes names and colours.
#[derive(Debug, Clone)]
pub struct SaveNamesJob {
    /// Where to: a table of BIDS where it ends in `.tsv`, else a label description of ITK-SNAP.
    pub path: PathBuf,
    /// What.
    pub table: LabelTable,
}

impl Job for SaveNamesJob {
    /// The file.
    type Output = PathBuf;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-names", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Writing label names {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<PathBuf, JobError> {
        let told = formats::write_names(&self.path, &self.table)?;
        told.into_iter().for_each(|text| work.warn(text));
        Ok(self.path)
    }
}
