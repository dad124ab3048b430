//! Agreement of two label maps.
//!
//! Surfaces are the labelled voxels with a face neighbour outside the label (the grid's border counts as outside).
//! HD95 is the larger of the two 95th percentiles of surface distances, as MONAI defines it; ASSD the mean over both
//! surfaces. Distances use the grid's spacing; a sheared grid is measured along its axes.

use serde::Serialize;

use crate::shape::squared_distances;
use crate::volume::{LabelMap, LabelValue};
use crate::work::memory;

/// Agreement of one label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LabelScores {
    /// Twice the overlap over the sum; 1 where both are empty.
    pub dice: f64,
    /// Overlap over union; 1 where both are empty.
    pub iou: f64,
    /// 95th percentile of surface distances in millimetres; `None` where one is empty.
    pub hd95_mm: Option<f64>,
    /// Mean surface distance in millimetres; `None` where one is empty.
    pub assd_mm: Option<f64>,
    /// Volume of the prediction in cubic millimetres.
    pub predicted_mm3: f64,
    /// Volume of the truth in cubic millimetres.
    pub truth_mm3: f64,
}

/// A label's voxels within a box around both maps' voxels of it.
struct Mask {
    shape: [usize; 3],
    values: Vec<bool>,
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
            .map(|n| self.values[n] && (0..3).any(|axis| !inside(n, axis, true) || !inside(n, axis, false)))
            .collect()
    }
}

fn masks(first: &LabelMap, second: &LabelMap, label: LabelValue) -> Option<[Mask; 2]> {
    let mut low = [usize::MAX; 3];
    let mut high = [0; 3];
    for map in [first, second] {
        map.for_each_labelled(|voxel, at| {
            if at == label {
                for axis in 0..3 {
                    low[axis] = low[axis].min(voxel[axis]);
                    high[axis] = high[axis].max(voxel[axis]);
                }
            }
        });
    }
    if low[0] == usize::MAX {
        return None;
    }
    let shape = [0, 1, 2].map(|axis| high[axis] - low[axis] + 1);
    Some([first, second].map(|map| {
        let mut values: Vec<bool> = memory::zeros(shape.iter().product());
        for (n, value) in values.iter_mut().enumerate() {
            let offset = [n % shape[0], n / shape[0] % shape[1], n / (shape[0] * shape[1])];
            *value = map.get([0, 1, 2].map(|axis| low[axis] + offset[axis])) == label;
        }
        Mask { shape, values }
    }))
}

/// Scores of one label; both maps lie on the same grid.
pub fn compare(predicted: &LabelMap, truth: &LabelMap, label: LabelValue) -> LabelScores {
    let voxel = truth.geometry().voxel_volume_mm3();
    let Some([p, t]) = masks(predicted, truth, label) else {
        return LabelScores { dice: 1.0, iou: 1.0, hd95_mm: None, assd_mm: None, predicted_mm3: 0.0, truth_mm3: 0.0 };
    };
    let (np, nt) = (p.count(), t.count());
    let overlap = p.values.iter().zip(&t.values).filter(|(a, b)| **a && **b).count();
    let distances = (np > 0 && nt > 0).then(|| {
        let spacing = truth.geometry().spacing_mm();
        let (sp, st) = (p.surface(), t.surface());
        let to = |from: &[bool], onto: &[bool]| -> Vec<f64> {
            let field = squared_distances(p.shape, spacing, |n| onto[n]);
            memory::must_have::<f64>(from.iter().filter(|is| **is).count());
            let mut all: Vec<f64> = from.iter().zip(field).filter(|(f, _)| **f).map(|(_, d)| d.sqrt()).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        (to(&sp, &st), to(&st, &sp))
    });
    LabelScores {
        dice: 2.0 * overlap as f64 / (np + nt) as f64,
        iou: overlap as f64 / (np + nt - overlap) as f64,
        hd95_mm: distances.as_ref().map(|(a, b)| percentile(a, 95.0).max(percentile(b, 95.0))),
        assd_mm: distances.map(|(a, b)| a.iter().chain(&b).sum::<f64>() / (a.len() + b.len()) as f64),
        predicted_mm3: np as f64 * voxel,
        truth_mm3: nt as f64 * voxel,
    }
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
    use crate::volume::{Affine, Geometry};

    fn bar(range: std::ops::Range<usize>) -> LabelMap {
        let affine = Affine::from_columns([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]);
        let geometry = Geometry::new([20, 3, 3], affine).unwrap();
        LabelMap::from_fn(geometry, |[i, j, k]| u16::from(range.contains(&i) && j == 1 && k == 1))
    }

    #[test]
    fn a_bar_moved_by_two_voxels_has_known_scores() {
        let s = compare(&bar(2..12), &bar(4..14), 1);
        assert!((s.dice - 0.8).abs() < 1e-12);
        assert!((s.iou - 8.0 / 12.0).abs() < 1e-12);
        // Two voxels of each bar are 2 mm and 4 mm from the other, eight touch it.
        assert!((s.assd_mm.unwrap() - (2.0 + 4.0) * 2.0 / 20.0).abs() < 1e-12);
        // Sorted distances 0 x 8, 2, 4; the 95th percentile lies at position 8.55.
        assert!((s.hd95_mm.unwrap() - 3.1).abs() < 1e-9);
        assert_eq!((s.predicted_mm3, s.truth_mm3), (20.0, 20.0));
    }

    #[test]
    fn empty_labels_agree_and_have_no_distance() {
        let s = compare(&bar(0..0), &bar(0..0), 1);
        assert_eq!((s.dice, s.hd95_mm), (1.0, None));
        let s = compare(&bar(0..0), &bar(0..3), 1);
        assert_eq!((s.dice, s.hd95_mm), (0.0, None));
    }
}
