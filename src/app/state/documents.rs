//! The document that is open.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::Claim;

/// A `.lamella` document that what is open was read from or saved to.
#[derive(Debug)]
pub struct OpenDocument {
    /// Where: the whole path of the file itself, not of a link to it.
    pub path: PathBuf,
    /// That no other process writes it meanwhile; none where it may not be written to. What is writing it holds on to it too.
    pub claim: Option<Arc<Claim>>,
    /// Whether it holds scans that are not open here: it is not written over.
    pub is_partial: bool,
}

/// A document that is being read.
#[derive(Debug)]
pub struct OpeningDocument {
    /// Where, as of one that is open.
    pub path: PathBuf,
    /// Whether nothing else is open or on its way: what is would become a part of it.
    pub is_alone: bool,
}
