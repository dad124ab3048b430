//! Training a model on a data set folder.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dataset::open_dataset;
use super::{Inputs, JobError, JobEvent, MarkedScan, OutputKind, Progress, read_labels};
use crate::disk::{Claim, ClaimError, follow_links, replace_file};
use crate::engine::DeviceChoice;
use crate::formats;
use crate::learn::{
    self, Budget, CaseDice, CaseFiles, Checkpoint, Dataset, Epoch, FitEvent, FitOptions, Fold, Measurement, Plan,
    Planned, Split, fit,
};
use crate::model::{self, Model, ModelSpec};
use crate::volume::{LabelMap, Volume, stack_frames};
use crate::work::Watch;
use crate::work::memory::OutOfMemory;

/// Which cases are held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitChoice {
    /// Every fifth.
    Default,
    /// Those that a JSON file lists, see [`Dataset::read_split`].
    File {
        /// The file.
        path: PathBuf,
        /// The fold, where it has several.
        fold: Option<Fold>,
    },
    /// As these lists say; scans that are in neither are left out.
    Lists(Split),
    /// Those of the interrupted training that is gone on with, with its labels, its plan, its length and its start too.
    AsBegun,
    /// One of several folds.
    Fold(Fold),
}

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

/// Seconds between two checkpoints where nothing else is said.
pub const CHECKPOINT_SECONDS: f64 = 60.0;

/// How long a training waits for another one with the same output, which may be about to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// Files of a report, and how each begins.
const REPORT: [(&str, OutputKind); 3] = [
    ("curve.csv", OutputKind::Text(&["epoch,seconds,rate,loss"])),
    ("curve.svg", OutputKind::Text(&["<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"360\""])),
    ("cases.csv", OutputKind::Text(&["case,Dice", "case\n"])),
];

/// Where the state of a training lies while it runs, and after it was killed: beside the file that is written, also where `output` is
/// a link to it.
pub fn checkpoint_path(output: &Path) -> PathBuf {
    beside(output, ".training")
}

/// Where the best model so far lies while an earlier one has its name.
pub fn best_path(output: &Path) -> PathBuf {
    beside(output, ".best")
}

fn beside(output: &Path, ending: &str) -> PathBuf {
    let mut name = follow_links(output).unwrap_or_else(|_| output.to_path_buf()).into_os_string();
    name.push(ending);
    name.into()
}

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

/// The model that an interrupted training started from, which is the chosen one or another of the library.
fn start_of(begun: &Checkpoint, chosen: Option<&Model>) -> Result<Option<Model>, JobError> {
    let Some(sha256) = begun.start() else { return Ok(None) };
    let is_chosen = |model: &&Model| model.spec.sha256 == sha256;
    let found = chosen.filter(is_chosen).cloned().or_else(|| model::find_by_checksum(sha256));
    found.map(Some).ok_or_else(|| {
        JobError::Other(format!(
            "the model that the interrupted training started from (checksum {}) is not among the models any more; put it back, \
             or discard the training",
            sha256.get(..12).unwrap_or(sha256)
        ))
    })
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
    let mut start = Start::of(job, true, progress, watch)?;
    let begun = start.begun.take();
    let Start { dataset, split, plan, .. } = &start;
    let load = |files: &CaseFiles| job.load(files, progress, watch);
    let mut stage = TrainingStage::default();
    let mut on_event = |event| {
        stage.follow(&event, progress, watch);
        if let FitEvent::Notice(notice) = event {
            progress(JobEvent::Warning(notice));
        }
    };
    let options = start.options(job, begun);
    unless_short_of_memory(|| learn::plan(dataset, split, plan, &options, &load, watch, &mut on_event))
}

/// Tells what a training is doing, and the share of that which is done.
#[derive(Default)]
struct TrainingStage {
    now: Option<&'static str>,
    /// Share of the budget that is used.
    learned: f32,
}

impl TrainingStage {
    const READING: &'static str = "reading scans";
    const PREPARING: &'static str = "preparing scans";
    const MEASURING_START: &'static str = "measuring the start";
    const LEARNING: &'static str = "learning";
    const MEASURING: &'static str = "measuring";

    fn follow(&mut self, event: &FitEvent, progress: Progress, watch: Watch) {
        let share = |done: usize, count: usize| done as f32 / count.max(1) as f32;
        let (name, then, fraction) = match event {
            // What follows the last scan has no share of its own.
            FitEvent::Preparing { done, count } if done == count => (Self::PREPARING, Some(Self::LEARNING), 0.0),
            FitEvent::Preparing { done, count } => (Self::READING, Some(Self::LEARNING), share(*done, *count)),
            FitEvent::Measuring { done, count, when: Measurement::Start } => {
                (Self::MEASURING_START, Some(Self::LEARNING), share(*done, *count))
            }
            FitEvent::Measuring { done, count, when: Measurement::Last } => {
                (Self::MEASURING, None, share(*done, *count))
            }
            // Between two steps the share is that of the whole.
            FitEvent::Measuring { .. } => (Self::LEARNING, Some(Self::MEASURING), self.learned),
            FitEvent::Step { done, .. } => {
                self.learned = *done as f32;
                (Self::LEARNING, Some(Self::MEASURING), self.learned)
            }
            _ => return,
        };
        if self.now != Some(name) {
            self.now = Some(name);
            progress(JobEvent::Stage { name, then });
        }
        // The training itself looks for a stop.
        let _ = watch.stage(name).at(fraction);
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

/// The interrupted training that is gone on with.
fn begun(job: &TrainJob, plan_only: bool) -> Result<Option<Checkpoint>, JobError> {
    let state = checkpoint_path(&job.output);
    let shown = state.display();
    match (job.resume, state.exists()) {
        (true, true) => Checkpoint::load(&state).map(Some).map_err(JobError::Other),
        (true, false) => Err(JobError::Other(format!(
            "there is no interrupted training of {}: {shown} does not exist; start without --resume",
            job.output.display()
        ))),
        (false, true) if !plan_only => Err(JobError::Other(format!(
            "{shown} holds an interrupted training; go on with --resume, or delete the file to start anew"
        ))),
        (false, _) => Ok(None),
    }
}

/// Whether what lies under the output's name is not what this training has written so far.
fn has_earlier(job: &TrainJob, begun: Option<&Checkpoint>) -> bool {
    let is_own = || Model::load(&job.output).is_ok_and(|model| model.spec.provenance.command == job.command);
    match begun {
        Some(begun) if !begun.progress.keeps_earlier => job.output.exists() && !is_own(),
        Some(_) => true,
        None => job.output.exists(),
    }
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
}

/// A training as its job and what an interrupted one left describe it.
struct Start {
    dataset: Dataset,
    split: Split,
    plan: Plan,
    budget: Budget,
    /// The model that it starts from.
    init: Option<Model>,
    begun: Option<Checkpoint>,
    /// Whether what lies under the output's name stays until the end.
    keeps_earlier: bool,
}

impl Start {
    fn of(job: &TrainJob, plan_only: bool, progress: Progress, watch: Watch) -> Result<Self, JobError> {
        progress(JobEvent::Stage { name: "looking at scans", then: Some(TrainingStage::READING) });
        let (mut dataset, own_split) = match &job.source {
            TrainSource::Folder(folder) => (open_dataset(folder, progress, watch)?, None),
            TrainSource::Scan(scan) => scan.dataset().map(|(dataset, split)| (dataset, Some(split)))?,
        };
        if let (TrainSource::Folder(_), false) = (&job.source, plan_only) {
            stay_out_of(&dataset, &job.output)?;
        }
        let begun = begun(job, plan_only)?;
        let keeps_earlier = has_earlier(job, begun.as_ref());
        let as_begun = begun.as_ref().filter(|_| job.split == SplitChoice::AsBegun);
        let labels = as_begun.and_then(|begun| begun.progress.labels.as_ref()).unwrap_or(&job.labels);
        dataset.choose(labels)?;
        let (plan, budget) = as_begun.and_then(Checkpoint::choices).unwrap_or_else(|| (job.plan.clone(), job.budget));
        let init = match as_begun {
            Some(begun) => start_of(begun, job.init.as_ref())?,
            None => job.init.clone(),
        };
        let split = match own_split {
            Some(split) => split,
            None => chosen_split(job, &dataset, begun.as_ref())?,
        };
        Ok(Self { dataset, split, plan, budget, init, begun, keeps_earlier })
    }

    fn options<'a>(&'a self, job: &'a TrainJob, resume: Option<Checkpoint>) -> FitOptions<'a> {
        FitOptions {
            budget: self.budget,
            device: job.device,
            init: self.init.as_ref(),
            like: job.like.as_ref(),
            validate_every: job.validate_every,
            patience: job.patience,
            checkpoint_seconds: job.checkpoint_seconds,
            resume,
        }
    }
}

/// Which scans of the folder are learned from, and which are held back.
fn chosen_split(job: &TrainJob, dataset: &Dataset, begun: Option<&Checkpoint>) -> Result<Split, JobError> {
    Ok(match &job.split {
        SplitChoice::File { path, fold } => dataset.read_split(path, *fold)?,
        SplitChoice::Lists(split) => {
            if let Some(name) = split.train.iter().chain(&split.validation).find(|name| dataset.case(name).is_none()) {
                let folder = dataset.folder.display();
                return Err(JobError::Other(format!(
                    "the scan {name} is not in {folder} any more; choose the folder again"
                )));
            }
            split.clone()
        }
        SplitChoice::AsBegun => begun.map_or_else(|| dataset.default_split(), Checkpoint::split),
        SplitChoice::Default => dataset.default_split(),
        SplitChoice::Fold(fold) if fold.count <= dataset.cases.len() => dataset.fold(*fold),
        SplitChoice::Fold(Fold { count, .. }) => {
            let cases = dataset.cases.len();
            return Err(JobError::Other(format!("{count} folds need as many cases; the data set has {cases}")));
        }
    })
}

pub(super) fn run(job: &TrainJob, progress: Progress, watch: Watch) -> Result<TrainSummary, JobError> {
    let _claim = claim(job)?;
    let mut start = Start::of(job, false, progress, watch)?;
    let [state, best] = [checkpoint_path(&job.output), best_path(&job.output)];
    let (begun, keeps_earlier) = (start.begun.take(), start.keeps_earlier);
    let load = |files: &CaseFiles| job.load(files, progress, watch);
    let save = |mut model: Model, path: &Path| -> Result<(), JobError> {
        model.spec.id.clone_from(&job.id);
        model.spec.provenance.command.clone_from(&job.command);
        Ok(model.save(path)?)
    };
    let (mut has_learned, mut is_stored) = (false, false);
    let mut stage = TrainingStage::default();
    let mut on_event = |event| {
        has_learned |= matches!(event, FitEvent::Step { .. });
        stage.follow(&event, progress, watch);
        progress(match event {
            FitEvent::Preparing { .. } | FitEvent::Measuring { .. } => return,
            FitEvent::Step { done, loss, rate } => JobEvent::Loss { done, loss, rate },
            FitEvent::Epoch(epoch) => JobEvent::Epoch(epoch),
            FitEvent::Preview(preview) => JobEvent::Preview(preview),
            FitEvent::Best(model) => match save(*model, if keeps_earlier { &best } else { &job.output }) {
                Ok(()) => return,
                Err(error) => JobEvent::Warning(format!("the best model so far could not be saved: {error}")),
            },
            FitEvent::Checkpoint(mut checkpoint) => {
                checkpoint.progress.keeps_earlier = keeps_earlier;
                match checkpoint.save(&state) {
                    Ok(()) => {
                        is_stored = true;
                        return;
                    }
                    Err(error) => JobEvent::Warning(format!(
                        "the state of the training could not be saved to {}: {error}",
                        state.display()
                    )),
                }
            }
            FitEvent::Planned(planned) => JobEvent::Planned { plan: Box::new(planned.plan), why: planned.why },
            FitEvent::Notice(notice) => JobEvent::Warning(notice),
        });
    };
    let options = start.options(job, begun);
    let Start { dataset, split, plan, .. } = &start;
    let trained = unless_short_of_memory(|| fit(dataset, split, plan, options, &load, watch, &mut on_event));
    let is_useless =
        matches!(trained, Err(JobError::Fit(learn::FitError::Plan(_)))) || (trained.is_err() && !has_learned);
    if is_useless && is_stored && !job.resume {
        // There is nothing to go on with, or it would end in the same way.
        let _ = std::fs::remove_file(&state);
    }
    let trained = trained?;
    // A window that is closed, or a process that is ended, leaves the best model so far and the training to be gone on with.
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
