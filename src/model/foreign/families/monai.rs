//! MONAI's `BasicUNet` and `DynUNet`.

use serde_json::{Value, json};

use super::{Beside, Candidate, Candidates};
use crate::model::foreign::describe::Assumptions;
use crate::model::foreign::part::Part;
use crate::zoo::{BasicUp, MonaiActivation, MonaiNorm, PerAxis};

/// A tensor of every `BasicUNet`.
pub const BASIC: &str = "conv_0.conv_0.conv.weight";
/// A tensor of every `DynUNet`.
pub const DYNAMIC: &str = "input_block.conv1.conv.weight";

const NORM: &str = "norm";
const ACTIVATION: &str = "activation";

/// The norm behind a convolution, of which `scope` has the tensors.
fn norm(part: &Part, scope: &str, title: &str, assumptions: &mut Assumptions) -> Result<MonaiNorm, String> {
    let has = |name: &str| part.has(&format!("{scope}.{name}"));
    let chosen = assumptions.chosen(NORM);
    if has("running_mean") {
        return match chosen.as_deref() {
            None | Some("batch") => Ok(MonaiNorm::Batch),
            Some(other) => Err(format!("--assume norm={other} contradicts the weights, which are of batch norm")),
        };
    }
    if has("weight") {
        return match chosen.as_deref() {
            None => {
                assumptions
                    .assumed
                    .push("norm: instance (group norm has the same tensors; --assume norm=group:N)".into());
                Ok(MonaiNorm::InstanceAffine)
            }
            Some("instance") => Ok(MonaiNorm::InstanceAffine),
            Some(other) => match other.strip_prefix("group:").and_then(|n| n.parse().ok()) {
                Some(groups) => Ok(MonaiNorm::Group(groups)),
                None => Err(format!("--assume norm={other}: the weights allow instance and group:N")),
            },
        };
    }
    match chosen.as_deref() {
        Some("none") => Ok(MonaiNorm::None),
        Some("instance") => Ok(MonaiNorm::Instance),
        Some(other) => Err(format!("--assume norm={other}: the weights allow none and instance")),
        None => Err(format!(
            "{title}: its norms have no tensors, so they are instance norms without scale or none at all; say which with \
             --assume norm=instance or --assume norm=none"
        )),
    }
}

fn activation(usual: f32, assumptions: &mut Assumptions) -> Result<MonaiActivation, String> {
    let Some(chosen) = assumptions.chosen(ACTIVATION) else {
        assumptions
            .assumed
            .push(format!("activation: leaky-relu:{usual} (--assume activation=relu, leaky-relu:SLOPE)"));
        return Ok(MonaiActivation::LeakyRelu(usual));
    };
    let slope = chosen.strip_prefix("leaky-relu:").and_then(|slope| slope.parse::<f32>().ok());
    match (chosen.as_str(), slope) {
        ("relu", _) => Ok(MonaiActivation::Relu),
        (_, Some(slope)) if slope.is_finite() => Ok(MonaiActivation::LeakyRelu(slope)),
        _ => Err(format!("--assume activation={chosen}: known are relu and leaky-relu:SLOPE")),
    }
}

/// Whether weights are of three dimensions, or have an activation with weights.
fn check(part: &Part, marker: &str, title: &str) -> Result<(), String> {
    if part.rank(marker) == Some(5) {
        return Err(format!("{title} in 3-D; only 2-D networks can be run"));
    }
    if part.mentions(".adn.A.weight") || part.mentions("lrelu.weight") {
        return Err(format!(
            "{title} with PReLU activations; export it as ONNX (torch.onnx.export) and import that file"
        ));
    }
    Ok(())
}

fn candidate(title: &str, id: &str, options: Value, head: &str, assumptions: &mut Assumptions) -> Candidate {
    let assumed = std::mem::take(&mut assumptions.assumed);
    Candidate { assumed, ..Candidate::new(title, id, options, head) }
}

/// `BasicUNet`.
pub fn basic(part: &Part, assumptions: &mut Assumptions, _: Beside) -> Candidates {
    let title = "BasicUNet of MONAI";
    check(part, BASIC, title)?;
    if part.mentions("upsample.pixelshuffle.") {
        return Err(format!("{title} with pixel shuffle; export it as ONNX (torch.onnx.export) and import that file"));
    }
    let width = |name: &str| part.size(name, 0).ok_or_else(|| format!("{title}, but {}", part.lacks(name)));
    let mut features = vec![width(BASIC)?];
    for stage in 1..5 {
        features.push(width(&format!("down_{stage}.convs.conv_0.conv.weight"))?);
    }
    features.push(width("upcat_1.convs.conv_0.conv.weight")?);
    let up = if part.has("upcat_1.upsample.deconv.weight") { BasicUp::Transposed } else { BasicUp::Bilinear };
    let options = json!({
        "features": features,
        "norm": norm(part, "conv_0.conv_0.adn.N", title, assumptions)?,
        "activation": activation(0.1, assumptions)?,
        "up": up,
        "bias": part.has("conv_0.conv_0.conv.bias"),
    });
    Ok(vec![candidate(title, "unet-monai-basic", options, "final_conv.weight", assumptions)])
}

/// `DynUNet`. Its strides are the kernels of its transposed convolutions.
pub fn dynamic(part: &Part, assumptions: &mut Assumptions, _: Beside) -> Candidates {
    let title = "DynUNet of MONAI";
    check(part, DYNAMIC, title)?;
    let middle = part.count("downsamples.{}.conv1.conv.weight");
    let scopes: Vec<String> = std::iter::once("input_block".to_string())
        .chain((0..middle).map(|n| format!("downsamples.{n}")))
        .chain(["bottleneck".to_string()])
        .collect();
    let (mut filters, mut kernels, mut strides) = (Vec::new(), Vec::new(), Vec::new());
    for scope in &scopes {
        let name = format!("{scope}.conv1.conv.weight");
        let (Some(width), Some(kernel)) = (part.size(&name, 0), part.kernel(&name)) else {
            return Err(format!("{title}, but {}", part.lacks(&name)));
        };
        filters.push(width);
        kernels.push(PerAxis::Each(kernel));
    }
    for step in (0..=middle).rev() {
        let name = format!("upsamples.{step}.transp_conv.conv.weight");
        let kernel = part.kernel(&name).ok_or_else(|| format!("{title}, but {}", part.lacks(&name)))?;
        strides.push(PerAxis::Each(kernel));
    }
    let options = json!({
        "filters": filters,
        "kernels": kernels,
        "strides": strides,
        "norm": norm(part, "input_block.norm1", title, assumptions)?,
        "activation": activation(0.01, assumptions)?,
        "residual": part.mentions("conv3.conv."),
        "up_bias": part.has("upsamples.0.transp_conv.conv.bias"),
    });
    let mut candidate = candidate(title, "unet-monai-dynamic", options, "output_block.conv.conv.weight", assumptions);
    // The same layers once more under the names of their nesting, and heads of deep supervision.
    candidate.unused = vec!["skip_layers.".into(), "deep_supervision_heads.".into()];
    Ok(vec![candidate])
}
