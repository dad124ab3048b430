//! The journal: what happened to a document, on disk, so that a crash or a power cut loses nothing that was done.
//!
//! **Invariant:** an entry is in the journal as a whole or not at all; a journal that is read up to any entry gives the document as it was
//! after that entry.
//! **Invariant:** a journal names scans by their files, series, grids and checksums. No field of a scan's header is in it, so no patient's
//! name is.
//!
//! An entry is some notes (JSON) and chunks of bricks, then a commit. `disk/log.rs` says how records lie in the file.

mod file;
mod note;
mod replay;
#[cfg(test)]
mod tests;

pub use file::{JournalDraft, JournalFile, is_journal, replay_journal};
pub use replay::Replay;
