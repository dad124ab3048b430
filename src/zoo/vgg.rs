//! VGG-16: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015; code
//! pytorch/vision `vgg.py`, whose parameter names these are. With and without batch norm.

use super::encoder::{Feature, last};
use super::{Ends, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Pool, Scope, Value};

/// Channels of the 3x3 convolutions of each stage; a pool ends a stage.
const STAGES: [&[usize]; 5] = [&[64, 64], &[128, 128], &[256, 256, 256], &[512, 512, 512], &[512, 512, 512]];

/// The maps in front of each pool and behind the last; layers are numbered in `scope`.
pub fn features(builder: &GraphBuilder, scope: &Scope, x: &Value, norm: bool, prefix: &str) -> Vec<Feature> {
    let (mut x, mut index) = (x.clone(), 0);
    let mut features = Vec::new();
    for (stage, channels) in STAGES.into_iter().enumerate() {
        for &channels in channels {
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
pub fn encoder(builder: &GraphBuilder, scope: &Scope, x: &Value, norm: bool, prefix: &str) -> Vec<Feature> {
    features(builder, &scope.sub("features"), x, norm, &format!("{prefix}features.")).split_off(1)
}

/// The classifier.
///
/// # Errors
/// Never for this network.
pub fn classifier(ends: Ends, norm: bool, dropout: f64) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(ends.in_channels));
    let features = features(&builder, &root.sub("features"), &x, norm, "features.");
    let x = last(&features).adaptive_avg_pool([7, 7]);
    let head = root.sub("classifier");
    let x = head.sub(0).linear_over(&x, 49, 4096).relu().dropout(dropout);
    let x = head.sub(3).linear(&x, 4096).relu().dropout(dropout);
    let logits = head.sub(6).linear(&x, ends.classes);
    builder.finish(&[logits])
}
