//! Sizes of nodes: as symbols at building time, as numbers for a given input.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes of maps fit in memory"
)]

use super::extent::Extent;
use super::op::{Border, Conv, Op, Pool, UpsampleTo};
use super::{Graph, NodeId};
use crate::work::memory::OutOfMemory;

/// Channels and spatial extent of a node's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Number of channels.
    pub channels: usize,
    /// Height and width as functions of the input's.
    pub extent: [Extent; 2],
}

/// Why a graph does not fit an input, or itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// An operation got other channels than it was built for.
    #[error("{scope}: expects {expected} channels, got {got}")]
    Channels {
        /// Scope of the node.
        scope: String,
        /// Channels it was built for.
        expected: usize,
        /// Channels it got.
        got: usize,
    },
    /// Two maps that must have one size differ.
    #[error(
        "{scope}: cannot join maps of {first:?} and {second:?}; the input must be a multiple of the network's strides"
    )]
    Mismatch {
        /// Scope of the node.
        scope: String,
        /// Height and width of the first.
        first: [usize; 2],
        /// Height and width of the second.
        second: [usize; 2],
    },
    /// A fully connected layer was built for another image size.
    #[error("{scope}: a fully connected layer expects {expected} positions, got a map of {got:?}")]
    Positions {
        /// Scope of the node.
        scope: String,
        /// Positions it was built for.
        expected: usize,
        /// Height and width of the map.
        got: [usize; 2],
    },
    /// An operation and what it is given do not belong together.
    #[error("{scope}: {problem}")]
    Unfit {
        /// Scope of the node.
        scope: String,
        /// What does not fit.
        problem: String,
    },
    /// Its maps need more memory than there is.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    /// A map would have no pixels left.
    #[error("{scope}: a map of {size:?} is too small")]
    TooSmall {
        /// Scope of the node.
        scope: String,
        /// Height and width.
        size: [usize; 2],
    },
}

/// What a convolution adds to a map's length before it counts its windows, less one.
fn conv_free(conv: &Conv, axis: usize) -> i64 {
    2 * conv.padding[axis] as i64 - (conv.dilation[axis] * (conv.kernel[axis] - 1) + 1) as i64
}

/// The same of a pooling. An incomplete window counts in ceil mode, if it starts inside the map or its left border.
fn pool_free(pool: &Pool, axis: usize) -> i64 {
    let [kernel, stride, padding] = [pool.kernel, pool.stride, pool.padding].map(|of| of[axis] as i64);
    let complete = 2 * padding - kernel;
    if pool.ceil_mode { (complete + stride - 1).min(padding - 1) } else { complete }
}

/// The number of windows: the largest free length that is a multiple of the stride, as for inputs that it divides.
fn windows(extent: Extent, free: i64, stride: usize) -> Extent {
    let stride = stride as i64;
    extent.plus(free - free.rem_euclid(stride)).times(1, stride).plus(1)
}

/// The size of a convolution or pooling of a map with a border, whose own size is given without it: the border and the windows count
/// together, as where the window has the border itself. `None` for other operations.
pub(super) fn symbolic_with_border(op: &Op, border: &Border, inner: [Extent; 2]) -> Option<[Extent; 2]> {
    let (free, stride) = match op {
        Op::Conv2d(conv) => ([0, 1].map(|axis| conv_free(conv, axis)), conv.stride),
        Op::MaxPool2d(pool) | Op::AvgPool2d(pool) => ([0, 1].map(|axis| pool_free(pool, axis)), pool.stride),
        _ => return None,
    };
    let around = |axis: usize| (border.before[axis + 1] + border.after[axis + 1]) as i64;
    Some([0, 1].map(|axis| windows(inner[axis], free[axis] + around(axis), stride[axis])))
}

/// The symbolic size of an operation's result. Floor divisions are taken as exact, as for inputs that the strides divide.
pub(super) fn symbolic(op: &Op, inputs: &[Size], own_channels: usize) -> Size {
    let first = inputs.first().copied().unwrap_or(Size { channels: own_channels, extent: [Extent::INPUT; 2] });
    let per_axis = |f: &dyn Fn(usize, Extent) -> Extent| [f(0, first.extent[0]), f(1, first.extent[1])];
    match op {
        Op::Conv2d(conv) => {
            let extent = per_axis(&|axis, e| windows(e, conv_free(conv, axis), conv.stride[axis]));
            Size { channels: conv.outputs, extent }
        }
        Op::ConvTranspose2d(conv) => {
            let extent = per_axis(&|axis, e| {
                let added = conv.kernel[axis] + conv.output_padding[axis];
                e.plus(-1).times(conv.stride[axis] as i64, 1).plus(added as i64 - 2 * conv.padding[axis] as i64)
            });
            Size { channels: conv.outputs, extent }
        }
        Op::Linear { outputs, .. } => Size { channels: *outputs, extent: [Extent::fixed(1); 2] },
        Op::Attend(_) => Size { channels: inputs.get(2).map_or(first.channels, |s| s.channels), extent: first.extent },
        Op::CrissCross => inputs.get(2).copied().unwrap_or(first),
        Op::MaxPool2d(pool) | Op::AvgPool2d(pool) => {
            let extent = per_axis(&|axis, e| windows(e, pool_free(pool, axis), pool.stride[axis]));
            Size { channels: first.channels, extent }
        }
        Op::AdaptiveAvgPool2d(size) | Op::Upsample(_, UpsampleTo::Size(size)) => {
            Size { channels: first.channels, extent: size.map(Extent::fixed) }
        }
        Op::Upsample(_, UpsampleTo::Scale(scale)) => {
            let extent = per_axis(&|axis, e| e.times(scale[axis] as i64, 1));
            Size { channels: first.channels, extent }
        }
        Op::Concat => Size { channels: inputs.iter().map(|s| s.channels).sum(), extent: first.extent },
        Op::CropLike | Op::SpreadLike => {
            Size { channels: first.channels, extent: inputs.get(1).map_or(first.extent, |s| s.extent) }
        }
        Op::Slice { axis, len, .. } => {
            let mut size = first;
            match axis {
                1 => size.channels = *len,
                axis => size.extent[axis - 2] = Extent::fixed(*len),
            }
            size
        }
        Op::WeightedPool => Size { channels: first.channels, extent: [Extent::fixed(1); 2] },
        Op::Pad(border) => {
            let [channels, height, width] = [0, 1, 2].map(|n| border.before[n] + border.after[n]);
            let extent = per_axis(&|axis, e| e.plus([height, width][axis] as i64));
            Size { channels: first.channels + channels, extent }
        }
        Op::Input
        | Op::Norm { .. }
        | Op::Activate(_)
        | Op::ParametricRelu
        | Op::Softmax(_)
        | Op::LogSoftmax
        | Op::Add
        | Op::Multiply
        | Op::LocalResponse(_)
        | Op::Gain
        | Op::Dropout(_) => first,
    }
}

impl Graph {
    /// Height and width of every node for an input of this size, computed as the engines do.
    ///
    /// # Errors
    /// Where maps do not fit together.
    pub fn sizes(&self, input: [usize; 2]) -> Result<Vec<[usize; 2]>, GraphError> {
        let mut sizes: Vec<[usize; 2]> = Vec::with_capacity(self.nodes.len());
        for id in 0..self.nodes.len() {
            let size = self.size_of(id, input, &sizes)?;
            Self::check_len(&self.nodes[id], size)?;
            sizes.push(size);
        }
        Ok(sizes)
    }

    /// Height and width of a node, from those before it.
    pub(super) fn size_of(
        &self,
        id: NodeId,
        input: [usize; 2],
        sizes: &[[usize; 2]],
    ) -> Result<[usize; 2], GraphError> {
        let node = &self.nodes[id];
        let Some(&first_id) = node.inputs.first() else { return Ok(input) };
        let first = sizes[first_id];
        let both = |f: &dyn Fn(usize) -> Option<usize>| match (f(0), f(1)) {
            (Some(h), Some(w)) if h > 0 && w > 0 => Ok([h, w]),
            _ => Err(GraphError::TooSmall { scope: node.scope.clone(), size: first }),
        };
        Self::check_len(node, first)?;
        let mismatch = |second| GraphError::Mismatch { scope: node.scope.clone(), first, second };
        match &node.op {
            Op::Conv2d(conv) => both(&|axis| conv.output_len(axis, first[axis])),
            Op::ConvTranspose2d(conv) => both(&|axis| conv.output_len(axis, first[axis])),
            Op::MaxPool2d(pool) | Op::AvgPool2d(pool) => both(&|axis| pool.output_len(axis, first[axis])),
            Op::AdaptiveAvgPool2d(size) | Op::Upsample(_, UpsampleTo::Size(size)) => Ok(*size),
            Op::Upsample(_, UpsampleTo::Scale(scale)) => both(&|axis| first[axis].checked_mul(scale[axis])),
            Op::Pad(border) => Ok([0, 1].map(|axis| first[axis] + border.before[axis + 1] + border.after[axis + 1])),
            Op::WeightedPool => {
                let second = sizes[node.inputs[1]];
                if second == first { Ok([1, 1]) } else { Err(mismatch(second)) }
            }
            Op::Attend(_) => {
                let [key, value] = [1, 2].map(|n| sizes[node.inputs[n]]);
                if key[0].checked_mul(key[1]) == value[0].checked_mul(value[1]) {
                    return Ok(first);
                }
                let problem =
                    format!("attention with {} x {} keys and {} x {} values", key[0], key[1], value[0], value[1]);
                Err(GraphError::Unfit { scope: node.scope.clone(), problem })
            }
            Op::Slice { axis, start, len } => {
                let mut size = first;
                if *axis > 1 {
                    if start + len > size[axis - 2] {
                        return Err(GraphError::TooSmall { scope: node.scope.clone(), size: first });
                    }
                    size[axis - 2] = *len;
                }
                Ok(size)
            }
            Op::Linear { inputs, .. } => {
                let channels = self.nodes[first_id].size.channels;
                if channels * first[0] * first[1] == *inputs {
                    Ok([1, 1])
                } else {
                    let (scope, expected) = (node.scope.clone(), *inputs / channels.max(1));
                    Err(GraphError::Positions { scope, expected, got: first })
                }
            }
            Op::CrissCross => {
                let other = node.inputs[1..].iter().map(|&i| sizes[i]).find(|&s| s != first);
                other.map_or(Ok(first), |second| Err(mismatch(second)))
            }
            Op::SpreadLike => {
                let second = sizes[node.inputs[1]];
                if first == [1, 1] { Ok(second) } else { Err(mismatch(second)) }
            }
            Op::CropLike => {
                let second = sizes[node.inputs[1]];
                if second[0] > first[0] || second[1] > first[1] { Err(mismatch(second)) } else { Ok(second) }
            }
            Op::Concat => match node.inputs.iter().map(|&i| sizes[i]).find(|&s| s != first) {
                Some(second) => Err(mismatch(second)),
                None => Ok(first),
            },
            Op::Add | Op::Multiply => {
                let second = sizes[node.inputs[1]];
                if second == first || second == [1, 1] { Ok(first) } else { Err(mismatch(second)) }
            }
            _ => Ok(first),
        }
    }

    /// Whether a layer is made for one image size: means over several parts, resampling to a size, fully connected layers on larger maps.
    pub fn has_fixed_parts(&self) -> bool {
        self.nodes.iter().any(|node| match &node.op {
            Op::AdaptiveAvgPool2d(parts) => *parts != [1, 1],
            Op::Upsample(_, UpsampleTo::Size(_)) => true,
            Op::Linear { inputs, .. } => self.nodes[node.inputs[0]].size.channels != *inputs,
            Op::Slice { axis, .. } => *axis > 1,
            _ => false,
        })
    }

    /// Height and width of the first output for an input of this size.
    ///
    /// # Errors
    /// Where maps do not fit together.
    pub fn output_size(&self, input: [usize; 2]) -> Result<[usize; 2], GraphError> {
        let sizes = self.sizes(input)?;
        Ok(self.outputs.first().map_or(input, |&id| sizes[id]))
    }

    /// Heights and widths must be a multiple of this (plus a constant for unpadded networks).
    pub fn stride(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.nodes.iter().map(|n| n.size.extent[axis].stride()).max().unwrap_or(1))
    }
}
