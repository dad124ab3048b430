//! Reading labels for a volume.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JobError;
use super::grids::difference;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::edit::{Resampling, resample_labels};
use crate::formats::{Ground, read_annotated_layers, read_chosen_labels};
use crate::volume::{Annotations, Geometry, LabelMap, LabelTable, Maker, SliceKey, SliceState, Volume};
use crate::work::Watch;

/// Reads labels for a volume.
#[derive(Clone)]
pub struct OpenLabelsJob {
    /// The file.
    pub path: PathBuf,
    /// Which of its masks, where it holds several.
    pub id: Option<String>,
    /// The volume that they must lie on.
    pub volume: Arc<Volume>,
    /// How labels of another grid are brought onto the volume's; they are refused where the user has not chosen.
    pub resampling: Option<Resampling>,
}

/// Labels from a file, on the volume's grid.
#[derive(Debug, Clone)]
pub struct OpenedLabels {
    /// The labels.
    pub labels: LabelMap,
    /// Their names and colours.
    pub table: LabelTable,
    /// How far slices are, where the file says it.
    pub states: Vec<(SliceKey, SliceState)>,
    /// Who made what is in slices, where the file says it.
    pub makers: Vec<(SliceKey, Maker)>,
}

impl Job for OpenLabelsJob {
    type Output = OpenedLabels;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "open-labels", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Opening labels {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<OpenedLabels, JobError> {
        let Self { path, id, volume, resampling } = self;
        let warn = |text| work.warn(text);
        let read = read_chosen_labels(&path, id.as_deref(), Some(&Ground::of(&volume)), work.watch, &warn)?;
        let how =
            resampling.filter(|_| !read.0.clone().placed_by(&volume.geometry).geometry().lies_on(&volume.geometry));
        match how {
            Some(how) => resampled(read, &path, &volume, how, work),
            None => on_volume(read, &path, &volume),
        }
    }
}

/// All masks of a file on a volume's grid: several where its segments overlap.
///
/// # Errors
/// As [`OpenLabelsJob`].
pub(super) fn open_layers(path: &Path, volume: &Volume, work: &Work<()>) -> Result<Vec<OpenedLabels>, JobError> {
    let layers = read_annotated_layers(path, Some(&Ground::of(volume)), work.watch, &|text| work.warn(text))?;
    layers.into_iter().map(|layer| on_volume(layer, path, volume)).collect()
}

/// Labels of another grid on the volume's. Marks of slices are those of other slices, and are left out.
fn resampled(
    (labels, annotations): (LabelMap, Annotations),
    path: &Path,
    volume: &Volume,
    how: Resampling,
    work: &Work<()>,
) -> Result<OpenedLabels, JobError> {
    let labels = resampled_labels(&labels, path, &volume.geometry, how, work.watch.stage("Resampling"))?;
    Ok(OpenedLabels { labels, table: annotations.table, states: Vec::new(), makers: Vec::new() })
}

/// Labels of a file on a volume's grid.
///
/// # Errors
/// When the work is stopped, and when the file's labels lie beside the volume.
pub(crate) fn resampled_labels(
    labels: &LabelMap,
    path: &Path,
    grid: &Geometry,
    how: Resampling,
    watch: Watch,
) -> Result<LabelMap, JobError> {
    let found = resample_labels(labels, grid, how, watch)?;
    if found.voxel_counts().is_empty() && !labels.voxel_counts().is_empty() {
        let path = path.display();
        return Err(JobError::Other(format!(
            "no label of {path} lies within the scan: they belong to another place or patient"
        )));
    }
    Ok(found)
}

fn on_volume(
    (labels, annotations): (LabelMap, Annotations),
    path: &Path,
    volume: &Volume,
) -> Result<OpenedLabels, JobError> {
    let labels = labels.placed_by(&volume.geometry);
    if !labels.geometry().lies_on(&volume.geometry) {
        let difference = difference(labels.geometry(), &volume.geometry);
        return Err(JobError::OtherGrid { path: path.to_path_buf(), difference });
    }
    let Annotations { table, states, makers, .. } = annotations;
    Ok(OpenedLabels { labels, table, states, makers })
}
