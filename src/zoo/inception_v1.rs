//! `GoogLeNet` (Inception v1): Szegedy et al., "Going deeper with convolutions", 2015; as published (true 5x5 convolutions,
//! local response norms, no batch norm) and as in pytorch/vision `googlenet.py` (3x3 in place of 5x5, batch norm), whose
//! parameter names it has.

use super::encoder::{Feature, Fit, last};
use super::{Ends, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, LocalResponse, Normalisation, Pool, Scope, Value};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As published.
    Paper,
    /// As in torchvision.
    Torchvision,
}

/// Channels of a module: 1x1; 3x3 reduced, 3x3; 5x5 reduced, 5x5; pool.
pub type Widths = [usize; 6];

const MODULES: [(&str, Widths); 9] = [
    ("3a", [64, 96, 128, 16, 32, 32]),
    ("3b", [128, 128, 192, 32, 96, 64]),
    ("4a", [192, 96, 208, 16, 48, 64]),
    ("4b", [160, 112, 224, 24, 64, 64]),
    ("4c", [128, 128, 256, 24, 64, 64]),
    ("4d", [112, 144, 288, 32, 64, 64]),
    ("4e", [256, 160, 320, 32, 128, 128]),
    ("5a", [256, 160, 320, 32, 128, 128]),
    ("5b", [384, 192, 384, 48, 128, 128]),
];

/// The paper's constants; alpha is not divided by the window.
const LRN: LocalResponse = LocalResponse { size: 5, alpha: 2e-5, beta: 0.75, k: 1.0 };

/// Convolution, `conv` in this scope, norm in torchvision's form, `ReLU`.
fn unit(scope: &Scope, x: &Value, form: Form, channels: usize, kernel: usize, stride: usize) -> Value {
    let bias = form == Form::Paper;
    let y = scope.sub("conv").conv(x, conv(x, channels, kernel, stride, kernel / 2, bias));
    if bias { y.relu() } else { scope.sub("bn").norm(&y, Normalisation::Batch { momentum: 0.1 }, 1e-3, true).relu() }
}

/// Four branches side by side.
pub fn module(scope: &Scope, x: &Value, form: Form, widths: Widths) -> Value {
    let [c1, r3, c3, r5, c5, pool] = widths;
    let (third, fifth, large, projection) = match form {
        Form::Paper => ("branch3", "branch5", 5, scope.sub("pool")),
        Form::Torchvision => ("branch2", "branch3", 3, scope.sub("branch4").sub(1)),
    };
    let pair = |name: &str, narrow: usize, wide: usize, kernel: usize| {
        let scope = scope.sub(name);
        unit(&scope.sub(1), &unit(&scope.sub(0), x, form, narrow, 1, 1), form, wide, kernel, 1)
    };
    let first = unit(&scope.sub("branch1"), x, form, c1, 1, 1);
    let (third, fifth) = (pair(third, r3, c3, 3), pair(fifth, r5, c5, large));
    let pooled = x.max_pool(Pool { padding: [1; 2], ..Pool::new(3, 1) });
    first.concat(&third).concat(&fifth).concat(&unit(&projection, &pooled, form, pool, 1, 1))
}

/// The maps of the encoder, from the finest (half the image's size), and those that the auxiliary heads read.
fn trunk(
    builder: &GraphBuilder,
    scope: &Scope,
    x: &Value,
    form: Form,
    fit: Fit,
    prefix: &str,
) -> (Vec<Feature>, [Value; 2]) {
    let pool = |x: &Value, kernel: usize| match fit {
        Fit::Original => x.max_pool(Pool { ceil_mode: true, ..Pool::new(kernel, 2) }),
        Fit::Halving => x.max_pool(Pool { padding: [fit.padding(kernel, 2, 0); 2], ..Pool::new(kernel, 2) }),
    };
    let normed = |x: Value| if form == Form::Paper { x.local_response_norm(LRN) } else { x };
    let stem = unit(&scope.sub("conv1"), x, form, 64, 7, 2);
    let x = normed(pool(&stem, 3));
    let x = unit(&scope.sub("conv2"), &x, form, 64, 1, 1);
    let x = normed(unit(&scope.sub("conv3"), &x, form, 192, 3, 1));
    let mut features = vec![Feature { value: stem, stride: 2 }, Feature { value: x.clone(), stride: 4 }];
    let mut x = pool(&x, 3);
    let mut heads = [x.clone(), x.clone()];
    for (name, widths) in MODULES {
        x = module(&scope.sub(format!("inception{name}")), &x, form, widths);
        builder.tap(format!("{prefix}inception{name}"), &x);
        match name {
            "4a" => heads[0] = x.clone(),
            "4d" => heads[1] = x.clone(),
            "3b" | "4e" => {
                features.push(Feature { value: x.clone(), stride: if name == "3b" { 8 } else { 16 } });
                x = pool(&x, if name == "4e" && form == Form::Torchvision { 2 } else { 3 });
            }
            _ => {}
        }
    }
    features.push(Feature { value: x, stride: 32 });
    (features, heads)
}

/// The maps of the encoder, from the finest.
pub fn features(builder: &GraphBuilder, scope: &Scope, x: &Value, form: Form, fit: Fit, prefix: &str) -> Vec<Feature> {
    trunk(builder, scope, x, form, fit, prefix).0
}

/// The classifier; with auxiliary ones (torchvision's) after the main output: that after 4d, then that after 4a.
///
/// # Errors
/// Never for this network.
pub fn classifier(ends: Ends, form: Form, auxiliary: bool, dropout: f64) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(ends.in_channels));
    let (features, heads) = trunk(&builder, &root, &x, form, Fit::Original, "");
    let pooled = last(&features).adaptive_avg_pool([1, 1]).dropout(dropout);
    let mut outputs = vec![root.sub("fc").linear(&pooled, ends.classes)];
    if auxiliary {
        for (name, x) in [("aux2", &heads[1]), ("aux1", &heads[0])] {
            let scope = root.sub(name);
            let x = unit(&scope.sub("conv"), &x.adaptive_avg_pool([4, 4]), form, 128, 1, 1);
            let x = scope.sub("fc1").linear_over(&x, 16, 1024).relu();
            outputs.push(scope.sub("fc2").linear(&x.dropout(dropout), ends.classes));
        }
    }
    builder.finish(&outputs)
}
