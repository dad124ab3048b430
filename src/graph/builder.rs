//! Building a graph so that it reads like the paper.

#![allow(clippy::cast_precision_loss, reason = "numbers of channels and taps")]

use std::cell::RefCell;
use std::rc::Rc;

use super::op::{
    Activation, Affinity, Border, Conv, ConvTranspose, LocalResponse, Normalisation, Op, Pool, SoftmaxOver,
    UpsampleMode, UpsampleTo,
};
use super::shape::{GraphError, Size, symbolic};
use super::{Graph, Node, NodeId, Parameter, ParameterId, Role, Supervision};

#[derive(Default)]
struct State {
    graph: Graph,
    error: Option<GraphError>,
}

/// Collects nodes and parameters.
#[derive(Clone)]
pub struct GraphBuilder {
    state: Rc<RefCell<State>>,
}

/// A prefix of parameter names, for example `down.0`.
#[derive(Clone)]
pub struct Scope {
    builder: GraphBuilder,
    path: String,
    /// Whether parameters of this name that exist are used again.
    again: bool,
}

/// The result of a node while building.
#[derive(Clone)]
pub struct Value {
    builder: GraphBuilder,
    id: NodeId,
    size: Size,
}

impl Default for GraphBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new() -> Self {
        Self { state: Rc::default() }
    }

    /// The image, as the first node.
    pub fn input(&self, channels: usize) -> Value {
        self.push(Op::Input, &[], Vec::new(), "input", channels)
    }

    /// The outermost scope.
    pub fn root(&self) -> Scope {
        Scope { builder: self.clone(), path: String::new(), again: false }
    }

    /// Names an inner result, so that it can be looked at.
    pub fn tap(&self, name: impl Into<String>, value: &Value) {
        self.state.borrow_mut().graph.taps.push((name.into(), value.id));
    }

    /// Ends building.
    ///
    /// # Errors
    /// The first mismatch of channels met on the way.
    pub fn finish(self, outputs: &[Value]) -> Result<Graph, GraphError> {
        let mut state = self.state.borrow_mut();
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        let mut graph = std::mem::take(&mut state.graph);
        graph.outputs = outputs.iter().map(|value| value.id).collect();
        Ok(graph)
    }

    /// Ends building a network whose further results are heads on inner maps.
    ///
    /// # Errors
    /// As [`GraphBuilder::finish`].
    pub fn finish_with_auxiliary(self, main: &Value, heads: &[Value]) -> Result<Graph, GraphError> {
        let outputs: Vec<Value> = std::iter::once(main).chain(heads).cloned().collect();
        Ok(Graph { supervision: Supervision::Auxiliary, ..self.finish(&outputs)? })
    }

    /// The inner result that was named so.
    pub fn tapped(&self, name: &str) -> Option<Value> {
        let state = self.state.borrow();
        let id = state.graph.taps.iter().find(|(tap, _)| tap == name)?.1;
        Some(Value { builder: self.clone(), id, size: state.graph.nodes[id].size })
    }

    fn push(&self, op: Op, inputs: &[&Value], parameters: Vec<ParameterId>, scope: &str, channels: usize) -> Value {
        let sizes: Vec<Size> = inputs.iter().map(|value| value.size).collect();
        let size = symbolic(&op, &sizes, channels);
        let mut state = self.state.borrow_mut();
        let id = state.graph.nodes.len();
        let inputs = inputs.iter().map(|value| value.id).collect();
        state.graph.nodes.push(Node { op, inputs, parameters, scope: scope.into(), size });
        Value { builder: self.clone(), id, size }
    }

    fn parameter(&self, scope: &str, name: &str, shape: &[usize], role: Role, again: bool) -> ParameterId {
        let mut state = self.state.borrow_mut();
        let name = if scope.is_empty() { name.to_string() } else { format!("{scope}.{name}") };
        if again && let Some(id) = state.graph.parameters.iter().position(|p| p.name == name && p.shape == shape) {
            return id;
        }
        state.graph.parameters.push(Parameter { name, shape: shape.to_vec(), role });
        state.graph.parameters.len() - 1
    }

    fn expect_channels(&self, scope: &str, expected: usize, got: usize) {
        let mut state = self.state.borrow_mut();
        if expected != got && state.error.is_none() {
            state.error = Some(GraphError::Channels { scope: scope.into(), expected, got });
        }
    }
}

impl Scope {
    /// A scope inside this one.
    #[must_use]
    pub fn sub(&self, name: impl std::fmt::Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { builder: self.builder.clone(), path, again: self.again }
    }

    /// The same scope for a further pass through the same layers: it uses the parameters that are there.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { again: true, ..self.clone() }
    }

    fn parameter(&self, name: &str, shape: &[usize], role: Role) -> ParameterId {
        self.builder.parameter(&self.path, name, shape, role, self.again)
    }

    /// Product with one learned number `gamma` that starts at zero.
    pub fn gain(&self, x: &Value) -> Value {
        let gamma = self.parameter("gamma", &[1], Role::Gain);
        self.builder.push(Op::Gain, &[x], vec![gamma], &self.path, 0)
    }

    /// A rectifier with one learned slope `weight` below zero, or one for each channel.
    pub fn parametric_relu(&self, x: &Value, per_channel: bool) -> Value {
        let slope = self.parameter("weight", &[if per_channel { x.channels() } else { 1 }], Role::Slope);
        self.builder.push(Op::ParametricRelu, &[x], vec![slope], &self.path, 0)
    }

    /// Non-local attention whose affinity is `relu` of this scope's `weight` times queries and keys together.
    pub fn attend_pairs(&self, query: &Value, key: &Value, value: &Value) -> Value {
        self.builder.expect_channels(&self.path, query.channels(), key.channels());
        let depth = 2 * query.channels();
        let weight = self.parameter("weight", &[1, depth, 1, 1], Role::Weight { fan_in: depth as f64 });
        self.builder.push(Op::Attend(Affinity::Concat), &[query, key, value], vec![weight], &self.path, 0)
    }

    /// A convolution with this scope's `weight` and `bias`.
    pub fn conv(&self, x: &Value, conv: Conv) -> Value {
        self.conv_as(x, conv, |fan_in| Role::Weight { fan_in })
    }

    /// A convolution that starts at zero.
    pub fn zero_conv(&self, x: &Value, conv: Conv) -> Value {
        self.conv_as(x, conv, |fan_in| Role::ZeroWeight { fan_in })
    }

    fn conv_as(&self, x: &Value, conv: Conv, role: impl Fn(f64) -> Role) -> Value {
        self.builder.expect_channels(&self.path, conv.inputs, x.size.channels);
        let [kh, kw] = conv.kernel;
        let per_group = conv.inputs / conv.groups;
        let fan_in = (per_group * kh * kw) as f64;
        let shape = [conv.outputs, per_group, kh, kw];
        let mut parameters = vec![self.parameter("weight", &shape, role(fan_in))];
        if conv.bias {
            parameters.push(self.parameter("bias", &[conv.outputs], Role::Bias));
        }
        self.builder.push(Op::Conv2d(conv), &[x], parameters, &self.path, 0)
    }

    /// A square convolution with bias that keeps the size (odd kernels, stride 1).
    pub fn conv_same(&self, x: &Value, outputs: usize, kernel: usize) -> Value {
        self.conv(x, Conv { padding: [kernel / 2; 2], ..Conv::square(x.channels(), outputs, kernel) })
    }

    /// A square convolution with bias and without padding.
    pub fn conv_valid(&self, x: &Value, outputs: usize, kernel: usize) -> Value {
        self.conv(x, Conv::square(x.channels(), outputs, kernel))
    }

    /// A transposed convolution with this scope's `weight` and `bias`.
    pub fn conv_transpose(&self, x: &Value, conv: ConvTranspose) -> Value {
        self.builder.expect_channels(&self.path, conv.inputs, x.size.channels);
        let [kh, kw] = conv.kernel;
        let shape = [conv.inputs, conv.outputs / conv.groups, kh, kw];
        let taps = (kh * kw) as f64 / (conv.stride[0] * conv.stride[1]) as f64;
        let fan_in = conv.inputs as f64 / conv.groups as f64 * taps;
        let mut parameters = vec![self.parameter("weight", &shape, Role::Weight { fan_in })];
        if conv.bias {
            parameters.push(self.parameter("bias", &[conv.outputs], Role::Bias));
        }
        self.builder.push(Op::ConvTranspose2d(conv), &[x], parameters, &self.path, 0)
    }

    /// The usual up-convolution: kernel and stride alike, with bias.
    pub fn up_conv(&self, x: &Value, outputs: usize, stride: [usize; 2]) -> Value {
        self.conv_transpose(
            x,
            ConvTranspose {
                inputs: x.channels(),
                outputs,
                kernel: stride,
                stride,
                padding: [0; 2],
                output_padding: [0; 2],
                groups: 1,
                bias: true,
            },
        )
    }

    /// A fully connected layer with bias on 1x1 maps.
    pub fn linear(&self, x: &Value, outputs: usize) -> Value {
        self.linear_over(x, 1, outputs)
    }

    /// A fully connected layer with bias on maps of so many positions, read channel by channel.
    pub fn linear_over(&self, x: &Value, positions: usize, outputs: usize) -> Value {
        let inputs = x.channels() * positions;
        let weight = Role::Weight { fan_in: inputs as f64 };
        let parameters =
            vec![self.parameter("weight", &[outputs, inputs], weight), self.parameter("bias", &[outputs], Role::Bias)];
        self.builder.push(Op::Linear { inputs, outputs }, &[x], parameters, &self.path, 0)
    }

    /// A normalisation; scale and shift are `weight` and `bias` of shape `[C]`.
    pub fn norm(&self, x: &Value, kind: Normalisation, eps: f64, affine: bool) -> Value {
        self.norm_shaped(x, kind, eps, affine, &[x.channels()])
    }

    /// Layer norm over the channels of 1x1 maps; scale and shift have shape `[C, 1, 1]`.
    pub fn layer_norm(&self, x: &Value, eps: f64) -> Value {
        self.norm_shaped(x, Normalisation::Group { groups: 1 }, eps, true, &[x.channels(), 1, 1])
    }

    fn norm_shaped(&self, x: &Value, kind: Normalisation, eps: f64, affine: bool, shape: &[usize]) -> Value {
        self.norm_as(x, kind, eps, affine, shape, Role::NormScale)
    }

    /// Batch norm whose scale starts at zero, at the end of a residual branch.
    pub fn zero_batch_norm(&self, x: &Value) -> Value {
        self.norm_as(x, Normalisation::Batch { momentum: 0.1 }, 1e-5, true, &[x.channels()], Role::ZeroNormScale)
    }

    fn norm_as(&self, x: &Value, kind: Normalisation, eps: f64, affine: bool, shape: &[usize], scale: Role) -> Value {
        let channels = x.channels();
        let mut parameters = Vec::new();
        if affine {
            parameters.push(self.parameter("weight", shape, scale));
            parameters.push(self.parameter("bias", shape, Role::Bias));
        }
        if let Normalisation::Batch { .. } = kind {
            parameters.push(self.parameter("running_mean", &[channels], Role::RunningMean));
            parameters.push(self.parameter("running_var", &[channels], Role::RunningVariance));
        }
        self.builder.push(Op::Norm { kind, channels, eps, affine }, &[x], parameters, &self.path, 0)
    }

    /// Batch norm with PyTorch's defaults (eps 1e-5, momentum 0.1).
    pub fn batch_norm(&self, x: &Value) -> Value {
        self.norm(x, Normalisation::Batch { momentum: 0.1 }, 1e-5, true)
    }

    /// Instance norm with scale and shift (eps 1e-5).
    pub fn instance_norm(&self, x: &Value) -> Value {
        self.norm(x, Normalisation::Instance, 1e-5, true)
    }
}

impl Value {
    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.size.channels
    }

    fn then(&self, op: Op, others: &[&Self]) -> Self {
        let mut inputs = vec![self];
        inputs.extend(others);
        let scope = self.builder.state.borrow().graph.nodes[self.id].scope.clone();
        self.builder.push(op, &inputs, Vec::new(), &scope, 0)
    }

    /// Element-wise function.
    #[must_use]
    pub fn activate(&self, activation: Activation) -> Self {
        self.then(Op::Activate(activation), &[])
    }

    /// max(x, 0).
    #[must_use]
    pub fn relu(&self) -> Self {
        self.activate(Activation::Relu)
    }

    /// 1 / (1 + exp(-x)).
    #[must_use]
    pub fn sigmoid(&self) -> Self {
        self.activate(Activation::Sigmoid)
    }

    /// A border of a constant.
    #[must_use]
    pub fn pad(&self, border: Border) -> Self {
        self.then(Op::Pad(border), &[])
    }

    /// Largest value of each window.
    #[must_use]
    pub fn max_pool(&self, pool: Pool) -> Self {
        self.then(Op::MaxPool2d(pool), &[])
    }

    /// Mean of each window.
    #[must_use]
    pub fn avg_pool(&self, pool: Pool) -> Self {
        self.then(Op::AvgPool2d(pool), &[])
    }

    /// Mean over parts of the map.
    #[must_use]
    pub fn adaptive_avg_pool(&self, size: [usize; 2]) -> Self {
        self.then(Op::AdaptiveAvgPool2d(size), &[])
    }

    /// Resampling.
    #[must_use]
    pub fn upsample(&self, mode: UpsampleMode, to: UpsampleTo) -> Self {
        self.then(Op::Upsample(mode, to), &[])
    }

    /// Softmax.
    #[must_use]
    pub fn softmax(&self, over: SoftmaxOver) -> Self {
        self.then(Op::Softmax(over), &[])
    }

    /// Logarithm of the softmax over channels.
    #[must_use]
    pub fn log_softmax(&self) -> Self {
        self.then(Op::LogSoftmax, &[])
    }

    /// Sum; a 1x1 map counts for every position.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.then(Op::Add, &[other])
    }

    /// Product; a 1x1 map counts for every position.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        self.then(Op::Multiply, &[other])
    }

    /// Channels of both, these first.
    #[must_use]
    pub fn concat(&self, other: &Self) -> Self {
        self.then(Op::Concat, &[other])
    }

    /// Part of the channels.
    #[must_use]
    pub fn channels_part(&self, start: usize, len: usize) -> Self {
        // A part that reaches beyond the channels is an error, as of a layer that expects more of them.
        self.builder.expect_channels("part of the channels", self.channels().max(start + len), self.channels());
        self.then(Op::Slice { axis: 1, start, len }, &[])
    }

    /// Part of the rows (axis 2) or columns (axis 3).
    #[must_use]
    pub fn positions_part(&self, axis: usize, start: usize, len: usize) -> Self {
        self.then(Op::Slice { axis, start, len }, &[])
    }

    /// Cut around the centre to the other's size.
    #[must_use]
    pub fn crop_like(&self, other: &Self) -> Self {
        self.then(Op::CropLike, &[other])
    }

    /// This map of one position at every position of another.
    #[must_use]
    pub fn spread_like(&self, other: &Self) -> Self {
        self.then(Op::SpreadLike, &[other])
    }

    /// Sum over positions, weighted by a map of one channel.
    #[must_use]
    pub fn weighted_pool(&self, weights: &Self) -> Self {
        self.then(Op::WeightedPool, &[weights])
    }

    /// Values at all key positions, weighted by their affinity to this query; for [`Affinity::Concat`] see
    /// [`Scope::attend_pairs`].
    #[must_use]
    pub fn attend(&self, key: &Self, value: &Self, affinity: Affinity) -> Self {
        self.then(Op::Attend(affinity), &[key, value])
    }

    /// Values along row and column, weighted by softmax of their keys' products with this query.
    #[must_use]
    pub fn criss_cross(&self, key: &Self, value: &Self) -> Self {
        self.then(Op::CrissCross, &[key, value])
    }

    /// Division by a power of the squares in neighbouring channels.
    #[must_use]
    pub fn local_response_norm(&self, constants: LocalResponse) -> Self {
        self.then(Op::LocalResponse(constants), &[])
    }

    /// Dropout; the identity at inference.
    #[must_use]
    pub fn dropout(&self, share: f64) -> Self {
        self.then(Op::Dropout(share), &[])
    }
}
