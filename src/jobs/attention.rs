//! Running a model on one slice to see what its blocks of attention weigh.

use std::sync::Arc;

use super::{JobError, Outcome, SharedModel};
use crate::engine::DeviceChoice;
use crate::model::SliceAxis;
use crate::pipeline::AttentionView;
use crate::volume::Volume;
use crate::work::Watch;

/// Which slice of what to look at.
#[derive(Clone)]
pub struct AttentionJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// Its frame, for models of one channel.
    pub frame: usize,
    /// The model.
    pub model: SharedModel,
    /// The slices' axis.
    pub axis: SliceAxis,
    /// A voxel of the slice.
    pub voxel: [usize; 3],
    /// Where to run.
    pub device: DeviceChoice,
}

pub(super) fn run(job: &AttentionJob, watch: Watch) -> Result<Outcome, JobError> {
    let channels = job.model.spec.image_channels;
    let frames: Vec<usize> = if channels == 1 { vec![job.frame] } else { (0..channels).collect() };
    if job.volume.frame_count() < frames.len() {
        let present = job.volume.frame_count();
        return Err(JobError::Other(format!(
            "the model {} takes {channels} channels, the scan {} has {present}",
            job.model.spec.id, job.volume.name
        )));
    }
    let watch = watch.stage("Looking at attention");
    let view = AttentionView::new(&job.model, &job.volume, job.axis, job.voxel, &frames, job.device, watch)?;
    Ok(Outcome::Attention(Arc::new(view)))
}
