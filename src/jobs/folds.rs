//! Cross-validation: a model for each fold, and all of them as one.

use std::path::{Path, PathBuf};

use super::train::{SplitChoice, TrainJob, TrainSummary, run as train};
use super::{Cancel, JobError, Progress};
use crate::model::{self, Model};

/// The file of a fold's model, beside that of all: `m.safetensors` has `m.fold0.safetensors`.
fn fold_path(output: &Path, fold: usize) -> PathBuf {
    let stem = output.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    output.with_file_name(format!("{stem}.fold{fold}.safetensors"))
}

/// Trains on all folds, one after the other and each with the whole budget, and writes their ensemble. Networks and scans are
/// planned and prepared as for the first fold, so that they can be joined.
///
/// # Errors
/// As of a training; the models of finished folds stay.
pub fn cross_validate(
    job: &TrainJob,
    count: usize,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Vec<TrainSummary>, JobError> {
    let mut summaries = Vec::new();
    let mut members: Vec<Model> = Vec::new();
    for fold in 0..count {
        let output = fold_path(&job.output, fold);
        let one = TrainJob {
            split: SplitChoice::Fold { fold, count },
            id: output.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            output: output.clone(),
            like: members.first().map(|model| model.spec.clone()),
            ..job.clone()
        };
        summaries.push(train(&one, progress, cancel)?);
        members.push(Model::load(&output)?);
    }
    let mut all = model::ensemble(&members).map_err(JobError::Other)?;
    all.spec.id.clone_from(&job.id);
    all.spec.provenance.command.clone_from(&job.command);
    all.save(&job.output)?;
    Ok(summaries)
}
