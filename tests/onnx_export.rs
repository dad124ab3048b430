//! Every entry of the zoo as an ONNX file: it comes back as the same network where its operations are read too, and
//! `tests/python/check_onnx.py` runs it in ONNX Runtime.
//!
//! The files go to `LAMELLA_ONNX_OUT` where that is set, else to a temporary folder.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/random_weights.rs"]
mod random_weights;

use std::path::Path;

use lamella::engine::{Array, DeviceChoice, Network, Weights};
use lamella::graph::Graph;
use lamella::graph::onnx::{self, Export};
use lamella::work::Watch;
use lamella::zoo::{self, ARCHITECTURES, Attention, Encoder, Ends, UNet};
use random_weights::{distance, random_array, weights};
use serde_json::{Value, json};

/// Largest relative L2 distance of logits.
const AGREE: f64 = 2e-5;

struct Entry {
    name: String,
    graph: Graph,
    size: [usize; 2],
    /// Blocks whose exported form is not read back.
    one_way: bool,
}

fn entry(name: String, graph: Graph, size: [usize; 2]) -> Entry {
    let one_way = name.contains("criss-cross") || name.contains("non-local-concat");
    Entry { name, graph, size, one_way }
}

/// Architectures, every encoder under a U-Net, every attention, and the published classifiers of moderate size.
fn entries() -> Vec<Entry> {
    let ends = Ends { in_channels: 1, classes: 3 };
    let mut all = Vec::new();
    let mut add = |id: &str, options: Value, name: String| {
        all.push(entry(name, zoo::build(id, ends, &options).unwrap(), [32, 64]));
    };
    ARCHITECTURES.iter().for_each(|a| add(a.id, json!({}), a.id.to_string()));
    Encoder::ALL
        .iter()
        .for_each(|e| add("unet", json!({"encoder": e, "decoder": [64, 32]}), format!("unet-{}", e.id())));
    for attention in Attention::ALL {
        add("unet", json!({"width": 8, "depth": 3, "attention": attention}), format!("unet-{}", attention.id()));
    }
    for up in ["nearest", "bilinear"] {
        add("unet", json!({"width": 8, "depth": 2, "up": up, "norm": "instance"}), format!("unet-{up}"));
    }
    let original = UNet { width: 4, ..UNet::original() }.build(ends).unwrap();
    all.push(entry("unet-original".into(), original, [188, 204]));
    let images = Ends { in_channels: 3, classes: 10 };
    for (encoder, size) in [
        (Encoder::LeNet5, 32),
        (Encoder::ResNet18, 64),
        (Encoder::SeResNet18, 64),
        (Encoder::GoogLeNet, 96),
        (Encoder::InceptionV1, 224),
        (Encoder::InceptionV2, 96),
        (Encoder::InceptionV3, 128),
    ] {
        let graph = encoder.classifier(images).unwrap();
        all.push(entry(format!("classifier-{}", encoder.id()), graph, [size, size]));
    }
    all
}

fn run(graph: &Graph, weights: &Weights, image: &Array) -> Vec<f32> {
    Network::new(graph.clone(), weights, DeviceChoice::Cpu)
        .unwrap()
        .infer(image, Watch::unwatched())
        .unwrap()
        .remove(0)
        .values
}

fn write(folder: &Path, entry: &Entry) -> Value {
    let Entry { name, graph, size, one_way } = entry;
    let weights = weights(graph);
    let image = random_array(&[2, graph.input_channels(), size[0], size[1]], 1);
    let ours = run(graph, &weights, &image);
    let values = |name: &str| weights.get(name).map(|a| a.values.as_slice());
    let fixed = graph.has_fixed_parts().then_some(*size);
    let bytes = onnx::export(graph, &Export { values: &values, size: fixed, texts: &[], spare: &[] }).unwrap();
    if !one_way {
        let beside = |name: &str, _: u64, _: u64| Err(name.to_string());
        let back = onnx::import(&bytes, &beside).unwrap_or_else(|e| panic!("{name}: {e}"));
        let again: Weights = back.weights.into_iter().map(|(n, t)| (n, Array::new(t.shape, t.values))).collect();
        let off = distance(&run(&back.graph, &again, &image), &ours);
        assert!(off < AGREE, "{name} comes back from ONNX with logits off by {off:.1e}");
        let alive = graph.for_inference();
        assert_eq!(back.graph.trainable_count(), alive.trainable_count(), "{name}");
    }
    let raw = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    std::fs::write(folder.join(format!("{name}.onnx")), bytes).unwrap();
    std::fs::write(folder.join(format!("{name}.image")), raw(&image.values)).unwrap();
    std::fs::write(folder.join(format!("{name}.logits")), raw(&ours)).unwrap();
    json!({"name": name, "file": format!("{name}.onnx"), "image": format!("{name}.image"),
        "logits": format!("{name}.logits"), "shape": image.shape, "limit": AGREE})
}

#[test]
fn every_entry_of_the_zoo_becomes_an_onnx_file_and_comes_back() {
    let temporary = tempfile::tempdir().unwrap();
    let given = std::env::var_os("LAMELLA_ONNX_OUT").map(std::path::PathBuf::from);
    let folder = given.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder).unwrap();
    let index: Vec<Value> = entries().iter().map(|entry| write(folder, entry)).collect();
    println!("{} networks written as ONNX", index.len());
    std::fs::write(folder.join("index.json"), serde_json::to_string_pretty(&index).unwrap()).unwrap();
}
