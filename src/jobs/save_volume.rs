//! Writing a volume.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::formats;
use crate::volume::Volume;

/// Writes a volume.
#[derive(Clone)]
pub struct SaveVolumeJob {
    /// Where to.
    pub path: PathBuf,
    /// What.
    pub volume: Arc<Volume>,
}

impl Job for SaveVolumeJob {
    /// The file.
    type Output = PathBuf;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-volume", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<PathBuf, JobError> {
        let Self { path, volume } = self;
        formats::write_volume(&path, &volume, work.watch.stage("Saving"))?;
        let kind = Some(volume.voxels.voxel_type());
        formats::notices_of_writing(&path, &volume.geometry, kind).into_iter().for_each(|text| work.warn(text));
        Ok(path)
    }
}
