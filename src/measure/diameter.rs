//! The largest distance between two voxels of a label, in 3-D and within a slice: exactly, from voxel centre to voxel centre.
//!
//! The two voxels furthest apart are corners of the convex hull. A corner of the hull in 3-D is a corner of the hull of its slice along each
//! of the three axes, which leaves few to compare. Hulls are found on whole numbers, where nothing is rounded.

use rayon::prelude::*;

use crate::volume::{Affine, LabelMap, LabelValue, Region, Vec3};
use crate::work::{Stopped, Watch, memory};

/// Two voxels of a label and how far their centres are apart.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Diameter {
    /// Millimetres; 0 for a single voxel.
    pub mm: f64,
    /// The voxels.
    pub ends: [[usize; 3]; 2],
}

/// The largest distances in a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diameters {
    /// In 3-D.
    pub in_space: Diameter,
    /// Within a slice across each voxel axis (i, j, k).
    pub in_slice: [Diameter; 3],
}

/// Lowest and highest place of a label on each line along an axis; nothing where low is above high.
struct Extremes {
    /// Sizes of the two other axes, the lower one first.
    size: [usize; 2],
    spans: Vec<[u32; 2]>,
}

impl Extremes {
    fn new(size: [usize; 2]) -> Self {
        memory::must_have::<[u32; 2]>(size[0] * size[1]);
        Self { size, spans: vec![[u32::MAX, 0]; size[0] * size[1]] }
    }

    #[inline]
    fn cover(&mut self, at: [usize; 2], low: usize, high: usize) {
        if let Some([from, to]) = self.spans.get_mut(at[1] * self.size[0] + at[0]) {
            *from = (*from).min(low as u32);
            *to = (*to).max(high as u32);
        }
    }

    fn at(&self, at: [usize; 2]) -> Option<[i64; 2]> {
        let [low, high] = *self.spans.get(at[1] * self.size[0] + at[0])?;
        (low <= high).then_some([i64::from(low), i64::from(high)])
    }
}

/// The largest distances between voxels of a label. `region` is a box around all of them; `None` where there are none.
///
/// # Errors
/// When the work is stopped.
pub fn diameters(
    labels: &LabelMap,
    label: LabelValue,
    region: Region,
    watch: Watch,
) -> Result<Option<Diameters>, Stopped> {
    let shape = [0, 1, 2].map(|axis| region.end[axis].saturating_sub(region.start[axis]));
    // Along i for every (j, k), along j for every (i, k).
    let (mut along_i, mut along_j) = (Extremes::new([shape[1], shape[2]]), Extremes::new([shape[0], shape[2]]));
    for (n, brick) in labels.bricks_of(region).enumerate() {
        if n % 64 == 0 {
            watch.check()?;
        }
        labels.for_each_run(brick, |voxel, length, other| {
            if other != label || !region.contains(voxel) {
                return;
            }
            let [i, j, k] = [0, 1, 2].map(|axis| voxel[axis] - region.start[axis]);
            along_i.cover([j, k], i, i + length - 1);
            (i..i + length).for_each(|i| along_j.cover([i, k], j, j));
        });
    }
    // Slices across each axis: the lines through it, by their number, and the corners in (position on the line, line).
    let slice = |axis: usize, number: usize| -> Vec<[usize; 3]> {
        let lines = match axis {
            0 | 1 => shape[2],
            _ => shape[1],
        };
        let mut points = Vec::new();
        for line in 0..lines {
            let span = match axis {
                0 => along_j.at([number, line]),
                1 => along_i.at([number, line]),
                _ => along_i.at([line, number]),
            };
            if let Some([low, high]) = span {
                points.push([line as i64, low]);
                if high > low {
                    points.push([line as i64, high]);
                }
            }
        }
        let voxel = |[line, at]: [i64; 2]| {
            let (line, at) = (line as usize, at as usize);
            match axis {
                0 => [number, at, line],
                1 => [at, number, line],
                _ => [at, line, number],
            }
        };
        hull(&points).into_iter().map(voxel).collect()
    };
    let affine = labels.geometry().world_from_voxel();
    let mut in_slice = [None; 3];
    let mut corners: Vec<[usize; 3]> = Vec::new();
    for (axis, widest) in in_slice.iter_mut().enumerate() {
        let of_slice = |number: usize| -> Result<(Option<Diameter>, Vec<[usize; 3]>), Stopped> {
            watch.check()?;
            let corners = slice(axis, number);
            Ok((furthest(&corners, affine, watch)?, corners))
        };
        let slices: Result<Vec<_>, Stopped> = (0..shape[axis]).into_par_iter().map(of_slice).collect();
        let mut found: Vec<[usize; 3]> = Vec::new();
        for (diameter, corners) in slices? {
            *widest = wider(*widest, diameter);
            found.extend(corners);
        }
        found.sort_unstable();
        if axis == 0 {
            corners = found;
        } else {
            corners.retain(|voxel| found.binary_search(voxel).is_ok());
        }
    }
    let in_space = furthest(&corners, affine, watch)?;
    let (Some(in_space), [Some(i), Some(j), Some(k)]) = (in_space, in_slice) else { return Ok(None) };
    let placed = |diameter: Diameter| Diameter {
        ends: diameter.ends.map(|end| [0, 1, 2].map(|axis| end[axis] + region.start[axis])),
        ..diameter
    };
    Ok(Some(Diameters { in_space: placed(in_space), in_slice: [i, j, k].map(placed) }))
}

/// The wider of two; of two alike the first.
fn wider(a: Option<Diameter>, b: Option<Diameter>) -> Option<Diameter> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.mm > a.mm { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Corners of the convex hull of points that come in order (Andrew 1979); what lies on an edge is no corner.
fn hull(points: &[[i64; 2]]) -> Vec<[i64; 2]> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let half = |points: &mut dyn Iterator<Item = &[i64; 2]>| {
        let mut chain: Vec<[i64; 2]> = Vec::new();
        for &point in points {
            while let [.., a, b] = chain[..]
                && (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) <= 0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut corners = half(&mut points.iter());
    corners.extend(half(&mut points.iter().rev()));
    corners
}

/// The two of some voxels whose centres are furthest apart.
///
/// Voxels are compared in the order of their distance from the middle: once two together cannot be further apart than the best pair, no
/// later ones can.
fn furthest(voxels: &[[usize; 3]], affine: &Affine, watch: Watch) -> Result<Option<Diameter>, Stopped> {
    /// More voxels are compared on all threads.
    const MANY: usize = 512;
    let Some(&first) = voxels.first() else { return Ok(None) };
    let points: Vec<Vec3> = voxels.iter().map(|voxel| affine.direction(voxel.map(|v| v as f64))).collect();
    let count = points.len() as f64;
    let middle = [0, 1, 2].map(|axis| points.iter().map(|p| p[axis]).sum::<f64>() / count);
    let mut order: Vec<(f64, usize)> = points.iter().map(|p| squared(*p, middle).sqrt()).zip(0..).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let best_with = |at: usize, known: f64| -> (f64, usize, usize) {
        let (reach, own) = order[at];
        let mut best = (known, own, own);
        for (other_reach, other) in &order[at + 1..] {
            if (reach + other_reach).powi(2) < best.0 {
                break;
            }
            let apart = squared(points[own], points[*other]);
            if apart > best.0 {
                best = (apart, own, *other);
            }
        }
        best
    };
    let mut best = (0.0, 0, 0);
    // What one of the outermost finds bounds all others.
    for at in 0..order.len().min(MANY) {
        let found = best_with(at, best.0);
        if found.0 > best.0 {
            best = found;
        }
    }
    watch.check()?;
    if order.len() > MANY {
        let known = best.0;
        let of_voxel = |at: usize| {
            watch.check()?;
            Ok(best_with(at, known))
        };
        let found: Result<Vec<_>, Stopped> =
            (MANY..order.len()).into_par_iter().with_min_len(64).map(of_voxel).collect();
        for found in found? {
            if found.0 > best.0 {
                best = found;
            }
        }
    }
    let ends = [best.1, best.2].map(|n| voxels.get(n).copied().unwrap_or(first));
    Ok(Some(Diameter { mm: best.0.sqrt(), ends }))
}

fn squared(a: Vec3, b: Vec3) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Geometry;
    use proptest::prelude::*;

    #[test]
    fn corners_leave_out_what_lies_on_an_edge() {
        let square: Vec<[i64; 2]> = (0..4).flat_map(|x| [[x, 0], [x, 3]]).collect();
        let mut corners = hull(&square);
        corners.sort_unstable();
        assert_eq!(corners, [[0, 0], [0, 3], [3, 0], [3, 3]]);
        assert_eq!(hull(&[[0, 0], [1, 1], [2, 2]]).len(), 2);
    }

    proptest! {
        #[test]
        fn diameters_are_those_of_all_pairs(
            voxels in prop::collection::btree_set((0usize..9, 0usize..40, 0usize..8), 1..60),
            shear in -0.4f64..0.4, steps in (0.5f64..3.0, 0.5f64..3.0, 0.5f64..3.0),
        ) {
            let columns = [[-steps.0, 0.1, 0.0], [shear, steps.1, 0.0], [0.0, shear, steps.2]];
            let geometry = Geometry::new([9, 40, 8], Affine::from_columns(columns, [5.0, 6.0, 7.0])).unwrap();
            let mut map = LabelMap::empty(geometry);
            let voxels: Vec<[usize; 3]> = voxels.into_iter().map(|(i, j, k)| [i, j, k]).collect();
            voxels.iter().for_each(|voxel| map.set(*voxel, 5));
            let region = voxels.iter().map(|v| Region { start: *v, end: v.map(|n| n + 1) }).reduce(Region::joined).unwrap();
            let found = diameters(&map, 5, region, Watch::unwatched()).unwrap().unwrap();
            let world = |voxel: [usize; 3]| map.geometry().world_at(voxel);
            let apart = |a: [usize; 3], b: [usize; 3]| squared(world(a), world(b)).sqrt();
            let widest = |is_pair: &dyn Fn([usize; 3], [usize; 3]) -> bool| {
                let pairs = voxels.iter().flat_map(|a| voxels.iter().map(move |b| (*a, *b)));
                pairs.filter(|(a, b)| is_pair(*a, *b)).map(|(a, b)| apart(a, b)).fold(0.0, f64::max)
            };
            prop_assert!((found.in_space.mm - widest(&|_, _| true)).abs() < 1e-9);
            let [a, b] = found.in_space.ends;
            prop_assert!((found.in_space.mm - apart(a, b)).abs() < 1e-9 && map.get(a) == 5 && map.get(b) == 5);
            for axis in 0..3 {
                let mm = found.in_slice[axis].mm;
                prop_assert!((mm - widest(&|a, b| a[axis] == b[axis])).abs() < 1e-9, "{axis}: {mm}");
                let [a, b] = found.in_slice[axis].ends;
                prop_assert!((mm - apart(a, b)).abs() < 1e-9 && a[axis] == b[axis]);
            }
        }
    }

    #[test]
    fn a_label_that_is_not_there_has_none() {
        let map = LabelMap::empty(Geometry::new([4, 4, 4], Affine::IDENTITY).unwrap());
        let region = Region { start: [0; 3], end: [4; 3] };
        assert_eq!(diameters(&map, 1, region, Watch::unwatched()), Ok(None));
    }
}
