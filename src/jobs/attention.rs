//! Running a model on one slice to see what its blocks of attention weigh.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::engine::DeviceChoice;
use crate::model::{Model, SliceAxis};
use crate::pipeline::AttentionView;
use crate::volume::Volume;

/// Which slice of what to look at.
#[derive(Clone)]
pub struct AttentionJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// Its frame, for models of one channel.
    pub frame: usize,
    /// The model.
    pub model: Arc<Model>,
    /// The slices' axis.
    pub axis: SliceAxis,
    /// A voxel of the slice.
    pub voxel: [usize; 3],
    /// Where to run.
    pub device: DeviceChoice,
}

impl Job for AttentionJob {
    type Output = Arc<AttentionView>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "look-at-attention", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Looking at attention".into()
    }

    fn run(self, work: &Work<()>) -> Result<Arc<AttentionView>, JobError> {
        let channels = self.model.spec.image_channels;
        let frames: Vec<usize> = if channels == 1 { vec![self.frame] } else { (0..channels).collect() };
        if self.volume.frame_count() < frames.len() {
            let present = self.volume.frame_count();
            return Err(JobError::Other(format!(
                "the model {} takes {channels} channels, the scan {} has {present}",
                self.model.spec.id, self.volume.name
            )));
        }
        let Self { volume, model, axis, voxel, device, .. } = self;
        let watch = work.watch.stage("Looking at attention");
        Ok(Arc::new(AttentionView::new(&model, &volume, axis, voxel, &frames, device, watch)?))
    }
}
