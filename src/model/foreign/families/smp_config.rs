//! `config.json` of `save_pretrained` of `segmentation_models.pytorch`: what weights do not say.

use std::path::Path;

use serde_json::Value;

use super::smp::up_sampling;
use crate::disk::open_regular_file;
use crate::zoo::{DecoderNorm, DecoderUp};

/// Largest file that is read.
const LARGEST: u64 = 1 << 20;

/// What a `config.json` says about a network.
#[derive(Debug, Clone)]
pub struct Config {
    /// Up-sampling.
    pub up: DecoderUp,
    /// The word for it.
    pub interpolation: String,
    /// Name of the encoder.
    pub encoder: String,
    decoder: Option<Vec<usize>>,
    depth: Option<usize>,
    in_channels: Option<usize>,
    classes: Option<usize>,
    scse: Option<bool>,
    norm: Option<DecoderNorm>,
    activation: Option<String>,
}

/// The `config.json` in a folder, where it is one of this library; or why it cannot be honoured.
pub fn beside(folder: &Path) -> Option<Result<Config, String>> {
    let path = folder.join("config.json");
    if path.is_file() { read(&path).transpose() } else { None }
}

fn read(path: &Path) -> Result<Option<Config>, String> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(open_regular_file(path)?, LARGEST), &mut text)?;
        Ok(text)
    };
    let text = read().map_err(|e| format!("config.json beside the weights cannot be read: {e}"))?;
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        return Err("config.json beside the weights is not JSON; mend it or move it away".into());
    };
    if value.get("encoder_name").is_none() {
        return Ok(None);
    }
    of(&value).map(Some)
}

fn unheard(key: &str, value: &Value, why: &str) -> String {
    format!("config.json beside the weights has {key}: {value}, {why}; export the network as ONNX (torch.onnx.export)")
}

const NOT_HERE: &str = "which cannot be honoured";

/// Reads what is known; every other key must be `null`, or the network would be another one.
fn of(value: &Value) -> Result<Config, String> {
    let mut config = Config {
        up: DecoderUp::Nearest,
        interpolation: "nearest".into(),
        encoder: String::new(),
        decoder: None,
        depth: None,
        in_channels: None,
        classes: None,
        scse: None,
        norm: None,
        activation: None,
    };
    for (key, value) in value.as_object().into_iter().flatten() {
        let number = || {
            let whole = value.as_u64().and_then(|n| usize::try_from(n).ok());
            whole.map(Some).ok_or_else(|| unheard(key, value, "which is no number"))
        };
        match (key.as_str(), value) {
            ("_model_class", Value::String(class)) if class != "Unet" => {
                return Err(format!(
                    "config.json beside the weights says that the network is {class}; of segmentation_models.pytorch Unet is \
                     supported; export it as ONNX (torch.onnx.export)"
                ));
            }
            ("encoder_name", Value::String(name)) => config.encoder.clone_from(name),
            ("encoder_depth", _) => config.depth = number()?,
            ("in_channels", _) => config.in_channels = number()?,
            ("classes", _) => config.classes = number()?,
            ("decoder_channels", Value::Array(list)) => {
                let widths: Option<Vec<usize>> =
                    list.iter().map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok())).collect();
                config.decoder = Some(widths.ok_or_else(|| unheard(key, value, NOT_HERE))?);
            }
            ("decoder_attention_type", Value::Null) => config.scse = Some(false),
            ("decoder_attention_type", Value::String(name)) if name == "scse" => config.scse = Some(true),
            ("decoder_interpolation", Value::String(name)) => {
                config.up = up_sampling(name).ok_or_else(|| unheard(key, value, NOT_HERE))?;
                config.interpolation.clone_from(name);
            }
            ("decoder_use_norm" | "decoder_use_batchnorm", _) => {
                config.norm = Some(norm(value).ok_or_else(|| unheard(key, value, NOT_HERE))?);
            }
            ("activation", Value::String(name)) => config.activation = Some(name.clone()),
            // A head that classifies the whole image changes nothing; pretrained weights were only a start.
            ("aux_params" | "encoder_weights", _) => {}
            (key, Value::Null) if key != "encoder_name" => {}
            (key, _) if key.starts_with('_') => {}
            _ => return Err(unheard(key, value, NOT_HERE)),
        }
    }
    config.fits_activation()?;
    Ok(config)
}

/// The norm that a value of `decoder_use_norm` means, unless it is none of ours.
fn norm(value: &Value) -> Option<DecoderNorm> {
    let plain = |name: &str| match name.to_lowercase().as_str() {
        "batchnorm" => Some(DecoderNorm::Batch),
        "instancenorm" => Some(DecoderNorm::Instance),
        "identity" => Some(DecoderNorm::None),
        _ => None,
    };
    match value {
        Value::Bool(batch) => Some(if *batch { DecoderNorm::Batch } else { DecoderNorm::None }),
        Value::String(name) => plain(name),
        Value::Object(all) => {
            let kind = plain(all.get("type")?.as_str()?)?;
            let usual = all.iter().all(|(key, value)| match key.as_str() {
                "type" | "momentum" => true,
                "eps" => value.as_f64().is_some_and(|eps| (eps - 1e-5).abs() < 1e-12),
                "affine" => value == &Value::Bool(true),
                "track_running_stats" => value == &Value::Bool(kind == DecoderNorm::Batch),
                _ => false,
            });
            usual.then_some(kind)
        }
        _ => None,
    }
}

impl Config {
    /// Whether what follows the head leaves the largest class, or the sign of the only logit, what it is.
    fn fits_activation(&self) -> Result<(), String> {
        let several = self.classes.is_some_and(|classes| classes > 1);
        let refused = |why: &str| {
            let activation = self.activation.clone().unwrap_or_default();
            Err(unheard("activation", &Value::String(activation), why))
        };
        match self.activation.as_deref() {
            Some("sigmoid") if several => refused("so its classes may overlap, which cannot be honoured"),
            None | Some("identity" | "sigmoid") => Ok(()),
            Some("softmax" | "softmax2d" | "logsoftmax" | "argmax" | "argmax2d") if several => Ok(()),
            Some(_) => refused(NOT_HERE),
        }
    }

    /// Whether this is the name of the encoder here.
    pub fn names(&self, encoder: &str, timms: bool) -> bool {
        let name = self.encoder.replace('_', "-");
        match name.strip_prefix("tu-") {
            Some(rest) => timms && rest == encoder,
            None => !timms && name == encoder,
        }
    }

    /// Whether the weights are those of the network that it describes.
    ///
    /// # Errors
    /// The first key that they contradict.
    pub fn check(&self, decoder: &[usize], scse: bool, norm: DecoderNorm) -> Result<(), String> {
        let differ = |key: &str, here: String, there: String| {
            Err(format!(
                "config.json beside the weights has {key}: {here}, but they have {there}; they belong to different networks, \
                 move it away"
            ))
        };
        if let Some(own) = &self.decoder
            && own != decoder
        {
            return differ("decoder_channels", format!("{own:?}"), format!("{decoder:?}"));
        }
        match self.depth {
            Some(depth) if depth != decoder.len() => {
                return differ("encoder_depth", depth.to_string(), format!("{} decoder blocks", decoder.len()));
            }
            _ => {}
        }
        match self.scse {
            Some(own) if own != scse => {
                let word = |scse: bool| if scse { "scse" } else { "no attention" };
                return differ("decoder_attention_type", word(own).into(), word(scse).into());
            }
            _ => {}
        }
        match self.norm {
            Some(own) if own != norm => differ("decoder_use_norm", format!("{own:?}"), format!("{norm:?}")),
            _ => Ok(()),
        }
    }

    /// Whether the weights have its channels and classes.
    ///
    /// # Errors
    /// The key that they contradict.
    pub fn check_ends(&self, in_channels: usize, classes: usize) -> Result<(), String> {
        for (key, own, there) in [("in_channels", self.in_channels, in_channels), ("classes", self.classes, classes)] {
            if let Some(own) = own
                && own != there
            {
                return Err(format!(
                    "config.json beside the weights has {key}: {own}, but they have {there}; they belong to different networks, \
                     move it away"
                ));
            }
        }
        Ok(())
    }

    /// Whether it says what follows the head.
    pub fn says_classes_exclude(&self) -> bool {
        matches!(self.activation.as_deref(), Some(name) if name.contains("max"))
    }

    /// What was read from it, for the report.
    pub fn notice(&self) -> String {
        let activation = self.activation.as_deref().unwrap_or("none");
        format!(
            "config.json beside the weights: encoder {}, up-sampling {}, activation {activation}",
            self.encoder, self.interpolation
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A description as version 0.6.0 writes it, with changes.
    fn config(changes: &Value) -> Result<Config, String> {
        let mut value = json!({
            "_model_class": "Unet", "activation": null, "aux_params": null, "classes": 3, "decoder_attention_type": null,
            "decoder_channels": [64, 32, 16], "decoder_interpolation": "nearest", "decoder_use_norm": "batchnorm",
            "encoder_depth": 3, "encoder_name": "resnet18", "encoder_weights": "imagenet", "in_channels": 1
        });
        for (key, change) in changes.as_object().unwrap() {
            value[key] = change.clone();
        }
        of(&value)
    }

    #[test]
    fn what_can_be_honoured_is_read() {
        let plain = config(&json!({})).unwrap();
        assert_eq!((plain.up, plain.norm, plain.depth), (DecoderUp::Nearest, Some(DecoderNorm::Batch), Some(3)));
        for (changes, up, norm) in [
            (json!({"decoder_interpolation": "bilinear"}), DecoderUp::Bilinear, DecoderNorm::Batch),
            (
                json!({"decoder_interpolation": "area", "decoder_use_norm": false}),
                DecoderUp::Nearest,
                DecoderNorm::None,
            ),
            (
                json!({"decoder_interpolation": "nearest-exact", "decoder_use_norm": "Identity"}),
                DecoderUp::Nearest,
                DecoderNorm::None,
            ),
            (
                json!({"decoder_use_norm": {"type": "instancenorm", "affine": true, "eps": 1e-5}, "activation": "softmax2d"}),
                DecoderUp::Nearest,
                DecoderNorm::Instance,
            ),
            (
                json!({"decoder_use_batchnorm": true, "activation": "sigmoid", "classes": 1}),
                DecoderUp::Nearest,
                DecoderNorm::Batch,
            ),
        ] {
            let read = config(&changes).unwrap();
            assert_eq!((read.up, read.norm), (up, Some(norm)), "{changes}");
        }
    }

    #[test]
    fn what_cannot_is_refused_by_key_and_value() {
        for (key, value) in [
            ("decoder_interpolation", json!("bicubic")),
            ("decoder_interpolation", json!(["nearest"])),
            ("activation", json!("sigmoid")),
            ("activation", json!("tanh")),
            ("activation", json!({"name": "clamp"})),
            ("decoder_use_norm", json!("inplace")),
            ("decoder_use_norm", json!("layernorm")),
            ("decoder_use_norm", json!({"type": "batchnorm", "eps": 0.001})),
            ("decoder_use_norm", json!({"type": "instancenorm", "track_running_stats": true})),
            ("decoder_attention_type", json!("cbam")),
            ("encoder_depth", json!("five")),
            ("decoder_channels", json!([64, -1, 3])),
            ("encoder_output_stride", json!(16)),
            ("encoder_name", json!(null)),
        ] {
            let problem = config(&json!({key: value.clone()})).unwrap_err();
            assert!(problem.contains(key) && problem.contains(&value.to_string()), "{problem}");
        }
        let problem = config(&json!({"_model_class": "FPN"})).unwrap_err();
        assert!(problem.contains("FPN"), "{problem}");
    }

    #[test]
    fn what_the_weights_contradict_is_named() {
        let own = config(&json!({})).unwrap();
        assert_eq!(own.check(&[64, 32, 16], false, DecoderNorm::Batch), Ok(()));
        let problem = |decoder: &[usize], scse, norm| own.check(decoder, scse, norm).unwrap_err();
        assert!(problem(&[64, 32, 8], false, DecoderNorm::Batch).contains("decoder_channels"));
        assert!(problem(&[64, 32, 16], true, DecoderNorm::Batch).contains("decoder_attention_type"));
        assert!(problem(&[64, 32, 16], false, DecoderNorm::None).contains("decoder_use_norm"));
        assert!(own.check_ends(1, 4).unwrap_err().contains("classes: 3"));
        assert!(own.check_ends(2, 3).unwrap_err().contains("in_channels: 1"));
        assert!(own.names("resnet18", false) && !own.names("resnet18", true) && !own.names("resnet34", false));
        let timms = config(&json!({"encoder_name": "tu-resnext50_32x4d"})).unwrap();
        assert!(timms.names("resnext50-32x4d", true) && !timms.names("resnext50-32x4d", false));
    }
}
