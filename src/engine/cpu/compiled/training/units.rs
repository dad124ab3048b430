//! A graph as the units that a training plan runs: convolutions, norms with their activation, and what lies between.

use super::super::direct::Direct;
use super::super::fuse::{as_finish, readers};
use super::super::products::fit;
use super::super::target::Finish;
use crate::engine::cpu::simd::LANES;
use crate::graph::{Conv, ConvTranspose, Graph, NodeId, Normalisation, Op, Pool, UpsampleMode, UpsampleTo};

/// What a unit does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Takes the image.
    Input,
    /// Convolution of one group.
    Conv(Conv),
    /// Transposed convolution whose stride is its kernel.
    Scatter(ConvTranspose),
    /// Norm and activation.
    Norm {
        /// Batch or instance norm.
        together: bool,
        /// Added to the variance.
        eps: f64,
        /// Whether it has scale and shift.
        affine: bool,
        /// Activation.
        finish: Finish,
        /// Share of new running statistics, where there are any.
        momentum: Option<f64>,
    },
    /// Activation on its own.
    Activate(Finish),
    /// Sum of two maps, and an activation.
    Add(Finish),
    /// Sum of a map and a 1x1 map.
    AddChannels,
    /// Product of a map and another, which may be 1x1 or have one channel.
    Multiply,
    /// Mean of all pixels.
    GlobalMean,
    /// Sum of all pixels, weighted by a map of one channel.
    WeightedPool,
    /// Maxima; `with` is the unit that computes them along with its own result.
    MaxPool {
        /// The windows.
        pool: Pool,
        /// That unit.
        with: Option<usize>,
    },
    /// Nearest up-sampling by whole numbers, down and across.
    Repeat([usize; 2]),
    /// Maps side by side.
    Concat,
    /// Any other operation, on dense arrays.
    Kernel,
}

/// One unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// What it does.
    pub kind: Kind,
    /// The node with its parameters.
    pub node: NodeId,
    /// The node whose value it gives.
    pub value: NodeId,
    /// Values it reads.
    pub inputs: Vec<NodeId>,
}

/// The units of a graph in order, whose parameters are used once each; `None` where there is dropout.
pub fn units(graph: &Graph, sizes: &[[usize; 2]]) -> Option<Vec<Unit>> {
    let kept = |id: NodeId| graph.outputs.contains(&id) || graph.taps.iter().any(|(_, tap)| *tap == id);
    let shape = |id: NodeId| (graph.nodes[id].size.channels, sizes[id]);
    let tapped = graph.taps.iter().map(|(_, id)| *id);
    let readers = readers(graph, graph.outputs.iter().copied().chain(tapped));
    let mut done = vec![false; graph.nodes.len()];
    let mut units: Vec<Unit> = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        if done[id] || (readers[id].is_empty() && !kept(id)) {
            continue;
        }
        let mut value = id;
        let mut finish = Finish::Plain;
        let same_sizes = node
            .inputs
            .iter()
            .all(|&input| graph.nodes[input].size.channels == node.size.channels && sizes[input] == sizes[id]);
        let takes_finish = match node.op {
            Op::Norm { kind: Normalisation::Batch { .. } | Normalisation::Instance, .. } => true,
            Op::Add => same_sizes,
            _ => false,
        };
        if takes_finish
            && let ([reader], false) = (&readers[id][..], kept(id))
            && let Op::Activate(activation) = graph.nodes[*reader].op
            && let Some(found) = as_finish(activation)
        {
            (value, finish) = (*reader, found);
            done[value] = true;
        }
        let kind = match &node.op {
            Op::Input => Kind::Input,
            Op::Conv2d(conv) if conv.groups == 1 && returns(conv) => Kind::Conv(*conv),
            Op::ConvTranspose2d(conv) if Direct::scatters(conv) => Kind::Scatter(*conv),
            Op::Norm { kind: Normalisation::Batch { momentum }, eps, affine, .. } => {
                Kind::Norm { together: true, eps: *eps, affine: *affine, finish, momentum: Some(*momentum) }
            }
            Op::Norm { kind: Normalisation::Instance, eps, affine, .. } => {
                Kind::Norm { together: false, eps: *eps, affine: *affine, finish, momentum: None }
            }
            Op::Activate(activation) => as_finish(*activation).map_or(Kind::Kernel, Kind::Activate),
            Op::Add if same_sizes => Kind::Add(finish),
            Op::Add if shape(node.inputs[0]) == shape(id) && shape(node.inputs[1]) == (node.size.channels, [1, 1]) => {
                Kind::AddChannels
            }
            Op::Multiply if shape(node.inputs[0]) == shape(id) && fit(&[shape(id), shape(node.inputs[1])]) => {
                Kind::Multiply
            }
            Op::AdaptiveAvgPool2d([1, 1]) => Kind::GlobalMean,
            Op::WeightedPool => Kind::WeightedPool,
            Op::MaxPool2d(pool) => {
                let is_norm = |u: &&Unit| u.value == node.inputs[0] && matches!(u.kind, Kind::Norm { .. });
                let free =
                    |u: &usize| !units.iter().any(|o| matches!(o.kind, Kind::MaxPool { with, .. } if with == Some(*u)));
                let with = units.iter().position(|u| is_norm(&u)).filter(|u| pool.is_halving() && free(u));
                Kind::MaxPool { pool: *pool, with }
            }
            Op::Concat => {
                let last = node.inputs.len() - 1;
                let fills = |input: &NodeId| graph.nodes[*input].size.channels.is_multiple_of(LANES);
                if node.inputs[..last].iter().all(fills) { Kind::Concat } else { Kind::Kernel }
            }
            Op::Upsample(UpsampleMode::Nearest, UpsampleTo::Scale(times)) => Kind::Repeat(*times),
            Op::Dropout(_) => return None,
            _ => Kind::Kernel,
        };
        units.push(Unit { kind, node: id, value, inputs: node.inputs.clone() });
    }
    Some(units)
}

/// Whether a convolution's gradient can be taken back by another convolution with zeros around.
fn returns(conv: &Conv) -> bool {
    (0..2).all(|axis| conv.padding[axis] <= conv.dilation[axis] * (conv.kernel[axis] - 1))
}
