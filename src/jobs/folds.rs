//! Cross-validation: a model for each fold, and all of them as one.

use std::path::{Path, PathBuf};

use super::dataset::open_dataset;
use super::train::{SplitChoice, TrainJob, TrainSource, TrainSummary, checkpoint_path, load_case, run as train};
use super::{Inputs, JobError, JobEvent, OutputKind, Progress};
use crate::learn::{CaseFiles, Fold, mean_dice, read_case, validate};
use crate::model::{self, Model};
use crate::work::{Stopped, Watch};

/// The file of a fold's model, beside that of all: `m.safetensors` has `m.fold0.safetensors`.
fn fold_path(output: &Path, fold: usize) -> PathBuf {
    let stem = output.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    output.with_file_name(format!("{stem}.fold{fold}.safetensors"))
}

/// A fold that an earlier run finished: its model, measured again on what it held back.
fn finished(
    job: &TrainJob,
    output: &Path,
    [fold, count]: [usize; 2],
    progress: Progress,
    watch: Watch,
) -> Result<(Model, TrainSummary), JobError> {
    let model = Model::load(output)?;
    if model.spec.provenance.command != job.command {
        return Err(JobError::Other(format!(
            "{} was made by another command ({}); delete it, or choose another output",
            output.display(),
            model.spec.provenance.command
        )));
    }
    let TrainSource::Folder(folder) = &job.source else {
        return Err(JobError::Other("a single scan has no folds".into()));
    };
    let mut dataset = open_dataset(folder, progress, watch)?;
    dataset.choose(&job.labels)?;
    let split = dataset.fold(Fold { fold, count });
    if model.spec.provenance.cases != [split.train.len(), split.validation.len()] {
        return Err(JobError::Other(format!(
            "{} has learned from {} cases and the fold has {} now; the data set has changed: delete the folds' models to start anew",
            output.display(),
            model.spec.provenance.cases[0],
            split.train.len()
        )));
    }
    let load = |files: &CaseFiles| load_case(files, watch, progress);
    let mut scans = Vec::new();
    for name in &split.validation {
        let scan = read_case(&dataset, name, &load, &mut |notice| progress(JobEvent::Warning(notice)));
        scans.push(scan.map_err(|error| if watch.should_stop() { JobError::Stopped(Stopped) } else { error.into() })?);
    }
    let cases = validate(&model, &scans, dataset.ignore, job.device, watch, &mut |_| {})?;
    let summary = TrainSummary {
        output: output.to_path_buf(),
        epoch: 0,
        dice: mean_dice(&cases),
        cases,
        before: None,
        epochs: Vec::new(),
        dataset,
    };
    Ok((model, summary))
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
    watch: Watch,
) -> Result<Vec<TrainSummary>, JobError> {
    Inputs::default().allow(&job.output, OutputKind::Model)?;
    let started = |path: &PathBuf| path.exists() || checkpoint_path(path).exists();
    let paths = (0..count).map(|fold| fold_path(&job.output, fold));
    if let Some(there) = paths.into_iter().find(|path| !job.resume && started(path)) {
        return Err(JobError::Other(format!(
            "{} is there already, from another run; go on with --resume, delete the folds' models, or choose another output",
            there.display()
        )));
    }
    let mut summaries = Vec::new();
    let mut members: Vec<Model> = Vec::new();
    for fold in 0..count {
        let output = fold_path(&job.output, fold);
        progress(JobEvent::Fold { fold, count });
        let interrupted = checkpoint_path(&output).exists();
        if output.exists() && !interrupted {
            let (model, summary) = finished(job, &output, [fold, count], progress, watch)?;
            members.push(model);
            summaries.push(summary);
            continue;
        }
        let one = TrainJob {
            resume: interrupted,
            split: SplitChoice::Fold(Fold { fold, count }),
            id: output.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            output: output.clone(),
            like: members.first().map(|model| model.spec.clone()),
            ..job.clone()
        };
        summaries.push(train(&one, progress, watch)?);
        if watch.should_stop() {
            // A fold that was broken off must not pass for a finished one.
            if !watch.is_abandoned() {
                let _ = std::fs::remove_file(&output);
            }
            return Err(JobError::Stopped(Stopped));
        }
        members.push(Model::load(&output)?);
    }
    let mut all = model::ensemble(&members).map_err(JobError::Other)?;
    all.spec.id.clone_from(&job.id);
    all.spec.provenance.command.clone_from(&job.command);
    all.spec.provenance.plan = members[0].spec.provenance.plan.clone();
    Inputs::default().allow(&job.output, OutputKind::Model)?;
    all.save(&job.output)?;
    Ok(summaries)
}
