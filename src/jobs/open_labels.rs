//! Reading labels for a volume.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JobError;
use super::grids::difference;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::formats::{read_annotated_layers, read_chosen_labels};
use crate::volume::{Annotations, LabelMap, LabelTable, Maker, SliceKey, SliceState, Volume};

/// Reads labels for a volume.
#[derive(Clone)]
pub struct OpenLabelsJob {
    /// The file.
    pub path: PathBuf,
    /// Which of its masks, where it holds several.
    pub id: Option<String>,
    /// The volume that they must lie on.
    pub volume: Arc<Volume>,
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
        let Self { path, id, volume } = self;
        let warn = |text| work.warn(text);
        let read = read_chosen_labels(&path, id.as_deref(), Some(&volume), work.watch, &warn)?;
        on_volume(read, &path, &volume)
    }
}

/// All masks of a file on a volume's grid: several where its segments overlap.
///
/// # Errors
/// As [`OpenLabelsJob`].
pub(super) fn open_layers(path: &Path, volume: &Volume, work: &Work<()>) -> Result<Vec<OpenedLabels>, JobError> {
    let layers = read_annotated_layers(path, Some(volume), work.watch, &|text| work.warn(text))?;
    layers.into_iter().map(|layer| on_volume(layer, path, volume)).collect()
}

fn on_volume(
    (labels, annotations): (LabelMap, Annotations),
    path: &Path,
    volume: &Volume,
) -> Result<OpenedLabels, JobError> {
    let labels = labels.placed_by(&volume.geometry);
    if !labels.geometry().lies_on(&volume.geometry) {
        return Err(JobError::Other(format!(
            "the labels lie on another grid than the image: {}; resample them to the image first ({})",
            difference(labels.geometry(), &volume.geometry),
            path.display()
        )));
    }
    let Annotations { table, states, makers, .. } = annotations;
    Ok(OpenedLabels { labels, table, states, makers })
}
