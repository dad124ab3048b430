//! Rows of voxels: how brushes and fills say which voxels they mean, and how a map takes a label for a whole row.

use std::sync::Arc;

use super::label_map::{BRICK_EDGE, Brick, LabelMap, LabelValue};

/// Voxels that follow each other along the first axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VoxelRow {
    /// The voxel with the lowest index.
    pub start: [usize; 3],
    /// How many there are.
    pub count: usize,
}

impl VoxelRow {
    /// A single voxel.
    #[inline]
    pub fn one(voxel: [usize; 3]) -> Self {
        Self { start: voxel, count: 1 }
    }

    /// Its voxels, in rising order.
    #[inline]
    pub fn voxels(self) -> impl Iterator<Item = [usize; 3]> {
        let [i, j, k] = self.start;
        (0..self.count).map(move |n| [i + n, j, k])
    }

    /// Rows of voxels that come one by one; those that follow each other, up or down, share a row.
    pub fn joined(voxels: impl IntoIterator<Item = [usize; 3]>) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        for voxel in voxels {
            if let Some(row) = rows.last_mut()
                && row.start[1..] == voxel[1..]
            {
                if voxel[0] == row.start[0] + row.count {
                    row.count += 1;
                    continue;
                }
                if voxel[0] + 1 == row.start[0] {
                    *row = Self { start: voxel, count: row.count + 1 };
                    continue;
                }
            }
            rows.push(Self::one(voxel));
        }
        rows
    }

    /// The parts of rows whose voxels are wanted.
    pub fn filtered(rows: &[Self], mut is_wanted: impl FnMut([usize; 3]) -> bool) -> Vec<Self> {
        Self::joined(rows.iter().flat_map(|row| row.voxels()).filter(|voxel| is_wanted(*voxel)))
    }
}

impl LabelMap {
    /// Gives the voxels of a row a label where `may(voxel, old)` allows it; it is asked only where the label would change. What of the row
    /// lies outside the grid is passed over. Only bricks in which something changes are copied. Whether anything changed.
    pub fn set_row(
        &mut self,
        row: VoxelRow,
        label: LabelValue,
        mut may: impl FnMut([usize; 3], LabelValue) -> bool,
    ) -> bool {
        let shape = self.geometry().shape();
        let [mut i, j, k] = row.start;
        if j >= shape[1] || k >= shape[2] {
            return false;
        }
        let end = i.saturating_add(row.count).min(shape[0]);
        let mut is_changed = false;
        while i < end {
            let until = ((i / BRICK_EDGE + 1) * BRICK_EDGE).min(end);
            is_changed |= self.set_in_brick([i, j, k], until - i, label, &mut may);
            i = until;
        }
        is_changed
    }

    /// Turns bricks of a single label into one value again, of those that another map of the grid does not share.
    pub fn compact_unshared(&mut self, other: &Self) {
        let is_shared = |(own, there): (&Brick, &Brick)| match (own, there) {
            (Brick::Uniform(_), _) => true,
            (Brick::Dense(own), Brick::Dense(there)) => Arc::ptr_eq(own, there),
            (Brick::Dense(_), Brick::Uniform(_)) => false,
        };
        let pairs = self.bricks.iter().zip(other.bricks.iter()).enumerate();
        let own: Vec<usize> = pairs.filter(|(_, pair)| !is_shared(*pair)).map(|(index, _)| index).collect();
        for index in own {
            let single = match &self.bricks[index] {
                Brick::Dense(values) => values.first().copied().filter(|first| values.iter().all(|v| v == first)),
                Brick::Uniform(_) => None,
            };
            if let Some(label) = single {
                Arc::make_mut(&mut self.bricks)[index] = Brick::Uniform(label);
            }
        }
    }

    /// The part of a row that lies in one brick: first it is seen what changes, so that a brick in which nothing does is not copied.
    fn set_in_brick(
        &mut self,
        start: [usize; 3],
        count: usize,
        label: LabelValue,
        may: &mut impl FnMut([usize; 3], LabelValue) -> bool,
    ) -> bool {
        let (index, offset) = self.locate(start);
        let mut wants =
            |n: usize, old: LabelValue| u32::from(old != label && may([start[0] + n, start[1], start[2]], old)) << n;
        let changes = match &self.bricks[index] {
            Brick::Uniform(old) if *old == label => 0,
            Brick::Uniform(old) => (0..count).fold(0, |mask, n| mask | wants(n, *old)),
            Brick::Dense(values) => {
                let part = values[offset..offset + count].iter().enumerate();
                part.fold(0, |mask, (n, old)| mask | wants(n, *old))
            }
        };
        if changes == 0 {
            return false;
        }
        let values = self.dense_mut(index);
        for (n, value) in values[offset..offset + count].iter_mut().enumerate() {
            if changes >> n & 1 == 1 {
                *value = label;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use proptest::prelude::*;

    #[test]
    fn voxels_join_up_and_down_and_part_where_one_is_not_wanted() {
        let down = [[4, 1, 2], [3, 1, 2], [2, 1, 2]];
        assert_eq!(VoxelRow::joined(down), [VoxelRow { start: [2, 1, 2], count: 3 }]);
        let rows = VoxelRow::joined([[0, 0, 0], [1, 0, 0], [1, 1, 0], [3, 1, 0]]);
        assert_eq!(rows.iter().map(|row| row.count).collect::<Vec<_>>(), [2, 1, 1]);
        let odd = VoxelRow::filtered(&[VoxelRow { start: [0, 5, 0], count: 5 }], |voxel| voxel[0] != 2);
        assert_eq!(odd, [VoxelRow { start: [0, 5, 0], count: 2 }, VoxelRow { start: [3, 5, 0], count: 2 }]);
    }

    #[test]
    fn only_bricks_where_something_changes_are_copied() {
        let mut map = LabelMap::empty(Geometry::new([96, 32, 32], Affine::IDENTITY).unwrap());
        let before = map.clone();
        let row = VoxelRow { start: [0, 3, 3], count: 96 };
        // Nothing may change in the second brick; the third has the label already.
        assert!(!map.set_row(row, 0, |_, _| true));
        assert!(map.is_same_snapshot(&before), "nothing is copied where nothing changes");
        assert!(map.set_row(row, 7, |voxel, _| voxel[0] < 32));
        assert_eq!(map.byte_count() - before.byte_count(), 32 * 32 * 32 * 2, "one brick is dense");
        assert!(!map.set_row(VoxelRow { start: [0, 32, 0], count: 9 }, 7, |_, _| true), "outside");
    }

    #[test]
    fn what_was_filled_or_emptied_whole_takes_no_memory() {
        let mut map = LabelMap::empty(Geometry::new([64, 32, 32], Affine::IDENTITY).unwrap());
        map.set([40, 1, 1], 5);
        let (before, bytes) = (map.clone(), map.byte_count());
        let rows = (0..32).flat_map(|k| (0..32).map(move |j| VoxelRow { start: [0, j, k], count: 32 }));
        rows.for_each(|row| assert!(map.set_row(row, 7, |_, _| true)));
        assert!(map.byte_count() > bytes);
        map.compact_unshared(&before);
        assert_eq!((map.byte_count(), map.uniform_at([31, 31, 31]), map.get([40, 1, 1])), (bytes, Some(7), 5));
        map.set([40, 1, 1], 0);
        map.compact_unshared(&before);
        assert_eq!(map.uniform_at([40, 1, 1]), Some(0));
        assert_eq!(before.get([40, 1, 1]), 5);
    }

    proptest! {
        #[test]
        fn a_row_is_what_its_voxels_are_one_by_one(
            begun in prop::collection::vec((0usize..70, 0usize..3, 0usize..3, 0u16..3), 0..40),
            rows in prop::collection::vec((0usize..75, 0usize..4, 0usize..4, 0usize..80, 0u16..3), 1..8),
        ) {
            let shape = [70, 3, 3];
            let mut map = LabelMap::empty(Geometry::new(shape, Affine::IDENTITY).unwrap());
            begun.iter().for_each(|(i, j, k, label)| map.set([*i, *j, *k], *label));
            let mut one_by_one = map.clone();
            for (i, j, k, count, label) in rows {
                let row = VoxelRow { start: [i, j, k], count };
                let may = |voxel: [usize; 3], old: u16| old != 2 || voxel[0].is_multiple_of(3);
                let mut is_changed = false;
                for voxel in row.voxels().filter(|voxel| (0..3).all(|axis| voxel[axis] < shape[axis])) {
                    let old = one_by_one.get(voxel);
                    if old != label && may(voxel, old) {
                        one_by_one.set(voxel, label);
                        is_changed = true;
                    }
                }
                prop_assert_eq!(map.set_row(row, label, may), is_changed);
                prop_assert!(map.same_labels(&one_by_one));
            }
        }
    }
}
