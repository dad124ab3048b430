//! Why a job gave no result.

use crate::formats::FormatError;
use crate::learn::MarkedError;
use crate::work::Stopped;

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A file.
    #[error(transparent)]
    Format(FormatError),
    /// A model.
    #[error(transparent)]
    Library(#[from] crate::model::LibraryError),
    /// A model file.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    /// A network of another program.
    #[error(transparent)]
    Foreign(#[from] crate::model::foreign::ForeignError),
    /// A segmentation.
    #[error(transparent)]
    Segment(crate::pipeline::SegmentError),
    /// The engine.
    #[error(transparent)]
    Engine(crate::engine::EngineError),
    /// A training.
    #[error(transparent)]
    Fit(crate::learn::FitError),
    /// An operation on labels.
    #[error(transparent)]
    Operation(crate::edit::operations::OperationError),
    /// A data set.
    #[error(transparent)]
    Dataset(#[from] crate::learn::DatasetError),
    /// A server of images.
    #[error(transparent)]
    Remote(crate::remote::RemoteError),
    /// A sheet of slices.
    #[error(transparent)]
    Sheet(crate::drawing::SheetError),
    /// Strokes.
    #[error(transparent)]
    Seeds(crate::edit::SeedError),
    /// Strokes that a network answers.
    #[error(transparent)]
    Touch(crate::pipeline::TouchError),
    /// Labels on another grid than their image, which the user may let be resampled.
    #[error(
        "the labels lie on another grid than the image: {difference} ({path}). Resample them to it: lamella convert MASK -o NEW --reference \
         SCAN --resample shape", path = path.display()
    )]
    OtherGrid {
        /// Their file.
        path: std::path::PathBuf,
        /// In which respect and by how much.
        difference: String,
    },
    /// Not enough memory.
    #[error(transparent)]
    Memory(#[from] crate::work::memory::OutOfMemory),
    /// A fault of the program itself.
    #[error("{0}")]
    Broken(String),
    /// Anything else, said for the user.
    #[error("{0}")]
    Other(String),
}

impl JobError {
    /// Whether the user's own stop is the reason.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }
}

/// A stop is a stop wherever it was noticed.
macro_rules! from_room {
    ($variant:ident, $error:path) => {
        impl From<$error> for JobError {
            fn from(error: $error) -> Self {
                use $error as Room;
                match error {
                    Room::Stopped(stopped) => Self::Stopped(stopped),
                    other => Self::$variant(other),
                }
            }
        }
    };
}

from_room!(Format, crate::formats::FormatError);
from_room!(Segment, crate::pipeline::SegmentError);
from_room!(Engine, crate::engine::EngineError);
from_room!(Fit, crate::learn::FitError);
from_room!(Remote, crate::remote::RemoteError);
from_room!(Seeds, crate::edit::SeedError);
from_room!(Sheet, crate::drawing::SheetError);
from_room!(Touch, crate::pipeline::TouchError);
from_room!(Operation, crate::edit::operations::OperationError);

impl From<MarkedError> for JobError {
    fn from(error: MarkedError) -> Self {
        match error {
            MarkedError::Stopped(stopped) => Self::Stopped(stopped),
            MarkedError::Format(error) => Self::Format(error),
            MarkedError::Refused(text) => Self::Other(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineError;
    use crate::learn::FitError;
    use crate::pipeline::SegmentError;

    #[test]
    fn a_stop_is_told_apart_wherever_it_came_from() {
        assert!(JobError::from(SegmentError::from(EngineError::Stopped(Stopped))).is_stop());
        assert!(JobError::from(FitError::from(EngineError::Stopped(Stopped))).is_stop());
        assert!(JobError::from(FormatError::Stopped(Stopped)).is_stop());
        assert!(
            JobError::from(EngineError::Stopped(Stopped)).is_stop() && !JobError::Other("stopped".into()).is_stop()
        );
    }
}
