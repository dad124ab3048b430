//! The `.lamella` document: one file with all segmentations of the scans that are open, and where those scans lie.
//!
//! A container (`disk/container.rs`) of `contents.json` and, for every segmentation, chunks of bricks, each behind its length. What undo
//! could take back is not in it. Scans are in it where the user wants so (`scan_copy.rs`).

use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document::{Document, ScanId, Segmentation};
use super::kept::{KeptScan, KeptSegmentation};
use super::kept_overlay::{KeptLook, KeptOverlay};
use super::reference::{ScanPlace, ScanReference};
use super::scan_copy::{self, ScanCopy, ScanCopyError, holds_voxels};
use crate::disk::{Container, ContainerError, ContainerKind, is_container, write_container};
use crate::volume::{
    BrickCodeError, BrickPatch, Geometry, LabelMap, LabelTable, MOST_CHUNK_BYTES, Maker, Measurement, SliceKey,
    SliceState, Volume,
};
use crate::work::numbers::share;
use crate::work::{Stopped, Watch};

/// Ending of a document's name.
pub const DOCUMENT_ENDING: &str = ".lamella";
/// What is read. The second version has measurements, the third scans. What has neither is written so that older programs open it.
const KIND: ContainerKind = ContainerKind { magic: *b"LAMELLA\n", version: 3 };
const CONTENTS: &str = "contents.json";
/// How much of the work a segmentation is, in bytes of a scan.
const LABELS_COUNT_AS: usize = 4 << 20;
/// Most bytes of the contents: names of many thousand labels.
const MOST_CONTENTS_BYTES: u64 = 64 << 20;

/// Why a document cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The file.
    #[error(transparent)]
    File(#[from] ContainerError),
    /// The file system.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The labels in it.
    #[error(transparent)]
    Labels(#[from] BrickCodeError),
    /// The grid of a scan.
    #[error("it is damaged: there is no grid like that of \"{0}\"")]
    Grid(String),
    /// A scan in it.
    #[error("the scan \"{name}\" in it cannot be read: {source}")]
    Scan {
        /// The scan's name.
        name: String,
        /// Why.
        source: ScanCopyError,
    },
}

impl From<ScanCopyError> for DocumentError {
    fn from(error: ScanCopyError) -> Self {
        match error {
            ScanCopyError::Stopped(stopped) => Self::Stopped(stopped),
            ScanCopyError::File(error) => Self::File(error),
            ScanCopyError::Disk(error) => Self::Disk(error),
            ScanCopyError::Memory(error) => Self::Disk(error.into()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Contents {
    /// Which program wrote it.
    program: String,
    scans: Vec<ScanPart>,
}

#[derive(Serialize, Deserialize)]
struct ScanPart {
    reference: ScanReference,
    /// Where it lies from the document's folder.
    beside: Option<ScanPlace>,
    /// The part that says what scan is in the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    copy: Option<String>,
    segmentations: Vec<SegmentationPart>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    measurements: Vec<Measurement>,
    /// Older programs open it without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overlay: Option<OverlayPart>,
}

#[derive(Serialize, Deserialize)]
struct OverlayPart {
    /// The scan above, by its place in the document.
    over: usize,
    look: KeptLook,
}

#[derive(Serialize, Deserialize)]
struct SegmentationPart {
    name: String,
    table: LabelTable,
    states: Vec<(SliceKey, SliceState)>,
    makers: Vec<(SliceKey, Maker)>,
    /// The part that holds its labels.
    labels: String,
}

/// Whether a file is a document, of any version.
pub fn is_document(path: &Path) -> bool {
    is_container(path, &KIND)
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenDocument {
    /// Where it lies, by a whole path; that at the end of links where the writer followed them.
    pub path: PathBuf,
    /// Scans whose voxels it holds, and where they lie in it.
    pub copies: Vec<(ScanId, ScanPlace)>,
    /// Those among them that it holds although its scans are not kept in it: no other file has them.
    pub only_there: Vec<ScanId>,
}

/// The version that the contents need.
fn version_of(contents: &Contents) -> u32 {
    match () {
        () if contents.scans.iter().any(|scan| scan.copy.is_some()) => 3,
        () if contents.scans.iter().any(|scan| !scan.measurements.is_empty()) => 2,
        () => 1,
    }
}

/// Writes all that is open as a document: aside, synced, renamed. Scans are in it where the document keeps them, and those that no file
/// but a document has.
///
/// # Errors
/// Those of the file system, and a stop; what was there stays then.
pub fn write_document(path: &Path, document: &Document, watch: Watch) -> Result<WrittenDocument, DocumentError> {
    let absolute = std::path::absolute(path).ok();
    let folder = absolute.as_ref().and_then(|path| path.parent().map(Path::to_path_buf));
    let whole = absolute.unwrap_or_else(|| path.to_path_buf());
    let mut scans = Vec::new();
    let mut all: Vec<(String, &Segmentation)> = Vec::new();
    let (mut copies, mut copied, mut only_there) = (Vec::new(), Vec::new(), Vec::new());
    for (id, volume) in document.scans() {
        let Some(own) = document.reference(id) else { continue };
        let mut reference = ScanReference { copy: None, ..own.clone() };
        let is_copy_alone = own.is_copy_alone();
        if document.keeps_scans() || is_copy_alone {
            watch.at(0.0)?;
            let checksum = *reference.checksum.get_or_insert_with(|| volume.checksum());
            let copy = ScanCopy::new(volume, checksum, own.copy.as_ref())?;
            copied.push((id, ScanPlace { path: whole.clone(), id: copy.name.clone() }));
            copies.push(copy);
            only_there.extend((is_copy_alone && !document.keeps_scans()).then_some(id));
        }
        let copy = copied.last().filter(|(of, _)| *of == id).map(|(_, place)| place.id.clone());
        let place = reference.place.as_ref().zip(folder.as_ref());
        let beside = place.and_then(|(place, folder)| {
            Some(ScanPlace { path: path_from(folder, &place.path)?, id: place.id.clone() })
        });
        let mut segmentations = Vec::new();
        for (_, own) in document.segmentations_of(id) {
            let labels = format!("labels-{}", all.len() + 1);
            let KeptSegmentation { name, labels: _, table, states, makers, is_saved: _ } = KeptSegmentation::of(own);
            let (states, makers) = (states.into_iter().collect(), makers.into_iter().collect());
            segmentations.push(SegmentationPart { name, table, states, makers, labels: labels.clone() });
            all.push((labels, own));
        }
        let measurements = document.measurements(id).iter().map(|(_, own)| own.clone()).collect();
        let overlay = document.overlay(id).and_then(|own| {
            let is_it =
                |(other, _): (ScanId, _)| document.reference(other).is_some_and(|it| it.is_same_scan(&own.over));
            Some(OverlayPart { over: document.scans().position(is_it)?, look: own.look.clone() })
        });
        scans.push(ScanPart { reference, beside, copy, segmentations, measurements, overlay });
    }
    let contents = Contents { program: concat!("lamella ", env!("CARGO_PKG_VERSION")).into(), scans };
    let kind = ContainerKind { version: version_of(&contents), ..KIND };
    let work: usize = copies.iter().map(ScanCopy::byte_count).sum::<usize>() + all.len() * LABELS_COUNT_AS;
    write_container(path, &kind, |container| {
        container.part::<DocumentError>(CONTENTS, |out| {
            Ok(serde_json::to_writer(&mut *out, &contents).map_err(io::Error::from)?)
        })?;
        let mut done = 0;
        for (name, own) in &all {
            watch.at(share(done, work))?;
            container.part(name, |out| write_labels(out, own.labels(), watch))?;
            done += LABELS_COUNT_AS;
        }
        for copy in &copies {
            let next = done + copy.byte_count();
            copy.write(container, &KIND, watch.part(share(done, work), share(next, work)))?;
            done = next;
        }
        Ok::<(), DocumentError>(())
    })?;
    Ok(WrittenDocument { path: whole, copies: copied, only_there })
}

fn write_labels(out: &mut dyn Write, labels: &LabelMap, watch: Watch) -> Result<(), DocumentError> {
    for chunk in BrickPatch::whole(labels).chunks() {
        watch.check()?;
        out.write_all(&u32::try_from(chunk.len()).map_err(io::Error::other)?.to_le_bytes())?;
        out.write_all(&chunk)?;
    }
    Ok(())
}

/// Reads a document. Scans are not read: who has it looks for them, also in the document (`ScanReference::copy`).
///
/// # Errors
/// Those of the file system, a newer or damaged file, and a stop. Damage in voxels of a scan is seen when the scan is read.
pub fn read_document(path: &Path, watch: Watch) -> Result<Vec<KeptScan>, DocumentError> {
    let mut container = Container::list(path, &KIND)?;
    let names: Vec<String> = container.names().filter(|name| !holds_voxels(name)).map(str::to_string).collect();
    for name in names {
        watch.check()?;
        container.check(&name)?;
    }
    let contents: Contents = container.json(CONTENTS, MOST_CONTENTS_BYTES)?;
    if version_of(&contents) != container.version() {
        return Err(ContainerError::Damaged("its version is not that of its contents".into()).into());
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = whole.parent().map(Path::to_path_buf);
    let mut scans = Vec::new();
    let mut overlays = Vec::new();
    for ScanPart { mut reference, beside, copy, segmentations: parts, measurements, overlay } in contents.scans {
        let geometry = reference.geometry().ok_or_else(|| DocumentError::Grid(reference.name.clone()))?;
        if let Some(missing) = copy.as_ref().filter(|name| !container.has(name)) {
            return Err(ContainerError::Damaged(format!("\"{missing}\" is missing")).into());
        }
        reference.copy = copy.map(|id| ScanPlace { path: whole.clone(), id });
        let mut segmentations = Vec::new();
        for SegmentationPart { name, table, states, makers, labels } in parts {
            let labels = read_labels(&mut container.part(&labels)?, &geometry, watch)?;
            segmentations.push(KeptSegmentation {
                name,
                labels,
                table,
                states: states.into_iter().collect(),
                makers: makers.into_iter().collect(),
                is_saved: true,
            });
        }
        let beside = beside.zip(folder.as_ref()).map(|(place, folder)| folder.join(place.path));
        let (measurements_saved, steps) = (true, Vec::new());
        let kept =
            KeptScan { reference, beside, segmentations, measurements, measurements_saved, overlay: None, steps };
        scans.push(kept);
        overlays.push(overlay);
    }
    let references: Vec<ScanReference> = scans.iter().map(|scan| scan.reference.clone()).collect();
    for (scan, overlay) in scans.iter_mut().zip(overlays) {
        // One that lies over itself, or is no scan of the document, is not laid over anything.
        let over = overlay.and_then(|own| Some((references.get(own.over)?.clone(), own.look)));
        let over = over.filter(|(over, _)| *over != scan.reference);
        scan.overlay = over.map(|(over, look)| KeptOverlay { over, look });
    }
    Ok(scans)
}

/// Reads a scan that lies in a document: the same voxels that were written, with the same meaning.
///
/// # Errors
/// Those of the file system, a damaged part by its name, too little memory, and a stop.
pub fn read_scan_copy(reference: &ScanReference, watch: Watch) -> Result<Option<Volume>, DocumentError> {
    let Some(place) = &reference.copy else { return Ok(None) };
    let named = |source| DocumentError::Scan { name: reference.name.clone(), source };
    let volume = scan_copy::read(place, &KIND, watch).map_err(|error| match error {
        ScanCopyError::Stopped(stopped) => DocumentError::Stopped(stopped),
        other => named(other),
    })?;
    if volume.geometry.shape() != reference.shape {
        let what = format!("\"{}\" has another number of voxels", place.id);
        return Err(named(ContainerError::Damaged(what).into()));
    }
    Ok(Some(volume))
}

/// Whether the values of a scan stand for those of the copy in a document, of which it has the checksum; `true` where there is none to read.
pub fn has_values_of_copy(reference: &ScanReference, volume: &Volume) -> bool {
    let copy = reference.copy.as_ref();
    copy.and_then(|place| scan_copy::stands_for_the_same(place, &KIND, volume).ok()).unwrap_or(true)
}

fn read_labels(from: &mut dyn Read, geometry: &Geometry, watch: Watch) -> Result<LabelMap, DocumentError> {
    let damaged = |what: &str| ContainerError::Damaged(format!("labels: {what}"));
    let mut labels = LabelMap::empty(geometry.clone());
    loop {
        watch.check()?;
        let mut length = Vec::new();
        Read::take(&mut *from, 4).read_to_end(&mut length)?;
        let length = match length[..] {
            [] => return Ok(labels),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as usize,
            _ => return Err(damaged("they end too early").into()),
        };
        if length > MOST_CHUNK_BYTES {
            return Err(damaged("a chunk is too long").into());
        }
        let mut chunk = Vec::new();
        Read::take(&mut *from, length as u64).read_to_end(&mut chunk)?;
        if chunk.len() != length {
            return Err(damaged("they end too early").into());
        }
        let _ = BrickPatch::from_chunk(&chunk, &labels)?.exchange(&mut labels);
    }
}

/// The way from a folder to a path, both absolute; `None` where there is none, on another drive for example.
fn path_from(folder: &Path, path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let (from, to): (Vec<Component>, Vec<Component>) = (folder.components().collect(), path.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - shared);
    Some(up.chain(to.get(shared..)?.iter().copied()).collect())
}

#[cfg(test)]
mod tests;
