//! Labels row by row and box by box: how whole maps are read and made anew, brick by brick on all threads.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::brick_patch::Region;
use super::geometry::Geometry;
use super::label_map::{BRICK_EDGE, Brick, LabelMap, LabelValue, ask_for_bricks};
use crate::work::{Stopped, Watch};

/// Labels of one brick, i fastest.
pub(super) const BRICK_VOXELS: usize = BRICK_EDGE * BRICK_EDGE * BRICK_EDGE;

impl Region {
    /// The whole of a grid.
    pub fn whole(shape: [usize; 3]) -> Self {
        Self { start: [0; 3], end: shape }
    }

    /// Number of voxels along i, j, k.
    pub fn shape(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.end[axis].saturating_sub(self.start[axis]))
    }

    /// Larger by `by` voxels of each axis on both sides, as far as the grid reaches.
    #[must_use]
    pub fn grown(self, by: [usize; 3], shape: [usize; 3]) -> Self {
        Self {
            start: [0, 1, 2].map(|axis| self.start[axis].saturating_sub(by[axis])),
            end: [0, 1, 2].map(|axis| self.end[axis].saturating_add(by[axis]).min(shape[axis])),
        }
    }

    /// What lies in both; `None` where nothing does.
    pub fn shared(self, other: Self) -> Option<Self> {
        let start = [0, 1, 2].map(|axis| self.start[axis].max(other.start[axis]));
        let end = [0, 1, 2].map(|axis| self.end[axis].min(other.end[axis]));
        (0..3).all(|axis| start[axis] < end[axis]).then_some(Self { start, end })
    }
}

/// A brick of these labels; of one label alone it is one value.
pub(super) fn packed(values: &[LabelValue]) -> Brick {
    let first = values.first().copied().unwrap_or(0);
    if values.iter().all(|value| *value == first) {
        return Brick::Uniform(first);
    }
    ask_for_bricks();
    Brick::Dense(values.into())
}

impl LabelMap {
    /// Copies the labels of a row along i that begins at a voxel. The row lies inside the grid.
    pub fn read_row(&self, start: [usize; 3], row: &mut [LabelValue]) {
        let mut done = 0;
        while done < row.len() {
            let voxel = [start[0] + done, start[1], start[2]];
            let (brick, offset) = self.locate(voxel);
            let count = (BRICK_EDGE - voxel[0] % BRICK_EDGE).min(row.len() - done);
            match &self.bricks[brick] {
                Brick::Uniform(value) => row[done..done + count].fill(*value),
                Brick::Dense(values) => row[done..done + count].copy_from_slice(&values[offset..offset + count]),
            }
            done += count;
        }
    }

    /// Gives a label to a row along i of so many voxels, and says how many of them had another label. The row lies inside the grid.
    pub fn fill_row(&mut self, start: [usize; 3], count: usize, label: LabelValue) -> usize {
        let (mut done, mut overlaid) = (0, 0);
        while done < count {
            let voxel = [start[0] + done, start[1], start[2]];
            let (brick, offset) = self.locate(voxel);
            let length = (BRICK_EDGE - voxel[0] % BRICK_EDGE).min(count - done);
            if !matches!(&self.bricks[brick], Brick::Uniform(value) if *value == label) {
                let row = &mut self.dense_mut(brick)[offset..offset + length];
                overlaid += row.iter().filter(|value| **value != 0 && **value != label).count();
                row.fill(label);
            }
            done += length;
        }
        overlaid
    }

    /// The bricks of the slices from `layer` times [`BRICK_EDGE`] on, as many as a brick has.
    pub(super) fn layer_bricks(&self, layer: usize) -> Range<usize> {
        let shape = self.geometry().shape();
        let count = shape[0].div_ceil(BRICK_EDGE) * shape[1].div_ceil(BRICK_EDGE);
        layer * count..((layer + 1) * count).min(self.bricks.len())
    }

    /// Takes the slices of another map of the same shape, whole bricks of them: those from `layer` times [`BRICK_EDGE`] on, as many as a
    /// brick has.
    pub fn take_layer(&mut self, other: &Self, layer: usize) {
        debug_assert_eq!(self.geometry().shape(), other.geometry().shape());
        let range = self.layer_bricks(layer);
        if let Some(there) = other.bricks.get(range.clone())
            && let Some(own) = Arc::make_mut(&mut self.bricks).get_mut(range)
        {
            own.clone_from_slice(there);
        }
    }

    /// The map after `edit(start, row)` has changed the rows of a box: `row` holds the labels from the voxel `start` along i. A row is at
    /// most [`BRICK_EDGE`] long and is asked for once, in any order and on any thread. Bricks in which nothing changes stay shared.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn edited(
        &self,
        region: Region,
        watch: Watch,
        edit: impl Fn([usize; 3], &mut [LabelValue]) + Sync,
    ) -> Result<Self, Stopped> {
        let shape = self.geometry().shape();
        let of_brick = |(index, brick): (usize, &Brick)| -> Result<Brick, Stopped> {
            watch.check()?;
            let (start, size) = (self.brick_start(index), self.brick_size(index));
            let own = Region { start, end: [0, 1, 2].map(|axis| start[axis] + size[axis]) };
            let Some(part) = own.shared(region) else { return Ok(brick.clone()) };
            let mut values = match brick {
                Brick::Uniform(value) => vec![*value; BRICK_VOXELS],
                Brick::Dense(values) => values.to_vec(),
            };
            for k in part.start[2]..part.end[2] {
                for j in part.start[1]..part.end[1] {
                    let row = ((k - start[2]) * BRICK_EDGE + j - start[1]) * BRICK_EDGE;
                    let (from, to) = (part.start[0] - start[0], part.end[0] - start[0]);
                    edit([part.start[0], j, k], &mut values[row + from..row + to]);
                }
            }
            let is_same = match brick {
                Brick::Uniform(value) => values.iter().all(|other| other == value),
                Brick::Dense(before) => before[..] == values[..],
            };
            if is_same {
                return Ok(brick.clone());
            }
            // Bricks at the far edges reach beyond the grid, where nothing is asked for.
            if size != [BRICK_EDGE; 3] {
                spread(&mut values, size);
            }
            Ok(packed(&values))
        };
        debug_assert!((0..3).all(|axis| region.end[axis] <= shape[axis]));
        let bricks: Result<Vec<Brick>, Stopped> = self.bricks.par_iter().enumerate().map(of_brick).collect();
        Ok(self.with_bricks(bricks?))
    }

    /// The smallest box around all voxels of a label; `None` where there is none.
    pub fn region_of(&self, label: LabelValue) -> Option<Region> {
        let of_brick = |index: usize| {
            let (start, size) = (self.brick_start(index), self.brick_size(index));
            match &self.bricks[index] {
                Brick::Uniform(value) if *value == label => {
                    Some(Region { start, end: [0, 1, 2].map(|axis| start[axis] + size[axis]) })
                }
                Brick::Uniform(_) => None,
                Brick::Dense(values) => region_in_brick(values, start, size, label),
            }
        };
        let join = |a: Option<Region>, b: Option<Region>| match (a, b) {
            (Some(a), Some(b)) => Some(a.joined(b)),
            (one, other) => one.or(other),
        };
        (0..self.bricks.len()).into_par_iter().with_min_len(16).map(of_brick).reduce(|| None, join)
    }

    /// The labels of a box, on a grid of its own that lies where the box does.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn cropped(&self, region: Region, watch: Watch) -> Result<Self, Stopped> {
        let Some(geometry) = self.geometry().cropped(region) else { return Ok(self.clone()) };
        let shape = geometry.shape();
        Self::empty(geometry).edited(Region::whole(shape), watch, |at, row| {
            self.read_row([0, 1, 2].map(|axis| at[axis] + region.start[axis]), row);
        })
    }

    /// The map with the labels of another one in the place of a box of its shape.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn pasted(&self, part: &Self, region: Region, watch: Watch) -> Result<Self, Stopped> {
        self.edited(region, watch, |at, row| {
            part.read_row([0, 1, 2].map(|axis| at[axis] - region.start[axis]), row);
        })
    }
}

/// Fills what of a brick lies beyond the grid with a value from within, so that a brick of one label can be told.
pub(super) fn spread(values: &mut [LabelValue], size: [usize; 3]) {
    let first = values[0];
    for (row, labels) in values.chunks_exact_mut(BRICK_EDGE).enumerate() {
        let is_inside = row % BRICK_EDGE < size[1] && row / BRICK_EDGE < size[2];
        labels[if is_inside { size[0] } else { 0 }..].fill(first);
    }
}

fn region_in_brick(values: &[LabelValue], start: [usize; 3], size: [usize; 3], label: LabelValue) -> Option<Region> {
    let mut found: Option<Region> = None;
    for k in 0..size[2] {
        for j in 0..size[1] {
            let row = &values[(k * BRICK_EDGE + j) * BRICK_EDGE..][..size[0]];
            let Some(first) = row.iter().position(|value| *value == label) else { continue };
            let last = row.iter().rposition(|value| *value == label).unwrap_or(first);
            let at = Region {
                start: [start[0] + first, start[1] + j, start[2] + k],
                end: [start[0] + last + 1, start[1] + j + 1, start[2] + k + 1],
            };
            found = Some(found.map_or(at, |found| found.joined(at)));
        }
    }
    found
}

impl Geometry {
    /// The grid of a box of voxels; `None` where the box is empty or reaches beyond the grid.
    pub fn cropped(&self, region: Region) -> Option<Self> {
        if (0..3).any(|axis| region.end[axis] > self.shape()[axis]) {
            return None;
        }
        let affine = self.world_from_voxel();
        let columns = [0, 1, 2].map(|axis| affine.column(axis));
        let origin = affine.point(region.start.map(|n| n as f64));
        Self::new(region.shape(), super::affine::Affine::from_columns(columns, origin)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;
    use crate::work::Signal;
    use proptest::prelude::*;

    const SHAPE: [usize; 3] = [70, 40, 35];

    fn geometry() -> Geometry {
        Geometry::new(SHAPE, Affine::from_columns([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]], [5.0; 3]))
            .unwrap()
    }

    fn region() -> impl Strategy<Value = Region> {
        let span = |n: usize| (0..n).prop_flat_map(move |a| (Just(a), a + 1..=n));
        (span(SHAPE[0]), span(SHAPE[1]), span(SHAPE[2]))
            .prop_map(|(i, j, k)| Region { start: [i.0, j.0, k.0], end: [i.1, j.1, k.1] })
    }

    #[test]
    fn a_box_lies_where_it_was_cut_out() {
        let part = geometry().cropped(Region { start: [1, 2, 3], end: [4, 4, 4] }).unwrap();
        assert_eq!((part.shape(), part.world_at([0; 3])), ([3, 2, 1], geometry().world_at([1, 2, 3])));
        assert!(geometry().cropped(Region { start: [0; 3], end: [71, 1, 1] }).is_none());
    }

    #[test]
    fn a_stop_is_heard_and_what_does_not_change_stays_shared() {
        let mut map = LabelMap::empty(geometry());
        map.set([3, 3, 3], 1);
        map.set([69, 39, 34], 2);
        let same = map.edited(Region::whole(SHAPE), Watch::unwatched(), |_, _| {}).unwrap();
        assert_eq!(same.changed_bricks(&map), 0);
        let signal = Signal::default();
        signal.stop();
        assert!(map.edited(Region::whole(SHAPE), Watch::new(&signal), |_, _| {}).is_err());
        let full = map.edited(Region::whole(SHAPE), Watch::unwatched(), |_, row| row.fill(7)).unwrap();
        assert_eq!(full.byte_count() < 1 << 12, full.same_labels(&LabelMap::from_fn(geometry(), |_| 7)));
        assert!(full.byte_count() < 1 << 12, "bricks of one label are one value");
    }

    proptest! {
        #[test]
        fn boxes_are_cut_out_and_put_back(
            voxels in prop::collection::vec((0usize..70, 0usize..40, 0usize..35, 1u16..4), 0..40), region in region(),
        ) {
            let mut map = LabelMap::empty(geometry());
            voxels.iter().for_each(|(i, j, k, label)| map.set([*i, *j, *k], *label));
            let part = map.cropped(region, Watch::unwatched()).unwrap();
            let inside = voxels.iter().filter(|(i, j, k, _)| region.contains([*i, *j, *k]));
            let inside: std::collections::BTreeSet<[usize; 3]> = inside.map(|(i, j, k, _)| [*i, *j, *k]).collect();
            let mut seen = 0;
            part.for_each_labelled(|voxel, label| {
                let there = [0, 1, 2].map(|axis| voxel[axis] + region.start[axis]);
                assert!(inside.contains(&there) && map.get(there) == label);
                seen += 1;
            });
            prop_assert_eq!(seen, inside.len());
            let empty = LabelMap::empty(part.geometry().clone());
            let without = map.pasted(&empty, region, Watch::unwatched()).unwrap();
            without.for_each_labelled(|voxel, label| {
                assert!(!region.contains(voxel) && map.get(voxel) == label);
            });
            prop_assert!(without.pasted(&part, region, Watch::unwatched()).unwrap().same_labels(&map));
            for label in 1..4 {
                let own: Vec<[usize; 3]> = {
                    let mut own = Vec::new();
                    map.for_each_labelled(|voxel, other| if other == label { own.push(voxel) });
                    own
                };
                let truth = own.iter().map(|v| Region { start: *v, end: v.map(|n| n + 1) }).reduce(Region::joined);
                prop_assert_eq!(map.region_of(label), truth);
            }
        }
    }
}
