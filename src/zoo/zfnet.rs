//! `ZFNet`: Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2014: `AlexNet` with a smaller and denser
//! first layer.

use super::alexnet::{LRN, original_head};
use super::encoder::{Feature, Fit, last};
use super::{Ends, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Pool, Scope, Value};

/// The maps of the encoder, from the finest (half the image's size).
pub fn features(builder: &GraphBuilder, scope: &Scope, x: &Value, fit: Fit, prefix: &str) -> Vec<Feature> {
    let mut features = Vec::new();
    let mut x = x.clone();
    let pool = |original| Pool { padding: [fit.padding(3, 2, original); 2], ..Pool::new(3, 2) };
    // Channels, kernel, stride, padding.
    for (n, (channels, kernel, stride, padding)) in [
        (96, 7, 2, fit.padding(7, 2, 1)),
        (256, 5, 2, fit.padding(5, 2, 0)),
        (384, 3, 1, 1),
        (384, 3, 1, 1),
        (256, 3, 1, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("conv{}", n + 1);
        let y = scope.sub(&name).conv(&x, conv(&x, channels, kernel, stride, padding, true));
        builder.tap(format!("{prefix}{name}"), &y);
        x = y.relu();
        if n < 2 {
            features.push(Feature { value: x.clone(), stride: 2 << (2 * n) });
            x = x.max_pool(pool(1)).local_response_norm(LRN);
        }
    }
    features.push(Feature { value: x.clone(), stride: 16 });
    features.push(Feature { value: x.max_pool(pool(0)), stride: 32 });
    features
}

/// The classifier of 224x224 images.
///
/// # Errors
/// Never for this network.
pub fn classifier(ends: Ends, dropout: f64) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let x = builder.input(ends.in_channels);
    let features = features(&builder, &builder.root(), &x, Fit::Original, "");
    original_head(&builder, &last(&features), ends, dropout)
}
