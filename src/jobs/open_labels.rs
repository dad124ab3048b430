//! Reading labels for a volume.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JobError;
use super::grids::difference;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::edit::{Resampling, resample_labels};
use crate::formats::{Ground, read_annotated_layers, read_chosen_labels};
use crate::volume::{
    Annotations, Geometry, LabelCounts, LabelMap, LabelTable, LabelValue, Maker, SliceKey, SliceState, Volume,
};
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
    let watch = work.watch.stage("Resampling");
    let (labels, notices) = resampled_labels((&labels, &annotations.table), path, &volume.geometry, how, watch)?;
    notices.into_iter().for_each(|notice| work.warn(notice));
    Ok(OpenedLabels { labels, table: annotations.table, states: Vec::new(), makers: Vec::new() })
}

/// Labels of a file on a volume's grid, and what of them is not on it.
///
/// # Errors
/// When the work is stopped, and when the file's labels lie beside the volume.
pub(crate) fn resampled_labels(
    (labels, table): (&LabelMap, &LabelTable),
    path: &Path,
    grid: &Geometry,
    how: Resampling,
    watch: Watch,
) -> Result<(LabelMap, Vec<String>), JobError> {
    let found = resample_labels(labels, grid, how, watch)?;
    let (before, after) = (labels.voxel_counts(), found.voxel_counts());
    if after.is_empty() && !before.is_empty() {
        let path = path.display();
        return Err(JobError::Other(format!(
            "no label of {path} lies within the scan: they belong to another place or patient"
        )));
    }
    let outside = outside_of(labels, grid);
    let named = |value: LabelValue| match table.get(value) {
        Some(label) if !label.is_unnamed() => format!("{} ({value})", label.name),
        _ => format!("label {value}"),
    };
    let mut notices = Vec::new();
    for (value, voxels) in before.iter().filter(|(value, _)| !after.contains_key(*value)) {
        let why = match outside.get(value) {
            Some(beside) if beside == voxels => "it lies outside of the scan",
            _ => "it is thinner than the scan's voxels",
        };
        notices.push(format!("{} has no voxel left of {voxels}: {why}.", named(*value)));
    }
    for (value, beside) in outside.iter().filter(|(value, _)| after.contains_key(*value)) {
        let all = before.get(value).copied().unwrap_or(*beside);
        notices.push(format!("{beside} of {all} voxels of {} lie outside of the scan and are lost.", named(*value)));
    }
    Ok((found, notices))
}

/// Voxels of each label whose middle lies outside of a grid.
fn outside_of(labels: &LabelMap, grid: &Geometry) -> LabelCounts {
    let shape = grid.shape();
    let (own, theirs) = (labels.geometry().world_from_voxel(), grid.voxel_from_world());
    let mut outside = LabelCounts::new();
    labels.for_each_labelled(|voxel, label| {
        let at = theirs.point(own.point(voxel.map(|n| n as f64)));
        // Half a voxel belongs to the outermost ones.
        let is_inside = (0..3).all(|axis| at[axis] >= -0.5 && at[axis] <= shape[axis] as f64 - 0.5);
        if !is_inside {
            *outside.entry(label).or_insert(0) += 1;
        }
    });
    outside
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Label, Rescale, Voxels};

    #[test]
    fn what_resampling_loses_is_said() {
        let grid = |spacing: f64, shape| {
            let columns = [[spacing, 0.0, 0.0], [0.0, spacing, 0.0], [0.0, 0.0, spacing]];
            Geometry::new(shape, Affine::from_columns(columns, [0.0; 3])).unwrap()
        };
        let coarse = grid(4.0, [5, 5, 5]);
        let voxels = Voxels::U8(Arc::new(vec![0; 125]));
        let scan = Volume::new(coarse, voxels, vec![], Rescale::IDENTITY, String::new());
        // A block that reaches beyond the scan (x up to 18 mm), a thread between the coarse voxels, and a dot far away.
        let labels = LabelMap::from_fn(grid(1.0, [40, 40, 40]), |[i, j, k]| match [i, j, k] {
            [39, 39, 39] => 5,
            [i, 2, 2] if i < 16 => 2,
            [_, 4..=12, 4..=12] => 1,
            _ => 0,
        });
        let table = LabelTable(vec![Label::new(2, "Vessel")]);
        let at = Path::new("mask.nii.gz");
        let resampled = |labels: &LabelMap| {
            resampled_labels((labels, &table), at, &scan.geometry, Resampling::Nearest, Watch::unwatched())
        };
        let (found, notices) = resampled(&labels).unwrap();
        assert_eq!(found.voxel_counts().into_keys().collect::<Vec<_>>(), [1]);
        // 40 voxels long, of which those up to 18 mm are inside.
        assert_eq!(
            notices,
            [
                "Vessel (2) has no voxel left of 16: it is thinner than the scan's voxels.",
                "label 5 has no voxel left of 1: it lies outside of the scan.",
                "1701 of 3240 voxels of label 1 lie outside of the scan and are lost.",
            ]
        );
        let beside = LabelMap::from_fn(grid(1.0, [40, 40, 40]), |[i, ..]| LabelValue::from(i == 39));
        assert!(resampled(&beside).unwrap_err().to_string().contains("another place or patient"));
    }
}
