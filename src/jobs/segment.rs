//! Running a model over a volume.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{JobError, JobEvent, Outcome, Progress, SharedModel};
use crate::engine::DeviceChoice;
use crate::pipeline::{ProbabilityMaps, SegmentEvent, SegmentOptions, VoxelVisitor, segment_and_visit};
use crate::volume::{LabelValue, Volume};
use crate::work::Watch;

/// What to segment, with what.
#[derive(Clone)]
pub struct SegmentJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// The model.
    pub model: SharedModel,
    /// Where to run.
    pub device: DeviceChoice,
    /// Further choices.
    pub options: SegmentOptions,
    /// Whether probabilities are wanted too.
    pub probabilities: bool,
    /// Values that labels have in [`JobEvent::Slices`], by the model's; the others, and the outcome's, are the model's.
    pub shown_as: BTreeMap<LabelValue, LabelValue>,
}

pub(super) fn run(job: &SegmentJob, progress: Progress, watch: Watch) -> Result<Outcome, JobError> {
    let spec = &job.model.spec;
    if spec.is_classifier() {
        return Err(JobError::Other(format!(
            "{} is a classifier and gives no mask; start a training from it (`lamella train ... --init {}`)",
            spec.title, spec.id
        )));
    }
    watch.stage("Preparing the network").at(0.0)?;
    let mut network = job.model.network(job.device)?;
    network.take_notices().into_iter().for_each(|notice| progress(JobEvent::Warning(notice)));
    progress(JobEvent::Device(network.device_name().to_string()));
    let maps = job.probabilities.then(|| ProbabilityMaps::new(spec, &job.volume.geometry)).transpose();
    let mut maps = maps.map_err(JobError::Other)?;
    let mut visit = |voxel: [usize; 3], p: &[f32]| {
        if let Some(maps) = &mut maps {
            maps.set(voxel, p);
        }
    };
    let visit: Option<VoxelVisitor> = if job.probabilities { Some(&mut visit) } else { None };
    let mut on_event = |event| match event {
        SegmentEvent::Slices { done, count, labels } => {
            let _ = watch.stage("Segmenting").at(done.end as f32 / count as f32);
            let shown = |value| Some(job.shown_as.get(&value).copied().unwrap_or(value));
            // Every value has its place.
            let labels = if job.shown_as.is_empty() { labels } else { labels.mapped(shown).unwrap_or(labels) };
            progress(JobEvent::Slices { done: done.end, count, labels });
        }
        SegmentEvent::Notice(notice) => progress(JobEvent::Warning(notice)),
        SegmentEvent::Took(seconds) => progress(JobEvent::Took(seconds)),
    };
    let labels = segment_and_visit(&job.volume, spec, &mut network, &job.options, watch, &mut on_event, visit)?;
    Ok(Outcome::Labels {
        labels,
        table: spec.label_table(),
        states: Vec::new(),
        device: network.device_name().to_string(),
        probabilities: maps.map(ProbabilityMaps::into_volumes).unwrap_or_default(),
    })
}
