//! Networks that are told by the names of their tensors.

use serde_json::json;

use super::Report;
use super::describe::{Description, Known, fit};
use crate::engine::{Array, Weights};
use crate::graph::Op;
use crate::model::checkpoint::Checkpoint;
use crate::model::{ArchitectureSpec, Model};
use crate::zoo::{self, Encoder, Ends, foreign};

/// A network that a file may hold.
struct Candidate {
    title: String,
    architecture: ArchitectureSpec,
    /// The weight of the head, whose first size is the number of classes.
    head: String,
}

fn candidate(title: &str, id: &str, options: serde_json::Value, head: &str) -> Candidate {
    Candidate { title: title.into(), architecture: ArchitectureSpec { id: id.into(), options }, head: head.into() }
}

/// Parts of names that only help training, or that the published code declares without using.
const LEFT_OUT: [&str; 4] = ["num_batches_tracked", "aux1.", "aux2.", "AuxLogits."];

fn candidates(tensors: &Weights) -> Vec<Candidate> {
    let size = |name: &str, axis: usize| tensors.get(name).and_then(|a| a.shape.get(axis)).copied();
    let mut all = Vec::new();
    if let Some(width) = size("encoder1.enc1conv1.weight", 0) {
        all.push(candidate("U-Net of mateuszbuda", "unet-mateuszbuda", json!({"width": width}), "conv.weight"));
    }
    if tensors.contains_key("inc.double_conv.0.weight") {
        let bilinear = !tensors.contains_key("up1.up.weight");
        all.push(candidate("U-Net of milesial", "unet-milesial", json!({"bilinear": bilinear}), "outc.conv.weight"));
    }
    let head = "segmentation_head.0.weight";
    if tensors.contains_key(head) {
        let widths = (0..).map_while(|n| size(&format!("decoder.blocks.{n}.conv1.0.weight"), 0));
        let decoder: Vec<usize> = widths.collect();
        let scse = tensors.keys().any(|name| name.contains("attention1.attention.cSE"));
        for encoder in Encoder::ALL {
            let mut options = json!({"encoder": encoder, "decoder": decoder});
            if scse {
                options["attention"] = json!("scse");
            }
            let title = format!("U-Net of segmentation_models.pytorch, encoder {}", encoder.id());
            all.push(candidate(&title, "unet", options, head));
        }
        return all;
    }
    for encoder in Encoder::ALL {
        let Ok(graph) = encoder.classifier(Ends { in_channels: 3, classes: 1000 }) else { continue };
        let last = graph.nodes.iter().rev().find(|n| matches!(n.op, Op::Linear { .. } | Op::Conv2d(_)));
        let Some(head) = last.map(|n| graph.parameters[n.parameters[0]].name.clone()) else { continue };
        let title = format!("classifier {}", encoder.id());
        all.push(candidate(&title, foreign::CLASSIFIER, json!({"network": encoder}), &head));
    }
    all
}

/// Channels that the first convolution of an architecture has in the file.
fn in_channels(architecture: &ArchitectureSpec, tensors: &Weights) -> Option<usize> {
    let ends = Ends { in_channels: 3, classes: 2 };
    let graph = zoo::build(&architecture.id, ends, &architecture.options).ok()?;
    let first = graph.nodes.iter().find(|n| matches!(n.op, Op::Conv2d(_)) && n.inputs == [0])?;
    tensors.get(&graph.parameters[first.parameters[0]].name)?.shape.get(1).copied()
}

/// A head of one logit gets a first row of zeros: softmax over both is the sigmoid.
fn with_background(tensors: &mut Weights, head: &str) -> bool {
    let one = tensors.get(head).is_some_and(|a| a.shape.first() == Some(&1));
    if one {
        let bias = head.replace(".weight", ".bias");
        for name in [head, &bias] {
            if let Some(array) = tensors.get_mut(name) {
                let mut shape = array.shape.clone();
                shape[0] = 2;
                let mut values = vec![0.0; array.values.len()];
                values.extend(&array.values);
                *array = Array::new(shape, values);
            }
        }
    }
    one
}

/// Takes over the network whose tensors are all there.
///
/// # Errors
/// The network that comes closest and what it misses, or tensors that are left and could change the result.
pub fn import(checkpoint: Checkpoint, description: &Description) -> Result<(Model, Report), String> {
    let mut tensors = checkpoint.tensors;
    let all = candidates(&tensors);
    let segments = all.first().filter(|c| c.architecture.id != foreign::CLASSIFIER);
    let expanded = segments.is_some_and(|c| with_background(&mut tensors, &c.head));
    let mut closest: Option<(usize, String)> = None;
    let mut found: Option<(usize, Candidate, Weights, Ends)> = None;
    for candidate in all {
        match attempt(&candidate, &tensors) {
            Ok((ends, weights)) => {
                if found.as_ref().is_none_or(|(count, ..)| weights.len() > *count) {
                    found = Some((weights.len(), candidate, weights, ends));
                }
            }
            Err((count, problem)) => {
                if closest.as_ref().is_none_or(|(best, _)| count > *best) {
                    closest = Some((
                        count,
                        format!("{}, of which {count} tensors are there, but {problem}", candidate.title),
                    ));
                }
            }
        }
    }
    let Some((matched, candidate, weights, ends)) = found else {
        let first = tensors.keys().next().cloned().unwrap_or_default();
        return Err(match closest {
            Some((count, closest)) if count > 0 => format!("the weights are of no known network; closest is {closest}"),
            _ => format!(
                "the weights are of no known network (first tensor {first:?}); an ONNX file brings its network along"
            ),
        });
    };
    let mut report = Report { network: candidate.title.clone(), matched, ..Report::default() };
    let unused_attention = |name: &str| candidate.architecture.id == "unet" && name.contains(".attention1.");
    for name in tensors.keys().filter(|name| !weights.contains_key(*name)) {
        if !LEFT_OUT.iter().any(|part| name.contains(part)) && !unused_attention(name) {
            return Err(format!(
                "it looks like {}, but has {name:?} beside it, so it is another network; export it as ONNX",
                candidate.title
            ));
        }
        report.left.push(name.clone());
    }
    if expanded {
        report.assumed.push("background where its single logit is below 0".into());
    }
    let known = Known {
        title: candidate.title,
        architecture: candidate.architecture,
        in_channels: ends.in_channels,
        classes: ends.classes,
        patch: None,
    };
    let spec = description.spec(known, &mut report)?;
    if spec.is_classifier() {
        // It never sees an image here; what matters is said when a training starts from it.
        report.assumed.clear();
    }
    Ok((Model { spec, weights }, report))
}

fn attempt(candidate: &Candidate, tensors: &Weights) -> Result<(Ends, Weights), (usize, String)> {
    let head = tensors.get(&candidate.head).and_then(|a| a.shape.first()).copied();
    let classes = head.ok_or((0, format!("its head {:?} is missing", candidate.head)))?;
    let in_channels =
        in_channels(&candidate.architecture, tensors).ok_or((0, "its first layer is missing".to_string()))?;
    let ends = Ends { in_channels, classes };
    let graph = zoo::build(&candidate.architecture.id, ends, &candidate.architecture.options);
    let graph = graph.map_err(|e| (0, e.to_string()))?;
    Ok((ends, fit(&graph, tensors)?))
}
