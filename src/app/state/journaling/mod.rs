//! The journal of this window: what was done is on disk before the next frame.

mod writer;

use std::path::PathBuf;
use std::time::Instant;

pub use writer::{JournalWriter, Report};

/// The journal, and how it is.
#[derive(Debug, Default)]
pub struct Journaling {
    /// Writes it; none in a window that keeps no journal.
    pub writer: Option<JournalWriter>,
    /// Where journals lie.
    pub folder: PathBuf,
    /// Since when nothing could be written, or since the last try to begin anew.
    pub behind_since: Option<Instant>,
    /// Whether it was told to begin anew and has not answered: what happens from then on is written behind that.
    pub is_beginning: bool,
    /// Bytes that it had when it held nothing but the document.
    pub smallest_bytes: u64,
    /// Whether it is being made smaller.
    pub is_compacting: bool,
}

impl Journaling {
    /// Whether all that was done is on disk.
    pub fn is_up_to_date(&self) -> bool {
        self.behind_since.is_none() && self.writer.as_ref().is_some_and(JournalWriter::is_done)
    }
}
