//! What can go wrong with a file, said so that the user knows which file and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::work::Stopped;
use crate::work::memory::OutOfMemory;

/// A reader's or writer's failure.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The operating system could not read the file.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The operating system could not write the file.
    #[error("cannot write {}: {source}; check the folder's space and permissions", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file breaks its own format.
    #[error("{problem} ({})", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the field and its value.
        problem: String,
    },
    /// The file is valid, but this version cannot show it rightly.
    #[error("{reason} ({})", path.display())]
    Unsupported {
        /// The file or folder.
        path: PathBuf,
        /// What it is and what to do instead.
        reason: String,
    },
    /// The file is too large for the memory that is left.
    #[error("{} does not fit into memory: {source}", path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// How much was wanted and how much is free.
        source: OutOfMemory,
    },
    /// No reader or writer feels responsible.
    #[error("no known image format; {} can be opened ({})", super::readable_names(), path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// The user stopped the work.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl FormatError {
    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        match source.get_ref().and_then(|inner| inner.downcast_ref::<OutOfMemory>()) {
            Some(&memory) => Self::memory(path, memory),
            None => Self::Read { path: path.into(), source },
        }
    }

    pub(super) fn memory(path: &Path, source: OutOfMemory) -> Self {
        Self::Memory { path: path.into(), source }
    }

    pub(super) fn malformed(path: &Path, problem: impl Into<String>) -> Self {
        Self::Malformed { path: path.into(), problem: problem.into() }
    }

    pub(super) fn unsupported(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unsupported { path: path.into(), reason: reason.into() }
    }
}

/// Result of a reader or writer.
pub type Result<T> = std::result::Result<T, FormatError>;
