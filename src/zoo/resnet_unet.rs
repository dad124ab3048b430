//! A U-Net whose encoder is a residual network, as `segmentation_models.pytorch` builds it (code qubvel-org, `Unet`), whose
//! parameter names these are.
//!
//! Each decoder block doubles the size by repeating pixels, concatenates (up, skip), and convolves twice; the last one has no
//! skip. Sizes are multiples of 32.

use serde::{Deserialize, Serialize};

use super::{Ends, ResNet};
use crate::graph::{Conv, Graph, GraphBuilder, GraphError, Scope, UpsampleMode, UpsampleTo, Value};

/// Options of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResNetUNet {
    /// The encoder.
    pub encoder: ResNet,
    /// Channels of the decoder's blocks, from the coarsest.
    pub decoder: [usize; 5],
}

impl Default for ResNetUNet {
    fn default() -> Self {
        Self { encoder: ResNet::ResNet34, decoder: [256, 128, 64, 32, 16] }
    }
}

/// Most channels of a decoder block.
const MAX_CHANNELS: usize = 4096;

/// Up, beside the skip, and two convolutions.
fn decoder_block(scope: &Scope, x: &Value, skip: Option<&Value>, outputs: usize) -> Value {
    let up = x.upsample(UpsampleMode::Nearest, UpsampleTo::Scale([2, 2]));
    let joined = skip.map_or_else(|| up.clone(), |skip| up.concat(skip));
    convolved(scope, &joined, outputs)
}

/// The two convolutions of a decoder block.
fn convolved(scope: &Scope, x: &Value, outputs: usize) -> Value {
    let mut x = x.clone();
    for n in 1..=2 {
        let scope = scope.sub(format!("conv{n}"));
        let conv = Conv {
            inputs: x.channels(),
            outputs,
            kernel: [3; 2],
            stride: [1; 2],
            padding: [1; 2],
            dilation: [1; 2],
            groups: 1,
            bias: false,
        };
        x = scope.sub(1).batch_norm(&scope.sub(0).conv(&x, conv)).relu();
    }
    x
}

impl ResNetUNet {
    /// Builds the graph. Scopes: `encoder`, `decoder.blocks.i`, `segmentation_head.0`.
    ///
    /// # Errors
    /// When a decoder block would have no channels, or too many.
    pub fn build(&self, ends: Ends) -> Result<Graph, GraphError> {
        if let Some(&got) = self.decoder.iter().find(|&&n| n == 0 || n > MAX_CHANNELS) {
            return Err(GraphError::Channels { scope: "decoder".into(), expected: MAX_CHANNELS, got });
        }
        let builder = GraphBuilder::new();
        let (root, x) = (builder.root(), builder.input(ends.in_channels));
        let mut skips = self.encoder.features(&builder, &root.sub("encoder"), &x, "encoder.");
        let mut x = skips.pop().unwrap_or(x);
        for (n, &channels) in self.decoder.iter().enumerate() {
            let skip = skips.pop();
            x = decoder_block(&root.sub("decoder").sub("blocks").sub(n), &x, skip.as_ref(), channels);
            builder.tap(format!("decoder.blocks.{n}"), &x);
        }
        let logits = root.sub("segmentation_head").sub(0).conv_same(&x, ends.classes, 3);
        builder.finish(&[logits])
    }
}
