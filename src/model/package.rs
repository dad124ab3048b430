//! The model file.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::spec::{ModelSpec, SPEC_VERSION};
use super::tensor_file;
use crate::engine::{DeviceChoice, EngineError, Network, Weights};
use crate::graph::Parameter;

/// Key of the specification in the file's metadata.
const METADATA_KEY: &str = "lamella";

/// What is wrong with a model file.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read or written.
    #[error("the model file {} cannot be accessed: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is no model of ours: other weights, or something else.
    #[error("{problem} ({})", path.display())]
    Unspecified {
        /// The file.
        path: PathBuf,
        /// What is missing.
        problem: String,
    },
    /// The file is a damaged model, or does not fit this version.
    #[error("{problem} ({})", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing or does not fit.
        problem: String,
    },
}

/// A model: specification and weights.
#[derive(Debug, Clone)]
pub struct Model {
    /// What it is.
    pub spec: ModelSpec,
    /// Its weights by parameter name.
    pub weights: Weights,
}

/// Digest of names, shapes and values, in the order of names.
fn digest(weights: &Weights) -> String {
    let mut hasher = Sha256::new();
    for (name, array) in weights {
        hasher.update(name.as_bytes());
        for size in &array.shape {
            hasher.update((*size as u64).to_le_bytes());
        }
        for value in &array.values {
            hasher.update(value.to_le_bytes());
        }
    }
    hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

impl Model {
    /// Writes the model file; the digest in the specification is set to that of the weights.
    ///
    /// # Errors
    /// When the file cannot be written; an existing file is untouched then.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let failed = |source| ModelError::File { path: path.into(), source };
        let spec = ModelSpec { sha256: digest(&self.weights), ..self.spec.clone() };
        let json = serde_json::to_string(&spec).map_err(|e| failed(io::Error::other(e)))?;
        let arrays = self.weights.iter().map(|(name, array)| (name.clone(), array));
        tensor_file::write(path, METADATA_KEY, json, arrays).map_err(failed)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the file is not a model of ours, is damaged, or does not fit its own architecture.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| ModelError::File { path: path.into(), source })?;
        Self::from_bytes(&bytes, path)
    }

    /// Reads a model from the bytes of its file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, ModelError> {
        let foreign = |problem: String| ModelError::Foreign { path: path.into(), problem };
        let unspecified = |problem: String| ModelError::Unspecified { path: path.into(), problem };
        let json = tensor_file::text(bytes, METADATA_KEY).map_err(&unspecified)?;
        let Some(json) = json else {
            let names = tensor_file::names(bytes).map_err(&foreign)?;
            let first = names.first().map_or("none", |name| name);
            return Err(unspecified(format!(
                "weights without a Lamella specification (first tensor: {first:?}); a network alone does not say how \
                 images must be prepared for it, so bring it in with `lamella models import`"
            )));
        };
        let spec: ModelSpec =
            serde_json::from_str(&json).map_err(|e| foreign(format!("the model's specification is damaged: {e}")))?;
        if spec.version > SPEC_VERSION {
            return Err(foreign(format!(
                "the model was made by a newer version (form {}); update Lamella",
                spec.version
            )));
        }
        spec.check().map_err(&foreign)?;
        let weights = tensor_file::arrays(bytes).map_err(&foreign)?;
        let graph = spec.graph().map_err(|e| foreign(e.to_string()))?;
        crate::engine::check_weights(&graph, &weights).map_err(|e| foreign(e.to_string()))?;
        if digest(&weights) != spec.sha256 {
            return Err(foreign("the weights do not match their checksum; copy the file again".into()));
        }
        Ok(Self { spec, weights })
    }

    /// The network on a device, without heads that only help training.
    ///
    /// # Errors
    /// When the architecture, the weights or the device do not work.
    pub fn network(&self, device: DeviceChoice) -> Result<Network, EngineError> {
        let graph = self.spec.graph().map_err(|e| EngineError::Architecture(e.to_string()))?.for_inference();
        let named = |p: &Parameter| self.weights.get(&p.name).map(|array| (p.name.clone(), array.clone()));
        let weights: Weights = graph.parameters.iter().filter_map(named).collect();
        Network::new(graph, &weights, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::initial_weights;
    use crate::model::spec::{ArchitectureSpec, ClassSpec, IntensityNormalisation, Provenance, SliceAxis};
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    fn small() -> Model {
        let class = |name: &str| ClassSpec { name: name.into(), colour: [1, 2, 3], value: None };
        let spec = ModelSpec {
            version: SPEC_VERSION,
            id: "small".into(),
            title: "Small".into(),
            architecture: ArchitectureSpec { id: "unet".into(), options: serde_json::json!({"width": 4, "depth": 1}) },
            image_channels: 1,
            neighbours: 1,
            slice_axis: SliceAxis::Coronal,
            fused_axes: Vec::new(),
            spacing_mm: Some([1.0, 1.0]),
            normalisation: IntensityNormalisation::ZScore { nonzero: false },
            patch: [32, 32],
            classes: vec![class("background"), class("thing")],
            mirror: true,
            mirror_axes: [true; 3],
            average_mirrored: false,
            channel_normalisation: Vec::new(),
            windows: crate::model::Windows::default(),
            reversed: [false; 3],
            licence: "MIT".into(),
            provenance: Provenance::default(),
            sha256: String::new(),
        };
        let weights = initial_weights(&spec.graph().unwrap(), 1);
        Model { spec, weights }
    }

    #[test]
    fn a_saved_model_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.safetensors");
        small().save(&path).unwrap();
        let back = Model::load(&path).unwrap();
        assert_eq!(back.weights, small().weights);
        assert_eq!(ModelSpec { sha256: String::new(), ..back.spec }, small().spec);
    }

    #[test]
    fn a_changed_weight_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.safetensors");
        small().save(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        assert!(Model::from_bytes(&bytes, &path).unwrap_err().to_string().contains("checksum"));
    }

    #[test]
    fn a_foreign_file_is_told_apart_and_the_first_wrong_tensor_named() {
        let path = Path::new("foreign.safetensors");
        let data = vec![0u8; 8];
        let view = TensorView::new(Dtype::F32, vec![2], &data).unwrap();
        let bytes = safetensors::serialize([("conv1.weight", view)], None).unwrap();
        assert!(Model::from_bytes(&bytes, path).unwrap_err().to_string().contains("conv1.weight"));
        assert!(Model::from_bytes(b"rubbish", path).is_err());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wrong.safetensors");
        let mut wrong = small();
        wrong.weights.remove("head.weight");
        wrong.save(&path).unwrap();
        let message = Model::load(&path).unwrap_err().to_string();
        assert!(message.contains("head.weight") && message.contains("missing"), "{message}");
    }
}
