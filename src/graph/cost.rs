//! Multiply-adds of a graph.

use super::op::{Affinity, Op};
use super::shape::GraphError;
use super::{Graph, NodeId};

impl Graph {
    /// Multiply-adds of the forward pass of one image: convolutions, fully connected layers, attention.
    ///
    /// # Errors
    /// Where maps do not fit together.
    pub fn multiply_adds(&self, input: [usize; 2]) -> Result<usize, GraphError> {
        let sizes = self.sizes(input)?;
        let positions = |id: NodeId| sizes[id][0] * sizes[id][1];
        let channels = |id: NodeId| self.nodes[id].size.channels;
        let of_node = |(id, node): (NodeId, &super::Node)| match &node.op {
            Op::Conv2d(c) => c.inputs / c.groups * c.outputs * c.kernel[0] * c.kernel[1] * positions(id),
            Op::ConvTranspose2d(c) => {
                c.inputs / c.groups * c.outputs * c.kernel[0] * c.kernel[1] * positions(node.inputs[0])
            }
            Op::Linear { inputs, outputs } => inputs * outputs,
            Op::Attend(affinity) => {
                let [query, key, value] = [0, 1, 2].map(|n| node.inputs[n]);
                let scores = if *affinity == Affinity::Concat { 1 } else { channels(query) };
                positions(query) * positions(key) * (scores + channels(value))
            }
            Op::CrissCross => {
                let [query, value] = [0, 2].map(|n| node.inputs[n]);
                let seen = sizes[query][0] + sizes[query][1] - 1;
                positions(query) * seen * (channels(query) + channels(value))
            }
            Op::WeightedPool => channels(node.inputs[0]) * positions(node.inputs[0]),
            _ => 0,
        };
        Ok(self.nodes.iter().enumerate().map(of_node).sum())
    }
}
