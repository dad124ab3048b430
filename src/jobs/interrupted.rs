//! Looks for trainings that were interrupted: their state lies beside the model that they would have become.

use std::path::{Path, PathBuf};

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::learn::checkpoint_path;

/// Looks at a folder of models.
pub struct FindInterruptedJob {
    /// The folder.
    pub folder: PathBuf,
}

/// The name of the model that a file is the interrupted training of.
fn name_of(file: &Path) -> Option<String> {
    // A training's state is called after its model's whole name.
    let model = file.with_extension("");
    let name = model.file_stem()?.to_str()?.to_string();
    (model.extension()? == "safetensors" && checkpoint_path(&model) == file).then_some(name)
}

impl Job for FindInterruptedJob {
    type Output = Vec<String>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "find-interrupted", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Looking for interrupted trainings".into()
    }

    fn run(self, _: &Work<()>) -> Result<Self::Output, JobError> {
        // Where there is no folder yet nothing was interrupted.
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Ok(Vec::new()) };
        let mut names: Vec<String> = entries.flatten().filter_map(|entry| name_of(&entry.path())).collect();
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::work::Signal;

    #[test]
    fn only_states_of_trainings_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.safetensors.training", "a.v2.safetensors.training", "c.safetensors", "notes.training"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let find = |folder: PathBuf| run_here(FindInterruptedJob { folder }, &Signal::default(), &|_| {}).unwrap();
        assert_eq!(find(folder.path().to_path_buf()), ["a.v2", "b"]);
        assert!(find(folder.path().join("nowhere")).is_empty());
    }
}
