//! The U-Nets of milesial/Pytorch-UNet and mateuszbuda/brain-segmentation-pytorch.

use serde_json::json;

use super::{Beside, Candidate, Candidates};
use crate::model::foreign::describe::Assumptions;
use crate::model::foreign::part::Part;

/// A tensor of mateuszbuda's network.
pub const BRAIN: &str = "encoder1.enc1conv1.weight";
/// A tensor of milesial's network.
pub const MILESIAL: &str = "inc.double_conv.0.weight";

/// mateuszbuda's network.
pub fn brain(part: &Part, _: &mut Assumptions, _: Beside) -> Candidates {
    let width = part.size(BRAIN, 0).ok_or_else(|| format!("its {BRAIN:?} is no layer of a U-Net"))?;
    Ok(vec![Candidate::new("U-Net of mateuszbuda", "unet-mateuszbuda", json!({"width": width}), "conv.weight")])
}

/// milesial's network.
pub fn milesial(part: &Part, _: &mut Assumptions, _: Beside) -> Candidates {
    part.kernel(MILESIAL).ok_or_else(|| format!("its {MILESIAL:?} is no layer of a U-Net"))?;
    let bilinear = !part.has("up1.up.weight");
    let options = json!({"bilinear": bilinear});
    Ok(vec![Candidate::new("U-Net of milesial", "unet-milesial", options, "outc.conv.weight")])
}
