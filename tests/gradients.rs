//! Every operation's gradient against finite differences, at batch 2, for our kernels, for the composed operations, and on a GPU.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

mod support;

use lamella::engine::{Array, Backend, DeviceChoice, Mode, Network, Random, Weights, initial_weights};
use lamella::graph::{
    Activation, Border, ContextFusion, ContextPooling, Conv, ConvTranspose, Graph, GraphBuilder, LocalResponse,
    NonLocal, Normalisation, Pairwise, Pool, Scope, SoftmaxOver, UpsampleMode, UpsampleTo, Value,
};
use lamella::work::Watch;

type Build = fn(&Scope, &Value) -> Value;

fn conv(kernel: usize, stride: [usize; 2], padding: [usize; 2], dilation: usize, groups: usize) -> Conv {
    Conv { inputs: 4, outputs: 6, kernel: [kernel; 2], stride, padding, dilation: [dilation; 2], groups, bias: true }
}

fn non_local(pairwise: Pairwise) -> NonLocal {
    NonLocal { pairwise, subsample: false, norm: false }
}

const OPERATIONS: &[(&str, Build)] = &[
    ("conv 3x3", |s, x| s.conv(x, conv(3, [1, 1], [1, 1], 1, 1))),
    ("conv 3x3 stride 2", |s, x| s.conv(x, conv(3, [2, 2], [1, 1], 1, 1))),
    ("conv 3x3 stride 2x1 groups 2", |s, x| s.conv(x, conv(3, [2, 1], [1, 0], 1, 2))),
    ("conv 3x3 dilation 2", |s, x| s.conv(x, conv(3, [1, 1], [2, 2], 2, 1))),
    ("conv 1x1", |s, x| s.conv(x, conv(1, [1, 1], [0, 0], 1, 1))),
    ("conv transpose 2x2", |s, x| s.up_conv(x, 3, [2, 2])),
    ("conv transpose 3x3 padded", |s, x| {
        let t = ConvTranspose {
            inputs: 4,
            outputs: 4,
            kernel: [3; 2],
            stride: [2; 2],
            padding: [1; 2],
            output_padding: [1; 2],
            groups: 2,
            bias: true,
        };
        s.conv_transpose(x, t)
    }),
    ("max pool", |_, x| x.max_pool(Pool::new(2, 2))),
    ("max pool 3x3 padded ceil", |_, x| x.max_pool(Pool { padding: [1; 2], ceil_mode: true, ..Pool::new(3, 2) })),
    ("mean pool", |_, x| x.avg_pool(Pool { padding: [1; 2], ..Pool::new(3, 2) })),
    ("adaptive mean pool", |_, x| x.adaptive_avg_pool([3, 2])),
    ("nearest", |_, x| x.upsample(UpsampleMode::Nearest, UpsampleTo::Scale([2, 2]))),
    ("bilinear", |_, x| x.upsample(UpsampleMode::Bilinear { align_corners: false }, UpsampleTo::Size([11, 9]))),
    ("batch norm", |s, x| s.batch_norm(x)),
    ("instance norm", |s, x| s.instance_norm(x)),
    ("group norm", |s, x| s.norm(x, Normalisation::Group { groups: 2 }, 1e-5, true)),
    ("relu", |_, x| x.relu()),
    ("leaky relu", |_, x| x.activate(Activation::LeakyRelu(0.1))),
    ("sigmoid", |_, x| x.sigmoid()),
    ("tanh", |_, x| x.activate(Activation::Tanh)),
    ("clip", |_, x| x.activate(Activation::Clip(-0.6, 0.9))),
    ("hard sigmoid", |_, x| x.activate(Activation::HardSigmoid { slope: 0.4, shift: 0.4 })),
    ("hard swish", |_, x| x.activate(Activation::HardSwish)),
    ("gelu", |_, x| x.activate(Activation::Gelu)),
    ("gelu by tanh", |_, x| x.activate(Activation::GeluTanh)),
    ("elu", |_, x| x.activate(Activation::Elu(0.7))),
    ("softplus", |_, x| x.activate(Activation::Softplus)),
    ("mish", |_, x| x.activate(Activation::Mish)),
    ("parametric relu", |s, x| s.parametric_relu(x, false)),
    ("parametric relu by channel", |s, x| s.parametric_relu(&s.sub("conv").conv_same(x, 19, 3), true)),
    ("layer norm of maps", |s, x| s.norm(x, Normalisation::Layer, 1e-5, true)),
    ("uneven border", |_, x| x.pad(Border { before: [1, 0, 2], after: [0, 3, 1], value: 0.5 })),
    ("spread", |s, x| x.adaptive_avg_pool([1, 1]).spread_like(x).times(&s.conv_same(x, 4, 3))),
    ("softmax channels", |_, x| x.softmax(SoftmaxOver::Channels)),
    ("softmax positions", |_, x| x.softmax(SoftmaxOver::Positions)),
    ("log softmax", |_, x| x.log_softmax()),
    ("add", |s, x| x.plus(&s.conv_same(x, 4, 3))),
    ("multiply", |s, x| x.times(&s.conv_same(x, 4, 3))),
    ("concat", |s, x| x.concat(&s.conv_same(x, 3, 3))),
    ("crop", |s, x| x.crop_like(&s.conv_valid(x, 4, 3)).times(&s.sub("b").conv_valid(x, 4, 3))),
    ("squeeze and excitation", |s, x| s.squeeze_excite(x, 2)),
    ("linear over positions", |s, x| s.linear_over(x, 42, 3)),
    ("part of channels and rows", |_, x| x.channels_part(1, 2).positions_part(2, 2, 3)),
    ("local response norm", |_, x| x.local_response_norm(LocalResponse { size: 3, alpha: 0.1, beta: 0.75, k: 1.0 })),
    ("gain", |s, x| s.gain(x)),
    ("concurrent excitation", |s, x| s.spatial_channel_excite(x, 2)),
    ("simplified non-local", |s, x| s.simplified_non_local(x)),
    ("non-local gaussian", |s, x| s.non_local(x, non_local(Pairwise::Gaussian))),
    ("non-local embedded", |s, x| s.non_local(x, non_local(Pairwise::Embedded))),
    ("non-local dot", |s, x| s.non_local(x, non_local(Pairwise::Dot))),
    ("non-local concat", |s, x| s.non_local(x, non_local(Pairwise::Concat))),
    ("criss-cross twice", |s, x| s.criss_cross(x, 2, 2)),
    ("global context", |s, x| s.global_context(x, 0.5, ContextPooling::Attention, ContextFusion::MultiplyAdd)),
];

fn graph(build: Build) -> Graph {
    let builder = GraphBuilder::new();
    let x = builder.input(4);
    let y = build(&builder.root().sub("op"), &x);
    builder.finish(&[y]).unwrap()
}

fn random_array(shape: &[usize], stream: u64) -> Array {
    let mut random = Random::new(5, stream);
    let count = shape.iter().product();
    Array::new(shape, (0..count).map(|_| random.normal() as f32).collect())
}

/// An implementation, and where it runs.
type On = (Backend, DeviceChoice);

/// sum(output * probe), in training mode.
fn value(graph: &Graph, weights: &Weights, x: &Array, probe: &Array, (backend, device): On) -> f64 {
    let mut network = Network::with_backend(graph.clone(), weights, device, backend).unwrap();
    let y = network.run(x, Mode::Training, Watch::unwatched()).unwrap().outputs().unwrap();
    y[0].values.iter().zip(&probe.values).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Moves along a random direction and compares the difference quotient with the gradient's share.
fn check(name: &str, build: Build, on: On) {
    let (backend, device) = on;
    let graph = graph(build);
    let mut weights = initial_weights(&graph, 3);
    for (n, array) in weights.values_mut().enumerate() {
        // Zero-initialised layers would hide what lies before them.
        let noise = random_array(&array.shape, 100 + n as u64);
        array.values.iter_mut().zip(noise.values).for_each(|(v, e)| *v += 0.2 * e);
    }
    let x = random_array(&[2, 4, 7, 6], 1);
    let network = Network::with_backend(graph.clone(), &weights, device, backend).unwrap();
    let pass = network.with_input_gradient().run(&x, Mode::Training, Watch::unwatched()).unwrap();
    let probe = random_array(&pass.outputs().unwrap()[0].shape, 2);
    let gradients = pass.backward(std::slice::from_ref(&probe), Watch::unwatched()).unwrap();
    let step = 1e-3f32;
    let moved = |array: &Array, direction: &Array, sign: f32| {
        let values = array.values.iter().zip(&direction.values).map(|(v, d)| v + sign * step * d).collect();
        Array::new(array.shape.clone(), values)
    };
    let agree = |what: &str, gradient: &Array, direction: &Array, up: f64, down: f64| {
        let slope = (up - down) / (2.0 * f64::from(step));
        let wanted: f64 =
            gradient.values.iter().zip(&direction.values).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
        let scale = gradient.values.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt().max(1.0);
        assert!(
            (slope - wanted).abs() < 0.03 * scale,
            "{name} ({backend:?}, {device}), {what}: {wanted} by gradient, {slope} by difference"
        );
    };
    let direction = random_array(&x.shape, 3);
    let [up, down] = [1.0, -1.0].map(|sign| value(&graph, &weights, &moved(&x, &direction, sign), &probe, on));
    agree("input", &gradients.input().unwrap().unwrap(), &direction, up, down);
    for (n, parameter) in graph.parameters.iter().enumerate().filter(|(_, p)| p.role.is_trainable()) {
        let direction = random_array(&parameter.shape, 10 + n as u64);
        let [up, down] = [1.0, -1.0].map(|sign| {
            let mut changed = weights.clone();
            changed.insert(parameter.name.clone(), moved(&weights[&parameter.name], &direction, sign));
            value(&graph, &changed, &x, &probe, on)
        });
        agree(&parameter.name, &gradients.parameter(&parameter.name).unwrap().unwrap(), &direction, up, down);
    }
}

#[test]
fn every_gradient_agrees_with_finite_differences() {
    for (name, build) in OPERATIONS {
        for backend in [Backend::Best, Backend::Composed] {
            check(name, *build, (backend, support::test_device()));
        }
        println!("matched {name}");
    }
}

#[test]
fn every_gradient_on_a_gpu_agrees_with_finite_differences() {
    let Some(gpu) = support::gpu() else { return };
    for (name, build) in OPERATIONS {
        check(name, *build, (Backend::Best, gpu.choice));
        println!("matched {name} on {}", gpu.name);
    }
}

#[test]
fn both_backends_and_any_number_of_threads_agree() {
    let graph = lamella::zoo::build(
        "unet",
        lamella::zoo::Ends { in_channels: 1, classes: 3 },
        &serde_json::json!({"width": 8, "depth": 2, "attention": ["se", "gc"]}),
    )
    .unwrap();
    let weights = initial_weights(&graph, 9);
    let x = random_array(&[2, 1, 24, 20], 4);
    // Elsewhere than on the CPU there is one implementation, which is compared with the CPU's kernels.
    let run = |backend| {
        let device = if backend == Backend::Best { DeviceChoice::Cpu } else { support::test_device() };
        let mut network = Network::with_backend(graph.clone(), &weights, device, backend).unwrap();
        network.set_half_precision(false);
        network.infer(&x, Watch::unwatched()).unwrap().remove(0).values
    };
    let best = run(Backend::Best);
    let worst = best.iter().zip(run(Backend::Composed)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-4, "{worst}");
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(|| run(Backend::Best));
    let worst = best.iter().zip(&alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5, "one thread and several differ by {worst}");
    assert_eq!(best, run(Backend::Best), "the same run twice");
}
