//! How much memory training takes, known before it starts.

use super::Result;
use super::cpu::compiled::Options;
use super::cpu::compiled::training::{self, Activations, Wanted};
use crate::graph::Graph;

/// Arrays per parameter while training with AdamW: value, gradient and two moments.
const PARAMETER_ARRAYS: usize = 4;

/// Bytes that programs can still get without others being moved to disk; `None` where the system does not say.
pub fn free_memory_bytes() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    let of_limits = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    Some(system.available_memory().min(of_limits)).filter(|&bytes| bytes > 0)
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
    let wanted = Wanted { input_gradient: false, activations };
    let floats = match training::compile(graph, batch, size, wanted, &Options::default())? {
        Some(plan) => plan.memory_bytes() / size_of::<f32>(),
        None => {
            let values = graph.nodes.iter().zip(&sizes).map(|(node, [h, w])| batch * node.size.channels * h * w);
            2 * values.sum::<usize>()
        }
    };
    Ok((floats + PARAMETER_ARRAYS * graph.trainable_count() + graph.buffer_count()) * size_of::<f32>())
}
