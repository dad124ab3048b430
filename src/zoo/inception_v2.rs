//! BN-Inception (Inception v2): Ioffe, Szegedy, "Batch normalization", 2015: two 3x3 convolutions in place of 5x5, batch norm
//! (eps 1e-3) after every convolution, modules of stride 2 that pass a pool through.

use super::encoder::{Feature, last};
use super::{Ends, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Normalisation, Pool, Scope, Value};

/// What the pooling branch takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// Means; the border's zeros count.
    Mean,
    /// Maxima.
    Max,
}

/// A module's channels: 1x1 (0: no such branch); 3x3 reduced, 3x3; double 3x3 reduced, double 3x3; pool (0: passed
/// through), and stride.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// Channels.
    pub widths: [usize; 6],
    /// What the pooling branch takes.
    pub pool: PoolKind,
    /// Stride of the module.
    pub stride: usize,
}

const fn plain(widths: [usize; 6]) -> Module {
    Module { widths, pool: PoolKind::Mean, stride: 1 }
}

const fn halving(widths: [usize; 6]) -> Module {
    Module { widths, pool: PoolKind::Max, stride: 2 }
}

const MODULES: [(&str, Module); 10] = [
    ("3a", plain([64, 64, 64, 64, 96, 32])),
    ("3b", plain([64, 64, 96, 64, 96, 64])),
    ("3c", halving([0, 128, 160, 64, 96, 0])),
    ("4a", plain([224, 64, 96, 96, 128, 128])),
    ("4b", plain([192, 96, 128, 96, 128, 128])),
    ("4c", plain([160, 128, 160, 128, 160, 128])),
    ("4d", plain([96, 128, 192, 160, 192, 128])),
    ("4e", halving([0, 128, 192, 192, 256, 0])),
    ("5a", plain([352, 192, 320, 160, 224, 128])),
    ("5b", Module { widths: [352, 192, 320, 192, 224, 128], pool: PoolKind::Max, stride: 1 }),
];

fn unit(scope: &Scope, x: &Value, channels: usize, kernel: usize, stride: usize) -> Value {
    let y = scope.sub("conv").conv(x, conv(x, channels, kernel, stride, kernel / 2, false));
    scope.sub("bn").norm(&y, Normalisation::Batch { momentum: 0.1 }, 1e-3, true).relu()
}

/// Up to four branches side by side.
pub fn module(scope: &Scope, x: &Value, module: Module) -> Value {
    let [c1, r3, c3, rd, cd, pool] = module.widths;
    let third = scope.sub("branch3");
    let third = unit(&third.sub(1), &unit(&third.sub(0), x, r3, 1, 1), c3, 3, module.stride);
    let double = scope.sub("branch33");
    let y = unit(&double.sub(1), &unit(&double.sub(0), x, rd, 1, 1), cd, 3, 1);
    let double = unit(&double.sub(2), &y, cd, 3, module.stride);
    let window = Pool { padding: [1; 2], ..Pool::new(3, module.stride) };
    let mut pooled = if module.pool == PoolKind::Mean { x.avg_pool(window) } else { x.max_pool(window) };
    if pool > 0 {
        pooled = unit(&scope.sub("pool"), &pooled, pool, 1, 1);
    }
    let rest = third.concat(&double).concat(&pooled);
    if c1 > 0 { unit(&scope.sub("branch1"), x, c1, 1, 1).concat(&rest) } else { rest }
}

/// A convolution of stride 2 beside a pool: halves the size and adds channels (batch norm eps 1e-5).
pub fn reduction(scope: &Scope, x: &Value, channels: usize) -> Value {
    let y = scope.sub("bn").batch_norm(&scope.sub("conv").conv(x, conv(x, channels, 3, 2, 1, false))).relu();
    y.concat(&x.max_pool(Pool { padding: [1; 2], ..Pool::new(3, 2) }))
}

/// The maps of the encoder, from the finest (half the image's size).
pub fn features(builder: &GraphBuilder, scope: &Scope, x: &Value, prefix: &str) -> Vec<Feature> {
    let pool = |x: &Value| x.max_pool(Pool { padding: [1; 2], ..Pool::new(3, 2) });
    let stem = unit(&scope.sub("conv1"), x, 64, 7, 2);
    let x = unit(&scope.sub("conv2"), &pool(&stem), 64, 1, 1);
    let x = unit(&scope.sub("conv3"), &x, 192, 3, 1);
    let mut features = vec![Feature { value: stem, stride: 2 }, Feature { value: x.clone(), stride: 4 }];
    let mut x = pool(&x);
    for (name, kind) in MODULES {
        if kind.stride == 2 {
            features.push(Feature { value: x.clone(), stride: 2 << features.len() });
        }
        x = module(&scope.sub(format!("inception{name}")), &x, kind);
        builder.tap(format!("{prefix}inception{name}"), &x);
    }
    features.push(Feature { value: x, stride: 32 });
    features
}

/// The classifier.
///
/// # Errors
/// Never for this network.
pub fn classifier(ends: Ends) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(ends.in_channels));
    let features = features(&builder, &root, &x, "");
    let logits = root.sub("fc").linear(&last(&features).adaptive_avg_pool([1, 1]), ends.classes);
    builder.finish(&[logits])
}
