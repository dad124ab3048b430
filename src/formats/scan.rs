//! Looking at files and folders: what can be loaded, and why the rest cannot.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::{FormatError, Result};
use super::found::{Entry, Facts, Findings, Ground, Skipped};
use super::registry::{FORMATS, Kind};
use super::voxel_size::GivenSize;
use crate::disk::open_regular_file;
use crate::volume::Volume;
use crate::work::Watch;

/// Bytes handed to [`Format::claims`](super::Format::claims).
const HEAD_BYTES: usize = 512;

/// Name of the folder for instances that came from a server while others of their series have not: no scan looks into it.
pub const INCOMING: &str = ".lamella-incoming";

/// Looks at a file or, recursively, at a folder; reads headers only.
///
/// # Errors
/// When the path cannot be read, or is a single file that no reader accepts. In a folder, strays are listed in
/// [`Findings::skipped`].
pub fn scan(path: &Path, watch: Watch) -> Result<Findings> {
    let metadata = std::fs::metadata(path).map_err(|e| FormatError::read(path, e))?;
    if metadata.is_dir() {
        let mut listing = Listing::default();
        list_folder(path, &mut listing, watch)?;
        listing.files.sort();
        let mut findings = sort_out(&listing.files, watch)?;
        // Icons and screenshots beside scans are no scans.
        if findings.entries.iter().any(|entry| !is_picture(entry)) {
            let (scans, pictures) = findings.entries.into_iter().partition(|entry| !is_picture(entry));
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
        return scan_directory(path, watch);
    }
    let head = read_head(path).map_err(|e| FormatError::read(path, e))?;
    if !head.is_empty() && !FORMATS.iter().any(|format| (format.claims)(path, &head)) {
        return Err(FormatError::Unknown { path: path.into() });
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

/// Looks at the files that a DICOMDIR lists; at its folder where it cannot be read or lists nothing.
fn scan_directory(path: &Path, watch: Watch) -> Result<Findings> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let listed = match super::dicom::listed(path) {
        Ok(listed) if !listed.files.is_empty() => listed,
        other => {
            let mut findings = scan(folder, watch)?;
            let reason = match other {
                Ok(listed) => {
                    format!("none of its {} files is there; its folder is read instead", listed.missing.len())
                }
                Err(reason) => format!("the directory cannot be read ({reason}); its folder is read instead"),
            };
            findings.skipped.push(Skipped { path: path.into(), reason });
            return Ok(findings);
        }
    };
    let mut findings = sort_out(&listed.files, watch)?;
    let reason = "listed in the DICOMDIR, but not there; copy the medium again";
    findings.skipped.extend(listed.missing.into_iter().map(|path| Skipped { path, reason: reason.into() }));
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

/// All regular files at these paths and in the folders below them, in order, and what was passed over.
///
/// # Errors
/// When a path is not there or the work was stopped.
pub fn list_files(paths: &[PathBuf], watch: Watch) -> Result<(Vec<PathBuf>, Vec<Skipped>)> {
    let mut listing = Listing::default();
    for path in paths {
        if std::fs::metadata(path).map_err(|e| FormatError::read(path, e))?.is_dir() {
            list_folder(path, &mut listing, watch)?;
        } else {
            listing.files.push(path.clone());
        }
    }
    listing.files.sort();
    listing.files.dedup();
    Ok((listing.files, listing.skipped))
}

/// Whether an entry is of a format of pictures.
fn is_picture(entry: &Entry) -> bool {
    FORMATS.iter().any(|format| format.id == entry.format && format.is_picture)
}

/// Loads what [`scan`] found.
///
/// # Errors
/// When the file is not there any more, is damaged, or cannot be shown rightly.
pub fn load(entry: &Entry, watch: Watch) -> Result<Volume> {
    entry.source.load(watch)
}

/// What the headers of an entry tell, without its voxels; `None` where only loading can tell.
///
/// # Errors
/// For headers that cannot be honoured. Damage in the voxels is not seen.
pub fn facts(entry: &Entry, watch: Watch) -> Result<Option<Facts>> {
    entry.source.facts(watch)
}

/// The same with voxels of the size that the user says.
///
/// # Errors
/// For files whose format says it.
pub fn of_size(entry: Entry, given: GivenSize) -> Result<Entry> {
    match entry.source.of_size(given) {
        Some(source) => Ok(Entry { source, ..entry }),
        None => Err(FormatError::unsupported(
            entry.source.path(),
            "the file says how large its voxels are; a spacing is given only for pictures",
        )),
    }
}

/// Opens a path that holds exactly one volume, or the named one of several.
///
/// # Errors
/// When nothing can be loaded, or several entries exist and `id` picks none of them.
pub fn open_one(path: &Path, id: Option<&str>, watch: Watch) -> Result<Volume> {
    open_of_size(path, id, None, watch)
}

/// The same with voxels of the size that the user says, where one is given.
///
/// # Errors
/// As [`open_one`], and for a size where the file says it.
pub fn open_of_size(path: &Path, id: Option<&str>, given: Option<GivenSize>, watch: Watch) -> Result<Volume> {
    load(&only(path, id, given, watch)?, watch)
}

/// What a mask must know of the scan that a path holds, or of the named one of several.
///
/// # Errors
/// As [`open_of_size`]. Damage in the voxels is not seen where headers tell enough.
pub fn ground_of_one(path: &Path, id: Option<&str>, given: Option<GivenSize>, watch: Watch) -> Result<Ground> {
    only(path, id, given, watch)?.source.ground(watch)
}

/// The one entry of a path, or the named one of several.
fn only(path: &Path, id: Option<&str>, given: Option<GivenSize>, watch: Watch) -> Result<Entry> {
    let findings = scan(path, watch)?;
    // Masks beside a scan are no second scan.
    let scans: Vec<&Entry> = findings.entries.iter().filter(|entry| entry.kind == Kind::Volume).collect();
    let entries = if scans.is_empty() { findings.entries.iter().collect() } else { scans };
    let chosen = match id {
        // Who names a series by its identifier has read what is done to it.
        Some(id) => {
            let is_named = |e: &&Entry| e.id == id || (e.name == id && e.source.asks().is_none());
            findings.entries.iter().find(is_named)
        }
        None => match entries[..] {
            [only] => match only.source.asks() {
                Some(what) => {
                    return Err(FormatError::unsupported(
                        path,
                        format!("{what}; if that is right, open it as series {}", only.id),
                    ));
                }
                None => Some(only),
            },
            _ => None,
        },
    };
    match chosen {
        Some(entry) => match given {
            Some(given) => of_size(entry.clone(), given),
            None => Ok(entry.clone()),
        },
        None if entries.is_empty() => {
            let reason = match findings.skipped.first() {
                Some(skipped) => format!("holds no image; {}: {}", skipped.path.display(), skipped.reason),
                None => "holds no image".into(),
            };
            Err(FormatError::unsupported(path, reason))
        }
        None => {
            let ids: Vec<_> = entries.iter().map(|e| format!("{} ({})", e.id, e.name)).collect();
            let what = if entries.iter().all(|entry| entry.kind == Kind::Volume) { "series" } else { "masks" };
            Err(FormatError::unsupported(
                path,
                format!(
                    "it holds {} {what} and one is meant: choose it by --series where the command has that, else name its own file or folder: {}",
                    ids.len(),
                    ids.join(", ")
                ),
            ))
        }
    }
}

/// Deepest folders that are looked at, counted from the one that was opened.
const DEEPEST: usize = 64;

/// Lists a folder's files with those of the folders in it; a folder reached twice by links counts once, and one that cannot be
/// read or lies too deep is skipped.
fn list_folder(folder: &Path, found: &mut Listing, watch: Watch) -> Result<()> {
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        watch.at(0.0)?;
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
            watch.at(0.0)?;
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("._")) {
                of_mac += 1;
                continue;
            }
            match std::fs::metadata(&path) {
                Ok(m) if m.is_dir() && path.file_name().is_some_and(|name| name == INCOMING) => {
                    let reason = "series that have not come from a server as a whole; fetch them again".into();
                    found.skipped.push(Skipped { path, reason });
                }
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
    let mut claimed = vec![Vec::new(); FORMATS.len()];
    for path in files {
        watch.at(0.0)?;
        match read_head(path) {
            Err(error) => findings.skipped.push(Skipped { path: path.clone(), reason: error.to_string() }),
            Ok(head) => match FORMATS.iter().position(|format| (format.claims)(path, &head)) {
                Some(format) => claimed[format].push(path.clone()),
                None => {
                    let reason = if head.is_empty() { "the file is empty" } else { "no known image format" };
                    findings.skipped.push(Skipped { path: path.clone(), reason: reason.into() });
                }
            },
        }
    }
    for (format, paths) in FORMATS.iter().zip(claimed) {
        if !paths.is_empty() {
            let found = (format.scan)(&paths, watch)?;
            findings.entries.extend(found.entries);
            findings.skipped.extend(found.skipped);
        }
    }
    Ok(findings)
}

pub(super) fn read_head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    open_regular_file(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}
