//! Connected parts of labels.

use std::collections::BTreeMap;

use crate::volume::{LabelMap, LabelValue};
use crate::work::{Stopped, Watch, memory};

/// One bit per voxel.
struct Marks(Vec<u64>);

impl Marks {
    fn new(voxels: usize) -> Self {
        Self(memory::zeros(voxels.div_ceil(64)))
    }

    /// Marks a voxel; whether it was not marked before.
    fn set(&mut self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        let fresh = self.0[index / 64] & bit == 0;
        self.0[index / 64] |= bit;
        fresh
    }

    fn has(&self, index: usize) -> bool {
        self.0[index / 64] >> (index % 64) & 1 == 1
    }
}

/// Voxels between two looks at the stop flag.
const STOP_EVERY: usize = 1 << 16;

/// Marks the part that holds `seed` and returns its number of voxels.
fn flood(labels: &LabelMap, seed: [usize; 3], marks: &mut Marks, watch: Watch) -> Result<usize, Stopped> {
    let shape = labels.geometry().shape();
    let label = labels.get(seed);
    let index = |v: [usize; 3]| (v[2] * shape[1] + v[1]) * shape[0] + v[0];
    if !marks.set(index(seed)) {
        return Ok(0);
    }
    let mut size = 0;
    let mut open = vec![seed];
    while let Some(voxel) = open.pop() {
        size += 1;
        if size % STOP_EVERY == 0 {
            watch.check()?;
        }
        for axis in 0..3 {
            for step in [-1isize, 1] {
                let Some(at) = voxel[axis].checked_add_signed(step).filter(|&at| at < shape[axis]) else { continue };
                let mut neighbour = voxel;
                neighbour[axis] = at;
                if labels.get(neighbour) == label && marks.set(index(neighbour)) {
                    open.push(neighbour);
                }
            }
        }
    }
    Ok(size)
}

/// Keeps the largest part of every label, parts being connected through voxel faces; of equals the first one met.
///
/// Memory: two bits per voxel and the front of the flood.
///
/// # Errors
/// When the work is stopped; the labels are half done then.
pub fn keep_largest(labels: &mut LabelMap, watch: Watch) -> Result<(), Stopped> {
    let shape = labels.geometry().shape();
    let voxels = labels.geometry().voxel_count();
    let mut seen = Marks::new(voxels);
    let mut largest: BTreeMap<LabelValue, (usize, [usize; 3])> = BTreeMap::new();
    let mut stopped = false;
    labels.for_each_labelled(|voxel, label| {
        if stopped {
            return;
        }
        let Ok(size) = flood(labels, voxel, &mut seen, watch) else {
            stopped = true;
            return;
        };
        let best = largest.entry(label).or_insert((0, voxel));
        if size > best.0 {
            *best = (size, voxel);
        }
    });
    if stopped {
        return Err(Stopped);
    }
    watch.check()?;
    let mut kept = Marks::new(voxels);
    for (_, seed) in largest.into_values() {
        flood(labels, seed, &mut kept, watch)?;
    }
    let snapshot = labels.clone();
    snapshot.for_each_labelled(|voxel, _| {
        if !kept.has((voxel[2] * shape[1] + voxel[1]) * shape[0] + voxel[0]) {
            labels.set(voxel, 0);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use crate::work::Signal;

    #[test]
    fn only_the_largest_part_of_each_label_stays() {
        let geometry = Geometry::new([8, 8, 8], Affine::IDENTITY).unwrap();
        let mut labels = LabelMap::empty(geometry);
        for i in 0..4 {
            labels.set([i, 0, 0], 1);
        }
        labels.set([6, 6, 6], 1);
        labels.set([7, 7, 7], 2);
        // Touching only by a corner is not connected.
        labels.set([4, 1, 0], 1);
        let signal = Signal::default();
        signal.stop();
        assert_eq!(keep_largest(&mut labels.clone(), Watch::new(&signal)), Err(Stopped));
        assert_eq!(keep_largest(&mut labels, Watch::unwatched()), Ok(()));
        assert_eq!(labels.counts(), BTreeMap::from([(1, 4), (2, 1)]));
    }
}
