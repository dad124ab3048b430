//! What is written while a scan is edited: the journal, and the document.

use std::path::{Path, PathBuf};

use super::scene::EditScene;
use super::stopwatch::seconds;
use crate::jobs::error::JobError;
use crate::session::{JournalFile, write_document};
use crate::work::Watch;

/// A folder that goes with whoever made it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, JobError> {
        let path = std::env::temp_dir().join(format!("lamella-bench-edit-{}", std::process::id()));
        let told = |e: std::io::Error| JobError::Other(format!("{}: {e}", path.display()));
        std::fs::create_dir(&path).map_err(told)?;
        Ok(Self(path))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clear.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn told(path: &Path, error: impl std::fmt::Display) -> JobError {
    JobError::Other(format!("{}: {error}", path.display()))
}

impl EditScene {
    /// Seconds that each of so many strokes takes to be in the journal for good.
    pub(super) fn journal_entries(&self, count: usize) -> Result<Vec<f64>, JobError> {
        let folder = Folder::new()?;
        let path = folder.file("bench.journal");
        let mut journal = JournalFile::create(&path).map_err(|e| told(&path, e))?;
        let mut editing = self.session(true)?;
        journal.append(&editing.session.take_entries()).map_err(|e| told(&path, e))?;
        let mut entry = |number| {
            editing.stroke(number)?;
            let entries = editing.session.take_entries();
            seconds(|| journal.append(&entries).map_err(|e| told(&path, e)))
        };
        (0..count).map(&mut entry).collect()
    }

    /// Seconds that saving the document takes, so many times.
    pub(super) fn save_documents(&self, repeat: usize) -> Result<Vec<f64>, JobError> {
        let folder = Folder::new()?;
        let path = folder.file("bench.lamella");
        let editing = self.session(false)?;
        let save = || {
            write_document(&path, editing.session.document(), Watch::unwatched()).map(drop).map_err(|e| told(&path, e))
        };
        (0..repeat).map(|_| seconds(save)).collect()
    }
}
