//! The only room that knows file formats.
//!
//! **Invariant:** every reader survives truncated, empty, lying and hostile files: it reports the file and the field,
//! and never allocates more than a small multiple of the bytes that are really there.
//! **Invariant:** world coordinates leave this room as RAS millimetres, whatever the file uses.
//! **Invariant:** what cannot be shown rightly is refused with a plain message, never shown wrongly.
//!
//! A format is one entry in [`READERS`] and, if it can be written, one in [`WRITERS`].
//! Deliberately absent: dialogs, progress bars, and any knowledge of the session.

mod annotations;
mod dicom;
mod error;
mod gzip;
mod nifti;
mod picture;
mod writing;

use std::collections::HashSet;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::disk::open_regular_file;
use crate::volume::{Geometry, Volume, VoxelType};

pub use annotations::{Found, complete as complete_annotations, write_sidecar};
pub use error::{FormatError, Result};
pub use writing::{WRITERS, Writer, notices_of_writing, write_labels, write_volume, writer_for};

/// Called with the share done (0..=1) between steps of long work; `Break` stops it.
pub type Watch<'a> = &'a (dyn Fn(f32) -> ControlFlow<()> + Sync);

/// Bytes handed to [`Reader::claims`].
const HEAD_BYTES: usize = 512;

/// A file format that can be opened.
pub struct Reader {
    /// The format's name.
    pub name: &'static str,
    /// Whether a file is of this format, by its first bytes and its name.
    claims: fn(&Path, &[u8]) -> bool,
    /// Sorts claimed files into things that can be loaded.
    collect: fn(&[PathBuf], Watch) -> Result<Findings>,
}

/// Every readable format, asked in this order.
pub const READERS: &[Reader] = &[dicom::READER, nifti::READER, picture::READER];

/// One thing that can be loaded: a DICOM series or a file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Series Instance UID (with a suffix where a series was split) or the file's name.
    pub id: String,
    /// Series description or file name.
    pub name: String,
    /// Modality, empty where unknown.
    pub modality: String,
    /// Number of files behind it.
    pub file_count: usize,
    /// Grid size as the headers tell it; zeros where only loading can tell.
    pub shape: [usize; 3],
    /// Where it comes from: the file, or the folder of the first file.
    pub path: PathBuf,
    source: Source,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
enum Source {
    Dicom(dicom::Stack),
    Nifti(PathBuf),
    Picture(picture::Stack),
}

/// A file that is not an image for us, and why.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// What it is or what is wrong with it.
    pub reason: String,
}

/// What a path holds.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What can be loaded, in the order found.
    pub entries: Vec<Entry>,
    /// What was refused or is no image.
    pub skipped: Vec<Skipped>,
}

/// What headers alone tell of a volume.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Grid and placement.
    pub geometry: Geometry,
    /// Sizes of the dimensions beyond the third.
    pub frame_dims: Vec<usize>,
    /// The stored type.
    pub voxel_type: VoxelType,
    /// Series description or file stem.
    pub name: String,
    /// Header fields worth showing, in order.
    pub header: Vec<(String, String)>,
    /// What the user must be told, as far as the headers tell it.
    pub warnings: Vec<String>,
}

impl Facts {
    /// What is told of a loaded volume.
    pub fn of(volume: &Volume) -> Self {
        Self {
            geometry: volume.geometry.clone(),
            frame_dims: volume.frame_dims.clone(),
            voxel_type: volume.voxels.voxel_type(),
            name: volume.name.clone(),
            header: volume.header.clone(),
            warnings: volume.warnings.clone(),
        }
    }

    /// Bytes that the voxels take in memory.
    pub fn byte_count(&self) -> u64 {
        let count = self.frame_dims.iter().fold(self.geometry.voxel_count(), |n, &size| n.saturating_mul(size));
        (count as u64).saturating_mul(self.voxel_type.bytes() as u64)
    }
}

/// Looks at a file or, recursively, at a folder; reads headers only.
///
/// # Errors
/// When the path cannot be read, or is a single file that no reader accepts. In a folder, strays are listed in
/// [`Findings::skipped`].
pub fn scan(path: &Path, watch: Watch) -> Result<Findings> {
    let metadata = std::fs::metadata(path).map_err(|e| FormatError::read(path, e))?;
    if metadata.is_dir() {
        let mut listing = Listing::default();
        list_files(path, &mut listing, watch)?;
        listing.files.sort();
        let mut findings = sort_out(&listing.files, watch)?;
        // Icons and screenshots beside scans are no scans.
        if findings.entries.iter().any(|entry| !matches!(entry.source, Source::Picture(_))) {
            let (scans, pictures) =
                findings.entries.into_iter().partition(|entry| !matches!(entry.source, Source::Picture(_)));
            findings.entries = scans;
            let reason = "a picture beside scans; open it by itself";
            let left_out = |entry: Entry| Skipped { path: entry.path, reason: reason.into() };
            findings.skipped.extend::<Vec<Skipped>>(Vec::into_iter(pictures).map(left_out).collect());
        }
        findings.skipped.extend(listing.skipped);
        return Ok(findings);
    }
    // Whoever opens a pipe waits for its writer.
    open_regular_file(path).map_err(|e| FormatError::read(path, e))?;
    if path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR")) {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return scan(folder, watch);
    }
    let findings = sort_out(&[path.to_path_buf()], watch)?;
    if findings.entries.is_empty() {
        let reason = findings.skipped.into_iter().next();
        return Err(match reason {
            Some(skipped) => FormatError::unsupported(path, skipped.reason),
            None => FormatError::Unknown { path: path.into() },
        });
    }
    Ok(findings)
}

/// Looks at several paths: files among them are sorted out together, so that the slices of a series become one.
///
/// # Errors
/// When a folder cannot be read. Files that are no images are listed in [`Findings::skipped`], unless there is one path alone.
pub fn scan_all(paths: &[PathBuf], watch: Watch) -> Result<Findings> {
    if let [path] = paths {
        return scan(path, watch);
    }
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|path| path.is_dir());
    let files: Vec<PathBuf> = files.into_iter().cloned().collect();
    let mut all = sort_out(&files, watch)?;
    for folder in folders {
        let found = scan(folder, watch)?;
        all.entries.extend(found.entries);
        all.skipped.extend(found.skipped);
    }
    Ok(all)
}

/// Loads what [`scan`] found.
///
/// # Errors
/// A file that cannot be read, or what cannot be shown rightly.
pub fn load(entry: &Entry, watch: Watch) -> Result<Volume> {
    match &entry.source {
        Source::Dicom(stack) => dicom::load(stack, watch),
        Source::Nifti(path) => nifti::read(path, watch),
        Source::Picture(stack) => picture::read(stack, watch),
    }
}

/// What the headers of an entry tell, without its voxels; `None` where only loading can tell.
///
/// # Errors
/// For headers that cannot be honoured. Damage in the voxels is not seen.
pub fn facts(entry: &Entry, watch: Watch) -> Result<Option<Facts>> {
    match &entry.source {
        Source::Dicom(_) => Ok(None),
        Source::Nifti(path) => nifti::facts(path).map(Some),
        Source::Picture(stack) => picture::facts(stack, watch).map(Some),
    }
}

/// Opens a path that holds exactly one volume, or the named one of several.
///
/// # Errors
/// When nothing can be loaded, or several entries exist and `id` picks none of them.
pub fn open_one(path: &Path, id: Option<&str>, watch: Watch) -> Result<Volume> {
    let findings = scan(path, watch)?;
    let entries = &findings.entries;
    let chosen = match id {
        Some(id) => entries.iter().find(|e| e.id == id || e.name == id),
        None if entries.len() == 1 => entries.first(),
        None => None,
    };
    match chosen {
        Some(entry) => load(entry, watch),
        None if entries.is_empty() => {
            let reason = match findings.skipped.first() {
                Some(skipped) => format!("holds no image; {}: {}", skipped.path.display(), skipped.reason),
                None => "holds no image".into(),
            };
            Err(FormatError::unsupported(path, reason))
        }
        None => {
            let ids: Vec<_> = entries.iter().map(|e| format!("{} ({})", e.id, e.name)).collect();
            Err(FormatError::unsupported(path, format!("choose one of the series: {}", ids.join(", "))))
        }
    }
}

/// Deepest folders that are looked at, counted from the one that was opened.
const DEEPEST: usize = 64;

/// Lists a folder's files with those of the folders in it; a folder reached twice by links counts once, and one that cannot be
/// read or lies too deep is skipped.
fn list_files(folder: &Path, found: &mut Listing, watch: Watch) -> Result<()> {
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        if watch(0.0) == ControlFlow::Break(()) {
            return Err(FormatError::Cancelled);
        }
        if depth > DEEPEST {
            let reason = format!("folders more than {DEEPEST} deep are not looked at; open it by itself");
            found.skipped.push(Skipped { path: folder, reason });
            continue;
        }
        let listing = folder.canonicalize().and_then(|real| Ok((real, std::fs::read_dir(&folder)?)));
        let (real, listing) = match listing {
            Ok(both) => both,
            Err(error) => {
                found.skipped.push(Skipped { path: folder, reason: format!("the folder cannot be read: {error}") });
                continue;
            }
        };
        if !found.seen.insert(real) {
            continue;
        }
        let mut of_mac = 0;
        for path in listing.flatten().map(|item| item.path()) {
            if watch(0.0) == ControlFlow::Break(()) {
                return Err(FormatError::Cancelled);
            }
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("._")) {
                of_mac += 1;
                continue;
            }
            match std::fs::metadata(&path) {
                Ok(m) if m.is_dir() => open.push((path, depth + 1)),
                Ok(m) if m.is_file() => found.files.push(path),
                Ok(_) => {
                    let reason = "no regular file but a pipe, a socket or a device".into();
                    found.skipped.push(Skipped { path, reason });
                }
                Err(error) => found.skipped.push(Skipped { path, reason: format!("it cannot be read: {error}") }),
            }
        }
        if of_mac > 0 {
            let reason = format!("{of_mac} hidden files of a Mac (._*), which hold no images, are left out");
            found.skipped.push(Skipped { path: folder, reason });
        }
    }
    Ok(())
}

/// What a walk through folders found.
#[derive(Default)]
struct Listing {
    files: Vec<PathBuf>,
    skipped: Vec<Skipped>,
    seen: HashSet<PathBuf>,
}

fn sort_out(files: &[PathBuf], watch: Watch) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut claimed = vec![Vec::new(); READERS.len()];
    for path in files {
        if watch(0.0) == ControlFlow::Break(()) {
            return Err(FormatError::Cancelled);
        }
        match read_head(path) {
            Err(error) => findings.skipped.push(Skipped { path: path.clone(), reason: error.to_string() }),
            Ok(head) => match READERS.iter().position(|reader| (reader.claims)(path, &head)) {
                Some(reader) => claimed[reader].push(path.clone()),
                None => {
                    let reason = if head.is_empty() { "the file is empty" } else { "no known image format" };
                    findings.skipped.push(Skipped { path: path.clone(), reason: reason.into() });
                }
            },
        }
    }
    for (reader, paths) in READERS.iter().zip(claimed) {
        if !paths.is_empty() {
            let found = (reader.collect)(&paths, watch)?;
            findings.entries.extend(found.entries);
            findings.skipped.extend(found.skipped);
        }
    }
    Ok(findings)
}

fn read_head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    open_regular_file(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether a file name ends in one of these extensions, in any case.
fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    extensions.iter().any(|extension| name.ends_with(extension))
}

/// A file's name without the extensions of this room.
pub fn stem(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    for extension in [".nii.gz", ".hdr.gz", ".img.gz", ".nii", ".hdr", ".img", ".dcm", ".png", ".tiff", ".tif"] {
        if name.len() > extension.len() && name.to_ascii_lowercase().ends_with(extension) {
            return name[..name.len() - extension.len()].to_string();
        }
    }
    name
}
