//! Running a model over a volume.

use std::sync::Arc;

use super::{Cancel, JobError, JobEvent, Outcome, Progress, SharedModel};
use crate::engine::DeviceChoice;
use crate::pipeline::{SegmentEvent, SegmentOptions, segment};
use crate::volume::Volume;

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
}

pub(super) fn run(job: &SegmentJob, progress: Progress, cancel: &Cancel) -> Result<Outcome, JobError> {
    let spec = &job.model.spec;
    if spec.is_classifier() {
        return Err(JobError::Other(format!(
            "{} is a classifier and gives no mask; start a training from it (`lamella train ... --init {}`)",
            spec.title, spec.id
        )));
    }
    progress(JobEvent::Progress { fraction: 0.0, stage: "Preparing the network" });
    let mut network = job.model.network(job.device)?;
    network.take_notices().into_iter().for_each(|notice| progress(JobEvent::Warning(notice)));
    progress(JobEvent::Device(network.device_name().to_string()));
    let stop = || cancel.is_cancelled();
    let labels = segment(&job.volume, &job.model.spec, &mut network, &job.options, &stop, &mut |event| match event {
        SegmentEvent::Slices { done, count, labels } => {
            progress(JobEvent::Progress { fraction: done.end as f32 / count as f32, stage: "Segmenting" });
            progress(JobEvent::Slices { done: done.end, count, labels });
        }
        SegmentEvent::Notice(notice) => progress(JobEvent::Warning(notice)),
        SegmentEvent::Took(seconds) => progress(JobEvent::Took(seconds)),
    })?;
    Ok(Outcome::Labels { labels, table: job.model.spec.label_table(), device: network.device_name().to_string() })
}
