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
    /// What its files have become while it is open: it is read from them once it was closed.
    pub renewed: Option<Entry>,
    /// What it is among the scans of a folder.
    pub case: Case,
}

impl Item {
    /// An item that is not read yet.
    pub fn new(entry: Entry) -> Self {
        Self { entry, scan: None, thumbnail: None, renewed: None, case: Case::default() }
    }

    /// Whether more files may come to it: it is of several, or of a series.
    pub fn can_grow(&self) -> bool {
        self.entry.file_count > 1 || self.entry.belongs_to.is_some()
    }

    /// Whether an entry is the same scan, found again; a series of one file has that file as its path, and its folder once there are more.
    pub fn is_of(&self, entry: &Entry) -> bool {
        let (own, other) = (self.entry.path.as_path(), entry.path.as_path());
        let is_there = own == other || own.parent() == Some(other) || other.parent() == Some(own);
        self.entry.format == entry.format && self.entry.id == entry.id && is_there
    }

    /// Takes over what was found of its files, where that has changed. An open scan stays as it is until it is closed. Whether it has changed.
    pub fn renew(&mut self, entry: Entry) -> bool {
        let of = |entry: &Entry| (entry.file_count, entry.shape, entry.source.asks().map(str::to_string));
        if of(&entry) == of(self.renewed.as_ref().unwrap_or(&self.entry)) {
            return false;
        }
        let given = self.entry.source.size_said().and_then(|said| said.given);
        let source = given.and_then(|given| entry.source.of_size(given));
        let entry = Entry { source: source.unwrap_or(entry.source), ..entry };
        self.renewed = Some(entry);
        if self.scan.is_none() {
            self.take_renewed();
        }
        true
    }

    /// Is what its files have become.
    pub fn take_renewed(&mut self) {
        if let Some(entry) = self.renewed.take() {
            // How it was left is of another grid.
            (self.entry, self.thumbnail, self.case.left) = (entry, None, None);
        }
    }
}
