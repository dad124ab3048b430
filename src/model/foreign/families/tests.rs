//! Every family, given tensors of wrong form: it says no, and never panics.

use std::collections::BTreeMap;

use super::*;
use crate::model::checkpoint::Checkpoint;

/// A network of each family: identifier, options, what its names have in front in the file.
fn networks() -> Vec<(&'static str, serde_json::Value)> {
    let json = |text: &str| serde_json::from_str(text).unwrap();
    vec![
        ("unet-mateuszbuda", json(r#"{"width": 2}"#)),
        ("unet-milesial", json("{}")),
        ("unet-milesial", json(r#"{"bilinear": true}"#)),
        ("unet", json(r#"{"encoder": "resnet18", "attention": "scse"}"#)),
        ("unet", json(r#"{"encoder": "vgg11", "norm": "none"}"#)),
        ("unet", json(r#"{"encoder": "se-resnet50", "stages": 3, "decoder": [32, 16, 8]}"#)),
        ("unet-monai-basic", json(r#"{"features": [2, 4, 6, 8, 10, 2]}"#)),
        ("unet-monai-dynamic", json(r#"{"residual": true}"#)),
        ("classifier", json(r#"{"network": "resnet18"}"#)),
        ("classifier", json(r#"{"network": "googlenet"}"#)),
        ("classifier", json(r#"{"network": "seresnet50"}"#)),
    ]
}

/// Shapes of any number of axes, with sizes of zero and beyond all memory.
fn odd_shapes() -> Vec<Vec<usize>> {
    vec![
        vec![],
        vec![0],
        vec![3],
        vec![usize::MAX],
        vec![2, 2],
        vec![0, 1 << 40, 3, 3],
        vec![1 << 40, 0, 3, 3],
        vec![1, 1, 1],
        vec![usize::MAX, usize::MAX, 3, 3],
        vec![64, 3, 0, 7],
        vec![8, 1, 3, 3, 3],
    ]
}

/// Shapes alone: families do not look at values before they know the network.
fn shapes_of(graph: &Graph) -> Weights {
    let array = |p: &crate::graph::Parameter| Array { shape: p.shape.clone(), values: Vec::new() };
    graph.parameters.iter().map(|p| (p.name.clone(), array(p))).collect()
}

/// What all families whose markers are there make of the tensors.
fn outcomes(tensors: Weights) -> Vec<Result<(String, Ends), Miss>> {
    let checkpoint = Checkpoint { tensors, unread: BTreeMap::new(), extras: serde_json::Value::Null };
    let mut outcomes = Vec::new();
    for name in checkpoint.tensors.keys() {
        for (prefix, family) in marked(name) {
            let part = Part::new(&checkpoint, prefix);
            let found = family.recognise(&part, &mut Assumptions::new(&[]), None);
            outcomes.push(found.map(|found| (found.candidate.title, found.ends)));
        }
    }
    outcomes
}

#[test]
fn every_network_is_recognised_by_its_names_and_shapes() {
    for (id, options) in networks() {
        let ends = Ends { in_channels: 3, classes: 5 };
        let graph = zoo::build(id, ends, &options).unwrap();
        let all = outcomes(shapes_of(&graph));
        assert!(all.iter().any(|o| matches!(o, Ok((_, found)) if *found == ends)), "{id} {options}");
    }
}

#[test]
fn tensors_of_any_rank_and_size_are_refused_without_a_panic() {
    let mut tried = 0;
    for (id, options) in networks() {
        let graph = zoo::build(id, Ends { in_channels: 1, classes: 2 }, &options).unwrap();
        let right = shapes_of(&graph);
        let marked_or_last =
            |name: &str| marked(name).next().is_some() || name.contains("head") || name.starts_with("outc");
        let step = graph.parameters.len() / 4 + 1;
        let struck = graph.parameters.iter().enumerate().filter(|(n, p)| n % step == 0 || marked_or_last(&p.name));
        for (_, parameter) in struck {
            for shape in odd_shapes() {
                let mut wrong = right.clone();
                wrong.insert(parameter.name.clone(), Array { shape: shape.clone(), values: Vec::new() });
                let all = outcomes(wrong);
                if !same_shape(&shape, &parameter.shape) {
                    assert!(all.iter().all(Result::is_err), "{id} {options}: {} {shape:?}", parameter.name);
                }
                tried += 1;
            }
        }
        // All of them at once.
        for shape in odd_shapes() {
            let odd = |name: &String| (name.clone(), Array { shape: shape.clone(), values: Vec::new() });
            assert!(outcomes(right.keys().map(odd).collect()).iter().all(Result::is_err), "{id} {shape:?}");
        }
        // Each marker alone.
        for name in right.keys().filter(|name| marked(name).next().is_some()) {
            let alone = Weights::from([(name.clone(), right[name].clone())]);
            assert!(outcomes(alone).iter().all(Result::is_err), "{id} {name}");
        }
    }
    println!("{tried} networks with a tensor of wrong form");
    assert!(tried > 400);
}
