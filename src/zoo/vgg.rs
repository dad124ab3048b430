//! VGG networks: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015; code
//! pytorch/vision `vgg.py`, whose parameter names these are. With and without batch norm.

use super::encoder::{Feature, last};
use super::{Ends, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Pool, Scope, Value};

/// Channels of each stage; a pool ends a stage.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// Convolutions of each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 11 layers with weights.
    Eleven,
    /// 13 layers.
    Thirteen,
    /// 16 layers.
    Sixteen,
    /// 19 layers.
    Nineteen,
}

impl Depth {
    fn convolutions(self) -> [usize; 5] {
        match self {
            Self::Eleven => [1, 1, 2, 2, 2],
            Self::Thirteen => [2; 5],
            Self::Sixteen => [2, 2, 3, 3, 3],
            Self::Nineteen => [2, 2, 4, 4, 4],
        }
    }
}

/// The maps of VGG-16 in front of each pool and behind the last; layers are numbered in `scope`.
pub fn features(builder: &GraphBuilder, scope: &Scope, x: &Value, norm: bool, prefix: &str) -> Vec<Feature> {
    features_of(Depth::Sixteen, builder, scope, x, norm, prefix)
}

/// The maps of a network of this depth.
pub fn features_of(
    depth: Depth,
    builder: &GraphBuilder,
    scope: &Scope,
    x: &Value,
    norm: bool,
    prefix: &str,
) -> Vec<Feature> {
    let (mut x, mut index) = (x.clone(), 0);
    let mut features = Vec::new();
    for (stage, (channels, count)) in CHANNELS.into_iter().zip(depth.convolutions()).enumerate() {
        for _ in 0..count {
            x = scope.sub(index).conv(&x, conv(&x, channels, 3, 1, 1, true));
            if norm {
                x = scope.sub(index + 1).batch_norm(&x);
                index += 1;
            }
            x = x.relu();
            index += 2;
        }
        builder.tap(format!("{prefix}{}", index - 1), &x);
        features.push(Feature { value: x.clone(), stride: 1 << stage });
        x = x.max_pool(Pool::new(2, 2));
        builder.tap(format!("{prefix}{index}"), &x);
        index += 1;
    }
    features.push(Feature { value: x, stride: 32 });
    features
}

/// The maps of the encoder; as in `segmentation_models.pytorch`, that of the image's own size is no skip.
pub fn encoder(
    depth: Depth,
    builder: &GraphBuilder,
    scope: &Scope,
    x: &Value,
    norm: bool,
    prefix: &str,
) -> Vec<Feature> {
    features_of(depth, builder, &scope.sub("features"), x, norm, &format!("{prefix}features.")).split_off(1)
}

/// The classifier of VGG-16.
///
/// # Errors
/// Never for this network.
pub fn classifier(ends: Ends, norm: bool, dropout: f64) -> Result<Graph, GraphError> {
    classifier_of(Depth::Sixteen, ends, norm, dropout)
}

/// The classifier of this depth.
///
/// # Errors
/// Never for these networks.
pub fn classifier_of(depth: Depth, ends: Ends, norm: bool, dropout: f64) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(ends.in_channels));
    let features = features_of(depth, &builder, &root.sub("features"), &x, norm, "features.");
    let x = last(&features).adaptive_avg_pool([7, 7]);
    let head = root.sub("classifier");
    let x = head.sub(0).linear_over(&x, 49, 4096).relu().dropout(dropout);
    let x = head.sub(3).linear(&x, 4096).relu().dropout(dropout);
    let logits = head.sub(6).linear(&x, ends.classes);
    builder.finish(&[logits])
}
