//! `LeNet-5`: `LeCun` et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998), in its usual
//! present form: tanh, mean pooling, every map connected to every one before.

use super::encoder::{Feature, Fit};
use super::{Ends, conv};
use crate::graph::{Activation, Graph, GraphBuilder, GraphError, Pool, Scope, Value};

/// The maps of the encoder, from the finest.
pub fn features(builder: &GraphBuilder, scope: &Scope, x: &Value, fit: Fit, prefix: &str) -> Vec<Feature> {
    let padding = fit.padding(5, 1, 0);
    let mut features = Vec::new();
    let mut x = x.clone();
    for (n, channels) in [6, 16].into_iter().enumerate() {
        let name = format!("conv{}", n + 1);
        let y = scope.sub(&name).conv(&x, conv(&x, channels, 5, 1, padding, true));
        builder.tap(format!("{prefix}{name}"), &y);
        let y = y.activate(Activation::Tanh);
        x = y.avg_pool(Pool::new(2, 2));
        features.push(Feature { value: y, stride: 1 << n });
    }
    features.push(Feature { value: x, stride: 4 });
    features
}

/// The classifier of 32x32 images.
///
/// # Errors
/// Never for this network.
pub fn classifier(ends: Ends) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(ends.in_channels));
    let mut x = super::encoder::last(&features(&builder, &root, &x, Fit::Original, ""));
    for (name, positions, outputs) in [("fc1", 25, 120), ("fc2", 1, 84)] {
        let y = root.sub(name).linear_over(&x, positions, outputs);
        builder.tap(name, &y);
        x = y.activate(Activation::Tanh);
    }
    let logits = root.sub("fc3").linear(&x, ends.classes);
    builder.finish(&[logits])
}
