//! Finding the scan that labels were made on, and reading it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::formats::{self, Entry};
use crate::session::{Likeness, ScanPlace, ScanReference};
use crate::volume::Volume;

/// Looks for a scan where it was, and reads it.
pub struct FindScanJob {
    /// Which scan.
    pub reference: ScanReference,
    /// Where to look first.
    pub first: Vec<PathBuf>,
}

/// What came of it.
pub enum ScanFound {
    /// A scan.
    There(Box<FoundScan>),
    /// There is nothing at these paths.
    Missing,
}

/// A scan that was found.
pub struct FoundScan {
    /// Where it lies.
    pub entry: Entry,
    /// Its voxels.
    pub volume: Arc<Volume>,
    /// The checksum of them.
    pub checksum: u64,
    /// How far it is the one that is meant.
    pub likeness: Likeness,
}

impl Job for FindScanJob {
    type Output = ScanFound;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "find-scan", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Reading {}", self.reference.title())
    }

    fn run(self, work: &Work<()>) -> Result<ScanFound, JobError> {
        let Self { reference, first } = self;
        let id = reference.place.as_ref().map(|place| place.id.clone()).unwrap_or_default();
        let place = reference.place.as_ref().map(|place| place.path.clone());
        let mut best: Option<FoundScan> = None;
        for path in first.into_iter().chain(place).filter(|path| path.exists()) {
            let Some(entry) = entry_at(&path, &id, work)? else { continue };
            let volume = formats::load(&entry, work.watch.stage("Reading"))?;
            let _ = volume.statistics();
            let checksum = volume.checksum();
            let likeness = reference.likeness(&volume, checksum);
            let found = FoundScan { entry, volume: Arc::new(volume), checksum, likeness };
            if likeness == Likeness::Same {
                return Ok(ScanFound::There(Box::new(found)));
            }
            if best.is_none() {
                best = Some(found);
            }
        }
        Ok(best.map_or(ScanFound::Missing, |found| ScanFound::There(Box::new(found))))
    }
}

/// The scan of an id at a path, or the only one there.
fn entry_at(path: &Path, id: &str, work: &Work<()>) -> Result<Option<Entry>, JobError> {
    let entries = formats::scan(path, work.watch.stage("Looking through files"))?.entries;
    let by_id = entries.iter().position(|entry| entry.id == id);
    let at = by_id.or((entries.len() == 1).then_some(0));
    Ok(at.and_then(|at| entries.into_iter().nth(at)))
}

/// Sums up the voxels of a scan, so that it is known again.
pub struct ChecksumJob {
    /// The scan.
    pub volume: Arc<Volume>,
}

impl Job for ChecksumJob {
    type Output = u64;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "checksum", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Looking at {}", self.volume.name)
    }

    fn run(self, work: &Work<()>) -> Result<u64, JobError> {
        work.watch.check()?;
        Ok(self.volume.checksum())
    }
}

/// Where an entry lies, for a reference.
pub fn place_of(entry: &Entry) -> ScanPlace {
    let path = std::path::absolute(&entry.path).unwrap_or_else(|_| entry.path.clone());
    ScanPlace { path, id: entry.id.clone() }
}
