//! A journal as a file.

use std::io;
use std::path::Path;

use super::note::{records, scan_records};
use super::replay::Replay;
use crate::disk::{Log, LogDraft, LogEnd, LogError, LogKind, read_log};
use crate::session::document::{Document, ScanId};
use crate::session::entry::{Entry, What};

const KIND: LogKind = LogKind { magic: *b"LAMJRNL\n", version: 2 };
/// Ending of a journal's name.
const ENDING: &str = "journal";

/// A journal that this process alone writes.
#[derive(Debug)]
pub struct JournalFile(Log);

/// A journal that begins with the document as it is, still written aside.
#[derive(Debug)]
pub struct JournalDraft(LogDraft);

/// Whether a file is called as a journal is.
pub fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

/// Reads a journal; nobody needs to be done with it.
///
/// # Errors
/// Those of the file system, and a file that is no journal of this version.
pub fn replay_journal(path: &Path) -> Result<(Replay, LogEnd), LogError> {
    let mut replay = Replay::default();
    let end = read_log(path, &KIND, |kind, payload| replay.take(kind, payload))?;
    Ok((replay, end))
}

impl JournalFile {
    /// A new, empty journal.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(path: &Path) -> Result<Self, LogError> {
        Log::create(path, &KIND).map(Self)
    }

    /// Takes up the journal of a process that is gone, and reads it.
    ///
    /// # Errors
    /// As [`replay_journal`], and that its process is not gone.
    pub fn take_up(path: &Path) -> Result<(Self, Replay, LogEnd), LogError> {
        let mut replay = Replay::default();
        let (log, end) = Log::take_up(path, &KIND, |kind, payload| replay.take(kind, payload))?;
        Ok((Self(log), replay, end))
    }

    /// Writes what happened; it is on disk when this returns. Where it fails, the journal is as it was before.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut all = Vec::new();
        for Entry(what) in entries {
            all.extend(records(what)?);
        }
        self.0.append(&all)
    }

    /// Writes that a scan needs no recovery any more.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn close_scan(&mut self, scan: ScanId) -> io::Result<()> {
        self.append(&[Entry(What::Closed(scan))])
    }

    /// Writes the document as it is into a draft; this may take a while, and is done on another thread.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn draft(path: &Path, document: &Document) -> io::Result<JournalDraft> {
        let mut draft = LogDraft::beside(path, &KIND)?;
        for (scan, _) in document.scans() {
            draft.append(&scan_records(document, scan)?)?;
        }
        Ok(JournalDraft(draft))
    }

    /// Lets a draft take the place of all that was written before; `since` is what happened since its document was taken.
    ///
    /// # Errors
    /// Those of the file system; the journal is as it was before then.
    pub fn replace(&mut self, JournalDraft(mut draft): JournalDraft, since: &[Entry]) -> io::Result<()> {
        for Entry(what) in since {
            draft.append(&records(what)?)?;
        }
        self.0.replace(draft)
    }

    /// Bytes of the file.
    pub fn byte_count(&self) -> u64 {
        self.0.byte_count()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Removes the file: nothing in it is needed any more.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn remove(self) -> io::Result<()> {
        self.0.remove()
    }
}
