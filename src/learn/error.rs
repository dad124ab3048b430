//! Why something could not be learned.

use std::path::PathBuf;

use super::dataset::DatasetError;
use crate::engine::EngineError;
use crate::work::Stopped;

/// Why training ended without a model.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The user stopped before the first step.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The data set does not hold what was chosen.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A case cannot be used.
    #[error("case {name}: {problem}")]
    Case {
        /// Its name.
        name: String,
        /// Why.
        problem: String,
    },
    /// The file of a prepared case, which holds what does not fit into the memory, failed.
    #[error("the prepared slices in {} {problem}; continue the training, which makes the file anew where it has to", path.display())]
    Slices {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The network failed.
    #[error(transparent)]
    Engine(EngineError),
    /// The architecture cannot be built.
    #[error(transparent)]
    Zoo(#[from] crate::zoo::ZooError),
    /// The plan does not fit the data.
    #[error("{0}")]
    Plan(String),
}

impl From<EngineError> for FitError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Stopped(stopped) => Self::Stopped(stopped),
            other => Self::Engine(other),
        }
    }
}
