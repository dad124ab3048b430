//! Training a model and writing it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::JobError;
use super::job::{Job, JobKind, Warn, Work};
use super::output::{Inputs, OutputKind};
use super::training::{Start, TrainJob, best_path, checkpoint_path, unless_short_of_memory};
use super::training_stage::TrainingStage;
use crate::disk::{Claim, ClaimError};
use crate::learn::{CaseDice, CaseFiles, Dataset, Epoch, FitError, FitEvent, Planned, Preview, fit};
use crate::model::{self, Model};

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
    work.begin("looking at scans", Some(TrainingStage::READING));
    let mut start = Start::of(job, false, watch, warn)?;
    let [state, best] = [checkpoint_path(&job.output), best_path(&job.output)];
    let (begun, keeps_earlier) = (start.begun.take(), start.keeps_earlier);
    let load = |files: &CaseFiles| job.load(files, watch, warn);
    let save = |mut model: Model, path: &Path| -> Result<(), JobError> {
        model.spec.id.clone_from(&job.id);
        model.spec.provenance.command.clone_from(&job.command);
        Ok(model.save(path)?)
    };
    let (mut has_learned, mut is_stored) = (false, false);
    let mut stage = TrainingStage::default();
    let mut on_event = |event| {
        has_learned |= matches!(event, FitEvent::Step { .. });
        stage.follow(&event, work);
        match event {
            FitEvent::Preparing { .. } | FitEvent::Measuring { .. } => {}
            FitEvent::Step { done, loss, rate } => work.tell(TrainNews::Step { done, loss, rate }),
            FitEvent::Epoch(epoch) => work.tell(TrainNews::Epoch(epoch)),
            FitEvent::Preview(preview) => work.tell(TrainNews::Preview(preview)),
            FitEvent::Best(model) => {
                if let Err(error) = save(*model, if keeps_earlier { &best } else { &job.output }) {
                    work.warn(format!("the best model so far could not be saved: {error}"));
                }
            }
            FitEvent::Checkpoint(mut checkpoint) => {
                checkpoint.progress.keeps_earlier = keeps_earlier;
                match checkpoint.save(&state) {
                    Ok(()) => is_stored = true,
                    Err(error) => work
                        .warn(format!("the state of the training could not be saved to {}: {error}", state.display())),
                }
            }
            FitEvent::Planned(planned) => work.tell(TrainNews::Planned(planned)),
            FitEvent::Notice(notice) => work.warn(notice),
        }
    };
    let options = start.options(job, begun);
    let Start { dataset, split, plan, .. } = &start;
    let trained = unless_short_of_memory(|| fit(dataset, split, plan, options, &load, watch, &mut on_event));
    let is_useless = matches!(trained, Err(JobError::Fit(FitError::Plan(_)))) || (trained.is_err() && !has_learned);
    if is_useless && is_stored && !job.resume {
        // There is nothing to continue, or it would end in the same way.
        let _ = std::fs::remove_file(&state);
    }
    let trained = trained?;
    // A window that is closed, or a process that is ended, leaves the best model so far and a training that can be continued.
    if !watch.is_abandoned() {
        // Training takes hours, in which something else may have got this name.
        Inputs::default().allow(&job.output, OutputKind::Model).map_err(|error| {
            JobError::Other(format!("{error}; the training is done, and its state is in {}", state.display()))
        })?;
        save(trained.model, &job.output)?;
        // The model is there; what is left of its making is only litter.
        let _ = (std::fs::remove_file(&state), std::fs::remove_file(&best));
    }
    Ok(TrainSummary {
        output: job.output.clone(),
        epoch: trained.epoch,
        dice: trained.dice,
        cases: trained.cases,
        before: trained.before,
        epochs: trained.epochs,
        dataset: start.dataset,
    })
}
