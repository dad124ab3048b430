//! Every architecture, encoder and attention goes through the same checks: sizes, both engines, gradients, learning.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "support/random_weights.rs"]
mod random_weights;
mod support;

use std::path::Path;

use lamella::engine::{
    Array, Backend, DeviceChoice, Mode, Network, Optimiser, Random, Recipe, SegmentationLoss, Weights, initial_weights,
};
use lamella::graph::{Graph, Op, SoftmaxOver};
use lamella::model::{ModelSpec, SliceAxis};
use lamella::pipeline::{SegmentOptions, segment};
use lamella::work::Watch;
use lamella::zoo::{self, ARCHITECTURES, Attention, Encoder, Ends};
use random_weights::{distance, random_array, weights};
use serde_json::{Value, json};

/// Largest relative L2 distance of the engines' logits. The U-Nets of the design stay within 2e-5 (`tests/golden.rs`); gates on
/// random weights may cancel most of the logits, which leaves more of the rounding.
const ENGINES_AGREE: f64 = 4e-5;

/// The same where a softmax over products of large random maps enlarges what little differs before it.
const PRODUCTS_AGREE: f64 = 1e-4;

/// Largest relative L2 distance of logits with maps of 16 bits, whose values have three decimal digits, on random weights.
const HALF_AGREES: f64 = 3e-2;

const ENDS: Ends = Ends { in_channels: 1, classes: 2 };

/// Every entry: architectures, every encoder, every attention with two encoders.
fn entries() -> Vec<(&'static str, Value)> {
    let mut entries: Vec<(&'static str, Value)> = ARCHITECTURES.iter().map(|a| (a.id, json!({}))).collect();
    entries.extend(Encoder::ALL.iter().map(|encoder| ("unet", json!({"encoder": encoder}))));
    entries
        .push(("unet", json!({"encoder": "se-resnext50-32x4d", "decoder": [16, 8], "up": "bilinear", "norm": "none"})));
    entries.push(("unet", json!({"encoder": "vgg11-bn", "decoder": [32, 16, 8], "stages": 3, "norm": "instance"})));
    entries.push(("unet", json!({"encoder": "googlenet", "auxiliary": true})));
    entries.push(("unet", json!({"encoder": "inception-v3", "auxiliary": true})));
    entries.push(("unet", json!({"width": 8, "depth": 3, "attention": "se", "attention_ratio": 2})));
    entries.push(("unet", json!({"width": 8, "depth": 3, "attention": "non-local", "attention_subsample": true})));
    for attention in Attention::ALL {
        entries.push(("unet", json!({"width": 8, "depth": 3, "attention": attention})));
        entries.push(("unet", json!({"encoder": "resnet18", "decoder": [128, 128], "attention": attention})));
        entries.push(("unet", json!({"encoder": "vgg16-bn", "decoder": [128, 128], "attention": attention})));
    }
    entries
}

/// Whether a parameter is a bias that a norm or a softmax right behind it takes out again: its gradient is zero.
fn is_taken_out_by_a_norm(graph: &Graph, name: &str) -> bool {
    let owner = graph.nodes.iter().position(|n| n.parameters.get(1).is_some_and(|&p| graph.parameters[p].name == name));
    let is_norm = |op: &Op| matches!(op, Op::Norm { .. } | Op::Softmax(SoftmaxOver::Positions));
    owner.is_some_and(|id| {
        let mut readers = graph.nodes.iter().filter(|n| n.inputs.contains(&id));
        !is_norm(&graph.nodes[id].op) && readers.all(|n| is_norm(&n.op))
    })
}

/// Whether a parameter belongs to a head for deep supervision, which is no output here.
fn is_of_a_coarser_head(graph: &Graph, name: &str) -> bool {
    let owner = graph.nodes.iter().position(|n| n.parameters.iter().any(|&p| graph.parameters[p].name == name));
    let is_read = |id: usize| graph.nodes.iter().any(|n| n.inputs.contains(&id)) || graph.outputs.contains(&id);
    name.contains("seg_layers") && owner.is_some_and(|id| !is_read(id))
}

#[test]
fn engines_agree_at_two_sizes_and_every_parameter_has_a_gradient() {
    let mut worst: f64 = 0.0;
    for (arch, options) in entries() {
        let graph = zoo::build(arch, ENDS, &options).unwrap();
        let weights = weights(&graph);
        for size in [[64, 64], [32, 96]] {
            let mut network = Network::with_backend(graph.clone(), &weights, DeviceChoice::Cpu, Backend::Best).unwrap();
            let x = random_array(&[2, 1, size[0], size[1]], 1);
            let fast = network.infer(&x, Watch::unwatched()).unwrap();
            let slow = network.run(&x, Mode::Inference, Watch::unwatched()).unwrap().outputs().unwrap();
            assert_eq!(fast[0].shape, vec![2, 2, size[0], size[1]], "{arch} {options}");
            let off = distance(&fast[0].values, &slow[0].values);
            let products = options["attention"].as_str().is_some_and(|a| a.contains("non-local") || a == "criss-cross");
            let limit = if products { PRODUCTS_AGREE } else { ENGINES_AGREE };
            assert!(off < limit, "{arch} {options} at {size:?}: engines differ by {off:.1e}");
            worst = worst.max(off);
            if products || off > 2e-5 {
                println!("{arch} {options} {size:?}: engines within {off:.1e}");
            }
        }
        let mut network = Network::with_backend(graph.clone(), &weights, DeviceChoice::Cpu, Backend::Best).unwrap();
        let pass = network.run(&random_array(&[2, 1, 64, 64], 1), Mode::Training, Watch::unwatched()).unwrap();
        let outputs = pass.outputs().unwrap();
        let probes: Vec<Array> = outputs.iter().map(|output| random_array(&output.shape, 2)).collect();
        let gradients = pass.backward(&probes, Watch::unwatched()).unwrap();
        for parameter in graph.parameters.iter().filter(|p| p.role.is_trainable()) {
            if is_taken_out_by_a_norm(&graph, &parameter.name) || is_of_a_coarser_head(&graph, &parameter.name) {
                continue;
            }
            let gradient = gradients.parameter(&parameter.name).unwrap();
            let reached = gradient.is_some_and(|g| g.values.iter().any(|v| *v != 0.0));
            assert!(reached, "{arch} {options}: no gradient reaches {}", parameter.name);
        }
    }
    println!("{} networks; engines within {worst:.1e} of each other", entries().len());
}

#[test]
fn every_network_gives_the_same_on_a_gpu() {
    let Some(gpu) = support::gpu() else { return };
    let (mut worst, mut failed) = (0.0f64, Vec::new());
    for (arch, options) in entries() {
        let graph = zoo::build(arch, ENDS, &options).unwrap();
        let weights = weights(&graph);
        let x = random_array(&[2, 1, 64, 32], 1);
        let [on_gpu, on_cpu] = [gpu.choice, DeviceChoice::Cpu].map(|device| {
            let mut network = Network::new(graph.clone(), &weights, device).unwrap();
            let outputs = network.infer(&x, Watch::unwatched()).unwrap();
            assert!(network.take_notices().is_empty() || device == DeviceChoice::Cpu, "{arch} {options} failed there");
            outputs
        });
        let products = options["attention"].as_str().is_some_and(|a| a.contains("non-local") || a == "criss-cross");
        let limit = if products { PRODUCTS_AGREE } else { ENGINES_AGREE };
        for (found, wanted) in on_gpu.iter().zip(&on_cpu) {
            let off = distance(&found.values, &wanted.values);
            worst = worst.max(off);
            if found.shape != wanted.shape || off.is_nan() || off >= limit {
                failed.push(format!("{arch} {options}: {off:.1e}"));
            }
        }
    }
    println!("{} networks on {} within {worst:.1e} of the CPU", entries().len(), gpu.name);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What GPUs do in inference, run here by the same operations on the CPU.
#[test]
fn maps_of_sixteen_bits_give_nearly_the_same() {
    let (mut worst, mut too_large) = ((0.0, String::new()), Vec::new());
    for (arch, options) in entries() {
        let graph = zoo::build(arch, ENDS, &options).unwrap();
        let weights = initial_weights(&graph, 1);
        let mut network = Network::with_backend(graph.clone(), &weights, DeviceChoice::Cpu, Backend::Composed).unwrap();
        let x = random_array(&[1, 1, 64, 32], 1);
        let whole = network.infer(&x, Watch::unwatched()).unwrap();
        network.set_half_precision(true);
        let half = network.infer(&x, Watch::unwatched()).unwrap();
        let off = distance(&half[0].values, &whole[0].values);
        if !network.take_notices().is_empty() {
            // Untrained residual networks of a hundred layers have maps beyond 65504.
            assert_eq!(off, 0.0, "{arch} {options}");
            too_large.push(format!("{arch} {options}"));
            continue;
        }
        let convolves = graph.nodes.iter().any(|node| matches!(node.op, Op::Conv2d(_)));
        assert!(off > 0.0 || !convolves, "{arch} {options}: 16 bits were not used");
        assert!(off < HALF_AGREES, "{arch} {options}: 16 bits are off by {off:.1e}");
        if off > worst.0 {
            worst = (off, format!("{arch} {options}"));
        }
    }
    println!("{} networks in 16 bits within {:.1e} ({}); in 32: {too_large:?}", entries().len(), worst.0, worst.1);
    assert!(too_large.len() <= 3);
}

#[test]
fn the_bundled_model_draws_the_same_labels_with_maps_of_sixteen_bits() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    let volume = lamella::formats::open_one(&sample, None, Watch::unwatched()).unwrap();
    let model = lamella::model::find("hippocampus").unwrap();
    let graph = model.spec.graph().unwrap().for_inference();
    let of = |name: &String| (name.clone(), model.weights[name].clone());
    let weights: Weights = graph.parameters.iter().map(|parameter| of(&parameter.name)).collect();
    let mut network = Network::with_backend(graph, &weights, DeviceChoice::Cpu, Backend::Composed).unwrap();
    let spec = ModelSpec { average_mirrored: false, ..model.spec };
    let mut labels = |half: bool| {
        network.set_half_precision(half);
        let options = SegmentOptions { axis: Some(SliceAxis::Coronal), full_precision: !half, ..Default::default() };
        let labels = segment(&volume, &spec, &mut network, &options, Watch::unwatched(), &mut |_| {}).unwrap();
        assert!(network.take_notices().is_empty());
        labels
    };
    let (whole, half) = (labels(false), labels(true));
    let [columns, rows, slices] = volume.geometry.shape();
    let voxels = (0..columns * rows * slices).map(|n| [n % columns, n / columns % rows, n / (columns * rows)]);
    let other = voxels.filter(|&voxel| whole.get(voxel) != half.get(voxel)).count();
    let labelled: usize = whole.counts().into_iter().filter(|(label, _)| *label != 0).map(|(_, n)| n).sum();
    println!("{other} of {labelled} labelled voxels differ in 16 bits");
    assert!(labelled > 1000 && other * 500 < labelled);
}

#[test]
fn what_is_too_large_for_sixteen_bits_is_computed_in_thirty_two() {
    let graph = zoo::build("unet", ENDS, &json!({"width": 8, "depth": 2, "norm": "instance"})).unwrap();
    let weights = initial_weights(&graph, 1);
    let mut network = Network::with_backend(graph, &weights, DeviceChoice::Cpu, Backend::Composed).unwrap();
    let mut x = random_array(&[1, 1, 32, 32], 1);
    x.values.iter_mut().for_each(|value| *value *= 1e6);
    let whole = network.infer(&x, Watch::unwatched()).unwrap();
    network.set_half_precision(true);
    let half = network.infer(&x, Watch::unwatched()).unwrap();
    assert_eq!(half[0].values, whole[0].values);
    assert_eq!(network.take_notices().len(), 1);
}

#[test]
fn attention_that_starts_as_the_identity_changes_nothing() {
    let plain = zoo::build("unet", ENDS, &json!({"width": 8, "depth": 3})).unwrap();
    let of_plain = initial_weights(&plain, 3);
    let x = random_array(&[1, 1, 32, 32], 1);
    let run = |graph: Graph, weights: &Weights| {
        let mut network = Network::with_backend(graph, weights, DeviceChoice::Cpu, Backend::Best).unwrap();
        network.infer(&x, Watch::unwatched()).unwrap().remove(0)
    };
    let wanted = run(plain, &of_plain);
    for attention in
        ["gc", "simplified-non-local", "non-local", "non-local-gaussian", "non-local-concat", "criss-cross"]
    {
        let graph = zoo::build("unet", ENDS, &json!({"width": 8, "depth": 3, "attention": attention})).unwrap();
        let mut weights = initial_weights(&graph, 4);
        of_plain.iter().for_each(|(name, array)| {
            weights.insert(name.clone(), array.clone());
        });
        let off = distance(&run(graph, &weights).values, &wanted.values);
        assert!(off < 1e-6, "{attention}: {off:.1e}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    let error = zoo::build("unet", ENDS, &json!({"attention": ["non-local"]})).unwrap_err().to_string();
    assert!(error.contains("65536 positions") && error.contains("stride 2 or coarser"), "{error}");
    assert!(zoo::build("unet", ENDS, &json!({"encoder": "resnet9"})).is_err());
    assert!(zoo::build("unet", ENDS, &json!({"encoder": "resnet18", "width": 8})).is_err());
}

/// Sixteen slices with a bright disc each; a small step count must be enough to learn them by heart.
fn overfit(arch: &str, options: &Value, size: usize, steps: usize) -> f64 {
    let graph = zoo::build(arch, ENDS, options).unwrap();
    let weights = initial_weights(&graph, 1);
    let mut network = Network::with_backend(graph, &weights, DeviceChoice::Cpu, Backend::Best).unwrap();
    let mut random = Random::new(9, 9);
    let (mut image, mut target) = (Vec::new(), Vec::new());
    for _ in 0..16 {
        let [cy, cx, r] = [0.3, 0.3, 0.15].map(|from| (from + 0.3 * f64::from(random.unit() as f32)) * size as f64);
        for n in 0..size * size {
            let inside = ((n / size) as f64 - cy).hypot((n % size) as f64 - cx) < r.min(0.3 * size as f64);
            image.push((if inside { 1.5 } else { -0.3 } + 0.2 * random.normal()) as f32);
            target.push(u16::from(inside));
        }
    }
    let x = Array::new([16, 1, size, size], image);
    let settings = SegmentationLoss::default();
    let mut optimiser = Optimiser::new(Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 }, Some(12.0));
    let mut dice = 0.0;
    for _ in 0..steps {
        let pass = network.run(&x, Mode::Training, Watch::unwatched()).unwrap();
        let outputs = pass.outputs().unwrap();
        let logits = &outputs[0].values;
        let positions = size * size;
        let (mut both, mut sum) = (0usize, 0usize);
        for (n, &truth) in target.iter().enumerate() {
            let at = n / positions * 2 * positions + n % positions;
            let found = logits[at + positions] > logits[at];
            both += usize::from(found && truth == 1);
            sum += usize::from(found) + usize::from(truth);
        }
        dice = 2.0 * both as f64 / sum.max(1) as f64;
        if dice > 0.96 {
            break;
        }
        let gradient = settings.of(&outputs[0], &target).gradient;
        let gradients = pass.backward(&[gradient], Watch::unwatched()).unwrap();
        optimiser.step(&mut network, &gradients, 2e-3).unwrap();
    }
    dice
}

#[test]
fn every_architecture_learns_sixteen_slices_by_heart() {
    let mut cases: Vec<(&str, Value)> = ARCHITECTURES.iter().map(|a| (a.id, json!({}))).collect();
    cases.extend(["resnet18", "seresnet18", "googlenet", "lenet5"].map(|e| ("unet", json!({"encoder": e}))));
    for attention in Attention::ALL {
        cases.push(("unet", json!({"width": 8, "depth": 3, "attention": attention})));
    }
    for (arch, options) in cases {
        let start = std::time::Instant::now();
        let dice = overfit(arch, &options, 32, 400);
        println!("{arch} {options}: Dice {dice:.3} after {:.1} s", start.elapsed().as_secs_f64());
        assert!(dice > 0.95, "{arch} {options}: Dice {dice:.3}");
    }
}
