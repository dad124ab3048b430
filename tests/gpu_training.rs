//! Training on a GPU that wgpu reaches, software included: every operation's gradients as on the CPU, optimisers, a network that learns
//! as it does on the CPU, a device that is lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "support/operations.rs"]
mod operations;
#[path = "support/random_weights.rs"]
mod random_weights;
mod support;

use lamella::engine::{
    Array, DeviceChoice, EngineError, Mode, Network, Optimiser, Random, Recipe, SegmentationLoss, Weights,
    initial_weights,
};
use lamella::graph::{Affinity, Conv, Graph, GraphBuilder, Normalisation, Scope, Value};
use lamella::work::Watch;
use operations::{Made, graph_of, operations};
use random_weights::{distance, random_array, weights};

/// Largest relative L2 distance of an operation's results and gradients on the GPU and on the CPU.
const AGREES: f64 = 1e-5;

/// What only training tells apart.
fn further() -> Vec<(&'static str, Made)> {
    vec![
        ("weights that two layers share", |s, x| {
            s.sub("conv")
                .conv_same(&s.sub("conv").conv_same(x, 12, 3).relu(), 12, 3)
                .plus(&{ s.sub("conv").again().conv_same(x, 12, 3) })
        }),
        ("the same map three times", |_, x| x.attend(x, x, Affinity::Softmax)),
        ("the same map as query and value", |_, x| x.attend(&x.sigmoid(), x, Affinity::Dot)),
        ("pairs of one map", |s, x| s.attend_pairs(x, x, x)),
        ("criss-cross of one map", |_, x| x.criss_cross(x, x)),
        ("a map times itself", |_, x| x.times(x)),
        ("a depthwise layer, a norm without scale and a head", |s, x| {
            let deep = s.sub("deep").conv(x, Conv { groups: 12, padding: [1, 1], ..Conv::square(12, 12, 3) });
            let norm = s.sub("norm").norm(&deep, Normalisation::Batch { momentum: 0.2 }, 1e-3, false);
            s.sub("head").conv_same(&norm.relu(), 2, 1)
        }),
        ("strides that leave rows out", |s, x| {
            s.conv(x, Conv { stride: [4, 3], padding: [0, 1], ..Conv::square(12, 16, 3) })
        }),
        ("parts of what nothing needs", |_, x| x.channels_part(2, 3)),
    ]
}

fn on(device: DeviceChoice, graph: &Graph, weights: &Weights) -> Network {
    Network::new(graph.clone(), weights, device).unwrap().with_input_gradient()
}

/// Results, the image's gradient, those of parameters, and the weights afterwards: everything that a pass changes or gives.
fn both_ways(network: &mut Network, x: &Array, mode: Mode) -> Result<Vec<(String, Vec<f32>)>, EngineError> {
    network.draw_dropout_after(4, 2);
    let pass = network.run(x, mode, Watch::unwatched())?;
    let outputs = pass.outputs()?;
    let probes: Vec<Array> = outputs.iter().enumerate().map(|(n, o)| random_array(&o.shape, 40 + n as u64)).collect();
    let gradients = pass.backward(&probes, Watch::unwatched())?;
    let mut found: Vec<_> =
        outputs.into_iter().enumerate().map(|(n, output)| (format!("result {n}"), output.values)).collect();
    found.push(("gradient of the image".into(), gradients.input().unwrap().unwrap().values));
    for parameter in network.graph().parameters.iter().filter(|p| p.role.is_trainable()) {
        let gradient = gradients.parameter(&parameter.name).unwrap().unwrap();
        found.push((format!("gradient of {}", parameter.name), gradient.values));
    }
    found.extend(network.weights().unwrap().into_iter().map(|(name, array)| (name, array.values)));
    assert_eq!(network.take_notices(), Vec::<String>::new());
    Ok(found)
}

/// The largest distance, and what is too far away.
fn compare(name: &str, found: &[(String, Vec<f32>)], wanted: &[(String, Vec<f32>)], failed: &mut Vec<String>) -> f64 {
    let mut worst = 0.0f64;
    assert_eq!(found.len(), wanted.len());
    let largest = |values: &[f32]| values.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    let scale = wanted.iter().filter(|(what, _)| what.starts_with("gradient")).map(|(_, v)| largest(v));
    let scale = scale.fold(0.0, f32::max);
    for ((what, found), (_, wanted)) in found.iter().zip(wanted) {
        // What is nothing but rounding on both, say a bias before a norm.
        if what.starts_with("gradient") && largest(wanted).max(largest(found)) < 1e-5 * scale {
            continue;
        }
        let off = distance(found, wanted);
        worst = worst.max(off);
        if off.is_nan() || off >= AGREES || found.len() != wanted.len() {
            failed.push(format!("{name}: {what} is off by {off:.1e}"));
        }
    }
    worst
}

#[test]
fn every_operation_has_the_results_and_gradients_of_the_cpu() {
    let Some(gpu) = support::gpu() else { return };
    let (mut worst, mut failed) = (0.0f64, Vec::new());
    let all = [operations(), further()].concat();
    for (name, made) in &all {
        let graph = graph_of(*made);
        let weights = weights(&graph);
        let x = random_array(&[3, 12, 9, 14], 5);
        for mode in [Mode::Training, Mode::Inference] {
            let found = match both_ways(&mut on(gpu.choice, &graph, &weights), &x, mode) {
                Ok(found) => found,
                Err(error) => {
                    failed.push(format!("{name}, {mode:?}: {error}"));
                    continue;
                }
            };
            let wanted = both_ways(&mut on(DeviceChoice::Cpu, &graph, &weights), &x, mode).unwrap();
            let off = compare(&format!("{name}, {mode:?}"), &found, &wanted, &mut failed);
            println!("{name}, {mode:?}: {off:.1e}");
            worst = worst.max(off);
        }
    }
    println!("{} operations both ways on {} within {worst:.1e} of the CPU", all.len(), gpu.name);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn attention_to_more_positions_than_scores_fit_has_the_gradients_of_the_cpu() {
    let Some(gpu) = support::gpu() else { return };
    let cases: [(&str, Made); 2] = [
        ("by softmax", |_, x| {
            x.channels_part(0, 2).attend(&x.channels_part(0, 2), &x.channels_part(0, 2), Affinity::Softmax)
        }),
        ("of pairs", |s, x| s.attend_pairs(&x.channels_part(0, 2), &x.channels_part(2, 2), &x.channels_part(4, 1))),
    ];
    let mut failed = Vec::new();
    for (name, made) in cases {
        let graph = graph_of(made);
        let weights = weights(&graph);
        // 2116 positions: their pairs are more scores than are made at a time.
        let x = random_array(&[1, 12, 46, 46], 5);
        let [found, wanted] = [gpu.choice, DeviceChoice::Cpu]
            .map(|device| both_ways(&mut on(device, &graph, &weights), &x, Mode::Training).unwrap());
        println!("{name}: {:.1e}", compare(name, &found, &wanted, &mut failed));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A network with skip connections of two levels.
fn small_unet(scope: &Scope, x: &Value) -> Value {
    let double = |name: &str, x: &Value, width: usize| {
        let one = scope.sub(name).sub("norm").batch_norm(&scope.sub(name).sub("conv").conv_same(x, width, 3)).relu();
        scope.sub(name).sub("again").instance_norm(&scope.sub(name).sub("second").conv_same(&one, width, 3)).relu()
    };
    let top = double("top", x, 8);
    let low = double("low", &top.max_pool(lamella::graph::Pool::new(2, 2)), 16);
    let up = scope.sub("up").up_conv(&low, 8, [2, 2]);
    scope.sub("head").conv_valid(&double("end", &up.concat(&top), 8), 2, 1)
}

fn unet() -> Graph {
    let builder = GraphBuilder::new();
    let x = builder.input(1);
    let y = small_unet(&builder.root(), &x);
    builder.finish(&[y]).unwrap()
}

const SIZE: usize = 24;

/// Bright discs in noise, and where they are.
fn discs(count: usize, seed: u64) -> (Array, Vec<u16>) {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for image in 0..count {
        let mut random = Random::new(seed, image as u64);
        let centre = [0, 1].map(|_| 7.0 + 10.0 * (0.5 + 0.5 * random.normal().clamp(-1.0, 1.0)));
        for n in 0..SIZE * SIZE {
            let off = [n / SIZE, n % SIZE].iter().zip(centre).map(|(&at, c)| (at as f64 - c).powi(2)).sum::<f64>();
            let inside = off.sqrt() < 5.0;
            values.push((random.normal() * 0.7 + if inside { 1.5 } else { 0.0 }) as f32);
            labels.push(u16::from(inside));
        }
    }
    (Array::new([count, 1, SIZE, SIZE], values), labels)
}

/// Dice of what a network makes of images.
fn dice(network: &mut Network, (images, labels): &(Array, Vec<u16>)) -> f64 {
    let logits = network.infer(images, Watch::unwatched()).unwrap().remove(0);
    let plane = SIZE * SIZE;
    let is_inside = |n: usize| {
        let at = n / plane * 2 * plane + n % plane;
        logits.values[at + plane] > logits.values[at]
    };
    let found: Vec<bool> = (0..labels.len()).map(is_inside).collect();
    let both = found.iter().zip(labels).filter(|(found, label)| **found && **label == 1).count();
    let all = found.iter().filter(|found| **found).count() + labels.iter().filter(|label| **label == 1).count();
    2.0 * both as f64 / all.max(1) as f64
}

/// One step on a batch; gives its loss.
fn step(network: &mut Network, optimiser: &mut Optimiser, number: u64) -> Result<f64, String> {
    let (images, labels) = discs(4, 100 + number);
    let pass = network.run(&images, Mode::Training, Watch::unwatched()).map_err(|e| e.to_string())?;
    let loss = SegmentationLoss::default().of(&pass.outputs().map_err(|e| e.to_string())?[0], &labels);
    let gradients = pass.backward(&[loss.gradient], Watch::unwatched()).map_err(|e| e.to_string())?;
    optimiser.step(network, &gradients, 0.01).map_err(|e| e.to_string())?;
    Ok(loss.value)
}

const ADAMW: Recipe = Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };

#[test]
fn a_network_learns_as_on_the_cpu() {
    let Some(gpu) = support::gpu() else { return };
    let graph = unet();
    let weights = initial_weights(&graph, 1);
    let held_back = discs(12, 7);
    let outcome = |device: DeviceChoice| {
        let mut network = Network::new(graph.clone(), &weights, device).unwrap();
        let mut optimiser = Optimiser::new(ADAMW, Some(12.0));
        let before = dice(&mut network, &held_back);
        let losses: Vec<f64> = (0..40).map(|n| step(&mut network, &mut optimiser, n).unwrap()).collect();
        assert_eq!((network.is_on_cpu(), network.take_notices()), (device == DeviceChoice::Cpu, Vec::new()));
        (before, dice(&mut network, &held_back), losses)
    };
    let [(before, on_gpu, losses), (_, on_cpu, wanted)] = [gpu.choice, DeviceChoice::Cpu].map(outcome);
    println!("Dice {before:.4} before; {on_gpu:.4} on {}, {on_cpu:.4} on the CPU", gpu.name);
    println!("losses {:.5} to {:.5}, on the CPU {:.5} to {:.5}", losses[0], losses[39], wanted[0], wanted[39]);
    assert!(on_cpu > 0.85 && before < 0.6 && (on_gpu - on_cpu).abs() <= 0.005, "{before} {on_gpu} {on_cpu}");
    assert!((losses[0] - wanted[0]).abs() < 1e-5);
}

#[test]
fn every_optimiser_steps_as_on_the_cpu_and_continues_from_its_state() {
    let Some(gpu) = support::gpu() else { return };
    let sgd = |momentum, nesterov| Recipe::Sgd { momentum, nesterov, weight_decay: 0.01 };
    let adam = Recipe::Adam { betas: [0.9, 0.99], eps: 1e-7, weight_decay: 0.02 };
    let builder = GraphBuilder::new();
    let x = builder.input(1);
    let y = builder.root().sub("b").conv_same(&builder.root().sub("a").conv_same(&x, 8, 3).relu(), 2, 1);
    let graph = builder.finish(&[y]).unwrap();
    let weights = initial_weights(&graph, 1);
    for recipe in [sgd(0.0, false), sgd(0.9, false), sgd(0.9, true), adam, ADAMW] {
        let outcome = |device: DeviceChoice| {
            let mut network = Network::new(graph.clone(), &weights, device).unwrap();
            let mut optimiser = Optimiser::new(recipe, Some(0.1));
            (0..2).for_each(|n| drop(step(&mut network, &mut optimiser, n).unwrap()));
            let state = optimiser.state(&network).unwrap();
            let mut other = Optimiser::new(recipe, Some(0.1));
            other.restore(&network, &state).unwrap();
            (0..2).for_each(|n| drop(step(&mut network, &mut other, 2 + n).unwrap()));
            network.weights().unwrap()
        };
        let [found, wanted] = [gpu.choice, DeviceChoice::Cpu].map(outcome);
        for (name, array) in &wanted {
            let moved = |to: &Array| -> Vec<f32> {
                to.values.iter().zip(&weights[name].values).map(|(to, from)| to - from).collect()
            };
            let (found, wanted) = (moved(&found[name]), moved(array));
            let off = distance(&found, &wanted);
            assert!(off < 1e-3 && wanted.iter().any(|v| v.abs() > 1e-5), "{recipe:?}, {name}: {off:.1e}");
        }
    }
}

#[test]
fn a_lost_device_is_an_error_and_never_old_weights() {
    let Some(gpu) = support::gpu() else { return };
    let graph = unet();
    let weights = initial_weights(&graph, 1);
    let mut network = Network::new(graph, &weights, gpu.choice).unwrap();
    network.lose_device_after(2);
    let mut optimiser = Optimiser::new(ADAMW, None);
    step(&mut network, &mut optimiser, 0).unwrap();
    step(&mut network, &mut optimiser, 1).unwrap();
    let error = step(&mut network, &mut optimiser, 2).unwrap_err();
    assert!(error.contains("lost"), "{error}");
    // Neither are the weights before the training handed out as its outcome, nor used by the CPU.
    assert!(network.weights().unwrap_err().to_string().contains("lost"));
    assert!(network.infer(&discs(1, 1).0, Watch::unwatched()).is_err());
    // Before anything was trained the CPU takes over.
    let mut fresh = Network::new(unet(), &weights, gpu.choice).unwrap();
    fresh.lose_device_after(0);
    assert!(fresh.infer(&discs(1, 1).0, Watch::unwatched()).is_ok() && fresh.is_on_cpu());
}

#[test]
fn gradients_are_those_of_the_weights_that_made_the_results() {
    let Some(gpu) = support::gpu() else { return };
    let graph = unet();
    let mut network = Network::new(graph.clone(), &initial_weights(&graph, 1), gpu.choice).unwrap();
    let (images, labels) = discs(2, 3);
    let early = network.run(&images, Mode::Training, Watch::unwatched()).unwrap();
    let loss = SegmentationLoss::default().of(&early.outputs().unwrap()[0], &labels);
    step(&mut network, &mut Optimiser::new(ADAMW, None), 0).unwrap();
    let Err(error) = early.backward(&[loss.gradient], Watch::unwatched()) else { panic!("gradients of other weights") };
    assert!(error.to_string().contains("changed"), "{error}");
    // The same pass twice gives the same bits.
    let twice = [0, 1].map(|_| {
        let pass = network.run(&images, Mode::Inference, Watch::unwatched()).unwrap();
        let probe = random_array(&[2, 2, SIZE, SIZE], 1);
        let gradients = pass.backward(&[probe], Watch::unwatched()).unwrap();
        gradients.parameter("low.conv.weight").unwrap().unwrap()
    });
    assert_eq!(twice[0], twice[1]);
}
