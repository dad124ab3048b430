//! What can go wrong while a network runs.

use super::weights::WeightError;
use crate::graph::GraphError;
use crate::work::Stopped;
use crate::work::memory::OutOfMemory;

/// What went wrong while running a network.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The device or its library failed.
    #[error("the network could not be run: {what}")]
    Failed {
        /// In its own words.
        what: String,
        /// Whether a device had no memory left.
        lacks_memory: bool,
    },
    /// The input does not fit the network.
    #[error("the network does not fit its input: {0}")]
    Graph(#[source] GraphError),
    /// Its maps need more memory than there is.
    #[error("the network cannot be run: {0}")]
    Memory(#[from] OutOfMemory),
    /// The weights do not fit the network.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The caller stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The architecture cannot be built.
    #[error("{0}")]
    Architecture(String),
    /// A named device is not there.
    #[error("the device {name} cannot be used: {reason}")]
    Device {
        /// As the user named it.
        name: String,
        /// Why.
        reason: String,
    },
}

impl From<GraphError> for EngineError {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Memory(error) => Self::Memory(error),
            other => Self::Graph(other),
        }
    }
}

impl EngineError {
    /// A failure that is not a lack of memory.
    pub(super) fn failed(what: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), lacks_memory: false }
    }

    /// Whether a device had no memory left.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Failed { lacks_memory: true, .. })
    }
}

/// Result of this room.
pub type Result<T> = std::result::Result<T, EngineError>;
