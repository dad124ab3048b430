//! nnU-Net's plain 2-D network: Isensee et al., "nnU-Net", Nature Methods 18 (2021);
//! code MIC-DKFZ/dynamic-network-architectures, `PlainConvUNet`.
//!
//! Strided convolutions down, transposed ones (kernel = stride) up, instance norm, leaky `ReLU`, concatenation
//! (up, skip), one head per decoder stage for deep supervision.

use serde::{Deserialize, Serialize};

use super::Ends;
use crate::graph::{Activation, Conv, Graph, GraphBuilder, GraphError, Scope, Value};

/// Options of the plain network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NnUnet {
    /// Channels of each stage.
    pub features: Vec<usize>,
    /// Stride into each stage; the first is 1.
    pub strides: Vec<usize>,
    /// Convolutions per encoder stage.
    pub encoder_convs: usize,
    /// Convolutions per decoder stage.
    pub decoder_convs: usize,
    /// Whether the coarser heads are outputs too.
    pub deep_supervision: bool,
}

impl Default for NnUnet {
    fn default() -> Self {
        Self::with_stages(4)
    }
}

impl NnUnet {
    /// Features min(512, 32 * 2^i), two convolutions per stage.
    pub fn with_stages(stages: usize) -> Self {
        Self {
            features: (0..stages).map(|i| (32usize << i).min(512)).collect(),
            strides: (0..stages).map(|i| if i == 0 { 1 } else { 2 }).collect(),
            encoder_convs: 2,
            decoder_convs: 2,
            deep_supervision: false,
        }
    }

    /// Builds the graph, with the parameter names of the original.
    ///
    /// # Errors
    /// When the lists of features and strides differ in length (as a mismatch of channels).
    pub fn build(&self, ends: Ends) -> Result<Graph, GraphError> {
        if self.features.is_empty() || self.features.len() != self.strides.len() {
            let (expected, got) = (self.features.len(), self.strides.len());
            return Err(GraphError::Channels { scope: "features and strides".into(), expected, got });
        }
        let builder = GraphBuilder::new();
        let root = builder.root();
        let mut x = builder.input(ends.in_channels);
        let mut skips = Vec::new();
        for (stage, (&features, &stride)) in self.features.iter().zip(&self.strides).enumerate() {
            let scope = root.sub("encoder.stages").sub(stage).sub(0).sub("convs");
            x = conv_stack(&scope, &x, features, stride, self.encoder_convs);
            builder.tap(format!("encoder.stages.{stage}"), &x);
            skips.push(x.clone());
        }
        skips.pop();
        let decoder = root.sub("decoder");
        let mut heads = Vec::new();
        for (step, skip) in skips.iter().rev().enumerate() {
            let stride = self.strides[self.strides.len() - 1 - step];
            let up = decoder.sub("transpconvs").sub(step).up_conv(&x, skip.channels(), [stride; 2]);
            let scope = decoder.sub("stages").sub(step).sub("convs");
            x = conv_stack(&scope, &up.concat(skip), skip.channels(), 1, self.decoder_convs);
            builder.tap(format!("decoder.stages.{step}"), &x);
            heads.push(decoder.sub("seg_layers").sub(step).conv_valid(&x, ends.classes, 1));
        }
        heads.reverse();
        if !self.deep_supervision {
            heads.truncate(1);
        }
        builder.finish(&heads)
    }
}

/// `count` times (3x3 convolution with bias, instance norm, leaky `ReLU` 0.01); the first one strides.
pub fn conv_stack(scope: &Scope, x: &Value, features: usize, stride: usize, count: usize) -> Value {
    let mut x = x.clone();
    for n in 0..count {
        let scope = scope.sub(n);
        let stride = if n == 0 { [stride; 2] } else { [1; 2] };
        let conv = Conv {
            inputs: x.channels(),
            outputs: features,
            kernel: [3; 2],
            stride,
            padding: [1; 2],
            dilation: [1; 2],
            groups: 1,
            bias: true,
        };
        x = scope.sub("conv").conv(&x, conv);
        x = scope.sub("norm").instance_norm(&x).activate(Activation::LeakyRelu(0.01));
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_the_published_ones() {
        let counts = [(4, 1_928_489), (5, 7_766_828), (6, 20_620_079), (7, 33_473_330)];
        for (stages, expected) in counts {
            let graph = NnUnet::with_stages(stages).build(Ends { in_channels: 1, classes: 3 }).unwrap();
            assert_eq!(graph.trainable_count(), expected, "{stages} stages");
        }
    }
}
