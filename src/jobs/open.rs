//! Reading label maps for a volume.

use std::path::Path;
use std::sync::Arc;

use super::{JobError, JobEvent, Outcome, Progress};
use crate::formats;
use crate::volume::{Annotations, Geometry, LabelMap, Volume};
use crate::work::Watch;

/// Reads a file as labels; what the user must know goes to `progress` as warnings.
///
/// # Errors
/// When it cannot be read or holds values that are no labels.
pub fn read_labels(path: &Path, watch: Watch, progress: Progress) -> Result<LabelMap, JobError> {
    let read = read(path, watch)?;
    read.notice.into_iter().for_each(|text| progress(JobEvent::Warning(text)));
    Ok(read.labels)
}

/// Reads a file as labels, and what it and the files beside it say about them. Every label in the voxels has its entry in the table.
///
/// # Errors
/// As [`read_labels`].
pub fn read_annotated_labels(
    path: &Path,
    watch: Watch,
    progress: Progress,
) -> Result<(LabelMap, Annotations), JobError> {
    let Read { labels, annotations, warnings, notice } = read(path, watch)?;
    let found = formats::complete_annotations(path, annotations);
    let warn = |text: String| progress(JobEvent::Warning(text));
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
pub(super) struct Read {
    /// The labels.
    pub labels: LabelMap,
    /// What the file says about them.
    pub annotations: Annotations,
    /// What is doubtful about the file.
    pub warnings: Vec<String>,
    /// That its values had to be rounded.
    pub notice: Option<String>,
}

pub(super) fn read(path: &Path, watch: Watch) -> Result<Read, JobError> {
    let volume = formats::open_one(path, None, watch.stage("Reading labels"))?;
    if volume.frame_count() > 1 {
        let frames = volume.frame_count();
        return Err(JobError::Other(format!("a label map has one frame, not {frames} ({})", path.display())));
    }
    let rounded = LabelMap::rounded(&volume, 0);
    let (labels, furthest) = rounded.map_err(|e| JobError::Other(format!("{e} ({})", path.display())))?;
    let notice = (furthest > 0.0).then(|| {
        format!(
            "The labels in {} are up to {furthest:.1e} beside whole numbers, as programs leave them that calculate with labels; they \
             were rounded.",
            path.display()
        )
    });
    Ok(Read { labels, annotations: volume.annotations, warnings: volume.warnings, notice })
}

pub(super) fn open_labels(
    path: &Path,
    volume: &Arc<Volume>,
    progress: Progress,
    watch: Watch,
) -> Result<Outcome, JobError> {
    let (labels, annotations) = read_annotated_labels(path, watch, progress)?;
    let labels = labels.placed_by(&volume.geometry);
    if !labels.geometry().lies_on(&volume.geometry) {
        return Err(JobError::Other(format!(
            "the labels lie on another grid than the image: {}; resample them to the image first ({})",
            difference(labels.geometry(), &volume.geometry),
            path.display()
        )));
    }
    let Annotations { table, states, .. } = annotations;
    Ok(Outcome::Labels { labels, table, states, device: String::new(), probabilities: Vec::new() })
}

/// In which respect one grid differs from another, and by how much.
pub(super) fn difference(one: &Geometry, other: &Geometry) -> String {
    if one.shape() != other.shape() {
        return format!(
            "{:?} voxels {} instead of {:?} {}",
            one.shape(),
            one.orientation().code(),
            other.shape(),
            other.orientation().code()
        );
    }
    if one.orientation() != other.orientation() {
        return format!("its axes lead to {} instead of {}", one.orientation().code(), other.orientation().code());
    }
    let mut respects = Vec::new();
    let (a, b) = (one.spacing_mm(), other.spacing_mm());
    // Over the whole grid, in voxels of the other.
    let drift = (0..3).map(|axis| (a[axis] - b[axis]).abs() / b[axis] * one.shape()[axis] as f64).fold(0.0, f64::max);
    if drift > 1e-3 {
        respects.push(format!("the spacing is {} mm instead of {} mm", listed(a), listed(b)));
    }
    let angle = angle_degrees(one, other);
    if angle > 1e-3 {
        respects.push(format!("the axes are turned by {angle:.3} degrees"));
    }
    let (from, to) = (one.world_at([0; 3]), other.world_at([0; 3]));
    let moved = (0..3).map(|axis| (from[axis] - to[axis]).powi(2)).sum::<f64>().sqrt();
    if moved > 1e-3 * other.finest_mm() {
        respects.push(format!("the origin is {} mm instead of {} mm", listed(from), listed(to)));
    }
    let distance = one.distance_mm(other);
    format!(
        "voxels are up to {distance:.3} mm ({:.2} voxels) apart{}{}",
        distance / other.finest_mm(),
        if respects.is_empty() { "" } else { "; " },
        respects.join(", ")
    )
}

fn listed(values: [f64; 3]) -> String {
    // Enough digits to see a difference, no more than a float32 has.
    values.map(|v| format!("{}", (v * 1e4).round() / 1e4)).join(" x ")
}

/// The largest angle between the same axes of two grids.
fn angle_degrees(one: &Geometry, other: &Geometry) -> f64 {
    let angle = |axis: usize| {
        let (a, b) = (one.world_from_voxel().column(axis), other.world_from_voxel().column(axis));
        let dot: f64 = (0..3).map(|n| a[n] * b[n]).sum();
        let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
        cross.iter().map(|v| v * v).sum::<f64>().sqrt().atan2(dot).to_degrees()
    };
    (0..3).map(angle).fold(0.0, f64::max)
}
