//! What was found and opened: the data tree.

use super::cases::Case;
use super::picture::Picture;
use crate::formats::Entry;
use crate::session::ScanId;

/// A series or volume of the data tree.
#[derive(Debug)]
pub struct Item {
    /// What was found.
    pub entry: Entry,
    /// The scan of the session, once it was read.
    pub scan: Option<ScanId>,
    /// A small picture.
    pub thumbnail: Option<Picture>,
    /// What it is among the scans of a folder.
    pub case: Case,
}

impl Item {
    /// An item that is not read yet.
    pub fn new(entry: Entry) -> Self {
        Self { entry, scan: None, thumbnail: None, case: Case::default() }
    }
}
