//! Which voxels of a segmentation must stay as they are: those of locked labels, and those of finished slices of any plane.

use crate::volume::{LabelMap, LabelTable, LabelValue, PlaneLayout};

/// What keeps a voxel as it is, or a label out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptBy {
    /// A slice that is marked done goes through it.
    FinishedSlice,
    /// The new label is locked, and does not grow.
    OwnLock,
    /// A locked label lies there.
    Lock(LabelValue),
    /// A label lies there that the new segmentation does not know.
    Unknown(LabelValue),
    /// The draw-over mode leaves the label that lies there alone.
    DrawOver,
    /// The image's value there is outside the range that may be painted.
    Range,
    /// It is outside the region that may be painted.
    Region,
}

/// What protects the voxels of a segmentation.
#[derive(Debug, Clone)]
pub struct Protection {
    /// Per voxel axis, which positions along it are finished slices.
    finished: [Vec<bool>; 3],
    any_finished: bool,
    locked: Vec<LabelValue>,
}

/// Per voxel axis, which positions along it are slices of the list.
pub(super) fn positions(labels: &LabelMap, slices: &[(PlaneLayout, usize)]) -> [Vec<bool>; 3] {
    let mut found = labels.geometry().shape().map(|count| vec![false; count]);
    for (layout, slice) in slices.iter().filter(|(layout, slice)| *slice < layout.size[2]) {
        let axis = layout.axes[2];
        if let Some(is_in) = found[axis].get_mut(layout.voxel([0, 0, *slice])[axis]) {
            *is_in = true;
        }
    }
    found
}

impl Protection {
    pub(super) fn new(labels: &LabelMap, table: &LabelTable, done: &[(PlaneLayout, usize)]) -> Self {
        let mut locked: Vec<LabelValue> =
            table.0.iter().filter(|l| l.locked && l.value != 0).map(|l| l.value).collect();
        locked.sort_unstable();
        Self { finished: positions(labels, done), any_finished: !done.is_empty(), locked }
    }

    pub(super) fn add_slices(&mut self, labels: &LabelMap, slices: &[(PlaneLayout, usize)]) {
        for (own, more) in self.finished.iter_mut().flatten().zip(positions(labels, slices).iter().flatten()) {
            *own |= more;
        }
        self.any_finished |= !slices.is_empty();
    }

    /// Whether a finished slice goes through a voxel.
    #[inline]
    pub fn is_finished(&self, voxel: [usize; 3]) -> bool {
        self.any_finished && (0..3).any(|axis| self.finished[axis][voxel[axis]])
    }

    /// Whether a label is locked.
    #[inline]
    pub fn is_locked(&self, label: LabelValue) -> bool {
        self.locked.binary_search(&label).is_ok()
    }

    /// What keeps a voxel from changing from one label to another; `None` where nothing does.
    #[inline]
    pub fn keeps(&self, voxel: [usize; 3], old: LabelValue, new: LabelValue) -> Option<KeptBy> {
        match () {
            () if self.is_finished(voxel) => Some(KeptBy::FinishedSlice),
            () if self.is_locked(old) => Some(KeptBy::Lock(old)),
            () if self.is_locked(new) => Some(KeptBy::OwnLock),
            () => None,
        }
    }

    /// Whether nothing is protected.
    #[inline]
    pub fn is_empty(&self) -> bool {
        !self.any_finished && self.locked.is_empty()
    }
}
