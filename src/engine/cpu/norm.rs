//! Batch, instance and group normalisation with the statistics of the data, and the fixed scale and shift that batch
//! norm becomes at inference. Layer norms over the channels of a position are in `layer_norm.rs`.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::kernel::{Kernel, View};
use super::lines;
use crate::graph::Normalisation;

/// Mean and (biased) variance of each set of values.
pub type Moments = Vec<(f64, f64)>;

/// Inputs: x, scale per channel, shift per channel.
pub struct Normalise {
    /// Over which values.
    pub kind: Normalisation,
    /// Added to the variance.
    pub eps: f64,
    /// Filled by the forward pass: one entry per channel (batch), image and channel (instance) or image and group.
    pub moments: Arc<OnceLock<Moments>>,
}

/// Where the sets of a normalisation lie: `[batch, channels, positions]`.
struct Sets {
    kind: Normalisation,
    batch: usize,
    channels: usize,
    positions: usize,
}

impl Sets {
    fn of(kind: Normalisation, x: &View) -> Self {
        let [batch, channels, h, w] = x.dims4();
        Self { kind, batch, channels, positions: h * w }
    }

    fn count(&self) -> usize {
        match self.kind {
            Normalisation::Batch { .. } => self.channels,
            Normalisation::Instance | Normalisation::Layer => self.batch * self.channels,
            Normalisation::Group { groups } => self.batch * groups,
        }
    }

    /// Values in one set.
    fn size(&self) -> usize {
        self.batch * self.channels * self.positions / self.count().max(1)
    }

    /// The set of a map (`image * channels + channel`).
    fn set_of(&self, map: usize) -> usize {
        match self.kind {
            Normalisation::Batch { .. } => map % self.channels,
            Normalisation::Instance | Normalisation::Layer => map,
            Normalisation::Group { groups } => {
                map / self.channels * groups + map % self.channels / (self.channels / groups)
            }
        }
    }

    /// The maps of a set.
    fn maps(&self, set: usize) -> Vec<usize> {
        match self.kind {
            Normalisation::Batch { .. } => (0..self.batch).map(|image| image * self.channels + set).collect(),
            Normalisation::Instance | Normalisation::Layer => vec![set],
            Normalisation::Group { groups } => {
                let width = self.channels / groups;
                let first = set / groups * self.channels + set % groups * width;
                (first..first + width).collect()
            }
        }
    }

    fn map<'a>(&self, data: &'a [f32], map: usize) -> &'a [f32] {
        &data[map * self.positions..(map + 1) * self.positions]
    }

    fn moments(&self, x: &[f32]) -> Moments {
        let size = self.size() as f64;
        (0..self.count())
            .into_par_iter()
            .map(|set| {
                let maps = self.maps(set);
                let sum: f64 = maps.iter().map(|&m| lines::sum(self.map(x, m))).sum();
                // Around a rounded centre, which the difference of the means then corrects exactly.
                let mean = sum / size;
                let centre = mean as f32;
                let squares: f64 = maps.iter().map(|&m| lines::sum_of_squares(self.map(x, m), centre)).sum();
                (mean, (squares / size - (mean - f64::from(centre)).powi(2)).max(0.0))
            })
            .collect()
    }
}

impl Kernel for Normalise {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let x = inputs[0];
        let sets = Sets::of(self.kind, &x);
        let moments = self.moments.get_or_init(|| sets.moments(x.data));
        let mut y = vec![0.0; x.data.len()];
        y.par_chunks_mut(sets.positions.max(1)).enumerate().for_each(|(map, y)| {
            let (mean, variance) = moments[sets.set_of(map)];
            let channel = map % sets.channels;
            let scale = f64::from(inputs[1].data[channel]) / (variance + self.eps).sqrt();
            let centre = mean as f32;
            let shift = f64::from(inputs[2].data[channel]) - (mean - f64::from(centre)) * scale;
            lines::affine(sets.map(x.data, map), y, centre, scale as f32, shift as f32);
        });
        (y, x.shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let x = inputs[0];
        let sets = Sets::of(self.kind, &x);
        let moments = self.moments.get_or_init(|| sets.moments(x.data));
        // Per map: sum of dy, and of dy times the normalised value.
        let sums: Vec<(f64, f64)> = (0..sets.batch * sets.channels)
            .into_par_iter()
            .map(|map| {
                let (mean, variance) = moments[sets.set_of(map)];
                let inverse = 1.0 / (variance + self.eps).sqrt();
                let (dy, x, centre) = (sets.map(dy, map), sets.map(x.data, map), mean as f32);
                let plain = lines::sum(dy);
                let weighted = lines::sum_of_products(dy, x, centre) - plain * (mean - f64::from(centre));
                (plain, weighted * inverse)
            })
            .collect();
        let mut d_scale = vec![0.0f64; sets.channels];
        let mut d_shift = vec![0.0f64; sets.channels];
        for (map, (plain, weighted)) in sums.iter().enumerate() {
            d_shift[map % sets.channels] += plain;
            d_scale[map % sets.channels] += weighted;
        }
        let size = sets.size() as f64;
        let set_means: Vec<(f64, f64)> = (0..sets.count())
            .map(|set| {
                sets.maps(set).into_iter().fold((0.0, 0.0), |(a, b), map| {
                    let scale = f64::from(inputs[1].data[map % sets.channels]) / size;
                    (a + sums[map].0 * scale, b + sums[map].1 * scale)
                })
            })
            .collect();
        let mut dx = vec![0.0; x.data.len()];
        dx.par_chunks_mut(sets.positions.max(1)).enumerate().for_each(|(map, dx)| {
            let set = sets.set_of(map);
            let (mean, variance) = moments[set];
            let inverse = 1.0 / (variance + self.eps).sqrt();
            let scale = f64::from(inputs[1].data[map % sets.channels]);
            let (mean_g, mean_gx) = set_means[set];
            // inverse * (g * scale - mean_g - normalised * mean_gx), around a rounded centre.
            let centre = mean as f32;
            let slope = -inverse * inverse * mean_gx;
            let rest = -inverse * mean_g - slope * (mean - f64::from(centre));
            let (g, x) = (sets.map(dy, map), sets.map(x.data, map));
            lines::affine_gradient(g, x, dx, centre, (inverse * scale) as f32, slope as f32, rest as f32);
        });
        let narrow = |values: Vec<f64>| Some(values.into_iter().map(|v| v as f32).collect());
        vec![Some(dx), narrow(d_scale), narrow(d_shift)]
    }
}

/// Inputs: x, scale per channel, shift per channel: `x * scale + shift`.
pub struct ScaleShift;

impl Kernel for ScaleShift {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [_, channels, h, w] = inputs[0].dims4();
        let mut y = inputs[0].data.to_vec();
        y.par_chunks_mut((h * w).max(1)).enumerate().for_each(|(map, y)| {
            let (scale, shift) = (inputs[1].data[map % channels], inputs[2].data[map % channels]);
            y.iter_mut().for_each(|v| *v = *v * scale + shift);
        });
        (y, inputs[0].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [_, channels, h, w] = inputs[0].dims4();
        let mut d_scale = vec![0.0f64; channels];
        let mut d_shift = vec![0.0f64; channels];
        for (map, (g, x)) in dy.chunks_exact(h * w).zip(inputs[0].data.chunks_exact(h * w)).enumerate() {
            d_scale[map % channels] += g.iter().zip(x).map(|(&g, &v)| f64::from(g) * f64::from(v)).sum::<f64>();
            d_shift[map % channels] += g.iter().map(|&g| f64::from(g)).sum::<f64>();
        }
        let mut dx = dy.to_vec();
        dx.par_chunks_mut((h * w).max(1)).enumerate().for_each(|(map, dx)| {
            let scale = inputs[1].data[map % channels];
            dx.iter_mut().for_each(|v| *v *= scale);
        });
        let narrow = |values: Vec<f64>| Some(values.into_iter().map(|v| v as f32).collect());
        vec![Some(dx), narrow(d_scale), narrow(d_shift)]
    }
}
