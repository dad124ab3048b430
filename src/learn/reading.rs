//! From files to labelled scans: reading cases and checking them against the data set's description.

use std::collections::BTreeMap;

use super::dataset::{CaseFiles, Dataset};
use super::error::FitError;
use crate::volume::{LabelMap, Volume};
use crate::work::{Stopped, Watch};

/// Reads the files of a case.
pub type Loader<'a> = &'a (dyn Fn(&CaseFiles) -> Result<(Volume, LabelMap), String> + Sync);

/// A case as it is in its files.
#[derive(Clone)]
pub struct LabelledScan {
    /// Name.
    pub name: String,
    /// Image.
    pub image: Volume,
    /// Labels on its grid.
    pub labels: LabelMap,
}

/// Labels beside their image by less than this share of the finest spacing are moved onto it.
const REPAIRED_SHARE: f64 = 0.1;

/// Reads a case and checks it against the data set's description; says what was repaired.
///
/// # Errors
/// Names the case and what is wrong with it.
pub fn read_case(
    dataset: &Dataset,
    name: &str,
    load: Loader,
    notice: &mut dyn FnMut(String),
) -> Result<LabelledScan, FitError> {
    let error = |problem: String| FitError::Case { name: name.into(), problem };
    let files = dataset.case(name).ok_or_else(|| error("is not in the data set".into()))?;
    let (image, mut labels) = load(files).map_err(error)?;
    let (of_image, of_labels) = (image.geometry.shape(), labels.geometry().shape());
    let label_file = files.label.display();
    let image_file = files.images.first().map(|file| file.display().to_string()).unwrap_or_default();
    if of_image != of_labels {
        return Err(error(format!(
            "the image has {of_image:?} voxels, its labels have {of_labels:?} ({image_file}, {label_file})"
        )));
    }
    labels = labels.placed_by(&image.geometry);
    if !labels.geometry().lies_on(&image.geometry) {
        let finest = image.geometry.finest_mm();
        if !image.geometry.matches(labels.geometry(), REPAIRED_SHARE * finest) {
            return Err(error(format!(
                "the labels lie beside the image by {:.1} of its voxels of {finest} mm; resample them to the image ({})",
                image.geometry.distance_mm(labels.geometry()) / finest,
                files.label.display()
            )));
        }
        labels = labels.on(&image.geometry);
        notice(format!("case {name}: the labels lay beside the image by less than a tenth of a voxel; moved onto it"));
    }
    let statistics = image.statistics();
    if statistics.nan_count + statistics.infinite_count > 0 {
        let count = statistics.nan_count + statistics.infinite_count;
        return Err(error(format!("{count} voxels of the image are no numbers; replace them before training")));
    }
    if let Some(stored) = &dataset.stored {
        let unchosen = dataset.unchosen.iter().map(|&value| (value, 0));
        let of_value: BTreeMap<u16, u16> = stored.iter().copied().zip(0..).chain(unchosen).collect();
        labels = labels
            .mapped(|value| of_value.get(&value).copied())
            .map_err(|value| error(unknown_label(dataset, files, value)))?;
    }
    let channels = dataset.channels.len().max(1);
    if image.frame_count() != channels {
        return Err(error(format!(
            "the image has {} channels, the data set has {channels} ({}) ({image_file}; {})",
            image.frame_count(),
            dataset.channels.join(", "),
            source(dataset)
        )));
    }
    let known = |label: u16| usize::from(label) < dataset.labels.len() || dataset.ignore == Some(label);
    if let Some(other) = labels.counts().into_keys().find(|&label| !known(label)) {
        return Err(error(unknown_label(dataset, files, other)));
    }
    Ok(LabelledScan { name: name.into(), image, labels })
}

/// Reads several cases, one after the other.
///
/// # Errors
/// As of [`read_case`], and when the work is stopped.
pub fn read_cases(
    dataset: &Dataset,
    names: &[String],
    load: Loader,
    watch: Watch,
    notice: &mut dyn FnMut(String),
) -> Result<Vec<LabelledScan>, FitError> {
    let mut cases = Vec::with_capacity(names.len());
    for (n, name) in names.iter().enumerate() {
        watch.at(n as f32 / names.len() as f32)?;
        // A file that was not read to its end is no damaged one.
        let stopped = |error| if watch.should_stop() { FitError::Stopped(Stopped) } else { error };
        cases.push(read_case(dataset, name, load, notice).map_err(stopped)?);
    }
    Ok(cases)
}

/// Where a data set is from, for messages.
fn source(dataset: &Dataset) -> String {
    let folder = &dataset.folder;
    if folder.as_os_str().is_empty() { dataset.name.clone() } else { folder.display().to_string() }
}

/// A label of a case that its data set does not name: both sides, with their files.
fn unknown_label(dataset: &Dataset, files: &CaseFiles, value: u16) -> String {
    let value_of = |place: u16| match &dataset.stored {
        Some(stored) => stored.get(usize::from(place)).copied().unwrap_or(place),
        None => place,
    };
    let named: Vec<String> =
        dataset.labels.iter().map(|(place, name)| format!("{} {name}", value_of(*place))).collect();
    format!(
        "label {value} is not among those of the data set, {} ({}; {})",
        named.join(", "),
        files.label.display(),
        source(dataset)
    )
}
