//! Inception v3: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016; code pytorch/vision
//! `inception.py`, whose parameter names these are. Convolutions 1x7 and 7x1 in place of 7x7, parallel grid reduction.

use super::encoder::{Feature, Fit, last};
use super::{Ends, conv};
use crate::graph::{Conv, Graph, GraphBuilder, GraphError, Normalisation, Pool, Scope, Value};

/// A module of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Module {
    /// 1x1, 5x5, double 3x3, and a pool of so many channels.
    A(usize),
    /// Grid reduction of the 35x35 maps.
    B,
    /// 7x7 factorised, so many channels inside.
    C(usize),
    /// Grid reduction of the 17x17 maps.
    D,
    /// Branches that fan out into 1x3 and 3x1.
    E,
}

const MODULES: [(&str, Module); 11] = [
    ("Mixed_5b", Module::A(32)),
    ("Mixed_5c", Module::A(64)),
    ("Mixed_5d", Module::A(64)),
    ("Mixed_6a", Module::B),
    ("Mixed_6b", Module::C(128)),
    ("Mixed_6c", Module::C(160)),
    ("Mixed_6d", Module::C(160)),
    ("Mixed_6e", Module::C(192)),
    ("Mixed_7a", Module::D),
    ("Mixed_7b", Module::E),
    ("Mixed_7c", Module::E),
];

/// Convolution, batch norm (eps 1e-3), `ReLU`; sizes are kept where the stride is 1.
fn unit(scope: &Scope, x: &Value, channels: usize, kernel: [usize; 2]) -> Value {
    shaped(scope, x, Conv { kernel, padding: kernel.map(|k| k / 2), ..conv(x, channels, 1, 1, 0, false) })
}

fn shaped(scope: &Scope, x: &Value, conv: Conv) -> Value {
    let y = scope.sub("conv").conv(x, conv);
    scope.sub("bn").norm(&y, Normalisation::Batch { momentum: 0.1 }, 1e-3, true).relu()
}

/// A module; reductions have no border in the original.
pub fn module(scope: &Scope, x: &Value, module: Module, fit: Fit) -> Value {
    let one = |name: &str, x: &Value, channels: usize| unit(&scope.sub(name), x, channels, [1, 1]);
    let by = |name: &str, x: &Value, channels: usize, kernel: [usize; 2]| unit(&scope.sub(name), x, channels, kernel);
    let half = |name: &str, x: &Value, channels: usize| {
        shaped(&scope.sub(name), x, conv(x, channels, 3, 2, fit.padding(3, 2, 0), false))
    };
    let max = || x.max_pool(Pool { padding: [fit.padding(3, 2, 0); 2], ..Pool::new(3, 2) });
    let mean = || x.avg_pool(Pool { padding: [1; 2], ..Pool::new(3, 1) });
    match module {
        Module::A(pool) => {
            let five = by("branch5x5_2", &one("branch5x5_1", x, 48), 64, [5, 5]);
            let double = by("branch3x3dbl_2", &one("branch3x3dbl_1", x, 64), 96, [3, 3]);
            let double = by("branch3x3dbl_3", &double, 96, [3, 3]);
            one("branch1x1", x, 64).concat(&five).concat(&double).concat(&one("branch_pool", &mean(), pool))
        }
        Module::B => {
            let double = by("branch3x3dbl_2", &one("branch3x3dbl_1", x, 64), 96, [3, 3]);
            half("branch3x3", x, 384).concat(&half("branch3x3dbl_3", &double, 96)).concat(&max())
        }
        Module::C(inside) => {
            let seven = by("branch7x7_2", &one("branch7x7_1", x, inside), inside, [1, 7]);
            let seven = by("branch7x7_3", &seven, 192, [7, 1]);
            let mut double = one("branch7x7dbl_1", x, inside);
            for (n, channels, kernel) in
                [(2, inside, [7, 1]), (3, inside, [1, 7]), (4, inside, [7, 1]), (5, 192, [1, 7])]
            {
                double = by(&format!("branch7x7dbl_{n}"), &double, channels, kernel);
            }
            one("branch1x1", x, 192).concat(&seven).concat(&double).concat(&one("branch_pool", &mean(), 192))
        }
        Module::D => {
            let three = half("branch3x3_2", &one("branch3x3_1", x, 192), 320);
            let seven = by("branch7x7x3_2", &one("branch7x7x3_1", x, 192), 192, [1, 7]);
            let seven = half("branch7x7x3_4", &by("branch7x7x3_3", &seven, 192, [7, 1]), 192);
            three.concat(&seven).concat(&max())
        }
        Module::E => {
            let fan = |name: &str, x: &Value| {
                let [a, b] = ["a", "b"].map(|side| format!("{name}{side}"));
                by(&a, x, 384, [1, 3]).concat(&by(&b, x, 384, [3, 1]))
            };
            let three = fan("branch3x3_2", &one("branch3x3_1", x, 384));
            let double = by("branch3x3dbl_2", &one("branch3x3dbl_1", x, 448), 384, [3, 3]);
            let double = fan("branch3x3dbl_3", &double);
            one("branch1x1", x, 320).concat(&three).concat(&double).concat(&one("branch_pool", &mean(), 192))
        }
    }
}

/// The maps of the encoder from the finest (half the image's size), and the one that the auxiliary head reads.
fn trunk(builder: &GraphBuilder, scope: &Scope, x: &Value, fit: Fit, prefix: &str) -> (Vec<Feature>, Value) {
    let free = fit.padding(3, 1, 0);
    let stem = |name: &str, x: &Value, channels, kernel, stride, padding| {
        let y = shaped(&scope.sub(name), x, conv(x, channels, kernel, stride, padding, false));
        builder.tap(format!("{prefix}{name}"), &y);
        y
    };
    let pool = |x: &Value| x.max_pool(Pool { padding: [fit.padding(3, 2, 0); 2], ..Pool::new(3, 2) });
    let x = stem("Conv2d_1a_3x3", x, 32, 3, 2, fit.padding(3, 2, 0));
    let x = stem("Conv2d_2b_3x3", &stem("Conv2d_2a_3x3", &x, 32, 3, 1, free), 64, 3, 1, 1);
    let mut features = vec![Feature { value: x.clone(), stride: 2 }];
    let x = stem("Conv2d_4a_3x3", &stem("Conv2d_3b_1x1", &pool(&x), 80, 1, 1, 0), 192, 3, 1, free);
    features.push(Feature { value: x.clone(), stride: 4 });
    let mut x = pool(&x);
    let mut head = x.clone();
    for (name, kind) in MODULES {
        if kind == Module::B || kind == Module::D {
            features.push(Feature { value: x.clone(), stride: 2 << features.len() });
            head = x.clone();
        }
        x = module(&scope.sub(name), &x, kind, fit);
        builder.tap(format!("{prefix}{name}"), &x);
    }
    features.push(Feature { value: x, stride: 32 });
    (features, head)
}

/// The maps of the encoder, from the finest.
pub fn features(builder: &GraphBuilder, scope: &Scope, x: &Value, fit: Fit, prefix: &str) -> Vec<Feature> {
    trunk(builder, scope, x, fit, prefix).0
}

/// The classifier of 299x299 images; with the auxiliary one as a second output.
///
/// # Errors
/// Never for this network.
pub fn classifier(ends: Ends, auxiliary: bool, dropout: f64) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(ends.in_channels));
    let (features, head) = trunk(&builder, &root, &x, Fit::Original, "");
    let pooled = last(&features).adaptive_avg_pool([1, 1]).dropout(dropout);
    let mut outputs = vec![root.sub("fc").linear(&pooled, ends.classes)];
    if auxiliary {
        let scope = root.sub("AuxLogits");
        let x = unit(&scope.sub("conv0"), &head.avg_pool(Pool::new(5, 3)), 128, [1, 1]);
        let x = shaped(&scope.sub("conv1"), &x, conv(&x, 768, 5, 1, 0, false));
        outputs.push(scope.sub("fc").linear(&x.adaptive_avg_pool([1, 1]), ends.classes));
    }
    builder.finish(&outputs)
}
