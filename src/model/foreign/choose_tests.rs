//! Files with more than a network in them.

use serde_json::json;

use super::*;
use crate::engine::{Weights, initial_weights};
use crate::zoo::{self, Ends};

fn network(id: &str, options: &serde_json::Value, classes: usize, seed: u64) -> Weights {
    initial_weights(&zoo::build(id, Ends { in_channels: 1, classes }, options).unwrap(), seed)
}

fn brain(seed: u64) -> Weights {
    network("unet-mateuszbuda", &json!({"width": 2}), 3, seed)
}

fn under(prefix: &str, weights: Weights) -> Vec<(String, Array)> {
    weights.into_iter().map(|(name, array)| (format!("{prefix}{name}"), array)).collect()
}

fn array(shape: &[usize]) -> Array {
    Array::new(shape, vec![0.5; shape.iter().product()])
}

fn file(parts: Vec<Vec<(String, Array)>>) -> Checkpoint {
    let tensors = parts.into_iter().flatten().collect();
    Checkpoint { tensors, unread: BTreeMap::new(), extras: serde_json::Value::Null }
}

fn named(names: &[(&str, &[usize])]) -> Vec<(String, Array)> {
    names.iter().map(|(name, shape)| ((*name).to_string(), array(shape))).collect()
}

fn take(checkpoint: Checkpoint, part: Option<&str>) -> Result<(Model, Report), String> {
    let description = Description { id: "x".into(), part: part.map(String::from), ..Description::default() };
    import(Path::new("x.ckpt"), checkpoint, &description, None)
}

#[test]
fn prefixes_of_any_nesting_are_taken_off() {
    for prefix in [
        "",
        "model.",
        "state_dict.model.",
        "module.net.",
        "state_dict.module.unet.backbone.",
        "generator.",
        "params_ema.",
        "network_weights.network.",
        "my_own_segmenter.inner.",
        "lightning.module.ema.module.",
    ] {
        let (model, report) = take(file(vec![under(prefix, brain(1))]), None).unwrap();
        assert_eq!((model.weights, report.left.len()), (brain(1), 0), "{prefix}");
    }
}

#[test]
fn what_lies_beside_the_network_is_named() {
    let beside: &[(&str, &[usize])] = &[
        ("state_dict.criterion.pos_weight", &[1]),
        ("state_dict.loss_fn.vgg.features.0.weight", &[4, 3, 3, 3]),
        ("state_dict.val_dice.matrix", &[3, 3]),
        ("state_dict.temperature", &[]),
        ("callbacks.best_model_score", &[]),
        ("state_dict.discriminator.layers.0.weight", &[4, 1, 4, 4]),
    ];
    let (model, report) = take(file(vec![under("state_dict.unet.", brain(2)), named(beside)]), None).unwrap();
    assert_eq!(model.weights, brain(2));
    for (name, _) in beside {
        let name = name.trim_start_matches("state_dict.");
        assert!(report.left.iter().any(|left| left == name), "{name}: {:?}", report.left);
    }
}

#[test]
fn means_and_deviations_of_images_are_told_with_their_values() {
    let statistics: &[(&str, &[usize])] = &[("mean", &[1, 1, 1, 1]), ("pixel_std", &[1])];
    let (_, report) = take(file(vec![under("model.", brain(1)), named(statistics)]), None).unwrap();
    assert_eq!(report.left, ["mean", "pixel_std"]);
    assert_eq!(report.notices.len(), 2);
    assert!(report.notices.iter().all(|n| n.contains("0.5") && n.contains("--normalise")), "{:?}", report.notices);
}

#[test]
fn many_tensors_of_one_kind_are_counted() {
    let state: Vec<(String, Array)> =
        (0..30).map(|n| (format!("optimizer.state.{n}.exp_avg"), array(&[2, 2]))).collect();
    let (_, report) = take(file(vec![under("model.", brain(1)), state]), None).unwrap();
    assert_eq!(report.left, ["optimizer (30 tensors)"]);
}

#[test]
fn a_layer_that_may_belong_to_the_network_is_not_left_out_in_silence() {
    for extra in ["refine.weight", "model2.conv.weight", "head.0.weight"] {
        let beside = || file(vec![under("net.", brain(1)), named(&[(extra, &[3, 3, 1, 1])])]);
        let problem = take(beside(), None).unwrap_err();
        assert!(problem.contains(extra) && problem.contains("--part net"), "{problem}");
        let (model, report) = take(beside(), Some("net")).unwrap();
        assert_eq!((model.weights, report.left), (brain(1), vec![extra.to_string()]));
    }
    // Inside of the network it is another network.
    let inside = file(vec![under("", brain(1)), named(&[("decoder1.extra.weight", &[2, 2, 1, 1])])]);
    assert!(take(inside, None).unwrap_err().contains("decoder1.extra.weight"));
}

#[test]
fn two_networks_are_refused_and_both_named() {
    for [a, b] in [["student", "teacher"], ["generator_a", "generator_b"], ["state_dict.net1", "state_dict.net2"]] {
        let both = || file(vec![under(&format!("{a}."), brain(1)), under(&format!("{b}."), brain(2))]);
        let problem = take(both(), None).unwrap_err();
        assert!(problem.contains(a) && problem.contains(b) && problem.contains("--part"), "{problem}");
        assert_eq!(take(both(), Some(b)).unwrap().0.weights, brain(2));
        assert_eq!(take(both(), Some(&format!("{a}."))).unwrap().0.weights, brain(1));
    }
    assert!(take(file(vec![under("a.", brain(1))]), Some("b")).unwrap_err().contains("--part"));
}

#[test]
fn of_weights_and_their_average_the_average_is_taken_and_said() {
    for [last, average] in [
        ["model", "ema"],
        ["params", "params_ema"],
        ["state_dict", "state_dict_ema"],
        ["online_model", "ema_model.module"],
        ["current_model_state.model", "state_dict.model"],
        ["net", "swa_net"],
    ] {
        let both = || file(vec![under(&format!("{last}."), brain(1)), under(&format!("{average}."), brain(2))]);
        let (model, report) = take(both(), None).unwrap();
        assert_eq!(model.weights, brain(2), "{average}");
        assert!(report.notices[0].contains(average) && report.notices[0].contains(last), "{:?}", report.notices);
        assert_eq!(take(both(), Some(last)).unwrap().0.weights, brain(1));
    }
    // Copies with equal values are one network.
    let (model, report) = take(file(vec![under("a.", brain(1)), under("b.", brain(1))]), None).unwrap();
    assert_eq!((model.weights, report.notices.len()), (brain(1), 0));
    assert_eq!(report.left.len(), 1);
    // An average of parameters alone, without the statistics of norms, is no network.
    let mut part = brain(2);
    part.retain(|name, _| !name.contains("running"));
    let (model, report) = take(file(vec![under("model.", brain(1)), under("ema.", part)]), None).unwrap();
    assert_eq!((model.weights, report.left.len()), (brain(1), 1));
}

#[test]
fn a_classifier_inside_of_another_network_is_not_mistaken_for_it() {
    let classifier = network("classifier", &json!({"network": "resnet18"}), 1000, 1);
    let alone = take(file(vec![under("model.", classifier.clone())]), None).unwrap();
    assert!(alone.0.spec.is_classifier());
    let decoder: &[(&str, &[usize])] = &[("decoder.up.weight", &[8, 8, 3, 3])];
    let problem = take(file(vec![under("encoder.", classifier.clone()), named(decoder)]), None).unwrap_err();
    assert!(problem.contains("decoder.up.weight"), "{problem}");
    // The blocks of a deep one, and those of its average, are no networks of their own.
    let deep = |seed| network("classifier", &json!({"network": "resnet101"}), 7, seed);
    let both = file(vec![under("model.", deep(1)), under("model_ema.module.", deep(2))]);
    let (model, report) = take(both, None).unwrap();
    assert_eq!((model.weights == deep(2), report.network.as_str()), (true, "classifier resnet101"));
    // A network for a loss is passed over.
    let both = file(vec![under("net.", brain(1)), under("criterion.backbone.", classifier)]);
    let (model, report) = take(both, None).unwrap();
    assert_eq!((model.weights, report.left), (brain(1), vec!["criterion (102 tensors)".to_string()]));
}

#[test]
fn a_head_of_one_logit_becomes_two_and_no_shape_breaks_it() {
    let one = network("unet-mateuszbuda", &json!({"width": 2}), 1, 3);
    let (model, report) = take(file(vec![under("", one.clone())]), None).unwrap();
    let head = &model.weights["conv.weight"];
    assert_eq!(
        (head.shape.clone(), &head.values[..2], &head.values[2..]),
        (vec![2, 2, 1, 1], &[0.0, 0.0][..], &one["conv.weight"].values[..])
    );
    assert_eq!(model.weights["conv.bias"].values[0], 0.0);
    assert!(report.assumed.iter().any(|a| a.contains("single logit")));
    for shape in [&[][..], &[0], &[1, 0], &[1, 1, 1, 1, 1, 1]] {
        for name in ["conv.bias", "conv.weight", "encoder1.enc1conv1.weight"] {
            let mut wrong = one.clone();
            wrong.insert(name.into(), array(shape));
            if let Err(problem) = take(file(vec![under("", wrong)]), None) {
                assert!(problem.contains("U-Net of mateuszbuda") || problem.contains(name), "{problem}");
            }
        }
    }
}

#[test]
fn tensors_that_are_no_floats_are_named_where_they_are_missed() {
    for what in ["float8_e4m3fn", "quantised", "F8_E5M2", "int8"] {
        let mut weights = brain(1);
        weights.remove("bottleneck.bottleneckconv1.weight");
        let mut checkpoint = file(vec![under("", weights)]);
        checkpoint.unread.insert("bottleneck.bottleneckconv1.weight".into(), what.into());
        checkpoint.unread.insert("encoder1.enc1norm1.num_batches_tracked".into(), "int64".into());
        let problem = take(checkpoint, None).unwrap_err();
        assert!(problem.contains(what) && problem.contains("bottleneckconv1"), "{problem}");
    }
    // What is not missed is named as left out, but for the counters of batch norms.
    let mut checkpoint = file(vec![under("model.", brain(1))]);
    checkpoint.unread.insert("model.encoder1.enc1norm1.num_batches_tracked".into(), "int64".into());
    checkpoint.unread.insert("metric.confusion".into(), "int64".into());
    assert_eq!(take(checkpoint, None).unwrap().1.left, ["metric.confusion"]);
}

#[test]
fn choices_that_no_network_asks_for_are_refused() {
    let assume = |key: &str, value: &str| Description {
        id: "x".into(),
        assume: vec![(key.into(), value.into())],
        ..Description::default()
    };
    let take = |weights: Weights, description: &Description| {
        import(Path::new("x.pth"), file(vec![under("", weights)]), description, None)
            .map(|(model, report)| (model.spec, report))
    };
    let problem = take(brain(1), &assume("upsampling", "bilinear")).unwrap_err();
    assert!(problem.contains("--assume upsampling"), "{problem}");
    let basic = || network("unet-monai-basic", &json!({"features": [2, 4, 6, 8, 10, 2]}), 2, 1);
    let problem = take(basic(), &assume("upsampling", "bilinear")).unwrap_err();
    assert!(problem.contains("norm, activation"), "{problem}");
    let (spec, report) = take(basic(), &assume("activation", "leaky-relu:0.2")).unwrap();
    assert_eq!(spec.architecture.options["activation"], json!({"leaky-relu": 0.2f32}));
    assert!(
        report.assumed.iter().any(|a| a.starts_with("norm: instance"))
            && !report.assumed.iter().any(|a| a.starts_with("activation"))
    );
    for wrong in ["swish", "leaky-relu:x", "leaky-relu:inf", "leaky-relu"] {
        assert!(take(basic(), &assume("activation", wrong)).unwrap_err().contains(wrong));
    }
    for wrong in ["group:0", "group:7", "batch", "group:"] {
        assert!(take(basic(), &assume("norm", wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn other_networks_are_named() {
    for (name, title) in [
        ("state_dict.net.model.1.submodule.0.conv.unit0.conv.weight", "UNet of MONAI"),
        ("model.1.attention.W_g.0.conv.weight", "AttentionUnet of MONAI"),
        ("swinViT.patch_embed.proj.weight", "SwinUNETR"),
        ("backbone.conv_blocks_context.0.blocks.0.conv.weight", "nnU-Net of its first version"),
    ] {
        let problem = take(file(vec![named(&[(name, &[4, 1, 3, 3])])]), None).unwrap_err();
        assert!(problem.contains(title) && problem.contains("ONNX"), "{problem}");
    }
    let problem = take(file(vec![named(&[("something.weight", &[4, 1, 3, 3])])]), None).unwrap_err();
    assert!(problem.contains("of no known network") && problem.contains("something.weight"), "{problem}");
}
