//! The document that is open.

use std::path::PathBuf;

use crate::disk::Claim;

/// A `.lamella` document that what is open was read from or saved to.
#[derive(Debug)]
pub struct OpenDocument {
    /// Where.
    pub path: PathBuf,
    /// That no other process writes it meanwhile; none where it may not be written to.
    pub claim: Option<Claim>,
    /// Whether it holds scans that are not open here: it is not written over.
    pub is_partial: bool,
}
