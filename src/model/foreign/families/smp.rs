//! `Unet` of `segmentation_models.pytorch`, with the encoders whose tensors have torchvision's or Cadene's names.

use serde_json::json;

use super::{Beside, Candidate, Candidates, Config};
use crate::model::foreign::describe::Assumptions;
use crate::model::foreign::part::Part;
use crate::zoo::{DecoderNorm, DecoderUp, Encoder};

/// The head of every network of the library but one.
pub const HEAD: &str = "segmentation_head.0.weight";
/// The head of that one (DPT).
pub const OTHER_HEAD: &str = "segmentation_head.head.0.weight";

/// The first convolution of a decoder of the kind that is taken.
const DECODER: &str = "decoder.blocks.0.conv1.0.weight";

/// A part of a name in other decoders, and the network.
const DECODERS: [(&str, &str); 11] = [
    ("decoder.feature_norms.", "UPerNet"),
    ("decoder.blocks.x_0_0.", "UnetPlusPlus"),
    ("decoder.blocks.0.hl_conv.", "MAnet"),
    ("decoder.blocks.0.block.", "Linknet"),
    ("decoder.seg_blocks.", "FPN"),
    ("decoder.psp.", "PSPNet"),
    ("decoder.fpa.", "PAN"),
    ("decoder.aspp.0.", "DeepLabV3Plus"),
    ("decoder.aspp.", "DeepLabV3"),
    ("decoder.mlp_stage.", "Segformer"),
    ("decoder.projection_blocks.", "DPT"),
];

/// A part of a name in encoders that are not taken, and their names in the library.
const ENCODERS: [(&str, &str); 13] = [
    ("encoder._conv_stem.", "efficientnet"),
    ("encoder.conv_stem.", "timm-efficientnet"),
    ("encoder.features.0.0.", "mobilenet_v2"),
    ("encoder.features.conv0.", "densenet"),
    ("encoder.features.conv1_1.", "dpn"),
    ("encoder.conv2d_1a.", "inceptionresnetv2"),
    ("encoder.features.0.conv.", "inceptionv4"),
    ("encoder.block1.skip.", "xception"),
    ("encoder.stage0.rbr_conv.", "mobileone"),
    ("encoder.patch_embed1.", "mit"),
    ("encoder.layer1.0.conv1.paths.", "timm-skresnet"),
    ("encoder.layer0.conv3.", "senet154"),
    ("encoder.layer1.0.conv1.conv_reduce.", "timm"),
];

/// The encoders that are taken.
const TAKEN: [Encoder; 24] = [
    Encoder::ResNet18,
    Encoder::ResNet34,
    Encoder::ResNet50,
    Encoder::ResNet101,
    Encoder::ResNet152,
    Encoder::ResNext50,
    Encoder::ResNext101By4,
    Encoder::ResNext101By8,
    Encoder::ResNext101By16,
    Encoder::ResNext101By32,
    Encoder::ResNext101By48,
    Encoder::PublishedSeResNet50,
    Encoder::PublishedSeResNet101,
    Encoder::PublishedSeResNet152,
    Encoder::PublishedSeResNext50,
    Encoder::PublishedSeResNext101,
    Encoder::Vgg11,
    Encoder::Vgg11Bn,
    Encoder::Vgg13,
    Encoder::Vgg13Bn,
    Encoder::Vgg16,
    Encoder::Vgg16Bn,
    Encoder::Vgg19,
    Encoder::Vgg19Bn,
];

/// Those of them that timm has under the same names of tensors.
const ALSO_TIMMS: [Encoder; 6] = [
    Encoder::ResNet18,
    Encoder::ResNet34,
    Encoder::ResNet50,
    Encoder::ResNet101,
    Encoder::ResNet152,
    Encoder::ResNext50,
];

const UP_SAMPLING: &str = "upsampling";
const EXPORT: &str = "export the network as ONNX (torch.onnx.export) and import that file";

fn refused(what: &str) -> String {
    format!("segmentation_models.pytorch's {what} cannot be taken over from its weights; {EXPORT}")
}

/// Whether the encoder is the library's own or one of timm's (`tu-` in front of its name).
fn is_timms(part: &Part) -> bool {
    part.mentions("encoder.model.")
}

fn norm(part: &Part) -> Result<DecoderNorm, String> {
    let has = |name: &str| part.has(&format!("decoder.blocks.0.conv1.{name}"));
    if has("1.running_mean") {
        Ok(DecoderNorm::Batch)
    } else if has("1.weight") {
        Ok(DecoderNorm::Instance)
    } else if has("0.bias") {
        Ok(DecoderNorm::None)
    } else {
        Err(refused("decoder with a norm that has no tensors"))
    }
}

/// A way of up-sampling by its name in the library. At exactly twice the size all ways without interpolation are the same.
pub fn up_sampling(name: &str) -> Option<DecoderUp> {
    match name {
        "nearest" | "nearest-exact" | "area" => Some(DecoderUp::Nearest),
        "bilinear" => Some(DecoderUp::Bilinear),
        _ => None,
    }
}

/// Up-sampling as `config.json` or the user says, otherwise the library's own default, which is reported.
fn chosen_up(assumptions: &mut Assumptions, config: Option<&Config>) -> Result<DecoderUp, String> {
    let chosen = assumptions.chosen(UP_SAMPLING);
    if let Some(config) = config {
        return match chosen {
            Some(chosen) if up_sampling(&chosen) != Some(config.up) => Err(format!(
                "--assume upsampling={chosen} contradicts config.json, whose decoder_interpolation is {:?}",
                config.interpolation
            )),
            _ => Ok(config.up),
        };
    }
    let Some(chosen) = chosen else {
        assumptions.assumed.push("up-sampling: nearest (--assume upsampling=bilinear)".into());
        return Ok(DecoderUp::Nearest);
    };
    up_sampling(&chosen).ok_or_else(|| {
        format!("--assume upsampling={chosen}: known are nearest, nearest-exact, area and bilinear; otherwise {EXPORT}")
    })
}

/// Every encoder that the file could have.
pub fn candidates(part: &Part, assumptions: &mut Assumptions, config: Beside) -> Candidates {
    if let Some((_, name)) = DECODERS.iter().find(|(piece, _)| part.mentions(piece)) {
        return Err(refused(name));
    }
    if let Some((_, name)) = ENCODERS.iter().find(|(piece, _)| part.mentions(piece)) {
        return Err(refused(&format!("Unet with an encoder of the family {name}")));
    }
    if !part.has(DECODER) {
        return Err(refused("network with a decoder of another kind than Unet's"));
    }
    let config = config.map(Result::as_ref).transpose().map_err(Clone::clone)?;
    let timms = is_timms(part);
    if timms && !part.has("encoder.model.conv1.weight") {
        return Err(refused("Unet with this encoder of timm (tu-...)"));
    }
    let depth = part.count("decoder.blocks.{}.conv1.0.weight");
    let decoder: Vec<usize> =
        (0..depth).map_while(|n| part.size(&format!("decoder.blocks.{n}.conv1.0.weight"), 0)).collect();
    let scse = part.mentions("attention1.attention.cSE");
    let norm = norm(part)?;
    let up = chosen_up(assumptions, config)?;
    if let Some(config) = config {
        config.check(&decoder, scse, norm)?;
    }
    let shared = std::mem::take(&mut assumptions.assumed);
    let candidate = |encoder: Encoder| {
        let mut options = json!({"encoder": encoder, "decoder": decoder, "norm": norm, "up": up});
        if depth != 5 {
            options["stages"] = json!(depth);
        }
        if scse {
            options["attention"] = json!("scse");
        }
        let timm = if timms { "timm's " } else { "" };
        let title = format!("U-Net of segmentation_models.pytorch, encoder {timm}{}", encoder.id());
        let mut candidate = Candidate::new(&title, "unet", options, HEAD);
        candidate.assumed.clone_from(&shared);
        candidate.unused = vec!["classification_head.".into()];
        // The finest block has no skip, and then no use for its first attention.
        candidate.unused.push(format!("decoder.blocks.{}.attention1.", depth.saturating_sub(1)));
        // Stages below the deepest that the decoder reads, and the layers behind the last pool.
        candidate.unused.extend(unread_stages(encoder, depth));
        if timms {
            candidate.renamed = Some(("encoder.", "encoder.model."));
            if config.is_none() {
                candidate.assumed.push(format!("timm's {} in its plain form (tu-{})", encoder.id(), encoder.id()));
            }
        }
        candidate
    };
    let kind = |encoder: &Encoder| match () {
        () if encoder.is_vgg() => "encoder.features.0.weight",
        () if encoder.id().starts_with("se-") => "encoder.layer0.conv1.weight",
        () => "encoder.conv1.weight",
    };
    let encoders: Vec<Encoder> =
        if timms { ALSO_TIMMS.to_vec() } else { TAKEN.into_iter().filter(|encoder| part.has(kind(encoder))).collect() };
    if encoders.is_empty() {
        return Err(refused("Unet with an encoder of this kind"));
    }
    let named = |encoder: &Encoder| config.is_none_or(|config| config.names(&encoder.id(), timms));
    let all: Vec<Candidate> = encoders.into_iter().filter(named).map(candidate).collect();
    match config {
        Some(config) if all.is_empty() => {
            Err(refused(&format!("Unet with the encoder {:?} (config.json)", config.encoder)))
        }
        _ => Ok(all),
    }
}

/// Beginnings of the names of an encoder's layers that fewer stages do not read; the library keeps them.
fn unread_stages(encoder: Encoder, depth: usize) -> Vec<String> {
    if depth >= 5 {
        return Vec::new();
    }
    if encoder.is_vgg() {
        // Layers are numbered through; which are read is seen from the network's own names.
        return vec!["encoder.features.".into()];
    }
    // The stem is the first stage, `layer1` the second.
    (depth.max(1)..5).map(|stage| format!("encoder.layer{stage}.")).collect()
}
