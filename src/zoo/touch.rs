//! The Touch network: what a few strokes mean, on any image. nnU-Net's plain form (Isensee et al. 2021), slim, and deep enough that the
//! coarsest stage sees the whole picture.

use serde::{Deserialize, Serialize};

use super::nnunet::{NnUnet, PerAxis};
use super::{Ends, ZooError};
use crate::graph::{Graph, GraphError};

/// Identifier in model files. It takes strokes beside the image, so it is no entry of the list of networks that segment scans.
pub const TOUCH: &str = "touch";

/// Channels of each stage, in units of the width.
const STAGES: [usize; 6] = [1, 2, 4, 6, 8, 8];
/// Channels of the first stage that can be meant.
const MOST_WIDTH: usize = 256;

/// Options of the Touch network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TouchUNet {
    /// Channels of the first stage.
    pub width: usize,
}

impl Default for TouchUNet {
    fn default() -> Self {
        Self { width: 16 }
    }
}

impl TouchUNet {
    /// Builds the graph, with the parameter names of nnU-Net's plain network. Sides of the input are multiples of 32.
    ///
    /// # Errors
    /// When the width is out of range.
    pub fn build(self, ends: Ends) -> Result<Graph, ZooError> {
        if !(1..=MOST_WIDTH).contains(&self.width) {
            let (expected, got) = (MOST_WIDTH, self.width);
            return Err(GraphError::Channels { scope: "width".into(), expected, got }.into());
        }
        let strides = (0..STAGES.len()).map(|stage| PerAxis::Both(if stage == 0 { 1 } else { 2 })).collect();
        let features = STAGES.iter().map(|share| share * self.width).collect();
        Ok(NnUnet { features, strides, ..NnUnet::default() }.build(ends)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_size_of_pictures_and_is_slim() {
        let graph = TouchUNet::default().build(Ends { in_channels: 12, classes: 2 }).unwrap();
        assert_eq!(graph.output_size([256, 160]).unwrap(), [256, 160]);
        assert_eq!(graph.stride(), [32, 32]);
        assert!(graph.multiply_adds([256, 256]).unwrap() < 3_500_000_000);
        assert!(graph.trainable_count() < 2_000_000, "{}", graph.trainable_count());
        assert!(TouchUNet { width: 0 }.build(Ends { in_channels: 12, classes: 2 }).is_err());
    }
}
