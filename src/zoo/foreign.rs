//! Networks that only come with their weights: read from an ONNX file, or a classifier whose layers become an encoder.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{Encoder, Ends, ZooError};
use crate::graph::{Graph, onnx};

/// Identifier of networks from ONNX files.
pub const ONNX: &str = "onnx";
/// Identifier of classifiers.
pub const CLASSIFIER: &str = "classifier";

/// A network from an ONNX file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxNetwork {
    /// The file without its weights, base64.
    pub structure: String,
}

impl OnnxNetwork {
    /// From the file without its weights.
    pub fn new(structure: &[u8]) -> Self {
        Self { structure: STANDARD.encode(structure) }
    }

    /// Builds the graph.
    ///
    /// # Errors
    /// When the structure is damaged, or has other channels or classes.
    pub fn build(&self, ends: Ends) -> Result<Graph, ZooError> {
        let bytes = STANDARD.decode(&self.structure).map_err(|e| ZooError::Foreign(e.to_string()))?;
        let graph = onnx::import_structure(&bytes).map_err(|e| ZooError::Foreign(e.to_string()))?;
        let graph = graph.into_logits().map_err(ZooError::Foreign)?;
        let own = Ends { in_channels: graph.input_channels(), classes: graph.output_channels() };
        if own != ends {
            return Err(ZooError::Foreign(format!(
                "it has {} input channels and {} classes, not {} and {}",
                own.in_channels, own.classes, ends.in_channels, ends.classes
            )));
        }
        Ok(graph)
    }
}

/// A published classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classifier {
    /// Which.
    pub network: Encoder,
}
