//! Reading a file as labels.

use std::path::Path;

use super::annotations::complete;
use super::error::{FormatError, Result};
use super::open_one;
use crate::volume::{Annotations, LabelMap};
use crate::work::Watch;

/// Reads a file as labels; what the user must know goes to `warn`.
///
/// # Errors
/// When it cannot be read or holds values that are no labels.
pub fn read_labels(path: &Path, watch: Watch, warn: &dyn Fn(String)) -> Result<LabelMap> {
    let read = read_labels_in_file(path, watch)?;
    read.notice.into_iter().for_each(warn);
    Ok(read.labels)
}

/// Reads a file as labels, and what it and the files beside it say about them. Every label in the voxels has its entry in the table.
///
/// # Errors
/// As [`read_labels`].
pub fn read_annotated_labels(path: &Path, watch: Watch, warn: &dyn Fn(String)) -> Result<(LabelMap, Annotations)> {
    let LabelsInFile { labels, annotations, warnings, notice } = read_labels_in_file(path, watch)?;
    let found = complete(path, annotations);
    warnings.into_iter().chain(notice).chain(found.warnings).for_each(warn);
    let mut annotations = found.annotations;
    if annotations.drop_stale_states(&labels) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        warn(format!(
            "{name} was changed by another program after slices in it were marked; names and colours are read, the marks are not."
        ));
    }
    annotations.table.cover(labels.counts().into_keys());
    Ok((labels, annotations))
}

/// A mask as it is in its file.
pub struct LabelsInFile {
    /// The labels.
    pub labels: LabelMap,
    /// What the file says about them.
    pub annotations: Annotations,
    /// What is doubtful about the file.
    pub warnings: Vec<String>,
    /// That its values had to be rounded.
    pub notice: Option<String>,
}

/// Reads a file as labels, as they are in it.
///
/// # Errors
/// As [`read_labels`].
pub fn read_labels_in_file(path: &Path, watch: Watch) -> Result<LabelsInFile> {
    let volume = open_one(path, None, watch.stage("Reading labels"))?;
    if volume.frame_count() > 1 {
        let frames = volume.frame_count();
        return Err(FormatError::unsupported(path, format!("a label map has one frame, not {frames}")));
    }
    let rounded = LabelMap::rounded(&volume, 0);
    let (labels, furthest) = rounded.map_err(|e| FormatError::unsupported(path, e.to_string()))?;
    let notice = (furthest > 0.0).then(|| {
        format!(
            "The labels in {} are up to {furthest:.1e} beside whole numbers, as programs leave them that calculate with labels; they \
             were rounded.",
            path.display()
        )
    });
    Ok(LabelsInFile { labels, annotations: volume.annotations, warnings: volume.warnings, notice })
}
