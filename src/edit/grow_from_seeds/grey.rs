//! The image in a box as 256 greys: without its noise and without its rarest values.

use rayon::prelude::*;

use super::request::{SeedError, SeedGrowing};
use crate::volume::{Region, Voxel, with_voxels};
use crate::work::memory;
use crate::work::{Stopped, Watch};

/// Width of the Gaussian that takes the noise away, in units of the finest spacing.
const SIGMA: f64 = 1.0;
/// Shares of the values that are below black and above white.
const RARE: f64 = 0.01;
/// Values that are sorted to find black and white.
const SAMPLE: usize = 1 << 18;
/// Slices that are smoothed together by one thread.
const SLAB: usize = 16;

/// One grey per voxel of the box, i fastest.
pub(super) fn greys(growing: &SeedGrowing, watch: Watch) -> Result<Vec<u8>, SeedError> {
    let region = growing.region;
    let size = region.shape();
    let count = size.iter().product();
    memory::ensure::<u8>(count)?;
    let mut greys = vec![0u8; count];
    let [black, white] = range(growing);
    let spacing = growing.volume.geometry.spacing_mm();
    let finest = growing.volume.geometry.finest_mm();
    let kernels = [0, 1, 2].map(|axis| kernel(SIGMA * finest / spacing[axis]));
    let done = std::sync::atomic::AtomicUsize::new(0);
    let slabs = size[2].div_ceil(SLAB);
    let plane = size[0] * size[1];
    greys.par_chunks_mut((plane * SLAB).max(1)).enumerate().try_for_each(|(slab, out)| -> Result<(), Stopped> {
        let reach = kernels[2].len() / 2;
        let first = slab * SLAB;
        let slices = first.saturating_sub(reach)..(first + SLAB + reach).min(size[2]);
        let smooth = |slice: usize| {
            watch.check()?;
            Ok(smooth_slice(growing, region, slice, [black, white], &kernels))
        };
        let flat: Vec<Vec<f32>> = slices.clone().map(smooth).collect::<Result<_, Stopped>>()?;
        for (n, out) in out.chunks_mut(plane).enumerate() {
            let at = first + n;
            let mut sums = vec![0.0f32; plane];
            for (tap, weight) in kernels[2].iter().enumerate() {
                // The border's slice counts again beyond it.
                let near = (at + tap).saturating_sub(reach).min(size[2] - 1);
                for (sum, value) in sums.iter_mut().zip(&flat[near - slices.start]) {
                    *sum += weight * value;
                }
            }
            for (grey, value) in out.iter_mut().zip(sums) {
                *grey = (value * 255.0 + 0.5) as u8;
            }
        }
        let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        watch.at(crate::work::numbers::share(done, slabs))
    })?;
    Ok(greys)
}

/// The values that are shown black and white: the first and the last percentile of the box, from evenly spread samples.
fn range(growing: &SeedGrowing) -> [f64; 2] {
    let region = growing.region;
    let size = region.shape();
    let count: usize = size.iter().product();
    // An odd step does not meet the same column of every row.
    let step = (count / SAMPLE).max(1) | 1;
    let value = |n: usize| {
        let at = [n % size[0], n / size[0] % size[1], n / (size[0] * size[1])];
        growing.volume.value([0, 1, 2].map(|axis| region.start[axis] + at[axis]), growing.frame)
    };
    let mut values: Vec<f64> = (0..count).step_by(step).map(value).filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return [0.0, 1.0] };
    let rank = (last as f64 * RARE) as usize;
    let [black, white] = [values[rank], values[last - rank]];
    // A structure may be smaller than what is rare.
    if black < white { [black, white] } else { [values[0], values[last]] }
}

/// Weights of a Gaussian cut off at three of its widths; they add up to 1.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as usize;
    let weights: Vec<f64> =
        (0..=2 * reach).map(|n| (-0.5 * ((n as f64 - reach as f64) / sigma).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| crate::work::numbers::single(weight / sum)).collect()
}

/// A k slice of the box from black (0) to white (1), smoothed along i and j.
fn smooth_slice(
    growing: &SeedGrowing,
    region: Region,
    slice: usize,
    [black, white]: [f64; 2],
    kernels: &[Vec<f32>; 3],
) -> Vec<f32> {
    let size = region.shape();
    let volume = growing.volume;
    let k = region.start[2] + slice;
    let (slope, intercept) = volume.rescale.of_slice(growing.frame * volume.geometry.shape()[2] + k);
    let scale = if white > black { 1.0 / (white - black) } else { 0.0 };
    let mut along_i = Vec::with_capacity(size[0] * size[1]);
    let mut row = Vec::with_capacity(size[0]);
    for j in 0..size[1] {
        let first = volume.index_of([region.start[0], region.start[1] + j, k], growing.frame);
        row.clear();
        with_voxels!(&volume.voxels, data => {
            row.extend(data.get(first..first + size[0]).unwrap_or(&[]).iter().map(|stored| {
                let grey = (stored.to_f64() * slope + intercept - black) * scale;
                // What is no number is black.
                if grey > 0.0 { grey.min(1.0) as f32 } else { 0.0 }
            }));
        });
        smooth_row(&row, &kernels[0], &mut along_i);
    }
    let reach = kernels[1].len() / 2;
    let mut smooth = vec![0.0; size[0] * size[1]];
    for (j, sums) in smooth.chunks_mut(size[0].max(1)).enumerate() {
        for (tap, weight) in kernels[1].iter().enumerate() {
            let near = (j + tap).saturating_sub(reach).min(size[1] - 1);
            for (sum, value) in sums.iter_mut().zip(&along_i[near * size[0]..]) {
                *sum += weight * value;
            }
        }
    }
    smooth
}

/// Appends a row that is smoothed; beyond its ends the last value counts again.
fn smooth_row(row: &[f32], kernel: &[f32], out: &mut Vec<f32>) {
    let (Some(first), Some(last)) = (row.first(), row.last()) else { return };
    let reach = kernel.len() / 2;
    let mut padded = vec![*first; reach];
    padded.extend_from_slice(row);
    padded.resize(row.len() + 2 * reach, *last);
    out.extend(padded.windows(kernel.len()).map(|near| near.iter().zip(kernel).map(|(v, w)| v * w).sum::<f32>()));
}
