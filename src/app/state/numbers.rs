//! Numbers of the labels of the segmentation in hand, as far as they are measured.

use crate::measure::{LabelMeasures, Measured};
use crate::session::SegmentationId;
use crate::volume::{LabelMap, LabelValue};

/// The section of the Export task that shows them.
pub const SECTION: &str = "Numbers";

/// What was measured of a segmentation.
#[derive(Debug, Clone)]
pub struct MeasuredLabels {
    /// Which.
    pub of: SegmentationId,
    /// Frame of the scan whose values were measured.
    pub frame: usize,
    /// The labels as they were.
    pub labels: LabelMap,
    /// Their numbers.
    pub numbers: Measured,
}

/// Numbers, and what could not be measured.
#[derive(Debug, Default)]
pub struct Numbers {
    /// What was measured last.
    pub measured: Option<MeasuredLabels>,
    /// Labels for which measuring failed: it is not tried again until they change.
    pub failed: Option<LabelMap>,
}

impl Numbers {
    /// What was measured of a segmentation.
    pub fn of(&self, of: SegmentationId) -> Option<&MeasuredLabels> {
        self.measured.as_ref().filter(|measured| measured.of == of)
    }

    /// Numbers of one of its labels; none where it has no voxel or is not measured yet.
    pub fn of_label(&self, of: SegmentationId, label: LabelValue) -> Option<&LabelMeasures> {
        self.of(of)?.numbers.get(&label)
    }
}
