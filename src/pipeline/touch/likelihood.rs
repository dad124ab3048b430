//! How likely pixels belong to the structure by what they look like: Bayes' rule over histograms of features under the strokes, as in
//! geodesic matting (Bai and Sapiro 2007), with texture and local contrast beside the grey.

use super::prompt::{OFF, ON};
use super::smooth::smooth;

/// Cells of a histogram of one feature, and of each of two.
const FINE: usize = 64;
const COARSE: usize = 24;
/// Width of the Gaussian over the cells of the histograms.
const SPREAD: f64 = 1.5;
/// Share of the whole picture in what is off the structure, where there are strokes off it.
const ANYWHERE: f64 = 0.15;
/// Share of all cells that both have everywhere, so that what is under no stroke belongs to neither.
const UNKNOWN: f64 = 0.05;

/// Planes of features, from 0 to 1.
pub struct Features {
    /// The grey, a little smoothed.
    pub grey: Vec<f32>,
    /// Grey and deviation around the pixel.
    texture: [Vec<f32>; 2],
    /// How much brighter the pixel is than its surroundings, and these.
    contrast: [Vec<f32>; 2],
}

impl Features {
    /// Of a picture with values from 0 to 1.
    pub fn new(image: &[f32], size: [usize; 2]) -> Self {
        let grey = smooth(image, size, 0.7);
        let near = smooth(image, size, 2.0);
        let squares: Vec<f32> = image.iter().map(|value| value * value).collect();
        let squares = smooth(&squares, size, 2.0);
        let deviation = squares.iter().zip(&near).map(|(square, mean)| {
            // The root spreads the small deviations that noise makes.
            (2.0 * (square - mean * mean).max(0.0).sqrt()).min(1.0).sqrt()
        });
        let deviation: Vec<f32> = deviation.collect();
        let around = smooth(image, size, 5.0);
        let brighter = grey.iter().zip(&around).map(|(grey, around)| (0.5 + 1.5 * (grey - around)).clamp(0.0, 1.0));
        let brighter: Vec<f32> = brighter.collect();
        Self { grey, texture: [near, deviation], contrast: [brighter, around] }
    }

    /// The probability that a pixel belongs to the structure by its grey, its texture, and its contrast, each alone. Without strokes off
    /// the structure the whole picture stands for them.
    pub fn likelihoods(&self, strokes: &[u8]) -> [Vec<f32>; 3] {
        let cell = |value: f32, cells: usize| ((value * cells as f32) as usize).min(cells - 1);
        let single: Vec<usize> = self.grey.iter().map(|value| cell(*value, FINE)).collect();
        let pair = |[a, b]: &[Vec<f32>; 2]| -> Vec<usize> {
            a.iter().zip(b).map(|(a, b)| cell(*a, COARSE) * COARSE + cell(*b, COARSE)).collect()
        };
        [
            by_histograms(&single, [1, FINE], strokes),
            by_histograms(&pair(&self.texture), [COARSE, COARSE], strokes),
            by_histograms(&pair(&self.contrast), [COARSE, COARSE], strokes),
        ]
    }
}

/// The probability of the structure for each pixel by the cell of a histogram that it is in.
fn by_histograms(cells: &[usize], shape: [usize; 2], strokes: &[u8]) -> Vec<f32> {
    let count = |is_counted: &dyn Fn(u8) -> bool| {
        let mut counts = vec![0.0f32; shape[0] * shape[1]];
        let counted = cells.iter().zip(strokes).filter(|(_, stroke)| is_counted(**stroke));
        counted.for_each(|(cell, _)| counts[*cell] += 1.0);
        let counts = if shape[0] == 1 { along(&counts) } else { smooth(&counts, shape, SPREAD) };
        let sum: f32 = counts.iter().sum();
        let flat = 1.0 / counts.len() as f64;
        (sum > 0.0).then(|| -> Vec<f64> {
            let share = |count: &f32| f64::from(*count) / f64::from(sum);
            counts.iter().map(|count| (1.0 - UNKNOWN) * share(count) + UNKNOWN * flat).collect()
        })
    };
    let all = count(&|_| true).unwrap_or_default();
    let Some(on) = count(&|stroke| stroke == ON) else { return vec![0.5; cells.len()] };
    let off = match count(&|stroke| stroke == OFF) {
        Some(off) => off.iter().zip(&all).map(|(off, all)| (1.0 - ANYWHERE) * off + ANYWHERE * all).collect(),
        None => all,
    };
    let chances: Vec<f32> = on.iter().zip(&off).map(|(on, off)| (on / (on + off)) as f32).collect();
    cells.iter().map(|cell| chances[*cell]).collect()
}

/// A histogram of one feature, smoothed along its only axis.
fn along(counts: &[f32]) -> Vec<f32> {
    let reach = (3.0 * SPREAD) as i64;
    let weight = |n: i64| (-0.5 * (n as f64 / SPREAD).powi(2)).exp() as f32;
    let value = |at: i64| usize::try_from(at).ok().and_then(|at| counts.get(at)).copied().unwrap_or(0.0);
    (0..counts.len() as i64).map(|at| (-reach..=reach).map(|n| weight(n) * value(at + n)).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_like_those_under_the_strokes_are_likely_also_where_no_path_leads() {
        // Three bright bars on a dark ground; one of them is marked.
        let image: Vec<f32> = (0..60 * 60).map(|n| if n % 60 % 20 < 8 { 0.9 } else { 0.2 }).collect();
        let mut strokes = vec![0; 3600];
        (10..50).for_each(|row| strokes[row * 60 + 24] = ON);
        let features = Features::new(&image, [60, 60]);
        for off in [false, true] {
            if off {
                (10..50).for_each(|row| strokes[row * 60 + 14] = OFF);
            }
            let [grey, _, contrast] = features.likelihoods(&strokes);
            let (bar, ground) = (30 * 60 + 44, 30 * 60 + 34);
            assert!(grey[bar] > 0.65 && grey[ground] < 0.3, "{} {}", grey[bar], grey[ground]);
            assert!(contrast[bar] > contrast[ground] + 0.3);
        }
        // Without strokes nothing is known.
        assert!(features.likelihoods(&vec![0; 3600])[0].iter().all(|p| *p == 0.5));
    }

    #[test]
    fn texture_tells_what_grey_does_not() {
        // The same mean left and right, a chequered pattern to the left.
        let image: Vec<f32> =
            (0..64 * 64).map(|n| if n % 64 < 32 { 0.3 + 0.4 * ((n / 64 + n) % 2) as f32 } else { 0.5 }).collect();
        let mut strokes = vec![0; 4096];
        (20..44).for_each(|row| (strokes[row * 64 + 10], strokes[row * 64 + 50]) = (ON, OFF));
        let [_, texture, _] = Features::new(&image, [64, 64]).likelihoods(&strokes);
        assert!(texture[5 * 64 + 20] > 0.8 && texture[5 * 64 + 40] < 0.2);
    }
}
