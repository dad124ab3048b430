//! A graph without what its results do not need.

use super::{Graph, Node, NodeId, Parameter};

impl Graph {
    /// The same network without nodes and parameters that no output or tap depends on; the input stays.
    #[must_use]
    pub fn without_dead_nodes(self) -> Self {
        let Self { nodes, parameters, outputs, supervision, taps } = self;
        let mut needed = vec![false; nodes.len()];
        let ends = outputs.iter().copied().chain(taps.iter().map(|(_, id)| *id));
        ends.for_each(|id| needed[id] = true);
        if let Some(input) = needed.first_mut() {
            *input = true;
        }
        for id in (0..nodes.len()).rev().filter(|&id| nodes[id].inputs.iter().len() > 0) {
            if needed[id] {
                nodes[id].inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        let mut used = vec![false; parameters.len()];
        for (node, _) in nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
            node.parameters.iter().for_each(|&p| used[p] = true);
        }
        let number = |kept: &[bool]| -> Vec<usize> {
            kept.iter()
                .scan(0, |next, &kept| {
                    let id = *next;
                    *next += usize::from(kept);
                    Some(id)
                })
                .collect()
        };
        let (node_id, parameter_id) = (number(&needed), number(&used));
        let renumber = |node: Node| Node {
            inputs: node.inputs.iter().map(|&id| node_id[id]).collect(),
            parameters: node.parameters.iter().map(|&id| parameter_id[id]).collect(),
            ..node
        };
        let kept: Vec<Node> =
            nodes.into_iter().zip(&needed).filter(|(_, n)| **n).map(|(node, _)| renumber(node)).collect();
        let of = |id: NodeId| node_id[id];
        let parameters: Vec<Parameter> =
            parameters.into_iter().zip(used).filter(|(_, used)| *used).map(|(p, _)| p).collect();
        Self {
            nodes: kept,
            parameters,
            outputs: outputs.into_iter().map(of).collect(),
            supervision,
            taps: taps.into_iter().map(|(name, id)| (name, of(id))).collect(),
        }
    }
}
