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

/// What comes before the checksum at the end of a specification's text, with the checksum's own version; files of earlier versions
/// have none.
const CHECKSUM: &str = ",\"checksum\":\"1-";
/// What comes after it.
const CHECKSUM_END: &str = "\"}";
/// Digits of it.
const CHECKSUM_DIGITS: usize = 64;

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
    hexadecimal(hasher)
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A specification's text with a checksum of it, and so of the weights, whose own checksum is in it.
fn sealed(text: &str) -> String {
    let open = text.strip_suffix('}').unwrap_or(text);
    format!("{open}{CHECKSUM}{}{CHECKSUM_END}", hexadecimal(Sha256::new_with_prefix(text)))
}

/// Whether a specification's text is as it was written. Files of earlier versions do not tell.
fn is_as_sealed(text: &str) -> bool {
    let checksum = text.strip_suffix(CHECKSUM_END).and_then(|rest| {
        let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(CHECKSUM_DIGITS)?)?;
        Some((rest.strip_suffix(CHECKSUM)?, digits))
    });
    checksum.is_none_or(|(open, digits)| hexadecimal(Sha256::new_with_prefix(format!("{open}}}"))) == digits)
}

/// Whether a file says of itself that it is a model of Lamella; only its header is read.
pub fn is_model_file(path: &Path) -> bool {
    tensor_file::has_text(path, METADATA_KEY)
}

impl Model {
    /// Writes the model file; the digest in the specification is set to that of the weights, and its text gets a checksum of its own.
    ///
    /// # Errors
    /// When the file cannot be written; an existing file is untouched then.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let failed = |source| ModelError::File { path: path.into(), source };
        let spec = ModelSpec { sha256: digest(&self.weights), ..self.spec.clone() };
        let json = serde_json::to_string(&spec).map_err(|e| failed(io::Error::other(e)))?;
        let arrays = self.weights.iter().map(|(name, array)| (name.clone(), array));
        tensor_file::write(path, METADATA_KEY, sealed(&json), arrays).map_err(failed)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the file is not a model of ours, is damaged, or does not fit its own architecture.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let bytes = tensor_file::read(path).map_err(|source| ModelError::File { path: path.into(), source })?;
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
        if !is_as_sealed(&json) {
            return Err(foreign("the model's specification does not match its checksum; copy the file again".into()));
        }
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

    /// The file of a small model whose specification's text was changed.
    fn changed(change: impl Fn(&str) -> String) -> Result<Model, ModelError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.safetensors");
        let model = small();
        model.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let text = change(&tensor_file::text(&bytes, METADATA_KEY).unwrap().unwrap());
        let arrays = model.weights.iter().map(|(name, array)| (name.clone(), array));
        tensor_file::write(&path, METADATA_KEY, text, arrays).unwrap();
        assert!(is_model_file(&path));
        Model::load(&path)
    }

    #[test]
    fn a_changed_specification_is_noticed() {
        assert!(changed(str::to_string).is_ok());
        for (from, to) in [
            ("\"spacing_mm\":[1.0,1.0]", "\"spacing_mm\":[1.0,2.0]"),
            ("\"coronal\"", "\"sagittal\""),
            ("\"name\":\"thing\"", "\"name\":\"other\""),
            ("\"mirror\":true", "\"mirror\":false"),
            ("\"nonzero\":false", "\"nonzero\":true"),
            ("\"licence\":\"MIT\"", "\"licence\":\"\""),
        ] {
            let outcome = changed(|text| {
                assert!(text.contains(from), "{from} is not in {text}");
                text.replacen(from, to, 1)
            });
            assert!(outcome.is_err(), "{from}");
        }
        let message = changed(|text| text.replace("Small", "Smell")).unwrap_err().to_string();
        assert!(message.contains("specification does not match its checksum"), "{message}");
        // A file of an earlier version has no such checksum; its weights have theirs.
        let earlier = |text: &str| text.split_once(CHECKSUM).unwrap().0.to_string() + "}";
        assert!(changed(earlier).is_ok());
    }

    #[test]
    fn no_flipped_bit_of_a_header_changes_a_model_unnoticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.safetensors");
        small().save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let whole = Model::from_bytes(&bytes, &path).unwrap();
        let header = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
        let mut unnoticed = 0;
        for at in 0..header {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            if let Ok(model) = Model::from_bytes(&flipped, &path) {
                assert!(model.spec == whole.spec && model.weights == whole.weights, "byte {at}");
                unnoticed += 1;
            }
        }
        assert!(unnoticed < 20, "{unnoticed} of {header}");
    }

    #[test]
    fn only_models_of_ours_are_taken_for_such() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        small().save(&at("m.safetensors")).unwrap();
        let data = vec![0u8; 8];
        let view = TensorView::new(Dtype::F32, vec![2], &data).unwrap();
        std::fs::write(at("foreign.safetensors"), safetensors::serialize([("w", view)], None).unwrap()).unwrap();
        std::fs::write(at("text.safetensors"), "{\"__metadata__\":{\"lamella\":\"x\"}}").unwrap();
        std::fs::write(at("empty.safetensors"), "").unwrap();
        let is_model = |name: &str| is_model_file(&at(name));
        let all = ["m.safetensors", "foreign.safetensors", "text.safetensors", "empty.safetensors", "none", "."];
        assert_eq!(all.map(is_model), [true, false, false, false, false, false]);
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
