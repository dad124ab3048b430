//! `AlexNet`: Krizhevsky, Sutskever, Hinton, "`ImageNet` classification with deep convolutional neural networks", 2012; and the
//! later single-tower form (Krizhevsky 2014) of pytorch/vision `alexnet.py`, whose parameter names it has.
//!
//! The original has local response norms, overlapping pools, and convolutions of two groups where its two graphics cards
//! did not see each other.

use super::encoder::{Feature, Fit, last};
use super::{Ends, conv};
use crate::graph::{Conv, Graph, GraphBuilder, GraphError, LocalResponse, Pool, Scope, Value};

/// The original's constants; alpha is not divided by the window.
pub const LRN: LocalResponse = LocalResponse { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0 };

fn pool(fit: Fit) -> Pool {
    Pool { padding: [fit.padding(3, 2, 0); 2], ..Pool::new(3, 2) }
}

/// The maps of torchvision's encoder, from the finest (a quarter of the image's size).
pub fn features(builder: &GraphBuilder, scope: &Scope, x: &Value, fit: Fit, prefix: &str) -> Vec<Feature> {
    let mut features = Vec::new();
    let mut x = x.clone();
    // Index, channels, kernel, stride, padding, and whether a pool follows.
    for (index, channels, kernel, stride, padding, pooled) in [
        (0, 64, 11, 4, fit.padding(11, 4, 2), true),
        (3, 192, 5, 1, 2, true),
        (6, 384, 3, 1, 1, false),
        (8, 256, 3, 1, 1, false),
        (10, 256, 3, 1, 1, true),
    ] {
        let scope = scope.sub("features").sub(index);
        let y = scope.conv(&x, conv(&x, channels, kernel, stride, padding, true)).relu();
        x = y.clone();
        if pooled {
            x = y.max_pool(pool(fit));
            builder.tap(format!("{prefix}features.{}", index + 2), &x);
            features.push(Feature { value: y, stride: 4 << features.len() });
        }
    }
    features.push(Feature { value: x, stride: 32 });
    features
}

/// The maps of the original's encoder.
pub fn original_features(builder: &GraphBuilder, scope: &Scope, x: &Value, fit: Fit, prefix: &str) -> Vec<Feature> {
    let mut features = Vec::new();
    let mut x = x.clone();
    // Channels, kernel, stride, padding, groups, local response norm, pool.
    for (n, (channels, kernel, stride, padding, groups, normed, pooled)) in [
        (96, 11, 4, fit.padding(11, 4, 0), 1, true, true),
        (256, 5, 1, 2, 2, true, true),
        (384, 3, 1, 1, 1, false, false),
        (384, 3, 1, 1, 2, false, false),
        (256, 3, 1, 1, 2, false, true),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("conv{}", n + 1);
        let wide = Conv { groups, ..conv(&x, channels, kernel, stride, padding, true) };
        let y = scope.sub(&name).conv(&x, wide);
        builder.tap(format!("{prefix}{name}"), &y);
        x = y.relu();
        if normed {
            x = x.local_response_norm(LRN);
        }
        if pooled {
            features.push(Feature { value: x.clone(), stride: 4 << features.len() });
            x = x.max_pool(pool(fit));
        }
    }
    features.push(Feature { value: x, stride: 32 });
    features
}

/// torchvision's classifier of 224x224 images.
///
/// # Errors
/// Never for this network.
pub fn classifier(ends: Ends, dropout: f64) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(ends.in_channels));
    let x = last(&features(&builder, &root, &x, Fit::Original, "")).adaptive_avg_pool([6, 6]);
    builder.tap("avgpool", &x);
    let head = root.sub("classifier");
    let x = head.sub(1).linear_over(&x.dropout(dropout), 36, 4096).relu();
    let x = head.sub(4).linear(&x.dropout(dropout), 4096).relu();
    let logits = head.sub(6).linear(&x, ends.classes);
    builder.finish(&[logits])
}

/// The fully connected end of the original and of `ZFNet`: 6x6 maps, two layers of 4096.
///
/// # Errors
/// A graph that does not fit the input.
pub fn original_head(builder: &GraphBuilder, x: &Value, ends: Ends, dropout: f64) -> Result<Graph, GraphError> {
    let root = builder.root();
    let y = root.sub("fc6").linear_over(x, 36, 4096);
    builder.tap("fc6", &y);
    let y = root.sub("fc7").linear(&y.relu().dropout(dropout), 4096);
    builder.tap("fc7", &y);
    let logits = root.sub("fc8").linear(&y.relu().dropout(dropout), ends.classes);
    builder.clone().finish(&[logits])
}

/// The original classifier of 227x227 images.
///
/// # Errors
/// Never for this network.
pub fn original_classifier(ends: Ends, dropout: f64) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let x = builder.input(ends.in_channels);
    let features = original_features(&builder, &builder.root(), &x, Fit::Original, "");
    original_head(&builder, &last(&features), ends, dropout)
}
