//! A map times one learned number.

use super::kernel::{Kernel, View};
use super::lines;

/// Inputs: x, gamma `[1]`.
pub struct Gain;

impl Kernel for Gain {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let gamma = inputs[1].data[0];
        (inputs[0].data.iter().map(|x| gamma * x).collect(), inputs[0].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let gamma = inputs[1].data[0];
        let own = lines::sum_of_products(inputs[0].data, dy, 0.0) as f32;
        vec![Some(dy.iter().map(|g| gamma * g).collect()), Some(vec![own])]
    }
}
