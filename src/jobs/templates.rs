//! Files of the user's templates, in the program's own folder.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::disk::{create_private_folder, open_regular_file, replace_private_file};

/// The ending of their names.
pub const TEMPLATE_ENDING: &str = "json";
/// A larger file is none.
const MOST_BYTES: u64 = 1 << 20;
/// Most of them.
const MOST_FILES: usize = 200;

/// A file and its text, or why it has none.
pub type TemplateText = (PathBuf, Result<String, String>);

/// Reads the files.
#[derive(Debug, Clone)]
pub struct FindTemplatesJob {
    /// Their folder; it need not exist.
    pub folder: PathBuf,
}

impl Job for FindTemplatesJob {
    /// By name.
    type Output = Vec<TemplateText>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "find-templates", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Looking for templates".into()
    }

    fn run(self, _: &Work<()>) -> Result<Vec<TemplateText>, JobError> {
        let folder = self.folder.display();
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(JobError::Other(format!("{folder} cannot be read: {error}."))),
        };
        let is_one = |path: &PathBuf| path.extension().is_some_and(|ending| ending == TEMPLATE_ENDING);
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_one).collect();
        paths.sort();
        paths.truncate(MOST_FILES);
        let read = |path: PathBuf| {
            let mut text = String::new();
            let file = open_regular_file(&path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
            (path, file.map(|_| text).map_err(|error| error.to_string()))
        };
        Ok(paths.into_iter().map(read).collect())
    }
}

/// Writes a file that is not there yet.
#[derive(Debug, Clone)]
pub struct KeepTemplateJob {
    /// It.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
}

impl Job for KeepTemplateJob {
    type Output = ();
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "keep-template", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Saving a template".into()
    }

    fn run(self, _: &Work<()>) -> Result<(), JobError> {
        if self.path.exists() {
            return Err(JobError::Other(
                "A template of this name is there already; delete it first, or choose another name.".into(),
            ));
        }
        let folder = self.path.parent().map_or(Ok(()), create_private_folder);
        let written = folder.and_then(|()| replace_private_file(&self.path, |w| w.write_all(self.text.as_bytes())));
        written.map_err(|error| JobError::Other(format!("{} cannot be written: {error}", self.path.display())))
    }
}

/// Removes a file.
#[derive(Debug, Clone)]
pub struct DeleteTemplateJob {
    /// It.
    pub path: PathBuf,
}

impl Job for DeleteTemplateJob {
    type Output = ();
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "delete-template", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Deleting a template".into()
    }

    fn run(self, _: &Work<()>) -> Result<(), JobError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(JobError::Other(format!("{} cannot be deleted: {error}", self.path.display())))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::job::run_here;
    use crate::work::Signal;

    #[test]
    fn a_folder_that_is_not_there_has_none_and_one_that_cannot_be_read_is_told() {
        let place = tempfile::tempdir().unwrap();
        let found = |folder| run_here(FindTemplatesJob { folder }, &Signal::default(), &|_| {});
        assert!(found(place.path().join("templates")).unwrap().is_empty());
        let file = place.path().join("file");
        std::fs::write(&file, "text").unwrap();
        assert!(found(file).unwrap_err().to_string().contains("file cannot be read"));
    }
}
