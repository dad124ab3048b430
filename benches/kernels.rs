//! One layer at a time, in the shapes of the U-Net and nnU-Net's network: `cargo bench --bench kernels [NAME]`.
//!
//! A layer is timed as a network of its own, so bringing maps from rows into blocks of channels and back is paid every time; inside a
//! network it is not. Throughput counts multiply-adds, or values where there are none. `forward` is inference with weights that are
//! packed already; `training` packs them, runs forward, and backward with the image's gradient, as a step does.
#![allow(clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what benches make fits"
)]

use std::fmt;

use divan::Bencher;
use divan::counter::ItemsCount;
use lamella::engine::{Array, DeviceChoice, Mode, Network, Random, initial_weights};
use lamella::graph::{Conv, Graph, GraphBuilder, Pool, Scope, Value};
use lamella::work::Watch;

fn main() {
    divan::main();
}

/// What a layer does.
#[derive(Clone, Copy)]
enum Layer {
    Conv { outputs: usize, kernel: usize, stride: usize },
    UpConv { outputs: usize },
    BatchNorm,
    InstanceNorm,
    MaxPool,
    SqueezeExcite,
}

/// A layer on a map of `channels` and a square `size`.
#[derive(Clone, Copy)]
struct Case {
    layer: Layer,
    channels: usize,
    size: usize,
}

const fn conv(channels: usize, outputs: usize, kernel: usize, stride: usize, size: usize) -> Case {
    Case { layer: Layer::Conv { outputs, kernel, stride }, channels, size }
}

const CASES: [Case; 17] = [
    conv(1, 32, 3, 1, 256),
    conv(32, 32, 3, 1, 256),
    conv(64, 64, 3, 1, 128),
    conv(128, 128, 3, 1, 64),
    conv(256, 256, 3, 1, 32),
    conv(512, 512, 3, 1, 16),
    conv(64, 32, 3, 1, 256),
    conv(32, 64, 3, 2, 256),
    conv(256, 512, 3, 2, 32),
    conv(64, 256, 1, 1, 64),
    conv(32, 2, 1, 1, 256),
    conv(3, 64, 7, 2, 256),
    Case { layer: Layer::UpConv { outputs: 32 }, channels: 64, size: 128 },
    Case { layer: Layer::BatchNorm, channels: 32, size: 256 },
    Case { layer: Layer::InstanceNorm, channels: 32, size: 256 },
    Case { layer: Layer::MaxPool, channels: 32, size: 256 },
    Case { layer: Layer::SqueezeExcite, channels: 128, size: 64 },
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { layer, channels, size } = self;
        match layer {
            Layer::Conv { outputs, kernel, stride: 1 } => write!(f, "{kernel}x{kernel} {channels}-{outputs}")?,
            Layer::Conv { outputs, kernel, stride } => write!(f, "{kernel}x{kernel}/{stride} {channels}-{outputs}")?,
            Layer::UpConv { outputs } => write!(f, "transposed 2x2 {channels}-{outputs}")?,
            Layer::BatchNorm => write!(f, "batch norm {channels}")?,
            Layer::InstanceNorm => write!(f, "instance norm {channels}")?,
            Layer::MaxPool => write!(f, "max pool {channels}")?,
            Layer::SqueezeExcite => write!(f, "squeeze and excite {channels}")?,
        }
        write!(f, " at {size}")
    }
}

impl Case {
    fn apply(&self, scope: &Scope, x: &Value) -> Value {
        match self.layer {
            Layer::Conv { outputs, kernel, stride } => {
                let shape = Conv::square(self.channels, outputs, kernel);
                scope.conv(x, Conv { stride: [stride; 2], padding: [kernel / 2; 2], ..shape })
            }
            Layer::UpConv { outputs } => scope.up_conv(x, outputs, [2, 2]),
            Layer::BatchNorm => scope.batch_norm(x).relu(),
            Layer::InstanceNorm => scope.instance_norm(x).relu(),
            Layer::MaxPool => x.max_pool(Pool::new(2, 2)),
            Layer::SqueezeExcite => scope.squeeze_excite(x, 16),
        }
    }

    fn graph(&self) -> Graph {
        let builder = GraphBuilder::new();
        let x = builder.input(self.channels);
        let y = self.apply(&builder.root().sub("layer"), &x);
        builder.finish(&[y]).expect("the layer is a network")
    }

    /// Multiply-adds of one image; values where there are none.
    fn work(&self) -> usize {
        let values = self.channels * self.size * self.size;
        match self.layer {
            Layer::Conv { outputs, kernel, stride } => values * outputs * kernel * kernel / (stride * stride),
            Layer::UpConv { outputs } => values * outputs * 4,
            _ => values,
        }
    }

    fn open(&self, batch: usize) -> (Network, Array) {
        let graph = self.graph();
        let weights = initial_weights(&graph, 1);
        let network = Network::new(graph, &weights, DeviceChoice::Cpu).expect("the CPU is always there");
        (network, noise([batch, self.channels, self.size, self.size]))
    }
}

fn noise(shape: [usize; 4]) -> Array {
    let mut random = Random::new(1, 0);
    Array::new(shape, (0..shape.iter().product()).map(|_| random.normal() as f32).collect())
}

#[divan::bench(args = CASES)]
fn forward(bencher: Bencher, case: &Case) {
    let (mut network, input) = case.open(1);
    bencher
        .counter(ItemsCount::new(case.work()))
        .bench_local(|| network.infer(&input, Watch::unwatched()).expect("the layer runs"));
}

#[divan::bench(args = CASES, sample_count = 20)]
fn training(bencher: Bencher, case: &Case) {
    const BATCH: usize = 4;
    let (network, input) = case.open(BATCH);
    let mut network = network.with_input_gradient();
    let probe = network
        .infer(&input, Watch::unwatched())
        .expect("the layer runs")
        .into_iter()
        .map(|y| noise(y.dims4()))
        .collect::<Vec<_>>();
    // Forward, and one pass each for the gradients of weights and image.
    bencher.counter(ItemsCount::new(3 * BATCH * case.work())).bench_local(|| {
        let pass = network.run(&input, Mode::Training, Watch::unwatched()).expect("the layer runs");
        pass.backward(&probe, Watch::unwatched()).expect("the layer goes back")
    });
}
