//! Which of the recent paths are there, as far as it was looked up.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// What is known about the recent paths.
#[derive(Debug, Default)]
pub struct RecentPaths {
    /// The paths that were looked up last.
    pub looked_up: Vec<PathBuf>,
    /// Those of them where nothing is.
    pub missing: BTreeSet<PathBuf>,
}
