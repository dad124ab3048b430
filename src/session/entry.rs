//! What a session tells a journal: everything that happened to its document, in order.

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::document::{Revision, ScanId, SegmentationId};
use super::kept_overlay::KeptOverlay;
use super::reference::ScanReference;

/// How a change came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum How {
    /// A step of the history.
    Done,
    /// A step that became one with the step before it.
    Merged,
    /// A step was taken back.
    Undone,
    /// A step was made again.
    Redone,
    /// No step: segmentations that came with their scan.
    Aside,
}

/// Changes that belong together: a journal has all of them or none.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub name: String,
    pub how: How,
    pub changes: Vec<Change>,
    /// Of what changed, afterwards.
    pub revisions: Vec<(SegmentationId, Revision)>,
    /// Of measurements that changed, afterwards.
    pub measured: Vec<(ScanId, u64)>,
}

/// Something that happened to the document. Only a journal looks into it.
#[derive(Debug, Clone)]
pub struct Entry(pub(super) What);

/// What happened.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A scan was opened, more is known of it, or something else is laid over it.
    Scan(ScanId, Box<ScanReference>, Option<Box<KeptOverlay>>),
    /// A scan went with its segmentations.
    Closed(ScanId),
    /// A segmentation is in a file as it was at a revision.
    Saved(SegmentationId, Revision),
    /// A document holds the measurements of a scan as they were at a revision.
    MeasurementsSaved(ScanId, u64),
    /// Segmentations changed.
    Changed(Step),
}
