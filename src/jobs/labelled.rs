//! Folders of labelled scans: opening one, and reading its cases.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::error::JobError;
use super::job::Warn;
use crate::formats::{self, read_labels};
use crate::learn::{CaseFiles, Dataset, Endings, LabelledScan, read_case};
use crate::volume::{LabelMap, Volume, stack_frames};
use crate::work::{Stopped, Watch};

/// Opens a data set; where nothing says which labels there are, every label file is read to find them.
///
/// # Errors
/// When the folder is of no known form or a file of it cannot be read.
pub(super) fn open_dataset(folder: &Path, watch: Watch, warn: Warn) -> Result<Dataset, JobError> {
    let mut dataset = Dataset::open(folder, Endings::of_formats())?;
    dataset.notices.iter().cloned().for_each(warn);
    if !dataset.has_channels() {
        let frames = match dataset.cases.first() {
            Some(case) => load_case(case, watch, &|_| {})?.0.frame_count(),
            None => 1,
        };
        dataset.describe_channels(frames);
    }
    if !dataset.has_labels() {
        let mut values = BTreeSet::new();
        for (n, case) in dataset.cases.iter().enumerate() {
            watch.stage("Looking at the labels").at(n as f32 / dataset.cases.len() as f32)?;
            values.extend(read_labels(&case.label, watch.quiet(), &|_| {})?.counts().into_keys());
        }
        dataset.describe_labels(&values)?;
        let names: Vec<_> = dataset.stored.iter().flatten().map(ToString::to_string).collect();
        warn(format!("The labels have the values {}; a dataset.json with `labels` can name them.", names.join(", ")));
    }
    Ok(dataset)
}

/// Reads a case; several image files become the frames of one volume. Labels that had to be rounded are told of.
///
/// # Errors
/// When a file cannot be read, or the work is stopped.
pub fn load_case(files: &CaseFiles, watch: Watch, warn: Warn) -> Result<(Volume, LabelMap), JobError> {
    let watch = watch.quiet();
    let open = |image: &PathBuf| formats::open_one(image, None, watch);
    let mut volumes = files.images.iter().map(open).collect::<Result<Vec<Volume>, _>>()?;
    let volume =
        if volumes.len() == 1 { volumes.remove(0) } else { stack_frames(&volumes).map_err(JobError::Other)? };
    Ok((volume, read_labels(&files.label, watch, warn)?))
}

/// Reads a case and checks it against its data set.
///
/// # Errors
/// Names the case and what is wrong with it.
pub(super) fn read_scan(dataset: &Dataset, name: &str, watch: Watch, warn: Warn) -> Result<LabelledScan, JobError> {
    let load = |files: &CaseFiles| load_case(files, watch, warn).map_err(|error| error.to_string());
    let scan = read_case(dataset, name, &load, &mut |notice| warn(notice));
    // A file that was not read to its end is no damaged one.
    scan.map_err(|error| if watch.should_stop() { Stopped.into() } else { error.into() })
}
