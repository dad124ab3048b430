//! Pooling by means and resampling.

use rayon::prelude::*;

use super::kernel::{Kernel, View};
use crate::engine::resampling::{Resample, Taps};

/// The map in the other direction, for gradients.
fn transposed(taps: &Taps, input: usize) -> Taps {
    let mut back = vec![Vec::new(); input];
    for (out, sources) in taps.iter().enumerate() {
        for &(at, weight) in sources {
            back[at].push((out, weight));
        }
    }
    back
}

fn apply(rows: &Taps, columns: &Taps, input: [usize; 2], x: &[f32]) -> Vec<f32> {
    let [h, w] = input;
    let out_len = rows.len() * columns.len();
    let mut y = vec![0.0; x.len() / (h * w).max(1) * out_len];
    y.par_chunks_mut(out_len.max(1)).zip(x.par_chunks(h * w)).for_each(|(y, x)| {
        let mut line = vec![0.0; w];
        for (sources, y) in rows.iter().zip(y.chunks_exact_mut(columns.len())) {
            line.fill(0.0);
            for &(at, weight) in sources {
                line.iter_mut().zip(&x[at * w..(at + 1) * w]).for_each(|(l, &v)| *l += weight * v);
            }
            for (sources, y) in columns.iter().zip(y) {
                *y = sources.iter().map(|&(at, weight)| weight * line[at]).sum();
            }
        }
    });
    y
}

impl Kernel for Resample {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, channels, h, w] = inputs[0].dims4();
        let y = apply(&self.rows, &self.columns, [h, w], inputs[0].data);
        (y, vec![batch, channels, self.rows.len(), self.columns.len()])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [.., h, w] = inputs[0].dims4();
        let (rows, columns) = (transposed(&self.rows, h), transposed(&self.columns, w));
        vec![Some(apply(&rows, &columns, [self.rows.len(), self.columns.len()], dy))]
    }
}
