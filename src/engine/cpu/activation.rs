//! Element-wise functions. The gradient of a rectifier at exactly 0 is that of its negative side, as in PyTorch.

use rayon::prelude::*;

use super::{Kernel, View};
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
        let mut y = inputs[0].data.to_vec();
        y.par_chunks_mut(PIECE).for_each(|piece| match self.0 {
            Activation::Relu => piece.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { 0.0 }),
            Activation::LeakyRelu(slope) => piece.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { *v * slope }),
            Activation::Sigmoid => piece.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp())),
            Activation::Tanh => piece.iter_mut().for_each(|v| *v = v.tanh()),
        });
        (y, inputs[0].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], output: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let mut dx = dy.to_vec();
        let pieces = dx.par_chunks_mut(PIECE).zip(inputs[0].data.par_chunks(PIECE)).zip(output.data.par_chunks(PIECE));
        pieces.for_each(|((dx, x), y)| {
            for ((g, &x), &y) in dx.iter_mut().zip(x).zip(y) {
                *g *= match self.0 {
                    Activation::Relu => f32::from(u8::from(x > 0.0)),
                    Activation::LeakyRelu(slope) => {
                        if x > 0.0 {
                            1.0
                        } else {
                            slope
                        }
                    }
                    Activation::Sigmoid => y * (1.0 - y),
                    Activation::Tanh => 1.0 - y * y,
                };
            }
        });
        vec![Some(dx)]
    }
}
