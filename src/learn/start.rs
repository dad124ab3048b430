//! Where training starts: random weights, a model's weights, or a classifier's layers under a U-Net.

use crate::engine::{Array, Weights, initial_weights};
use crate::graph::{Graph, Op};
use crate::model::{ClassSpec, Model, ModelSpec};

/// The first weights of a training.
pub struct Start {
    /// Values of every parameter.
    pub weights: Weights,
    /// What was rebuilt or brought to other channels.
    pub notices: Vec<String>,
}

/// Random weights (He et al. 2015), the same for the same seed.
pub fn random(graph: &Graph, seed: u64) -> Start {
    Start { weights: initial_weights(graph, seed), notices: Vec::new() }
}

/// What the network is for that starts from a model.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Whether its classes are the model's.
    pub same_classes: bool,
    /// Whether both see one image channel, so that further inputs are neighbouring slices.
    pub one_channel: bool,
}

impl Target {
    /// The new model as it compares with the one that it starts from.
    pub fn of(from: &ModelSpec, to: &ModelSpec) -> Self {
        Self {
            same_classes: are_same_classes(&from.classes, &to.classes),
            one_channel: from.image_channels == 1 && to.image_channels == 1 && !from.is_classifier(),
        }
    }
}

/// A model's weights. A classifier's lie under the scope `encoder`, and the rest starts at random. A head for other classes
/// starts at random; a first convolution for other channels is folded, see [`fold_channels`].
///
/// # Errors
/// Names the first tensor that the model lacks or that has another shape.
pub fn from_model(model: &Model, graph: &Graph, target: Target, seed: u64) -> Result<Start, String> {
    let Start { mut weights, mut notices } = random(graph, seed);
    let is_classifier = model.spec.is_classifier();
    let first = graph.nodes.iter().find(|n| n.inputs == [0] && matches!(n.op, Op::Conv2d(_)));
    let first = first.map(|n| n.parameters[0]);
    // Heads are what no other node reads: results, and those for deep supervision.
    let is_read = |id: usize| graph.nodes.iter().any(|node| node.inputs.contains(&id));
    let ends = (0..graph.nodes.len()).filter(|&id| !is_read(id));
    let heads: Vec<usize> = ends.flat_map(|id| graph.nodes[id].parameters.clone()).collect();
    let (mut taken, mut rebuilt) = (0, false);
    for (id, parameter) in graph.parameters.iter().enumerate() {
        let name = if is_classifier { parameter.name.strip_prefix("encoder.") } else { Some(parameter.name.as_str()) };
        // What no classifier has starts at random.
        let Some(name) = name else { continue };
        let Some(array) = model.weights.get(name) else {
            return Err(format!("the model {} has no tensor {name:?} for this architecture", model.spec.id));
        };
        let value = if array.shape == parameter.shape && (target.same_classes || !heads.contains(&id)) {
            array.clone()
        } else if heads.contains(&id) {
            rebuilt = true;
            continue;
        } else if first == Some(id) && fits_but_channels(&array.shape, &parameter.shape) {
            let (from, to) = (array.shape[1], parameter.shape[1]);
            notices.push(format!("The first convolution was folded from {from} to {to} channels."));
            if target.one_channel { fold_neighbours(array, to) } else { fold_channels(array, to) }
        } else {
            return Err(format!(
                "the tensor {name:?} of the model {} is {:?}, this architecture needs {:?}",
                model.spec.id, array.shape, parameter.shape
            ));
        };
        weights.insert(parameter.name.clone(), value);
        taken += 1;
    }
    if is_classifier && taken == 0 {
        return Err(format!(
            "{} is a classifier, and this architecture has no encoder that it could become",
            model.spec.id
        ));
    }
    if rebuilt {
        notices.push("The head starts anew, because the classes are others.".into());
    }
    if is_classifier {
        let count = graph.parameters.len();
        notices
            .push(format!("{taken} of {count} tensors are those of {}; the decoder starts at random.", model.spec.id));
    }
    Ok(Start { weights, notices })
}

fn fits_but_channels(from: &[usize], to: &[usize]) -> bool {
    from.len() == 4 && to.len() == 4 && from[0] == to[0] && from[2..] == to[2..] && from[1] > 0
}

/// A convolution's weight `[out, in, h, w]` for another number of input channels: for one channel their sum, so that a grey
/// image given three times would give the same; otherwise channels in turn, scaled by `in / channels`.
pub fn fold_channels(weight: &Array, channels: usize) -> Array {
    let [outputs, inputs, height, width] = weight.dims4();
    let taps = height * width;
    let mut values = Vec::with_capacity(outputs * channels * taps);
    for kernel in weight.values.chunks_exact(inputs * taps) {
        for channel in 0..channels {
            for tap in 0..taps {
                values.push(if channels == 1 {
                    (0..inputs).map(|c| kernel[c * taps + tap]).sum()
                } else {
                    kernel[channel % inputs * taps + tap] * inputs as f32 / channels as f32
                });
            }
        }
    }
    Array::new([outputs, channels, height, width], values)
}

/// A convolution's weight for another number of neighbouring slices: the middle slice stays in the middle, slices that are new
/// count nothing at first, and what slices that are gone counted goes to the outermost ones.
fn fold_neighbours(weight: &Array, slices: usize) -> Array {
    let [outputs, inputs, height, width] = weight.dims4();
    let taps = height * width;
    let mut values = vec![0.0; outputs * slices * taps];
    for (to, from) in values.chunks_exact_mut(slices * taps).zip(weight.values.chunks_exact(inputs * taps)) {
        for (n, kernel) in from.chunks_exact(taps).enumerate() {
            let place = (n + slices / 2).saturating_sub(inputs / 2).min(slices - 1);
            to[place * taps..][..taps].iter_mut().zip(kernel).for_each(|(to, from)| *to += from);
        }
    }
    Array::new([outputs, slices, height, width], values)
}

/// Whether a head of some classes gives others just as well: equal names in order, or one side has none of its own.
pub fn are_same_classes(a: &[ClassSpec], b: &[ClassSpec]) -> bool {
    let unnamed = |class: &ClassSpec| class.name.starts_with("label ");
    let equal = |(a, b): (&ClassSpec, &ClassSpec)| unnamed(a) || unnamed(b) || a.name.eq_ignore_ascii_case(&b.name);
    a.len() == b.len() && a.iter().zip(b).skip(1).all(equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IntensityNormalisation, ModelSpec, Provenance, SliceAxis, Windows};
    use crate::zoo::{self, Ends};
    use serde_json::json;

    const SAME: Target = Target { same_classes: true, one_channel: true };
    const CLASSIFIER: Target = Target { same_classes: false, one_channel: false };
    const OTHERS: Target = Target { same_classes: false, one_channel: true };

    fn model(id: &str, options: serde_json::Value, in_channels: usize, classes: usize) -> Model {
        let spec = ModelSpec {
            version: 1,
            id: "start".into(),
            title: String::new(),
            architecture: crate::model::ArchitectureSpec { id: id.into(), options },
            image_channels: in_channels,
            neighbours: 0,
            slice_axis: SliceAxis::Axial,
            fused_axes: Vec::new(),
            spacing_mm: None,
            normalisation: IntensityNormalisation::ZScore { nonzero: false },
            channel_normalisation: vec![],
            windows: Windows::Fitted,
            reversed: [false; 3],
            patch: [32, 32],
            classes: (0..classes)
                .map(|n| crate::model::ClassSpec { name: n.to_string(), colour: [0; 3], value: None })
                .collect(),
            mirror: true,
            mirror_axes: [true; 3],
            average_mirrored: false,
            licence: String::new(),
            provenance: Provenance::default(),
            sha256: String::new(),
        };
        let weights = initial_weights(&spec.graph().unwrap(), 7);
        Model { spec, weights }
    }

    #[test]
    fn a_classifier_becomes_the_encoder_of_a_grey_network() {
        let classifier = model("classifier", json!({"network": "resnet18"}), 3, 1000);
        let graph = zoo::build("unet", Ends { in_channels: 1, classes: 3 }, &json!({"encoder": "resnet18"})).unwrap();
        let start = from_model(&classifier, &graph, CLASSIFIER, 1).unwrap();
        let (of, to) = (&classifier.weights["conv1.weight"].values, &start.weights["encoder.conv1.weight"].values);
        assert!((to[0] - (of[0] + of[49] + of[98])).abs() < 1e-6);
        assert_eq!(start.weights["encoder.layer4.1.conv2.weight"], classifier.weights["layer4.1.conv2.weight"]);
        assert_eq!(start.notices.len(), 2, "{:?}", start.notices);
        let other = zoo::build("unet", Ends { in_channels: 1, classes: 3 }, &json!({"encoder": "vgg16"})).unwrap();
        assert!(from_model(&classifier, &other, CLASSIFIER, 1).is_err());
    }

    #[test]
    fn heads_for_other_classes_start_anew_and_the_rest_is_kept() {
        let old = model("unet", json!({"width": 4, "depth": 1}), 1, 2);
        let graph = zoo::build("unet", Ends { in_channels: 1, classes: 5 }, &json!({"width": 4, "depth": 1})).unwrap();
        let start = from_model(&old, &graph, OTHERS, 1).unwrap();
        assert_eq!(start.weights["head.weight"].shape, [5, 4, 1, 1]);
        assert_eq!(start.weights["down.0.conv1.weight"], old.weights["down.0.conv1.weight"]);
        // As many classes, but others.
        let graph = zoo::build("unet", Ends { in_channels: 1, classes: 2 }, &json!({"width": 4, "depth": 1})).unwrap();
        let head = |target| from_model(&old, &graph, target, 1).unwrap().weights["head.weight"].clone();
        assert!(head(SAME) == old.weights["head.weight"] && head(OTHERS) != old.weights["head.weight"]);
        let nnunet = model("nnunet-plain", json!({"features": [4, 8, 8], "strides": [1, 2, 2]}), 1, 3);
        let options = &nnunet.spec.architecture.options;
        let graph = zoo::build("nnunet-plain", Ends { in_channels: 1, classes: 4 }, options).unwrap();
        assert_eq!(from_model(&nnunet, &graph, OTHERS, 1).unwrap().weights["decoder.seg_layers.0.weight"].shape[0], 4);
        let wider = zoo::build("unet", Ends { in_channels: 1, classes: 5 }, &json!({"width": 8, "depth": 1})).unwrap();
        assert!(from_model(&old, &wider, OTHERS, 1).err().unwrap().contains("down.0.conv1.weight"));
    }

    #[test]
    fn folding_keeps_the_answer_to_equal_channels() {
        let weight = Array::new([1, 3, 1, 1], vec![1.0, 2.0, 6.0]);
        assert_eq!(fold_channels(&weight, 1).values, [9.0]);
        assert_eq!(fold_channels(&weight, 6).values.iter().sum::<f32>(), 9.0);
        assert_eq!(fold_neighbours(&weight, 1).values, [9.0]);
        assert_eq!(fold_neighbours(&weight, 5).values, [0.0, 1.0, 2.0, 6.0, 0.0]);
        let five = Array::new([1, 5, 1, 1], vec![1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(fold_neighbours(&five, 3).values, [3.0, 4.0, 24.0]);
    }
}
