//! Writing a picture of a view.

use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::formats::{RgbPicture, write_picture};

/// Writes a picture.
#[derive(Debug, Clone)]
pub struct SavePictureJob {
    /// Where to (`.png`).
    pub path: PathBuf,
    /// What.
    pub picture: RgbPicture,
}

impl Job for SavePictureJob {
    /// The file.
    type Output = PathBuf;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-picture", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving {}", file_name(&self.path))
    }

    fn run(self, _: &Work<()>) -> Result<PathBuf, JobError> {
        write_picture(&self.path, &self.picture)?;
        Ok(self.path)
    }
}
