//! A U-Net whose encoder is a published classifier, with the decoder of `segmentation_models.pytorch` (code qubvel-org,
//! `Unet`), whose parameter names these are.
//!
//! Each decoder block doubles the size by repeating pixels, concatenates (up, skip) where the encoder has a map of that
//! size, and convolves twice. VGG encoders get two convolutions at the bottom.

use serde::{Deserialize, Serialize};

use super::attention::{Attention, Blocks, Stages};
use super::encoder::Encoder;
use super::{Ends, ZooError, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Scope, UpsampleMode, UpsampleTo, Value};

/// Options of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderUNet {
    /// The encoder.
    pub encoder: Encoder,
    /// Channels of the decoder's blocks, up to the finest; an encoder with fewer stages takes the last ones, one with more
    /// repeats the first.
    pub decoder: Vec<usize>,
    /// Attention of the decoder's blocks, the finest first. `scse` stands, as in the original, both in front of and
    /// behind the convolutions, the others behind.
    pub attention: Stages,
    /// Squeeze-and-excitation has so many times fewer units inside than channels.
    pub attention_ratio: usize,
    /// Whether non-local blocks pool their keys and values 2x2.
    pub attention_subsample: bool,
    /// Whether the encoder's auxiliary classifiers become further heads, which are trained with weight 0.3 and left out of
    /// inference (`GoogLeNet` and Inception v3).
    pub auxiliary: bool,
}

impl Default for EncoderUNet {
    fn default() -> Self {
        Self {
            encoder: Encoder::ResNet34,
            decoder: vec![256, 128, 64, 32, 16],
            attention: Stages::default(),
            attention_ratio: Blocks::RATIO,
            attention_subsample: false,
            auxiliary: false,
        }
    }
}

/// Channels in front of an auxiliary head, as in the published classifiers.
const AUXILIARY_WIDTH: usize = 128;

/// Most channels of a decoder block.
const MAX_CHANNELS: usize = 4096;

/// Up, beside the skip, attention, two convolutions, attention.
pub fn decoder_block(
    scope: &Scope,
    x: &Value,
    skip: Option<&Value>,
    outputs: usize,
    attention: Attention,
    blocks: Blocks,
) -> Value {
    let mut x = x.upsample(UpsampleMode::Nearest, UpsampleTo::Scale([2, 2]));
    if let Some(skip) = skip {
        x = x.concat(skip);
        if attention == Attention::Scse {
            x = attention.block(&scope.sub("attention1").sub("attention"), &x, blocks);
        }
    }
    for n in 1..=2 {
        x = unit(&scope.sub(format!("conv{n}")), &x, outputs);
    }
    attention.block(&scope.sub("attention2").sub("attention"), &x, blocks)
}

/// 3x3 convolution, batch norm, `ReLU`.
fn unit(scope: &Scope, x: &Value, outputs: usize) -> Value {
    scope.sub(1).batch_norm(&scope.sub(0).conv(x, conv(x, outputs, 3, 1, 1, false))).relu()
}

impl EncoderUNet {
    /// Builds the graph. Scopes: `encoder`, `decoder.center`, `decoder.blocks.i`, `segmentation_head.0`.
    ///
    /// # Errors
    /// When a decoder block would have no channels, or too many, or an attention that does not fit.
    pub fn build(&self, ends: Ends) -> Result<Graph, ZooError> {
        let bad = self.decoder.iter().find(|&&n| n == 0 || n > MAX_CHANNELS);
        let (Some(&fewest), None) = (self.decoder.last(), bad) else {
            let got = bad.copied().unwrap_or(0);
            return Err(GraphError::Channels { scope: "decoder".into(), expected: MAX_CHANNELS, got }.into());
        };
        let builder = GraphBuilder::new();
        let (root, x) = (builder.root(), builder.input(ends.in_channels));
        let mut features = self.encoder.features(&builder, &root.sub("encoder"), &x, "encoder.");
        let (mut x, mut stride) = features.pop().map_or((x, 1), |f| (f.value, f.stride));
        let decoder = root.sub("decoder");
        if matches!(self.encoder, Encoder::Vgg16 | Encoder::Vgg16Bn) {
            let (center, channels) = (decoder.sub("center"), x.channels());
            x = unit(&center.sub(1), &unit(&center.sub(0), &x, channels), channels);
        }
        let blocks = stride.ilog2() as usize;
        for n in 0..blocks {
            stride /= 2;
            let skip = features.iter().find(|f| f.stride == stride).map(|f| &f.value);
            // Counted from the finest block, so that encoders with fewer stages have narrow ones.
            let channels = self.decoder.get((self.decoder.len() + n).saturating_sub(blocks)).copied().unwrap_or(fewest);
            let subsample = self.attention_subsample;
            let attention = self.attention.at(blocks - 1 - n, stride, subsample).map_err(ZooError::Attention)?;
            let settings = Blocks { ratio: self.attention_ratio, least: 1, subsample };
            x = decoder_block(&decoder.sub("blocks").sub(n), &x, skip, channels, attention, settings);
            builder.tap(format!("decoder.blocks.{n}"), &x);
        }
        let logits = root.sub("segmentation_head").sub(0).conv_same(&x, ends.classes, 3);
        if !self.auxiliary {
            return Ok(builder.finish(&[logits])?);
        }
        let mut heads = Vec::new();
        for (name, map) in self.encoder.auxiliary_maps() {
            let map = builder.tapped(&format!("encoder.{map}"));
            let Some(map) = map else { continue };
            let hidden = unit(&root.sub(name).sub("conv"), &map, AUXILIARY_WIDTH);
            heads.push(root.sub(name).sub("head").conv_valid(&hidden, ends.classes, 1));
        }
        if heads.is_empty() {
            return Err(ZooError::Auxiliary(self.encoder.id()));
        }
        Ok(builder.finish_with_auxiliary(&logits, &heads)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auxiliary_heads_are_trained_and_left_out_of_inference() {
        let ends = Ends { in_channels: 1, classes: 3 };
        let network = EncoderUNet { encoder: Encoder::GoogLeNet, auxiliary: true, ..EncoderUNet::default() };
        let graph = network.build(ends).unwrap();
        assert_eq!(graph.output_weights(), [1.0, 0.3, 0.3]);
        let sizes = graph.sizes([64, 96]).unwrap();
        assert_eq!(graph.outputs.iter().map(|&id| sizes[id]).collect::<Vec<_>>(), [[64, 96], [4, 6], [4, 6]]);
        let plain = EncoderUNet { auxiliary: false, ..network }.build(ends).unwrap();
        assert_eq!(graph.for_inference().trainable_count(), plain.trainable_count());
        let error = EncoderUNet { auxiliary: true, ..EncoderUNet::default() }.build(ends).unwrap_err();
        assert!(error.to_string().contains("resnet34"), "{error}");
    }
}
