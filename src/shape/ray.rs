//! The voxels along a ray.
//!
//! Source: J. Amanatides, A. Woo, "A fast voxel traversal algorithm for ray tracing", Eurographics 1987.

use crate::volume::{Region, Vec3};

/// The first voxel of a region along a ray for which `is_hit` says so. The ray is in voxels, whose centres have whole numbers.
pub fn first_along(
    region: Region,
    from: Vec3,
    direction: Vec3,
    mut is_hit: impl FnMut([usize; 3]) -> bool,
) -> Option<[usize; 3]> {
    // Voxel n reaches from n to n + 1 from here on.
    let from = from.map(|part| part + 0.5);
    let (mut enters, mut leaves) = (0.0f64, f64::INFINITY);
    for axis in 0..3 {
        let [low, high] = [region.start[axis] as f64, region.end[axis] as f64];
        if direction[axis] == 0.0 {
            if from[axis] < low || from[axis] >= high {
                return None;
            }
            continue;
        }
        let [a, b] = [low, high].map(|at| (at - from[axis]) / direction[axis]);
        (enters, leaves) = (enters.max(a.min(b)), leaves.min(a.max(b)));
    }
    if enters >= leaves || !leaves.is_finite() {
        return None;
    }
    let mut voxel = [0, 1, 2].map(|axis| {
        let at = (from[axis] + enters * direction[axis]).floor() as i64;
        at.clamp(region.start[axis] as i64, region.end[axis] as i64 - 1)
    });
    loop {
        let here = voxel.map(|n| n as usize);
        if is_hit(here) {
            return Some(here);
        }
        // The axis whose next border comes first; from the voxel, so that nothing adds up.
        let border = |axis: usize| {
            let ahead = if direction[axis] > 0.0 { voxel[axis] + 1 } else { voxel[axis] };
            if direction[axis] == 0.0 { f64::INFINITY } else { (ahead as f64 - from[axis]) / direction[axis] }
        };
        let axis = (1..3).fold(0, |best, axis| if border(axis) < border(best) { axis } else { best });
        voxel[axis] += if direction[axis] > 0.0 { 1 } else { -1 };
        if voxel[axis] < region.start[axis] as i64 || voxel[axis] >= region.end[axis] as i64 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_voxel_is_the_one_that_brute_force_finds(
            from in prop::array::uniform3(-20.0f64..30.0),
            direction in prop::array::uniform3(-1.0f64..1.0),
            seed: u64,
        ) {
            let region = Region { start: [1, 0, 2], end: [9, 8, 10] };
            let is_set = |voxel: [usize; 3]| {
                let n = voxel.iter().fold(seed | 1, |sum, n| sum.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(*n as u64));
                (n >> 33).is_multiple_of(6)
            };
            // All voxels whose box the ray passes, with where it enters.
            let mut hits = Vec::new();
            for n in 0..512 {
                let voxel = [n % 8 + 1, n / 8 % 8, n / 64 + 2];
                let (mut enters, mut leaves) = (0.0f64, f64::INFINITY);
                for axis in 0..3 {
                    let ends = [-0.5, 0.5].map(|half| (voxel[axis] as f64 + half - from[axis]) / direction[axis]);
                    enters = enters.max(ends[0].min(ends[1]));
                    leaves = leaves.min(ends[0].max(ends[1]));
                }
                if enters + 1e-9 < leaves && is_set(voxel) {
                    hits.push((enters, voxel));
                }
            }
            let nearest = hits.iter().map(|hit| hit.0).fold(f64::INFINITY, f64::min);
            match first_along(region, from, direction, is_set) {
                Some(found) => prop_assert!(
                    hits.iter().any(|(enters, voxel)| *voxel == found && *enters < nearest + 1e-6) || nearest.is_infinite()
                ),
                None => prop_assert!(hits.is_empty(), "{:?}", hits),
            }
        }
    }

    #[test]
    fn a_ray_along_an_axis_hits_and_one_beside_the_grid_does_not() {
        let region = Region { start: [0; 3], end: [4, 4, 4] };
        let hit = |from, direction| first_along(region, from, direction, |voxel| voxel[0] >= 2);
        assert_eq!(hit([-5.0, 1.0, 3.2], [1.0, 0.0, 0.0]), Some([2, 1, 3]));
        assert_eq!(hit([9.0, 1.0, 3.2], [-2.0, 0.0, 0.0]), Some([3, 1, 3]));
        assert_eq!(hit([-5.0, 1.0, 3.6], [1.0, 0.0, 0.0]), None);
        assert_eq!(hit([-5.0, 1.0, 3.2], [-1.0, 0.0, 0.0]), None);
    }
}
