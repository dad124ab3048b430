//! A segmentation that was written to be sent: as long as it is not known to have arrived, it is sent again as the same object.

use std::path::PathBuf;
use std::sync::Arc;

use super::SendAs;
use crate::volume::{Annotations, LabelMap, SourceImages};

/// What is written of a segmentation.
#[derive(Debug, Clone)]
pub struct Content {
    /// Its voxels.
    pub labels: LabelMap,
    /// Their names, and who made them.
    pub annotations: Annotations,
    /// The images that it names.
    pub source: Option<Arc<SourceImages>>,
    /// As what it is written.
    pub send_as: SendAs,
}

/// A file in a folder of its own, which goes when nobody needs it any more.
#[derive(Debug)]
pub struct Made {
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub content: Content,
}

impl Content {
    /// Whether a file of the one is one of the other too. Voxels that were changed and changed back count as changed.
    pub fn is_that_of(&self, other: &Self) -> bool {
        self.send_as == other.send_as
            && self.annotations == other.annotations
            && self.source == other.source
            && self.labels.geometry() == other.labels.geometry()
            && self.labels.changed_bricks(&other.labels) == 0
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(folder) = self.path.parent() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
