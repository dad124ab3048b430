//! What a segmentation tells, and why there is none.

use crate::engine::EngineError;
use crate::volume::LabelMap;
use crate::work::Stopped;

/// News from a running segmentation.
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
pub enum SegmentEvent {
    /// Some slices are done. The labels so far are a snapshot; where several axes are averaged, those of the first ones are in it.
    Slices {
        /// How many are done.
        done: usize,
        /// How many there are.
        count: usize,
        /// Labels so far.
        labels: LabelMap,
    },
    /// Something the user must know.
    Notice(String),
    /// How long each part took, at the end.
    Took(SegmentSeconds),
}

/// Seconds of a segmentation's parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct SegmentSeconds {
    /// Normalisation and resampling to the network's grid.
    pub prepare: f64,
    /// The network.
    pub network: f64,
    /// Probabilities, and labels on the volume's grid.
    pub labels: f64,
}

impl SegmentSeconds {
    /// The sum of both.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            prepare: self.prepare + other.prepare,
            network: self.network + other.network,
            labels: self.labels + other.labels,
        }
    }
}

/// Why there is no segmentation.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The network failed.
    #[error(transparent)]
    Engine(EngineError),
    /// The image does not suit the model.
    #[error("{0}")]
    Image(String),
}

impl From<EngineError> for SegmentError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Stopped(stopped) => Self::Stopped(stopped),
            other => Self::Engine(other),
        }
    }
}

/// Is shown every voxel `[i, j, k]` once, with the probabilities of all classes.
pub type VoxelVisitor<'a> = &'a mut dyn FnMut([usize; 3], &[f32]);
