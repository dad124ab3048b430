//! Small ONNX files of every operation that is read, against ONNX Runtime and PyTorch, forward and backward, on both engines; files
//! that are broken, hostile or changed at random.
//!
//! Driven by `tests/fixtures/onnx/index.json`, which `make.py` beside it writes.
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

use std::path::{Path, PathBuf};

use lamella::engine::{Array, Backend, DeviceChoice, Mode, Network, Random, Weights};
use lamella::graph::Graph;
use lamella::graph::onnx::proto::{ModelProto, TextEntry};
use lamella::graph::onnx::{self, Imported};
use lamella::model::Model;
use lamella::model::foreign::{self, Description, save_onnx};
use lamella::work::Watch;
use prost::Message;
use random_weights::distance;
use serde_json::Value;

/// Largest relative L2 distance of gradients from PyTorch's in 32 bits.
const GRADIENTS: f64 = 1e-5;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx")
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap()
}

fn numbers(values: &Value) -> Vec<f32> {
    values.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

/// The values of `fill` in `make.py`.
fn fill(shape: &[usize], seed: usize, scale: f64, shift: f64) -> Array {
    let value = |n: usize| ((((n + 1) * 7919 + seed * 104_729) % 1009) as f64 / 504.0 - 1.0) * scale + shift;
    Array::new(shape, (0..shape.iter().product()).map(|n| value(n) as f32).collect())
}

fn without_files(name: &str, _: u64, _: u64) -> Result<Vec<u8>, String> {
    Err(format!("no file {name}"))
}

fn imported(bytes: &[u8]) -> Result<(Graph, Weights), String> {
    let Imported { graph, weights, structure, .. } = onnx::import(bytes, &without_files).map_err(|e| e.to_string())?;
    let again = onnx::import_structure(&structure).map_err(|e| format!("its structure: {e}"))?;
    assert_eq!(graph.parameters, again.parameters, "the structure makes other parameters");
    Ok((graph, weights.into_iter().map(|(name, t)| (name, Array::new(t.shape, t.values))).collect()))
}

fn network(graph: &Graph, weights: &Weights, backend: Backend) -> Network {
    let mut network = Network::with_backend(graph.clone(), weights, support::test_device(), backend).unwrap();
    network.set_half_precision(false);
    network.with_input_gradient()
}

/// Both engines, forward and backward.
fn check(row: &Value) -> Result<(), String> {
    let bytes = std::fs::read(folder().join(row["file"].as_str().unwrap())).unwrap();
    let (graph, weights) = imported(&bytes)?;
    let shape: Vec<usize> = numbers(&row["shape"]).iter().map(|&n| n as usize).collect();
    let image = fill(&shape, number(row, "seed") as usize, number(row, "scale"), number(row, "shift"));
    let wanted = numbers(&row["logits"]);
    for backend in [Backend::Best, Backend::Composed] {
        let ours =
            network(&graph, &weights, backend).infer(&image, Watch::unwatched()).map_err(|e| e.to_string())?.remove(0);
        let off = distance(&ours.values, &wanted);
        if off > number(row, "limit") {
            return Err(format!("{backend:?}: logits are off by {off:.1e}"));
        }
        let Some(gradients) = row["gradients"].as_object() else { continue };
        let pass = network(&graph, &weights, backend)
            .run(&image, Mode::Training, Watch::unwatched())
            .map_err(|e| e.to_string())?;
        let found = pass.backward(&[fill(&ours.shape, 1, 1.0, 0.0)], Watch::unwatched()).map_err(|e| e.to_string())?;
        for (name, values) in gradients {
            let found = found.parameter(name).unwrap().ok_or_else(|| format!("{name} is no parameter"))?;
            let off = distance(&found.values, &numbers(values));
            if off > GRADIENTS {
                return Err(format!("{backend:?}: the gradient of {name} is off by {off:.1e}"));
            }
        }
    }
    Ok(())
}

#[test]
fn every_operation_agrees_with_onnx_runtime_and_its_gradient_with_pytorch() {
    let index = support::json(&folder().join("index.json"));
    let rows = index.as_array().unwrap();
    let mut wrong = Vec::new();
    for row in rows {
        match check(row) {
            Ok(()) => println!("matched {}", row["file"]),
            Err(problem) => wrong.push(format!("{}: {problem}", row["file"])),
        }
    }
    assert!(rows.len() >= 40, "{} files", rows.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn model(path: &Path) -> Result<Model, String> {
    foreign::import(path, &Description::default()).map(|(model, _)| model).map_err(|e| e.to_string())
}

#[test]
fn what_was_imported_is_exported_and_read_again() {
    let index = support::json(&folder().join("index.json"));
    let work = tempfile::tempdir().unwrap();
    for row in index.as_array().unwrap() {
        let file = row["file"].as_str().unwrap();
        // Means over uneven parts are written as products of matrices, which are not read back.
        if file == "uneven_parts.onnx" {
            continue;
        }
        let first = model(&folder().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let path = work.path().join("again.onnx");
        save_onnx(&first, &path).unwrap_or_else(|e| panic!("{file}: {e}"));
        // Without its own texts it is anybody's file.
        let mut written = ModelProto::decode(&std::fs::read(&path).unwrap()[..]).unwrap();
        written.metadata = Vec::<TextEntry>::new();
        std::fs::write(&path, written.encode_to_vec()).unwrap();
        let second = model(&path).unwrap_or_else(|e| panic!("{file} again: {e}"));
        let shape: Vec<usize> = numbers(&row["shape"]).iter().map(|&n| n as usize).collect();
        let image = fill(&shape, 0, number(row, "scale"), number(row, "shift"));
        let run = |model: &Model| {
            model.network(DeviceChoice::Cpu).unwrap().infer(&image, Watch::unwatched()).unwrap().remove(0).values
        };
        let off = distance(&run(&second), &run(&first));
        assert!(off < 1e-6, "{file} comes back with logits off by {off:.1e}");
    }
}

/// The messages of an import of changed bytes, which may succeed; what succeeds is run.
fn try_all(bytes: &[u8]) {
    let Ok((graph, weights)) = imported(bytes) else { return };
    if weights.values().map(|a| a.values.len()).sum::<usize>() > 1 << 20 {
        return;
    }
    let Ok(mut network) = Network::new(graph, &weights, DeviceChoice::Cpu) else { return };
    for size in [[8, 8], [7, 9], [16, 4]] {
        let small = network.graph().sizes(size).is_ok_and(|sizes| {
            let values = sizes.iter().zip(&network.graph().nodes).map(|([h, w], node)| h * w * node.size.channels);
            values.sum::<usize>() < 1 << 22
        });
        if small {
            let channels = network.graph().input_channels();
            let _ = network.infer(&Array::zeros(&[1, channels, size[0], size[1]]), Watch::unwatched());
        }
    }
}

#[test]
fn changed_files_are_refused_or_run_but_never_panic() {
    let index = support::json(&folder().join("index.json"));
    let mut random = Random::new(23, 0);
    let mut draw = |below: usize| random.index(below.max(1));
    let rounds = std::env::var("LAMELLA_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    for row in index.as_array().unwrap() {
        let original = std::fs::read(folder().join(row["file"].as_str().unwrap())).unwrap();
        for _ in 0..rounds {
            // Some bytes, as a disk would damage them.
            let mut bytes = original.clone();
            for _ in 0..=draw(3) {
                let at = draw(bytes.len());
                bytes[at] = draw(256) as u8;
            }
            try_all(&bytes);
            // Parts of the network, as a tool would.
            let mut file = ModelProto::decode(&original[..]).unwrap();
            let graph = file.graph.as_mut().unwrap();
            let count = graph.node.len();
            match draw(6) {
                0 => {
                    let other = draw(count);
                    let name = graph.node[other].output.first().cloned().unwrap_or_default();
                    let node = &mut graph.node[draw(count)];
                    if let Some(input) = node.input.first_mut() {
                        *input = name;
                    }
                }
                1 => {
                    let (a, b) = (draw(count), draw(count));
                    let op = graph.node[b].op_type.clone();
                    graph.node[a].op_type = op;
                }
                2 => {
                    let node = &mut graph.node[draw(count)];
                    let edge = [0, -1, 1, 2, 7, 4096, i64::MAX, i64::MIN][draw(8)];
                    for attribute in &mut node.attribute {
                        attribute.ints.iter_mut().for_each(|n| *n = edge);
                        attribute.i = attribute.i.map(|_| edge);
                    }
                }
                3 if !graph.initializer.is_empty() => {
                    let n = draw(graph.initializer.len());
                    let tensor = &mut graph.initializer[n];
                    let by = usize::from(!tensor.dims.is_empty());
                    tensor.dims.rotate_left(by);
                }
                4 => graph.node.truncate(draw(count)),
                _ => {
                    let node = graph.node[draw(count)].clone();
                    graph.node.push(node);
                }
            }
            try_all(&file.encode_to_vec());
        }
    }
}
