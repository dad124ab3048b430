//! Range, moments and percentiles of a volume, computed once and in parallel.

use rayon::prelude::*;

use super::scan::Volume;
use crate::volume::with_voxels;

/// Bins of the histogram shown to the user.
const HISTOGRAM_BINS: usize = 256;
/// Values that percentiles of wide types are taken from.
const PERCENTILE_SAMPLES: usize = 1 << 20;

/// Facts about the finite, rescaled values of a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Smallest finite value; 0 where there is none.
    pub min: f64,
    /// Largest finite value; 0 where there is none.
    pub max: f64,
    /// Mean of the finite values.
    pub mean: f64,
    /// Population standard deviation of the finite values.
    pub std: f64,
    /// Number of NaN voxels.
    pub nan_count: usize,
    /// Number of infinite voxels.
    pub infinite_count: usize,
    /// Voxel counts in equal bins from `min` to `max`.
    pub histogram: Vec<u64>,
    /// Sorted values: all of them up to about a million, otherwise every n-th.
    sorted: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Moments {
    count: usize,
    nan: usize,
    infinite: usize,
    min: f64,
    max: f64,
    mean: f64,
    m2: f64,
}

impl Moments {
    const EMPTY: Self =
        Self { count: 0, nan: 0, infinite: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, mean: 0.0, m2: 0.0 };

    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let mut m = Self::EMPTY;
        let mut sum = 0.0;
        for v in values.clone() {
            if v.is_finite() {
                m.count += 1;
                m.min = m.min.min(v);
                m.max = m.max.max(v);
                sum += v;
            } else if v.is_nan() {
                m.nan += 1;
            } else {
                m.infinite += 1;
            }
        }
        if m.count > 0 {
            m.mean = sum / m.count as f64;
            m.m2 = values.filter(|v| v.is_finite()).map(|v| (v - m.mean).powi(2)).sum();
        }
        m
    }

    /// Chan, Golub and `LeVeque`'s rule for joining two sets' moments.
    fn join(self, other: Self) -> Self {
        let count = self.count + other.count;
        let total = count.max(1) as f64;
        let delta = other.mean - self.mean;
        Self {
            count,
            nan: self.nan + other.nan,
            infinite: self.infinite + other.infinite,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            mean: self.mean + delta * other.count as f64 / total,
            m2: self.m2 + other.m2 + delta * delta * self.count as f64 * other.count as f64 / total,
        }
    }
}

impl Statistics {
    /// Goes over the voxels twice (moments, histogram) in parallel.
    pub(super) fn of(volume: &Volume) -> Self {
        let slice_len = volume.slice_len();
        let moments = with_voxels!(&volume.voxels, data => {
            data.par_chunks(slice_len)
                .enumerate()
                .map(|(slice, values)| {
                    let (slope, intercept) = volume.rescale.of_slice(slice);
                    Moments::of(values.iter().map(move |&v| super::Voxel::to_f64(v) * slope + intercept))
                })
                .reduce(|| Moments::EMPTY, Moments::join)
        });
        let (min, max) = if moments.count > 0 { (moments.min, moments.max) } else { (0.0, 0.0) };
        let bin_scale = if max > min { HISTOGRAM_BINS as f64 / (max - min) } else { 0.0 };
        let stride = volume.voxels.len().div_ceil(PERCENTILE_SAMPLES).max(1);
        let histogram = with_voxels!(&volume.voxels, data => {
            data.par_chunks(slice_len)
                .enumerate()
                .fold(|| vec![0u64; HISTOGRAM_BINS], |mut bins, (slice, values)| {
                    let (slope, intercept) = volume.rescale.of_slice(slice);
                    for &v in values {
                        let v = super::Voxel::to_f64(v) * slope + intercept;
                        if v.is_finite() {
                            let bin = ((v - min) * bin_scale) as usize;
                            bins[bin.min(HISTOGRAM_BINS - 1)] += 1;
                        }
                    }
                    bins
                })
                .reduce(|| vec![0u64; HISTOGRAM_BINS], |a, b| a.iter().zip(&b).map(|(x, y)| x + y).collect())
        });
        let mut sorted: Vec<f32> = (0..volume.voxels.len())
            .into_par_iter()
            .step_by(stride)
            .filter_map(|index| volume.value_at(index))
            .filter(|v| v.is_finite())
            .map(|v| v as f32)
            .collect();
        sorted.par_sort_unstable_by(f32::total_cmp);
        Self {
            min,
            max,
            mean: moments.mean,
            std: (moments.m2 / moments.count.max(1) as f64).sqrt(),
            nan_count: moments.nan,
            infinite_count: moments.infinite,
            histogram,
            sorted,
        }
    }

    /// Whether there is a voxel that is neither NaN nor infinite.
    pub fn has_numbers(&self) -> bool {
        self.histogram.iter().any(|&count| count > 0)
    }

    /// The value below which `percent` (0..=100) of the finite voxels lie, linearly interpolated.
    pub fn percentile(&self, percent: f64) -> f64 {
        percentile_of_sorted(&self.sorted, percent)
    }
}

/// numpy's default (linear) percentile of sorted values; 0 for none.
pub(crate) fn percentile_of_sorted(sorted: &[f32], percent: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let position = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
    let (low, share) = (position.floor() as usize, position.fract());
    let (a, b) = (f64::from(sorted[low]), f64::from(sorted[(low + 1).min(last)]));
    a + (b - a) * share
}
