//! nnU-Net's 2-D networks: Isensee et al., "nnU-Net", Nature Methods 18 (2021), and "nnU-Net revisited", MICCAI 2024;
//! code MIC-DKFZ/dynamic-network-architectures, `PlainConvUNet` and `ResidualEncoderUNet`.
//!
//! Strided convolutions down, transposed ones (kernel = stride) up, instance norm, leaky `ReLU`, concatenation
//! (up, skip), one head per decoder stage for deep supervision.

use serde::{Deserialize, Serialize};

use super::Ends;
use crate::graph::{Activation, Conv, Graph, GraphBuilder, GraphError, Pool, Scope, Value};

/// Most layers of a stage, features and stages that can be meant.
const MOST_LAYERS: usize = 64;
const MOST_FEATURES: usize = 4096;
const MOST_STAGES: usize = 16;

/// A number for both axes, or one each for rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerAxis {
    /// The same for both.
    Both(usize),
    /// Rows and columns.
    Each([usize; 2]),
}

impl PerAxis {
    /// Rows and columns.
    pub fn pair(self) -> [usize; 2] {
        match self {
            Self::Both(n) => [n; 2],
            Self::Each(pair) => pair,
        }
    }
}

/// Options of both networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NnUnet {
    /// Channels of each stage.
    pub features: Vec<usize>,
    /// Stride into each stage; the first is 1.
    pub strides: Vec<PerAxis>,
    /// Kernels of each stage; an empty list is 3x3.
    pub kernels: Vec<PerAxis>,
    /// Convolutions per encoder stage of the plain network.
    pub encoder_convs: usize,
    /// Residual blocks of each encoder stage; an empty list is the plain network.
    pub blocks: Vec<usize>,
    /// Convolutions of each encoder stage of the plain network, where they differ.
    pub encoder_convs_each: Vec<usize>,
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
            strides: (0..stages).map(|i| PerAxis::Both(if i == 0 { 1 } else { 2 })).collect(),
            kernels: Vec::new(),
            encoder_convs: 2,
            encoder_convs_each: Vec::new(),
            blocks: Vec::new(),
            decoder_convs: 2,
            deep_supervision: false,
        }
    }

    /// The residual encoder with one convolution per decoder stage (1, 3, 4, 6, 6 ... blocks).
    pub fn residual(stages: usize) -> Self {
        let blocks = (0..stages).map(|i| [1, 3, 4, 6].get(i).copied().unwrap_or(6)).collect();
        Self { blocks, decoder_convs: 1, ..Self::with_stages(stages) }
    }

    /// Builds the graph, with the parameter names of the original.
    ///
    /// # Errors
    /// When the lists of the stages differ in length (as a mismatch of channels), or a stride or kernel is impossible.
    pub fn build(&self, ends: Ends) -> Result<Graph, GraphError> {
        if self.features.is_empty() || self.features.len() != self.strides.len() {
            let (expected, got) = (self.features.len(), self.strides.len());
            return Err(GraphError::Channels { scope: "features and strides".into(), expected, got });
        }
        let counts =
            self.blocks.iter().chain(&self.encoder_convs_each).chain([&self.encoder_convs, &self.decoder_convs]);
        if let Some(&got) = counts.into_iter().find(|n| !(1..=MOST_LAYERS).contains(*n)) {
            return Err(GraphError::Channels { scope: "layers of a stage".into(), expected: MOST_LAYERS, got });
        }
        if let Some(&got) = self.features.iter().find(|n| !(1..=MOST_FEATURES).contains(*n)) {
            return Err(GraphError::Channels { scope: "features of a stage".into(), expected: MOST_FEATURES, got });
        }
        if self.features.len() > MOST_STAGES || self.strides[0].pair() != [1, 1] {
            let got = self.features.len();
            return Err(GraphError::Channels {
                scope: "stages, the first of stride 1".into(),
                expected: MOST_STAGES,
                got,
            });
        }
        for (name, len) in [
            ("blocks", self.blocks.len()),
            ("kernels", self.kernels.len()),
            ("encoder_convs_each", self.encoder_convs_each.len()),
        ] {
            if len > 0 && len != self.features.len() {
                return Err(GraphError::Channels { scope: name.into(), expected: self.features.len(), got: len });
            }
        }
        let bad =
            |axes: &PerAxis, odd: bool| axes.pair().into_iter().find(|n| !(1..=9).contains(n) || (odd && n % 2 == 0));
        let worst =
            self.strides.iter().find_map(|s| bad(s, false)).or_else(|| self.kernels.iter().find_map(|k| bad(k, true)));
        if let Some(got) = worst {
            return Err(GraphError::Channels { scope: "a stride or kernel".into(), expected: 3, got });
        }
        let kernel = |stage: usize| self.kernels.get(stage).map_or([3; 2], |k| k.pair());
        let builder = GraphBuilder::new();
        let root = builder.root();
        let mut x = builder.input(ends.in_channels);
        let mut skips = Vec::new();
        for (stage, (&features, &stride)) in self.features.iter().zip(&self.strides).enumerate() {
            let (scope, stride, kernel) = (root.sub("encoder.stages").sub(stage), stride.pair(), kernel(stage));
            if let Some(&count) = self.blocks.get(stage) {
                if stage == 0 {
                    x = conv_stack(&root.sub("encoder.stem.convs"), &x, features, kernel, [1; 2], 1);
                }
                for block in 0..count {
                    let stride = if block == 0 { stride } else { [1; 2] };
                    x = residual_block(&scope.sub("blocks").sub(block), &x, features, kernel, stride);
                }
            } else {
                let count = self.encoder_convs_each.get(stage).copied().unwrap_or(self.encoder_convs);
                x = conv_stack(&scope.sub(0).sub("convs"), &x, features, kernel, stride, count);
            }
            builder.tap(format!("encoder.stages.{stage}"), &x);
            skips.push(x.clone());
        }
        skips.pop();
        let decoder = root.sub("decoder");
        let mut heads = Vec::new();
        for (step, skip) in skips.iter().rev().enumerate() {
            let stage = self.strides.len() - 1 - step;
            let up = decoder.sub("transpconvs").sub(step).up_conv(&x, skip.channels(), self.strides[stage].pair());
            let scope = decoder.sub("stages").sub(step).sub("convs");
            x = conv_stack(&scope, &up.concat(skip), skip.channels(), kernel(stage - 1), [1; 2], self.decoder_convs);
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

fn plain_conv(x: &Value, outputs: usize, kernel: [usize; 2], stride: [usize; 2], bias: bool) -> Conv {
    Conv { kernel, stride, padding: kernel.map(|k| k / 2), bias, ..Conv::square(x.channels(), outputs, 1) }
}

/// Convolution with bias and instance norm.
fn normed(scope: &Scope, x: &Value, outputs: usize, kernel: [usize; 2], stride: [usize; 2]) -> Value {
    scope.sub("norm").instance_norm(&scope.sub("conv").conv(x, plain_conv(x, outputs, kernel, stride, true)))
}

/// The shortcut of ResNet-D: mean pooling where the block strides, a 1x1 convolution where channels change.
fn shortcut(scope: &Scope, x: &Value, outputs: usize, stride: [usize; 2]) -> Value {
    let mut y = x.clone();
    let mut index = 0;
    if stride != [1, 1] {
        y = y.avg_pool(Pool { kernel: stride, stride, ..Pool::new(1, 1) });
        index = 1;
    }
    if x.channels() != outputs {
        let scope = scope.sub("skip").sub(index);
        y = scope
            .sub("norm")
            .instance_norm(&scope.sub("conv").conv(&y, plain_conv(&y, outputs, [1; 2], [1; 2], false)));
    }
    y
}

/// `BasicBlockD`: two convolutions.
pub fn residual_block(scope: &Scope, x: &Value, outputs: usize, kernel: [usize; 2], stride: [usize; 2]) -> Value {
    let leaky = Activation::LeakyRelu(0.01);
    let y = normed(&scope.sub("conv1"), x, outputs, kernel, stride).activate(leaky);
    let y = normed(&scope.sub("conv2"), &y, outputs, kernel, [1; 2]);
    y.plus(&shortcut(scope, x, outputs, stride)).activate(leaky)
}

/// `BottleneckD`: 1x1, 3x3 and 1x1 convolutions.
pub fn residual_bottleneck(scope: &Scope, x: &Value, inside: usize, outputs: usize, stride: [usize; 2]) -> Value {
    let leaky = Activation::LeakyRelu(0.01);
    let y = normed(&scope.sub("conv1"), x, inside, [1; 2], [1; 2]).activate(leaky);
    let y = normed(&scope.sub("conv2"), &y, inside, [3; 2], stride).activate(leaky);
    let y = normed(&scope.sub("conv3"), &y, outputs, [1; 2], [1; 2]);
    y.plus(&shortcut(scope, x, outputs, stride)).activate(leaky)
}

/// `count` times (convolution with bias, instance norm, leaky `ReLU` 0.01); the first one strides.
pub fn conv_stack(
    scope: &Scope,
    x: &Value,
    features: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    count: usize,
) -> Value {
    let mut x = x.clone();
    for n in 0..count {
        let stride = if n == 0 { stride } else { [1; 2] };
        x = normed(&scope.sub(n), &x, features, kernel, stride).activate(Activation::LeakyRelu(0.01));
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
