//! Runs of equal labels along i, brick by brick: how whole maps are measured without asking voxel by voxel.

use std::collections::BTreeSet;

use super::brick_patch::Region;
use super::label_map::{BRICK_EDGE, Brick, LabelMap, LabelValue};

impl LabelMap {
    /// Number of bricks.
    pub fn brick_count(&self) -> usize {
        self.bricks.len()
    }

    /// Calls `visit(first voxel, length, label)` for every run of equal labels along i in one brick, background left out.
    pub fn for_each_run(&self, brick: usize, mut visit: impl FnMut([usize; 3], usize, LabelValue)) {
        let (start, size) = (self.brick_start(brick), self.brick_size(brick));
        match &self.bricks[brick] {
            Brick::Uniform(0) => {}
            Brick::Uniform(label) => {
                for (j, k) in (0..size[2]).flat_map(|k| (0..size[1]).map(move |j| (j, k))) {
                    visit([start[0], start[1] + j, start[2] + k], size[0], *label);
                }
            }
            Brick::Dense(values) => {
                for (j, k) in (0..size[2]).flat_map(|k| (0..size[1]).map(move |j| (j, k))) {
                    let row = &values[(k * BRICK_EDGE + j) * BRICK_EDGE..][..size[0]];
                    let first = row[0];
                    // Most rows have one label: without an early end many voxels are compared at a time.
                    if row.iter().fold(0, |other, label| other | (label ^ first)) == 0 {
                        if first != 0 {
                            visit([start[0], start[1] + j, start[2] + k], size[0], first);
                        }
                        continue;
                    }
                    let mut i = 0;
                    for run in row.chunk_by(|a, b| a == b) {
                        if run[0] != 0 {
                            visit([start[0] + i, start[1] + j, start[2] + k], run.len(), run[0]);
                        }
                        i += run.len();
                    }
                }
            }
        }
    }

    /// The bricks that reach into a box.
    pub fn bricks_of(&self, region: Region) -> impl Iterator<Item = usize> {
        let grid = self.geometry().shape().map(|n| n.div_ceil(BRICK_EDGE));
        let range =
            |axis: usize| region.start[axis] / BRICK_EDGE..region.end[axis].div_ceil(BRICK_EDGE).min(grid[axis]);
        let (i, j, k) = (range(0), range(1), range(2));
        k.flat_map(move |k| {
            let i = i.clone();
            j.clone().flat_map(move |j| i.clone().map(move |i| (k * grid[1] + j) * grid[0] + i))
        })
    }

    /// Says which voxels of one k slice of a box have a label: `out` holds columns times rows of the box, i fastest. The box lies inside
    /// the grid, and the slice in the box.
    pub fn mark_slice(&self, label: LabelValue, region: Region, k: usize, out: &mut [bool]) {
        let width = region.end[0] - region.start[0];
        out.fill(false);
        let layer = Region { start: [region.start[0], region.start[1], k], end: [region.end[0], region.end[1], k + 1] };
        for index in self.bricks_of(layer) {
            if matches!(self.bricks[index], Brick::Uniform(other) if other != label) {
                continue;
            }
            let (start, size) = (self.brick_start(index), self.brick_size(index));
            let from = [0, 1].map(|axis| region.start[axis].max(start[axis]));
            let to = [0, 1].map(|axis| region.end[axis].min(start[axis] + size[axis]));
            for j in from[1]..to[1] {
                let row = (j - region.start[1]) * width;
                let out = &mut out[row + from[0] - region.start[0]..row + to[0] - region.start[0]];
                match &self.bricks[index] {
                    Brick::Uniform(_) => out.fill(true),
                    Brick::Dense(values) => {
                        let first = ((k - start[2]) * BRICK_EDGE + j - start[1]) * BRICK_EDGE + from[0] - start[0];
                        let labels = &values[first..first + out.len()];
                        out.iter_mut().zip(labels).for_each(|(out, other)| *out = *other == label);
                    }
                }
            }
        }
    }

    /// Labels that have other voxels than in another map of the same grid, background left out. Bricks that both share are passed over.
    pub fn changed_labels(&self, other: &Self) -> BTreeSet<LabelValue> {
        let mut changed = BTreeSet::new();
        if self.is_same_snapshot(other) {
            return changed;
        }
        for (index, (own, there)) in self.bricks.iter().zip(other.bricks.iter()).enumerate() {
            match (own, there) {
                (Brick::Uniform(a), Brick::Uniform(b)) if a == b => continue,
                (Brick::Dense(a), Brick::Dense(b)) if std::sync::Arc::ptr_eq(a, b) => continue,
                _ => {}
            }
            let size = self.brick_size(index);
            for (j, k) in (0..size[2]).flat_map(|k| (0..size[1]).map(move |j| (j, k))) {
                let row = (k * BRICK_EDGE + j) * BRICK_EDGE;
                for offset in row..row + size[0] {
                    let (a, b) = (own.at(offset), there.at(offset));
                    if a != b {
                        changed.extend([a, b]);
                    }
                }
            }
        }
        changed.remove(&0);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_and_slices_hold_every_labelled_voxel_once(
            edits in prop::collection::vec((0usize..40, 0usize..35, 0usize..34, 0u16..3), 1..60), cut in 0usize..40,
            a in (0usize..40, 0usize..35), b in (0usize..40, 0usize..35), k in 0usize..34,
        ) {
            let geometry = Geometry::new([40, 35, 34], Affine::IDENTITY).unwrap();
            let mut map = LabelMap::from_fn(geometry, |[i, ..]| if i < cut { 2 } else { 0 });
            map.compact();
            let before = map.clone();
            edits.iter().for_each(|(i, j, k, label)| map.set([*i, *j, *k], *label));
            let mut seen = std::collections::BTreeMap::new();
            for brick in 0..map.brick_count() {
                map.for_each_run(brick, |[i, j, k], length, label| {
                    (i..i + length).for_each(|i| assert!(seen.insert([k, j, i], label).is_none()));
                });
            }
            let mut truth = std::collections::BTreeMap::new();
            map.for_each_labelled(|[i, j, k], label| { truth.insert([k, j, i], label); });
            prop_assert_eq!(seen, truth);
            let region = Region {
                start: [a.0.min(b.0), a.1.min(b.1), 0], end: [a.0.max(b.0) + 1, a.1.max(b.1) + 1, 34],
            };
            let width = region.end[0] - region.start[0];
            let mut marks = vec![true; width * (region.end[1] - region.start[1])];
            map.mark_slice(2, region, k, &mut marks);
            for (n, mark) in marks.into_iter().enumerate() {
                let voxel = [region.start[0] + n % width, region.start[1] + n / width, k];
                prop_assert_eq!(mark, map.get(voxel) == 2);
            }
            let mut changed = BTreeSet::new();
            for (i, j, k, _) in &edits {
                let (old, new) = (before.get([*i, *j, *k]), map.get([*i, *j, *k]));
                if old != new {
                    changed.extend([old, new].into_iter().filter(|label| *label != 0));
                }
            }
            prop_assert_eq!(map.changed_labels(&before), changed);
        }
    }
}
