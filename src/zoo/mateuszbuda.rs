//! The U-Net for brain MRI of Buda, Saha, Mazurowski 2019: code mateuszbuda/brain-segmentation-pytorch, `unet.py`, whose
//! parameter names these are.
//!
//! Convolutions without bias, batch norm, transposed convolutions, concatenation (up, skip).

use serde::{Deserialize, Serialize};

use super::{Ends, conv};
use crate::graph::{Graph, GraphBuilder, GraphError, Pool, Scope, Value};

/// Most channels of the first stage that can be meant.
const MAX_WIDTH: usize = 1024;

/// Options of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrainUNet {
    /// Channels of the first stage; each further one has twice as many.
    pub width: usize,
}

impl Default for BrainUNet {
    fn default() -> Self {
        Self { width: 32 }
    }
}

/// Two convolutions, named by a prefix as in the original.
fn pair(scope: &Scope, prefix: &str, x: &Value, outputs: usize) -> Value {
    let mut x = x.clone();
    for n in 1..=2 {
        x = scope.sub(format!("{prefix}conv{n}")).conv(&x, conv(&x, outputs, 3, 1, 1, false));
        x = scope.sub(format!("{prefix}norm{n}")).batch_norm(&x).relu();
    }
    x
}

impl BrainUNet {
    /// Builds the graph.
    ///
    /// # Errors
    /// When the width is none.
    pub fn build(&self, ends: Ends) -> Result<Graph, GraphError> {
        if !(1..=MAX_WIDTH).contains(&self.width) {
            return Err(GraphError::Channels { scope: "width".into(), expected: MAX_WIDTH, got: self.width });
        }
        let builder = GraphBuilder::new();
        let (root, mut x) = (builder.root(), builder.input(ends.in_channels));
        let mut skips = Vec::new();
        for stage in 1..=4 {
            let skip =
                pair(&root.sub(format!("encoder{stage}")), &format!("enc{stage}"), &x, self.width << (stage - 1));
            x = skip.max_pool(Pool::new(2, 2));
            skips.push(skip);
        }
        x = pair(&root.sub("bottleneck"), "bottleneck", &x, self.width << 4);
        for stage in (1..=4usize).rev() {
            let channels = self.width << (stage - 1);
            let up = root.sub(format!("upconv{stage}")).up_conv(&x, channels, [2, 2]);
            x = pair(
                &root.sub(format!("decoder{stage}")),
                &format!("dec{stage}"),
                &up.concat(&skips[stage - 1]),
                channels,
            );
        }
        builder.finish(&[root.sub("conv").conv_valid(&x, ends.classes, 1)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_the_published_ones() {
        let graph = BrainUNet::default().build(Ends { in_channels: 3, classes: 1 }).unwrap();
        assert_eq!(graph.trainable_count(), 7_763_041);
    }
}
