//! Which slices hold a label.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::volume::{BRICK_EDGE, LabelMap, LabelValue, Region};
use crate::work::{Stopped, Watch};

/// Where a label is.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    /// The box around all of it.
    pub region: Region,
    /// Its voxels in each slice.
    areas: Vec<usize>,
}

impl Drawn {
    /// The slices that hold it.
    pub(super) fn slices(&self) -> Vec<usize> {
        self.areas.iter().enumerate().filter(|(_, area)| **area > 0).map(|(slice, _)| slice).collect()
    }

    /// Its voxels in a slice.
    pub(super) fn area(&self, slice: usize) -> usize {
        self.areas.get(slice).copied().unwrap_or(0)
    }

    fn joined(mut self, other: &Self) -> Self {
        self.region = self.region.joined(other.region);
        self.areas.iter_mut().zip(&other.areas).for_each(|(area, more)| *area += more);
        self
    }
}

/// Finds some labels, and counts their voxels in the slices along an axis.
pub(super) fn drawn(
    labels: &LabelMap,
    wanted: &[LabelValue],
    axis: usize,
    watch: Watch,
) -> Result<BTreeMap<LabelValue, Drawn>, Stopped> {
    let shape = labels.geometry().shape();
    let of_slice = |k: usize| {
        watch.check()?;
        let mut found: BTreeMap<LabelValue, Drawn> = BTreeMap::new();
        let mut add = |voxel: [usize; 3], label: LabelValue| {
            if label != 0 && wanted.contains(&label) {
                let own = Region { start: voxel, end: voxel.map(|at| at + 1) };
                let drawn = found.entry(label).or_insert_with(|| Drawn { region: own, areas: vec![0; shape[axis]] });
                drawn.region = drawn.region.joined(own);
                drawn.areas[voxel[axis]] += 1;
            }
        };
        for j in 0..shape[1] {
            for i in (0..shape[0]).step_by(BRICK_EDGE) {
                if labels.uniform_at([i, j, k]) != Some(0) {
                    (i..shape[0].min(i + BRICK_EDGE)).for_each(|i| add([i, j, k], labels.get([i, j, k])));
                }
            }
        }
        Ok(found)
    };
    let join = |mut a: BTreeMap<LabelValue, Drawn>, b: BTreeMap<LabelValue, Drawn>| {
        for (label, more) in b {
            let joined = match a.remove(&label) {
                Some(there) => there.joined(&more),
                None => more,
            };
            a.insert(label, joined);
        }
        Ok(a)
    };
    (0..shape[2]).into_par_iter().map(of_slice).try_reduce(BTreeMap::new, join)
}
