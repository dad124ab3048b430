//! Otsu's threshold: where an image falls into dark and bright.
//!
//! Source: Otsu, "A threshold selection method from gray-level histograms", 1979. The histogram is that of scikit-image's `threshold_otsu`:
//! a bin for every value of an image of whole numbers, else 256 bins from the lowest to the highest value; what is above the centre of
//! the chosen bin is bright.

use rayon::prelude::*;

use crate::volume::{Region, Rescale, Volume, with_voxels};
use crate::work::{Stopped, Watch};

/// Bins where values are no whole numbers.
const BINS: usize = 256;
/// Whole numbers that get a bin each, at most.
const MOST_VALUES: f64 = 65536.0;

/// The threshold of the values of a box, in the image's units; values above it are bright. `None` where there are not two values. What is
/// no number does not count.
///
/// # Errors
/// When the work is stopped.
pub fn otsu_threshold(volume: &Volume, frame: usize, region: Region, watch: Watch) -> Result<Option<f64>, Stopped> {
    let [low, high] = range(volume, frame, region, watch.part(0.0, 0.5))?;
    if low >= high {
        return Ok(None);
    }
    let bins = match volume.rescale {
        // Whole numbers lie as far apart as the slope says.
        Rescale::Uniform { slope, .. }
            if volume.voxels.voxel_type().is_integer() && (high - low) / slope.abs() < MOST_VALUES =>
        {
            let count =
                crate::work::numbers::natural(crate::work::numbers::whole(((high - low) / slope.abs()).round()));
            Bins { low, high, count: count + 1, is_whole: true }
        }
        _ => Bins { low, high, count: BINS, is_whole: false },
    };
    let add = |mut counts: Vec<u64>, value: f64| {
        if let Some(count) = bins.of(value).and_then(|bin| counts.get_mut(bin)) {
            *count += 1;
        }
        counts
    };
    let sum = |mut a: Vec<u64>, b: Vec<u64>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    let none = || vec![0u64; bins.count];
    let counts = fold(volume, frame, region, watch.part(0.5, 1.0), none, add, sum)?;
    Ok(Some(bins.centre(best(&counts, bins))))
}

/// Even bins between two values, which are the centres of the first and last one where there is one for each value.
#[derive(Clone, Copy)]
struct Bins {
    low: f64,
    high: f64,
    count: usize,
    is_whole: bool,
}

impl Bins {
    fn step(self) -> f64 {
        let steps = if self.is_whole { self.count - 1 } else { self.count };
        (self.high - self.low) / crate::work::numbers::real(steps)
    }

    fn of(self, value: f64) -> Option<usize> {
        if !value.is_finite() {
            return None;
        }
        let place = (value - self.low) / self.step();
        let place = if self.is_whole { place.round() } else { place.floor() };
        Some(crate::work::numbers::natural(crate::work::numbers::whole(place)).min(self.count - 1))
    }

    fn centre(self, bin: usize) -> f64 {
        let offset = if self.is_whole { 0.0 } else { 0.5 };
        self.low + self.step() * (crate::work::numbers::real(bin) + offset)
    }
}

/// The bin up to which the dark part reaches: the variance between both parts is greatest there; of equals the first.
fn best(counts: &[u64], bins: Bins) -> usize {
    let real = |count: u64| crate::work::numbers::real(count);
    let all: f64 = counts.iter().map(|count| real(*count)).sum();
    let total: f64 = counts.iter().enumerate().map(|(bin, count)| real(*count) * bins.centre(bin)).sum();
    let (mut weight, mut sum) = (0.0, 0.0);
    let mut best = (0, f64::NEG_INFINITY);
    for (bin, count) in counts.iter().enumerate().take(counts.len() - 1) {
        weight += real(*count);
        sum += real(*count) * bins.centre(bin);
        let other = all - weight;
        if weight == 0.0 || other == 0.0 {
            continue;
        }
        let variance = weight * other * (sum / weight - (total - sum) / other).powi(2);
        if variance > best.1 {
            best = (bin, variance);
        }
    }
    best.0
}

fn range(volume: &Volume, frame: usize, region: Region, watch: Watch) -> Result<[f64; 2], Stopped> {
    let none = || [f64::INFINITY, f64::NEG_INFINITY];
    let add = |[low, high]: [f64; 2], value: f64| {
        if value.is_finite() { [low.min(value), high.max(value)] } else { [low, high] }
    };
    fold(volume, frame, region, watch, none, add, |a, b| [a[0].min(b[0]), a[1].max(b[1])])
}

/// Folds the values of a box, slice by slice on all threads.
fn fold<S: Send>(
    volume: &Volume,
    frame: usize,
    region: Region,
    watch: Watch,
    none: impl Fn() -> S + Sync,
    add: impl Fn(S, f64) -> S + Sync,
    join: impl Fn(S, S) -> S + Sync,
) -> Result<S, Stopped> {
    let of_slice = |k: usize| {
        watch.check()?;
        let (slope, intercept) = volume.rescale.of_slice(frame * volume.geometry.shape()[2] + k);
        let mut folded = none();
        with_voxels!(&volume.voxels, data => {
            for j in region.start[1]..region.end[1] {
                let first = volume.index_of([region.start[0], j, k], frame);
                for stored in data.get(first..first + region.end[0] - region.start[0]).unwrap_or(&[]) {
                    folded = add(folded, crate::volume::Voxel::to_f64(*stored) * slope + intercept);
                }
            }
        });
        Ok(folded)
    };
    (region.start[2]..region.end[2]).into_par_iter().map(of_slice).try_reduce(&none, |a, b| Ok(join(a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Voxels};
    use std::sync::Arc;

    fn threshold(voxels: Voxels, rescale: Rescale) -> Option<f64> {
        let shape = [voxels.len(), 1, 1];
        let geometry = Geometry::new(shape, Affine::IDENTITY).unwrap();
        let volume = Volume::new(geometry, voxels, vec![], rescale, String::new());
        otsu_threshold(&volume, 0, Region { start: [0; 3], end: shape }, Watch::unwatched()).unwrap()
    }

    #[test]
    fn values_are_parted_where_scikit_image_parts_them() {
        // threshold_otsu of numpy arrays of these values, scikit-image 0.26.
        let two = Voxels::U8(Arc::new(vec![10, 10, 10, 200, 200]));
        assert_eq!(threshold(two, Rescale::IDENTITY), Some(10.0));
        let many: Vec<i16> = (0..100).map(|n| if n < 60 { n % 20 - 50 } else { 300 + n % 30 }).collect();
        assert_eq!(threshold(Voxels::I16(Arc::new(many)), Rescale::IDENTITY), Some(-31.0));
        let real: Vec<f64> = (0..50).map(|n| f64::from(n % 10) + if n < 25 { 0.0 } else { 80.0 }).collect();
        let found = threshold(Voxels::F64(Arc::new(real)), Rescale::IDENTITY).unwrap();
        assert!((found - 8.865_234_375).abs() < 1e-9, "{found}");
    }

    #[test]
    fn the_bright_side_follows_the_units_and_one_value_has_no_threshold() {
        let stored = Voxels::U8(Arc::new(vec![10, 10, 10, 200, 200]));
        // Stored 200 is the darker one here.
        let turned = threshold(stored, Rescale::Uniform { slope: -2.0, intercept: 1000.0 }).unwrap();
        assert!((600.0..980.0).contains(&turned), "{turned}");
        assert_eq!(threshold(Voxels::F32(Arc::new(vec![3.0, f32::NAN, 3.0])), Rescale::IDENTITY), None);
    }
}
