//! Which images a scan was read from: what masks for other programs refer to.

use std::path::PathBuf;

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it was read from; it may not be there any more.
    pub path: PathBuf,
    /// SOP Class UID; empty where the file does not say it.
    pub class_uid: String,
    /// SOP Instance UID; empty where the file does not say it.
    pub instance_uid: String,
}

/// The image of one k slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceSlice {
    /// Index into [`SourceImages::files`].
    pub file: usize,
    /// Number of the frame in a file of several, from 1; none where the file is one image.
    pub frame: Option<u32>,
}

/// The DICOM images that a scan was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceImages {
    /// Study Instance UID; empty where the files do not say it.
    pub study_uid: String,
    /// Series Instance UID; empty where the files do not say it.
    pub series_uid: String,
    /// Whether the files say where the slices lie; else their places were made up, and are none of their frame of reference.
    pub is_placed: bool,
    /// The files.
    pub files: Vec<SourceFile>,
    /// The image of every k slice, of the first time point, then of the second, and so on; none for a slice that fills a gap.
    pub slices: Vec<Option<SourceSlice>>,
}
