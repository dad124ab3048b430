//! Operations without a kernel in blocks, on dense arrays, through the kernels of `engine/cpu`.

use super::memory::Map;
use super::run::Dense;
use crate::engine::cpu::View;
use crate::engine::cpu::of_op::{kernel, parameter_count, stand_ins};
use crate::graph::Op;

fn shape(map: &Map) -> [usize; 4] {
    [map.batch, map.channels, map.size[0], map.size[1]]
}

/// The operation as a function of dense inputs. What is not computed (it is never handed here) gives its input.
pub fn dense(op: &Op, mut parameters: Vec<Vec<f32>>, mut shapes: Vec<Vec<usize>>) -> Dense {
    let op = op.clone();
    parameters.truncate(parameter_count(&op));
    shapes.truncate(parameters.len());
    for values in stand_ins(&op) {
        shapes.push(vec![values.len()]);
        parameters.push(values);
    }
    Box::new(move |inputs| {
        let own: Vec<[usize; 4]> = inputs.iter().map(|(_, map)| shape(map)).collect();
        let mut views: Vec<View> = inputs.iter().zip(&own).map(|((data, _), shape)| View { data, shape }).collect();
        views.extend(parameters.iter().zip(&shapes).map(|(data, shape)| View { data, shape }));
        match kernel(&op, inputs[0].1.size) {
            Some(kernel) => kernel.forward(&views).0,
            None => inputs[0].0.to_vec(),
        }
    })
}
