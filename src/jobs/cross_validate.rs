//! Cross-validation: a model for each fold, and all of them as one.

use std::path::{Path, PathBuf};

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::labelled::open_dataset;
use super::output::{Inputs, OutputKind};
use super::train::{TrainNews, TrainSummary};
use super::training::{TrainJob, TrainSource};
use crate::learn::{CaseFiles, Fold, SplitChoice, checkpoint_path, mean_dice, read_cases, validate};
use crate::model::{self, Model};
use crate::work::Stopped;

/// The file of a fold's model, beside that of all: `m.safetensors` has `m.fold0.safetensors`.
fn fold_path(output: &Path, fold: usize) -> PathBuf {
    let stem = output.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    output.with_file_name(format!("{stem}.fold{fold}.safetensors"))
}

/// The first of the folds' models that an earlier run has begun or finished.
pub fn begun_fold(output: &Path, count: usize) -> Option<PathBuf> {
    (0..count).map(|fold| fold_path(output, fold)).find(|path| path.exists() || checkpoint_path(path).exists())
}

/// A fold that an earlier run finished: its model, measured again on what it held back.
fn finished(
    job: &TrainJob,
    output: &Path,
    [fold, count]: [usize; 2],
    work: &Work<FoldNews>,
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
    let mut dataset = open_dataset(folder, work.watch, &|text| work.warn(text))?;
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
    let load = |files: &CaseFiles| job.load(files, work.watch, &|text| work.warn(text));
    let watch = work.watch.stage("reading scans");
    let scans = read_cases(&dataset, &split.validation, &load, watch, &mut |text| work.warn(text))?;
    let watch = work.watch.stage("measuring");
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
/// planned and prepared as for the first fold, so that they can be joined. The models of finished folds stay where it fails.
#[derive(Clone)]
pub struct CrossValidateJob {
    /// The training of each fold; its output is that of all.
    pub training: TrainJob,
    /// Number of folds.
    pub folds: usize,
}

/// What a cross-validation tells.
#[derive(Debug)]
pub enum FoldNews {
    /// A fold begins.
    Began {
        /// Which, counted from 0.
        fold: usize,
        /// Of how many.
        count: usize,
    },
    /// Its training tells something.
    Training(TrainNews),
}

impl Job for CrossValidateJob {
    /// One for each fold.
    type Output = Vec<TrainSummary>;
    type Event = FoldNews;
    const KIND: &'static JobKind = &JobKind { id: "cross-validate", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Teaching {} in {} folds", self.training.id, self.folds)
    }

    fn run(self, work: &Work<FoldNews>) -> Result<Vec<TrainSummary>, JobError> {
        cross_validate(&self.training, self.folds, work)
    }
}

fn cross_validate(job: &TrainJob, count: usize, work: &Work<FoldNews>) -> Result<Vec<TrainSummary>, JobError> {
    Inputs::default().allow(&job.output, OutputKind::Model)?;
    if let Some(there) = begun_fold(&job.output, count).filter(|_| !job.resume) {
        return Err(JobError::Other(format!(
            "{} is there already, from another run; continue with --resume, delete the folds' models, or choose another output",
            there.display()
        )));
    }
    let mut summaries = Vec::new();
    let mut members: Vec<Model> = Vec::new();
    for fold in 0..count {
        let output = fold_path(&job.output, fold);
        work.tell(FoldNews::Began { fold, count });
        let interrupted = checkpoint_path(&output).exists();
        if output.exists() && !interrupted {
            let (model, summary) = finished(job, &output, [fold, count], work)?;
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
        summaries.push(work.run(one, FoldNews::Training)?);
        if work.watch.should_stop() {
            // A fold that was broken off must not pass for a finished one.
            if !work.watch.is_abandoned() {
                let _ = std::fs::remove_file(&output);
            }
            return Err(Stopped.into());
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
