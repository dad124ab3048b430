//! Reading a volume, and with it the segmentation that lies beside it.

use std::path::PathBuf;
use std::sync::Arc;

use super::case_files::{FileStamp, file_stamp, newest_of};
use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::open_labels::{OpenedLabels, open_layers};
use super::title::file_name;
use crate::formats::{self, Entry};
use crate::volume::{LabelCounts, Volume};

/// Segmentations that are read with a scan.
#[derive(Debug, Clone)]
pub enum WithMasks {
    /// The one among these places that was written last, where there is one.
    Newest(Vec<PathBuf>),
    /// All of these.
    All(Vec<PathBuf>),
    /// The one among the first places that was written last, and all of the others, which name the scan as their own.
    NewestAnd(Vec<PathBuf>, Vec<PathBuf>),
}

/// Loads an entry of a scan.
#[derive(Debug, Clone)]
pub struct LoadJob {
    /// The entry.
    pub entry: Entry,
    /// Its segmentations.
    pub masks: WithMasks,
}

/// A scan with its segmentations.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The voxels.
    pub volume: Arc<Volume>,
    /// What could be read of its segmentations.
    pub masks: Vec<LoadedMask>,
}

/// A segmentation that was read from a file.
#[derive(Debug, Clone)]
pub struct LoadedMask {
    /// The file.
    pub path: PathBuf,
    /// What it is called where there are several: the file's name, with a number where the file holds more than one.
    pub name: String,
    /// Whether the file holds nothing else, so that it may be written over.
    pub is_whole_file: bool,
    /// What the disk said of it before it was read.
    pub stamp: Option<FileStamp>,
    /// What it holds, on the scan's grid.
    pub opened: OpenedLabels,
    /// The voxels of every label.
    pub counts: LabelCounts,
}

impl Job for LoadJob {
    type Output = Loaded;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "load", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Reading {}", self.entry.name)
    }

    fn run(self, work: &Work<()>) -> Result<Loaded, JobError> {
        let volume = formats::load(&self.entry, work.watch.stage("Reading"))?;
        // Computed here, so that no frame has to wait for it.
        let _ = volume.statistics();
        let volume = Arc::new(volume);
        let paths = match self.masks {
            WithMasks::Newest(places) => newest_of(&places).into_iter().collect(),
            WithMasks::All(paths) => paths,
            WithMasks::NewestAnd(places, paths) => newest_of(&places).into_iter().chain(paths).collect(),
        };
        let mut masks = Vec::new();
        for path in paths {
            let stamp = file_stamp(&path);
            match open_layers(&path, &volume, work) {
                Ok(layers) => {
                    let is_whole_file = layers.len() == 1;
                    let stem = formats::stem(&path);
                    masks.extend(layers.into_iter().enumerate().map(|(n, opened)| {
                        let counts = opened.labels.voxel_counts();
                        let name = if is_whole_file { stem.clone() } else { format!("{stem} {}", n + 1) };
                        LoadedMask { path: path.clone(), name, stamp, is_whole_file, opened, counts }
                    }));
                }
                Err(error) if error.is_stop() => return Err(error),
                // The scan is worth more than labels that do not fit it.
                Err(error) => work.warn(format!("{} was not opened: {error}", file_name(&path))),
            }
        }
        Ok(Loaded { volume, masks })
    }
}
