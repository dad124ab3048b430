//! The window's own union of all jobs, until its panels start typed ones.

use std::path::PathBuf;
use std::sync::Arc;

use crate::formats::{Entry, Findings};
use crate::jobs as typed;
use crate::learn::Planned;
use crate::model::Model;
use crate::volume::{
    Annotations, LabelCounts, LabelMap, LabelTable, LabelValue, PlaneLayout, SliceKey, SliceState, Volume,
};
use crate::work::Share;

pub use crate::engine::{DeviceChoice, available_devices};
pub use crate::formats::{RgbPicture as ImageSlice, Skipped, WRITERS, stem, writer_for};
pub use crate::jobs::{
    ADAPTED, AttentionJob, CHECKPOINT_SECONDS, CompareJob, DatasetFacts, JobError, JoinJob, Joined, Names, PixelJob,
    REFINE_SECONDS, RefineJob, RememberedScans, SegmentJob, SplitChoice, TrainJob, TrainSource, TrainSummary, ZooRow,
    check_architecture, checkpoint_path, default_plan,
};
pub use crate::learn::{MarkedScan, PixelRule};
pub use crate::pipeline::{AttentionView, Misfit, SegmentOptions, has_attention, misfits, slices_to_segment};

type SharedModel = Arc<Model>;

pub enum JobEvent {
    Progress { fraction: f32, stage: &'static str },
    Stage { name: &'static str, then: Option<&'static str> },
    Slices { labels: LabelMap },
    Device(String),
    Planned { why: Vec<String> },
    Loss { done: f64, loss: f64, rate: f64 },
    Epoch(crate::learn::Epoch),
    Preview(Box<crate::learn::Preview>),
    Warning(String),
}

pub enum Job {
    Scan(Vec<PathBuf>),
    Sample,
    Load(Box<Entry>),
    LoadModel(String),
    OpenLabels { path: PathBuf, volume: Arc<Volume> },
    Segment(SegmentJob),
    Refine(Box<RefineJob>),
    LookAtAttention(Box<AttentionJob>),
    ClassifyPixels(Box<PixelJob>),
    Join(Box<JoinJob>),
    EraseLabel { labels: LabelMap, value: LabelValue, done: Vec<(PlaneLayout, usize)> },
    CountLabels(LabelMap),
    KeepAdapted { path: PathBuf, model: SharedModel },
    SaveLabels { path: PathBuf, labels: LabelMap, annotations: Annotations, sidecar: bool },
    SaveVolume { path: PathBuf, volume: Arc<Volume> },
    SavePicture { path: PathBuf, picture: ImageSlice },
    Train(Box<TrainJob>),
    Plan(Box<TrainJob>),
    AddToDataset { folder: PathBuf, scan: Box<MarkedScan> },
    SaveReport { folder: PathBuf, summary: Box<TrainSummary> },
    CompareCase(Box<CompareJob>),
    LookAtDataset(PathBuf),
    ListZoo,
}

pub enum Outcome {
    Found(PathBuf, Findings),
    Volume(Box<Entry>, Arc<Volume>),
    Model(String, SharedModel),
    Sample(Box<Entry>, Arc<Volume>),
    Labels { labels: LabelMap, table: LabelTable, states: Vec<(SliceKey, SliceState)>, device: String },
    Refined { labels: LabelMap, table: LabelTable, model: SharedModel },
    Attention(Arc<AttentionView>),
    Joined(Box<Joined>),
    Erased { labels: LabelMap, value: LabelValue, is_left: bool },
    Counted(LabelMap, LabelCounts),
    Classified { labels: Option<LabelMap>, known: Vec<LabelValue>, all_slices: bool },
    Kept(PathBuf, SharedModel),
    SavedLabels(PathBuf),
    Saved(PathBuf),
    Added(PathBuf, String),
    Trained(Box<TrainSummary>),
    Planned { why: Vec<String> },
    Compared(Box<crate::learn::Preview>),
    Dataset(DatasetFacts),
    Zoo(Box<[Vec<ZooRow>; 3]>),
}

pub enum WorkerNews {
    Event(JobEvent),
    Done(Result<Outcome, JobError>),
}

/// A worker whose news are those of the union.
pub struct Worker(Box<dyn Running>);

trait Running {
    fn poll(&mut self) -> Option<WorkerNews>;
    fn pause(&self, wait: bool);
    fn stop(&self);
}

type Finish<O> = Box<dyn FnOnce(O) -> Outcome>;

struct Of<J: typed::Job> {
    worker: typed::Worker<J>,
    event: fn(J::Event) -> Option<JobEvent>,
    finish: Option<Finish<J::Output>>,
}

impl<J: typed::Job> Running for Of<J> {
    fn poll(&mut self) -> Option<WorkerNews> {
        loop {
            let event = match self.worker.poll()? {
                typed::WorkerNews::Progress(Share { stage, fraction }) => Some(JobEvent::Progress { fraction, stage }),
                typed::WorkerNews::Told(typed::Told::Event(event)) => (self.event)(event),
                typed::WorkerNews::Told(typed::Told::Stage(stage)) => {
                    Some(JobEvent::Stage { name: stage.name, then: stage.then })
                }
                typed::WorkerNews::Told(typed::Told::Warning(text)) => Some(JobEvent::Warning(text)),
                typed::WorkerNews::Done(outcome) => {
                    let finish = self.finish.take()?;
                    return Some(WorkerNews::Done(outcome.map(finish)));
                }
            };
            if let Some(event) = event {
                return Some(WorkerNews::Event(event));
            }
        }
    }

    fn pause(&self, wait: bool) {
        self.worker.pause(wait);
    }

    fn stop(&self) {
        self.worker.stop();
    }
}

type Wake = Box<dyn Fn() + Send + Sync>;

fn start<J: typed::Job>(
    job: J,
    wake: Wake,
    event: fn(J::Event) -> Option<JobEvent>,
    finish: impl FnOnce(J::Output) -> Outcome + 'static,
) -> Worker {
    Worker(Box::new(Of { worker: typed::Worker::start(job, wake), event, finish: Some(Box::new(finish)) }))
}

fn quiet<J: typed::Job<Event = ()>>(job: J, wake: Wake, finish: impl FnOnce(J::Output) -> Outcome + 'static) -> Worker {
    start(job, wake, |()| None, finish)
}

fn of_segment(news: typed::SegmentNews) -> Option<JobEvent> {
    match news {
        typed::SegmentNews::Device(name) => Some(JobEvent::Device(name)),
        typed::SegmentNews::Slices { labels, .. } => Some(JobEvent::Slices { labels }),
        typed::SegmentNews::Took(_) => None,
    }
}

fn of_refine(news: typed::RefineNews) -> Option<JobEvent> {
    match news {
        typed::RefineNews::Device(name) => Some(JobEvent::Device(name)),
        typed::RefineNews::Took(_) => None,
    }
}

#[allow(clippy::unnecessary_wraps, reason = "its siblings have news to leave out")]
fn of_training(news: typed::TrainNews) -> Option<JobEvent> {
    Some(match news {
        typed::TrainNews::Planned(planned) => JobEvent::Planned { why: planned.why },
        typed::TrainNews::Step { done, loss, rate } => JobEvent::Loss { done, loss, rate },
        typed::TrainNews::Epoch(epoch) => JobEvent::Epoch(epoch),
        typed::TrainNews::Preview(preview) => JobEvent::Preview(preview),
    })
}

impl Worker {
    pub fn start(job: Job, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let wake: Wake = Box::new(wake);
        match job {
            Job::Scan(paths) => {
                let first = paths.first().cloned().unwrap_or_default();
                quiet(typed::ScanJob { paths }, wake, |found| Outcome::Found(first, found))
            }
            Job::Sample => {
                quiet(typed::OpenSampleJob, wake, |sample| Outcome::Sample(Box::new(sample.entry), sample.volume))
            }
            Job::Load(entry) => {
                let job = typed::LoadJob { entry: Entry::clone(&entry) };
                quiet(job, wake, |volume| Outcome::Volume(entry, volume))
            }
            Job::LoadModel(name) => {
                quiet(typed::LoadModelJob { name: name.clone() }, wake, |model| Outcome::Model(name, model))
            }
            Job::OpenLabels { path, volume } => quiet(typed::OpenLabelsJob { path, volume }, wake, |opened| {
                let typed::OpenedLabels { labels, table, states } = opened;
                Outcome::Labels { labels, table, states, device: String::new() }
            }),
            Job::Segment(job) => start(job, wake, of_segment, |found| {
                let typed::Segmented { labels, table, device, .. } = found;
                Outcome::Labels { labels, table, states: Vec::new(), device }
            }),
            Job::Refine(job) => start(*job, wake, of_refine, |refined| {
                let typed::RefinedLabels { labels, table, model, .. } = refined;
                Outcome::Refined { labels, table, model }
            }),
            Job::LookAtAttention(job) => quiet(*job, wake, Outcome::Attention),
            Job::ClassifyPixels(job) => quiet(*job, wake, |classified| {
                let typed::Classified { labels, known, all_slices } = classified;
                Outcome::Classified { labels, known, all_slices }
            }),
            Job::Join(job) => quiet(*job, wake, |joined| Outcome::Joined(Box::new(joined))),
            Job::EraseLabel { labels, value, done } => {
                quiet(typed::EraseLabelJob { labels, value, done }, wake, |erased| {
                    let typed::Erased { labels, value, is_left } = erased;
                    Outcome::Erased { labels, value, is_left }
                })
            }
            Job::CountLabels(labels) => {
                quiet(typed::CountLabelsJob { labels }, wake, |(labels, counts)| Outcome::Counted(labels, counts))
            }
            Job::KeepAdapted { path, model } => {
                let written = model.clone();
                quiet(typed::KeepAdaptedJob { path, model }, wake, |path| Outcome::Kept(path, written))
            }
            Job::SaveLabels { path, labels, annotations, sidecar } => {
                quiet(typed::SaveLabelsJob { path, labels, annotations, sidecar }, wake, Outcome::SavedLabels)
            }
            Job::SaveVolume { path, volume } => quiet(typed::SaveVolumeJob { path, volume }, wake, Outcome::Saved),
            Job::SavePicture { path, picture } => quiet(typed::SavePictureJob { path, picture }, wake, Outcome::Saved),
            Job::SaveReport { folder, summary } => {
                quiet(typed::SaveReportJob { folder, summary: *summary }, wake, Outcome::Saved)
            }
            Job::AddToDataset { folder, scan } => {
                let added = folder.clone();
                quiet(typed::AddToDatasetJob { folder, scan: *scan }, wake, |name| Outcome::Added(added, name))
            }
            Job::CompareCase(job) => quiet(*job, wake, |slice| Outcome::Compared(Box::new(slice))),
            Job::LookAtDataset(folder) => quiet(typed::LookAtDatasetJob { folder }, wake, Outcome::Dataset),
            Job::ListZoo => quiet(typed::ListZooJob, wake, |table| Outcome::Zoo(Box::new(table))),
            Job::Train(job) => start(*job, wake, of_training, |summary| Outcome::Trained(Box::new(summary))),
            Job::Plan(job) => quiet(typed::PlanJob { training: *job }, wake, |planned| {
                let Planned { why, .. } = planned;
                Outcome::Planned { why }
            }),
        }
    }

    pub fn poll(&mut self) -> Option<WorkerNews> {
        self.0.poll()
    }

    pub fn pause(&self, wait: bool) {
        self.0.pause(wait);
    }

    pub fn cancel(&self) {
        self.0.stop();
    }
}
