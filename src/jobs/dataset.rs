//! Opening a folder of labelled scans.

use std::collections::BTreeSet;
use std::path::Path;

use super::train::load_case;
use super::{Cancel, JobError, JobEvent, Progress};
use crate::learn::Dataset;

/// Opens a data set; where nothing says which labels there are, every label file is read to find them.
///
/// # Errors
/// When the folder is of no known form or a file of it cannot be read.
pub fn open_dataset(folder: &Path, progress: Progress, cancel: &Cancel) -> Result<Dataset, JobError> {
    let mut dataset = Dataset::open(folder)?;
    if !dataset.is_described() {
        let (mut values, mut frames) = (BTreeSet::new(), 1);
        for (n, case) in dataset.cases.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(JobError::Stopped);
            }
            let fraction = n as f32 / dataset.cases.len() as f32;
            progress(JobEvent::Progress { fraction, stage: "Looking at the labels" });
            if n == 0 {
                frames = load_case(case, cancel).map_err(JobError::Other)?.0.frame_count();
            }
            values.extend(super::read_labels(&case.label, cancel, &|_| {})?.counts().into_keys());
        }
        dataset.describe(&values, frames)?;
        let names: Vec<_> = dataset.stored.iter().flatten().map(ToString::to_string).collect();
        progress(JobEvent::Warning(format!(
            "The labels have the values {}; a dataset.json with `labels` can name them.",
            names.join(", ")
        )));
    }
    Ok(dataset)
}
