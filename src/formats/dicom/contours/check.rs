//! Whether what was written as contours is the mask that was meant.

use std::path::Path;

use dicom::dictionary_std::tags;

use super::origin::Origin;
use super::paint::{fill, fit};
use super::source::{read_set, table_of};
use super::write::losses;
use crate::formats::Mask;
use crate::formats::dicom::fresh::NEW_SPACE;
use crate::formats::error::{FormatError, Result};
use crate::volume::LabelMap;
use crate::work::Watch;
use crate::work::numbers::share;

/// Reads a written file back, paints it on the mask's grid and compares.
///
/// # Errors
/// When it cannot be read, or is not what was meant.
pub fn check(path: &Path, mask: &Mask, watch: Watch) -> Result<String> {
    let grid = mask.labels.geometry();
    let set = read_set(path, watch.part(0.0, 0.3))?;
    let watch = watch.part(0.3, 1.0);
    let fit = fit(&set, grid, true, watch.quiet())?;
    let mut painted = LabelMap::empty(grid.clone());
    for (n, (roi, label)) in set.rois.iter().zip(table_of(path, &set)?).enumerate() {
        watch.at(share(n, set.rois.len()))?;
        fill(roi, grid, &fit, watch.quiet())?.put(label.value, &mut painted, watch.quiet())?;
    }
    if !painted.same_labels(mask.labels) {
        return Err(FormatError::unsupported(
            path,
            "what was written is not the mask when it is read back; write it again",
        ));
    }
    let contours: usize = set.rois.iter().map(|roi| roi.contours.len()).sum();
    let done = format!(
        "Read back: {} structures with {contours} contours give the same voxels, where a voxel belongs to a contour if its centre lies inside.",
        set.rois.len()
    );
    Ok(std::iter::once(done).chain(losses(mask)).chain(new_space(mask)).collect::<Vec<_>>().join(" "))
}

/// What is said where the images have no space that could be named.
fn new_space(mask: &Mask) -> Option<String> {
    let source = mask.source?;
    let origin = Origin::read(&source.files.first()?.path).ok()?;
    let has_space = source.is_placed && !origin.text(tags::FRAME_OF_REFERENCE_UID).is_empty();
    (!has_space).then(|| NEW_SPACE.into())
}
