//! The kernel of an operation.

use std::sync::Arc;

use super::arrange::{Concat, CropLike, Pad, Slice, SpreadLike};
use super::attend::{Attend, PairedAttend};
use super::criss_cross::CrissCross;
use super::gain::Gain;
use super::kernel::Kernel;
use super::layer_norm::LayerNorm;
use super::linear::Linear;
use super::local_response::LocalResponseNorm;
use super::pair::Pair;
use super::softmax::Softmax;
use super::weighted_pool::WeightedPool;
use super::{activation, conv, max_pool, norm};
use crate::engine::resampling::Resample;
use crate::graph::{Affinity, Normalisation, Op, SoftmaxOver};

/// The kernel of an operation whose first map has this size: it takes the operation's maps, then its parameters, then
/// what [`stand_ins`] gives. `None` for what is not computed or is random.
pub fn kernel(op: &Op, input: [usize; 2]) -> Option<Box<dyn Kernel>> {
    Some(match op {
        Op::Conv2d(c) => Box::new(conv::Conv2d(*c)),
        Op::ConvTranspose2d(c) => Box::new(conv::ConvTranspose2d(*c)),
        Op::Linear { .. } => Box::new(Linear),
        Op::MaxPool2d(pool) => Box::new(max_pool::MaxPool2d(*pool)),
        Op::AvgPool2d(_) | Op::AdaptiveAvgPool2d(_) | Op::Upsample(..) => Box::new(Resample::of(op, input)?),
        Op::Norm { kind: Normalisation::Layer, eps, .. } => Box::new(LayerNorm { eps: *eps }),
        Op::Norm { kind, eps, .. } => Box::new(norm::Normalise { kind: *kind, eps: *eps, moments: Arc::default() }),
        Op::Activate(f) => Box::new(activation::Activate(*f)),
        Op::ParametricRelu => Box::new(activation::ParametricRelu),
        Op::Pad(border) => Box::new(Pad(*border)),
        Op::Softmax(over) => Box::new(Softmax { over: *over, log: false }),
        Op::LogSoftmax => Box::new(Softmax { over: SoftmaxOver::Channels, log: true }),
        Op::Add => Box::new(Pair { multiply: false }),
        Op::Multiply => Box::new(Pair { multiply: true }),
        Op::Concat => Box::new(Concat),
        Op::CropLike => Box::new(CropLike),
        Op::SpreadLike => Box::new(SpreadLike),
        Op::Slice { axis, start, len } => Box::new(Slice { axis: *axis, start: *start, len: *len }),
        Op::WeightedPool => Box::new(WeightedPool),
        Op::Attend(Affinity::Concat) => Box::new(PairedAttend),
        Op::Attend(affinity) => Box::new(Attend(*affinity)),
        Op::CrissCross => Box::new(CrissCross),
        Op::LocalResponse(constants) => Box::new(LocalResponseNorm(*constants)),
        Op::Gain => Box::new(Gain),
        Op::Input | Op::Dropout(_) => return None,
    })
}

/// Arrays for the parameters that an operation does without: no bias, a scale of one and no shift.
pub fn stand_ins(op: &Op) -> Vec<Vec<f32>> {
    match op {
        Op::Conv2d(c) if !c.bias => vec![vec![0.0; c.outputs]],
        Op::ConvTranspose2d(c) if !c.bias => vec![vec![0.0; c.outputs]],
        Op::Norm { affine: false, channels, .. } => vec![vec![1.0; *channels], vec![0.0; *channels]],
        _ => Vec::new(),
    }
}

/// Parameters that a kernel takes; those after them are running statistics.
pub fn parameter_count(op: &Op) -> usize {
    match op {
        Op::Conv2d(c) => 1 + usize::from(c.bias),
        Op::ConvTranspose2d(c) => 1 + usize::from(c.bias),
        Op::Linear { .. } | Op::Norm { affine: true, .. } => 2,
        Op::Gain | Op::ParametricRelu | Op::Attend(Affinity::Concat) => 1,
        _ => 0,
    }
}
