//! From a graph to fewer, larger operations: batch norms, residual sums, activations and poolings join their convolution.

use std::borrow::Cow;

use super::target::Finish;
use crate::graph::{Activation, Graph, Node, NodeId, Normalisation, Op};

/// A graph node that is computed, with what was fused into it.
pub struct Fused {
    /// The node whose operation is run.
    pub node: NodeId,
    /// A batch norm that its weights take in.
    pub norm: Option<NodeId>,
    /// A node that is added.
    pub add: Option<NodeId>,
    /// Activation at the end.
    pub finish: Finish,
    /// The node whose value this gives.
    pub value: NodeId,
    /// A 2x2 pooling of the value that is computed along with it.
    pub pooled: Option<NodeId>,
}

/// What a graph becomes: operations in order, and for every node the one whose value it shares (itself, mostly).
pub struct FusedGraph {
    /// Operations in the order of running.
    pub operations: Vec<Fused>,
    /// Where a node's value is found: dropout is the identity.
    pub alias: Vec<NodeId>,
}

/// The activation as a kernel's finish, if kernels have it.
pub fn as_finish(activation: Activation) -> Option<Finish> {
    match activation {
        Activation::Relu => Some(Finish::Relu),
        Activation::LeakyRelu(slope) if (0.0..=1.0).contains(&slope) => Some(Finish::Leaky(slope)),
        _ => None,
    }
}

/// The graph with rectifiers of one learned slope as those of that slope: they join the operation before them.
pub fn with_known_slopes<'a>(graph: &'a Graph, parameters: &[&[f32]]) -> Cow<'a, Graph> {
    let slope = |node: &Node| match (&node.op, node.parameters.first().map(|&id| parameters[id])) {
        (Op::ParametricRelu, Some(&[slope])) if (0.0..=1.0).contains(&slope) => Some(slope),
        _ => None,
    };
    if !graph.nodes.iter().any(|node| slope(node).is_some()) {
        return Cow::Borrowed(graph);
    }
    let mut graph = graph.clone();
    for node in &mut graph.nodes {
        if let Some(slope) = slope(node) {
            (node.op, node.parameters) = (Op::Activate(Activation::LeakyRelu(slope)), Vec::new());
        }
    }
    Cow::Owned(graph)
}

/// By whom each node is read, among those that the wanted ones need.
pub fn readers(graph: &Graph, wanted: impl Iterator<Item = NodeId>) -> Vec<Vec<NodeId>> {
    let mut needed = vec![false; graph.nodes.len()];
    wanted.for_each(|id| needed[id] = true);
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    for id in (0..graph.nodes.len()).rev() {
        if needed[id] {
            for &input in &graph.nodes[id].inputs {
                needed[input] = true;
                readers[input].push(id);
            }
        }
    }
    readers
}

/// Fuses a graph. `pools` says whether an operation can also give the 2x2 maxima of its value.
pub fn fuse(graph: &Graph, pools: impl Fn(NodeId) -> bool) -> FusedGraph {
    let readers = readers(graph, graph.outputs.iter().copied());
    let is_output = |id: NodeId| graph.outputs.contains(&id);
    let mut alias: Vec<NodeId> = (0..graph.nodes.len()).collect();
    let mut done = vec![false; graph.nodes.len()];
    let mut operations = Vec::new();
    for id in 0..graph.nodes.len() {
        if done[id] || (readers[id].is_empty() && !is_output(id)) {
            continue;
        }
        done[id] = true;
        if let Op::Dropout(_) = graph.nodes[id].op {
            alias[id] = alias[graph.nodes[id].inputs[0]];
            continue;
        }
        let mut fused = Fused { node: id, norm: None, add: None, finish: Finish::Plain, value: id, pooled: None };
        let only_reader = |value: NodeId| match readers[value][..] {
            [reader] if !is_output(value) => Some(reader),
            _ => None,
        };
        // Convolutions in groups have no kernel that takes in what follows.
        let is_conv = matches!(&graph.nodes[id].op, Op::Conv2d(conv) if conv.groups == 1);
        if is_conv
            && let Some(next) = only_reader(fused.value)
            && let Op::Norm { kind: Normalisation::Batch { .. }, .. } = graph.nodes[next].op
        {
            fused.norm = Some(next);
            fused.value = next;
            done[next] = true;
        }
        if is_conv
            && let Some(next) = only_reader(fused.value)
            && graph.nodes[next].op == Op::Add
            && let [a, b] = graph.nodes[next].inputs[..]
            && a != b
        {
            let other = if a == fused.value { b } else { a };
            let size = graph.nodes[next].size;
            let same_size = graph.nodes[other].size == size && graph.nodes[fused.value].size == size;
            if done[other] && same_size {
                fused.add = Some(other);
                fused.value = next;
                done[next] = true;
            }
        }
        let finishes = is_conv || matches!(graph.nodes[id].op, Op::Norm { .. } | Op::Add | Op::Multiply);
        if finishes
            && let Some(next) = only_reader(fused.value)
            && let Op::Activate(activation) = graph.nodes[next].op
            && let Some(finish) = as_finish(activation)
        {
            fused.finish = finish;
            fused.value = next;
        }
        done[fused.value] = true;
        let halves = |&&reader: &&NodeId| matches!(&graph.nodes[reader].op, Op::MaxPool2d(pool) if pool.is_halving());
        if pools(id)
            && let Some(&pooled) = readers[fused.value].iter().find(halves)
        {
            fused.pooled = Some(pooled);
            done[pooled] = true;
        }
        operations.push(fused);
    }
    FusedGraph { operations, alias }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Conv, GraphBuilder, Pool};

    #[test]
    fn a_residual_block_becomes_two_operations() {
        let builder = GraphBuilder::new();
        let root = builder.root();
        let x = builder.input(8);
        let conv = |name: &str, x: &crate::graph::Value| {
            let conv = Conv {
                inputs: 8,
                outputs: 8,
                kernel: [3, 3],
                stride: [1, 1],
                padding: [1, 1],
                dilation: [1, 1],
                groups: 1,
                bias: false,
            };
            let y = root.sub(name).conv(x, conv);
            root.sub(format!("{name}.bn")).batch_norm(&y)
        };
        let y = conv("b", &conv("a", &x).relu().dropout(0.5)).plus(&x).relu();
        let pooled = y.max_pool(Pool::new(2, 2));
        let graph = builder.finish(&[y, pooled]).unwrap();
        let fused = fuse(&graph, |_| true);
        let kinds: Vec<(bool, bool, Finish, bool)> = fused
            .operations
            .iter()
            .map(|f| (f.norm.is_some(), f.add.is_some(), f.finish, f.pooled.is_some()))
            .collect();
        let input = (false, false, Finish::Plain, false);
        assert_eq!(kinds, [input, (true, false, Finish::Relu, false), (true, true, Finish::Relu, true)]);
    }
}
