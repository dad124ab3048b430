//! Classifying pixels from scribbles on one slice.

use std::ops::Range;
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::learn::{PixelClassifier, PixelRule, Scribbled, UNMARKED};
use crate::volume::{LabelMap, LabelValue, PlaneLayout, Volume};
use crate::work::Watch;

/// Most pixels of a slice: its features take some two hundred times as many bytes.
const MOST_PIXELS: usize = 1 << 22;

/// What to learn from, and which slices to classify.
#[derive(Clone)]
pub struct PixelJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// Its frame.
    pub frame: usize,
    /// The slices.
    pub layout: PlaneLayout,
    /// The slice with the scribbles.
    pub slice: usize,
    /// Labels with the scribbles among them.
    pub scribbles: LabelMap,
    /// The document's labels, which the others become part of.
    pub labels: LabelMap,
    /// The label whose scribbles stand for the background.
    pub background: Option<LabelValue>,
    /// Kind of classifier.
    pub rule: PixelRule,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Classified {
    /// The document's labels with the classified slices in them; none where there are not two labels to tell apart.
    pub labels: Option<LabelMap>,
    /// The labels that were told apart, the background's among them.
    pub known: Vec<LabelValue>,
}

impl Job for PixelJob {
    type Output = Classified;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "classify-pixels", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Classifying pixels".into()
    }

    fn run(self, work: &Work<()>) -> Result<Classified, JobError> {
        let slice = self.slice;
        classify(&self, slice..slice + 1, work.watch.stage("Classifying pixels"))
    }
}

/// Classifies all slices of the plane by the scribbles on one.
#[derive(Clone)]
pub struct AllPixelsJob(pub PixelJob);

impl Job for AllPixelsJob {
    type Output = Classified;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "classify-all-slices", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Classifying all slices".into()
    }

    fn run(self, work: &Work<()>) -> Result<Classified, JobError> {
        classify(&self.0, 0..self.0.layout.size[2], work.watch.stage("Classifying pixels"))
    }
}

fn classify(job: &PixelJob, slices: Range<usize>, watch: Watch) -> Result<Classified, JobError> {
    let [columns, rows, _] = job.layout.size;
    let size = [rows, columns];
    if rows * columns > MOST_PIXELS {
        return Err(JobError::Other(format!(
            "slices of {columns} x {rows} pixels are too large to be classified pixel by pixel; crop them to {MOST_PIXELS} pixels"
        )));
    }
    let mut scribbles = Vec::new();
    job.layout.read_labels(&job.scribbles, job.slice, &mut scribbles);
    for label in &mut scribbles {
        *label = match *label {
            0 => UNMARKED,
            label if Some(label) == job.background => 0,
            label => label,
        };
    }
    let mut used: Vec<LabelValue> = scribbles.iter().copied().filter(|label| *label != UNMARKED).collect();
    used.sort_unstable();
    used.dedup();
    if used.len() < 2 {
        return Ok(Classified { labels: None, known: Vec::new() });
    }
    let known = used.iter().copied().chain(job.background).filter(|label| *label != 0).collect();
    let read = |slice: usize| {
        let mut image = Vec::new();
        job.layout.read_slice(&job.volume, job.frame, slice, &mut image);
        // What is no number has no features.
        image.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = 0.0);
        image
    };
    let image = read(job.slice);
    let scribbled = Scribbled { image: &image, size, labels: &scribbles };
    let mut classifier = PixelClassifier::train(&[scribbled], job.rule, 1, watch)?;
    let mut labels = job.labels.clone();
    let all = slices.len();
    for (n, slice) in slices.enumerate() {
        watch.at(n as f32 / all as f32)?;
        let found = classifier.classify(&read(slice), size, watch)?;
        for (at, label) in found.into_iter().enumerate() {
            labels.set(job.layout.voxel([at % columns, at / columns, slice]), label);
        }
    }
    labels.compact();
    Ok(Classified { labels: Some(labels), known })
}
