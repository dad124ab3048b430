//! How much memory training takes, known before it starts.

use super::cpu::compiled::Options;
use super::cpu::compiled::training;
use super::error::Result;
use super::training_options::{Activations, TrainingOptions};
use crate::graph::{Conv, ConvTranspose, Graph, Op};

/// Arrays per parameter while training with AdamW: value, gradient and two moments.
const PARAMETER_ARRAYS: usize = 4;

/// Arrays of its result's size, in 32 bits, that an operation put together from others makes on its way.
const COMPOSED_ARRAYS: usize = 4;

/// Bytes that a GPU takes at its peak for one slice of a size: every result from the node that makes it to the last that reads it, and
/// what the node makes on its way, for convolutions the matrix of patches. `value_bytes` are those of a value in a result.
///
/// An estimate: libraries of the device may do with less, or keep memory of their own.
///
/// # Errors
/// Where the graph does not fit the size.
pub fn inference_memory_bytes(graph: &Graph, size: [usize; 2], value_bytes: usize) -> Result<usize> {
    let sizes = graph.sizes(size)?;
    let positions = |id: usize| sizes[id].iter().product::<usize>();
    let values = |id: usize| graph.nodes[id].size.channels * positions(id);
    let mut last_reader: Vec<usize> = (0..graph.nodes.len()).collect();
    for (id, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|&input| last_reader[input] = id);
    }
    graph.outputs.iter().for_each(|&id| last_reader[id] = graph.nodes.len());
    let (mut held, mut most) = (0, 0);
    for (id, node) in graph.nodes.iter().enumerate() {
        held += values(id) * value_bytes;
        let single = COMPOSED_ARRAYS * size_of::<f32>();
        let on_the_way = match (&node.op, &node.inputs[..]) {
            (Op::Input, _) => 0,
            (
                Op::Conv2d(Conv { kernel, groups, .. }) | Op::ConvTranspose2d(ConvTranspose { kernel, groups, .. }),
                &[x, ..],
            ) => {
                let patch = graph.nodes[x].size.channels / (*groups).max(1) * kernel[0] * kernel[1];
                (patch * positions(id) + values(x) + values(id)) * value_bytes
            }
            (Op::Attend(_), &[query, key, ..]) => positions(query) * positions(key) * single,
            (Op::CrissCross, &[query, ..]) => positions(query) * sizes[query].iter().sum::<usize>() * single,
            _ => values(id) * single,
        };
        most = most.max(held + on_the_way);
        let done = |&input: &usize| last_reader[input] == id;
        held -= (0..=id).filter(done).map(values).sum::<usize>() * value_bytes;
    }
    Ok(most)
}

/// Bytes that training on the CPU takes at its peak for batches `[batch, channels, size]`: maps, gradients, scratch space,
/// parameters and the optimiser's memory.
///
/// Exact for graphs whose training is compiled (but for one more gradient of every parameter that operations share); for others
/// every value is counted with its gradient. Where nothing is compiled, `activations` make no difference.
///
/// # Errors
/// Where the graph does not fit the size.
pub fn training_memory_bytes(graph: &Graph, batch: usize, size: [usize; 2], activations: Activations) -> Result<usize> {
    let sizes = graph.sizes(size)?;
    let wanted = TrainingOptions { input_gradient: false, activations };
    let floats = match training::compile(graph, batch, size, wanted, &Options::default())? {
        Some(plan) => plan.memory_bytes() / size_of::<f32>(),
        None => {
            let values = graph.nodes.iter().zip(&sizes).map(|(node, [h, w])| batch * node.size.channels * h * w);
            2 * values.sum::<usize>()
        }
    };
    Ok((floats + PARAMETER_ARRAYS * graph.trainable_count() + graph.buffer_count()) * size_of::<f32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;

    #[test]
    fn inference_holds_what_is_still_read() {
        let builder = GraphBuilder::new();
        let x = builder.input(1);
        let y = builder.root().sub("first").conv_same(&x, 4, 3);
        let graph = builder.finish(&[y.plus(&y.relu())]).unwrap();
        // The sum: three times four maps of two bytes, and what it makes on its way.
        assert_eq!(inference_memory_bytes(&graph, [8, 8], 2).unwrap(), 64 * (12 * 2 + 4 * 16));
        // Nine patches of an image of 32 channels.
        let builder = GraphBuilder::new();
        let x = builder.input(32);
        let y = builder.root().sub("conv").conv_same(&x, 1, 3);
        let graph = builder.finish(&[y]).unwrap();
        assert_eq!(inference_memory_bytes(&graph, [8, 8], 2).unwrap(), 64 * 2 * (32 + 1 + 9 * 32 + 32 + 1));
    }
}
