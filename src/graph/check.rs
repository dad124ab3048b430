//! Whether a graph can be run at all: its operations have the inputs, channels and parameters that they are built for.

use super::op::{Affinity, Normalisation, Op};
use super::shape::GraphError;
use super::{Graph, Node};

/// Most values of one map. No machine holds as many, and products with a batch stay numbers.
const MOST_VALUES: usize = 1 << 40;

impl Graph {
    /// Checks every operation against its inputs and parameters, for all image sizes; [`Graph::sizes`] checks one size.
    ///
    /// # Errors
    /// Names the first operation that does not fit.
    pub fn check(&self) -> Result<(), GraphError> {
        for (id, node) in self.nodes.iter().enumerate() {
            let earlier = node.inputs.iter().all(|&input| input < id);
            let known = node.parameters.iter().all(|&parameter| parameter < self.parameters.len());
            let starts = (id == 0) == (node.op == Op::Input);
            if !earlier || !known || !starts {
                return Err(unfit(node, "it reads what comes after it, or is a second image"));
            }
            self.check_node(node)?;
        }
        let tapped = self.taps.iter().map(|(_, id)| id);
        match self.outputs.iter().chain(tapped).find(|&&id| id >= self.nodes.len()) {
            Some(_) => Err(GraphError::Unfit { scope: "result".into(), problem: "it is never computed".into() }),
            None => Ok(()),
        }
    }

    fn check_node(&self, node: &Node) -> Result<(), GraphError> {
        let channels: Vec<usize> = node.inputs.iter().map(|&id| self.nodes[id].size.channels).collect();
        let lens: Vec<usize> = node.parameters.iter().map(|&id| self.parameters[id].len()).collect();
        let inputs = match &node.op {
            Op::Input => 0,
            Op::Add | Op::Multiply | Op::CropLike | Op::SpreadLike | Op::WeightedPool => 2,
            Op::Attend(_) | Op::CrissCross => 3,
            Op::Concat => channels.len().max(1),
            _ => 1,
        };
        if channels.len() != inputs {
            return Err(unfit(node, &format!("it takes {inputs} maps, not {}", channels.len())));
        }
        let wants = |expected: usize, got: usize| {
            if expected == got {
                Ok(())
            } else {
                Err(GraphError::Channels { scope: node.scope.clone(), expected, got })
            }
        };
        let with_bias = |weight: usize, bias: bool, outputs: usize| {
            let mut lens = vec![weight];
            lens.extend(bias.then_some(outputs));
            lens
        };
        let own = node.size.channels;
        let needed = match &node.op {
            Op::Conv2d(c) => {
                wants(c.inputs, channels[0])?;
                check_window(node, c.kernel, c.stride, c.groups, [c.inputs, c.outputs])?;
                if c.dilation.contains(&0) {
                    return Err(unfit(node, "a dilation of zero"));
                }
                with_bias(c.inputs / c.groups * c.outputs * c.kernel[0] * c.kernel[1], c.bias, c.outputs)
            }
            Op::ConvTranspose2d(c) => {
                wants(c.inputs, channels[0])?;
                check_window(node, c.kernel, c.stride, c.groups, [c.inputs, c.outputs])?;
                with_bias(c.inputs * (c.outputs / c.groups) * c.kernel[0] * c.kernel[1], c.bias, c.outputs)
            }
            Op::MaxPool2d(p) | Op::AvgPool2d(p) => {
                check_window(node, p.kernel, p.stride, 1, [1, 1])?;
                vec![]
            }
            Op::Linear { inputs, outputs } => vec![inputs * outputs, *outputs],
            Op::Norm { kind, channels: count, affine, .. } => {
                wants(*count, channels[0])?;
                if let Normalisation::Group { groups } = kind
                    && (*groups == 0 || !count.is_multiple_of(*groups))
                {
                    return Err(unfit(node, &format!("{groups} groups of {count} channels")));
                }
                let statistics = if matches!(kind, Normalisation::Batch { .. }) { 2 } else { 0 };
                vec![*count; statistics + if *affine { 2 } else { 0 }]
            }
            Op::ParametricRelu if lens[..] != [1] => vec![own],
            Op::ParametricRelu | Op::Gain => vec![1],
            Op::CrissCross => {
                wants(channels[0], channels[1])?;
                vec![]
            }
            // A second map of one channel meets every channel of the first.
            Op::Add | Op::Multiply => {
                wants(channels[0], if channels[1] == 1 { channels[0] } else { channels[1] })?;
                vec![]
            }
            Op::Slice { axis, start, len } => {
                let end = start.saturating_add(*len);
                if !(1..4).contains(axis) || *len == 0 || (*axis == 1 && end > channels[0]) {
                    return Err(unfit(node, &format!("the part {start}..{end} of axis {axis}")));
                }
                vec![]
            }
            Op::WeightedPool => {
                wants(1, channels[1])?;
                vec![]
            }
            Op::Attend(affinity) => {
                wants(channels[0], channels[1])?;
                if *affinity == Affinity::Concat { vec![2 * channels[0]] } else { vec![] }
            }
            _ => vec![],
        };
        if lens == needed {
            Ok(())
        } else {
            Err(unfit(node, &format!("its parameters have {lens:?} values, not {needed:?}")))
        }
    }

    /// Whether a map of this height and width is one that a machine could hold.
    pub(super) fn check_len(node: &Node, [h, w]: [usize; 2]) -> Result<(), GraphError> {
        let count = node.size.channels.checked_mul(h).and_then(|n| n.checked_mul(w));
        match count {
            Some(count) if count <= MOST_VALUES => Ok(()),
            _ => Err(unfit(node, &format!("a map of {} channels and {h} x {w} positions", node.size.channels))),
        }
    }
}

fn unfit(node: &Node, problem: &str) -> GraphError {
    GraphError::Unfit { scope: node.scope.clone(), problem: problem.into() }
}

fn check_window(
    node: &Node,
    kernel: [usize; 2],
    stride: [usize; 2],
    groups: usize,
    channels: [usize; 2],
) -> Result<(), GraphError> {
    if kernel.contains(&0) || stride.contains(&0) {
        return Err(unfit(node, &format!("a window of {kernel:?} with the stride {stride:?}")));
    }
    if groups == 0 || channels.iter().any(|&n| n == 0 || !n.is_multiple_of(groups)) {
        return Err(unfit(node, &format!("{groups} groups of {channels:?} channels")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Affinity, GraphBuilder, Pool};

    /// A graph of a few operations, changed.
    fn changed(change: impl Fn(&mut Graph)) -> Result<Vec<[usize; 2]>, GraphError> {
        let builder = GraphBuilder::new();
        let root = builder.root();
        let x = root.sub("first").conv_same(&builder.input(2), 4, 3);
        let y = x.attend(&x.max_pool(Pool::new(2, 2)), &x.max_pool(Pool::new(2, 2)), Affinity::Softmax);
        let mut graph = builder.finish(&[root.sub("slope").parametric_relu(&y.plus(&x), true)]).unwrap();
        change(&mut graph);
        graph.check()?;
        graph.sizes([8, 8])
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert_eq!(changed(|_| ()).unwrap().last(), Some(&[8, 8]));
        let said = |change: fn(&mut Graph)| changed(change).unwrap_err().to_string();
        assert!(said(|g| g.parameters[0].shape = vec![4, 2, 3]).starts_with("first: its parameters have [24, 4]"));
        assert!(said(|g| g.parameters[2].shape = vec![3]).contains("[3] values, not [4]"));
        assert!(said(|g| g.nodes[1].inputs = vec![5]).contains("comes after"));
        assert!(said(|g| g.nodes[1].size.channels = 3).contains("expects 3 channels, got 4"));
        // Keys of four positions for every value.
        assert!(said(|g| g.nodes[4].inputs[1] = 1).contains("8 x 8 keys and 4 x 4 values"));
        assert!(said(|g| g.outputs[0] = 99).contains("never computed"));
        assert!(said(|g| g.nodes[2].op = Op::MaxPool2d(Pool { stride: [0, 1], ..Pool::new(2, 2) })).contains("stride"));
    }
}
