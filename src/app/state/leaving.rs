//! The one question that is asked in a dialog: what becomes of labels that are not saved, or of work that still runs.

use crate::session::ScanId;

/// What waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Closing a scan.
    Scan(ScanId),
    /// Closing the window.
    Window,
}

/// What would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Labels that are in no file.
    Labels,
    /// Rulers, angles and regions that are in no document.
    Measurements,
    /// A training.
    Training,
    /// A file that is being written.
    Writing,
    /// Files that are being sent to a server.
    Sending,
    /// Files that are being fetched from a server.
    Fetching,
    /// Labels that are still computed.
    Computing,
    /// A model that was refined and not kept.
    Model,
}

/// The user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeavingAnswer {
    /// Write the labels, or the document, and leave once that is on disk.
    Save,
    /// Leave without them.
    Discard,
    /// Stay.
    Stay,
}
