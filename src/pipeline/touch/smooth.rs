//! Gaussian smoothing of a plane.

use rayon::prelude::*;

/// Planes of so many pixels are worth several threads.
const WORTH_THREADS: usize = 1 << 15;
/// Rows that a thread takes at a time.
const ROWS: usize = 16;

/// A plane of `[rows, columns]`, smoothed by a Gaussian of this width in pixels, cut off at three widths. Beyond the border the last pixel
/// repeats. Outside numbers stay where they are: the plane must be finite.
pub fn smooth(plane: &[f32], [rows, columns]: [usize; 2], sigma: f64) -> Vec<f32> {
    let kernel = kernel(sigma);
    let reach = kernel.len() / 2;
    let mut along = vec![0.0f32; plane.len()];
    let row = |(out, row): (&mut [f32], &[f32])| {
        let (Some(first), Some(last)) = (row.first(), row.last()) else { return };
        let mut padded = vec![*first; reach];
        padded.extend_from_slice(row);
        padded.resize(columns + 2 * reach, *last);
        for (tap, weight) in kernel.iter().enumerate() {
            out.iter_mut().zip(&padded[tap..]).for_each(|(sum, value)| *sum += weight * value);
        }
    };
    let across = |(n, out): (usize, &mut [f32]), along: &[f32]| {
        for (tap, weight) in kernel.iter().enumerate() {
            let near = (n + tap).saturating_sub(reach).min(rows - 1);
            let source = &along[near * columns..][..columns];
            out.iter_mut().zip(source).for_each(|(sum, value)| *sum += weight * value);
        }
    };
    let mut smoothed = vec![0.0f32; plane.len()];
    if plane.len() >= WORTH_THREADS {
        let chunk = ROWS * columns;
        along.par_chunks_mut(chunk).zip(plane.par_chunks(chunk)).for_each(|(out, rows)| {
            out.chunks_mut(columns).zip(rows.chunks(columns)).for_each(row);
        });
        smoothed.par_chunks_mut(columns).with_min_len(ROWS).enumerate().for_each(|each| across(each, &along));
    } else if columns > 0 {
        along.chunks_mut(columns).zip(plane.chunks(columns)).for_each(row);
        smoothed.chunks_mut(columns).enumerate().for_each(|each| across(each, &along));
    }
    smoothed
}

/// Weights of a Gaussian that add up to 1.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil().max(0.0) as usize;
    let weight = |n: usize| (-0.5 * ((n as f64 - reach as f64) / sigma.max(1e-6)).powi(2)).exp();
    let sum: f64 = (0..=2 * reach).map(weight).sum();
    (0..=2 * reach).map(|n| (weight(n) / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_gaussian_and_a_flat_plane_stays() {
        let mut point = vec![0.0; 21 * 17];
        point[10 * 17 + 8] = 1.0;
        let smoothed = smooth(&point, [21, 17], 1.5);
        assert!((smoothed.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let ratio = smoothed[10 * 17 + 10] / smoothed[10 * 17 + 8];
        assert!((f64::from(ratio) - (-0.5 * (2.0f64 / 1.5).powi(2)).exp()).abs() < 1e-5, "{ratio}");
        // Large enough for several threads.
        let flat = smooth(&vec![0.3; 256 * 200], [256, 200], 4.0);
        assert!(flat.iter().all(|value| (value - 0.3).abs() < 1e-5));
        assert_eq!(smooth(&[], [0, 0], 1.0), Vec::<f32>::new());
    }
}
