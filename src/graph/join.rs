//! Several networks as one: the mean of their results.

use super::op::Op;
use super::shape::symbolic;
use super::{Graph, GraphError, Node, NodeId, Parameter, Role};

/// Name of the factor that makes a mean of the sum.
pub const MEAN: &str = "mean.weight";

/// Prefix of a member's parameters.
pub fn member_prefix(n: usize) -> String {
    format!("member.{n}.")
}

impl Graph {
    /// One network whose result is the sum of the members' first results times a factor ([`MEAN`], one over their number for
    /// a mean). Members see the same input; their parameters get prefixes ([`member_prefix`]).
    ///
    /// # Errors
    /// When there is no member, or inputs or results of two differ in size.
    pub fn joined(members: Vec<Self>) -> Result<Self, GraphError> {
        let mut members = members.into_iter();
        let mismatch = |expected: usize, got: usize| GraphError::Channels { scope: "member".into(), expected, got };
        let first = members.next().ok_or_else(|| mismatch(1, 0))?;
        let mut all = Self { nodes: vec![first.nodes[0].clone()], ..Self::default() };
        let mut results = Vec::new();
        for (n, member) in std::iter::once(first).chain(members).enumerate() {
            let prefix = member_prefix(n);
            let (nodes_before, parameters_before) = (all.nodes.len() - 1, all.parameters.len());
            if member.nodes[0].size != all.nodes[0].size {
                return Err(mismatch(all.nodes[0].size.channels, member.nodes[0].size.channels));
            }
            // The input is the first node of every graph.
            let moved = |id: NodeId| if id == 0 { 0 } else { id + nodes_before };
            all.parameters
                .extend(member.parameters.into_iter().map(|p| Parameter { name: format!("{prefix}{}", p.name), ..p }));
            all.nodes.extend(member.nodes.into_iter().skip(1).map(|node| Node {
                inputs: node.inputs.into_iter().map(moved).collect(),
                parameters: node.parameters.into_iter().map(|p| p + parameters_before).collect(),
                scope: format!("{prefix}{}", node.scope),
                ..node
            }));
            results.push(moved(member.outputs[0]));
        }
        let mut sum = results[0];
        for &result in &results[1..] {
            let (a, b) = (all.nodes[sum].size, all.nodes[result].size);
            if a != b {
                return Err(mismatch(a.channels, b.channels));
            }
            sum = all.push(Op::Add, vec![sum, result], Vec::new());
        }
        all.parameters.push(Parameter { name: MEAN.into(), shape: vec![1], role: Role::Gain });
        let factor = all.parameters.len() - 1;
        let mean = all.push(Op::Gain, vec![sum], vec![factor]);
        all.outputs = vec![mean];
        Ok(all.without_dead_nodes())
    }

    fn push(&mut self, op: Op, inputs: Vec<NodeId>, parameters: Vec<usize>) -> NodeId {
        let sizes: Vec<_> = inputs.iter().map(|&id| self.nodes[id].size).collect();
        let size = symbolic(&op, &sizes, 0);
        self.nodes.push(Node { op, inputs, parameters, scope: "mean".into(), size });
        self.nodes.len() - 1
    }
}
