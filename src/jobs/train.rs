//! Training a model on a data set folder.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::dataset::open_dataset;
use super::{Cancel, JobError, JobEvent, MarkedScan, Outcome, Progress, read_labels};
use crate::disk::replace_file;
use crate::engine::{Activations, DeviceChoice, Recipe};
use crate::formats;
use crate::learn::{
    self, Augmentation, Budget, CaseDice, CaseFiles, Checkpoint, Control, Dataset, Epoch, FitEvent, FitOptions, Fold,
    FromData, Plan, Split, fit,
};
use crate::model::{self, Model, ModelSpec, SliceAxis};
use crate::volume::{LabelMap, Volume, stack_frames};

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

/// Where the state of a training lies while it runs, and after it was killed.
pub fn checkpoint_path(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_os_string();
    name.push(".training");
    name.into()
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
        let title = self.output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let files = [
            ("curve.csv", learn::curve_table(&self.epochs)),
            ("curve.svg", learn::curve_picture(&title, &self.epochs)),
            ("cases.csv", learn::case_table(&self.cases, self.before.as_deref().unwrap_or_default())),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            replace_file(&path, |writer| writer.write_all(text.as_bytes())).map_err(|e| failed(&path, e))?;
        }
        Ok(())
    }
}

/// The plan without choices: a U-Net with instance norm and two neighbouring slices on either side; the rest is left to the
/// data.
pub fn default_plan() -> Plan {
    Plan {
        architecture: learn::open_network(),
        slice_axis: SliceAxis::Axial,
        fuse_axes: false,
        neighbours: 2,
        spacing_mm: None,
        intensities: None,
        patch: [64, 64],
        batch: 16,
        epoch_steps: None,
        recipe: Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-2 },
        rate: 1e-3,
        warm_up: 0.02,
        average: 0.998,
        // Bodies are roughly symmetric from left to right, and never upside down or back to front.
        mirror_axes: [true, false, false],
        average_mirrored: true,
        forced_foreground: 1.0 / 3.0,
        freeze: Vec::new(),
        activations: Activations::Kept,
        augmentation: Augmentation::default(),
        from_data: FromData::ALL,
        seed: 1,
    }
}

/// Reads a case; several image files become the frames of one volume. Labels that had to be rounded are told of.
///
/// # Errors
/// With a sentence for the user, also when cancelled.
pub fn load_case(files: &CaseFiles, cancel: &Cancel, progress: Progress) -> Result<(Volume, LabelMap), String> {
    let watch = |_| {
        if cancel.is_cancelled() { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
    };
    let open = |image: &PathBuf| formats::open_one(image, None, &watch).map_err(|e| e.to_string());
    let mut volumes = files.images.iter().map(open).collect::<Result<Vec<Volume>, String>>()?;
    let volume = if volumes.len() == 1 { volumes.remove(0) } else { stack_frames(&volumes)? };
    let warnings_alone = |event: JobEvent| {
        if matches!(event, JobEvent::Warning(_)) {
            progress(event);
        }
    };
    let labels = read_labels(&files.label, cancel, &warnings_alone).map_err(|e| e.to_string())?;
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

/// How a training would be carried out, with a sentence about each choice that its scans decide; nothing is written.
pub(super) fn plan(job: &TrainJob, progress: Progress, cancel: &Cancel) -> Result<Outcome, JobError> {
    let planned = Mutex::new(None);
    let watch = |event| match event {
        JobEvent::Planned { plan, why } => {
            if let Ok(mut planned) = planned.lock() {
                *planned = Some((plan, why));
            }
        }
        other => progress(other),
    };
    if let Err(error) = learn(job, true, &watch, cancel)
        && (!error.is_stop() || cancel.is_cancelled())
    {
        return Err(error);
    }
    match planned.into_inner() {
        Ok(Some((plan, why))) => Ok(Outcome::Planned { plan, why }),
        _ => Err(JobError::Stopped),
    }
}

pub(super) fn run(job: &TrainJob, progress: Progress, cancel: &Cancel) -> Result<TrainSummary, JobError> {
    learn(job, false, progress, cancel)
}

fn learn(job: &TrainJob, plan_only: bool, progress: Progress, cancel: &Cancel) -> Result<TrainSummary, JobError> {
    let folder = job.output.parent().filter(|p| !p.as_os_str().is_empty());
    if !plan_only && (folder.is_some_and(|folder| !folder.is_dir()) || job.output.is_dir()) {
        return Err(JobError::Other(format!(
            "the model cannot be written to {}: no such folder",
            job.output.display()
        )));
    }
    let (mut dataset, own_split) = match &job.source {
        TrainSource::Folder(folder) => (open_dataset(folder, progress, cancel)?, None),
        TrainSource::Scan(scan) => scan.dataset().map(|(dataset, split)| (dataset, Some(split)))?,
    };
    let state = checkpoint_path(&job.output);
    let begun = if job.resume { Some(Checkpoint::load(&state).map_err(JobError::Other)?) } else { None };
    let as_begun = begun.as_ref().filter(|_| job.split == SplitChoice::AsBegun);
    let labels = as_begun.and_then(|begun| begun.progress.labels.as_ref()).unwrap_or(&job.labels);
    dataset.choose(labels)?;
    let (plan, budget) = as_begun.and_then(Checkpoint::choices).unwrap_or_else(|| (job.plan.clone(), job.budget));
    let started_from = as_begun.map(|begun| start_of(begun, job.init.as_ref())).transpose()?;
    let init = started_from.as_ref().map_or(job.init.as_ref(), Option::as_ref);
    let load = |files: &CaseFiles| match &job.source {
        TrainSource::Folder(_) => load_case(files, cancel, progress),
        TrainSource::Scan(scan) => Ok((Volume::clone(&scan.volume), scan.known())),
    };
    let split = match &job.split {
        _ if own_split.is_some() => own_split.unwrap_or_default(),
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
        SplitChoice::AsBegun => begun.as_ref().map_or_else(|| dataset.default_split(), Checkpoint::split),
        SplitChoice::Default => dataset.default_split(),
        SplitChoice::Fold(fold) if fold.count <= dataset.cases.len() => dataset.fold(*fold),
        SplitChoice::Fold(Fold { count, .. }) => {
            let cases = dataset.cases.len();
            return Err(JobError::Other(format!("{count} folds need as many cases; the data set has {cases}")));
        }
    };
    let options = FitOptions {
        budget,
        device: job.device,
        init,
        like: job.like.as_ref(),
        validate_every: job.validate_every,
        patience: job.patience,
        checkpoint_seconds: job.checkpoint_seconds,
        resume: begun,
        plan_only,
    };
    let control = || match () {
        () if cancel.is_cancelled() => Control::Stop,
        () if cancel.is_paused() => Control::Pause,
        () => Control::GoOn,
    };
    let save = |mut model: Model| -> Result<(), JobError> {
        model.spec.id.clone_from(&job.id);
        model.spec.provenance.command.clone_from(&job.command);
        Ok(model.save(&job.output)?)
    };
    let (mut has_learned, mut is_stored) = (false, false);
    let trained = fit(&dataset, &split, &plan, options, &load, &control, &mut |event| {
        has_learned |= matches!(event, FitEvent::Step { .. });
        progress(match event {
            FitEvent::Preparing { done, count } => {
                JobEvent::Progress { fraction: done as f32 / count as f32, stage: "Reading the data set" }
            }
            FitEvent::Step { done, loss, rate } => {
                progress(JobEvent::Loss { done, loss, rate });
                JobEvent::Progress { fraction: done as f32, stage: "Training" }
            }
            FitEvent::Epoch(epoch) => JobEvent::Epoch(epoch),
            FitEvent::Preview(preview) => JobEvent::Preview(preview),
            FitEvent::Best(model) => match save(*model) {
                Ok(()) => return,
                Err(error) => JobEvent::Warning(format!("the best model so far could not be saved: {error}")),
            },
            FitEvent::Checkpoint(checkpoint) => match checkpoint.save(&state) {
                Ok(()) => {
                    is_stored = true;
                    return;
                }
                Err(error) => JobEvent::Warning(format!("the state of the training could not be saved: {error}")),
            },
            FitEvent::Planned { plan, why } => JobEvent::Planned { plan, why },
            FitEvent::Notice(notice) => JobEvent::Warning(notice),
        });
    });
    let is_useless = matches!(trained, Err(learn::FitError::Plan(_))) || (trained.is_err() && !has_learned);
    if is_useless && is_stored && !job.resume {
        // There is nothing to go on with, or it would end in the same way.
        let _ = std::fs::remove_file(&state);
    }
    let trained = trained?;
    // A window that is closed leaves the best model so far and the training to be gone on with.
    if !cancel.is_abandoned() {
        save(trained.model)?;
        // The model is there; what is left of its making is only litter.
        let _ = std::fs::remove_file(&state);
    }
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
