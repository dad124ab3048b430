//! The document: scans and segmentations by id, commands, undo, and the law that every change of labels obeys.
//!
//! **Invariant:** [`Session::apply`] is the only way to change a segmentation, and undo and redo the only ways back and forth.
//! **Invariant:** only a [`Painter`] makes changes of labels. It leaves alone what is protected: locked labels and finished slices of
//! every plane. The session refuses what was painted on labels that have changed since.
//! **Invariant:** one stroke is one undo step; undo spans segmentations, slices, tools, network results and table edits. The history
//! keeps patches, never whole maps.
//!
//! Deliberately absent: threads, dialogs, files. The journal that survives a crash is not here yet.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "axes and slices are numbered"
)]

mod document;
mod history;
mod painter;
mod protection;

pub use crate::volume::{Maker, SliceKey, SliceState};
pub use document::{Document, Revision, ScanId, Segmentation, SegmentationId, key};
pub use history::{Applied, Command, Edit, MergeKey, Origin, Refused, Session};
pub use painter::{DrawOver, Incoming, PaintRules, Painted, Painter, Withheld};
pub use protection::{KeptBy, Protection};
