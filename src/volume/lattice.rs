//! Grids whose voxels coincide, in whatever order they are stored: a mask of a part of a scan, a scan stored from feet to head.

use super::affine::length;
use super::geometry::Geometry;
use super::label_map::LabelMap;

/// Where the voxels of one grid are in another: along which axis each of its axes leads, in which direction, and from where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    origin: [i64; 3],
    axes: [usize; 3],
    forwards: [bool; 3],
    /// How far the voxel centres are apart at most, in millimetres.
    pub off_mm: f64,
}

impl Lattice {
    /// Finds out how a grid lies in another one; `None` where an axis leads along none of the other's axes, or has another spacing by more
    /// than half a voxel over its length. Axes of one voxel have no spacing. How near the voxels are is for the caller to judge.
    #[allow(clippy::cast_possible_truncation, reason = "the numbers are checked to be small")]
    pub fn between(from: &Geometry, to: &Geometry) -> Option<Self> {
        let shape = from.shape();
        let (mut axes, mut forwards) = ([None; 3], [true; 3]);
        for axis in (0..3).filter(|axis| shape[*axis] > 1) {
            let step = to.voxel_from_world().direction(from.world_from_voxel().column(axis));
            let along = (0..3).max_by(|a, b| step[*a].abs().total_cmp(&step[*b].abs()))?;
            if axes.contains(&Some(along)) || (step[along].abs() - 1.0).abs() * (shape[axis] - 1) as f64 > 0.5 {
                return None;
            }
            axes[axis] = Some(along);
            forwards[axis] = step[along] > 0.0;
        }
        for axis in 0..3 {
            if axes[axis].is_none() {
                // The one that is nearest among those left, for a plane that is stored as one slice.
                let step = to.voxel_from_world().direction(from.world_from_voxel().column(axis));
                let free = (0..3).filter(|along| !axes.contains(&Some(*along)));
                axes[axis] = free.max_by(|a, b| step[*a].abs().total_cmp(&step[*b].abs()));
            }
        }
        let first = to.voxel_from_world().point(from.world_from_voxel().column(3)).map(f64::round);
        if first.iter().any(|at| at.abs() > 1e9) {
            return None;
        }
        let mut lattice =
            Self { origin: first.map(|at| at as i64), axes: axes.map(|axis| axis.unwrap_or(0)), forwards, off_mm: 0.0 };
        // The distance between two affine maps is convex: the corners decide.
        for corner in 0..8 {
            let voxel = [0, 1, 2].map(|axis| if corner >> axis & 1 == 1 { shape[axis] - 1 } else { 0 });
            let (a, b) = (from.world_at(voxel), to.world_from_voxel().point(lattice.at(voxel).map(|at| at as f64)));
            lattice.off_mm = lattice.off_mm.max(length([a[0] - b[0], a[1] - b[1], a[2] - b[2]]));
        }
        Some(lattice)
    }

    /// Slice k of a grid for a frame that has the same columns and rows.
    pub fn of_slice(k: usize) -> Self {
        let k = i64::try_from(k).unwrap_or(i64::MAX);
        Self { origin: [0, 0, k], axes: [0, 1, 2], forwards: [true; 3], off_mm: 0.0 }
    }

    /// The axis of the other grid that an axis leads along.
    pub fn axis(&self, axis: usize) -> usize {
        self.axes[axis]
    }

    /// Whether a row along i is a row along i in the other grid, in the same direction.
    pub fn keeps_rows(&self) -> bool {
        self.axes[0] == 0 && self.forwards[0]
    }

    /// Where a voxel is, maybe outside.
    pub fn at(&self, voxel: [usize; 3]) -> [i64; 3] {
        let mut there = self.origin;
        for axis in 0..3 {
            let by = i64::try_from(voxel[axis]).unwrap_or(i64::MAX);
            there[self.axes[axis]] += if self.forwards[axis] { by } else { -by };
        }
        there
    }

    /// Where a voxel is inside a grid of this shape.
    pub fn inside(&self, voxel: [usize; 3], shape: [usize; 3]) -> Option<[usize; 3]> {
        let mut there = [0; 3];
        for (axis, at) in self.at(voxel).into_iter().enumerate() {
            there[axis] = usize::try_from(at).ok().filter(|at| *at < shape[axis])?;
        }
        Some(there)
    }
}

/// Labels in the storage order of another grid.
pub struct LaidLabels {
    /// The labels.
    pub labels: LabelMap,
    /// Labelled voxels that lie beyond the other grid, and are not there any more.
    pub outside: usize,
    /// How far the voxel centres are apart at most, in millimetres.
    pub off_mm: f64,
}

impl LabelMap {
    /// The same voxels in another grid that has them: a larger one, or one that is stored in another order. `None` where its voxels lie
    /// elsewhere by more than `near_mm`.
    pub fn laid_on(&self, grid: &Geometry, near_mm: f64) -> Option<LaidLabels> {
        let lattice = Lattice::between(self.geometry(), grid).filter(|lattice| lattice.off_mm <= near_mm)?;
        if lattice == (Lattice { off_mm: lattice.off_mm, ..Lattice::of_slice(0) })
            && self.geometry().shape() == grid.shape()
        {
            return Some(LaidLabels { labels: self.clone().on(grid), outside: 0, off_mm: lattice.off_mm });
        }
        let (mut labels, mut outside) = (Self::empty(grid.clone()), 0);
        self.for_each_labelled(|voxel, label| match lattice.inside(voxel, grid.shape()) {
            Some(there) => labels.set(there, label),
            None => outside += 1,
        });
        labels.compact();
        Some(LaidLabels { labels, outside, off_mm: lattice.off_mm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;
    use proptest::prelude::*;

    fn oblique(shape: [usize; 3]) -> Geometry {
        let (sin, cos) = 0.3f64.sin_cos();
        let columns = [[0.7 * cos, 0.7 * sin, 0.0], [-1.1 * sin, 1.1 * cos, 0.0], [0.0, 0.0, 2.5]];
        Geometry::new(shape, Affine::from_columns(columns, [3.0, -40.0, 12.5])).unwrap()
    }

    proptest! {
        #[test]
        fn parts_in_any_order_find_their_voxels(
            order in prop::sample::select(vec![[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]),
            forwards in prop::array::uniform3(any::<bool>()),
            start in prop::array::uniform3(0usize..3),
            shape in prop::array::uniform3(1usize..5),
            marks in prop::collection::vec((0usize..4, 0usize..4, 0usize..4, 1u16..9), 0..20),
        ) {
            let scan = oblique([9, 8, 7]);
            // A part of the scan, stored along the scan's axes `order`.
            let there = |voxel: [usize; 3]| {
                let mut at = [0; 3];
                for axis in 0..3 {
                    let along = order[axis];
                    let by = if forwards[axis] { voxel[axis] } else { shape[axis] - 1 - voxel[axis] };
                    at[along] = start[along] + by;
                }
                at
            };
            let first = scan.world_at(there([0; 3]));
            let columns = [0, 1, 2].map(|axis| {
                let column = scan.world_from_voxel().column(order[axis]);
                if forwards[axis] { column } else { column.map(|mm| -mm) }
            });
            let part = Geometry::new(shape, Affine::from_columns(columns, first)).unwrap();
            let mut labels = LabelMap::empty(part.clone());
            for (i, j, k, value) in marks {
                if i < shape[0] && j < shape[1] && k < shape[2] {
                    labels.set([i, j, k], value);
                }
            }
            let laid = labels.laid_on(&scan, 1e-3).unwrap();
            prop_assert_eq!(laid.outside, 0);
            prop_assert_eq!(laid.labels.counts(), labels.counts());
            labels.for_each_labelled(|voxel, value| assert_eq!(laid.labels.get(there(voxel)), value));
            // And back again, which loses nothing.
            let back = laid.labels.laid_on(&part, 1e-3).unwrap();
            prop_assert!(back.labels.same_labels(&labels));
        }
    }

    #[test]
    fn voxels_that_lie_elsewhere_are_not_taken() {
        let scan = oblique([9, 8, 7]);
        let mut labels = LabelMap::empty(scan.clone());
        labels.set([8, 7, 6], 1);
        let moved = |by: f64| {
            let mut affine = *scan.world_from_voxel();
            affine.0[2][3] += by;
            Geometry::new(scan.shape(), affine).unwrap()
        };
        assert!(labels.laid_on(&moved(0.2), 0.1).is_none());
        assert!((labels.laid_on(&moved(0.2), 0.3).unwrap().off_mm - 0.2).abs() < 1e-9);
        // A slice up and down: there the last one is beyond the grid.
        assert_eq!([2.5, -2.5].map(|by| labels.laid_on(&moved(by), 1e-3).unwrap().outside), [0, 1]);
        let cut = Geometry::new([9, 8, 6], *scan.world_from_voxel()).unwrap();
        assert_eq!(labels.laid_on(&cut, 1e-3).unwrap().outside, 1);
        let mut other = scan.world_from_voxel().0;
        other[0][0] *= 1.2;
        let other = Geometry::new(scan.shape(), Affine(other)).unwrap();
        assert!(Lattice::between(&scan, &other).is_none());
    }
}
