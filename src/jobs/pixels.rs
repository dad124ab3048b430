//! Classifying pixels from scribbles on one slice.

use std::sync::Arc;

use super::{JobError, Outcome};
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
    /// Whether all slices are classified, or the scribbled one alone.
    pub all_slices: bool,
}

pub(super) fn run(job: &PixelJob, watch: Watch) -> Result<Outcome, JobError> {
    let [columns, rows, count] = job.layout.size;
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
        return Ok(Outcome::Classified { labels: None, known: Vec::new(), all_slices: job.all_slices });
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
    let slices = if job.all_slices { 0..count } else { job.slice..job.slice + 1 };
    let all = slices.len();
    for (n, slice) in slices.enumerate() {
        watch.stage("Classifying pixels").at(n as f32 / all as f32)?;
        let found = classifier.classify(&read(slice), size, watch)?;
        for (at, label) in found.into_iter().enumerate() {
            labels.set(job.layout.voxel([at % columns, at / columns, slice]), label);
        }
    }
    labels.compact();
    Ok(Outcome::Classified { labels: Some(labels), known, all_slices: job.all_slices })
}
