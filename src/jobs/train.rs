//! Training a model and writing it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::JobError;
use super::job::{Job, JobKind, Warn, Work};
use super::output::{Inputs, OutputKind};
use super::training::{TrainJob, TrainSource, staged, stay_out_of, unless_short_of_memory};
use crate::disk::{Claim, ClaimError};
use crate::learn::{
    CaseDice, CaseFiles, Dataset, Epoch, FitEvent, Planned, Preview, TrainingFiles, best_path, interrupted, slices_path,
};
use crate::model;

/// How long a training waits for another one with the same output, which may be about to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// What came of it.
#[derive(Debug, Clone)]
pub struct TrainSummary {
    /// The file written.
    pub output: PathBuf,
    /// Epoch of the best validation; where nothing was measured the last one, and 0 of a fold that an earlier run finished.
    pub epoch: usize,
    /// Mean validation Dice per label.
    pub dice: BTreeMap<String, f64>,
    /// Dice of every held-back case.
    pub cases: Vec<CaseDice>,
    /// The same of the model that training started from.
    pub before: Option<Vec<CaseDice>>,
    /// Every epoch.
    pub epochs: Vec<Epoch>,
    /// Where the cases come from, with the labels that were learned.
    pub dataset: Dataset,
}

impl TrainSummary {
    /// The first image file of a case.
    pub fn image(&self, case: &str) -> Option<&Path> {
        self.dataset.case(case)?.images.first().map(PathBuf::as_path)
    }

    /// How often Dice was measured on the held-back cases; the model that is kept is the best of so many.
    pub fn measurements(&self) -> usize {
        self.epochs.iter().filter(|epoch| epoch.dice.as_ref().is_some_and(|dice| !dice.is_empty())).count()
    }
}

/// What a training tells.
#[derive(Debug)]
pub enum TrainNews {
    /// How it is carried out.
    Planned(Box<Planned>),
    /// A step is done.
    Step {
        /// Share of the budget used.
        done: f64,
        /// Its loss.
        loss: f64,
        /// Its learning rate.
        rate: f64,
    },
    /// An epoch is done.
    Epoch(Epoch),
    /// How a held-back slice is segmented now.
    Preview(Box<Preview>),
}

impl Job for TrainJob {
    type Output = TrainSummary;
    type Event = TrainNews;
    const KIND: &'static JobKind = &JobKind { id: "train", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Teaching {}", self.id)
    }

    fn run(self, work: &Work<TrainNews>) -> Result<TrainSummary, JobError> {
        train(&self, work)
    }
}

/// Claims the files of a training, so that no other one writes or removes them.
fn claim(job: &TrainJob) -> Result<Claim, JobError> {
    Inputs::default().allow(&job.output, OutputKind::Model)?;
    let best = best_path(&job.output);
    if best.exists() && !model::is_model_file(&best) {
        return Err(JobError::Other(format!(
            "the best model so far would be written to {}, which is there already and is no model; choose another output",
            best.display()
        )));
    }
    Claim::take(&job.output, PATIENCE).map_err(|error| match error {
        ClaimError::Held { process } => JobError::Other(format!(
            "another training{} is writing {}; wait until it ends, stop it, or choose another output",
            process.map_or(String::new(), |id| format!(" (process {id})")),
            job.output.display()
        )),
        ClaimError::Disk(e) => JobError::Other(format!("the model cannot be written to {}: {e}", job.output.display())),
    })
}

fn train(job: &TrainJob, work: &Work<TrainNews>) -> Result<TrainSummary, JobError> {
    let _claim = claim(job)?;
    let (watch, warn): (_, Warn) = (work.watch, &|text| work.warn(text));
    work.begin("looking at scans", Some("reading scans"));
    let begun = interrupted(&job.output, job.resume)?;
    let mut files = TrainingFiles::new(&job.output, &job.id, &job.command, begun.as_ref());
    let mut training = job.training(begun, watch, warn)?;
    training.room.folder = Some(slices_path(&job.output));
    let dataset = training.dataset.clone();
    if matches!(job.source, TrainSource::Folder(_)) {
        stay_out_of(&dataset, &job.output)?;
    }
    // Where scans do not fit into the memory their files are read more than once, and told of once.
    let told = Mutex::new(BTreeSet::new());
    let warn_once = |text: String| {
        if told.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone()) {
            work.warn(text);
        }
    };
    let load = |case: &CaseFiles| job.load(case, watch, &warn_once);
    let mut on_event = |event| match files.keep(event) {
        Some(FitEvent::Step { done, loss, rate }) => work.tell(TrainNews::Step { done, loss, rate }),
        Some(FitEvent::Epoch(epoch)) => work.tell(TrainNews::Epoch(epoch)),
        Some(FitEvent::Preview(preview)) => work.tell(TrainNews::Preview(preview)),
        Some(FitEvent::Planned(planned)) => work.tell(TrainNews::Planned(planned)),
        Some(FitEvent::Notice(notice)) => work.warn(notice),
        Some(FitEvent::Best(_) | FitEvent::Checkpoint(_)) | None => {}
    };
    let trained = unless_short_of_memory(|| {
        staged(work, |watch| training.build(&load, watch, &mut on_event)?.run(watch, &mut on_event))
    });
    let trained = trained.inspect_err(|error| {
        files.failed(if let JobError::Fit(error) = error { Some(error) } else { None }, watch.is_abandoned());
    })?;
    // A window that is closed, or a process that is ended, leaves the best model so far and the training to be continued.
    let trained = if watch.is_abandoned() {
        trained
    } else {
        // Training takes hours, in which something else may have got this name.
        Inputs::default().allow(&job.output, OutputKind::Model).map_err(|error| {
            JobError::Other(format!("{error}; the training is done, and its state is in {}", files.state().display()))
        })?;
        files.finish(trained)?
    };
    Ok(TrainSummary {
        output: job.output.clone(),
        epoch: trained.epoch,
        dice: trained.dice,
        cases: trained.cases,
        before: trained.before,
        epochs: trained.epochs,
        dataset,
    })
}
