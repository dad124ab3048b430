//! Where the voxels of each label are.

use std::collections::BTreeMap;

use super::tally::{Wanted, tally};
use crate::volume::{LabelMap, LabelValue, Region};
use crate::work::{Stopped, Watch};

/// Cubic millimetres in a millilitre.
pub(super) const MM3_PER_ML: f64 = 1000.0;

/// Where the voxels of a label are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// How many there are.
    pub voxels: usize,
    /// Sums of i, j, k: whole numbers, so that no order of adding matters.
    pub sums: [u64; 3],
    /// The box around them.
    pub region: Region,
}

impl Place {
    const EMPTY: Self = Self { voxels: 0, sums: [0; 3], region: Region { start: [usize::MAX; 3], end: [0; 3] } };

    fn add(&mut self, [i, j, k]: [usize; 3], length: usize) {
        self.voxels += length;
        self.sums[0] += (length * i + length * (length - 1) / 2) as u64;
        self.sums[1] += (length * j) as u64;
        self.sums[2] += (length * k) as u64;
        self.region = self.region.joined(Region { start: [i, j, k], end: [i + length, j + 1, k + 1] });
    }

    fn join(&mut self, other: Self) {
        self.voxels += other.voxels;
        for axis in 0..3 {
            self.sums[axis] += other.sums[axis];
        }
        self.region = self.region.joined(other.region);
    }
}

/// The places of all wanted labels that have voxels.
///
/// # Errors
/// When the work is stopped.
pub(super) fn places(labels: &LabelMap, wanted: &Wanted, watch: Watch) -> Result<BTreeMap<LabelValue, Place>, Stopped> {
    let add = |place: &mut Place, voxel: [usize; 3], length: usize, _| place.add(voxel, length);
    let mut places: BTreeMap<LabelValue, Place> = BTreeMap::new();
    for (label, part) in tally(labels, wanted, watch, |_| Place::EMPTY, add)? {
        places.entry(label).or_insert(Place::EMPTY).join(part);
    }
    Ok(places)
}
