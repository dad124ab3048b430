//! A fully connected layer.

use rayon::prelude::*;

use super::kernel::{Kernel, View};

/// Inputs: x `[batch, in, 1, 1]` (or any shape with `in` values per image), weight `[out, in]`, bias `[out]`.
pub struct Linear;

/// Features whose gradients are summed together.
const PIECE: usize = 512;

impl Kernel for Linear {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let (x, weight, bias) = (inputs[0].data, inputs[1], inputs[2]);
        let [outputs, features, ..] = weight.dims4();
        let row = |x: &[f32], o: usize| -> f32 {
            let products = weight.data[o * features..(o + 1) * features].iter().zip(x);
            (products.map(|(&w, &v)| f64::from(w) * f64::from(v)).sum::<f64>() + f64::from(bias.data[o])) as f32
        };
        let batch = x.len() / features.max(1);
        let mut y = vec![0.0; batch * outputs];
        y.par_iter_mut().enumerate().for_each(|(n, y)| {
            let (image, o) = (n / outputs, n % outputs);
            *y = row(&x[image * features..(image + 1) * features], o);
        });
        (y, vec![batch, outputs, 1, 1])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let (x, weight) = (inputs[0].data, inputs[1]);
        let [outputs, features, ..] = weight.dims4();
        let narrow = |sums: &[f64], to: &mut [f32]| to.iter_mut().zip(sums).for_each(|(to, &sum)| *to = sum as f32);
        let mut dx = vec![0.0; x.len()];
        dx.par_chunks_mut(features).zip(dy.par_chunks(outputs)).for_each(|(dx, dy)| {
            dx.par_chunks_mut(PIECE).enumerate().for_each(|(piece, dx)| {
                let mut sums = vec![0.0f64; dx.len()];
                for (o, &g) in dy.iter().enumerate() {
                    let row = &weight.data[o * features + piece * PIECE..][..dx.len()];
                    sums.iter_mut().zip(row).for_each(|(sum, &w)| *sum += f64::from(g) * f64::from(w));
                }
                narrow(&sums, dx);
            });
        });
        let mut dw = vec![0.0; weight.data.len()];
        dw.par_chunks_mut(features).enumerate().for_each(|(o, dw)| {
            let mut sums = vec![0.0f64; features];
            for (x, dy) in x.chunks_exact(features).zip(dy.chunks_exact(outputs)) {
                let g = f64::from(dy[o]);
                sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum += g * f64::from(x));
            }
            narrow(&sums, dw);
        });
        let db = (0..outputs).map(|o| dy.chunks_exact(outputs).map(|dy| f64::from(dy[o])).sum::<f64>() as f32);
        vec![Some(dx), Some(dw), Some(db.collect())]
    }
}
