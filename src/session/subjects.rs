//! What the changes of a step are about, and the numbers of its content before and after.

use super::change::{Change, Subject};
use super::document::{Revision, ScanId, SegmentationId};
use super::measurements::MeasurementId;

/// Segmentations and measurements, each once.
pub(super) struct Subjects {
    pub(super) segmentations: Vec<SegmentationId>,
    pub(super) measurements: Vec<(ScanId, MeasurementId)>,
}

impl Subjects {
    pub(super) fn of(changes: &[Change]) -> Self {
        let measurement = |change: &Change| match change.subject() {
            Subject::Measurement(scan, id) => Some((scan, id)),
            Subject::Segmentation(_) => None,
        };
        Self {
            segmentations: unique(changes.iter().filter_map(Change::target)),
            measurements: unique(changes.iter().filter_map(measurement)),
        }
    }
}

/// Numbers of content, as they are.
pub(super) struct Now {
    pub(super) segmentations: Vec<(SegmentationId, Revision)>,
    /// Of the measurements of scans.
    pub(super) measured: Vec<(ScanId, u64)>,
}

/// Numbers of content before and after, of what was there at both times.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    pub(super) segmentations: Vec<(SegmentationId, Revision, Revision)>,
    /// Of the measurements of scans.
    pub(super) measured: Vec<(ScanId, u64, u64)>,
}

impl Revisions {
    pub(super) fn between(before: &Now, after: &Now) -> Self {
        Self {
            segmentations: pair(&before.segmentations, &after.segmentations),
            measured: pair(&before.measured, &after.measured),
        }
    }

    /// A later step became one with this.
    pub(super) fn go_on(&mut self, after: &Now) {
        for (id, revision) in &after.segmentations {
            self.segmentations.iter_mut().filter(|(of, ..)| of == id).for_each(|(_, _, after)| *after = *revision);
        }
        for (id, revision) in &after.measured {
            self.measured.iter_mut().filter(|(of, ..)| of == id).for_each(|(_, _, after)| *after = *revision);
        }
    }
}

/// Each once, in the order in which they come.
pub(super) fn unique<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    all.for_each(|one| {
        if !found.contains(&one) {
            found.push(one);
        }
    });
    found
}

fn pair<T: Copy + PartialEq, R: Copy>(before: &[(T, R)], after: &[(T, R)]) -> Vec<(T, R, R)> {
    let with_after = |(id, before): &(T, R)| {
        let (_, after) = after.iter().find(|(of, _)| of == id)?;
        Some((*id, *before, *after))
    };
    before.iter().filter_map(with_after).collect()
}
