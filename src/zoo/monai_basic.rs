//! MONAI's `BasicUNet` in two dimensions: code Project-MONAI/MONAI, `monai/networks/nets/basic_unet.py`, whose parameter names
//! these are.
//!
//! Four poolings, two convolutions with bias, norm and activation at each stage, transposed convolutions (or a bilinear
//! doubling) up, concatenation (skip, up).

use serde::{Deserialize, Serialize};

use super::monai::{MonaiActivation, MonaiNorm, most};
use super::{Ends, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Pool, Scope, UpsampleMode, UpsampleTo, Value};

/// Stages of the encoder.
const STAGES: usize = 5;

/// How the decoder doubles the size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BasicUp {
    /// Transposed convolutions.
    #[default]
    Transposed,
    /// A 1x1 convolution where channels change, then bilinearly with aligned corners (`nontrainable`).
    Bilinear,
}

/// Options of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonaiBasicUNet {
    /// Channels of the five stages, and of the last one on the way up.
    pub features: [usize; STAGES + 1],
    /// Normalisation.
    pub norm: MonaiNorm,
    /// Non-linearity.
    pub activation: MonaiActivation,
    /// Up-sampling.
    pub up: BasicUp,
    /// Whether convolutions have a bias.
    pub bias: bool,
}

impl Default for MonaiBasicUNet {
    fn default() -> Self {
        Self {
            features: [32, 32, 64, 128, 256, 32],
            norm: MonaiNorm::InstanceAffine,
            activation: MonaiActivation::LeakyRelu(0.1),
            up: BasicUp::Transposed,
            bias: true,
        }
    }
}

impl MonaiBasicUNet {
    fn pair(&self, scope: &Scope, x: &Value, outputs: usize) -> Value {
        (0..2).fold(x.clone(), |x, n| {
            let scope = scope.sub(format!("conv_{n}"));
            let y = scope.sub("conv").conv(&x, conv(&x, outputs, 3, 1, 1, self.bias));
            self.activation.of(&self.norm.of(&scope.sub("adn").sub("N"), &y))
        })
    }

    fn up(&self, scope: &Scope, x: &Value, outputs: usize) -> Value {
        match self.up {
            BasicUp::Transposed => scope.sub("deconv").up_conv(x, outputs, [2, 2]),
            BasicUp::Bilinear => {
                let x =
                    if x.channels() == outputs { x.clone() } else { scope.sub("preconv").conv_valid(x, outputs, 1) };
                x.upsample(UpsampleMode::Bilinear { align_corners: true }, UpsampleTo::Scale([2, 2]))
            }
        }
    }

    /// Builds the graph.
    ///
    /// # Errors
    /// When a stage has no channels or too many, or groups do not divide them.
    pub fn build(&self, ends: Ends) -> Result<Graph, GraphError> {
        most("features", &self.features)?;
        self.norm.fits(&self.features)?;
        let builder = GraphBuilder::new();
        let (root, x) = (builder.root(), builder.input(ends.in_channels));
        let mut maps = vec![self.pair(&root.sub("conv_0"), &x, self.features[0])];
        for stage in 1..STAGES {
            let scope = root.sub(format!("down_{stage}")).sub("convs");
            maps.push(self.pair(&scope, &maps[stage - 1].max_pool(Pool::new(2, 2)), self.features[stage]));
        }
        let mut x = maps[STAGES - 1].clone();
        for stage in (1..STAGES).rev() {
            let scope = root.sub(format!("upcat_{stage}"));
            // The last doubling keeps its channels.
            let channels = if stage == 1 { x.channels() } else { x.channels() / 2 };
            let up = self.up(&scope.sub("upsample"), &x, channels);
            let outputs = if stage == 1 { self.features[STAGES] } else { self.features[stage - 1] };
            x = self.pair(&scope.sub("convs"), &maps[stage - 1].concat(&up), outputs);
        }
        builder.finish(&[root.sub("final_conv").conv_valid(&x, ends.classes, 1)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_those_of_monai() {
        // sum(p.numel() for p in BasicUNet(2, 1, 2, ...).parameters()), MONAI 1.6.1.
        let ends = Ends { in_channels: 1, classes: 2 };
        let count = |network: &MonaiBasicUNet| network.build(ends).unwrap().trainable_count();
        assert_eq!(count(&MonaiBasicUNet::default()), 1_978_466);
        let bilinear = MonaiBasicUNet { up: BasicUp::Bilinear, norm: MonaiNorm::Batch, ..MonaiBasicUNet::default() };
        assert_eq!(count(&bilinear), 1_845_314);
        assert!(MonaiBasicUNet { norm: MonaiNorm::Group(5), ..bilinear }.build(ends).is_err());
    }
}
