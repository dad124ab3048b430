//! Changes of intensity: noise, blur, contrast, brightness, resolution, gamma.

use super::settings::Augmentation;
use crate::engine::Random;

/// Changes one channel with its neighbouring slices: `values` holds slices of `size` (rows, columns), one after the other.
pub fn change(chances: &Augmentation, values: &mut [f32], size: [usize; 2], random: &mut Random) {
    if random.chance(chances.noise) {
        let deviation = random.between(0.0, 0.1).sqrt();
        values.iter_mut().for_each(|v| *v += (random.normal() * deviation) as f32);
    }
    if random.chance(chances.blur) {
        let kernel = gaussian(random.between(0.5, 1.0));
        values.chunks_exact_mut(size[0] * size[1]).for_each(|slice| blur(slice, size, &kernel));
    }
    if random.chance(chances.contrast) {
        let factor = random.between(0.75, 1.25) as f32;
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter_mut().for_each(|v| *v = (*v - mean) * factor + mean);
    }
    if random.chance(chances.contrast) {
        let factor = random.between(0.75, 1.25) as f32;
        values.iter_mut().for_each(|v| *v *= factor);
    }
    if random.chance(chances.low_resolution) {
        let share = random.between(0.5, 1.0);
        values.chunks_exact_mut(size[0] * size[1]).for_each(|slice| lower_resolution(slice, size, share));
    }
    if random.chance(chances.gamma) {
        gamma(values, random.between(0.7, 1.5) as f32, random.chance(0.25));
    }
}

/// Weights of a normalised Gaussian from the middle outwards.
fn gaussian(deviation: f64) -> Vec<f32> {
    let reach = (3.0 * deviation).ceil() as usize;
    let weights: Vec<f64> = (0..=reach).map(|n| (-0.5 * (n as f64 / deviation).powi(2)).exp()).collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|w| (w / sum) as f32).collect()
}

/// Blurs along columns, then along rows; at the border the last pixel repeats.
fn blur(slice: &mut [f32], [rows, columns]: [usize; 2], kernel: &[f32]) {
    let mut line = Vec::with_capacity(rows.max(columns));
    let mut along = |slice: &mut [f32], start: usize, stride: usize, length: usize| {
        line.clear();
        line.extend((0..length).map(|n| slice[start + n * stride]));
        for n in 0..length {
            let mut sum = kernel[0] * line[n];
            for (reach, weight) in kernel.iter().enumerate().skip(1) {
                sum += weight * (line[n.saturating_sub(reach)] + line[(n + reach).min(length - 1)]);
            }
            slice[start + n * stride] = sum;
        }
    };
    (0..rows).for_each(|row| along(slice, row * columns, 1, columns));
    (0..columns).for_each(|column| along(slice, column, columns, rows));
}

/// Samples a slice on a coarser grid, and brings that back linearly.
fn lower_resolution(slice: &mut [f32], [rows, columns]: [usize; 2], share: f64) {
    let coarse = [rows, columns].map(|n| ((n as f64 * share).round() as usize).max(1));
    // Centres of coarse pixels in fine ones, and back.
    let fine = |n: usize, axis: usize| {
        let length = [rows, columns][axis];
        (((n as f64 + 0.5) * length as f64 / coarse[axis] as f64) as usize).min(length - 1)
    };
    let small: Vec<f32> =
        (0..coarse[0] * coarse[1]).map(|n| slice[fine(n / coarse[1], 0) * columns + fine(n % coarse[1], 1)]).collect();
    let back = |n: usize, axis: usize| {
        let last = coarse[axis] as f64 - 1.0;
        let at = ((n as f64 + 0.5) * coarse[axis] as f64 / [rows, columns][axis] as f64 - 0.5).clamp(0.0, last);
        let low = at.floor();
        (low as usize, (low + 1.0).min(last) as usize, (at - low) as f32)
    };
    for row in 0..rows {
        let (r0, r1, fr) = back(row, 0);
        for column in 0..columns {
            let (c0, c1, fc) = back(column, 1);
            let line = |r: usize| small[r * coarse[1] + c0] * (1.0 - fc) + small[r * coarse[1] + c1] * fc;
            slice[row * columns + column] = line(r0) * (1.0 - fr) + line(r1) * fr;
        }
    }
}

/// A gamma curve between the smallest and the largest value, that keeps mean and deviation.
fn gamma(values: &mut [f32], exponent: f32, inverted: bool) {
    let moments = |values: &[f32]| {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
        (mean, variance.sqrt())
    };
    let (mean, deviation) = moments(values);
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high - low < 1e-6 {
        return;
    }
    for v in values.iter_mut() {
        let share = (*v - low) / (high - low);
        *v = if inverted { 1.0 - (1.0 - share).powf(exponent) } else { share.powf(exponent) };
    }
    let (new_mean, new_deviation) = moments(values);
    values.iter_mut().for_each(|v| *v = (*v - new_mean) / new_deviation.max(1e-6) * deviation + mean);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_keeps_mean_and_deviation() {
        let mut values: Vec<f32> = (0..100).map(|v| v as f32 / 10.0).collect();
        gamma(&mut values, 1.4, false);
        let mean = values.iter().sum::<f32>() / 100.0;
        assert!((mean - 4.95).abs() < 1e-3, "{mean}");
        assert!(values.windows(2).all(|w| w[0] <= w[1]));
    }

    #[test]
    fn a_point_is_blurred_to_a_gaussian_and_a_plane_stays() {
        let mut point = vec![0.0; 81];
        point[40] = 1.0;
        blur(&mut point, [9, 9], &gaussian(0.8));
        assert!((point.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let ratio = point[41] / point[40];
        assert!((ratio - (-0.5f32 / 0.64).exp()).abs() < 1e-5, "{ratio}");
        assert_eq!(point[31], point[49]);
        let mut flat = vec![3.0; 20];
        blur(&mut flat, [4, 5], &gaussian(1.0));
        assert!(flat.iter().all(|v| (v - 3.0).abs() < 1e-5));
    }

    #[test]
    fn a_lower_resolution_keeps_ramps_and_the_full_one_everything() {
        let ramp: Vec<f32> = (0..16 * 16).map(|n| (n % 16) as f32).collect();
        let mut same = ramp.clone();
        lower_resolution(&mut same, [16, 16], 1.0);
        assert_eq!(same, ramp);
        let mut coarse = ramp.clone();
        lower_resolution(&mut coarse, [16, 16], 0.5);
        let change = coarse.iter().zip(&ramp).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(change > 0.2 && change <= 1.0, "{change}");
    }
}
