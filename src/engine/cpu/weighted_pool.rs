//! Sums over positions, weighted by a map: the pooling of global context blocks.

use super::kernel::{Kernel, View};

/// Inputs: x `[batch, channels, h, w]`, weights `[batch, 1, h, w]`; result `[batch, channels, 1, 1]`.
pub struct WeightedPool;

impl Kernel for WeightedPool {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, channels, h, w] = inputs[0].dims4();
        let positions = h * w;
        let pooled = inputs[0].data.chunks_exact(positions.max(1)).enumerate().map(|(plane, x)| {
            let weights = &inputs[1].data[plane / channels * positions..][..positions];
            x.iter().zip(weights).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum::<f64>() as f32
        });
        (pooled.collect(), vec![batch, channels, 1, 1])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [_, channels, h, w] = inputs[0].dims4();
        let positions = h * w;
        let (x, weights) = (inputs[0].data, inputs[1].data);
        let mut dx = vec![0.0; x.len()];
        let mut dw = vec![0.0f64; weights.len()];
        for (plane, &g) in dy.iter().enumerate() {
            let (of_image, of_plane) = (plane / channels * positions, plane * positions);
            for n in 0..positions {
                dx[of_plane + n] = g * weights[of_image + n];
                dw[of_image + n] += f64::from(g) * f64::from(x[of_plane + n]);
            }
        }
        vec![Some(dx), Some(dw.into_iter().map(|v| v as f32).collect())]
    }
}
