//! The document: labels, their table, slice states; commands and undo.
//!
//! **Invariant:** [`Session::apply`] is the only way to change the document.
//! **Invariant:** one stroke is one undo step; undo spans slices, tools, network results and table edits.
//!
//! Deliberately absent: threads, dialogs, files. The journal that survives a crash is not here yet.

mod document;
mod history;

pub use crate::volume::{SliceKey, SliceState};
pub use document::{Change, Command, Document};
pub use history::Session;
