//! Compiled training against the operations one by one, for every instruction set that this machine has.

use super::{Activations, Wanted, compile};
use crate::engine::cpu::compiled::Options;
use crate::engine::cpu::simd::InstructionSet;
use crate::engine::{Array, Backend, DeviceChoice, Mode, Network, Random, Weights, initial_weights};
use crate::graph::{Activation, Conv, Graph, GraphBuilder, Pool, Scope, Value};
use crate::work::Watch;

/// He weights, with biases and scales that are not trivial.
fn weights(graph: &Graph) -> Weights {
    let mut weights = initial_weights(graph, 7);
    for (n, parameter) in graph.parameters.iter().enumerate() {
        if parameter.shape.len() == 1 && parameter.role.is_trainable() {
            let mut random = Random::new(3, n as u64);
            if let Some(array) = weights.get_mut(&parameter.name) {
                array.values.iter_mut().for_each(|v| *v += 0.2 * random.normal() as f32);
            }
        }
    }
    weights
}

fn noise(shape: &[usize], stream: u64) -> Array {
    let mut random = Random::new(5, stream);
    Array::new(shape, (0..shape.iter().product()).map(|_| random.normal() as f32).collect())
}

/// L2 distance relative to the expected values, or to `floor` where those are smaller.
fn distance(a: &[f32], b: &[f32], floor: f64) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |f: &dyn Fn(usize) -> f64| (0..a.len()).map(|n| f(n).powi(2)).sum::<f64>();
    let difference = square(&|n| f64::from(a[n]) - f64::from(b[n]));
    difference.sqrt() / square(&|n| f64::from(b[n])).sqrt().max(floor)
}

/// Holds a plan's results, statistics and gradients against candle's operations.
fn agree(graph: &Graph, batch: usize, size: [usize; 2], tolerance: f64) {
    let weights = weights(graph);
    let input = noise(&[batch, graph.input_channels(), size[0], size[1]], 1);
    let mut reference = Network::with_backend(graph.clone(), &weights, DeviceChoice::Cpu, Backend::Composed).unwrap();
    let pass = reference.run(&input, Mode::Training, Watch::unwatched()).unwrap();
    let expected = pass.outputs().unwrap();
    let probes: Vec<Array> = expected.iter().enumerate().map(|(n, y)| noise(&y.shape, 10 + n as u64)).collect();
    let gradients = pass.backward(&probes, Watch::unwatched()).unwrap();
    let after = reference.weights().unwrap();
    let parameters: Vec<&[f32]> = graph.parameters.iter().map(|p| weights[&p.name].values.as_slice()).collect();
    let probe_views: Vec<&[f32]> = probes.iter().map(|p| p.values.as_slice()).collect();
    for set in InstructionSet::available() {
        for threads in [1, 2, 3] {
            let options = Options { threads, set };
            let compile = |activations: Activations| {
                let wanted = Wanted { input_gradient: true, activations };
                compile(graph, batch, size, wanted, &options).unwrap().expect("the graph compiles")
            };
            let mut plans = [Activations::Kept, Activations::Recomputed].map(compile);
            let what = format!("{} with {threads} threads, {batch} x {size:?}", set.name());
            let mut runs = Vec::new();
            // Each plan twice, because memory is not zero the second time.
            for of in [0, 0, 1, 1] {
                let plan = &mut plans[of];
                let values = plan.forward(&parameters, &input.values, Watch::unwatched(), &mut |_| {}).unwrap();
                for (values, expected) in values.iter().zip(&expected) {
                    let distance = distance(values, &expected.values, 1e-3);
                    assert!(distance < tolerance, "{what}: result {distance}");
                }
                let mut moved = weights.clone();
                for (of, mean, variance) in plan.statistics() {
                    for (id, new) in [(of.mean, mean), (of.variance, variance)] {
                        let share = of.momentum as f32;
                        let Some(array) = moved.get_mut(&graph.parameters[id].name) else { continue };
                        array
                            .values
                            .iter_mut()
                            .zip(new)
                            .for_each(|(old, new)| *old = *old * (1.0 - share) + new * share);
                    }
                }
                for parameter in graph.parameters.iter().filter(|p| !p.role.is_trainable()) {
                    let distance = distance(&moved[&parameter.name].values, &after[&parameter.name].values, 1e-2);
                    assert!(distance < tolerance, "{what}: {} {distance}", parameter.name);
                }
                runs.push((values, plan.backward(&parameters, &probe_views, Watch::unwatched(), &mut |_| {}).unwrap()));
            }
            let found = &runs[0].1;
            let of_input = gradients.input().unwrap().unwrap();
            let off = distance(found.input.as_ref().unwrap(), &of_input.values, 1e-3);
            assert!(off < tolerance, "{what}: input {off}");
            for (parameter, values) in graph.parameters.iter().zip(&found.parameters) {
                let expected = gradients.parameter(&parameter.name).unwrap().unwrap();
                let Some(values) = values else {
                    // A statistic, or something no output depends on.
                    assert!(!parameter.role.is_trainable() || expected.values.iter().all(|&v| v == 0.0), "{what}");
                    continue;
                };
                // A bias before a norm has no effect: ours is exactly zero, the reference has rounding noise.
                let is_noise = parameter.name.ends_with("bias") && values.iter().all(|&v| v == 0.0);
                let off = distance(values, &expected.values, if is_noise { 100.0 } else { 0.1 });
                assert!(off < tolerance, "{what}: {} {off}", parameter.name);
            }
            for run in &runs[1..] {
                assert!(runs[0].0 == run.0, "{what}: results of two runs differ");
                let [first, other] = [&runs[0].1, &run.1];
                assert!(first.parameters == other.parameters && first.input == other.input, "{what}: two runs differ");
            }
        }
    }
}

/// Small enough for Miri, which knows no processor's instructions and none of candle's.
#[test]
fn a_small_network_agrees_with_plain_loops() {
    let (inputs, outputs, size, batch) = (9, 17, [5, 6], 2);
    let graph = one(inputs, |s, x| s.conv_same(x, outputs, 3));
    let fill = |n: usize, step: usize| (0..n).map(|k| ((k * step + 5) % 23) as f32 / 11.0 - 1.0).collect::<Vec<f32>>();
    let (pixels, taps) = (size[0] * size[1], 9);
    let (x, w, b) = (fill(batch * inputs * pixels, 7), fill(outputs * inputs * taps, 3), fill(outputs, 5));
    let g = fill(batch * outputs * pixels, 11);
    let array = |shape: &[usize]| if shape.len() == 4 { &w[..] } else { &b[..] };
    let arrays: Vec<&[f32]> = graph.parameters.iter().map(|p| array(&p.shape)).collect();
    let (mut y, mut dw, mut dx) = (vec![0.0f64; g.len()], vec![0.0f64; w.len()], vec![0.0f64; x.len()]);
    for n in 0..batch * outputs * pixels {
        let (image, o, row, column) = (n / (outputs * pixels), n / pixels % outputs, n % pixels / size[1], n % size[1]);
        y[n] += f64::from(b[o]);
        for k in 0..inputs * taps {
            let (i, r, c) = (k / taps, row + k % taps / 3, column + k % 3);
            if (1..=size[0]).contains(&r) && (1..=size[1]).contains(&c) {
                let at = (image * inputs + i) * pixels + (r - 1) * size[1] + c - 1;
                let weight = o * inputs * taps + k;
                y[n] += f64::from(w[weight]) * f64::from(x[at]);
                dw[weight] += f64::from(g[n]) * f64::from(x[at]);
                dx[at] += f64::from(g[n]) * f64::from(w[weight]);
            }
        }
    }
    let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    for threads in [1, 2] {
        let options = Options { threads, set: InstructionSet::Portable };
        let activations = if threads == 2 { Activations::Recomputed } else { Activations::Kept };
        let wanted = Wanted { input_gradient: true, activations };
        let mut plan = compile(&graph, batch, size, wanted, &options).unwrap().unwrap();
        let values = plan.forward(&arrays, &x, Watch::unwatched(), &mut |_| {}).unwrap();
        let found = plan.backward(&arrays, &[&g], Watch::unwatched(), &mut |_| {}).unwrap();
        let off = [
            distance(&values[0], &narrow(&y), 1e-3),
            distance(found.parameters[0].as_ref().unwrap(), &narrow(&dw), 1e-3),
            distance(&found.input.unwrap(), &narrow(&dx), 1e-3),
        ];
        assert!(off.iter().all(|&off| off < 1e-5), "{threads} threads: {off:?}");
    }
}

fn conv(inputs: usize, outputs: usize, kernel: usize, stride: usize, padding: usize) -> Conv {
    Conv { stride: [stride; 2], padding: [padding; 2], ..Conv::square(inputs, outputs, kernel) }
}

fn one(inputs: usize, build: impl Fn(&Scope, &Value) -> Value) -> Graph {
    let builder = GraphBuilder::new();
    let x = builder.input(inputs);
    let y = build(&builder.root().sub("op"), &x);
    builder.finish(&[y]).unwrap()
}

#[test]
fn convolutions_of_every_size_agree() {
    for (n, &(inputs, outputs)) in [(1, 3), (16, 16), (17, 40), (80, 33), (9, 16)].iter().enumerate() {
        for size in [[1, 1], [2, 3], [3, 67], [4, 4], [5, 9], [16, 16], [31, 6]] {
            let batch = 1 + (n + size[0]) % 4;
            for padding in [0, 1] {
                if padding == 0 && (size[0] < 3 || size[1] < 3) {
                    continue;
                }
                let shape = conv(inputs, outputs, 3, 1, padding);
                agree(&one(inputs, |s, x| s.conv(x, shape)), batch, size, 1e-5);
            }
        }
    }
}

#[test]
fn other_windows_agree() {
    for (kernel, stride, padding) in [(3, 2, 1), (7, 2, 3), (1, 1, 0), (1, 2, 0), (5, 1, 2), (2, 2, 0)] {
        for size in [[8, 8], [13, 22], [9, 7]] {
            for inputs in [3, 20] {
                let shape = conv(inputs, 37, kernel, stride, padding);
                agree(&one(inputs, |s, x| s.conv(x, shape)), 2, size, 1e-5);
            }
        }
    }
    let dilated = Conv { dilation: [2, 2], ..conv(20, 18, 3, 1, 2) };
    agree(&one(20, |s, x| s.conv(x, dilated)), 2, [13, 9], 1e-5);
}

#[test]
fn norms_activations_and_pools_agree() {
    for size in [[8, 8], [7, 13], [40, 34]] {
        agree(&one(20, |s, x| s.sub("n").batch_norm(&s.conv_same(x, 20, 3)).relu()), 3, size, 2e-5);
        let leaky = Activation::LeakyRelu(0.01);
        agree(&one(20, |s, x| s.sub("n").instance_norm(&s.conv_same(x, 20, 3)).activate(leaky)), 3, size, 2e-5);
        agree(&one(20, Scope::batch_norm), 2, size, 2e-5);
        agree(&one(20, |_, x| x.activate(leaky)), 2, size, 1e-6);
        agree(&one(20, |s, x| s.batch_norm(x).relu().max_pool(Pool::new(2, 2))), 2, size, 2e-5);
        agree(&one(20, |_, x| x.max_pool(Pool { padding: [1; 2], ceil_mode: true, ..Pool::new(3, 2) })), 2, size, 1e-6);
    }
}

#[test]
fn a_value_with_many_readers_gathers_all_gradients() {
    let graph = one(16, |s, x| {
        let a = s.sub("na").batch_norm(&s.sub("a").conv_same(x, 32, 3)).relu();
        let b = s.sub("b").conv_same(&a.max_pool(Pool::new(2, 2)), 16, 3);
        let up = s.sub("up").up_conv(&b, 16, [2, 2]);
        let joined = up.concat(&a).concat(x);
        let c = s.sub("nc").instance_norm(&s.sub("c").conv_same(&joined, 32, 3));
        let sum = c.plus(&a).relu();
        s.sub("d").conv_same(&sum.plus(&a), 3, 1)
    });
    agree(&graph, 2, [12, 20], 3e-5);
    // A normed value that is read twice keeps its own gradient.
    let graph = one(16, |s, x| {
        let a = s.sub("a").conv_same(x, 16, 3);
        s.sub("n").batch_norm(&a).relu().plus(&a)
    });
    agree(&graph, 2, [9, 8], 3e-5);
}

#[test]
fn a_value_may_join_two_concatenations_and_be_tapped() {
    let builder = GraphBuilder::new();
    let x = builder.input(16);
    let root = builder.root();
    let a = root.sub("a").conv_same(&x, 16, 3);
    let b = root.sub("b").conv_same(&x.concat(&a), 16, 3);
    let y = root.sub("y").conv_same(&b.concat(&a).concat(&x), 5, 3);
    // Only a tap needs this, and the norm's result is read by it and by the output's branch.
    let n = root.sub("n").batch_norm(&a);
    builder.tap("side", &root.sub("side").conv_same(&n, 4, 3));
    let graph = builder.finish(&[y, root.sub("z").conv_same(&n.relu(), 3, 1)]).unwrap();
    agree(&graph, 2, [6, 9], 3e-5);
}

#[test]
fn whole_networks_agree() {
    let builder = GraphBuilder::new();
    let x = builder.input(1);
    let root = builder.root();
    let block = |name: &str, x: &Value, count: usize| {
        let y =
            root.sub(format!("{name}.n0")).batch_norm(&root.sub(format!("{name}.c0")).conv_same(x, count, 3)).relu();
        root.sub(format!("{name}.n1")).batch_norm(&root.sub(format!("{name}.c1")).conv_same(&y, count, 3)).relu()
    };
    let a = block("a", &x, 16);
    let b = block("b", &a.max_pool(Pool::new(2, 2)), 32);
    let c = block("c", &b.max_pool(Pool::new(2, 2)), 64);
    let d = block("d", &root.sub("u0").up_conv(&c, 32, [2, 2]).concat(&b), 32);
    let e = block("e", &root.sub("u1").up_conv(&d, 16, [2, 2]).concat(&a), 16);
    let outputs = [root.sub("fine").conv_same(&e, 2, 1), root.sub("coarse").conv_same(&d, 2, 1)];
    let graph = builder.finish(&outputs).unwrap();
    agree(&graph, 2, [32, 24], 2e-4);
    let bytes = [Activations::Kept, Activations::Recomputed].map(|activations| {
        let wanted = Wanted { input_gradient: false, activations };
        compile(&graph, 2, [128, 128], wanted, &Options { threads: 2, ..Options::default() })
            .unwrap()
            .unwrap()
            .memory_bytes()
    });
    assert!(4 * bytes[1] < 3 * bytes[0], "{bytes:?}");
}

#[test]
fn what_is_computed_again_may_be_cut_joined_added_and_tapped() {
    use crate::graph::{UpsampleMode, UpsampleTo};
    let builder = GraphBuilder::new();
    let x = builder.input(3);
    let root = builder.root();
    let block = |name: &str, x: &Value, count: usize, stride: usize| {
        let scope = root.sub(name);
        let a = scope.sub("na").instance_norm(&scope.sub("a").conv(x, conv(x.channels(), count, 3, stride, 1))).relu();
        let b = scope.sub("nb").batch_norm(&scope.sub("b").conv_same(&a, count, 3));
        let same = x.channels() == count && stride == 1;
        let skip = if same { x.clone() } else { scope.sub("s").conv(x, conv(x.channels(), count, 1, stride, 0)) };
        b.plus(&skip).relu()
    };
    // Residual blocks in a row, some channels that fill no block, a skip that is cut and one that is added.
    let a = block("a1", &block("a0", &x, 20, 1), 20, 1);
    builder.tap("inside", &a);
    let b = block("b1", &block("b0", &a, 24, 2), 24, 1);
    let c = block("c1", &block("c0", &b, 32, 2), 32, 1);
    let up = c.upsample(UpsampleMode::Bilinear { align_corners: false }, UpsampleTo::Scale([2, 2]));
    let d = block("d", &root.sub("fit").conv_same(&up, 24, 1).plus(&b), 24, 1);
    let up = d.upsample(UpsampleMode::Nearest, UpsampleTo::Scale([2, 2]));
    let narrow = root.sub("narrow").conv(&up, Conv { padding: [0, 0], ..Conv::square(24, 12, 3) });
    let e = root.sub("e").conv_same(&narrow.concat(&a.crop_like(&narrow)), 16, 3);
    let y = root.sub("y").conv_same(&e.max_pool(Pool { padding: [1; 2], ..Pool::new(3, 1) }), 2, 1);
    agree(&builder.finish(&[y]).unwrap(), 2, [16, 24], 2e-4);
}

#[test]
fn operations_without_a_kernel_in_blocks_agree() {
    use crate::graph::{ContextFusion, ContextPooling, UpsampleMode, UpsampleTo};
    let graph = one(16, |s, x| {
        let a = s.sub("na").batch_norm(&s.sub("a").conv_same(x, 20, 3)).relu();
        let b = s.sub("se").squeeze_excite(&a, 4);
        let c = s.sub("gc").global_context(&b, 0.5, ContextPooling::Attention, ContextFusion::MultiplyAdd);
        let small = s.sub("d").conv_same(&c.max_pool(Pool::new(2, 2)), 12, 3);
        let up = small.upsample(UpsampleMode::Bilinear { align_corners: false }, UpsampleTo::Scale([2, 2]));
        let near = small.upsample(UpsampleMode::Nearest, UpsampleTo::Scale([2, 2])).plus(&up);
        let up = near.times(&up);
        let grouped = Conv { groups: 2, ..conv(32, 8, 3, 1, 1) };
        s.sub("e").conv(&up.concat(&c), grouped).sigmoid()
    });
    agree(&graph, 2, [12, 8], 1e-4);
}

#[test]
fn attention_in_blocks_agrees() {
    use crate::graph::{ContextFusion, ContextPooling};
    for size in [[1, 1], [1, 5], [7, 18], [16, 9]] {
        for channels in [1, 16, 20, 40] {
            agree(&one(channels, |s, x| s.squeeze_excite(x, 4)), 3, size, 2e-5);
            agree(&one(channels, |s, x| s.spatial_channel_excite(x, 4)), 2, size, 2e-5);
            agree(&one(channels, Scope::simplified_non_local), 2, size, 2e-5);
            let gc =
                |s: &Scope, x: &Value| s.global_context(x, 0.5, ContextPooling::Attention, ContextFusion::MultiplyAdd);
            agree(&one(channels, gc), 2, size, 1e-4);
        }
    }
    // A map times itself, and a factor that is read twice.
    let graph = one(20, |s, x| {
        let a = s.sub("a").conv_same(x, 20, 3);
        let mean = a.adaptive_avg_pool([1, 1]);
        a.times(&a).times(&mean).plus(&mean)
    });
    agree(&graph, 2, [6, 9], 2e-5);
}

#[test]
fn parameters_that_two_operations_share_gather_both_gradients() {
    let graph = one(16, |s, x| s.criss_cross(x, 4, 2));
    // A bias of all keys changes no weight: its gradient is rounding noise.
    for size in [[5, 7], [1, 6], [4, 1], [1, 1]] {
        agree(&graph, 2, size, 1e-4);
    }
    // A norm that two operations share moves its statistics twice.
    let graph = one(16, |s, x| {
        let norm = s.sub("norm");
        let first = norm.batch_norm(x);
        norm.again().batch_norm(&s.sub("conv").conv_same(&first, 16, 3))
    });
    agree(&graph, 3, [6, 5], 5e-5);
}

#[test]
fn positions_attend_in_blocks_of_any_size() {
    use crate::graph::{NonLocal, Pairwise};
    for pairwise in [Pairwise::Gaussian, Pairwise::Embedded, Pairwise::Dot, Pairwise::Concat] {
        for (size, subsample) in [([5, 7], false), ([10, 7], true), ([11, 12], false), ([1, 9], false)] {
            let options = NonLocal { pairwise, subsample, norm: true };
            let graph = one(12, |s, x| s.sub("n").instance_norm(&s.conv_same(x, 12, 3)).plus(&s.non_local(x, options)));
            // A bias of all keys changes no softmax: its gradient is rounding noise.
            agree(&graph, 2, size, 5e-4);
        }
    }
}
