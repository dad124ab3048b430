//! The list of formats that can be written.

use std::path::Path;

use super::error::{FormatError, Result};
use super::{Watch, has_extension, nifti};
use crate::volume::{Annotations, Geometry, LabelMap, Volume};

/// A file format that can be written.
pub struct Writer {
    /// The format's name.
    pub name: &'static str,
    /// File name endings, the preferred one first.
    pub extensions: &'static [&'static str],
    volume: fn(&Path, &Volume, Watch) -> Result<()>,
    labels: fn(&Path, &LabelMap, &Annotations, Watch) -> Result<()>,
    notices: fn(&Path, &Geometry) -> Vec<String>,
}

/// Every writable format.
pub const WRITERS: &[Writer] = &[Writer {
    name: "NIfTI",
    extensions: &[".nii.gz", ".nii"],
    volume: nifti::write_volume,
    labels: nifti::write_labels,
    notices: |path, geometry| nifti::shear_notice(geometry).into_iter().chain(nifti::twin(path)).collect(),
}];

/// The writer of a file name.
///
/// # Errors
/// When the ending belongs to no writer; the message lists those that do.
pub fn writer_for(path: &Path) -> Result<&'static Writer> {
    WRITERS.iter().find(|writer| has_extension(path, writer.extensions)).ok_or_else(|| {
        let endings: Vec<_> = WRITERS.iter().flat_map(|w| w.extensions).copied().collect();
        FormatError::unsupported(path, format!("cannot write this file type; end the name in {}", endings.join(" or ")))
    })
}

/// Writes a scan on its own grid and in its stored type.
///
/// # Errors
/// A name that no format has, or a file that cannot be written.
pub fn write_volume(path: &Path, volume: &Volume, watch: Watch) -> Result<()> {
    (writer_for(path)?.volume)(path, volume, watch)
}

/// Writes a label map on its own grid, with names, colours and states of slices where the format has a place for them.
///
/// # Errors
/// A name that no format has, labels that its voxels cannot hold, or a file that cannot be written.
pub fn write_labels(path: &Path, labels: &LabelMap, annotations: &Annotations, watch: Watch) -> Result<()> {
    (writer_for(path)?.labels)(path, labels, annotations, watch)
}

/// What the user must be told of a file that was written with this grid.
pub fn notices_of_writing(path: &Path, geometry: &Geometry) -> Vec<String> {
    writer_for(path).map(|writer| (writer.notices)(path, geometry)).unwrap_or_default()
}
