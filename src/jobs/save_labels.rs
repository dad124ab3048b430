//! Writing labels.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::formats::{self, FormatError, Mask};
use crate::volume::{Annotations, LabelMap, SourceImages};

/// Writes a label map.
#[derive(Clone)]
pub struct SaveLabelsJob {
    /// Where to.
    pub path: PathBuf,
    /// What.
    pub labels: LabelMap,
    /// Names, colours and finished slices; they go into the file.
    pub annotations: Annotations,
    /// The DICOM images that it was made on, for formats that refer to them.
    pub source: Option<Arc<SourceImages>>,
    /// Whether they are also written into a file beside it, for programs that do not read them in the mask.
    pub sidecar: bool,
}

/// A mask that is on disk.
#[derive(Debug)]
pub struct SavedLabels {
    /// The file.
    pub path: PathBuf,
    /// Whether it was read back and compared, where its format has that: not if the user stopped it there.
    pub is_compared: bool,
}

impl Job for SaveLabelsJob {
    type Output = SavedLabels;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-labels", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<SavedLabels, JobError> {
        let Self { path, labels, mut annotations, source, sidecar } = self;
        annotations.seal(&labels);
        let mask = Mask { labels: &labels, annotations: &annotations, source: source.as_deref() };
        formats::write_mask(&path, &mask, work.watch.stage("Saving"))?;
        let mut is_compared = true;
        match formats::check_written(&path, &mask, work.watch.stage("Comparing")) {
            Ok(checked) => checked.into_iter().for_each(|text| work.warn(text)),
            // The file is there, and is what it is known by from now on.
            Err(FormatError::Stopped(_)) if !work.watch.is_abandoned() => {
                is_compared = false;
                work.warn(format!("{} was written, but not read back and compared: that was stopped.", path.display()));
            }
            Err(error) => return Err(error.into()),
        }
        formats::notices_of_writing(&path, labels.geometry(), None).into_iter().for_each(|text| work.warn(text));
        if sidecar {
            // The mask is on disk and says all of it.
            let told = formats::write_sidecar(&path, &annotations).unwrap_or_else(|e| Some(e.to_string()));
            told.into_iter().for_each(|text| work.warn(text));
        }
        Ok(SavedLabels { path, is_compared })
    }
}
