//! Choices of the Segment task.

use crate::engine::DeviceChoice;
use crate::model::SliceAxis;

/// How a scan is segmented.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentForm {
    /// Where networks run.
    pub device: DeviceChoice,
    /// Slices along this axis; none: as the model says.
    pub axis: Option<SliceAxis>,
    /// Whether results of mirrored slices are averaged.
    pub mirror: bool,
    /// Whether only the largest part of each label stays.
    pub keep_largest: bool,
}

impl Default for SegmentForm {
    fn default() -> Self {
        Self { device: DeviceChoice::Auto, axis: None, mirror: false, keep_largest: false }
    }
}
