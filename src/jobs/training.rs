//! What a training is asked for, and what an interrupted one left.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use super::error::JobError;
use super::job::Warn;
use super::labelled::{load_case, open_dataset};
use crate::disk::follow_links;
use crate::engine::{Activations, DeviceChoice, Recipe};
use crate::learn::{
    self, Augmentation, Budget, CaseFiles, Checkpoint, Dataset, FitError, FitOptions, Fold, FromData, MarkedScan, Plan,
    Split,
};
use crate::model::{self, Model, ModelSpec, SliceAxis};
use crate::volume::{LabelMap, Volume};
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
    /// Those of the interrupted training that is continued, with its labels, its plan, its length and its start too.
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
    /// Whether to continue the interrupted training of the same output, see [`checkpoint_path`].
    pub resume: bool,
    /// Recorded in the model: how to make it again.
    pub command: String,
}

/// Seconds between two checkpoints where nothing else is said.
pub const CHECKPOINT_SECONDS: f64 = 60.0;

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
pub(super) fn unless_short_of_memory<T>(work: impl FnOnce() -> Result<T, FitError>) -> Result<T, JobError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => Ok(outcome?),
        Err(panic) => match panic.downcast_ref::<OutOfMemory>() {
            Some(refused) => Err(JobError::Memory(*refused)),
            None => resume_unwind(panic),
        },
    }
}

/// The interrupted training that is continued.
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
            "{shown} holds an interrupted training; continue with --resume, or delete the file to start anew"
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
    /// Reads a case of what is learned from.
    pub(super) fn load(&self, files: &CaseFiles, watch: Watch, warn: Warn) -> Result<(Volume, LabelMap), String> {
        match &self.source {
            TrainSource::Folder(_) => load_case(files, watch, warn).map_err(|error| error.to_string()),
            TrainSource::Scan(scan) => Ok((Volume::clone(&scan.volume), scan.known())),
        }
    }
}

/// A training as its job and what an interrupted one left describe it.
pub(super) struct Start {
    pub(super) dataset: Dataset,
    pub(super) split: Split,
    pub(super) plan: Plan,
    pub(super) budget: Budget,
    /// The model that it starts from.
    pub(super) init: Option<Model>,
    pub(super) begun: Option<Checkpoint>,
    /// Whether what lies under the output's name stays until the end.
    pub(super) keeps_earlier: bool,
}

impl Start {
    pub(super) fn of(job: &TrainJob, plan_only: bool, watch: Watch, warn: Warn) -> Result<Self, JobError> {
        let (mut dataset, own_split) = match &job.source {
            TrainSource::Folder(folder) => (open_dataset(folder, watch, warn)?, None),
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

    pub(super) fn options<'a>(&'a self, job: &'a TrainJob, resume: Option<Checkpoint>) -> FitOptions<'a> {
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
