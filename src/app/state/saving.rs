//! Files of segmentations: which they are, and what is being written.

use std::path::{Path, PathBuf};

use super::paths::{Mode, Purpose};
use crate::jobs::{FileStamp, file_stamp};
use crate::session::{Revision, SegmentationId};

/// A file that holds, or held, a segmentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFile {
    /// Where.
    pub path: PathBuf,
    /// What the disk said of it then: when it was written, and its size.
    stamp: Option<FileStamp>,
}

impl SavedFile {
    /// A file as it is now.
    pub fn new(path: &Path) -> Self {
        Self::as_it_was(path, file_stamp(path))
    }

    /// A file that was read or written when the disk said this of it.
    pub fn as_it_was(path: &Path, stamp: Option<FileStamp>) -> Self {
        Self { path: path.to_path_buf(), stamp }
    }

    /// Whether another program has written it since.
    pub fn is_changed(&self) -> bool {
        self.stamp.is_some() && file_stamp(&self.path).is_some_and(|now| Some(now) != self.stamp)
    }
}

/// A file that is there, while the user is asked whether to write over it.
#[derive(Debug)]
pub struct Replacing {
    /// What is to be written.
    pub purpose: Purpose,
    /// How it was chosen.
    pub mode: Mode,
    /// Where.
    pub path: PathBuf,
    /// What the user should know.
    pub why: &'static str,
}

/// Labels of a file on another grid than their scan's, while the user is asked whether they are resampled.
#[derive(Debug)]
pub struct OtherGrid {
    /// What they are read for.
    pub of: SegmentationId,
    /// The file.
    pub path: PathBuf,
    /// Which of its masks.
    pub id: Option<String>,
    /// In which respect the grids differ.
    pub difference: String,
}

/// The user's word on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacingAnswer {
    /// Write over it.
    Replace,
    /// Choose another name.
    Another,
    /// Write nothing.
    Cancel,
}

/// A segmentation that is being written, so that it is known what is on disk then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeingSaved {
    /// Which.
    pub of: SegmentationId,
    /// Where to.
    pub path: PathBuf,
    /// As it was.
    pub revision: Revision,
}

/// The last part of a path.
pub fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
