//! Opening a folder of labelled scans.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::train::load_case;
use super::{Cancel, JobError, JobEvent, Progress};
use crate::learn::{Dataset, Split};

/// Opens a data set; where nothing says which labels there are, every label file is read to find them.
///
/// # Errors
/// When the folder is of no known form or a file of it cannot be read.
pub fn open_dataset(folder: &Path, progress: Progress, cancel: &Cancel) -> Result<Dataset, JobError> {
    let mut dataset = Dataset::open(folder)?;
    dataset.notices.iter().for_each(|notice| progress(JobEvent::Warning(notice.clone())));
    if !dataset.has_channels() {
        let frames = match dataset.cases.first().map(|case| load_case(case, cancel, &|_| {})) {
            Some(Ok((image, _))) => image.frame_count(),
            Some(Err(_)) if cancel.is_cancelled() => return Err(JobError::Stopped),
            Some(Err(problem)) => return Err(JobError::Other(problem)),
            None => 1,
        };
        dataset.describe_channels(frames);
    }
    if !dataset.has_labels() {
        let mut values = BTreeSet::new();
        for (n, case) in dataset.cases.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(JobError::Stopped);
            }
            let fraction = n as f32 / dataset.cases.len() as f32;
            progress(JobEvent::Progress { fraction, stage: "Looking at the labels" });
            values.extend(super::read_labels(&case.label, cancel, &|_| {})?.counts().into_keys());
        }
        dataset.describe_labels(&values)?;
        let names: Vec<_> = dataset.stored.iter().flatten().map(ToString::to_string).collect();
        progress(JobEvent::Warning(format!(
            "The labels have the values {}; a dataset.json with `labels` can name them.",
            names.join(", ")
        )));
    }
    Ok(dataset)
}

/// What a folder of labelled scans holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetFacts {
    /// The folder.
    pub folder: PathBuf,
    /// Its scans, as they are split where nobody chooses.
    pub split: Split,
    /// Names of the labels, without the background.
    pub labels: Vec<String>,
}

/// Looks at a folder of labelled scans.
///
/// # Errors
/// As [`open_dataset`].
pub fn look_at_dataset(folder: &Path, progress: Progress, cancel: &Cancel) -> Result<DatasetFacts, JobError> {
    // What there is to warn about is said when it is learned from.
    let quiet = |event: JobEvent| {
        if matches!(event, JobEvent::Progress { .. }) {
            progress(event);
        }
    };
    let dataset = open_dataset(folder, &quiet, cancel)?;
    let split = dataset.default_split();
    let labels = dataset.labels.into_values().skip(1).collect();
    Ok(DatasetFacts { folder: folder.into(), split, labels })
}
