//! Softmax and its logarithm, over channels or over positions.

use super::kernel::{Kernel, View};
use super::lines;
use crate::graph::SoftmaxOver;

/// Makes positive values that sum to one of scores.
pub fn soften(scores: &mut [f32]) {
    lines::exponentials(scores, lines::largest(scores), 1.0);
    let scale = (1.0 / lines::sum(scores)) as f32;
    scores.iter_mut().for_each(|s| *s *= scale);
}

/// Input: x.
pub struct Softmax {
    /// Which values sum to one.
    pub over: SoftmaxOver,
    /// Whether the logarithm is taken.
    pub log: bool,
}

impl Softmax {
    /// Calls `visit` with the start and stride of every set and the number of its values.
    fn sets(&self, x: &View, mut visit: impl FnMut(usize, usize, usize)) {
        let [batch, channels, h, w] = x.dims4();
        let positions = h * w;
        match self.over {
            SoftmaxOver::Positions => (0..batch * channels).for_each(|map| visit(map * positions, 1, positions)),
            SoftmaxOver::Channels => (0..batch * positions)
                .for_each(|n| visit(n / positions * channels * positions + n % positions, positions, channels)),
        }
    }
}

impl Kernel for Softmax {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let x = inputs[0];
        let mut y = vec![0.0; x.data.len()];
        self.sets(&x, |start, stride, count| {
            let value = |n: usize| f64::from(x.data[start + n * stride]);
            let largest = (0..count).map(value).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = (0..count).map(|n| (value(n) - largest).exp()).sum();
            for n in 0..count {
                let shifted = value(n) - largest;
                y[start + n * stride] = if self.log { shifted - sum.ln() } else { shifted.exp() / sum } as f32;
            }
        });
        (y, x.shape.to_vec())
    }

    fn backward(&self, inputs: &[View], output: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let mut dx = vec![0.0; dy.len()];
        self.sets(&inputs[0], |start, stride, count| {
            let at = |n: usize| start + n * stride;
            let weight = |n: usize| if self.log { 1.0 } else { f64::from(output.data[at(n)]) };
            let sum: f64 = (0..count).map(|n| f64::from(dy[at(n)]) * weight(n)).sum();
            for n in 0..count {
                let (g, y) = (f64::from(dy[at(n)]), f64::from(output.data[at(n)]));
                dx[at(n)] = if self.log { g - y.exp() * sum } else { y * (g - sum) } as f32;
            }
        });
        vec![Some(dx)]
    }
}
