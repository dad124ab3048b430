//! A U-Net whose encoder is a published classifier, with the decoder of `segmentation_models.pytorch` (code qubvel-org,
//! `Unet`), whose parameter names these are.
//!
//! Each decoder block doubles the size by repeating pixels (or bilinearly), concatenates (up, skip) where the encoder has a
//! map of that size, and convolves twice. VGG encoders get two convolutions at the bottom.

use serde::{Deserialize, Serialize};

use super::attention::{Attention, Blocks, Stages};
use super::encoder::Encoder;
use super::{Ends, ZooError, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Scope, UpsampleMode, UpsampleTo, Value};

/// Normalisation behind the decoder's convolutions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecoderNorm {
    /// Batch norm.
    #[default]
    Batch,
    /// Instance norm with scale and shift.
    Instance,
    /// None; the convolutions have a bias instead.
    None,
}

/// How the decoder doubles the size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecoderUp {
    /// Pixels are repeated.
    #[default]
    Nearest,
    /// Bilinearly, corners not aligned.
    Bilinear,
}

impl DecoderUp {
    fn mode(self) -> UpsampleMode {
        match self {
            Self::Nearest => UpsampleMode::Nearest,
            Self::Bilinear => UpsampleMode::Bilinear { align_corners: false },
        }
    }
}

/// Whether a value is the one that is meant where nothing is said.
fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

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
    /// How many halvings of the encoder are used; all of them where missing.
    #[serde(skip_serializing_if = "is_usual")]
    pub stages: Option<usize>,
    /// Normalisation of the decoder.
    #[serde(skip_serializing_if = "is_usual")]
    pub norm: DecoderNorm,
    /// Up-sampling of the decoder.
    #[serde(skip_serializing_if = "is_usual")]
    pub up: DecoderUp,
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
            stages: None,
            norm: DecoderNorm::Batch,
            up: DecoderUp::Nearest,
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
    decoder_block_with(scope, x, skip, outputs, (attention, blocks), (DecoderNorm::Batch, DecoderUp::Nearest))
}

fn decoder_block_with(
    scope: &Scope,
    x: &Value,
    skip: Option<&Value>,
    outputs: usize,
    (attention, blocks): (Attention, Blocks),
    (norm, up): (DecoderNorm, DecoderUp),
) -> Value {
    let mut x = x.upsample(up.mode(), UpsampleTo::Scale([2, 2]));
    if let Some(skip) = skip {
        x = x.concat(skip);
        if attention == Attention::Scse {
            x = attention.block(&scope.sub("attention1").sub("attention"), &x, blocks);
        }
    }
    for n in 1..=2 {
        x = unit(&scope.sub(format!("conv{n}")), &x, outputs, norm);
    }
    attention.block(&scope.sub("attention2").sub("attention"), &x, blocks)
}

/// 3x3 convolution, norm, `ReLU`.
fn unit(scope: &Scope, x: &Value, outputs: usize, norm: DecoderNorm) -> Value {
    let y = scope.sub(0).conv(x, conv(x, outputs, 3, 1, 1, norm == DecoderNorm::None));
    let y = match norm {
        DecoderNorm::Batch => scope.sub(1).batch_norm(&y),
        DecoderNorm::Instance => scope.sub(1).instance_norm(&y),
        DecoderNorm::None => y,
    };
    y.relu()
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
        if let Some(stages) = self.stages {
            let deepest = features.iter().position(|f| f.stride.ilog2() as usize == stages);
            let Some(deepest) = deepest else {
                let expected = features.last().map_or(0, |f| f.stride.ilog2() as usize);
                return Err(GraphError::Channels { scope: "stages".into(), expected, got: stages }.into());
            };
            features.truncate(deepest + 1);
        }
        let (mut x, mut stride) = features.pop().map_or((x, 1), |f| (f.value, f.stride));
        let decoder = root.sub("decoder");
        if self.encoder.is_vgg() {
            let (center, channels) = (decoder.sub("center"), x.channels());
            for n in 0..2 {
                x = unit(&center.sub(n), &x, channels, self.norm);
            }
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
            let scope = decoder.sub("blocks").sub(n);
            x = decoder_block_with(&scope, &x, skip, channels, (attention, settings), (self.norm, self.up));
            builder.tap(format!("decoder.blocks.{n}"), &x);
        }
        let logits = root.sub("segmentation_head").sub(0).conv_same(&x, ends.classes, 3);
        if !self.auxiliary {
            let mut graph = builder.finish(&[logits])?;
            if self.stages.is_some() {
                // An encoder is built to its end; what nobody reads is no part of the network, also not to look at.
                graph.taps.retain(|(name, _)| name.starts_with("decoder."));
                graph = graph.without_dead_nodes();
            }
            return Ok(graph);
        }
        let mut heads = Vec::new();
        for (name, map) in self.encoder.auxiliary_maps() {
            let map = builder.tapped(&format!("encoder.{map}"));
            let Some(map) = map else { continue };
            let hidden = unit(&root.sub(name).sub("conv"), &map, AUXILIARY_WIDTH, DecoderNorm::Batch);
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
    fn fewer_stages_leave_the_deeper_maps_out_and_unusual_options_alone_are_written() {
        let ends = Ends { in_channels: 1, classes: 2 };
        let network = EncoderUNet {
            encoder: Encoder::ResNet18,
            decoder: vec![32, 16, 8],
            stages: Some(3),
            norm: DecoderNorm::None,
            up: DecoderUp::Bilinear,
            ..EncoderUNet::default()
        };
        let graph = network.build(ends).unwrap();
        assert_eq!(graph.stride(), [8, 8]);
        assert!(graph.parameters.iter().any(|p| p.name == "decoder.blocks.2.conv2.0.bias"));
        assert!(!graph.parameters.iter().any(|p| p.name.contains("layer4") || p.name.contains("blocks.3")));
        assert!(EncoderUNet { stages: Some(6), ..network.clone() }.build(ends).is_err());
        let written = serde_json::to_value(EncoderUNet::default()).unwrap();
        assert!(["stages", "norm", "up"].iter().all(|key| written.get(key).is_none()), "{written}");
        let written = serde_json::to_value(&network).unwrap();
        assert_eq!(
            (&written["stages"], &written["norm"], &written["up"]),
            (&3.into(), &"none".into(), &"bilinear".into())
        );
    }

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
