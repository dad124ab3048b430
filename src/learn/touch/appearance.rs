//! How a scene is photographed: blur, shade, contrast, noise, resolution, the field of view.

use std::f64::consts::PI;

use super::noise::{field, octaves, white};
use super::shapes::{Outline, anywhere};
use crate::engine::Random;
use crate::pipeline::smooth;

/// Changes a picture with values of about 0 to 1; gives what lies outside the field of view, where there is one.
pub fn photographed(image: &mut Vec<f32>, size: [usize; 2], is_made: bool, random: &mut Random) -> Option<Vec<bool>> {
    // Real pictures have their own blur.
    if random.chance(if is_made { 0.85 } else { 0.15 }) {
        let most = if random.chance(0.2) { 2.0 } else { 1.0 };
        *image = smooth(image, size, random.between(0.3, most));
    }
    let large = size[0].min(size[1]) as f64;
    if random.chance(0.5) {
        let shade = field(size, random.between(0.4, 1.2) * large, random);
        let strength = random.between(0.05, 0.35) as f32;
        image.iter_mut().zip(shade).for_each(|(value, shade)| *value *= (strength * shade).exp());
    }
    if random.chance(0.4) {
        let exponent = random.between(0.5, 2.0) as f32;
        image.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.5).powf(exponent));
    }
    if random.chance(0.35) {
        image.iter_mut().for_each(|value| *value = 1.0 - *value);
    }
    if random.chance(0.2) {
        // A window that cuts off the brightest or darkest.
        let [low, high] = [random.between(-0.1, 0.3), random.between(0.7, 1.1)].map(|v| v as f32);
        image.iter_mut().for_each(|value| *value = value.clamp(low, high));
    }
    let strength = random.between(0.0, 1.0).powi(2) as f32;
    match random.index(5) {
        0 | 1 => {
            let noise = white(image.len(), random);
            image.iter_mut().zip(noise).for_each(|(value, noise)| *value += 0.15 * strength * noise);
        }
        2 => {
            // Noise of a scanner that has smoothed it.
            let noise = smooth(&white(image.len(), random), size, random.between(0.6, 1.5));
            image.iter_mut().zip(noise).for_each(|(value, noise)| *value += 0.4 * strength * noise);
        }
        3 => {
            // Speckle grows with the signal.
            let noise = smooth(&white(image.len(), random), size, random.between(0.4, 1.2));
            image.iter_mut().zip(noise).for_each(|(value, noise)| *value *= 1.0 + 0.7 * strength * noise);
        }
        _ => {}
    }
    if random.chance(0.1) {
        coarsen(image, size, 2 + random.index(2));
    }
    if random.chance(0.1) {
        // Stripes across the picture, as rows of sensors and motion leave them.
        let stripes = octaves([1, size[1]], random.between(2.0, 20.0), 2, random);
        let strength = random.between(0.01, 0.06) as f32;
        for row in image.chunks_mut(size[1]) {
            row.iter_mut().zip(&stripes).for_each(|(value, stripe)| *value += strength * stripe);
        }
    }
    random.chance(0.15).then(|| cut(image, size, random))
}

/// Means of blocks of `by` pixels each way, in place of the pixels.
fn coarsen(image: &mut [f32], [rows, columns]: [usize; 2], by: usize) {
    for row in (0..rows).step_by(by) {
        for column in (0..columns).step_by(by) {
            let pixels = || {
                let rows = row..(row + by).min(rows);
                rows.flat_map(|r| (column..(column + by).min(columns)).map(move |c| r * columns + c))
            };
            let mean = pixels().map(|at| image[at]).sum::<f32>() / pixels().count() as f32;
            pixels().for_each(|at| image[at] = mean);
        }
    }
}

/// Blackens or whitens what lies outside a disc, a half plane or a frame; gives that.
fn cut(image: &mut [f32], size: [usize; 2], random: &mut Random) -> Vec<bool> {
    let large = size[0].min(size[1]) as f64;
    let mut is_outside = vec![true; image.len()];
    match random.index(3) {
        0 => {
            let middle = size.map(|n| n as f64 * random.between(0.4, 0.6));
            let mut field = Outline::new(middle, large * random.between(0.4, 0.6), 0.0, random);
            field.radii = [field.radii[0]; 2];
            field.each_pixel(size, |at, _| is_outside[at] = false);
        }
        1 => {
            let angle = random.between(0.0, 2.0 * PI);
            let point = anywhere(size, random).map(|at| at * 0.3);
            for (at, outside) in is_outside.iter_mut().enumerate() {
                let off = [(at / size[1]) as f64 - point[0], (at % size[1]) as f64 - point[1]];
                *outside = off[0] * angle.sin() + off[1] * angle.cos() < -0.25 * large;
            }
        }
        _ => {
            let [top, left] = [0, 1].map(|axis| (size[axis] as f64 * random.between(0.0, 0.15)) as usize);
            for (at, outside) in is_outside.iter_mut().enumerate() {
                let (row, column) = (at / size[1], at % size[1]);
                *outside = row < top || row + top >= size[0] || column < left || column + left >= size[1];
            }
        }
    }
    let fill = if random.chance(0.85) { 0.0 } else { 1.0 };
    image.iter_mut().zip(&is_outside).filter(|(_, outside)| **outside).for_each(|(value, _)| *value = fill);
    is_outside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stay_finite_and_what_is_cut_off_is_flat() {
        let mut cuts = 0;
        for seed in 0..60 {
            let mut image: Vec<f32> = (0..64 * 48).map(|n| (n % 48) as f32 / 48.0).collect();
            let outside = photographed(&mut image, [64, 48], true, &mut Random::new(seed, 2));
            assert!(image.iter().all(|value| value.is_finite()), "{seed}");
            if let Some(outside) = outside {
                cuts += 1;
                assert!(image.iter().zip(&outside).filter(|(_, out)| **out).all(|(v, _)| *v == 0.0 || *v == 1.0));
                assert!(outside.iter().filter(|out| !**out).count() > 300, "{seed}");
            }
        }
        assert!((2..25).contains(&cuts), "{cuts}");
    }
}
