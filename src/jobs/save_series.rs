//! Writing a scan as a DICOM series.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::formats;
use crate::volume::Volume;

/// Most folders of one name, told apart by numbers.
const MOST_FOLDERS: usize = 10_000;

/// Writes a derived DICOM series, one image a slice, and reads it back to compare.
#[derive(Clone)]
pub struct SaveSeriesJob {
    /// The folder that was chosen: the images' own where it is new or empty, else a new one is made in it.
    pub folder: PathBuf,
    /// The name of a new folder in it.
    pub name: String,
    /// What.
    pub volume: Arc<Volume>,
}

impl Job for SaveSeriesJob {
    /// The images' folder.
    type Output = PathBuf;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-series", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving a series in {}", file_name(&self.folder))
    }

    fn run(self, work: &Work<()>) -> Result<PathBuf, JobError> {
        let Some(own) = own_folder(&self.folder, &self.name) else {
            let (name, shown) = (&self.name, self.folder.display());
            return Err(JobError::Other(format!(
                "{shown} has {MOST_FOLDERS} folders {name} already; choose another one"
            )));
        };
        let notes = formats::write_series(&own, &self.volume, work.watch.stage("Saving"))?;
        notes.into_iter().for_each(|note| work.warn(note));
        Ok(own)
    }
}

/// The folder itself where it holds nothing, else a new one of this name in it.
fn own_folder(folder: &Path, name: &str) -> Option<PathBuf> {
    // Whatever else cannot be read is told where it is written.
    if std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none()) {
        return Some(folder.to_path_buf());
    }
    let numbered = |n: usize| folder.join(if n == 1 { name.to_string() } else { format!("{name}_{n}") });
    (1..=MOST_FOLDERS).map(numbered).find(|path| !path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_gets_a_new_one_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let of = |path: &Path| own_folder(path, "head_dicom").unwrap();
        assert_eq!(of(folder.path()), folder.path());
        assert_eq!(of(&folder.path().join("new")), folder.path().join("new"));
        std::fs::create_dir(folder.path().join("head_dicom")).unwrap();
        assert_eq!(of(folder.path()), folder.path().join("head_dicom_2"));
        std::fs::write(folder.path().join("head_dicom_2"), "a file").unwrap();
        assert_eq!(of(folder.path()), folder.path().join("head_dicom_3"));
    }
}
