//! One file per architecture; each builds a [`Graph`](crate::graph::Graph) from its options.
//!
//! **Invariant:** every architecture is one entry of [`ARCHITECTURES`] and passes the tests that run over that list.
//! **Invariant:** parameter names are those of the original PyTorch code, so that its weights can be loaded.
//!
//! Deliberately absent: weights, preprocessing, training recipes.

mod nnunet;
mod resnet;
mod resnet_unet;
mod unet;

use serde::de::DeserializeOwned;

use crate::graph::{Graph, GraphError};

pub use nnunet::{NnUnet, conv_stack};
pub use resnet::{ResNet, Striding, basic_block, bottleneck};
pub use resnet_unet::ResNetUNet;
pub use unet::{Attention, Padding, UNet, UNetNorm, UpPath};

/// Input channels and classes; every architecture needs them and no model may choose them freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Channels of the input: image channels times neighbouring slices.
    pub in_channels: usize,
    /// Output channels: background and labels.
    pub classes: usize,
}

/// An entry of the zoo.
pub struct Architecture {
    /// Identifier in model files and on the command line.
    pub id: &'static str,
    /// Title and source.
    pub title: &'static str,
    /// Builds the graph from options (missing ones take their defaults).
    build: fn(Ends, &serde_json::Value) -> Result<Graph, ZooError>,
}

/// Every architecture.
pub const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        id: "unet",
        title: "U-Net with padding, normalisation, up-sampling and attention by choice (Ronneberger et al. 2015)",
        build: |ends, options| Ok(parse::<UNet>(options)?.build(ends)?),
    },
    Architecture {
        id: "nnunet-plain",
        title: "nnU-Net's plain 2-D network (Isensee et al. 2021)",
        build: |ends, options| Ok(parse::<NnUnet>(options)?.build(ends)?),
    },
    Architecture {
        id: "resnet-unet",
        title: "U-Net with a residual encoder (He et al. 2016), as in segmentation_models.pytorch",
        build: |ends, options| Ok(parse::<ResNetUNet>(options)?.build(ends)?),
    },
];

/// Why an architecture cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ZooError {
    /// No entry has this identifier.
    #[error("unknown architecture {0:?}; known are {known}", known = known())]
    Unknown(String),
    /// The options do not fit.
    #[error("the architecture's options are wrong: {0}")]
    Options(#[from] serde_json::Error),
    /// The options contradict each other.
    #[error("the architecture cannot be built: {0}")]
    Graph(#[from] GraphError),
}

fn known() -> String {
    ARCHITECTURES.iter().map(|a| a.id).collect::<Vec<_>>().join(", ")
}

fn parse<T: DeserializeOwned + Default>(options: &serde_json::Value) -> Result<T, serde_json::Error> {
    if options.is_null() { Ok(T::default()) } else { T::deserialize(options) }
}

/// Builds an architecture by its identifier; `null` options are the defaults.
///
/// # Errors
/// For an unknown identifier or options that do not fit.
pub fn build(id: &str, ends: Ends, options: &serde_json::Value) -> Result<Graph, ZooError> {
    let entry = ARCHITECTURES.iter().find(|a| a.id == id).ok_or_else(|| ZooError::Unknown(id.into()))?;
    (entry.build)(ends, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_architecture_builds_with_unique_names_and_keeps_the_image_size() {
        for entry in ARCHITECTURES {
            let ends = Ends { in_channels: 3, classes: 4 };
            let graph = build(entry.id, ends, &serde_json::Value::Null).unwrap();
            let names: HashSet<_> = graph.parameters.iter().map(|p| &p.name).collect();
            assert_eq!(names.len(), graph.parameters.len(), "{}: a name occurs twice", entry.id);
            assert_eq!((graph.input_channels(), graph.output_channels()), (3, 4), "{}", entry.id);
            let stride = graph.stride();
            let input = [stride[0] * 3, stride[1] * 2];
            assert_eq!(graph.output_size(input).unwrap(), input, "{}", entry.id);
            for (node, size) in graph.nodes.iter().zip(graph.sizes(input).unwrap()) {
                let symbolic = [0, 1].map(|axis| node.size.extent[axis].at(input[axis]));
                assert_eq!(symbolic, size.map(Some), "{}: {}", entry.id, node.scope);
            }
        }
    }

    #[test]
    fn options_that_do_not_exist_are_refused() {
        let ends = Ends { in_channels: 1, classes: 2 };
        assert!(build("unet", ends, &serde_json::json!({"widht": 8})).is_err());
        assert!(build("u-net", ends, &serde_json::Value::Null).is_err());
    }
}
