//! Opening files that are files, and replacing them safely.
//!
//! **Invariant:** a path either keeps its old content or gets its whole new content; nothing in between is ever seen
//! under the final name, also after a crash.
//! **Invariant:** what [`Log::append`] has written is on disk; a log is read up to its first record that is not whole.
//! **Invariant:** what a killed process left half-written is removed by the next one that writes into the same folder.
//!
//! Deliberately absent: file formats, folders of the application.

mod claim;
mod container;
mod identity;
mod log;
mod temporary;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use claim::{Claim, ClaimError};
pub use container::{
    Container, ContainerError, ContainerKind, ContainerWriter, PackedPart, is_container, write_container,
};
pub use identity::{FileId, follow_links};
pub use log::{Log, LogDraft, LogEnd, LogError, LogKind, MOST_RECORD_BYTES, Record, read_log};
pub use temporary::remove_unfinished;

use temporary::Temporary;

/// Opens a file for reading: a regular one, also through links; whoever reads a pipe waits for its writer, and a device has no end.
///
/// # Errors
/// Those of the file system, and a sentence for what is no regular file.
pub fn open_regular_file(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?;
    if kind.is_file() {
        return File::open(path);
    }
    Err(no_regular_file(&kind))
}

fn no_regular_file(kind: &fs::Metadata) -> io::Error {
    let what = if kind.is_dir() {
        "a folder"
    } else {
        "no regular file but a pipe, a socket or a device; use a regular file instead"
    };
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}"))
}

/// Writes a file by way of a temporary neighbour that is synced and then renamed over `path`. A link is followed: its target is
/// replaced. The permissions of a file that is replaced stay as they were.
///
/// # Errors
/// Those of `write` and of the file system, and a sentence for what is no regular file or write-protected; the temporary file is
/// removed then.
pub fn replace_file<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    replace(path, None, write)
}

/// Writes a file whose name is known only when it is whole: `write` fills it, `name` looks at it, synced but not in place yet, and says
/// where it goes, in a folder that is there, on the same file system. What is there is replaced.
///
/// # Errors
/// Those of `write`, `name` and the file system; the temporary file is removed then.
pub fn add_file<E: From<io::Error>>(
    folder: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
    name: impl FnOnce(&Path) -> Result<PathBuf, E>,
) -> Result<PathBuf, E> {
    temporary::remove_left_behind(folder);
    let (file, temporary) = Temporary::beside(&folder.join("incoming"), None).map_err(|e| in_folder(folder, e))?;
    let mut writer = BufWriter::with_capacity(1 << 18, file);
    write(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    let target = name(temporary.path())?;
    temporary.rename_to(&target)?;
    drop(writer);
    sync(folder_of(&target));
    Ok(target)
}

/// Moves a file or folder to another place on the same file system.
///
/// # Errors
/// Those of the file system, also where a folder that is not empty is there already.
pub fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync(folder_of(to));
    sync(folder_of(from));
    Ok(())
}

/// The same for what only the user may read, whatever was there before.
///
/// # Errors
/// As [`replace_file`].
pub fn replace_private_file<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    replace(path, Some(0o600), write)
}

/// Makes a folder, and those above it, that only the user may look into; one that is there stays as it is.
///
/// # Errors
/// Those of the file system.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn replace<E: From<io::Error>>(
    path: &Path,
    mode: Option<u32>,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let target = follow_links(path)?;
    let before = what_is_replaced(&target)?;
    let folder = folder_of(&target);
    temporary::remove_left_behind(folder);
    let (file, temporary) =
        Temporary::beside(&target, mode.or_else(|| before.as_ref().map(mode_of))).map_err(|e| in_folder(folder, e))?;
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    write(&mut writer)?;
    writer.flush()?;
    if let Some(before) = before.filter(|_| mode.is_none()) {
        keep_access(writer.get_ref(), &before);
    }
    writer.get_ref().sync_all()?;
    // The file stays open, and with it locked, until it has its name: nobody takes it for one that was left behind.
    temporary.rename_to(&target)?;
    drop(writer);
    sync(folder);
    Ok(())
}

/// What is there already, if it may be replaced.
fn what_is_replaced(target: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::metadata(target) {
        Ok(there) if !there.is_file() => Err(no_regular_file(&there)),
        Ok(there) if there.permissions().readonly() => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file there is write-protected"))
        }
        Ok(there) => Ok(Some(there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn mode_of(there: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&there.permissions()) & 0o777
}

#[cfg(not(unix))]
fn mode_of(_: &fs::Metadata) -> u32 {
    0
}

/// Gives a file the owner and the permissions of the one that it replaces, as far as the user may.
fn keep_access(file: &File, before: &fs::Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let is_other = file.metadata().is_ok_and(|now| (now.uid(), now.gid()) != (before.uid(), before.gid()));
        if is_other {
            // Only an administrator may give files away; the content is what matters.
            let _ = fchown(file, Some(before.uid()), Some(before.gid()));
        }
    }
    // Some file systems know no permissions.
    let _ = file.set_permissions(before.permissions());
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Says what is wrong with the folder that a file cannot be made in.
fn in_folder(folder: &Path, error: io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no folder {}", folder.display()),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("the folder {} cannot be written to: {error}", folder.display())
        }
        _ => return error,
    };
    io::Error::new(error.kind(), text)
}

/// Makes the rename itself durable where the platform lets a folder be opened.
fn sync(folder: &Path) {
    if let Ok(handle) = File::open(folder) {
        // Not every file system can sync a folder; the content itself is already safe.
        let _ = handle.sync_all();
    }
}

/// A hidden neighbour's name, `.NAME.ENDING`; a name that would become too long is told by its checksum instead.
fn hidden_neighbour(path: &Path, ending: &str) -> io::Result<PathBuf> {
    /// Most bytes of a name: file systems that encrypt names have the least room.
    const MOST: usize = 140;
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let mut hidden = std::ffi::OsString::from(".");
    if name.len() + ending.len() + 2 <= MOST {
        hidden.push(name);
    } else {
        // FNV-1a (Fowler, Noll, Vo).
        let hash = name
            .as_encoded_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        hidden.push(format!("{hash:016x}"));
    }
    hidden.push(".");
    hidden.push(ending);
    Ok(path.with_file_name(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &[u8]) -> io::Result<()> {
        replace_file(path, |w| w.write_all(text))
    }

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    #[cfg(unix)]
    fn what_is_no_regular_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scan.nii");
        fs::write(&file, b"x").unwrap();
        let link = folder.path().join("link.nii");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(open_regular_file(&file).is_ok() && open_regular_file(&link).is_ok());
        let message = |path: &Path| open_regular_file(path).unwrap_err().to_string();
        assert_eq!(message(folder.path()), "it is a folder");
        assert!(message(Path::new("/dev/zero")).contains("device"));
        assert_eq!(open_regular_file(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_failed_write_leaves_the_old_content_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.nii");
        fs::write(&path, b"old").unwrap();
        let failed: io::Result<()> = replace_file(&path, |w| {
            w.write_all(b"half")?;
            Err(io::Error::other("no space"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(count(folder.path()), 1);
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    #[cfg(unix)]
    fn permissions_stay_and_links_are_followed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let file = folder.path().join("mask.nii");
        write(&file, b"a").unwrap();
        let usual = mode(&file);
        for wanted in [0o600, 0o640, 0o664, 0o777] {
            fs::set_permissions(&file, fs::Permissions::from_mode(wanted)).unwrap();
            write(&file, b"b").unwrap();
            assert_eq!(mode(&file), wanted);
        }
        let fresh = folder.path().join("fresh.nii");
        let plain = folder.path().join("plain");
        write(&fresh, b"a").unwrap();
        fs::write(&plain, b"a").unwrap();
        assert_eq!((mode(&fresh), usual), (mode(&plain), mode(&plain)), "a new file has the user's own mode");
        // Links to a file, to a link, into another folder, and to what is not there yet.
        let other = folder.path().join("other");
        fs::create_dir(&other).unwrap();
        for (n, target) in ["mask.nii", "link0", "other/far.nii", "other/../new.nii"].iter().enumerate() {
            let link = folder.path().join(format!("link{n}"));
            std::os::unix::fs::symlink(target, &link).unwrap();
            let text = format!("through {n}");
            write(&link, text.as_bytes()).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{target}");
            assert_eq!(fs::read_to_string(folder.path().join(target)).unwrap(), text);
        }
        std::os::unix::fs::symlink("round", folder.path().join("round")).unwrap();
        assert!(write(&folder.path().join("round"), b"x").is_err());
        let secret = folder.path().join("settings.json");
        fs::write(&secret, b"{}").unwrap();
        replace_private_file(&secret, |w| w.write_all(b"{1}")).unwrap();
        assert_eq!(mode(&secret), 0o600);
        let private = folder.path().join("deep/private");
        create_private_folder(&private).unwrap();
        assert_eq!(mode(&private), 0o700);
    }

    #[test]
    #[cfg(unix)]
    fn devices_folders_and_protected_files_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &Path| write(path, b"x").unwrap_err().to_string();
        assert!(message(Path::new("/dev/null")).contains("device"));
        assert!(message(folder.path()).contains("folder"));
        let file = folder.path().join("protected.nii");
        fs::write(&file, b"kept").unwrap();
        let mut access = fs::metadata(&file).unwrap().permissions();
        access.set_readonly(true);
        fs::set_permissions(&file, access).unwrap();
        assert!(message(&file).contains("write-protected"));
        assert_eq!(fs::read(&file).unwrap(), b"kept");
        let missing = folder.path().join("none/mask.nii");
        assert_eq!(message(&missing), format!("there is no folder {}", missing.parent().unwrap().display()));
    }

    #[test]
    fn the_longest_names_work() {
        let folder = tempfile::tempdir().unwrap();
        for length in [100, 200, 245, 251, 255] {
            let name = "n".repeat(length - 4) + ".nii";
            write(&folder.path().join(&name), name.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(folder.path().join(&name)).unwrap(), name);
        }
        let umlauts = "ä".repeat(125) + ".nii";
        write(&folder.path().join(umlauts), b"x").unwrap();
        assert_eq!(count(folder.path()), 6);
    }
}
