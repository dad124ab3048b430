//! The labels of a slice that was copied.

use crate::session::SegmentationId;
use crate::volume::{LabelValue, Plane};

/// The labels of a slice.
#[derive(Debug, Clone)]
pub struct CopiedSlice {
    /// Of which segmentation: the same number means another label in others.
    pub of: SegmentationId,
    /// The plane of its slice.
    pub plane: Plane,
    /// Row by row from the top left, as on screen.
    pub labels: Vec<LabelValue>,
}
