//! What a training is asked for, and what an interrupted one left.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::error::JobError;
use super::job::{Warn, Work};
use super::labelled::{load_case, open_dataset};
use crate::disk::follow_links;
use crate::engine::DeviceChoice;
use crate::learn::{
    Budget, CaseFiles, Checkpoint, Dataset, FitError, MarkedScan, Plan, SplitChoice, Training, stage_after,
};
use crate::model::{Model, ModelSpec};
use crate::volume::{LabelMap, Volume};
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
    /// Whether to continue the interrupted training of the same output, see [`checkpoint_path`](crate::learn::checkpoint_path).
    pub resume: bool,
    /// Recorded in the model: how to make it again.
    pub command: String,
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

/// A model among the scans or labels of its data set would be in the way of the next training.
pub(super) fn stay_out_of(dataset: &Dataset, output: &Path) -> Result<(), JobError> {
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

    /// What is asked for, with what an interrupted training has begun.
    pub(super) fn training(
        &self,
        begun: Option<Checkpoint>,
        watch: Watch,
        warn: Warn,
    ) -> Result<Training<'_>, JobError> {
        let dataset = match &self.source {
            TrainSource::Folder(folder) => open_dataset(folder, watch, warn)?,
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

/// Does the work of a training, whose stages are told as they begin.
pub(super) fn staged<E, T>(work: &Work<E>, of_stages: impl FnOnce(Watch) -> T) -> T {
    let now = Mutex::new("");
    let report = |share: Share| {
        let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != share.stage {
            *now = share.stage;
            work.begin(share.stage, stage_after(share.stage));
        }
        // Whoever works looks for a stop.
        let _ = work.watch.stage(share.stage).at(share.fraction);
    };
    of_stages(work.watch.reporting(&report))
}
