//! Layer norm over the channels of each position.

use rayon::prelude::*;

use super::kernel::{Kernel, View};

/// Inputs: x, scale per channel, shift per channel.
pub struct LayerNorm {
    /// Added to the variance.
    pub eps: f64,
}

/// Mean and one over the deviation of every position of an image `[channels, positions]`, in two passes.
fn moments(x: &[f32], positions: usize, eps: f64) -> Vec<(f64, f64)> {
    let channels = (x.len() / positions.max(1)) as f64;
    let mut sums = vec![(0.0f64, 0.0f64); positions];
    for line in x.chunks_exact(positions.max(1)) {
        sums.iter_mut().zip(line).for_each(|(sum, &v)| sum.0 += f64::from(v));
    }
    sums.iter_mut().for_each(|sum| sum.0 /= channels);
    for line in x.chunks_exact(positions.max(1)) {
        sums.iter_mut().zip(line).for_each(|(sum, &v)| sum.1 += (f64::from(v) - sum.0).powi(2));
    }
    sums.into_iter().map(|(mean, squares)| (mean, 1.0 / (squares / channels + eps).sqrt())).collect()
}

impl Kernel for LayerNorm {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [_, channels, h, w] = inputs[0].dims4();
        let (positions, len) = (h * w, (channels * h * w).max(1));
        let mut y = vec![0.0; inputs[0].data.len()];
        y.par_chunks_mut(len).zip(inputs[0].data.par_chunks(len)).for_each(|(y, x)| {
            let moments = moments(x, positions, self.eps);
            let lines = y.chunks_exact_mut(positions.max(1)).zip(x.chunks_exact(positions.max(1)));
            for ((y, x), (&scale, &shift)) in lines.zip(inputs[1].data.iter().zip(inputs[2].data)) {
                for ((y, &x), (mean, inverse)) in y.iter_mut().zip(x).zip(&moments) {
                    *y = ((f64::from(x) - mean) * inverse) as f32 * scale + shift;
                }
            }
        });
        (y, inputs[0].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [_, channels, h, w] = inputs[0].dims4();
        let (positions, len) = (h * w, (channels * h * w).max(1));
        let mut dx = vec![0.0; dy.len()];
        let images = dx.par_chunks_mut(len).zip(dy.par_chunks(len)).zip(inputs[0].data.par_chunks(len));
        // Per image and channel: the sums of dy times the normalised value, and of dy.
        let sums: Vec<Vec<(f64, f64)>> = images
            .map(|((dx, dy), x)| {
                let moments = moments(x, positions, self.eps);
                let lines = || x.chunks_exact(positions.max(1)).zip(dy.chunks_exact(positions.max(1)));
                let mut of_channels = Vec::with_capacity(channels);
                // Per position: means of the scaled gradient, and of that times the normalised value.
                let mut means = vec![(0.0f64, 0.0f64); positions];
                for ((x, g), &scale) in lines().zip(inputs[1].data) {
                    let mut sum = (0.0, 0.0);
                    for (((mean, &x), &g), &(centre, inverse)) in means.iter_mut().zip(x).zip(g).zip(&moments) {
                        let (even, g) = ((f64::from(x) - centre) * inverse, f64::from(g));
                        sum = (sum.0 + g * even, sum.1 + g);
                        let scaled = g * f64::from(scale) / channels as f64;
                        *mean = (mean.0 + scaled, mean.1 + scaled * even);
                    }
                    of_channels.push(sum);
                }
                for (((x, g), &scale), dx) in lines().zip(inputs[1].data).zip(dx.chunks_exact_mut(positions.max(1))) {
                    let values = x.iter().zip(g).zip(&moments).zip(&means);
                    for (dx, (((&x, &g), &(centre, inverse)), mean)) in dx.iter_mut().zip(values) {
                        let even = (f64::from(x) - centre) * inverse;
                        *dx = (inverse * (f64::from(g) * f64::from(scale) - mean.0 - even * mean.1)) as f32;
                    }
                }
                of_channels
            })
            .collect();
        let total = |of: fn(&(f64, f64)) -> f64| {
            let channel = |c: usize| sums.iter().filter_map(|image| image.get(c)).map(of).sum::<f64>() as f32;
            Some((0..channels).map(channel).collect::<Vec<f32>>())
        };
        vec![Some(dx), total(|sum| sum.0), total(|sum| sum.1)]
    }
}
