//! MONAI's `DynUNet` in two dimensions: code Project-MONAI/MONAI, `monai/networks/nets/dynunet.py` and
//! `monai/networks/blocks/dynunet_block.py`, whose parameter names these are.
//!
//! nnU-Net's plan with MONAI's names: strided convolutions without bias down, transposed ones up, concatenation (up, skip); by
//! choice residual blocks on the way down.

use serde::{Deserialize, Serialize};

use super::monai::{MonaiActivation, MonaiNorm, most};
use super::{Ends, PerAxis};
use crate::graph::{Conv, ConvTranspose, Graph, GraphBuilder, GraphError, Scope, Value};

/// Fewest and most stages.
const STAGES: std::ops::RangeInclusive<usize> = 3..=16;

/// Options of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonaiDynUNet {
    /// Channels of each stage.
    pub filters: Vec<usize>,
    /// Kernels of each stage.
    pub kernels: Vec<PerAxis>,
    /// Stride into each stage but the first, which is 1.
    pub strides: Vec<PerAxis>,
    /// Normalisation.
    pub norm: MonaiNorm,
    /// Non-linearity.
    pub activation: MonaiActivation,
    /// Whether blocks on the way down are residual.
    pub residual: bool,
    /// Whether transposed convolutions have a bias.
    pub up_bias: bool,
}

impl Default for MonaiDynUNet {
    fn default() -> Self {
        Self {
            filters: vec![32, 64, 128, 256],
            kernels: vec![PerAxis::Both(3); 4],
            strides: vec![PerAxis::Both(2); 3],
            norm: MonaiNorm::InstanceAffine,
            activation: MonaiActivation::LeakyRelu(0.01),
            residual: false,
            up_bias: false,
        }
    }
}

/// A convolution with the border of MONAI's `get_padding`.
fn padded(x: &Value, outputs: usize, kernel: [usize; 2], stride: [usize; 2]) -> Conv {
    let padding = [0, 1].map(|axis| (kernel[axis] + 1).saturating_sub(stride[axis]) / 2);
    Conv { kernel, stride, padding, bias: false, ..Conv::square(x.channels(), outputs, 1) }
}

impl MonaiDynUNet {
    fn unit(&self, scope: &Scope, n: usize, x: &Value, conv: Conv) -> Value {
        let y = scope.sub(format!("conv{n}")).sub("conv").conv(x, conv);
        self.norm.of(&scope.sub(format!("norm{n}")), &y)
    }

    fn block(
        &self,
        scope: &Scope,
        x: &Value,
        outputs: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        residual: bool,
    ) -> Value {
        let y = self.activation.of(&self.unit(scope, 1, x, padded(x, outputs, kernel, stride)));
        let y = self.unit(scope, 2, &y, padded(&y, outputs, kernel, [1; 2]));
        let y = if !residual {
            y
        } else if x.channels() == outputs && stride == [1; 2] {
            y.plus(x)
        } else {
            y.plus(&self.unit(scope, 3, x, padded(x, outputs, [1; 2], stride)))
        };
        self.activation.of(&y)
    }

    fn check(&self) -> Result<(), GraphError> {
        let count = self.filters.len();
        if !STAGES.contains(&count) {
            return Err(GraphError::Channels { scope: "stages".into(), expected: *STAGES.end(), got: count });
        }
        for (scope, expected, got) in
            [("kernels", count, self.kernels.len()), ("strides", count - 1, self.strides.len())]
        {
            if expected != got {
                return Err(GraphError::Channels { scope: scope.into(), expected, got });
            }
        }
        let sizes = self.kernels.iter().chain(&self.strides).flat_map(|n| n.pair());
        if let Some(got) = sizes.into_iter().find(|n| !(1..=9).contains(n)) {
            return Err(GraphError::Channels { scope: "a kernel or stride".into(), expected: 3, got });
        }
        most("filters", &self.filters)?;
        self.norm.fits(&self.filters)
    }

    /// Builds the graph.
    ///
    /// # Errors
    /// When lists differ in length, or a number cannot be meant.
    pub fn build(&self, ends: Ends) -> Result<Graph, GraphError> {
        self.check()?;
        let builder = GraphBuilder::new();
        let (root, mut x) = (builder.root(), builder.input(ends.in_channels));
        let (deepest, mut skips) = (self.filters.len() - 1, Vec::new());
        for (stage, (&filters, kernel)) in self.filters.iter().zip(&self.kernels).enumerate() {
            let stride = if stage == 0 { [1; 2] } else { self.strides[stage - 1].pair() };
            let scope = match stage {
                0 => root.sub("input_block"),
                _ if stage == deepest => root.sub("bottleneck"),
                _ => root.sub("downsamples").sub(stage - 1),
            };
            x = self.block(&scope, &x, filters, kernel.pair(), stride, self.residual);
            skips.push(x.clone());
        }
        skips.pop();
        for (step, skip) in skips.iter().rev().enumerate() {
            let stage = deepest - step;
            let scope = root.sub("upsamples").sub(step);
            let stride = self.strides[stage - 1].pair();
            let up = ConvTranspose {
                inputs: x.channels(),
                outputs: skip.channels(),
                kernel: stride,
                stride,
                padding: [0; 2],
                output_padding: [0; 2],
                groups: 1,
                bias: self.up_bias,
            };
            let up = scope.sub("transp_conv").sub("conv").conv_transpose(&x, up);
            let kernel = self.kernels[stage].pair();
            x = self.block(&scope.sub("conv_block"), &up.concat(skip), skip.channels(), kernel, [1; 2], false);
        }
        let logits = root.sub("output_block").sub("conv").sub("conv").conv_valid(&x, ends.classes, 1);
        builder.finish(&[logits])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_those_of_monai() {
        // sum(p.numel() for p in DynUNet(2, 1, 2, ...).parameters()), MONAI 1.6.1.
        let ends = Ends { in_channels: 1, classes: 2 };
        let count = |network: &MonaiDynUNet| network.build(ends).unwrap().trainable_count();
        assert_eq!(count(&MonaiDynUNet::default()), 1_926_242);
        let residual = MonaiDynUNet { residual: true, up_bias: true, ..MonaiDynUNet::default() };
        assert_eq!(count(&residual), 1_970_466);
        let wrong = MonaiDynUNet { strides: vec![PerAxis::Both(2); 4], ..MonaiDynUNet::default() };
        assert!(wrong.build(ends).is_err());
    }
}
