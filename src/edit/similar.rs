//! What an adaptive brush covers: of its footprint, the part around the pointer that looks like it.

#![allow(clippy::cast_precision_loss, reason = "the values around a voxel are counted")]

use super::flood::flooded;
use crate::volume::{Region, Volume, VoxelRow};

/// The voxels of a footprint that are joined by faces with the seed and whose values differ by no more than `tolerance` from the mean
/// around the seed: the mean of the footprint's voxels within one voxel of it along every axis. Nothing where the seed is outside the
/// footprint.
pub fn similar_within(
    volume: &Volume,
    frame: usize,
    footprint: &[VoxelRow],
    seed: [usize; 3],
    tolerance: f64,
) -> Vec<VoxelRow> {
    let Some(region) = around(footprint) else { return Vec::new() };
    let covered = Covered::new(region, footprint);
    if !covered.has(seed) {
        return Vec::new();
    }
    let near = |axis: usize| seed[axis].saturating_sub(1)..=seed[axis] + 1;
    let voxels = near(2).flat_map(|k| near(1).flat_map(move |j| near(0).map(move |i| [i, j, k])));
    let values: Vec<f64> = voxels.filter(|voxel| covered.has(*voxel)).map(|voxel| volume.value(voxel, frame)).collect();
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let is_similar = |voxel: [usize; 3]| (volume.value(voxel, frame) - mean).abs() <= tolerance;
    flooded(region, seed, |voxel| covered.has(voxel) && is_similar(voxel))
}

/// The box around rows.
fn around(rows: &[VoxelRow]) -> Option<Region> {
    let of_row = |row: &VoxelRow| {
        let [i, j, k] = row.start;
        Region { start: row.start, end: [i + row.count, j + 1, k + 1] }
    };
    rows.iter().map(of_row).reduce(Region::joined)
}

/// Which voxels of a box rows cover.
struct Covered {
    region: Region,
    size: [usize; 3],
    is_in: Vec<bool>,
}

impl Covered {
    fn new(region: Region, rows: &[VoxelRow]) -> Self {
        let size = [0, 1, 2].map(|axis| region.end[axis] - region.start[axis]);
        let mut covered = Self { region, size, is_in: vec![false; size.iter().product()] };
        for row in rows {
            let start = covered.place(row.start);
            covered.is_in[start..start + row.count].fill(true);
        }
        covered
    }

    fn place(&self, voxel: [usize; 3]) -> usize {
        let [i, j, k] = [0, 1, 2].map(|axis| voxel[axis] - self.region.start[axis]);
        (k * self.size[1] + j) * self.size[0] + i
    }

    fn has(&self, voxel: [usize; 3]) -> bool {
        self.region.contains(voxel) && self.is_in[self.place(voxel)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};
    use std::collections::BTreeSet;

    /// Two bright bars that a dark line parts; the second is as bright as the first.
    fn bars() -> Volume {
        let geometry = Geometry::new([9, 9, 3], Affine::IDENTITY).unwrap();
        let value = |n: usize| if n % 9 == 4 { 10 } else { 100 + i16::try_from(n / 9 % 9).unwrap() };
        let voxels = Voxels::I16(std::sync::Arc::new((0..243).map(value).collect()));
        Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new())
    }

    fn voxels(rows: &[VoxelRow]) -> BTreeSet<[usize; 3]> {
        rows.iter().flat_map(|row| row.voxels()).collect()
    }

    #[test]
    fn only_what_is_similar_connected_and_in_the_footprint_is_covered() {
        let footprint: Vec<VoxelRow> = (1..8).map(|j| VoxelRow { start: [1, j, 1], count: 7 }).collect();
        // Around the seed values are 103, 104 and 105: mean 104.
        let found = voxels(&similar_within(&bars(), 0, &footprint, [2, 4, 1], 2.0));
        let expected: BTreeSet<_> = (1..4).flat_map(|i| (2..7).map(move |j| [i, j, 1])).collect();
        assert_eq!(found, expected, "left of the line, rows of 102 to 106");
        let dark = voxels(&similar_within(&bars(), 0, &footprint, [4, 4, 1], 0.0));
        assert_eq!(dark, BTreeSet::from([[4, 4, 1]]), "the mean there is none of the values: the seed alone");
        assert!(similar_within(&bars(), 0, &footprint, [0, 4, 1], 9.0).is_empty());
        assert!(similar_within(&bars(), 0, &[], [0, 4, 1], 9.0).is_empty());
    }
}
