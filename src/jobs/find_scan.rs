//! Finding the scan that labels were made on, and reading it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::formats::{self, Entry, Facts, FormatError, GivenSize, Kind, SizeSaid, Source};
use crate::session::{DocumentError, Likeness, ScanPlace, ScanReference, has_values_of_copy, read_scan_copy};
use crate::volume::Volume;
use crate::work::Watch;

/// The format of an entry that is a scan within a document.
pub const DOCUMENT_FORMAT: &str = "lamella";

/// Looks for a scan where it was, and reads it. Where a document holds it, it is read from there unless the file has the same values.
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
    /// Why it was read from a document, where it was.
    pub instead: Option<Instead>,
}

/// Why a scan is read from a document that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// No file of it is there.
    OfNone,
    /// The file that is there has other values, or cannot be read.
    OfAnother(PathBuf),
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
        let place = reference.place.as_ref().map(|place| place.path.clone());
        let paths: Vec<PathBuf> = first.into_iter().chain(place).filter(|path| path.exists()).collect();
        if reference.copy.is_some()
            && let Some(found) = file_or_copy(&paths, &reference, work)?
        {
            return Ok(ScanFound::There(Box::new(found)));
        }
        let mut best: Option<FoundScan> = None;
        for path in paths {
            let Some(found) = found(&path, &reference, work)? else { continue };
            if found.likeness == Likeness::Same {
                return Ok(ScanFound::There(Box::new(found)));
            }
            if best.is_none() {
                best = Some(found);
            }
        }
        Ok(best.map_or(ScanFound::Missing, |found| ScanFound::There(Box::new(found))))
    }
}

/// The scan that a document holds: from its file where that has the same values, which tells more of it, else from the document. None where
/// the document's cannot be read. No two of them are in memory at a time.
fn file_or_copy(paths: &[PathBuf], reference: &ScanReference, work: &Work<()>) -> Result<Option<FoundScan>, JobError> {
    let mut other = None;
    for path in paths {
        match found(path, reference, work) {
            Ok(Some(found)) if found.likeness == Likeness::Same && has_values_of_copy(reference, &found.volume) => {
                return Ok(Some(found));
            }
            Err(error) if error.is_stop() => return Err(error),
            // A folder without the scan is not its place either: the document alone holds it.
            Ok(_) | Err(_) => {
                other.get_or_insert_with(|| path.clone());
            }
        }
    }
    found_copy(reference, other.map_or(Instead::OfNone, Instead::OfAnother), work)
}

/// The scan of an id at a path, read.
fn found(path: &Path, reference: &ScanReference, work: &Work<()>) -> Result<Option<FoundScan>, JobError> {
    let id = reference.place.as_ref().map(|place| place.id.as_str()).unwrap_or_default();
    let Some(entry) = entry_at(path, id, work)? else { return Ok(None) };
    let entry = of_known_size(entry, reference);
    let volume = formats::load(&entry, work.watch.stage("Reading"))?;
    let _ = volume.statistics();
    let checksum = volume.checksum();
    let likeness = reference.likeness(&volume, checksum);
    Ok(Some(FoundScan { entry, volume: Arc::new(volume), checksum, likeness, instead: None }))
}

/// A picture whose file does not say how large its voxels are has those that the user gave it then.
fn of_known_size(entry: Entry, reference: &ScanReference) -> Entry {
    let is_open = entry.source.size_said().is_some_and(SizeSaid::is_open);
    let Some(grid) = reference.geometry().filter(|_| is_open) else { return entry };
    let given = match (grid.is_size_assumed(), grid.spacing_mm()) {
        (false, mm) => GivenSize::Millimetres(mm),
        (true, [1.0, 1.0, 1.0]) => GivenSize::Pixels,
        (true, _) => return entry,
    };
    match entry.source.of_size(given) {
        Some(source) => Entry { source, ..entry },
        None => entry,
    }
}

/// The scan in the document, where there is one; damage is told, and is as if there were none.
fn found_copy(reference: &ScanReference, instead: Instead, work: &Work<()>) -> Result<Option<FoundScan>, JobError> {
    let Some(place) = &reference.copy else { return Ok(None) };
    let volume = match read_scan_copy(reference, work.watch.stage("Reading")) {
        Ok(Some(volume)) => volume,
        Ok(None) => return Ok(None),
        Err(DocumentError::Stopped(stopped)) => return Err(stopped.into()),
        Err(error) => {
            work.warn(format!("{}: {error}", place.path.display()));
            return Ok(None);
        }
    };
    let _ = volume.statistics();
    let checksum = volume.checksum();
    let likeness = reference.likeness(&volume, checksum);
    let entry = Entry {
        format: DOCUMENT_FORMAT,
        kind: Kind::Volume,
        id: place.id.clone(),
        name: volume.name.clone(),
        modality: volume.display.modality.clone(),
        file_count: 0,
        shape: volume.geometry.shape(),
        path: place.path.clone(),
        belongs_to: None,
        source: Arc::new(InDocument(reference.clone())),
    };
    Ok(Some(FoundScan { entry, volume: Arc::new(volume), checksum, likeness, instead: Some(instead) }))
}

/// A scan that is read from a document.
#[derive(Debug)]
struct InDocument(ScanReference);

impl Source for InDocument {
    fn facts(&self, _: Watch) -> Result<Option<Facts>, FormatError> {
        Ok(None)
    }

    fn load(&self, watch: Watch) -> Result<Volume, FormatError> {
        let path = self.0.copy.as_ref().map(|place| place.path.clone()).unwrap_or_default();
        match read_scan_copy(&self.0, watch) {
            Ok(Some(volume)) => Ok(volume),
            Ok(None) => Err(FormatError::Malformed { path, problem: "no document holds the scan".into() }),
            Err(DocumentError::Stopped(stopped)) => Err(FormatError::Stopped(stopped)),
            Err(error) => Err(FormatError::Malformed { path, problem: error.to_string() }),
        }
    }

    fn path(&self) -> &Path {
        self.0.copy.as_ref().map_or(Path::new(""), |place| &place.path)
    }
}

/// The scan of an id at a path, or the only one there.
fn entry_at(path: &Path, id: &str, work: &Work<()>) -> Result<Option<Entry>, JobError> {
    let entries = formats::scan(path, work.watch.stage("Looking through files"))?.entries;
    let by_id = entries.iter().position(|entry| entry.id == id);
    let is_only = |entries: &[Entry]| matches!(entries, [only] if only.source.asks().is_none());
    let at = by_id.or(is_only(&entries).then_some(0));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::session::{Session, read_document, write_document};
    use crate::volume::{Affine, Geometry, Rescale, Voxels};
    use crate::work::Signal;

    #[test]
    fn a_folder_without_the_series_is_not_where_a_scan_in_a_document_lies() {
        let folder = tempfile::tempdir().unwrap();
        let [path, series] = ["a.lamella", "series"].map(|name| folder.path().join(name));
        let geometry = Geometry::new([3, 3, 3], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new((0..27).collect()));
        let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "CT".into());
        let mut session = Session::default();
        let (scan, _) = session.add_scan(Arc::new(volume));
        session.set_place(scan, ScanPlace { path: series.clone(), id: "1.2.3".into() });
        session.set_keeps_scans(true);
        write_document(&path, session.document(), Watch::unwatched()).unwrap();
        let reference = read_document(&path, Watch::unwatched()).unwrap().remove(0).reference;
        let instead = || {
            let job = FindScanJob { reference: reference.clone(), first: vec![] };
            let ScanFound::There(found) = run_here(job, &Signal::default(), &|_| {}).unwrap() else {
                panic!("the document has it");
            };
            assert_eq!(found.likeness, Likeness::Same);
            found.instead
        };
        assert_eq!(instead(), Some(Instead::OfNone));
        std::fs::create_dir(&series).unwrap();
        assert_eq!(instead(), Some(Instead::OfAnother(series.clone())));
    }
}
