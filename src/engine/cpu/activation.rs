//! Element-wise functions. The gradient of a rectifier at exactly 0 is that of its negative side, as in PyTorch.

use rayon::prelude::*;

use super::{Kernel, View, lines};
use crate::graph::Activation;

/// Values per parallel piece.
const PIECE: usize = 1 << 14;

/// Input: x.
pub struct Activate(pub Activation);

impl Kernel for Activate {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let x = inputs[0].data;
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(y, x)| match self.0 {
            Activation::Relu => lines::rectify(x, y, 0.0),
            Activation::LeakyRelu(slope) => lines::rectify(x, y, slope),
            Activation::Sigmoid => y.iter_mut().zip(x).for_each(|(y, x)| *y = 1.0 / (1.0 + (-x).exp())),
            Activation::Tanh => y.iter_mut().zip(x).for_each(|(y, x)| *y = x.tanh()),
        });
        (y, inputs[0].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], output: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let mut dx = vec![0.0; dy.len()];
        let pieces = dx.par_chunks_mut(PIECE).zip(dy.par_chunks(PIECE));
        let pieces = pieces.zip(inputs[0].data.par_chunks(PIECE)).zip(output.data.par_chunks(PIECE));
        pieces.for_each(|(((dx, g), x), y)| {
            let by = |f: fn(f32) -> f32, dx: &mut [f32]| {
                dx.iter_mut().zip(g).zip(y).for_each(|((dx, g), &y)| *dx = g * f(y));
            };
            match self.0 {
                Activation::Relu => lines::rectify_gradient(g, x, dx, 0.0),
                Activation::LeakyRelu(slope) => lines::rectify_gradient(g, x, dx, slope),
                Activation::Sigmoid => by(|y| y * (1.0 - y), dx),
                Activation::Tanh => by(|y| 1.0 - y * y, dx),
            }
        });
        vec![Some(dx)]
    }
}
