//! Inference with maps of 16 bits (IEEE half precision).
//!
//! Convolutions and what only moves or compares values work on 16 bits. Convolutions are products of matrices there, which cuBLAS and
//! Metal add up in 32 bits; cuDNN as candle calls it would add up in 16, so with it convolutions work on 32. What squares,
//! exponentiates or adds up many values is made in 32 bits, as mixed-precision training does (Micikevicius et al., "Mixed Precision
//! Training", 2018), and rounded afterwards.

use candle_core::{DType, Result, Tensor};

use super::interpret::Interpreter;
use crate::graph::{Activation, Node, Op};

/// Whether an operation takes 16 bits as they are.
fn takes_half(op: &Op) -> bool {
    if matches!(op, Op::Conv2d(_) | Op::ConvTranspose2d(_)) {
        return !cfg!(feature = "cudnn");
    }
    if let Op::Activate(activation) = op {
        let exact = [Activation::Relu, Activation::Sigmoid, Activation::Tanh, Activation::HardSwish];
        return exact.contains(activation)
            || matches!(activation, Activation::LeakyRelu(_) | Activation::Clip(..) | Activation::HardSigmoid { .. });
    }
    matches!(
        op,
        Op::Input
            | Op::MaxPool2d(_)
            | Op::Upsample(..)
            | Op::ParametricRelu
            | Op::Pad(_)
            | Op::Add
            | Op::Multiply
            | Op::Concat
            | Op::CropLike
            | Op::SpreadLike
            | Op::Slice { .. }
            | Op::Dropout(_)
    )
}

/// Whether a result is exact enough only in 32 bits: scores, shares and what is one value per channel.
fn gives_single(op: &Op) -> bool {
    matches!(op, Op::Softmax(_) | Op::LogSoftmax | Op::Linear { .. } | Op::WeightedPool | Op::AdaptiveAvgPool2d(_))
}

/// The result of a node, in 16 bits where that is enough for those who read it.
pub fn node(interpreter: &Interpreter, node: &Node, inputs: &[&Tensor]) -> Result<Tensor> {
    let takes = if takes_half(&node.op) { DType::F16 } else { DType::F32 };
    let inputs = inputs.iter().map(|x| x.to_dtype(takes)).collect::<Result<Vec<_>>>()?;
    let result = interpreter.node(node, &inputs.iter().collect::<Vec<_>>())?;
    if gives_single(&node.op) { Ok(result) } else { result.to_dtype(DType::F16) }
}
