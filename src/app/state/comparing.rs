//! Comparing the segmentation in hand with another one of the scan: what is chosen, and what came of it.

use crate::jobs::LabelComparison;
use crate::session::SegmentationId;
use crate::volume::{LabelMap, LabelTable, Plane};

/// The section of the Look task that shows it.
pub const SECTION: &str = "Compare";

/// What is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareForm {
    /// The other segmentation.
    pub with: Option<SegmentationId>,
    /// Whether differences are laid over the images.
    pub is_on: bool,
    /// The label whose slices are listed, by name; none: the differences of all labels.
    pub label: Option<String>,
    /// The plane of the slices.
    pub plane: Plane,
}

impl Default for CompareForm {
    fn default() -> Self {
        Self { with: None, is_on: false, label: None, plane: Plane::Axial }
    }
}

/// What two segmentations were when they were compared.
#[derive(Debug, Clone)]
pub struct ComparedPair {
    /// Which.
    pub of: [SegmentationId; 2],
    /// Their labels.
    pub labels: [LabelMap; 2],
    /// Their names.
    pub tables: [LabelTable; 2],
    /// The choices that it was made for.
    pub form: CompareForm,
}

impl ComparedPair {
    /// Whether a comparison of the other would give the same.
    pub fn is_like(&self, other: &Self) -> bool {
        self.of == other.of
            && self.labels.iter().zip(&other.labels).all(|(a, b)| a.is_same_snapshot(b))
            && self.tables == other.tables
            && (&self.form.label, self.form.plane) == (&other.form.label, other.form.plane)
    }
}

/// The comparison.
#[derive(Debug, Default)]
pub struct Comparing {
    /// What is chosen.
    pub form: CompareForm,
    /// What came of it.
    pub found: Option<(ComparedPair, LabelComparison)>,
    /// What could not be compared: it is not tried again until it changes.
    pub failed: Option<ComparedPair>,
}

impl Comparing {
    /// The comparison of a segmentation with the chosen one.
    pub fn of(&self, first: SegmentationId) -> Option<&LabelComparison> {
        let (pair, found) = self.found.as_ref()?;
        (Some(pair.of) == self.form.with.map(|second| [first, second])).then_some(found)
    }

    /// Differences to be laid over the images, and what their values mean.
    pub fn overlay(&self, first: SegmentationId) -> Option<(&LabelMap, &LabelTable)> {
        let found = self.of(first).filter(|_| self.form.is_on)?;
        Some((&found.differences, &found.table))
    }
}
