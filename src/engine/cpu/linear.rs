//! A fully connected layer.

use super::kernel::{Kernel, View};

/// Inputs: x `[batch, in, 1, 1]` (or any shape with `in` values per image), weight `[out, in]`, bias `[out]`.
pub struct Linear;

impl Kernel for Linear {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let (weight, bias) = (inputs[1], inputs[2]);
        let [outputs, features, ..] = weight.dims4();
        let row = |x: &[f32], o: usize| -> f32 {
            let products = weight.data[o * features..(o + 1) * features].iter().zip(x);
            (products.map(|(&w, &v)| f64::from(w) * f64::from(v)).sum::<f64>() + f64::from(bias.data[o])) as f32
        };
        let images = inputs[0].data.chunks_exact(features);
        let y: Vec<f32> = images.flat_map(|x| (0..outputs).map(move |o| row(x, o))).collect();
        let batch = y.len() / outputs.max(1);
        (y, vec![batch, outputs, 1, 1])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let (x, weight) = (inputs[0].data, inputs[1]);
        let [outputs, features, ..] = weight.dims4();
        let mut dx = vec![0.0f64; x.len()];
        let mut dw = vec![0.0f64; weight.data.len()];
        let mut db = vec![0.0f64; outputs];
        let images = x.chunks_exact(features).zip(dx.chunks_exact_mut(features));
        for ((x, dx), dy) in images.zip(dy.chunks_exact(outputs)) {
            for (o, &g) in dy.iter().enumerate() {
                let g = f64::from(g);
                db[o] += g;
                for i in 0..features {
                    dw[o * features + i] += g * f64::from(x[i]);
                    dx[i] += g * f64::from(weight.data[o * features + i]);
                }
            }
        }
        [dx, dw, db].into_iter().map(|d| Some(d.into_iter().map(|v| v as f32).collect())).collect()
    }
}
