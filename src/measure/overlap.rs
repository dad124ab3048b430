//! Agreement of two label maps, per label and per slice.
//!
//! Surfaces are the labelled voxels with a face neighbour outside the label (the grid's border counts as outside); in a slice those with
//! an edge neighbour outside. HD95 is the larger of the two directed 95th percentiles of surface distances, as MONAI defines it, with
//! linear percentiles; ASSD the mean over both surfaces, as in medpy. Distances use the grid's spacing; a sheared grid is measured along
//! its axes. Where one of both is empty Dice is 0 and there is no distance; where both are empty there is no number at all.

use std::collections::BTreeMap;

use serde::Serialize;

use super::place::places;
use super::tally::Wanted;
use crate::shape::squared_distances_within;
use crate::volume::{LabelMap, LabelValue, PlaneLayout, Region};
use crate::work::numbers::share;
use crate::work::{Stopped, Watch, memory};

/// Agreement of one label.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct LabelScores {
    /// Twice the overlap over the sum; `None` where both are empty.
    pub dice: Option<f64>,
    /// Overlap over union (Jaccard); `None` where both are empty.
    pub iou: Option<f64>,
    /// Signed difference of the volumes over their mean, prediction minus truth; `None` where both are empty.
    pub volume_difference: Option<f64>,
    /// Largest surface distance in millimetres (Hausdorff); `None` where one is empty.
    pub hd_mm: Option<f64>,
    /// 95th percentile of surface distances in millimetres; `None` where one is empty.
    pub hd95_mm: Option<f64>,
    /// Mean surface distance in millimetres; `None` where one is empty.
    pub assd_mm: Option<f64>,
    /// Volume of the prediction in cubic millimetres.
    pub predicted_mm3: f64,
    /// Volume of the truth in cubic millimetres.
    pub truth_mm3: f64,
}

/// Agreement of one label in one slice; areas stand for volumes, times the distance of slices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SliceScores {
    /// Number of the slice in its plane, counted from 0.
    pub slice: usize,
    /// Distances within the slice.
    #[serde(flatten)]
    pub scores: LabelScores,
}

/// A label's voxels within a box around both maps' voxels of it.
struct Mask {
    shape: [usize; 3],
    values: Vec<bool>,
    /// Axes along which neighbours are looked for.
    axes: [bool; 3],
}

impl Mask {
    fn count(&self) -> usize {
        self.values.iter().filter(|&&v| v).count()
    }

    fn surface(&self) -> Vec<bool> {
        let strides = [1, self.shape[0], self.shape[0] * self.shape[1]];
        let inside = |n: usize, axis: usize, forward: bool| {
            let at = n / strides[axis] % self.shape[axis];
            if forward {
                at + 1 < self.shape[axis] && self.values[n + strides[axis]]
            } else {
                at > 0 && self.values[n - strides[axis]]
            }
        };
        (0..self.values.len())
            .map(|n| {
                let is_open = |axis: usize| self.axes[axis] && !(inside(n, axis, true) && inside(n, axis, false));
                self.values[n] && (0..3).any(is_open)
            })
            .collect()
    }
}

/// Agreement of labels of two maps on the same grid, by value.
///
/// # Errors
/// When the work is stopped.
pub fn compare(
    predicted: &LabelMap,
    truth: &LabelMap,
    labels: &[LabelValue],
    watch: Watch,
) -> Result<BTreeMap<LabelValue, LabelScores>, Stopped> {
    let wanted = Wanted::These(labels.iter().copied().collect());
    let [in_predicted, in_truth] = [places(predicted, &wanted, watch.quiet())?, places(truth, &wanted, watch.quiet())?];
    let geometry = truth.geometry();
    let mut found = BTreeMap::new();
    for (n, &label) in labels.iter().enumerate() {
        watch.at(share(n, labels.len()))?;
        let regions = [in_predicted.get(&label), in_truth.get(&label)].into_iter().flatten().map(|place| place.region);
        let scores = match regions.reduce(Region::joined) {
            None => LabelScores::default(),
            Some(region) => {
                let masks = [predicted, truth].map(|map| mask(map, label, region));
                scores(&masks, geometry.spacing_mm(), geometry.voxel_volume_mm3(), watch)?
            }
        };
        found.insert(label, scores);
    }
    Ok(found)
}

fn mask(map: &LabelMap, label: LabelValue, region: Region) -> Mask {
    let shape = [0, 1, 2].map(|axis| region.end[axis] - region.start[axis]);
    let mut values: Vec<bool> = memory::zeros(shape.iter().product());
    for (slice, k) in values.chunks_exact_mut(shape[0] * shape[1]).zip(region.start[2]..) {
        map.mark_slice(label, region, k, slice);
    }
    // A grid of one slice is a picture: nothing lies before and behind it. A grid of one voxel has a surface all the same.
    let grid = map.geometry().shape();
    let axes = if grid == [1; 3] { [true; 3] } else { grid.map(|n| n > 1) };
    Mask { shape, values, axes }
}

/// Agreement of one label in every slice of a plane in which one of both has it.
///
/// # Errors
/// When the work is stopped.
pub fn compare_slices(
    predicted: &LabelMap,
    truth: &LabelMap,
    label: LabelValue,
    layout: &PlaneLayout,
    watch: Watch,
) -> Result<Vec<SliceScores>, Stopped> {
    let geometry = truth.geometry();
    let [width_mm, height_mm, thickness_mm] = layout.pixel_mm(geometry);
    let (columns, rows) = (layout.size[0], layout.size[1]);
    let [mut a, mut b] = [Vec::new(), Vec::new()];
    let mut found = Vec::new();
    for slice in 0..layout.size[2] {
        watch.at(share(slice, layout.size[2]))?;
        layout.read_labels(predicted, slice, &mut a);
        layout.read_labels(truth, slice, &mut b);
        let masks = [&a, &b].map(|labels| Mask {
            shape: [columns, rows, 1],
            values: labels.iter().map(|other| *other == label).collect(),
            axes: [true, true, false],
        });
        let Some(masks) = cropped(&masks) else { continue };
        let voxel_mm3 = geometry.voxel_volume_mm3();
        let scores = scores(&masks, [width_mm, height_mm, thickness_mm], voxel_mm3, watch)?;
        found.push(SliceScores { slice, scores });
    }
    Ok(found)
}

/// The part of two masks of a slice in which one of both has something; `None` where both are empty.
fn cropped(masks: &[Mask; 2]) -> Option<[Mask; 2]> {
    let [columns, rows, _] = masks[0].shape;
    let is_set = |n: usize| masks.iter().any(|mask| mask.values[n]);
    let used_rows = |row: &usize| (0..columns).any(|column| is_set(row * columns + column));
    let (top, bottom) = ((0..rows).find(used_rows)?, (0..rows).rfind(used_rows)?);
    let used_columns = |column: &usize| (top..=bottom).any(|row| is_set(row * columns + column));
    let (left, right) = ((0..columns).find(used_columns)?, (0..columns).rfind(used_columns)?);
    Some([0, 1].map(|n| {
        let rows = (top..=bottom).flat_map(|row| &masks[n].values[row * columns + left..=row * columns + right]);
        Mask {
            shape: [right - left + 1, bottom - top + 1, 1],
            values: rows.copied().collect(),
            axes: [true, true, false],
        }
    }))
}

/// Scores of two masks of one box that are not both empty.
fn scores([p, t]: &[Mask; 2], spacing_mm: [f64; 3], voxel_mm3: f64, watch: Watch) -> Result<LabelScores, Stopped> {
    let (np, nt) = (p.count(), t.count());
    let overlap = p.values.iter().zip(&t.values).filter(|(a, b)| **a && **b).count();
    let sum = (np + nt) as f64;
    let mut scores = LabelScores {
        dice: Some(2.0 * overlap as f64 / sum),
        iou: Some(overlap as f64 / (np + nt - overlap) as f64),
        volume_difference: Some(2.0 * (np as f64 - nt as f64) / sum),
        predicted_mm3: np as f64 * voxel_mm3,
        truth_mm3: nt as f64 * voxel_mm3,
        ..LabelScores::default()
    };
    if np == 0 || nt == 0 {
        return Ok(scores);
    }
    let (sp, st) = (p.surface(), t.surface());
    let to = |from: &[bool], onto: &[bool]| -> Result<Vec<f64>, Stopped> {
        let field = squared_distances_within(p.shape, spacing_mm, f64::INFINITY, |n| onto[n], watch.quiet())?;
        memory::must_have::<f64>(from.iter().filter(|is| **is).count());
        let mut all: Vec<f64> = from.iter().zip(field).filter(|(f, _)| **f).map(|(_, d)| d.sqrt()).collect();
        all.sort_by(f64::total_cmp);
        Ok(all)
    };
    let (a, b) = (to(&sp, &st)?, to(&st, &sp)?);
    let last = |sorted: &[f64]| sorted.last().copied().unwrap_or(0.0);
    scores.hd_mm = Some(last(&a).max(last(&b)));
    scores.hd95_mm = Some(percentile(&a, 95.0).max(percentile(&b, 95.0)));
    scores.assd_mm = Some(a.iter().chain(&b).sum::<f64>() / (a.len() + b.len()) as f64);
    Ok(scores)
}

/// Linearly interpolated percentile of sorted values, as numpy's default.
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let last = sorted.len() - 1;
    let position = percent / 100.0 * last as f64;
    let low = position as usize;
    sorted[low] + (sorted[(low + 1).min(last)] - sorted[low]) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Plane};
    use crate::work::Signal;

    fn bar(range: std::ops::Range<usize>) -> LabelMap {
        let affine = Affine::from_columns([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]);
        let geometry = Geometry::new([20, 3, 3], affine).unwrap();
        LabelMap::from_fn(geometry, |[i, j, k]| u16::from(range.contains(&i) && j == 1 && k == 1))
    }

    fn of_bars(predicted: std::ops::Range<usize>, truth: std::ops::Range<usize>) -> LabelScores {
        compare(&bar(predicted), &bar(truth), &[1], Watch::unwatched()).unwrap()[&1]
    }

    #[test]
    fn a_bar_moved_by_two_voxels_has_known_scores() {
        let s = of_bars(2..12, 4..14);
        assert!((s.dice.unwrap() - 0.8).abs() < 1e-12);
        assert!((s.iou.unwrap() - 8.0 / 12.0).abs() < 1e-12);
        // Two voxels of each bar are 2 mm and 4 mm from the other, eight touch it.
        assert!((s.assd_mm.unwrap() - (2.0 + 4.0) * 2.0 / 20.0).abs() < 1e-12);
        // Sorted distances 0 x 8, 2, 4; the 95th percentile lies at position 8.55.
        assert!((s.hd95_mm.unwrap() - 3.1).abs() < 1e-9);
        assert_eq!((s.hd_mm, s.volume_difference), (Some(4.0), Some(0.0)));
        assert_eq!((s.predicted_mm3, s.truth_mm3), (20.0, 20.0));
        assert!((of_bars(0..3, 0..1).volume_difference.unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn two_empty_labels_have_no_number_and_one_has_no_distance() {
        assert_eq!(of_bars(0..0, 0..0), LabelScores::default());
        let s = of_bars(0..0, 0..3);
        assert_eq!((s.dice, s.iou, s.volume_difference), (Some(0.0), Some(0.0), Some(-2.0)));
        assert_eq!((s.hd_mm, s.hd95_mm, s.assd_mm), (None, None, None));
    }

    #[test]
    fn slices_are_compared_in_their_plane_and_a_stop_is_heard() {
        let (a, b) = (bar(2..12), bar(4..14));
        let layout = |plane| PlaneLayout::new(a.geometry(), plane);
        let axial = compare_slices(&a, &b, 1, &layout(Plane::Axial), Watch::unwatched()).unwrap();
        assert_eq!(axial.iter().map(|s| s.slice).collect::<Vec<_>>(), [1]);
        assert_eq!((axial[0].scores.hd_mm, axial[0].scores.dice), (Some(4.0), Some(0.8)));
        let sagittal = compare_slices(&a, &b, 1, &layout(Plane::Sagittal), Watch::unwatched()).unwrap();
        // Across the bar every slice has one pixel of one of both, or the same one of both.
        assert_eq!(sagittal.iter().map(|s| s.slice).collect::<Vec<_>>(), (2..14).collect::<Vec<_>>());
        assert_eq!(sagittal.iter().filter(|s| s.scores.dice == Some(1.0) && s.scores.hd_mm == Some(0.0)).count(), 8);
        let signal = Signal::default();
        signal.stop();
        assert!(compare(&a, &b, &[1], Watch::new(&signal)).is_err());
        assert!(compare_slices(&a, &b, 1, &layout(Plane::Axial), Watch::new(&signal)).is_err());
    }

    #[test]
    fn a_grid_of_one_slice_is_compared_as_a_picture() {
        let geometry = Geometry::new([7, 7, 1], Affine::IDENTITY).unwrap();
        let full = LabelMap::from_fn(geometry.clone(), |_| 1);
        let ring = LabelMap::from_fn(geometry, |[i, j, _]| u16::from(i % 6 == 0 || j % 6 == 0));
        let found = compare(&full, &ring, &[1], Watch::unwatched()).unwrap()[&1];
        assert_eq!((found.hd_mm, found.assd_mm), (Some(0.0), Some(0.0)));
        let dot = LabelMap::from_fn(Geometry::new([1; 3], Affine::IDENTITY).unwrap(), |_| 1);
        assert_eq!(compare(&dot, &dot, &[1], Watch::unwatched()).unwrap()[&1].hd_mm, Some(0.0));
    }

    #[test]
    fn a_surface_within_a_slice_has_no_voxel_inside() {
        let geometry = Geometry::new([5, 5, 3], Affine::IDENTITY).unwrap();
        let full = LabelMap::from_fn(geometry.clone(), |_| 1);
        let ring = LabelMap::from_fn(geometry.clone(), |[i, j, _]| u16::from(i % 4 == 0 || j % 4 == 0));
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let slices = compare_slices(&full, &ring, 1, &layout, Watch::unwatched()).unwrap();
        // The full slice's surface is the ring's outer line, whose voxels are all on the surface of the ring.
        assert_eq!(slices.len(), 3);
        assert!(slices.iter().all(|s| s.scores.hd_mm == Some(0.0) && s.scores.dice.unwrap() < 0.8));
    }
}
