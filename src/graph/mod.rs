//! A network as data: operations in topological order, parameters by name, sizes as symbols.
//!
//! **Invariant:** nodes only refer to earlier nodes; parameter names are unique and are the keys of a weights file.
//! **Invariant:** nothing here computes: a [`Graph`] can be built, counted and checked without an engine.
//!
//! Deliberately absent: tensors, weights, training.

mod attention;
mod builder;
mod check;
mod cost;
mod extent;
mod join;
mod logits;
pub mod onnx;
mod op;
mod prune;
mod shape;

pub use attention::{ContextFusion, ContextPooling, NonLocal, Pairwise};
pub use builder::{GraphBuilder, Scope, Value};
pub use extent::Extent;
pub use join::{MEAN, member_prefix};
pub use logits::TWO_CLASSES;
pub use op::{
    Activation, Affinity, Border, Conv, ConvTranspose, LocalResponse, Normalisation, Op, Pool, SoftmaxOver,
    UpsampleMode, UpsampleTo,
};
pub use shape::{GraphError, Size};

/// Index of a node.
pub type NodeId = usize;
/// Index of a parameter.
pub type ParameterId = usize;

/// What a parameter is for; decides how it starts and whether it is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// Convolution or linear weight; `fan_in` is the mean number of terms summed into one output.
    Weight {
        /// Mean number of terms of one output value.
        fan_in: f64,
    },
    /// Weight of a last convolution that starts at zero, so that its block starts as the identity.
    ZeroWeight {
        /// Mean number of terms of one output value.
        fan_in: f64,
    },
    /// Added constant.
    Bias,
    /// A factor that starts at zero, so that its block starts as the identity.
    Gain,
    /// Slope of a rectifier below zero, 0.25 at the start.
    Slope,
    /// Scale of a normalisation, one at the start.
    NormScale,
    /// Scale of a last normalisation, zero at the start, so that its block starts as the identity.
    ZeroNormScale,
    /// Running mean of a batch norm: a statistic, not trained by gradients.
    RunningMean,
    /// Running variance of a batch norm: a statistic, not trained by gradients.
    RunningVariance,
}

impl Role {
    /// Whether an optimiser changes it.
    pub fn is_trainable(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

/// A named array of weights or statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Dotted name, as in a PyTorch state dict.
    pub name: String,
    /// Sizes, PyTorch's order (convolution: out, in / groups, height, width).
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

impl Parameter {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One operation.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// Nodes it reads.
    pub inputs: Vec<NodeId>,
    /// Parameters it reads, in the order of its operation.
    pub parameters: Vec<ParameterId>,
    /// Scope it was built in.
    pub scope: String,
    /// Channels, and height and width as functions of the input's.
    pub size: Size,
}

/// What results after the first are for; they only help training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Supervision {
    /// The same classes at coarser resolutions, as in nnU-Net: half the weight at each, none for the coarsest, summing to one.
    #[default]
    Deep,
    /// Heads on inner maps, as in `GoogLeNet`: weight 0.3 each.
    Auxiliary,
}

/// A network.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Operations; every node comes after its inputs.
    pub nodes: Vec<Node>,
    /// Parameters in the order of creation.
    pub parameters: Vec<Parameter>,
    /// The results, from the finest to the coarsest.
    pub outputs: Vec<NodeId>,
    /// What the results after the first are for.
    pub supervision: Supervision,
    /// Inner results worth looking at, by name.
    pub taps: Vec<(String, NodeId)>,
}

impl Graph {
    /// Number of trainable values.
    pub fn trainable_count(&self) -> usize {
        self.parameters.iter().filter(|p| p.role.is_trainable()).map(Parameter::len).sum()
    }

    /// Number of running statistics.
    pub fn buffer_count(&self) -> usize {
        self.parameters.iter().filter(|p| !p.role.is_trainable()).map(Parameter::len).sum()
    }

    /// Weight of each result's loss in training.
    pub fn output_weights(&self) -> Vec<f64> {
        let count = self.outputs.len();
        match self.supervision {
            Supervision::Auxiliary => (0..count).map(|n| if n == 0 { 1.0 } else { 0.3 }).collect(),
            Supervision::Deep => {
                let halved = |n: usize| {
                    if n > 0 && n + 1 == count { 0.0 } else { 0.5f64.powi(i32::try_from(n).unwrap_or(i32::MAX)) }
                };
                let sum: f64 = (0..count).map(halved).sum();
                (0..count).map(|n| halved(n) / sum).collect()
            }
        }
    }

    /// The network without what only helps training: results after the first, inner results.
    #[must_use]
    pub fn for_inference(&self) -> Self {
        let outputs = self.outputs.iter().take(1).copied().collect();
        Self { outputs, taps: Vec::new(), ..self.clone() }.without_dead_nodes()
    }

    /// Channels of the input.
    pub fn input_channels(&self) -> usize {
        self.nodes.first().map_or(0, |node| node.size.channels)
    }

    /// Channels of the first output.
    pub fn output_channels(&self) -> usize {
        self.outputs.first().map_or(0, |&id| self.nodes[id].size.channels)
    }
}
