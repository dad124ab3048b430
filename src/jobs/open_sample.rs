//! The sample inside the program.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::disk::replace_file;
use crate::formats::{self, Entry};
use crate::model::user_folder;
use crate::volume::Volume;

/// File name of the sample.
pub(super) const SAMPLE_NAME: &str = "synthetic_hippocampus.nii.gz";
const SAMPLE: &[u8] = include_bytes!("../../assets/sample/synthetic_hippocampus.nii.gz");

/// Unpacks the sample into the user's data folder (or the temporary one) and loads it.
#[derive(Debug, Clone)]
pub struct OpenSampleJob;

/// The sample.
#[derive(Clone)]
pub struct Sample {
    /// Where it lies.
    pub entry: Entry,
    /// Its voxels.
    pub volume: Arc<Volume>,
}

impl Job for OpenSampleJob {
    type Output = Sample;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "open-sample", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Opening the sample".into()
    }

    fn run(self, work: &Work<()>) -> Result<Sample, JobError> {
        let folder = user_folder().and_then(|f| Some(f.parent()?.join("samples")));
        let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("lamella"));
        let path = folder.join(SAMPLE_NAME);
        let failed =
            |e: std::io::Error| JobError::Other(format!("the sample cannot be unpacked to {}: {e}", path.display()));
        if !std::fs::read(&path).is_ok_and(|bytes| bytes == SAMPLE) {
            std::fs::create_dir_all(&folder).map_err(failed)?;
            replace_file(&path, |w| std::io::Write::write_all(w, SAMPLE)).map_err(failed)?;
        }
        let findings = formats::scan(&path, work.watch)?;
        let entry =
            findings.entries.into_iter().next().ok_or_else(|| JobError::Other("the sample is damaged".into()))?;
        let volume = formats::load(&entry, work.watch.stage("Reading"))?;
        let _ = volume.statistics();
        Ok(Sample { entry, volume: Arc::new(volume) })
    }
}
