//! temporary
#![allow(missing_docs)]
use super::job::{Job, JobKind, Told, Work};
use super::*;
use crate::work::{Share, Signal, Watch};
macro_rules! stub {
    ($name:ident, $out:ty, $event:ty) => {
        impl Job for $name {
            type Output = $out;
            type Event = $event;
            const KIND: &'static JobKind = &JobKind { id: stringify!($name), is_kept_when_stopped: false };
            fn title(&self) -> String {
                String::new()
            }
            fn run(self, _: &Work<Self::Event>) -> Result<Self::Output, JobError> {
                Err(JobError::from(crate::work::Stopped))
            }
        }
    };
}
pub struct LookThrough {
    pub paths: Vec<PathBuf>,
}
stub!(LookThrough, Findings, ());
pub struct OpenSample;
stub!(OpenSample, (Box<Entry>, Arc<Volume>), ());
pub struct LoadScan {
    pub entry: Box<Entry>,
}
stub!(LoadScan, (Box<Entry>, Arc<Volume>), ());
pub struct LoadModel {
    pub name: String,
}
stub!(LoadModel, Arc<Model>, ());
pub struct OpenedLabels {
    pub labels: LabelMap,
    pub table: LabelTable,
    pub states: Vec<(SliceKey, SliceState)>,
}
pub struct OpenLabels {
    pub path: PathBuf,
    pub volume: Arc<Volume>,
}
stub!(OpenLabels, OpenedLabels, ());
pub struct Segmented {
    pub labels: LabelMap,
    pub table: LabelTable,
}
pub enum SegmentEvent {
    Slices { labels: LabelMap },
    Device(String),
    Took(crate::pipeline::SegmentSeconds),
}
stub!(SegmentJob, Segmented, SegmentEvent);
stub!(JoinJob, Joined, ());
pub struct Erased {
    pub painted: Painted,
    pub is_left: bool,
}
pub struct EraseLabel {
    pub painter: Painter,
    pub value: LabelValue,
}
stub!(EraseLabel, Erased, ());
pub struct CountLabels {
    pub labels: LabelMap,
}
stub!(CountLabels, (LabelMap, LabelCounts), ());
pub struct Classified {
    pub labels: Option<LabelMap>,
    pub known: Vec<LabelValue>,
}
pub struct ClassifySlice(pub PixelJob);
pub struct ClassifyAllSlices(pub PixelJob);
stub!(ClassifySlice, Classified, ());
stub!(ClassifyAllSlices, Classified, ());
pub struct KeepAdapted {
    pub path: PathBuf,
    pub model: Arc<Model>,
}
stub!(KeepAdapted, (), ());
pub struct SaveLabels {
    pub path: PathBuf,
    pub labels: LabelMap,
    pub annotations: Annotations,
    pub sidecar: bool,
}
stub!(SaveLabels, (), ());
pub struct SaveVolume {
    pub path: PathBuf,
    pub volume: Arc<Volume>,
}
stub!(SaveVolume, (), ());
pub struct SavePicture {
    pub path: PathBuf,
    pub picture: ImageSlice,
}
stub!(SavePicture, (), ());
pub struct SaveReport {
    pub folder: PathBuf,
    pub summary: Box<TrainSummary>,
}
stub!(SaveReport, (), ());
pub struct AddToDataset {
    pub folder: PathBuf,
    pub scan: Box<MarkedScan>,
}
stub!(AddToDataset, String, ());
pub enum TrainEvent {
    Loss { done: f64, loss: f64, rate: f64 },
    Epoch(crate::learn::Epoch),
    Preview(Box<crate::learn::Preview>),
    Planned { plan: Box<crate::learn::Plan>, why: Vec<String> },
    Device(String),
}
stub!(TrainJob, Box<TrainSummary>, TrainEvent);
pub struct PlanJob(pub TrainJob);
pub struct Planned {
    pub plan: Box<crate::learn::Plan>,
    pub why: Vec<String>,
}
stub!(PlanJob, Planned, ());
stub!(CompareJob, Box<crate::learn::Preview>, ());
pub struct LookAtDataset {
    pub folder: PathBuf,
}
stub!(LookAtDataset, DatasetFacts, ());
pub struct ListZoo;
stub!(ListZoo, [Vec<ZooRow>; 3], ());
pub struct Refined {
    pub labels: LabelMap,
    pub table: LabelTable,
    pub model: Arc<Model>,
}
stub!(RefineJob, Refined, ());
stub!(AttentionJob, Arc<AttentionView>, ());
pub struct Worker<J: Job> {
    rx: std::sync::mpsc::Receiver<WorkerNews<J>>,
    signal: Signal,
}
pub enum WorkerNews<J: Job> {
    Progress(Share),
    Told(Told<J::Event>),
    Done(Result<J::Output, JobError>),
}
impl<J: Job> Worker<J> {
    pub fn start(job: J, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (tx, rx) = std::sync::mpsc::channel();
        let signal = Signal::default();
        let s = signal.clone();
        std::thread::spawn(move || {
            let r = job.run(&Work::new(Watch::new(&s), &|_| {}));
            let _ = tx.send(WorkerNews::Done(r));
            wake();
        });
        Self { rx, signal }
    }
    pub fn poll(&self) -> Option<WorkerNews<J>> {
        self.rx.try_recv().ok()
    }
    pub fn stop(&self) {
        self.signal.stop()
    }
    pub fn pause(&self, p: bool) {
        self.signal.pause(p)
    }
}
