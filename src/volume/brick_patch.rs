//! The difference of two label maps, brick by brick: what undo keeps in memory.

use std::sync::Arc;

use super::label_map::{BRICK_EDGE, Brick, LabelMap};

/// A box of voxels: from `start` up to and without `end`, per voxel axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First voxel.
    pub start: [usize; 3],
    /// Behind the last voxel.
    pub end: [usize; 3],
}

impl Region {
    /// Whether a voxel lies inside.
    #[inline]
    pub fn contains(&self, voxel: [usize; 3]) -> bool {
        (0..3).all(|axis| (self.start[axis]..self.end[axis]).contains(&voxel[axis]))
    }

    /// The smallest box around both.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            start: [0, 1, 2].map(|axis| self.start[axis].min(other.start[axis])),
            end: [0, 1, 2].map(|axis| self.end[axis].max(other.end[axis])),
        }
    }
}

/// Bricks that take the place of a map's own. Only `session::Painter` makes a new one; a journal gives back what it made.
#[derive(Debug, Clone, Default)]
pub struct BrickPatch {
    /// By index, in rising order.
    bricks: Vec<(usize, Brick)>,
}

impl BrickPatch {
    /// What turns `before` into `after`, two maps of one grid. Bricks that both share are passed over, so two maps of one origin cost
    /// a look at their brick table.
    pub fn between(before: &LabelMap, after: &LabelMap) -> Self {
        debug_assert_eq!(before.bricks.len(), after.bricks.len());
        if before.is_same_snapshot(after) {
            return Self::default();
        }
        let differs = |(own, new): (&Brick, &Brick)| match (own, new) {
            (Brick::Uniform(own), Brick::Uniform(new)) => own != new,
            (Brick::Dense(own), Brick::Dense(new)) => !Arc::ptr_eq(own, new) && own != new,
            (Brick::Dense(values), Brick::Uniform(value)) | (Brick::Uniform(value), Brick::Dense(values)) => {
                values.iter().any(|other| other != value)
            }
        };
        let pairs = before.bricks.iter().zip(after.bricks.iter()).enumerate();
        Self { bricks: pairs.filter(|(_, pair)| differs(*pair)).map(|(n, (_, new))| (n, new.clone())).collect() }
    }

    /// Puts the bricks into a map of the same grid, and gives the patch that takes them out again.
    #[must_use = "it is the way back"]
    pub fn exchange(self, labels: &mut LabelMap) -> Self {
        if self.bricks.is_empty() {
            return self;
        }
        let own = Arc::make_mut(&mut labels.bricks);
        let swap = |(index, brick): (usize, Brick)| Some((index, std::mem::replace(own.get_mut(index)?, brick)));
        Self { bricks: self.bricks.into_iter().filter_map(swap).collect() }
    }

    /// Of bricks in rising order.
    pub(super) fn of_bricks(bricks: Vec<(usize, Brick)>) -> Self {
        Self { bricks }
    }

    pub(super) fn bricks(&self) -> &[(usize, Brick)] {
        &self.bricks
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.bricks.is_empty()
    }

    /// Number of its bricks.
    pub fn brick_count(&self) -> usize {
        self.bricks.len()
    }

    /// Bytes of its bricks.
    pub fn byte_count(&self) -> usize {
        let of_brick = |(_, brick): &(usize, Brick)| match brick {
            Brick::Uniform(_) => 0,
            Brick::Dense(values) => std::mem::size_of_val(&values[..]),
        };
        self.bricks.iter().map(of_brick).sum::<usize>() + self.bricks.len() * size_of::<(usize, Brick)>()
    }

    /// The box around its bricks in a map of the same grid; `None` where it has none.
    pub fn region(&self, labels: &LabelMap) -> Option<Region> {
        let shape = labels.geometry().shape();
        let of_brick = |index: usize| {
            let start = labels.brick_start(index);
            Region { start, end: [0, 1, 2].map(|axis| shape[axis].min(start[axis] + BRICK_EDGE)) }
        };
        self.bricks.iter().map(|(index, _)| of_brick(*index)).reduce(Region::joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_patch_makes_the_other_map_and_its_inverse_the_first_again(
            before in prop::collection::vec((0usize..70, 0usize..40, 0usize..35, 0u16..4), 0..30),
            edits in prop::collection::vec((0usize..70, 0usize..40, 0usize..35, 0u16..4), 0..30),
            compacted in any::<bool>(),
        ) {
            let mut first = LabelMap::empty(Geometry::new([70, 40, 35], Affine::IDENTITY).unwrap());
            before.iter().for_each(|(i, j, k, label)| first.set([*i, *j, *k], *label));
            let mut second = first.clone();
            edits.iter().for_each(|(i, j, k, label)| second.set([*i, *j, *k], *label));
            if compacted {
                second.compact();
            }
            let patch = BrickPatch::between(&first, &second);
            prop_assert_eq!(patch.is_empty(), first.same_labels(&second));
            let region = patch.region(&first);
            second.take_from(&first, |voxel, _, _| {
                assert!(region.is_some_and(|region| region.contains(voxel)));
                false
            });
            let mut map = first.clone();
            let inverse = patch.exchange(&mut map);
            prop_assert!(map.same_labels(&second));
            let _ = inverse.exchange(&mut map);
            prop_assert!(map.same_labels(&first));
        }
    }
}
