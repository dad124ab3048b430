//! Max pooling. The border is minus infinity; of equal values the first takes the gradient, as in PyTorch.

use rayon::prelude::*;

use super::kernel::{Kernel, View};
use super::lines;
use crate::graph::Pool;

/// Input: x.
pub struct MaxPool2d(pub Pool);

impl MaxPool2d {
    fn output(&self, input: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| self.0.output_len(axis, input[axis]).unwrap_or(0))
    }

    /// Whether it halves a map without a rest.
    fn is_half(&self, [h, w]: [usize; 2]) -> bool {
        self.0.is_halving() && h % 2 == 0 && w % 2 == 0
    }

    fn window(&self, axis: usize, out: usize, input: usize) -> std::ops::Range<usize> {
        let start = out * self.0.stride[axis];
        let end = start + self.0.kernel[axis];
        let padding = self.0.padding[axis];
        start.saturating_sub(padding)..end.saturating_sub(padding).min(input)
    }

    /// Index of the largest value of a window within its channel; NaN wins, as in PyTorch.
    fn largest(&self, map: &[f32], input: [usize; 2], out: [usize; 2]) -> usize {
        let columns = self.window(1, out[1], input[1]);
        let mut best = None::<(usize, f32)>;
        for row in self.window(0, out[0], input[0]) {
            for column in columns.clone() {
                let at = row * input[1] + column;
                if best.is_none_or(|(_, value)| map[at] > value || map[at].is_nan()) {
                    best = Some((at, map[at]));
                }
            }
        }
        best.map_or(0, |(at, _)| at)
    }
}

impl Kernel for MaxPool2d {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, channels, h, w] = inputs[0].dims4();
        let [oh, ow] = self.output([h, w]);
        let mut y = vec![0.0; batch * channels * oh * ow];
        y.par_chunks_mut((oh * ow).max(1)).zip(inputs[0].data.par_chunks(h * w)).for_each(|(y, x)| {
            if self.is_half([h, w]) {
                for (y, pair) in y.chunks_exact_mut(ow).zip(x.chunks_exact(2 * w)) {
                    lines::pair_maxima(&pair[..w], &pair[w..], y);
                }
                return;
            }
            for (n, y) in y.iter_mut().enumerate() {
                *y = x[self.largest(x, [h, w], [n / ow, n % ow])];
            }
        });
        (y, vec![batch, channels, oh, ow])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [batch, channels, h, w] = inputs[0].dims4();
        let [oh, ow] = self.output([h, w]);
        let mut dx = vec![0.0; batch * channels * h * w];
        dx.par_chunks_mut(h * w).zip(inputs[0].data.par_chunks(h * w)).zip(dy.par_chunks((oh * ow).max(1))).for_each(
            |((dx, x), dy)| {
                if self.is_half([h, w]) {
                    let pairs = dx.chunks_exact_mut(2 * w).zip(x.chunks_exact(2 * w));
                    for ((dx, x), g) in pairs.zip(dy.chunks_exact(ow)) {
                        let (above, below) = dx.split_at_mut(w);
                        lines::pair_maxima_gradient(&x[..w], &x[w..], g, above, below);
                    }
                    return;
                }
                for (n, g) in dy.iter().enumerate() {
                    dx[self.largest(x, [h, w], [n / ow, n % ow])] += g;
                }
            },
        );
        vec![Some(dx)]
    }
}
