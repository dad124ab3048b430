//! The U-Net of many tutorials: code milesial/Pytorch-UNet, `unet/unet_model.py`, whose parameter names these are.
//!
//! Convolutions without bias, batch norm; up-sampling by transposed convolutions or bilinearly; concatenation (skip, up).

use serde::{Deserialize, Serialize};

use super::{Ends, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Pool, Scope, UpsampleMode, UpsampleTo, Value};

/// Channels of the stages.
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 1024];

/// Options of the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MilesialUNet {
    /// Bilinear up-sampling (corners aligned) with half as many channels, instead of transposed convolutions.
    pub bilinear: bool,
}

fn pair(scope: &Scope, x: &Value, middle: usize, outputs: usize) -> Value {
    let unit = |x: &Value, n: usize, outputs: usize| {
        let y = scope.sub(n).conv(x, conv(x, outputs, 3, 1, 1, false));
        scope.sub(n + 1).batch_norm(&y).relu()
    };
    unit(&unit(x, 0, middle), 3, outputs)
}

impl MilesialUNet {
    /// Builds the graph.
    ///
    /// # Errors
    /// Never for these widths.
    pub fn build(&self, ends: Ends) -> Result<Graph, GraphError> {
        let builder = GraphBuilder::new();
        let (root, x) = (builder.root(), builder.input(ends.in_channels));
        let factor = if self.bilinear { 2 } else { 1 };
        let mut maps = vec![pair(&root.sub("inc.double_conv"), &x, WIDTHS[0], WIDTHS[0])];
        for n in 1..WIDTHS.len() {
            let outputs = if n + 1 == WIDTHS.len() { WIDTHS[n] / factor } else { WIDTHS[n] };
            let half = maps[n - 1].max_pool(Pool::new(2, 2));
            maps.push(pair(&root.sub(format!("down{n}.maxpool_conv.1.double_conv")), &half, outputs, outputs));
        }
        let mut x = maps[WIDTHS.len() - 1].clone();
        for n in 1..WIDTHS.len() {
            let stage = WIDTHS.len() - 1 - n;
            let scope = root.sub(format!("up{n}"));
            let up = if self.bilinear {
                x.upsample(UpsampleMode::Bilinear { align_corners: true }, UpsampleTo::Scale([2, 2]))
            } else {
                scope.sub("up").up_conv(&x, WIDTHS[stage], [2, 2])
            };
            let both = maps[stage].concat(&up);
            let outputs = if stage == 0 { WIDTHS[0] } else { WIDTHS[stage] / factor };
            let middle = if self.bilinear { both.channels() / 2 } else { outputs };
            x = pair(&scope.sub("conv.double_conv"), &both, middle, outputs);
        }
        let logits = root.sub("outc.conv").conv_valid(&x, ends.classes, 1);
        builder.finish(&[logits])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_the_published_ones() {
        for (bilinear, expected) in [(false, 31_037_698), (true, 17_262_977 + 65)] {
            let graph = MilesialUNet { bilinear }.build(Ends { in_channels: 3, classes: 2 }).unwrap();
            assert_eq!(graph.trainable_count(), expected, "bilinear {bilinear}");
        }
    }
}
