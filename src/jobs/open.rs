//! Reading label maps for a volume.

use std::path::Path;
use std::sync::Arc;

use super::{Cancel, JobError, Outcome, Progress, watch};
use crate::formats;
use crate::volume::{LabelMap, LabelTable, Volume};

/// Reads a file as labels.
///
/// # Errors
/// When it cannot be read or holds values that are no labels.
pub fn read_labels(path: &Path, cancel: &Cancel, progress: Progress) -> Result<LabelMap, JobError> {
    let volume = formats::open_one(path, None, &watch(progress, cancel, "Reading labels"))?;
    if volume.frame_count() > 1 {
        let frames = volume.frame_count();
        return Err(JobError::Other(format!("a label map has one frame, not {frames} ({})", path.display())));
    }
    LabelMap::from_volume(&volume, 0).map_err(|e| JobError::Other(format!("{e} ({})", path.display())))
}

pub(super) fn open_labels(
    path: &Path,
    volume: &Arc<Volume>,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Outcome, JobError> {
    let labels = read_labels(path, cancel, progress)?.placed_by(&volume.geometry);
    if !labels.geometry().lies_on(&volume.geometry) {
        return Err(JobError::Other(format!(
            "the labels lie on another grid than the image: {:?} voxels {} instead of {:?} {}, or moved; resample them \
             to the image first ({})",
            labels.geometry().shape(),
            labels.geometry().orientation().code(),
            volume.geometry.shape(),
            volume.geometry.orientation().code(),
            path.display()
        )));
    }
    let mut table = LabelTable::default();
    table.cover(labels.counts().into_keys());
    Ok(Outcome::Labels { labels, table, device: String::new(), probabilities: Vec::new() })
}
