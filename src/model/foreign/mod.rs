//! Networks of other programs become models: weights are matched by name, and what a file does not say is described by the user.
//!
//! **Invariant:** a network is only taken over when every tensor of it is found and no tensor is left that could belong to it.

mod choose;
mod describe;
mod families;
mod folder;
mod nnunet;
mod onnx;
mod part;

use std::path::{Path, PathBuf};

pub use describe::Description;
pub use onnx::{OnnxReport, is_own_onnx, save_onnx};

use super::checkpoint::{self, CheckpointError, Container};
use super::{Model, ModelError};
use crate::graph::onnx::OnnxError;

/// What was taken over, and what was not in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What the network was recognised as.
    pub network: String,
    /// Number of tensors that the network took.
    pub matched: usize,
    /// Tensors of the file that the network does not have, such as heads that only help training.
    pub left: Vec<String>,
    /// What the file does not say and was assumed.
    pub assumed: Vec<String>,
    /// What else is worth knowing: what a file beside it says, which of two copies was taken.
    pub notices: Vec<String>,
}

/// Why a file is no model for us.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// The file of weights.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The ONNX file.
    #[error("{problem} ({})", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: OnnxError,
    },
    /// A model of ours that is damaged.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file beside it, or the network in it.
    #[error("{problem} ({})", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Reads a model of ours or of another program; the kind of file is told by its content. Of a folder the file of weights in it is
/// read.
///
/// # Errors
/// When the network is none of those that are known, or something about it is not supported.
pub fn import(path: &Path, description: &Description) -> Result<(Model, Report), ForeignError> {
    let network = |problem: String| ForeignError::Network { path: path.into(), problem };
    let within = if path.is_dir() { Some(folder::weights(path).map_err(network)?) } else { None };
    let path = within.as_deref().unwrap_or(path);
    let network = |problem: String| ForeignError::Network { path: path.into(), problem };
    let bytes = checkpoint::bytes(path)?;
    let named_onnx = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx"));
    match checkpoint::kind(&bytes) {
        Container::Onnx => return of_onnx(path, description),
        // What has no mark of its own is judged by its ending.
        Container::SafeTensors if named_onnx => return of_onnx(path, description),
        Container::SafeTensors => match Model::from_bytes(&bytes, path) {
            Ok(model) => {
                description.refuse(&Description::ALL, "a model of Lamella says this itself").map_err(network)?;
                let report = Report {
                    network: format!("a model of Lamella, {}", model.spec.title),
                    matched: model.weights.len(),
                    ..Report::default()
                };
                return Ok((model, report));
            }
            Err(ModelError::Unspecified { .. }) => {}
            Err(error) => return Err(error.into()),
        },
        _ => {}
    }
    let checkpoint = checkpoint::from_bytes(&bytes, path)?;
    drop(bytes);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let config = families::config_beside(folder);
    choose::import(path, checkpoint, description, config.as_ref()).map_err(network)
}

fn of_onnx(path: &Path, description: &Description) -> Result<(Model, Report), ForeignError> {
    let network = |problem: String| ForeignError::Network { path: path.into(), problem };
    description.refuse(&Description::OF_WEIGHTS, "an ONNX file brings its network along").map_err(network)?;
    onnx::import(path, description)
}
