//! nnU-Net v2: a checkpoint with its plans and data set description becomes a model that prepares images as nnU-Net does.
//!
//! Facts: code MIC-DKFZ/nnUNet v2.8.1, `nnUNetTrainer.save_checkpoint`, `plans_handler.py`, `default_normalization_schemes.py`,
//! `sliding_window_prediction.py`.

use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::Report;
use super::describe::{Description, Known, fit};
use crate::disk::open_regular_file;
use crate::engine::Weights;
use crate::model::checkpoint::Checkpoint;
use crate::model::{ArchitectureSpec, IntensityNormalisation, Model, SliceAxis, Windows};
use crate::zoo::{self, Ends};

/// Largest plans; those of data sets with thousands of cases have some hundred kilobytes.
const LARGEST_JSON: u64 = 256 << 20;
/// A head of every nnU-Net.
pub const HEAD: &str = "decoder.seg_layers.0.weight";
/// Names under which every encoder tensor appears again.
const ALIASES: [&str; 2] = [".all_modules.", "decoder.encoder."];

/// What stands in front of a head's name.
pub fn prefix(name: &str) -> Option<&str> {
    name.strip_suffix(HEAD).filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
}

fn read_json(path: &Path) -> Result<Value, String> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        open_regular_file(path)?.take(LARGEST_JSON).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{} is not JSON: {e}", path.display()))
}

/// A file named by the user, beside the checkpoint or a folder above, or kept in the checkpoint itself.
fn companion(path: &Path, name: &str, given: Option<&Path>, kept: &Value) -> Result<Value, String> {
    if let Some(given) = given {
        return read_json(given);
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let folders = path.ancestors().skip(1).take(2);
    if let Some(found) = folders.map(|folder| folder.join(name)).find(|file| file.is_file()) {
        return read_json(&found);
    }
    if kept.is_object() {
        Ok(kept.clone())
    } else {
        Err(format!("{name} is neither beside the checkpoint nor in it; name it"))
    }
}

/// A configuration with what it inherits from others.
fn configuration(plans: &Value, name: &str) -> Result<Value, String> {
    let all = &plans["configurations"];
    let mut chain = vec![];
    let mut next = Some(name.to_string());
    while let Some(name) = next.take() {
        let own = all.get(&name).ok_or_else(|| format!("the plans have no configuration {name:?}"))?;
        chain.push(own);
        next = own["inherits_from"].as_str().map(String::from);
        if chain.len() > 16 {
            return Err("the plans' configurations inherit from each other".into());
        }
    }
    let mut merged = json!({});
    for own in chain.into_iter().rev() {
        for (key, value) in own.as_object().into_iter().flatten() {
            merged[key] = value.clone();
        }
    }
    Ok(merged)
}

fn numbers(value: &Value) -> Option<Vec<usize>> {
    value.as_array()?.iter().map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok())).collect()
}

/// One number for every stage, given once for all or for each.
fn per_stage(value: &Value, stages: usize) -> Option<Vec<usize>> {
    value.as_u64().map_or_else(|| numbers(value), |n| Some(vec![usize::try_from(n).ok()?; stages]))
}

/// The network's options, from plans of today (`architecture`) and of before v2.4.
fn architecture(configuration: &Value, plans: &Value) -> Result<ArchitectureSpec, String> {
    let (class, kwargs) = match configuration.get("architecture") {
        Some(architecture) => (&architecture["network_class_name"], architecture["arch_kwargs"].clone()),
        None => {
            let kernels = &configuration["conv_kernel_sizes"];
            let stages = kernels.as_array().map_or(0, Vec::len);
            let count =
                |key: &str, default: u64| configuration[key].as_u64().or(plans[key].as_u64()).unwrap_or(default);
            let (base, most) = (count("UNet_base_num_features", 32), count("unet_max_num_features", 512));
            let features: Vec<u64> = (0..stages).map(|n| base.saturating_mul(1 << n.min(20)).min(most)).collect();
            let kwargs = json!({
                "features_per_stage": features,
                "kernel_sizes": kernels,
                "strides": configuration["pool_op_kernel_sizes"],
                "n_conv_per_stage": configuration["n_conv_per_stage_encoder"],
                "n_blocks_per_stage": configuration["n_conv_per_stage_encoder"],
                "n_conv_per_stage_decoder": configuration["n_conv_per_stage_decoder"],
            });
            (&configuration["UNet_class_name"], kwargs)
        }
    };
    let class = class.as_str().unwrap_or_default();
    let features = numbers(&kwargs["features_per_stage"]).ok_or("the plans do not give the features of each stage")?;
    let residual = match class.rsplit('.').next() {
        Some("PlainConvUNet") => false,
        Some("ResidualEncoderUNet") => true,
        _ => return Err(format!("its network is {class:?}; PlainConvUNet and ResidualEncoderUNet are supported")),
    };
    if kwargs["strides"].as_array().and_then(|s| s.first()).and_then(Value::as_array).is_some_and(|s| s.len() == 3) {
        return Err("3-D networks cannot be run yet; only 2-D configurations".into());
    }
    for (key, wanted) in [("norm_op", "InstanceNorm2d"), ("nonlin", "LeakyReLU"), ("conv_op", "Conv2d")] {
        if let Some(given) = kwargs[key].as_str()
            && !given.ends_with(wanted)
        {
            return Err(format!("its {key} is {given}; {wanted} is supported"));
        }
    }
    let eps = kwargs["norm_op_kwargs"]["eps"].as_f64().unwrap_or(1e-5);
    let slope = kwargs["nonlin_kwargs"]["negative_slope"].as_f64().unwrap_or(0.01);
    if (eps - 1e-5).abs() > 1e-9 || (slope - 0.01).abs() > 1e-9 || kwargs["conv_bias"] == json!(false) {
        return Err(format!("its layers are not nnU-Net's usual ones (eps {eps}, slope {slope})"));
    }
    let decoder = per_stage(&kwargs["n_conv_per_stage_decoder"], features.len().saturating_sub(1)).unwrap_or_default();
    let &decoder_convs = decoder.first().ok_or("the plans do not give the convolutions of the decoder")?;
    if decoder.iter().any(|&n| n != decoder_convs) {
        return Err(format!("its decoder has {decoder:?} convolutions; one number for all stages is supported"));
    }
    let mut options = json!({
        "features": features,
        "strides": kwargs["strides"],
        "kernels": kwargs["kernel_sizes"],
        "decoder_convs": decoder_convs,
    });
    let (key, given) =
        if residual { ("blocks", "n_blocks_per_stage") } else { ("encoder_convs_each", "n_conv_per_stage") };
    options[key] =
        json!(per_stage(&kwargs[given], features.len()).ok_or("the plans do not give the depth of each stage")?);
    let id = if residual { "nnunet-residual" } else { "nnunet-plain" };
    Ok(ArchitectureSpec { id: id.into(), options })
}

/// Names of the labels in the order of their values, without background and `ignore`.
fn labels(dataset: &Value) -> Result<Vec<String>, String> {
    let mut named = Vec::new();
    for (name, value) in dataset["labels"].as_object().ok_or("dataset.json has no labels")? {
        let value = value.as_u64().ok_or_else(|| {
            format!("the label {name:?} is a region of several values; region-based networks are not supported yet")
        })?;
        if value > 0 && name != "ignore" {
            named.push((value, name.clone()));
        }
    }
    named.sort();
    if named.iter().enumerate().any(|(n, (value, _))| *value != n as u64 + 1) {
        return Err(format!("the labels of dataset.json are not 1, 2 ...: {named:?}"));
    }
    Ok(named.into_iter().map(|(_, name)| name).collect())
}

fn normalisations(
    configuration: &Value,
    plans: &Value,
    channels: usize,
) -> Result<Vec<IntensityNormalisation>, String> {
    let schemes = configuration["normalization_schemes"].as_array().ok_or("the plans have no normalisation")?;
    if schemes.len() != channels {
        return Err(format!("the plans normalise {} channels, the data set has {channels}", schemes.len()));
    }
    let mut all = Vec::new();
    for (channel, scheme) in schemes.iter().enumerate() {
        let unclipped = [f64::from(f32::MIN), f64::from(f32::MAX)];
        all.push(match scheme.as_str().unwrap_or_default() {
            "ZScoreNormalization" => {
                let nonzero = configuration["use_mask_for_norm"][channel].as_bool().unwrap_or(false);
                IntensityNormalisation::ZScore { nonzero }
            }
            "CTNormalization" => {
                let facts = &plans["foreground_intensity_properties_per_channel"][channel.to_string()];
                let number =
                    |key: &str| facts[key].as_f64().ok_or_else(|| format!("the plans lack {key} of channel {channel}"));
                let range = [number("percentile_00_5")?, number("percentile_99_5")?];
                IntensityNormalisation::Clip { range, mean: number("mean")?, std: number("std")? }
            }
            "NoNormalization" => IntensityNormalisation::Clip { range: unclipped, mean: 0.0, std: 1.0 },
            "RGBTo01Normalization" => IntensityNormalisation::Clip { range: unclipped, mean: 0.0, std: 255.0 },
            other => return Err(format!("the normalisation {other:?} of channel {channel} is not supported yet")),
        });
    }
    Ok(all)
}

/// The network's own tensors, without aliases.
fn own_tensors(tensors: Weights) -> Weights {
    tensors.into_iter().filter(|(name, _)| !ALIASES.iter().any(|alias| name.contains(alias))).collect()
}

/// Reads the plans and takes over the network.
///
/// # Errors
/// What of the plans is not supported, or the first tensor that is missing.
pub fn import(
    path: &Path,
    checkpoint: Checkpoint,
    description: &Description,
    report: Report,
) -> Result<(Model, Report), String> {
    let arguments = &checkpoint.extras["init_args"];
    let plans = companion(path, "plans.json", description.plans.as_deref(), &arguments["plans"])?;
    let dataset = companion(path, "dataset.json", description.dataset.as_deref(), &arguments["dataset_json"])?;
    let name = arguments["configuration"].as_str().unwrap_or("2d").to_string();
    if name.starts_with("3d") || checkpoint.tensors.get(HEAD).is_some_and(|a| a.shape.len() == 5) {
        return Err(format!("its configuration is {name}; 3-D networks cannot be run yet, only 2-D configurations"));
    }
    let configuration = configuration(&plans, &name)?;
    let architecture = architecture(&configuration, &plans)?;
    let labels = labels(&dataset)?;
    let channels =
        dataset["channel_names"].as_object().or(dataset["modality"].as_object()).map_or(1, serde_json::Map::len);
    let ends = Ends { in_channels: channels, classes: labels.len() + 1 };
    let graph = zoo::build(&architecture.id, ends, &architecture.options).map_err(|e| e.to_string())?;
    let tensors = own_tensors(checkpoint.tensors);
    let weights = fit(&graph, &tensors).map_err(|(count, problem)| {
        format!("the checkpoint does not fit its plans: {count} tensors are there, but {problem}")
    })?;
    let mut report = Report { network: format!("nnU-Net {name}"), matched: weights.len(), ..report };
    if let Some(other) = tensors.keys().find(|name| !weights.contains_key(*name)) {
        return Err(format!("the checkpoint has {other:?}, which its plans do not know"));
    }
    let patch = match numbers(&configuration["patch_size"]).as_deref() {
        Some(&[h, w]) => [h, w],
        _ => return Err(format!("the plans' patch is {}, needed are two sizes", configuration["patch_size"])),
    };
    let spacing = configuration["spacing"].as_array().map(|s| s.iter().filter_map(Value::as_f64).collect::<Vec<_>>());
    let spacing = match spacing.as_deref() {
        // Before the slice axis' own spacing came along with it.
        Some(&[rows, columns] | &[_, rows, columns]) => [rows, columns],
        _ => return Err(format!("the plans' spacing is {}", configuration["spacing"])),
    };
    let slice_axis = match numbers(&plans["transpose_forward"]).as_deref() {
        Some([0, 1, 2]) | None => SliceAxis::Axial,
        Some([1, 0, 2]) => SliceAxis::Coronal,
        Some([2, 0, 1]) => SliceAxis::Sagittal,
        Some(other) => return Err(format!("the plans turn images by {other:?}, which is not supported")),
    };
    let all = normalisations(&configuration, &plans, channels)?;
    let axes = &checkpoint.extras["inference_allowed_mirroring_axes"];
    let mirror = axes.is_null() && checkpoint.extras.get("inference_allowed_mirroring_axes").is_none()
        || numbers(axes).is_some_and(|axes| axes == [0, 1]);
    let described = Description {
        labels: if description.labels.is_empty() { labels } else { description.labels.clone() },
        slice_axis: Some(slice_axis),
        spacing_mm: Some(spacing),
        normalisation: all.first().copied(),
        patch: Some(patch),
        no_mirror: description.no_mirror || !mirror,
        ..description.clone()
    };
    let title = plans["dataset_name"].as_str().unwrap_or("nnU-Net");
    let title = format!("{title} ({})", report.network);
    let known = Known { title, architecture, in_channels: channels, classes: ends.classes, patch: Some(patch) };
    let mut spec = described.spec(known, &mut report)?;
    spec.windows = Windows::NnUnet;
    if all.windows(2).any(|pair| pair[0] != pair[1]) {
        spec.channel_normalisation = all;
    }
    if description.reversed == [false; 3] {
        report.assumed.push("training images stored in R, A, S order (nnU-Net reads images as they are stored)".into());
    }
    report.assumed.push("no zero margin around the scans (nnU-Net cuts it off before it normalises)".into());
    report.assumed.push("linear resampling where spacings differ (nnU-Net uses cubic splines)".into());
    Ok((Model { spec, weights }, report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_inherit() {
        let plans = json!({"configurations": {
            "2d": {"patch_size": [64, 64], "spacing": [1, 1]}, "2d_large": {"inherits_from": "2d", "patch_size": [128, 128]},
        }});
        let merged = configuration(&plans, "2d_large").unwrap();
        assert_eq!((merged["patch_size"].clone(), merged["spacing"].clone()), (json!([128, 128]), json!([1, 1])));
        assert!(configuration(&json!({"configurations": {"a": {"inherits_from": "a"}}}), "a").is_err());
    }

    #[test]
    fn plans_before_and_after_the_architecture_entry_mean_the_same() {
        let old = json!({"UNet_class_name": "PlainConvUNet", "UNet_base_num_features": 32, "unet_max_num_features": 512,
            "conv_kernel_sizes": [[3, 3], [3, 3]], "pool_op_kernel_sizes": [[1, 1], [2, 1]],
            "n_conv_per_stage_encoder": [2, 2], "n_conv_per_stage_decoder": [2]});
        let new = json!({"architecture": {"network_class_name": "x.y.PlainConvUNet", "arch_kwargs": {
            "features_per_stage": [32, 64], "kernel_sizes": [[3, 3], [3, 3]], "strides": [[1, 1], [2, 1]],
            "n_conv_per_stage": [2, 2], "n_conv_per_stage_decoder": [2], "norm_op": "torch.nn.InstanceNorm2d"}}});
        let [old, new] = [old, new].map(|c| architecture(&c, &json!({})).unwrap());
        assert_eq!(old, new);
        let graph = zoo::build(&new.id, Ends { in_channels: 1, classes: 2 }, &new.options).unwrap();
        assert_eq!(graph.stride(), [2, 1]);
    }

    #[test]
    fn regions_and_three_dimensions_are_refused_with_their_name() {
        assert!(labels(&json!({"labels": {"whole": [1, 2]}})).unwrap_err().contains("whole"));
        let kernels = json!({"UNet_class_name": "PlainConvUNet", "conv_kernel_sizes": [[3, 3, 3]],
            "pool_op_kernel_sizes": [[1, 1, 1]], "n_conv_per_stage_encoder": [2], "n_conv_per_stage_decoder": [2]});
        assert!(architecture(&kernels, &json!({})).unwrap_err().contains("3-D"));
    }
}
