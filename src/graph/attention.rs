//! Channel attention blocks: squeeze-and-excitation and global context.

use super::builder::{Scope, Value, square};
use super::op::SoftmaxOver;

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

impl Scope {
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
                let mask = self.sub("mask").conv(x, square(channels, 1, 1)).softmax(SoftmaxOver::Positions);
                x.weighted_pool(&mask)
            }
            ContextPooling::Average => x.adaptive_avg_pool([1, 1]),
        };
        let transform = |name: &str| {
            let scope = self.sub(name);
            let narrow = scope.sub("conv1").conv(&context, square(channels, planes, 1));
            let narrow = scope.sub("norm").layer_norm(&narrow, 1e-5).relu();
            scope.sub("conv2").zero_conv(&narrow, square(planes, channels, 1))
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
