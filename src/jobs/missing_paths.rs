//! Looks which paths are there. A drive that is not connected may take long to say so.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::error::JobError;
use super::job::{Job, JobKind, Work};

/// Looks at paths.
pub struct MissingPathsJob {
    /// The paths.
    pub paths: Vec<PathBuf>,
}

impl Job for MissingPathsJob {
    type Output = BTreeSet<PathBuf>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "missing-paths", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Looking for recent files".into()
    }

    fn run(self, work: &Work<()>) -> Result<Self::Output, JobError> {
        let mut missing = BTreeSet::new();
        for path in self.paths {
            work.watch.check()?;
            if !path.exists() {
                missing.insert(path);
            }
        }
        Ok(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::work::Signal;

    #[test]
    fn what_is_gone_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone.nii");
        let paths = vec![folder.path().to_path_buf(), gone.clone()];
        let missing = run_here(MissingPathsJob { paths }, &Signal::default(), &|_| {}).unwrap();
        assert_eq!(missing, BTreeSet::from([gone]));
    }
}
