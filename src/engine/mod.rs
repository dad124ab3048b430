//! Running a graph: tensors, kernels, losses, optimisers.
//!
//! **Invariant:** outside this room there are only plain slices of numbers; nobody else names candle.
//! **Invariant:** every gradient is exact on every device, checked against PyTorch; where candle's own backward pass is
//! wrong or missing it is not used.
//! **Invariant:** a device that fails or runs out of memory is replaced by the CPU with a notice, never silently.
//!
//! Deliberately absent: images, files, schedules.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes and indices of arrays that fit in memory"
)]

mod array;
mod candle;
mod cpu;
mod device;
mod losses;
mod memory;
mod random;
mod weights;

use crate::graph::GraphError;
use crate::work::memory::OutOfMemory;

pub use crate::work::memory::free_bytes as free_memory_bytes;
pub use array::Array;
pub use candle::{Gradients, Mode, Network, Optimiser, OptimiserState, Pass, Recipe, StageTimes, is_in_scopes};
pub use cpu::allocator::KeepFreedMemory;
pub use cpu::compiled::training::Activations;
pub use device::{DeviceChoice, DeviceFacts, available_devices, list_devices};
pub use losses::{LossGradient, SegmentationLoss, bce_with_logits, cross_entropy, soft_dice};
pub use memory::{inference_memory_bytes, training_memory_bytes};
pub use random::Random;
pub use weights::{WeightError, Weights, check as check_weights, initial_weights};

/// Which implementation of the operations runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Our kernels where the device is the CPU, compositions of candle's operations elsewhere.
    Best,
    /// Compositions of candle's operations everywhere: what GPUs run, testable on the CPU.
    Composed,
}

/// What went wrong while running a network.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The tensor library reported it.
    #[error("the network could not be run: {0}")]
    Tensor(#[from] candle_core::Error),
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
    #[error("stopped")]
    Stopped,
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
    /// Whether a device had no memory left, in the words of CUDA, cuDNN, cuBLAS or Metal.
    pub fn is_out_of_memory(&self) -> bool {
        let Self::Tensor(error) = self else { return false };
        let text = error.to_string().to_ascii_lowercase();
        ["out of memory", "out_of_memory", "alloc_failed", "failed to create resource", "failedtocreateresource"]
            .iter()
            .any(|words| text.contains(words))
    }
}

/// Result of this room.
pub type Result<T> = std::result::Result<T, EngineError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_memory_is_told_from_other_failures() {
        let said = |text: &str| EngineError::from(candle_core::Error::Msg(text.into())).is_out_of_memory();
        assert!(said("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"));
        assert!(said("CUBLAS_STATUS_ALLOC_FAILED"));
        assert!(said("FailedToCreateResource(\"Buffer\")"));
        assert!(!said("DriverError(CUDA_ERROR_LAUNCH_FAILED, \"unspecified launch failure\")"));
        assert!(!EngineError::Stopped.is_out_of_memory());
    }
}
