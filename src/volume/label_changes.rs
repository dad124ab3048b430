//! What differs between two label maps, and how many voxels each label has; bricks that two maps share are passed over.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::brick_patch::Region;
use super::label_map::{BRICK_EDGE, Brick, LabelMap, LabelValue};

/// Voxels of every label, background left out.
pub type LabelCounts = BTreeMap<LabelValue, usize>;

/// Bricks that a thread takes at least.
const MIN_BRICKS: usize = 64;

fn is_shared(a: &Brick, b: &Brick) -> bool {
    match (a, b) {
        (Brick::Uniform(a), Brick::Uniform(b)) => a == b,
        (Brick::Dense(a), Brick::Dense(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

impl LabelMap {
    /// Size of a brick inside the grid: those at the far edges reach beyond it.
    pub(super) fn brick_size(&self, index: usize) -> [usize; 3] {
        let (start, shape) = (self.brick_start(index), self.geometry().shape());
        [0, 1, 2].map(|axis| BRICK_EDGE.min(shape[axis] - start[axis]))
    }

    /// Voxels of every label in one brick, background left out.
    fn count_brick(&self, index: usize) -> LabelCounts {
        let mut counts = LabelCounts::new();
        let mut add = |label: LabelValue, voxels: usize| {
            if voxels > 0 {
                *counts.entry(label).or_insert(0) += voxels;
            }
        };
        // Labels lie in runs over many rows; only the end of one is worth a look into the table.
        let (mut last, mut voxels) = (0, 0);
        self.for_each_run(index, |_, length, label| {
            if label != last {
                add(last, voxels);
                (last, voxels) = (label, 0);
            }
            voxels += length;
        });
        add(last, voxels);
        counts
    }

    /// Number of voxels whose labels differ from those of another map of the same shape, in one layer of bricks: slices from `layer` times
    /// [`BRICK_EDGE`] on, as many as a brick has.
    pub fn differences_in_layer(&self, other: &Self, layer: usize) -> usize {
        debug_assert_eq!(self.geometry().shape(), other.geometry().shape());
        let of_brick = |index: usize| {
            let (own, there) = (&self.bricks[index], &other.bricks[index]);
            if is_shared(own, there) {
                return 0;
            }
            let size = self.brick_size(index);
            let rows = (0..size[2]).flat_map(|k| (0..size[1]).map(move |j| (k * BRICK_EDGE + j) * BRICK_EDGE));
            rows.map(|at| match (own, there) {
                (Brick::Dense(own), Brick::Dense(there)) => {
                    let (own, there) = (&own[at..at + size[0]], &there[at..at + size[0]]);
                    if own == there { 0 } else { own.iter().zip(there).filter(|(a, b)| a != b).count() }
                }
                _ => (at..at + size[0]).filter(|offset| own.at(*offset) != there.at(*offset)).count(),
            })
            .sum()
        };
        self.layer_bricks(layer).map(of_brick).sum()
    }

    /// Number of bricks that another map of the same grid does not share: what a look at all differences costs.
    pub fn changed_bricks(&self, other: &Self) -> usize {
        if self.is_same_snapshot(other) || self.bricks.len() != other.bricks.len() {
            return if self.bricks.len() == other.bricks.len() { 0 } else { self.bricks.len() };
        }
        self.bricks.iter().zip(other.bricks.iter()).filter(|(a, b)| !is_shared(a, b)).count()
    }

    /// Boxes around the voxels that differ from those of another map of the same shape, one for each brick that has any.
    pub fn changed_regions(&self, other: &Self) -> Vec<Region> {
        debug_assert_eq!(self.geometry().shape(), other.geometry().shape());
        let of_brick = |index: usize| {
            let (own, there) = (&self.bricks[index], &other.bricks[index]);
            if is_shared(own, there) {
                return None;
            }
            let (start, size) = (self.brick_start(index), self.brick_size(index));
            let (mut low, mut high) = (size, [0; 3]);
            for k in 0..size[2] {
                for j in 0..size[1] {
                    let at = (k * BRICK_EDGE + j) * BRICK_EDGE;
                    let differs = |i: &usize| own.at(at + i) != there.at(at + i);
                    let (Some(first), Some(last)) = ((0..size[0]).find(differs), (0..size[0]).rfind(differs)) else {
                        continue;
                    };
                    low = [low[0].min(first), low[1].min(j), low[2].min(k)];
                    high = [high[0].max(last + 1), high[1].max(j + 1), high[2].max(k + 1)];
                }
            }
            let whole = |part: [usize; 3]| [0, 1, 2].map(|axis| start[axis] + part[axis]);
            (high[0] > 0).then(|| Region { start: whole(low), end: whole(high) })
        };
        let all = (0..self.bricks.len()).into_par_iter().with_min_len(MIN_BRICKS);
        all.filter_map(of_brick).collect()
    }

    /// Voxels of every label, from the counts of an earlier map of the same grid; only bricks that changed since are counted.
    #[must_use]
    pub fn recounted(&self, earlier: &Self, counts: &LabelCounts) -> LabelCounts {
        if self.bricks.len() != earlier.bricks.len() {
            return self.voxel_counts();
        }
        let mut counts = counts.clone();
        for index in 0..self.bricks.len() {
            if is_shared(&self.bricks[index], &earlier.bricks[index]) {
                continue;
            }
            for (label, voxels) in earlier.count_brick(index) {
                if let Some(count) = counts.get_mut(&label) {
                    *count = count.saturating_sub(voxels);
                }
            }
            for (label, voxels) in self.count_brick(index) {
                *counts.entry(label).or_insert(0) += voxels;
            }
        }
        counts.retain(|_, voxels| *voxels > 0);
        counts
    }

    /// Voxels of every label, counted by all threads.
    pub fn voxel_counts(&self) -> LabelCounts {
        let join = |mut a: LabelCounts, b: LabelCounts| {
            for (label, voxels) in b {
                *a.entry(label).or_insert(0) += voxels;
            }
            a
        };
        let all = (0..self.bricks.len()).into_par_iter().with_min_len(MIN_BRICKS);
        all.map(|index| self.count_brick(index)).reduce(LabelCounts::new, join)
    }

    /// Per voxel axis, at which positions along it a voxel differs from that of another map of the same shape.
    pub fn changed_positions(&self, other: &Self) -> [Vec<bool>; 3] {
        debug_assert_eq!(self.geometry().shape(), other.geometry().shape());
        let mut changed = self.geometry().shape().map(|n| vec![false; n]);
        for index in 0..self.bricks.len() {
            let (own, there) = (&self.bricks[index], &other.bricks[index]);
            if is_shared(own, there) {
                continue;
            }
            let (start, size) = (self.brick_start(index), self.brick_size(index));
            if let (Brick::Uniform(_), Brick::Uniform(_)) = (own, there) {
                for axis in 0..3 {
                    changed[axis][start[axis]..start[axis] + size[axis]].fill(true);
                }
                continue;
            }
            for k in 0..size[2] {
                for j in 0..size[1] {
                    let row = (k * BRICK_EDGE + j) * BRICK_EDGE;
                    if let (Brick::Dense(own), Brick::Dense(there)) = (own, there)
                        && own[row..row + size[0]] == there[row..row + size[0]]
                    {
                        continue;
                    }
                    for i in 0..size[0] {
                        if own.at(row + i) != there.at(row + i) {
                            changed[0][start[0] + i] = true;
                            changed[1][start[1] + j] = true;
                            changed[2][start[2] + k] = true;
                        }
                    }
                }
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use proptest::prelude::*;

    #[test]
    fn a_uniform_brick_at_the_edge_counts_only_what_lies_in_the_grid() {
        let map = LabelMap::from_fn(Geometry::new([33, 5, 2], Affine::IDENTITY).unwrap(), |_| 7);
        let mut whole = map.clone();
        whole.compact();
        for map in [map, whole] {
            assert_eq!(map.voxel_counts(), LabelCounts::from([(7, 33 * 5 * 2)]));
        }
    }

    proptest! {
        #[test]
        fn counts_and_changes_follow_every_edit(
            edits in prop::collection::vec((0usize..40, 0usize..35, 0usize..34, 0u16..4), 1..40), cut in 0usize..40
        ) {
            let geometry = Geometry::new([40, 35, 34], Affine::IDENTITY).unwrap();
            let mut map = LabelMap::from_fn(geometry, |[i, ..]| if i < cut { 3 } else { 0 });
            map.compact();
            let before = map.clone();
            let counts = before.voxel_counts();
            prop_assert_eq!(&counts, &before.counts());
            for (i, j, k, label) in edits {
                map.set([i, j, k], label);
            }
            prop_assert_eq!(map.recounted(&before, &counts), map.counts());
            let regions = map.changed_regions(&before);
            for n in 0..40 * 35 * 34 {
                let voxel = [n % 40, n / 40 % 35, n / (40 * 35)];
                let within = |region: &&Region| (0..3).all(|axis| (region.start[axis]..region.end[axis]).contains(&voxel[axis]));
                let (is_in, differs) = (regions.iter().filter(within).count(), map.get(voxel) != before.get(voxel));
                prop_assert!(is_in <= 1 && (is_in == 1 || !differs));
            }
            prop_assert_eq!(regions.is_empty(), map.same_labels(&before));
            let changed = map.changed_positions(&before);
            let in_layers: usize = (0..2).map(|layer| map.differences_in_layer(&before, layer)).sum();
            let voxels = (0..34).flat_map(|k| (0..35).flat_map(move |j| (0..40).map(move |i| [i, j, k])));
            prop_assert_eq!(in_layers, voxels.filter(|voxel| map.get(*voxel) != before.get(*voxel)).count());
            let mut truth = map.geometry().shape().map(|n| vec![false; n]);
            for k in 0..34 {
                for j in 0..35 {
                    for i in 0..40 {
                        if map.get([i, j, k]) != before.get([i, j, k]) {
                            (truth[0][i], truth[1][j], truth[2][k]) = (true, true, true);
                        }
                    }
                }
            }
            prop_assert_eq!(changed, truth);
            map.compact();
            prop_assert_eq!(map.recounted(&before, &counts), map.counts());
        }
    }
}
