//! Plans against candle's own operations, for every instruction set that this machine has.

use super::{Options, compile};
use crate::engine::cpu::simd::InstructionSet;
use crate::engine::{Array, Backend, DeviceChoice, Network, Random, Weights, initial_weights};
use crate::graph::{Activation, Conv, ConvTranspose, Graph, GraphBuilder, Normalisation, Pool, Value};
use crate::work::{Signal, Stopped, Watch};

/// He weights, with statistics and biases that are not trivial.
fn weights(graph: &Graph) -> Weights {
    let mut weights = initial_weights(graph, 7);
    for (n, parameter) in graph.parameters.iter().enumerate() {
        if parameter.shape.len() == 1 {
            let mut random = Random::new(3, n as u64);
            let centre = f32::from(u8::from(!parameter.name.ends_with("bias") && !parameter.name.ends_with("mean")));
            if let Some(array) = weights.get_mut(&parameter.name) {
                array.values.iter_mut().for_each(|v| *v = centre + 0.2 * random.unit() as f32);
            }
        }
    }
    weights
}

fn noise(shape: [usize; 4]) -> Array {
    let mut random = Random::new(5, 1);
    Array::new(shape, (0..shape.iter().product()).map(|_| random.normal() as f32).collect())
}

/// Relative L2 distance of two results.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |f: &dyn Fn(usize) -> f64| (0..a.len()).map(|n| f(n).powi(2)).sum::<f64>();
    let difference = square(&|n| f64::from(a[n]) - f64::from(b[n]));
    (difference / square(&|n| f64::from(b[n])).max(1e-30)).sqrt()
}

fn agree(graph: &Graph, batch: usize, size: [usize; 2], tolerance: f64) {
    let weights = weights(graph);
    let input = noise([batch, graph.input_channels(), size[0], size[1]]);
    let mut reference = Network::with_backend(graph.clone(), &weights, DeviceChoice::Cpu, Backend::Composed).unwrap();
    let expected = reference.infer(&input, Watch::unwatched()).unwrap();
    let parameters: Vec<&[f32]> = graph.parameters.iter().map(|p| weights[&p.name].values.as_slice()).collect();
    for set in InstructionSet::available() {
        for threads in [1, 2, 3] {
            let options = Options { threads, set };
            let mut plan = compile(graph, &parameters, batch, size, &options).unwrap();
            let first = plan.run(&input.values, Watch::unwatched()).unwrap();
            for (values, expected) in first.iter().zip(&expected) {
                let distance = distance(values, &expected.values);
                assert!(distance < tolerance, "{} with {threads} threads, {batch} x {size:?}: {distance}", set.name());
            }
            assert!(plan.run(&input.values, Watch::unwatched()).unwrap() == first, "two runs differ");
        }
    }
}

fn conv(
    inputs: usize,
    outputs: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
    dilation: usize,
) -> Conv {
    Conv { inputs, outputs, kernel, stride: [stride; 2], padding, dilation: [dilation; 2], groups: 1, bias: true }
}

fn one(inputs: usize, build: impl Fn(&GraphBuilder, &Value) -> Value) -> Graph {
    let builder = GraphBuilder::new();
    let x = builder.input(inputs);
    let y = build(&builder, &x);
    builder.finish(&[y]).unwrap()
}

#[test]
fn convolutions_of_every_size_agree() {
    for (n, &(inputs, outputs)) in [(1, 3), (16, 16), (17, 40), (48, 33), (9, 16)].iter().enumerate() {
        for size in [[1, 1], [2, 3], [3, 67], [4, 4], [5, 9], [16, 16], [31, 6], [67, 21]] {
            let batch = 1 + (n + size[0]) % 5;
            for padding in [0, 1] {
                if padding == 0 && (size[0] < 3 || size[1] < 3) {
                    continue;
                }
                let shape = conv(inputs, outputs, [3, 3], 1, [padding; 2], 1);
                agree(&one(inputs, |b, x| b.root().conv(x, shape).relu()), batch, size, 2e-6);
            }
        }
    }
}

#[test]
fn sums_and_products_of_other_shapes_agree() {
    let graph = one(20, |b, x| {
        let gate = b.root().sub("s").conv_same(x, 1, 1).sigmoid();
        x.times(&gate).plus(&gate).relu()
    });
    agree(&graph, 2, [7, 6], 2e-6);
}

#[test]
fn other_windows_agree() {
    for (kernel, stride, padding, dilation) in [
        ([3, 3], 2, [1, 1], 1),
        ([7, 7], 2, [3, 3], 1),
        ([1, 7], 1, [0, 3], 1),
        ([1, 1], 1, [0, 0], 1),
        ([1, 1], 2, [0, 0], 1),
        ([3, 3], 1, [2, 2], 2),
        ([5, 5], 1, [2, 2], 1),
    ] {
        for size in [[8, 8], [13, 22], [33, 17]] {
            for inputs in [3, 20] {
                let shape = conv(inputs, 37, kernel, stride, padding, dilation);
                let graph = one(inputs, |b, x| b.root().conv(x, shape).activate(Activation::LeakyRelu(0.1)));
                agree(&graph, 2, size, 2e-6);
            }
        }
    }
}

#[test]
fn groups_transposed_convolutions_and_pools_agree() {
    let grouped = Conv { groups: 2, ..conv(8, 12, [3, 3], 1, [1, 1], 1) };
    agree(&one(8, |b, x| b.root().conv(x, grouped)), 2, [9, 10], 2e-6);
    let up = |kernel: usize, stride: usize, padding: usize| ConvTranspose {
        inputs: 20,
        outputs: 18,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        output_padding: [0; 2],
        groups: 1,
        bias: true,
    };
    for (kernel, stride, padding) in [(2, 2, 0), (3, 3, 0), (3, 2, 1)] {
        agree(&one(20, |b, x| b.root().conv_transpose(x, up(kernel, stride, padding))), 3, [5, 17], 2e-6);
    }
    let pool = Pool { padding: [1; 2], ceil_mode: true, ..Pool::new(3, 2) };
    agree(&one(20, |_, x| x.max_pool(pool)), 2, [11, 8], 1e-7);
    agree(&one(20, |b, x| b.root().norm(x, Normalisation::Instance, 1e-5, true).relu()), 2, [11, 8], 2e-6);
}

#[test]
fn parts_that_are_read_elsewhere_agree() {
    // A concatenation of uneven parts, a value used three times, residuals, dropout, a pooled and an unpooled reader.
    let graph = one(16, |b, x| {
        let root = b.root();
        let a = root.sub("a").conv_same(x, 16, 3).relu();
        let c = root.sub("c").conv_same(&a, 20, 3);
        let d =
            root.sub("d.bn").batch_norm(&root.sub("d").conv_same(&c.concat(&a), 20, 3)).plus(&c).relu().dropout(0.5);
        let pooled = d.max_pool(Pool::new(2, 2));
        let up = root.sub("up").up_conv(&pooled, 32, [2, 2]);
        let joined = up.concat(&d).concat(&x.activate(Activation::Tanh));
        root.sub("end").conv_same(&joined, 5, 3).activate(Activation::Sigmoid)
    });
    for size in [[8, 8], [12, 20], [34, 18]] {
        agree(&graph, 2, size, 3e-6);
    }
}

#[test]
fn what_follows_a_grouped_convolution_is_not_lost() {
    let grouped = Conv { groups: 2, ..conv(20, 20, [3, 3], 1, [1, 1], 1) };
    let graph = one(20, |b, x| {
        let root = b.root();
        let y = root.sub("bn").batch_norm(&root.sub("conv").conv(x, grouped)).plus(x).relu();
        root.sub("end").conv_same(&y, 18, 3)
    });
    agree(&graph, 2, [9, 10], 3e-6);
}

#[test]
fn poolings_of_odd_maps_agree() {
    let graph = one(16, |b, x| {
        let y = b.root().sub("a").conv_same(x, 24, 3).relu();
        b.root().sub("b").conv_same(&y.max_pool(Pool::new(2, 2)), 16, 3)
    });
    for size in [[5, 5], [9, 21], [33, 129], [2, 3], [130, 65]] {
        agree(&graph, 1, size, 3e-6);
    }
}

#[test]
fn parts_in_place_and_copied_parts_agree() {
    // The first part is written in place, the second cannot be (its start is no block), the third is the image itself.
    let graph = one(16, |b, x| {
        let root = b.root();
        let a = root.sub("a").conv_same(x, 32, 3);
        let c = root.sub("c").conv_same(x, 10, 3);
        root.sub("end").conv_same(&x.concat(&a).concat(&c).concat(&a), 16, 3)
    });
    for size in [[16, 16], [40, 33]] {
        agree(&graph, 2, size, 3e-6);
    }
}

#[test]
fn last_convolutions_agree() {
    // Straight into what is given back, or not: too narrow, too many classes, used again, followed by something.
    for (inputs, outputs) in [(16, 2), (20, 1), (33, 3), (48, 4), (16, 5)] {
        let graph =
            one(inputs, |b, x| b.root().sub("head").conv_same(&b.root().sub("a").conv_same(x, inputs, 3), outputs, 1));
        for size in [[3, 15], [5, 16], [2, 17], [7, 67]] {
            agree(&graph, 3, size, 2e-6);
        }
    }
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(18));
    let deep = root.sub("deep").conv_same(&x, 3, 1);
    let norm = root.sub("bn").batch_norm(&root.sub("norm").conv_same(&x, 3, 1));
    let used = root.sub("used").conv_same(&x, 2, 1);
    let last = root.sub("last").conv_same(&used, 2, 1).relu();
    // Another reader gives the map a border; a concatenation, and an output that is listed twice.
    let wide = root.sub("wide").conv_same(&used, 16, 3);
    let joined = root.sub("joined").conv_same(&wide.concat(&x), 4, 1);
    let twice = root.sub("twice").conv_same(&wide, 2, 1).dropout(0.5);
    let outputs = [deep, norm, used, last, joined, twice.clone(), twice];
    agree(&builder.finish(&outputs).unwrap(), 2, [6, 21], 2e-6);
}

#[test]
fn a_run_can_be_stopped() {
    let graph = one(1, |b, x| {
        let root = b.root();
        let y = root.sub("a").conv_same(x, 16, 3).relu();
        root.sub("c").conv_same(&root.sub("b").conv_same(&y, 16, 3), 16, 3)
    });
    let weights = weights(&graph);
    let parameters: Vec<&[f32]> = graph.parameters.iter().map(|p| weights[&p.name].values.as_slice()).collect();
    let mut plan = compile(&graph, &parameters, 1, [32, 32], &Options::default()).unwrap();
    let input = noise([1, 1, 32, 32]);
    let (signal, mut ended) = (Signal::default(), 0);
    let outcome = plan.run_timed(&input.values, Watch::new(&signal), &mut |_| {
        ended += 1;
        if ended == 3 {
            signal.stop();
        }
    });
    assert_eq!(outcome, Err(Stopped));
    assert!(ended < plan.stage_names().len(), "{ended} stages");
    assert!(plan.run(&input.values, Watch::unwatched()).is_ok(), "a plan that was stopped runs again");
}
