//! Augmentation of slices: nnU-Net's 2-D set, less what small crops do not need (blur, low resolution).

use serde::{Deserialize, Serialize};

use super::sampling::PreparedCase;
use crate::engine::Random;

/// Probabilities and ranges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Whether slices are mirrored along the axes that the case allows (half the time each).
    pub mirror: bool,
    /// Probability of a rotation.
    pub rotate: f64,
    /// Largest angle in degrees.
    pub degrees: f64,
    /// Probability of a change of size.
    pub scale: f64,
    /// Smallest and largest factor.
    pub scale_range: [f64; 2],
    /// Probability of noise with a variance up to 0.1.
    pub noise: f64,
    /// Probability of a factor on the deviation, 0.75 to 1.25 (contrast), and on the values (brightness).
    pub contrast: f64,
    /// Probability of a gamma curve, 0.7 to 1.5.
    pub gamma: f64,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            mirror: true,
            rotate: 0.4,
            degrees: 25.0,
            scale: 0.4,
            scale_range: [0.8, 1.25],
            noise: 0.15,
            contrast: 0.2,
            gamma: 0.3,
        }
    }
}

/// Shape of a training example.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Height and width of the patch.
    pub patch: [usize; 2],
    /// Neighbouring slices on either side.
    pub neighbours: usize,
    /// Whether the image is mirrored beyond its border (networks without padding) instead of being 0.
    pub mirrored_border: bool,
}

/// One training example: channels (with neighbours) and labels of a patch.
pub struct Example {
    /// `[channel][pixel]`, one after the other.
    pub image: Vec<f32>,
    /// Labels.
    pub labels: Vec<u16>,
}

impl Augmentation {
    /// Cuts a patch around the middle of a slice (moved at random where the slice is larger), under a random similarity
    /// transform, and changes its intensities. Beyond the slice is the mean (0) and background.
    pub fn example(&self, case: &PreparedCase, slice: usize, cut: Cut, random: &mut Random) -> Example {
        let patch = cut.patch;
        let mut warp = Warp::identity(case.size, patch);
        for axis in 0..2 {
            let room = case.size[axis] as f64 - patch[axis] as f64;
            if room > 0.0 {
                warp.centre[axis] += random.between(-room / 2.0, room / 2.0);
            }
        }
        if random.chance(self.rotate) {
            warp.turn(random.between(-self.degrees, self.degrees).to_radians());
        }
        if random.chance(self.scale) {
            warp.grow(random.between(self.scale_range[0], self.scale_range[1]));
        }
        if self.mirror {
            for axis in 0..2 {
                if case.may_mirror[axis] && random.chance(0.5) {
                    warp.mirror(axis);
                }
            }
        }
        self.sample(case, slice, cut, &warp, random)
    }

    fn sample(&self, case: &PreparedCase, slice: usize, cut: Cut, warp: &Warp, random: &mut Random) -> Example {
        let Cut { patch, neighbours, mirrored_border } = cut;
        let last = case.slice_count() as i64 - 1;
        let mut image = Vec::new();
        for channel in &case.images {
            let start = image.len();
            for offset in -(neighbours as i64)..=neighbours as i64 {
                let source = &channel[(slice as i64 + offset).clamp(0, last) as usize];
                warp.each(patch, |at| image.push(linear(source, case.size, at, mirrored_border)));
            }
            self.change_intensities(&mut image[start..], random);
        }
        let mut labels = Vec::with_capacity(patch[0] * patch[1]);
        warp.each(patch, |at| labels.push(nearest(&case.labels[slice], case.size, at)));
        Example { image, labels }
    }

    fn change_intensities(&self, values: &mut [f32], random: &mut Random) {
        if random.chance(self.noise) {
            let deviation = random.between(0.0, 0.1).sqrt();
            values.iter_mut().for_each(|v| *v += (random.normal() * deviation) as f32);
        }
        if random.chance(self.contrast) {
            let factor = random.between(0.75, 1.25) as f32;
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            values.iter_mut().for_each(|v| *v = (*v - mean) * factor + mean);
        }
        if random.chance(self.contrast) {
            let factor = random.between(0.75, 1.25) as f32;
            values.iter_mut().for_each(|v| *v *= factor);
        }
        if random.chance(self.gamma) {
            gamma(values, random.between(0.7, 1.5) as f32, random.chance(0.25));
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

/// A similarity transform from patch to slice coordinates.
struct Warp {
    centre: [f64; 2],
    patch_centre: [f64; 2],
    matrix: [[f64; 2]; 2],
}

impl Warp {
    fn identity(size: [usize; 2], patch: [usize; 2]) -> Self {
        // Whole pixels fall on whole pixels, so that an unmoved patch is an exact copy.
        let middle = |n: usize| (n / 2) as f64;
        Self { centre: size.map(middle), patch_centre: patch.map(middle), matrix: [[1.0, 0.0], [0.0, 1.0]] }
    }

    fn turn(&mut self, angle: f64) {
        let (s, c) = angle.sin_cos();
        self.after([[c, -s], [s, c]]);
    }

    /// Makes things larger by this factor.
    fn grow(&mut self, factor: f64) {
        self.after([[1.0 / factor, 0.0], [0.0, 1.0 / factor]]);
    }

    fn mirror(&mut self, axis: usize) {
        let mut flip = [[1.0, 0.0], [0.0, 1.0]];
        flip[axis][axis] = -1.0;
        self.after(flip);
    }

    fn after(&mut self, m: [[f64; 2]; 2]) {
        let a = self.matrix;
        self.matrix = [0, 1].map(|r| [0, 1].map(|c| a[r][0] * m[0][c] + a[r][1] * m[1][c]));
    }

    fn each(&self, patch: [usize; 2], mut visit: impl FnMut([f64; 2])) {
        for row in 0..patch[0] {
            for column in 0..patch[1] {
                let d = [row as f64 - self.patch_centre[0], column as f64 - self.patch_centre[1]];
                visit([0, 1].map(|r| self.centre[r] + self.matrix[r][0] * d[0] + self.matrix[r][1] * d[1]));
            }
        }
    }
}

fn linear(image: &[f32], size: [usize; 2], at: [f64; 2], mirrored: bool) -> f32 {
    let inside = |at: i64, length: usize| {
        let last = length as i64 - 1;
        if (0..=last).contains(&at) {
            Some(at as usize)
        } else if mirrored && last > 0 {
            let folded = at.rem_euclid(2 * last);
            Some((if folded > last { 2 * last - folded } else { folded }) as usize)
        } else {
            None
        }
    };
    let value = |row: i64, column: i64| {
        inside(row, size[0]).zip(inside(column, size[1])).map_or(0.0, |(r, c)| image[r * size[1] + c])
    };
    let (r, c) = (at[0].floor(), at[1].floor());
    let (fr, fc) = ((at[0] - r) as f32, (at[1] - c) as f32);
    let (r, c) = (r as i64, c as i64);
    let top = value(r, c) * (1.0 - fc) + value(r, c + 1) * fc;
    let bottom = value(r + 1, c) * (1.0 - fc) + value(r + 1, c + 1) * fc;
    top * (1.0 - fr) + bottom * fr
}

fn nearest(labels: &[u16], size: [usize; 2], at: [f64; 2]) -> u16 {
    let (r, c) = (at[0].round(), at[1].round());
    let inside = r >= 0.0 && c >= 0.0 && r < size[0] as f64 && c < size[1] as f64;
    if inside { labels[r as usize * size[1] + c as usize] } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> PreparedCase {
        let image: Vec<f32> = (0..20).map(|v| v as f32).collect();
        let labels: Vec<u16> = (0..20).map(|v| u16::from(v % 5 == 1)).collect();
        PreparedCase::new("case".into(), [4, 5], vec![vec![image; 3]], vec![labels; 3], 2)
    }

    fn cut(patch: [usize; 2], neighbours: usize) -> Cut {
        Cut { patch, neighbours, mirrored_border: false }
    }

    fn still() -> Augmentation {
        Augmentation {
            mirror: false,
            rotate: 0.0,
            scale: 0.0,
            noise: 0.0,
            contrast: 0.0,
            gamma: 0.0,
            ..Augmentation::default()
        }
    }

    #[test]
    fn without_augmentation_a_patch_is_a_padded_copy() {
        let example = still().example(&case(), 1, cut([6, 7], 1), &mut Random::new(1, 0));
        assert_eq!(example.image.len(), 3 * 42);
        assert_eq!(example.image[..7], [0.0; 7]);
        assert_eq!(example.image[7..14], [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0]);
        assert_eq!(example.labels[7..14], [0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn image_and_labels_move_together() {
        let augmentation = Augmentation { mirror: true, rotate: 1.0, degrees: 40.0, scale: 1.0, ..still() };
        let mut random = Random::new(3, 0);
        // A case whose image is its labels: after any warp, bright pixels are labelled and dark ones are not.
        let labels: Vec<u16> = (0..400).map(|v| u16::from((v / 20) > 8 && v % 20 > 5)).collect();
        let image = labels.iter().map(|&l| f32::from(l)).collect();
        let case = PreparedCase::new("case".into(), [20, 20], vec![vec![image]], vec![labels], 2);
        for _ in 0..20 {
            let example = augmentation.example(&case, 0, cut([16, 16], 0), &mut random);
            for (value, label) in example.image.iter().zip(&example.labels) {
                assert!((*value - f32::from(*label)).abs() <= 0.76, "{value} {label}");
            }
        }
    }

    #[test]
    fn gamma_keeps_mean_and_deviation() {
        let mut values: Vec<f32> = (0..100).map(|v| v as f32 / 10.0).collect();
        gamma(&mut values, 1.4, false);
        let mean = values.iter().sum::<f32>() / 100.0;
        assert!((mean - 4.95).abs() < 1e-3, "{mean}");
        assert!(values.windows(2).all(|w| w[0] <= w[1]));
    }
}
