//! Local response normalisation (Krizhevsky et al. 2012): `x / (k + alpha S)^beta`, S the sum of squares over `size` channels
//! around each one.

use rayon::prelude::*;

use super::kernel::{Kernel, View};
use crate::graph::LocalResponse;

/// Input: x.
pub struct LocalResponseNorm(pub LocalResponse);

impl LocalResponseNorm {
    /// Channels whose squares count for a channel.
    fn window(&self, channel: usize, channels: usize) -> std::ops::Range<usize> {
        let below = self.0.size / 2;
        channel.saturating_sub(below)..(channel + self.0.size - below).min(channels)
    }

    /// `k + alpha S` of one image, `[channels, positions]`.
    fn bases(&self, x: &[f32], channels: usize) -> Vec<f64> {
        let positions = x.len() / channels.max(1);
        let mut bases = vec![self.0.k; x.len()];
        for (channel, bases) in bases.chunks_exact_mut(positions.max(1)).enumerate() {
            for other in self.window(channel, channels) {
                for (base, &v) in bases.iter_mut().zip(&x[other * positions..][..positions]) {
                    *base += self.0.alpha * f64::from(v) * f64::from(v);
                }
            }
        }
        bases
    }
}

impl Kernel for LocalResponseNorm {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [_, channels, h, w] = inputs[0].dims4();
        let x = inputs[0].data;
        let mut y = vec![0.0; x.len()];
        let image = (channels * h * w).max(1);
        y.par_chunks_mut(image).zip(x.par_chunks(image)).for_each(|(y, x)| {
            for ((y, &x), base) in y.iter_mut().zip(x).zip(self.bases(x, channels)) {
                *y = (f64::from(x) * base.powf(-self.0.beta)) as f32;
            }
        });
        (y, inputs[0].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [_, channels, h, w] = inputs[0].dims4();
        let (x, positions) = (inputs[0].data, h * w);
        let mut dx = vec![0.0; x.len()];
        let image = (channels * positions).max(1);
        dx.par_chunks_mut(image).zip(x.par_chunks(image)).zip(dy.par_chunks(image)).for_each(|((dx, x), dy)| {
            let bases = self.bases(x, channels);
            // What every output passes to the squares in its window.
            let pull: Vec<f64> = dy
                .iter()
                .zip(x)
                .zip(&bases)
                .map(|((&g, &x), base)| f64::from(g) * f64::from(x) * base.powf(-self.0.beta - 1.0))
                .collect();
            let mut sums = vec![0.0f64; x.len()];
            for channel in 0..channels {
                for other in self.window(channel, channels) {
                    for n in 0..positions {
                        sums[other * positions + n] += pull[channel * positions + n];
                    }
                }
            }
            for n in 0..x.len() {
                let own = f64::from(dy[n]) * bases[n].powf(-self.0.beta);
                dx[n] = (own - 2.0 * self.0.alpha * self.0.beta * f64::from(x[n]) * sums[n]) as f32;
            }
        });
        vec![Some(dx)]
    }
}
