//! The U-Net: Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015.
//!
//! With the options of its descendants: padding, normalisation, up-sampling, attention after each pair of convolutions.
//! Concatenation is (up, skip).

use serde::{Deserialize, Serialize};

use super::attention::{Blocks, Stages};
use super::{Ends, ZooError};
use crate::graph::{Activation, Graph, GraphBuilder, GraphError, Pool, Scope, UpsampleMode, UpsampleTo, Value};

/// Most poolings and channels of the first stage that can be meant.
const MAX_DEPTH: usize = 10;
const MAX_WIDTH: usize = 1024;

/// Fewest units inside squeeze-and-excitation.
const LEAST_UNITS: usize = 4;

/// What happens at the image's border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Zeros; the output has the input's size.
    Same,
    /// Unpadded, as in 2015; the output is smaller and inference mirrors the image outwards.
    Valid,
}

/// Normalisation after each 3x3 convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UNetNorm {
    /// None, as in 2015.
    None,
    /// Batch norm.
    Batch,
    /// Instance norm.
    Instance,
}

/// How the decoder doubles the resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpPath {
    /// Transposed 2x2 convolution, stride 2.
    Transposed,
    /// Nearest neighbour, then a 1x1 convolution that halves the channels.
    Nearest,
    /// Bilinear (corners not aligned), then a 1x1 convolution that halves the channels.
    Bilinear,
}

/// Options of the U-Net.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UNet {
    /// Channels of the first stage; each further stage has twice as many.
    pub width: usize,
    /// Number of poolings.
    pub depth: usize,
    /// Border handling.
    pub padding: Padding,
    /// Normalisation.
    pub norm: UNetNorm,
    /// Non-linearity.
    pub activation: Activation,
    /// Up-sampling.
    pub up: UpPath,
    /// Attention of every stage from the finest to the bottom; an empty list means none. The decoder's stages have their
    /// encoder stage's kind.
    pub attention: Stages,
    /// Squeeze-and-excitation has so many times fewer units inside than channels, but at least four.
    pub attention_ratio: usize,
    /// Whether non-local blocks pool their keys and values 2x2.
    pub attention_subsample: bool,
    /// Dropout at the end of the contracting path (0.5 in 2015).
    pub dropout: f64,
}

impl Default for UNet {
    fn default() -> Self {
        Self {
            width: 32,
            depth: 4,
            padding: Padding::Same,
            norm: UNetNorm::Batch,
            activation: Activation::Relu,
            up: UpPath::Transposed,
            attention: Stages::default(),
            attention_ratio: Blocks::RATIO,
            attention_subsample: false,
            dropout: 0.0,
        }
    }
}

impl UNet {
    /// The network of the 2015 paper.
    pub fn original() -> Self {
        Self { width: 64, padding: Padding::Valid, norm: UNetNorm::None, ..Self::default() }
    }

    /// Builds the graph. Scopes: `down.i`, `bottom`, `up.i`, `merge.i`, `head`.
    ///
    /// # Errors
    /// When options contradict each other.
    pub fn build(&self, ends: Ends) -> Result<Graph, ZooError> {
        if self.depth > MAX_DEPTH || !(1..=MAX_WIDTH).contains(&self.width) {
            let (expected, got) = (MAX_WIDTH, self.width);
            return Err(
                GraphError::Channels { scope: format!("width, with depth {}", self.depth), expected, got }.into()
            );
        }
        let builder = GraphBuilder::new();
        let root = builder.root();
        let mut x = builder.input(ends.in_channels);
        let mut skips = Vec::new();
        for stage in 0..self.depth {
            x = self.pair(&root.sub("down").sub(stage), &x, self.width << stage, stage)?;
            builder.tap(format!("down.{stage}"), &x);
            skips.push(x.clone());
            x = x.max_pool(Pool::new(2, 2));
        }
        x = self.pair(&root.sub("bottom"), &x, self.width << self.depth, self.depth)?;
        builder.tap("bottom", &x);
        if self.dropout > 0.0 {
            x = x.dropout(self.dropout);
        }
        for (step, skip) in skips.iter().rev().enumerate() {
            let stage = self.depth - 1 - step;
            let channels = self.width << stage;
            let up = self.up(&root.sub("up").sub(step), &x, channels);
            let skip = if self.padding == Padding::Valid { skip.crop_like(&up) } else { skip.clone() };
            x = self.pair(&root.sub("merge").sub(step), &up.concat(&skip), channels, stage)?;
            builder.tap(format!("merge.{step}"), &x);
        }
        let logits = root.sub("head").conv_valid(&x, ends.classes, 1);
        Ok(builder.finish(&[logits])?)
    }

    fn pair(&self, scope: &Scope, x: &Value, channels: usize, stage: usize) -> Result<Value, ZooError> {
        let mut x = x.clone();
        for n in 1..=2 {
            let conv = scope.sub(format!("conv{n}"));
            x = match self.padding {
                Padding::Same => conv.conv_same(&x, channels, 3),
                Padding::Valid => conv.conv_valid(&x, channels, 3),
            };
            x = match self.norm {
                UNetNorm::None => x,
                UNetNorm::Batch => scope.sub(format!("bn{n}")).batch_norm(&x),
                UNetNorm::Instance => scope.sub(format!("norm{n}")).instance_norm(&x),
            };
            x = x.activate(self.activation);
        }
        let subsample = self.attention_subsample;
        let attention = self.attention.at(stage, 1 << stage, subsample).map_err(ZooError::Attention)?;
        let blocks = Blocks { ratio: self.attention_ratio, least: LEAST_UNITS, subsample };
        Ok(attention.block(&scope.sub("attention"), &x, blocks))
    }

    fn up(&self, scope: &Scope, x: &Value, channels: usize) -> Value {
        let double = UpsampleTo::Scale([2, 2]);
        match self.up {
            UpPath::Transposed => scope.up_conv(x, channels, [2, 2]),
            UpPath::Nearest => scope.conv_valid(&x.upsample(UpsampleMode::Nearest, double), channels, 1),
            UpPath::Bilinear => {
                scope.conv_valid(&x.upsample(UpsampleMode::Bilinear { align_corners: false }, double), channels, 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Attention;
    use super::*;

    fn count(options: &UNet, in_channels: usize, classes: usize) -> usize {
        options.build(Ends { in_channels, classes }).unwrap().trainable_count()
    }

    #[test]
    fn parameter_counts_are_the_published_ones() {
        assert_eq!(count(&UNet::original(), 1, 2), 31_030_658);
        assert_eq!(count(&UNet::default(), 1, 2), 7_765_442);
    }

    #[test]
    fn attention_adds_its_parameters_at_every_stage() {
        let plain = count(&UNet { depth: 1, ..UNet::default() }, 1, 2);
        let se = count(&UNet { depth: 1, attention: Stages::Everywhere(Attention::Se), ..UNet::default() }, 1, 2);
        // Stages of 32 (twice) and 64 channels, reduction 8 and 16.
        let block = |c: usize, r: usize| 2 * c * (c / r) + c / r + c;
        assert_eq!(se - plain, 2 * block(32, 8) + block(64, 16));
    }

    #[test]
    fn the_original_shrinks_572_to_388() {
        let graph = UNet::original().build(Ends { in_channels: 1, classes: 2 }).unwrap();
        assert_eq!(graph.output_size([572, 572]).unwrap(), [388, 388]);
    }
}
