//! Labels on another grid: what every voxel of it shows of labels that lie between its voxels.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions of voxels, held to the grid"
)]

use crate::volume::{Geometry, LabelMap, LabelValue, Region};
use crate::work::{Stopped, Watch};

/// Which label a place between voxels has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    /// That of the nearest voxel: nothing is invented, and borders have the steps of the coarser grid.
    Nearest,
    /// The one with the largest share among the eight voxels around, weighted linearly: slanted borders stay smooth. The smallest number
    /// wins a tie, background first. As `LabelImageGenericInterpolateImageFunction` of ITK with linear weights (SimpleITK:
    /// `sitkLabelLinear`).
    LinearShares,
}

/// Steps of a voxel to which places are rounded, so that halves are halves on grids that were written with few digits.
const STEPS: f64 = (1 << 20) as f64;

/// The labels at the middles of the voxels of `grid`. The labelled box reaches half a voxel beyond the outermost middles; outside of it there
/// is no label.
///
/// # Errors
/// When the work is stopped.
pub fn resample_labels(labels: &LabelMap, grid: &Geometry, how: Resampling, watch: Watch) -> Result<LabelMap, Stopped> {
    let empty = LabelMap::empty(grid.clone());
    let Some(box_of_labels) = labelled_box(labels) else { return Ok(empty) };
    let own_from_other = labels.geometry().voxel_from_world().after(grid.world_from_voxel());
    let step = own_from_other.column(0);
    let shape = labels.geometry().shape();
    empty.edited(Region::whole(grid.shape()), watch, |start, row| {
        let first = own_from_other.point(start.map(|n| n as f64));
        for n in near(first, step, row.len(), box_of_labels) {
            let place = [0, 1, 2].map(|axis| ((first[axis] + step[axis] * n as f64) * STEPS).round() / STEPS);
            if (0..3).any(|axis| !(place[axis] >= -0.5 && place[axis] < shape[axis] as f64 - 0.5)) {
                continue;
            }
            row[n] = match how {
                Resampling::Nearest => labels.get([0, 1, 2].map(|axis| (place[axis] + 0.5).floor() as usize)),
                Resampling::LinearShares => largest_share(labels, shape, place),
            };
        }
    })
}

/// First and last labelled positions along each axis.
fn labelled_box(labels: &LabelMap) -> Option<[[f64; 2]; 3]> {
    let ends = labels.occupied().map(|along| {
        let first = along.iter().position(|is_labelled| *is_labelled)?;
        let last = along.iter().rposition(|is_labelled| *is_labelled)?;
        Some([first as f64, last as f64])
    });
    Some([ends[0]?, ends[1]?, ends[2]?])
}

/// Which steps of a row come so near to the labelled box that they may have a label.
fn near(first: [f64; 3], step: [f64; 3], count: usize, labelled: [[f64; 2]; 3]) -> std::ops::Range<usize> {
    let (mut low, mut high) = (0.0f64, count as f64);
    for axis in 0..3 {
        let ends = [labelled[axis][0] - 1.5 - first[axis], labelled[axis][1] + 1.5 - first[axis]];
        if step[axis] == 0.0 {
            if ends[0] > 0.0 || ends[1] < 0.0 {
                return 0..0;
            }
            continue;
        }
        let steps = ends.map(|end| end / step[axis]);
        low = low.max(steps[0].min(steps[1]).floor());
        high = high.min(steps[0].max(steps[1]).ceil() + 1.0);
    }
    // Both lie within the row's length now, or there is nothing between them.
    if low < high { low as usize..high as usize } else { 0..0 }
}

fn largest_share(labels: &LabelMap, shape: [usize; 3], place: [f64; 3]) -> LabelValue {
    let (mut low, mut high, mut share) = ([0; 3], [0; 3], [0.0; 3]);
    for axis in 0..3 {
        let inside = place[axis].clamp(0.0, (shape[axis] - 1) as f64);
        low[axis] = inside as usize;
        high[axis] = (low[axis] + 1).min(shape[axis] - 1);
        share[axis] = inside - low[axis] as f64;
    }
    let mut shares = [(0, 0.0); 8];
    let mut found = 0;
    for corner in 0..8 {
        let is_high = [0, 1, 2].map(|axis| corner >> axis & 1 == 1);
        let weight: f64 = (0..3).map(|axis| if is_high[axis] { share[axis] } else { 1.0 - share[axis] }).product();
        if weight == 0.0 {
            continue;
        }
        let label = labels.get([0, 1, 2].map(|axis| if is_high[axis] { high[axis] } else { low[axis] }));
        match shares[..found].iter_mut().find(|(other, _)| *other == label) {
            Some((_, sum)) => *sum += weight,
            None => {
                shares[found] = (label, weight);
                found += 1;
            }
        }
    }
    shares[..found].sort_unstable_by_key(|(label, _)| *label);
    let mut best = (0, 0.0);
    for &(label, sum) in &shares[..found] {
        // Sums that differ by their rounding alone are equal.
        if sum > best.1 + 1e-9 {
            best = (label, sum);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;
    use proptest::prelude::*;

    fn grid(shape: [usize; 3], spacing: [f64; 3], origin: [f64; 3]) -> Geometry {
        let columns = [0, 1, 2].map(|axis| {
            let mut column = [0.0; 3];
            column[axis] = spacing[axis];
            column
        });
        Geometry::new(shape, Affine::from_columns(columns, origin)).unwrap()
    }

    #[test]
    fn halves_go_up_and_outside_there_is_nothing() {
        let labels = LabelMap::from_fn(grid([4, 1, 1], [2.0, 1.0, 1.0], [0.0; 3]), |[i, ..]| i as LabelValue + 1);
        // Middles at -2, -1, 0, 1 ... 7 mm: positions -1, -0.5, 0, 0.5 ... 3.5.
        let other = grid([10, 1, 1], [1.0; 3], [-2.0, 0.0, 0.0]);
        let row = |how| {
            let found = resample_labels(&labels, &other, how, Watch::unwatched()).unwrap();
            (0..10).map(|i| found.get([i, 0, 0])).collect::<Vec<_>>()
        };
        assert_eq!(row(Resampling::Nearest), [0, 1, 1, 2, 2, 3, 3, 4, 4, 0]);
        assert_eq!(row(Resampling::LinearShares), [0, 1, 1, 1, 2, 2, 3, 3, 4, 0]);
    }

    #[test]
    fn a_slanted_border_between_slices_follows_both() {
        // A border that moves by four voxels from one slice to the next, on slices of a quarter of the distance.
        let labels =
            LabelMap::from_fn(grid([12, 1, 2], [1.0, 1.0, 4.0], [0.0; 3]), |[i, _, k]| LabelValue::from(i < 4 + 4 * k));
        let other = grid([12, 1, 5], [1.0; 3], [0.0; 3]);
        let found = resample_labels(&labels, &other, Resampling::LinearShares, Watch::unwatched()).unwrap();
        let ends: Vec<usize> = (0..5).map(|k| (0..12).filter(|&i| found.get([i, 0, k]) == 1).count()).collect();
        assert_eq!(ends, [4, 4, 4, 8, 8]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// The shortcut to the labelled part leaves nothing out, whatever the grids.
        #[test]
        fn what_is_far_from_labels_has_none(
            seed in any::<[u8; 8]>(), turn in -3.0f64..3.0, tilt in -0.7f64..0.7,
            spacing in [0.3f64..3.0, 0.3f64..3.0, 0.3f64..3.0], origin in [-6.0f64..6.0, -6.0f64..6.0, -6.0f64..6.0],
        ) {
            let labels = LabelMap::from_fn(grid([7, 6, 5], [1.0, 1.3, 2.0], [-3.0, -4.0, -5.0]), |[i, j, k]| {
                LabelValue::from(seed[(i * 31 + j * 17 + k * 7) % 8] % 5 == 1)
            });
            let (s, c, t) = (turn.sin(), turn.cos(), tilt);
            let columns = [[c, s, t], [-s, c, 0.0], [-t * c, -t * s, 1.0]];
            let columns = [0, 1, 2].map(|axis| columns[axis].map(|part| part * spacing[axis]));
            let other = Geometry::new([40, 5, 6], Affine::from_columns(columns, origin)).unwrap();
            let own = labels.geometry().clone();
            let found = resample_labels(&labels, &other, Resampling::Nearest, Watch::unwatched()).unwrap();
            let mut differing = 0;
            for k in 0..6 { for j in 0..5 { for i in 0..40 {
                let wanted = own.voxel_at(other.world_at([i, j, k])).map_or(0, |voxel| labels.get(voxel));
                differing += usize::from(found.get([i, j, k]) != wanted);
            } } }
            prop_assert_eq!(differing, 0);
        }
    }
}
