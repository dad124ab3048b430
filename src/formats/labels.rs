//! Reading a file as labels.

use std::path::Path;

use super::annotations::complete;
use super::error::{FormatError, Result};
use super::found::{Entry, Ground};
use super::registry::Kind;
use super::{open_one, scan};
use crate::volume::{Annotations, LabelMap, Volume};
use crate::work::Watch;

/// Reads a file as labels; what the user must know goes to `warn`.
///
/// # Errors
/// When it cannot be read or holds values that are no labels.
pub fn read_labels(path: &Path, watch: Watch, warn: &dyn Fn(String)) -> Result<LabelMap> {
    let read = read_labels_in_file(path, None, watch)?;
    read.notice.into_iter().for_each(warn);
    Ok(read.labels)
}

/// Reads a file as labels, and what it and the files beside it say about them. Every label in the voxels has its entry in the table.
///
/// # Errors
/// As [`read_labels`].
pub fn read_annotated_labels(
    path: &Path,
    on: Option<&Ground>,
    watch: Watch,
    warn: &dyn Fn(String),
) -> Result<(LabelMap, Annotations)> {
    Ok(annotated(path, read_labels_in_file(path, on, watch)?, warn))
}

/// Reads all masks of a file, as [`read_layers`] does, and what it and the files beside it say about them.
///
/// # Errors
/// As [`read_layers`].
pub fn read_annotated_layers(
    path: &Path,
    on: Option<&Ground>,
    watch: Watch,
    warn: &dyn Fn(String),
) -> Result<Vec<(LabelMap, Annotations)>> {
    Ok(read_layers(path, on, watch)?.into_iter().map(|layer| annotated(path, layer, warn)).collect())
}

fn annotated(path: &Path, read: LabelsInFile, warn: &dyn Fn(String)) -> (LabelMap, Annotations) {
    let LabelsInFile { labels, annotations, warnings, notice } = read;
    let found = complete(path, annotations);
    warnings.into_iter().chain(notice).chain(found.warnings).for_each(warn);
    let mut annotations = found.annotations;
    if annotations.drop_stale_states(&labels) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        warn(format!(
            "{name} was changed by another program after slices in it were marked; names and colours are read, the marks are not."
        ));
    }
    annotations.table.cover(labels.voxel_counts().into_keys());
    (labels, annotations)
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

impl LabelsInFile {
    /// The labels that are a volume's values.
    ///
    /// # Errors
    /// For several frames, and for values that are no labels.
    pub(super) fn of(volume: Volume, path: &Path) -> Result<Self> {
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
        Ok(Self { labels, annotations: volume.annotations, warnings: volume.warnings, notice })
    }
}

/// Reads a file as labels, as they are in it: on the grid of `on` where the format can place them there, else on their own.
///
/// # Errors
/// As [`read_labels`]; also where the file holds several masks, because its segments overlap.
pub fn read_labels_in_file(path: &Path, on: Option<&Ground>, watch: Watch) -> Result<LabelsInFile> {
    read_mask(path, None, on, watch)
}

/// Reads the mask of this id or name, where a file holds several, and what it and the files beside it say about it.
///
/// # Errors
/// As [`read_annotated_labels`], and where there is no such mask.
pub fn read_chosen_labels(
    path: &Path,
    id: Option<&str>,
    on: Option<&Ground>,
    watch: Watch,
    warn: &dyn Fn(String),
) -> Result<(LabelMap, Annotations)> {
    Ok(annotated(path, read_mask(path, id, on, watch)?, warn))
}

fn read_mask(path: &Path, id: Option<&str>, on: Option<&Ground>, watch: Watch) -> Result<LabelsInFile> {
    let watch = watch.stage("Reading labels");
    let entries = mask_entries(path, watch)?;
    let chosen = match id {
        Some(id) => entries.iter().find(|entry| entry.id == id || entry.name == id),
        None if entries.len() == 1 => entries.first(),
        None => None,
    };
    if let Some(entry) = chosen {
        return entry.source.labels(on, watch);
    }
    if entries.is_empty() {
        return LabelsInFile::of(open_one(path, id, watch)?, path);
    }
    let named: Vec<String> = entries.iter().map(|entry| format!("{} ({})", entry.id, entry.name)).collect();
    let what = id.map_or_else(|| format!("it holds {} masks", entries.len()), |id| format!("it holds no mask {id:?}"));
    Err(FormatError::unsupported(
        path,
        format!(
            "{what}; open it in the window with its scan, or convert one of them with --series: {}",
            named.join(", ")
        ),
    ))
}

/// The masks that a path holds, where its headers tell that they are masks.
fn mask_entries(path: &Path, watch: Watch) -> Result<Vec<Entry>> {
    let is_mask = |entry: &Entry| matches!(entry.kind, Kind::Labels | Kind::Contours);
    Ok(scan(path, watch)?.entries.into_iter().filter(is_mask).collect())
}

/// Reads all masks of a file: several where its segments overlap. They lie on the grid of `on` where the format can place them there.
///
/// # Errors
/// When it cannot be read, holds no labels or several scans.
pub fn read_layers(path: &Path, on: Option<&Ground>, watch: Watch) -> Result<Vec<LabelsInFile>> {
    let watch = watch.stage("Reading labels");
    let masks = mask_entries(path, watch)?;
    if masks.is_empty() {
        return Ok(vec![LabelsInFile::of(open_one(path, None, watch)?, path)?]);
    }
    masks.into_iter().map(|entry| entry.source.labels(on, watch)).collect()
}
