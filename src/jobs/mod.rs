//! Background work with progress and cancel: what the command line calls on its own thread and the window on a worker's.
//!
//! **Invariant:** a job captures snapshots at its start and never touches the session; its outcome re-enters it as a command.
//! **Invariant:** cancel is noticed within 200 ms: between files, slices, and the operations of a network.
//! **Invariant:** a panic in a job becomes an error message.
//!
//! Deliberately absent: screens and terminals; progress goes to a sink.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "shares of progress and averages over counts"
)]

mod attention;
mod bench;
mod compare;
mod dataset;
mod evaluate;
mod export;
mod folds;
mod job;
mod join;
mod marked;
mod open;
mod output;
mod pixels;
mod refine;
mod sample;
mod segment;
mod train;
mod worker;
mod zoo_table;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::Model;
use crate::volume::{
    Annotations, LabelCounts, LabelMap, LabelTable, LabelValue, PlaneLayout, SliceKey, SliceState, Volume,
};

pub use crate::engine::StageTimes;
pub use attention::AttentionJob;
pub use bench::{BenchLoad, BenchNetwork, peak_memory_bytes};
pub use compare::CompareJob;
// What the command line and the window need of the rooms below; they do not go there themselves.
pub use crate::disk::remove_unfinished;
pub use crate::edit::keep_protected as keep_done;
pub use crate::engine::{Activations, DeviceChoice, DeviceFacts, Recipe, available_devices, list_devices};
pub use crate::formats::{
    Entry, Facts, Findings, FormatError, READERS, Skipped, WRITERS, facts, load, notices_of_writing, open_one, scan,
    stem, write_volume, writer_for,
};
pub use crate::learn::PixelRule;
pub use crate::pipeline::{
    AttentionView, LabelScores, Misfit, SegmentOptions, SegmentSeconds, SliceDoubt, has_attention, misfits,
    slices_to_segment,
};
pub use dataset::DatasetFacts;
pub use evaluate::{CaseScores, Comparison, Evaluation, compare_evaluations, evaluate};
pub use export::ImageSlice;
pub use folds::cross_validate;
pub use job::{Job as TypedJob, JobKind, Told, Work, run_here};
pub use join::{JoinJob, Joined, Names};
pub use marked::MarkedScan;
pub use open::{read_annotated_labels, read_labels};
pub use output::{Inputs, OutputKind};
pub use pixels::PixelJob;
pub use refine::{ADAPTED, REFINE_SECONDS, RefineJob, RememberedScans};
pub use sample::make_sample;
pub use segment::SegmentJob;
pub use train::{
    CHECKPOINT_SECONDS, SplitChoice, TrainJob, TrainSource, TrainSummary, best_path, check_training_outputs,
    checkpoint_path, default_plan, load_case,
};
pub use worker::{Worker, WorkerNews, panic_reason};
pub use zoo_table::{ZooRow, check_architecture, zoo_table};

/// Whether the system asked the process to end: every job stops then, as if nobody waited for it any more.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// The flag that stops every job of the process, for whoever hears the system's signals.
pub fn ending() -> &'static AtomicBool {
    &IS_ENDING
}

/// A watch that only breaks off where the process is to end.
pub fn unless_ending(_: f32) -> ControlFlow<()> {
    if IS_ENDING.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Raised to stop a job, or to let a training wait.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    stop: AtomicBool,
    pause: AtomicBool,
    abandoned: AtomicBool,
}

impl Cancel {
    /// Asks the job to stop.
    pub fn cancel(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    pub fn is_cancelled(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed) || IS_ENDING.load(Ordering::Relaxed)
    }

    /// Asks the job to stop because nobody waits for it any more: a training can be gone on with later.
    pub fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
        self.cancel();
    }

    /// Whether nobody waits for it any more.
    pub fn is_abandoned(&self) -> bool {
        self.0.abandoned.load(Ordering::Relaxed) || IS_ENDING.load(Ordering::Relaxed)
    }

    /// Asks a training to wait, or to go on.
    pub fn pause(&self, wait: bool) {
        self.0.pause.store(wait, Ordering::Relaxed);
    }

    /// Whether it was asked to wait.
    pub fn is_paused(&self) -> bool {
        self.0.pause.load(Ordering::Relaxed)
    }
}

/// What a job tells while it runs.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
pub enum JobEvent {
    /// Share done (0..=1) and what is being done.
    Progress {
        /// Share done.
        fraction: f32,
        /// What is being done, for example "Reading".
        stage: &'static str,
    },
    /// A stage of a job begins that has several; its share counts from 0 again.
    Stage {
        /// What is being done, for example "reading scans".
        name: &'static str,
        /// What comes after it; none: it is the last one.
        then: Option<&'static str>,
    },
    /// Slices are segmented.
    Slices {
        /// Slices done so far.
        done: usize,
        /// All slices.
        count: usize,
        /// Labels so far.
        labels: LabelMap,
    },
    /// How long the parts of a segmentation took.
    Took(crate::pipeline::SegmentSeconds),
    /// The network runs here.
    Device(String),
    /// How a training is carried out, and why where the scans decided it.
    Planned {
        /// The plan.
        plan: Box<crate::learn::Plan>,
        /// A sentence about each choice that the scans decided.
        why: Vec<String>,
    },
    /// A fold of a cross-validation begins.
    Fold {
        /// Which, counted from 0.
        fold: usize,
        /// Of how many.
        count: usize,
    },
    /// A training step is done.
    Loss {
        /// Share of the budget used.
        done: f64,
        /// Its loss.
        loss: f64,
        /// Its learning rate.
        rate: f64,
    },
    /// A training epoch is done.
    Epoch(crate::learn::Epoch),
    /// How a held-back slice is segmented now.
    Preview(Box<crate::learn::Preview>),
    /// Something the user must know.
    Warning(String),
}

/// Where events go.
pub type Progress<'a> = &'a (dyn Fn(JobEvent) + Sync);

/// Work to do.
#[derive(Clone)]
pub enum Job {
    /// Look at paths that were chosen together, headers only.
    Scan(Vec<PathBuf>),
    /// Load the sample inside the program.
    Sample,
    /// Load an entry of a scan.
    Load(Box<Entry>),
    /// Read a model by its identifier or file.
    LoadModel(String),
    /// Read labels for a volume.
    OpenLabels {
        /// The file.
        path: PathBuf,
        /// The volume they must lie on.
        volume: Arc<Volume>,
    },
    /// Run a model over a volume.
    Segment(SegmentJob),
    /// Adapt a model to finished slices, and segment the others again.
    Refine(Box<RefineJob>),
    /// See what a model's attention weighs in a slice.
    LookAtAttention(Box<AttentionJob>),
    /// Classify pixels from scribbles.
    ClassifyPixels(Box<PixelJob>),
    /// Join labels that came in with those of a document.
    Join(Box<JoinJob>),
    /// Take a label off all slices that are not finished.
    EraseLabel {
        /// The document's labels.
        labels: LabelMap,
        /// The label.
        value: LabelValue,
        /// Finished slices.
        done: Vec<(PlaneLayout, usize)>,
    },
    /// Count the voxels of every label.
    CountLabels(LabelMap),
    /// Write a model that was adapted to a scan as one of its own.
    KeepAdapted {
        /// Where to; the file's name is the model's.
        path: PathBuf,
        /// The adapted model, named as before.
        model: SharedModel,
    },
    /// Write a label map.
    SaveLabels {
        /// Where to.
        path: PathBuf,
        /// What.
        labels: LabelMap,
        /// Names, colours and finished slices; they go into the file.
        annotations: Annotations,
        /// Whether they are also written into a file beside it, for programs that do not read them in the mask.
        sidecar: bool,
    },
    /// Write a volume.
    SaveVolume {
        /// Where to.
        path: PathBuf,
        /// What.
        volume: Arc<Volume>,
    },
    /// Write a picture.
    SavePicture {
        /// Where to (`.png`).
        path: PathBuf,
        /// What.
        picture: ImageSlice,
    },
    /// Train a model and write it.
    Train(Box<TrainJob>),
    /// Read what a training would learn from, and make its plan.
    Plan(Box<TrainJob>),
    /// Add a scan and its finished slices to a data set's folder.
    AddToDataset {
        /// The folder.
        folder: PathBuf,
        /// What.
        scan: Box<MarkedScan>,
    },
    /// Write the report of a training into a folder.
    SaveReport {
        /// Where to.
        folder: PathBuf,
        /// What.
        summary: Box<TrainSummary>,
    },
    /// Segment a held-back case and show where the model errs most.
    CompareCase(Box<CompareJob>),
    /// Look at a folder of labelled scans.
    LookAtDataset(PathBuf),
    /// List what can be built, with its cost.
    ListZoo,
}

/// What came of it.
pub enum Outcome {
    /// Of [`Job::Scan`], with the first path.
    Found(PathBuf, Findings),
    /// Of [`Job::Load`].
    Volume(Box<Entry>, Arc<Volume>),
    /// Of [`Job::LoadModel`].
    Model(String, SharedModel),
    /// Of [`Job::Sample`].
    Sample(Box<Entry>, Arc<Volume>),
    /// Of [`Job::OpenLabels`] and [`Job::Segment`].
    Labels {
        /// The labels, on the volume's grid.
        labels: LabelMap,
        /// Their names and colours.
        table: LabelTable,
        /// How far slices are, where a file says it.
        states: Vec<(SliceKey, SliceState)>,
        /// The device that computed them; empty for files.
        device: String,
        /// The probability of every class but background, where they were wanted.
        probabilities: Vec<Volume>,
    },
    /// Of [`Job::Refine`].
    Refined {
        /// The adapted model's labels, on the volume's grid; finished slices are not yet put back.
        labels: LabelMap,
        /// Their names and colours.
        table: LabelTable,
        /// The adapted model.
        model: SharedModel,
        /// Steps it learned.
        steps: u64,
        /// Loss of the first and of the last step.
        loss: [f64; 2],
        /// How unsure the adapted model is of each slice.
        doubt: SliceDoubt,
    },
    /// Of [`Job::LookAtAttention`].
    Attention(Arc<AttentionView>),
    /// Of [`Job::Join`].
    Joined(Box<Joined>),
    /// Of [`Job::EraseLabel`].
    Erased {
        /// The labels without it.
        labels: LabelMap,
        /// The label.
        value: LabelValue,
        /// Whether some of it is left, in finished slices.
        is_left: bool,
    },
    /// Of [`Job::CountLabels`]: what was counted, and voxels of every label.
    Counted(LabelMap, LabelCounts),
    /// Of [`Job::ClassifyPixels`].
    Classified {
        /// The document's labels with the classified slices in them; none where there are not two labels to tell apart.
        labels: Option<LabelMap>,
        /// The labels that were told apart, the background's among them.
        known: Vec<LabelValue>,
        /// Whether all slices were classified.
        all_slices: bool,
    },
    /// Of [`Job::KeepAdapted`]: the file, and the model as the job was given it.
    Kept(PathBuf, SharedModel),
    /// Of [`Job::SaveLabels`].
    SavedLabels(PathBuf),
    /// Of the other saving jobs.
    Saved(PathBuf),
    /// Of [`Job::AddToDataset`]: the folder, and the case's name in it.
    Added(PathBuf, String),
    /// Of [`Job::Train`].
    Trained(Box<TrainSummary>),
    /// Of [`Job::Plan`].
    Planned {
        /// How it would be carried out.
        plan: Box<crate::learn::Plan>,
        /// A sentence about each choice that was left to the scans.
        why: Vec<String>,
    },
    /// Of [`Job::CompareCase`]: the slice with the most wrong pixels.
    Compared(Box<crate::learn::Preview>),
    /// Of [`Job::LookAtDataset`].
    Dataset(DatasetFacts),
    /// Of [`Job::ListZoo`]: architectures, encoders, attention.
    Zoo(Box<[Vec<ZooRow>; 3]>),
}

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The user stopped it.
    #[error("stopped")]
    Stopped,
    /// A file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A model.
    #[error(transparent)]
    Library(#[from] crate::model::LibraryError),
    /// A model file.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    /// A network of another program.
    #[error(transparent)]
    Foreign(#[from] crate::model::foreign::ForeignError),
    /// A segmentation.
    #[error(transparent)]
    Segment(#[from] crate::pipeline::SegmentError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
    /// A training.
    #[error(transparent)]
    Fit(#[from] crate::learn::FitError),
    /// A data set.
    #[error(transparent)]
    Dataset(#[from] crate::learn::DatasetError),
    /// Not enough memory.
    #[error(transparent)]
    Memory(#[from] crate::work::memory::OutOfMemory),
    /// A fault of the program itself.
    #[error("{0}")]
    Broken(String),
    /// Anything else, said for the user.
    #[error("{0}")]
    Other(String),
}

impl JobError {
    /// Whether the user's own stop is the reason.
    pub fn is_stop(&self) -> bool {
        use crate::engine::EngineError;
        use crate::learn::FitError;
        use crate::pipeline::SegmentError;
        matches!(
            self,
            Self::Stopped
                | Self::Format(FormatError::Cancelled)
                | Self::Engine(EngineError::Stopped)
                | Self::Segment(SegmentError::Stopped | SegmentError::Engine(EngineError::Stopped))
                | Self::Fit(FitError::Stopped | FitError::Engine(EngineError::Stopped))
        )
    }
}

/// A watch for readers and writers that reports under one stage name.
fn watch<'a>(
    progress: Progress<'a>,
    cancel: &'a Cancel,
    stage: &'static str,
) -> impl Fn(f32) -> ControlFlow<()> + Sync + 'a {
    move |fraction| {
        progress(JobEvent::Progress { fraction, stage });
        if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn tell_of_writing(path: &std::path::Path, geometry: &crate::volume::Geometry, progress: Progress) {
    for text in crate::formats::notices_of_writing(path, geometry) {
        progress(JobEvent::Warning(text));
    }
}

/// Does a job on the calling thread.
///
/// # Errors
/// What went wrong, said for the user; [`JobError::is_stop`] tells a stop apart.
pub fn run(job: Job, progress: Progress, cancel: &Cancel) -> Result<Outcome, JobError> {
    match job {
        Job::Scan(paths) => {
            let findings = crate::formats::scan_all(&paths, &watch(progress, cancel, "Looking through files"))?;
            Ok(Outcome::Found(paths.into_iter().next().unwrap_or_default(), findings))
        }
        Job::Sample => sample::open(),
        Job::Load(entry) => {
            let volume = crate::formats::load(&entry, &watch(progress, cancel, "Reading"))?;
            // Computed here, so that no frame has to wait for it.
            let _ = volume.statistics();
            Ok(Outcome::Volume(entry, Arc::new(volume)))
        }
        Job::LoadModel(name) => {
            let model = crate::model::find(&name)?;
            Ok(Outcome::Model(name, Arc::new(model)))
        }
        Job::OpenLabels { path, volume } => open::open_labels(&path, &volume, progress, cancel),
        Job::Refine(job) => refine::run(&job, progress, cancel),
        Job::KeepAdapted { path, model } => {
            refine::keep(&model, &path)?;
            Ok(Outcome::Kept(path, model))
        }
        Job::LookAtAttention(job) => attention::run(&job, progress, cancel),
        Job::ClassifyPixels(job) => pixels::run(&job, progress, cancel),
        Job::Join(job) => join::run(&job, progress, cancel),
        Job::EraseLabel { labels, value, done } => {
            let (labels, is_left) = crate::edit::erase_label(&labels, value, &done);
            Ok(Outcome::Erased { labels, value, is_left })
        }
        Job::CountLabels(labels) => {
            let counts = labels.voxel_counts();
            Ok(Outcome::Counted(labels, counts))
        }
        Job::Segment(job) => segment::run(&job, progress, cancel),
        Job::SaveLabels { path, labels, mut annotations, sidecar } => {
            annotations.seal(&labels);
            crate::formats::write_labels(&path, &labels, &annotations, &watch(progress, cancel, "Saving"))?;
            tell_of_writing(&path, labels.geometry(), progress);
            if sidecar {
                // The mask is on disk and says all of it.
                let told = crate::formats::write_sidecar(&path, &annotations).unwrap_or_else(|e| Some(e.to_string()));
                told.into_iter().for_each(|text| progress(JobEvent::Warning(text)));
            }
            Ok(Outcome::SavedLabels(path))
        }
        Job::SaveVolume { path, volume } => {
            crate::formats::write_volume(&path, &volume, &watch(progress, cancel, "Saving"))?;
            tell_of_writing(&path, &volume.geometry, progress);
            Ok(Outcome::Saved(path))
        }
        Job::SavePicture { path, picture } => {
            export::write_png(&path, &picture)?;
            Ok(Outcome::Saved(path))
        }
        Job::SaveReport { folder, summary } => {
            summary.write_report(&folder)?;
            Ok(Outcome::Saved(folder))
        }
        Job::AddToDataset { folder, scan } => {
            let name = marked::add_to_dataset(&scan, &folder, progress, cancel)?;
            Ok(Outcome::Added(folder, name))
        }
        Job::CompareCase(job) => compare::run(&job, progress, cancel),
        Job::LookAtDataset(folder) => Ok(Outcome::Dataset(dataset::look_at_dataset(&folder, progress, cancel)?)),
        Job::ListZoo => {
            let table = zoo_table().map_err(|e| JobError::Other(e.to_string()))?;
            Ok(Outcome::Zoo(Box::new(table)))
        }
        Job::Train(job) => Ok(Outcome::Trained(Box::new(train::run(&job, progress, cancel)?))),
        Job::Plan(job) => train::plan(&job, progress, cancel),
    }
}

/// A shared model.
pub type SharedModel = Arc<Model>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineError;
    use crate::learn::FitError;
    use crate::pipeline::SegmentError;

    #[test]
    fn a_stop_is_told_apart_wherever_it_came_from() {
        assert!(JobError::from(SegmentError::Engine(EngineError::Stopped)).is_stop());
        assert!(JobError::from(FitError::Engine(EngineError::Stopped)).is_stop());
        assert!(JobError::from(EngineError::Stopped).is_stop() && !JobError::Other("stopped".into()).is_stop());
    }
}
