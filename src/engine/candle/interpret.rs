//! One node at a time: from operation to tensors.

use std::sync::{Arc, OnceLock};

use candle_core::{Result, Tensor, Var};

use super::kernel_op;
use super::masks::Masks;
use super::tape::LastKernel;
use super::{Mode, composed};
use crate::engine::Backend;
use crate::engine::cpu::kernel::Kernel;
use crate::engine::cpu::resample::Resample;
use crate::engine::cpu::{
    activation, arrange, attend, conv, criss_cross, layer_norm, local_response, max_pool, norm, softmax,
};
use crate::graph::{Affinity, Graph, Node, Normalisation, Op, SoftmaxOver};

/// Everything a node needs besides its inputs.
pub struct Interpreter<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Parameters, in the graph's order.
    pub variables: &'a [Var],
    /// Statistics or running means, dropout or none.
    pub mode: Mode,
    /// Which implementation runs.
    pub backend: Backend,
    /// Whether candle is to keep what gradients need.
    pub tracked: bool,
    /// Whether a tape keeps it, and for it the kernel that was applied last.
    pub taped: bool,
    /// See [`Interpreter::taped`].
    pub last: LastKernel,
    /// What dropout takes away.
    pub masks: Masks,
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

    /// The same network with gradients by candle.
    pub fn tracking(&self) -> Interpreter<'_> {
        Interpreter { tracked: true, taped: false, last: LastKernel::default(), masks: Masks::default(), ..*self }
    }

    fn apply(&self, kernel: impl Kernel + 'static, inputs: &[&Tensor]) -> Result<Tensor> {
        if self.taped { self.last.apply(kernel, inputs) } else { kernel_op::apply(kernel, inputs) }
    }

    /// Whether our kernels run.
    fn ours(&self, x: &Tensor) -> bool {
        self.backend == Backend::Best && x.device().is_cpu()
    }

    /// The result of a node.
    pub fn node(&self, node: &Node, inputs: &[&Tensor]) -> Result<Tensor> {
        let x = inputs[0];
        let ours = self.ours(x);
        match &node.op {
            Op::Input => Ok(x.clone()),
            Op::Conv2d(c) => {
                let (weight, bias) = self.weight_and_bias(node, x)?;
                if ours {
                    self.apply(conv::Conv2d(*c), &[x, &weight, &or_zeros(bias, c.outputs, x)?])
                } else {
                    composed::conv2d(x, &weight, bias.as_ref(), c)
                }
            }
            Op::ConvTranspose2d(c) => {
                let (weight, bias) = self.weight_and_bias(node, x)?;
                if ours {
                    self.apply(conv::ConvTranspose2d(*c), &[x, &weight, &or_zeros(bias, c.outputs, x)?])
                } else {
                    composed::conv_transpose2d(x, &weight, bias.as_ref(), c)
                }
            }
            Op::Linear { inputs, outputs } => {
                let y = x.contiguous()?.reshape((x.dim(0)?, *inputs))?.matmul(&self.weight(node, 0)?.t()?)?;
                y.broadcast_add(&self.weight(node, 1)?)?.reshape((x.dim(0)?, *outputs, 1, 1))
            }
            Op::MaxPool2d(pool) => {
                if ours {
                    self.apply(max_pool::MaxPool2d(*pool), &[x])
                } else {
                    composed::max_pool2d(x, pool)
                }
            }
            Op::AvgPool2d(_) | Op::AdaptiveAvgPool2d(_) | Op::Upsample(..) => {
                let (_, _, h, w) = x.dims4()?;
                let map = Resample::of(&node.op, [h, w])
                    .ok_or_else(|| candle_core::Error::Msg(format!("{}: not a resampling", node.scope)))?;
                if ours { self.apply(map, &[x]) } else { composed::resample(x, &map) }
            }
            Op::Norm { kind, channels, eps, affine } => self.norm(node, x, *kind, *channels, *eps, *affine),
            Op::Activate(f) => {
                if ours {
                    self.apply(activation::Activate(*f), &[x])
                } else {
                    composed::activate(x, *f)
                }
            }
            Op::ParametricRelu => {
                let slope = self.weight(node, 0)?;
                if ours {
                    self.apply(activation::ParametricRelu, &[x, &slope])
                } else {
                    composed::parametric_relu(x, &slope)
                }
            }
            Op::Pad(border) => {
                if ours {
                    self.apply(arrange::Pad(*border), &[x])
                } else {
                    composed::border(x, border)
                }
            }
            Op::Softmax(over) => self.softmax(x, *over, false, ours),
            Op::LogSoftmax => self.softmax(x, SoftmaxOver::Channels, true, ours),
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
                    return if ours {
                        // The tape runs this again for its gradients: three arrays are not the node's own.
                        kernel_op::apply(attend::Attend(*affinity), &[&left, &right, value])
                    } else {
                        composed::attend(&left, &right, value, *affinity)
                    };
                }
                if ours {
                    self.apply(attend::Attend(*affinity), &[query, key, value])
                } else {
                    composed::attend(query, key, value, *affinity)
                }
            }
            Op::CrissCross => {
                if ours {
                    self.apply(criss_cross::CrissCross, inputs)
                } else {
                    composed::criss_cross(x, inputs[1], inputs[2])
                }
            }
            Op::LocalResponse(constants) => {
                if ours {
                    self.apply(local_response::LocalResponseNorm(*constants), &[x])
                } else {
                    composed::local_response(x, constants)
                }
            }
            Op::Gain => x.broadcast_mul(&self.weight(node, 0)?),
            Op::Dropout(share) => {
                if self.mode == Mode::Inference || *share == 0.0 {
                    return Ok(x.clone());
                }
                x * self.masks.next(x, *share)?
            }
        }
    }

    fn softmax(&self, x: &Tensor, over: SoftmaxOver, log: bool, ours: bool) -> Result<Tensor> {
        if ours { self.apply(softmax::Softmax { over, log }, &[x]) } else { composed::softmax(x, over, log) }
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
            return if self.ours(x) {
                self.apply(norm::ScaleShift, &[x, &scale, &shift])
            } else {
                composed::scale_shift(x, &scale, &shift)
            };
        }
        if kind == Normalisation::Layer {
            return if self.ours(x) {
                self.apply(layer_norm::LayerNorm { eps }, &[x, &scale, &shift])
            } else {
                composed::layer_norm(x, &scale, &shift, eps)
            };
        }
        let (y, mean, variance) = if self.ours(x) {
            let moments: Arc<OnceLock<norm::Moments>> = Arc::default();
            let y = self.apply(norm::Normalise { kind, eps, moments: moments.clone() }, &[x, &scale, &shift])?;
            let all = moments.get().cloned().unwrap_or_default();
            let column = |f: fn(&(f64, f64)) -> f64| {
                let values: Vec<f32> = all.iter().map(|m| f(m) as f32).collect();
                Tensor::from_vec(values, all.len(), x.device())
            };
            (y, column(|m| m.0)?, column(|m| m.1)?)
        } else {
            composed::normalise(x, &scale, &shift, kind, eps)?
        };
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

fn or_zeros(bias: Option<Tensor>, count: usize, like: &Tensor) -> Result<Tensor> {
    match bias {
        Some(bias) => Ok(bias),
        None => Tensor::zeros(count, like.dtype(), like.device()),
    }
}
