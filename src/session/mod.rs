//! The document: scans and segmentations by id, commands, undo, and the law that every change of labels obeys.
//!
//! **Invariant:** [`Session::apply`] is the only way to change a segmentation, and undo and redo the only ways back and forth.
//! **Invariant:** only a [`Painter`] makes changes of labels. It leaves alone what is protected: locked labels and finished slices of
//! every plane. The session refuses what was painted on labels that have changed since.
//! **Invariant:** one stroke is one undo step; undo spans segmentations, slices, tools, network results and table edits. The history
//! keeps patches, never whole maps.
//!
//! **Invariant:** measurements belong to a scan; they change by commands too, and go with the scan.
//!
//! **Invariant:** a journal that is read up to any entry gives the document as it was after that entry.
//!
//! Deliberately absent: threads, dialogs. When a journal is written is the business of whoever holds the session.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "axes and slices are numbered"
)]

mod change;
mod document;
mod document_file;
mod entry;
mod history;
mod journal;
mod kept;
mod kept_overlay;
mod measurements;
mod painter;
mod protection;
mod reference;
mod scan_copy;
mod scans;
mod subjects;

pub use crate::volume::{Maker, SliceKey, SliceState};
pub use document::{Document, Revision, ScanId, Segmentation, SegmentationId, key};
pub use document_file::{
    DOCUMENT_ENDING, DocumentError, WrittenDocument, has_values_of_copy, is_document, read_document, read_scan_copy,
    write_document,
};
pub use entry::Entry;
pub use history::{Applied, Command, Edit, MergeKey, Origin, Refused, Session};
pub use journal::{JournalDraft, JournalFile, Replay, is_journal, replay_journal};
pub use kept::{KeptScan, KeptSegmentation};
pub use kept_overlay::{KeptLook, KeptOverlay};
pub use measurements::{MeasurementId, Measurements};
pub use painter::{DrawOver, Incoming, PaintRules, Painted, Painter, Withheld};
pub use protection::{KeptBy, Protection};
pub use reference::{Likeness, ScanPlace, ScanReference};
pub use scans::OtherGrid;
