//! One node at a time: from operation to tensors.

use std::cell::RefCell;

use candle_core::{Result, Tensor, Var};

use super::composed;
use crate::engine::dropout::Masks;
use crate::engine::executor::Mode;
use crate::engine::resampling::Resample;
use crate::graph::{Affinity, Graph, Node, Normalisation, Op, SoftmaxOver};

/// Everything a node needs besides its inputs.
pub struct Interpreter<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Parameters, in the graph's order.
    pub variables: &'a [Var],
    /// Statistics or running means, dropout or none.
    pub mode: Mode,
    /// Whether candle is to keep what gradients need.
    pub tracked: bool,
    /// What dropout takes away.
    pub masks: RefCell<Masks>,
}

impl Interpreter<'_> {
    /// Which nodes the outputs (and, if wanted, the taps) need, and how often each result is read.
    pub fn uses(&self, with_taps: bool) -> Vec<usize> {
        let mut uses = vec![0; self.graph.nodes.len()];
        for &output in &self.graph.outputs {
            uses[output] += 1;
        }
        if with_taps {
            self.graph.taps.iter().for_each(|(_, id)| uses[*id] += 1);
        }
        for id in (0..uses.len()).rev() {
            if uses[id] > 0 {
                self.graph.nodes[id].inputs.iter().for_each(|&input| uses[input] += 1);
            }
        }
        uses
    }

    fn parameter(&self, node: &Node, index: usize) -> Option<Tensor> {
        let variable = self.variables.get(*node.parameters.get(index)?)?;
        Some(if self.tracked { variable.as_tensor().clone() } else { variable.as_detached_tensor() })
    }

    fn weight(&self, node: &Node, index: usize) -> Result<Tensor> {
        self.parameter(node, index)
            .ok_or_else(|| candle_core::Error::Msg(format!("{}: a parameter is missing", node.scope)))
    }

    /// Weights and bias of a convolution in the type of its input.
    fn weight_and_bias(&self, node: &Node, x: &Tensor) -> Result<(Tensor, Option<Tensor>)> {
        let bias = self.parameter(node, 1).map(|bias| bias.to_dtype(x.dtype())).transpose()?;
        Ok((self.weight(node, 0)?.to_dtype(x.dtype())?, bias))
    }

    /// The result of a node.
    pub fn node(&self, node: &Node, inputs: &[&Tensor]) -> Result<Tensor> {
        let x = inputs[0];
        match &node.op {
            Op::Input => Ok(x.clone()),
            Op::Conv2d(c) => {
                let (weight, bias) = self.weight_and_bias(node, x)?;
                composed::conv2d(x, &weight, bias.as_ref(), c)
            }
            Op::ConvTranspose2d(c) => {
                let (weight, bias) = self.weight_and_bias(node, x)?;
                composed::conv_transpose2d(x, &weight, bias.as_ref(), c)
            }
            Op::Linear { inputs, outputs } => {
                let y = x.contiguous()?.reshape((x.dim(0)?, *inputs))?.matmul(&self.weight(node, 0)?.t()?)?;
                y.broadcast_add(&self.weight(node, 1)?)?.reshape((x.dim(0)?, *outputs, 1, 1))
            }
            Op::MaxPool2d(pool) => composed::max_pool2d(x, pool),
            Op::AvgPool2d(_) | Op::AdaptiveAvgPool2d(_) | Op::Upsample(..) => {
                let (_, _, h, w) = x.dims4()?;
                let map = Resample::of(&node.op, [h, w])
                    .ok_or_else(|| candle_core::Error::Msg(format!("{}: not a resampling", node.scope)))?;
                composed::resample(x, &map)
            }
            Op::Norm { kind, channels, eps, affine } => self.norm(node, x, *kind, *channels, *eps, *affine),
            Op::Activate(f) => composed::activate(x, *f),
            Op::ParametricRelu => {
                let slope = self.weight(node, 0)?;
                composed::parametric_relu(x, &slope)
            }
            Op::Pad(border) => composed::border(x, border),
            Op::Softmax(over) => composed::softmax(x, *over, false),
            Op::LogSoftmax => composed::softmax(x, SoftmaxOver::Channels, true),
            Op::Add => x.broadcast_add(inputs[1]),
            Op::Multiply => x.broadcast_mul(inputs[1]),
            Op::Concat => Tensor::cat(inputs, 1),
            Op::CropLike => {
                let mut x = x.clone();
                for axis in [2, 3] {
                    let (big, small) = (x.dim(axis)?, inputs[1].dim(axis)?);
                    x = x.narrow(axis, (big - small) / 2, small)?;
                }
                Ok(x)
            }
            Op::SpreadLike => {
                let (b, c, ..) = x.dims4()?;
                let (_, _, h, w) = inputs[1].dims4()?;
                x.broadcast_as((b, c, h, w))?.contiguous()
            }
            Op::Slice { axis, start, len } => x.narrow(*axis, *start, *len)?.contiguous(),
            Op::WeightedPool => {
                let (b, c, h, w) = x.dims4()?;
                let weights = inputs[1].contiguous()?.reshape((b, h * w, 1))?;
                x.contiguous()?.reshape((b, c, h * w))?.matmul(&weights)?.reshape((b, c, 1, 1))
            }
            Op::Attend(affinity) => {
                let [query, key, value] = [x, inputs[1], inputs[2]];
                if *affinity == Affinity::Concat {
                    let [left, right] = composed::pair_halves(query, key, &self.weight(node, 0)?)?;
                    return composed::attend(&left, &right, value, *affinity);
                }
                composed::attend(query, key, value, *affinity)
            }
            Op::CrissCross => composed::criss_cross(x, inputs[1], inputs[2]),
            Op::LocalResponse(constants) => composed::local_response(x, constants),
            Op::Gain => x.broadcast_mul(&self.weight(node, 0)?),
            Op::Dropout(share) => {
                if self.mode == Mode::Inference || *share == 0.0 {
                    return Ok(x.clone());
                }
                let mask = self.masks.borrow_mut().next(x.elem_count(), *share);
                x * Tensor::from_vec(mask, x.shape(), x.device())?.to_dtype(x.dtype())?
            }
        }
    }

    fn norm(
        &self,
        node: &Node,
        x: &Tensor,
        kind: Normalisation,
        channels: usize,
        eps: f64,
        affine: bool,
    ) -> Result<Tensor> {
        let first_statistic = if affine { 2 } else { 0 };
        let (scale, shift) = if affine {
            (self.weight(node, 0)?.flatten_all()?, self.weight(node, 1)?.flatten_all()?)
        } else {
            let ones = Tensor::ones(channels, x.dtype(), x.device())?;
            (ones.clone(), ones.zeros_like()?)
        };
        if let (Normalisation::Batch { .. }, Mode::Inference) = (kind, self.mode) {
            let mean = self.weight(node, first_statistic)?.detach();
            let variance = self.weight(node, first_statistic + 1)?.detach();
            let scale = (scale / (variance + eps)?.sqrt()?)?;
            let shift = (shift - (mean * &scale)?)?;
            return composed::scale_shift(x, &scale, &shift);
        }
        if kind == Normalisation::Layer {
            return composed::layer_norm(x, &scale, &shift, eps);
        }
        let (y, mean, variance) = composed::normalise(x, &scale, &shift, kind, eps)?;
        if let Normalisation::Batch { momentum } = kind {
            let (b, c, h, w) = x.dims4()?;
            let count = (b * h * w) as f64;
            let update = |index: usize, new: Tensor| -> Result<()> {
                let Some(variable) = node.parameters.get(index).and_then(|&id| self.variables.get(id)) else {
                    return Ok(());
                };
                let new = new.detach().reshape(c)?;
                let kept = variable.as_detached_tensor().affine(1.0 - momentum, 0.0)?;
                variable.set(&(kept + new.affine(momentum, 0.0)?)?)
            };
            update(first_statistic, mean)?;
            update(first_statistic + 1, variance.affine(count / (count - 1.0).max(1.0), 0.0)?)?;
        }
        Ok(y)
    }
}

/// What a node reads: results so far, or the image.
pub fn inputs_of<'a>(node: &Node, results: &'a [Option<Tensor>], image: &'a Tensor) -> Vec<&'a Tensor> {
    let inputs: Vec<&Tensor> = node.inputs.iter().filter_map(|&input| results[input].as_ref()).collect();
    if inputs.is_empty() { vec![image] } else { inputs }
}
