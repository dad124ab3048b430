//! Attention blocks. Channels: squeeze-and-excitation, global context; positions: non-local, criss-cross.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "numbers of channels"
)]

use super::builder::{Scope, Value};
use super::op::{Affinity, Conv, Pool, SoftmaxOver};

/// How a global context block gathers its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextPooling {
    /// Softmax over positions of a learned map.
    Attention,
    /// Mean over positions.
    Average,
}

/// How a global context block puts its context back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextFusion {
    /// x + T(c): the identity at the start.
    Add,
    /// x * sigmoid(T(c)): one half at the start.
    Multiply,
    /// x * sigmoid(T1(c)) + T2(c).
    MultiplyAdd,
}

/// The pairwise function of a non-local block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairwise {
    /// Softmax of the products of the maps themselves.
    Gaussian,
    /// Softmax of the products of their projections.
    Embedded,
    /// Products of their projections.
    Dot,
    /// A learned function of both projections.
    Concat,
}

/// Options of a non-local block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonLocal {
    /// The pairwise function.
    pub pairwise: Pairwise,
    /// Whether keys and values are pooled 2x2 first.
    pub subsample: bool,
    /// Whether a batch norm (which starts at zero) ends the branch; else its last convolution starts at zero.
    pub norm: bool,
}

impl Scope {
    /// Concurrent squeeze-and-excitation in channels and space (Roy et al. 2018), `x cSE(x) + x sSE(x)`, named as in
    /// `segmentation_models.pytorch`.
    pub fn spatial_channel_excite(&self, x: &Value, reduction: usize) -> Value {
        let (channels, cse) = (x.channels(), self.sub("cSE"));
        let narrow = (channels / reduction).max(1);
        let squeezed = cse.sub(1).conv_valid(&x.adaptive_avg_pool([1, 1]), narrow, 1).relu();
        let by_channel = cse.sub(3).conv_valid(&squeezed, channels, 1).sigmoid();
        let by_position = self.sub("sSE").sub(0).conv_valid(x, 1, 1).sigmoid();
        x.times(&by_channel).plus(&x.times(&by_position))
    }

    /// Non-local block (Wang et al. 2018, code facebookresearch/video-nonlocal-net): `x + bn(out(y))`, y the values `g`
    /// of all positions weighted by a pairwise function of `theta` and `phi`, half as many channels inside.
    pub fn non_local(&self, x: &Value, options: NonLocal) -> Value {
        let inner = (x.channels() / 2).max(1);
        let project = |name: &str| self.sub(name).conv_valid(x, inner, 1);
        let pooled = |x: &Value| if options.subsample { x.max_pool(Pool::new(2, 2)) } else { x.clone() };
        let y = match options.pairwise {
            Pairwise::Gaussian => x.attend(&pooled(x), &pooled(&project("g")), Affinity::Softmax),
            pairwise => {
                let (theta, phi, g) = (project("theta"), pooled(&project("phi")), pooled(&project("g")));
                match pairwise {
                    Pairwise::Concat => self.sub("pair").attend_pairs(&theta, &phi, &g),
                    Pairwise::Dot => theta.attend(&phi, &g, Affinity::Dot),
                    _ => theta.attend(&phi, &g, Affinity::Softmax),
                }
            }
        };
        let out = self.sub("out");
        let branch = if options.norm {
            self.sub("bn").zero_batch_norm(&out.conv_valid(&y, x.channels(), 1))
        } else {
            out.zero_conv(&y, Conv::square(inner, x.channels(), 1))
        };
        x.plus(&branch)
    }

    /// Simplified non-local block (Cao et al. 2019): one attention map for all positions, a single 1x1 transform.
    pub fn simplified_non_local(&self, x: &Value) -> Value {
        let plain = |outputs| Conv { bias: false, ..Conv::square(x.channels(), outputs, 1) };
        let mask = self.sub("key").conv(x, plain(1)).softmax(SoftmaxOver::Positions);
        x.plus(&self.sub("value").zero_conv(&x.weighted_pool(&mask), plain(x.channels())))
    }

    /// Criss-cross attention (Huang et al. 2019, code speedinghzl/CCNet), `x + gamma y`, gamma zero at the start; the same
    /// block `loops` times.
    pub fn criss_cross(&self, x: &Value, reduction: usize, loops: usize) -> Value {
        let depth = (x.channels() / reduction).max(1);
        let mut x = x.clone();
        for n in 0..loops {
            let scope = if n == 0 { self.clone() } else { self.again() };
            let project = |name: &str, channels: usize| scope.sub(name).conv_valid(&x, channels, 1);
            let (query, key, value) = (project("query", depth), project("key", depth), project("value", x.channels()));
            x = scope.gain(&query.criss_cross(&key, &value)).plus(&x);
        }
        x
    }

    /// Squeeze-and-excitation (Hu et al. 2018, code hujie-frank/SENet): mean over positions, two fully connected
    /// layers `fc1` (C -> C / reduction, `ReLU`) and `fc2` (back, sigmoid), product with the input.
    pub fn squeeze_excite(&self, x: &Value, reduction: usize) -> Value {
        let squeezed = x.adaptive_avg_pool([1, 1]);
        let narrow = self.sub("fc1").linear(&squeezed, (x.channels() / reduction).max(1)).relu();
        let gate = self.sub("fc2").linear(&narrow, x.channels()).sigmoid();
        x.times(&gate)
    }

    /// Global context (Cao et al. 2019, code xvjiarui/GCNet `context_block.py`): one context vector per image,
    /// transformed by `conv1`, layer norm, `ReLU`, `conv2`, and fused with every position.
    pub fn global_context(&self, x: &Value, ratio: f64, pooling: ContextPooling, fusion: ContextFusion) -> Value {
        let channels = x.channels();
        let planes = ((channels as f64 * ratio) as usize).max(1);
        let context = match pooling {
            ContextPooling::Attention => {
                let mask = self.sub("mask").conv(x, Conv::square(channels, 1, 1)).softmax(SoftmaxOver::Positions);
                x.weighted_pool(&mask)
            }
            ContextPooling::Average => x.adaptive_avg_pool([1, 1]),
        };
        let transform = |name: &str| {
            let scope = self.sub(name);
            let narrow = scope.sub("conv1").conv(&context, Conv::square(channels, planes, 1));
            let narrow = scope.sub("norm").layer_norm(&narrow, 1e-5).relu();
            scope.sub("conv2").zero_conv(&narrow, Conv::square(planes, channels, 1))
        };
        let mut out = x.clone();
        if fusion != ContextFusion::Add {
            out = out.times(&transform("mul").sigmoid());
        }
        if fusion != ContextFusion::Multiply {
            out = out.plus(&transform("add"));
        }
        out
    }
}
