//! Training a model on a data set folder.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::dataset::open_dataset;
use super::{Inputs, JobError, JobEvent, MarkedScan, OutputKind, Progress, read_labels};
use crate::disk::{Claim, ClaimError, follow_links, replace_file};
use crate::engine::DeviceChoice;
use crate::formats;
use crate::learn::{
    self, Budget, CaseDice, CaseFiles, Checkpoint, Dataset, Epoch, FitEvent, Plan, Planned, SplitChoice, Training,
    TrainingFiles, best_path, interrupted, stage_after,
};
use crate::model::{self, Model, ModelSpec};
use crate::volume::{LabelMap, Volume, stack_frames};
use crate::work::memory::OutOfMemory;
use crate::work::{Share, Watch};

/// What a training learns from.
#[derive(Clone)]
pub enum TrainSource {
    /// The folder of a data set.
    Folder(PathBuf),
    /// The finished slices of one scan; nothing is held back.
    Scan(Box<MarkedScan>),
}

/// What to train on and how.
#[derive(Clone)]
pub struct TrainJob {
    /// What to learn from.
    pub source: TrainSource,
    /// Names of the labels to learn, the others count as background; none: all.
    pub labels: Vec<String>,
    /// Which cases are held back.
    pub split: SplitChoice,
    /// The model file to write.
    pub output: PathBuf,
    /// Identifier of the model.
    pub id: String,
    /// A model whose weights are the start.
    pub init: Option<Model>,
    /// A model whose network and preparation of scans are taken over, with random weights.
    pub like: Option<ModelSpec>,
    /// The plan.
    pub plan: Plan,
    /// Length.
    pub budget: Budget,
    /// Device.
    pub device: DeviceChoice,
    /// Epochs between validations; none: after every epoch of a budget in epochs, and a tenth of the time of one in time.
    pub validate_every: Option<usize>,
    /// Validations without a better one after which training ends; none: only with the budget.
    pub patience: Option<usize>,
    /// Seconds between two checkpoints.
    pub checkpoint_seconds: f64,
    /// Whether to go on with the interrupted training of the same output, see [`checkpoint_path`].
    pub resume: bool,
    /// Recorded in the model: how to make it again.
    pub command: String,
}

/// How long a training waits for another one with the same output, which may be about to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// Files of a report, and how each begins.
const REPORT: [(&str, OutputKind); 3] = [
    ("curve.csv", OutputKind::Text(&["epoch,seconds,rate,loss"])),
    ("curve.svg", OutputKind::Text(&["<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"360\""])),
    ("cases.csv", OutputKind::Text(&["case,Dice", "case\n"])),
];

/// Checks that a training may write its model and its report; `inputs` are what it reads besides its data set.
///
/// # Errors
/// Says what is in the way.
pub fn check_training_outputs(output: &Path, report: Option<&Path>, inputs: &Inputs) -> Result<(), JobError> {
    inputs.allow(output, OutputKind::Model)?;
    // A report's folder is made where it is missing.
    if let Some(folder) = report.filter(|folder| folder.exists()) {
        REPORT.iter().try_for_each(|(name, kind)| inputs.allow(&folder.join(name), *kind))?;
    }
    Ok(())
}

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

    /// Writes the curve (`curve.csv`, `curve.svg`) and the cases (`cases.csv`) into a folder, which is made if it is missing.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn write_report(&self, folder: &Path) -> Result<(), JobError> {
        let failed = |path: &Path, e: std::io::Error| {
            JobError::Other(format!("the report cannot be written to {}: {e}", path.display()))
        };
        std::fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
        let inputs = Inputs::default();
        REPORT.iter().try_for_each(|(name, kind)| inputs.allow(&folder.join(name), *kind))?;
        let title = self.output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let texts = [
            learn::curve_table(&self.epochs),
            learn::curve_picture(&title, &self.epochs),
            learn::case_table(&self.cases, self.before.as_deref().unwrap_or_default()),
        ];
        for ((name, _), text) in REPORT.iter().zip(texts) {
            let path = folder.join(name);
            replace_file(&path, |writer| writer.write_all(text.as_bytes())).map_err(|e| failed(&path, e))?;
        }
        Ok(())
    }
}

/// Reads a case; several image files become the frames of one volume. Labels that had to be rounded are told of.
///
/// # Errors
/// With a sentence for the user, also when cancelled.
pub fn load_case(files: &CaseFiles, watch: Watch, progress: Progress) -> Result<(Volume, LabelMap), String> {
    let watch = watch.quiet();
    let open = |image: &PathBuf| formats::open_one(image, None, watch).map_err(|e| e.to_string());
    let mut volumes = files.images.iter().map(open).collect::<Result<Vec<Volume>, String>>()?;
    let volume = if volumes.len() == 1 { volumes.remove(0) } else { stack_frames(&volumes)? };
    let labels = read_labels(&files.label, watch, progress).map_err(|e| e.to_string())?;
    Ok((volume, labels))
}

/// Does work that may find the memory too small far below; that is an error like others, after which files are tidied up.
fn unless_short_of_memory<T>(work: impl FnOnce() -> Result<T, learn::FitError>) -> Result<T, JobError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => Ok(outcome?),
        Err(panic) => match panic.downcast_ref::<OutOfMemory>() {
            Some(refused) => Err(JobError::Memory(*refused)),
            None => resume_unwind(panic),
        },
    }
}

/// How a training would be carried out, with a sentence about each choice that its scans decide; nothing is written.
pub(super) fn plan(job: &TrainJob, progress: Progress, watch: Watch) -> Result<Planned, JobError> {
    let begun = if job.resume { interrupted(&job.output, true)? } else { None };
    let training = job.training(begun, progress, watch)?;
    let load = |files: &CaseFiles| job.load(files, progress, watch);
    let mut on_event = |event| {
        if let FitEvent::Notice(notice) = event {
            progress(JobEvent::Warning(notice));
        }
    };
    let fit = unless_short_of_memory(|| staged(progress, watch, |watch| training.build(&load, watch, &mut on_event)));
    Ok(fit?.planned)
}

/// Tells the stages of a training as they begin.
fn staged<T>(progress: Progress, watch: Watch, work: impl FnOnce(Watch) -> T) -> T {
    let now = Mutex::new("");
    let report = |share: Share| {
        let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != share.stage {
            *now = share.stage;
            progress(JobEvent::Stage { name: share.stage, then: stage_after(share.stage) });
        }
        // Whoever works looks for a stop.
        let _ = watch.stage(share.stage).at(share.fraction);
    };
    work(watch.reporting(&report))
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

/// A model among the scans or labels of its data set would be in the way of the next training.
fn stay_out_of(dataset: &Dataset, output: &Path) -> Result<(), JobError> {
    let real = |path: &Path| path.canonicalize().ok();
    let target = follow_links(output).unwrap_or_else(|_| output.to_path_buf());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(folder) = real(folder) else { return Ok(()) };
    let files = dataset.cases.iter().flat_map(|case| case.images.iter().chain([&case.label]));
    let folders: std::collections::BTreeSet<&Path> = files.filter_map(|file| file.parent()).collect();
    if folders.into_iter().any(|of_data| real(of_data).as_ref() == Some(&folder)) {
        return Err(JobError::Other(format!(
            "{} lies among the scans or labels of the data set {}; choose another folder",
            output.display(),
            dataset.folder.display()
        )));
    }
    Ok(())
}

impl TrainJob {
    fn load(&self, files: &CaseFiles, progress: Progress, watch: Watch) -> Result<(Volume, LabelMap), String> {
        match &self.source {
            TrainSource::Folder(_) => load_case(files, watch, progress),
            TrainSource::Scan(scan) => Ok((Volume::clone(&scan.volume), scan.known())),
        }
    }

    /// What is asked for, with what an interrupted training has begun.
    fn training(&self, begun: Option<Checkpoint>, progress: Progress, watch: Watch) -> Result<Training<'_>, JobError> {
        progress(JobEvent::Stage { name: "looking at scans", then: Some("reading scans") });
        let dataset = match &self.source {
            TrainSource::Folder(folder) => open_dataset(folder, progress, watch)?,
            TrainSource::Scan(scan) => scan.dataset()?.0,
        };
        let mut training = Training {
            plan: self.plan.clone(),
            budget: self.budget,
            device: self.device,
            init: self.init.as_ref().map(Cow::Borrowed),
            like: self.like.as_ref(),
            validate_every: self.validate_every,
            patience: self.patience,
            checkpoint_seconds: self.checkpoint_seconds,
            resume: begun,
            ..Training::on(dataset)
        };
        training.choose(&self.labels, &self.split)?;
        Ok(training)
    }
}

pub(super) fn run(job: &TrainJob, progress: Progress, watch: Watch) -> Result<TrainSummary, JobError> {
    let _claim = claim(job)?;
    let begun = interrupted(&job.output, job.resume)?;
    let mut files = TrainingFiles::new(&job.output, &job.id, &job.command, begun.as_ref());
    let training = job.training(begun, progress, watch)?;
    let dataset = training.dataset.clone();
    if matches!(job.source, TrainSource::Folder(_)) {
        stay_out_of(&dataset, &job.output)?;
    }
    let load = |case: &CaseFiles| job.load(case, progress, watch);
    let mut on_event = |event| match files.keep(event) {
        Some(FitEvent::Step { done, loss, rate }) => progress(JobEvent::Loss { done, loss, rate }),
        Some(FitEvent::Epoch(epoch)) => progress(JobEvent::Epoch(epoch)),
        Some(FitEvent::Preview(preview)) => progress(JobEvent::Preview(preview)),
        Some(FitEvent::Planned(planned)) => {
            progress(JobEvent::Planned { plan: Box::new(planned.plan), why: planned.why });
        }
        Some(FitEvent::Notice(notice)) => progress(JobEvent::Warning(notice)),
        Some(FitEvent::Best(_) | FitEvent::Checkpoint(_)) | None => {}
    };
    let trained = unless_short_of_memory(|| {
        staged(progress, watch, |watch| training.build(&load, watch, &mut on_event)?.run(watch, &mut on_event))
    });
    let trained = trained.inspect_err(|error| {
        files.failed(if let JobError::Fit(error) = error { Some(error) } else { None });
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
