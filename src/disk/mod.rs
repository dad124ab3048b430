//! Opening files that are files, and replacing them safely.
//!
//! **Invariant:** a path either keeps its old content or gets its whole new content; nothing in between is ever seen
//! under the final name, also after a crash.
//!
//! Deliberately absent: file formats, folders of the application.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Opens a file for reading: a regular one, also through links; whoever reads a pipe waits for its writer, and a device has no end.
///
/// # Errors
/// Those of the file system, and a sentence for what is no regular file.
pub fn open_regular_file(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?;
    if kind.is_file() {
        return File::open(path);
    }
    let what = if kind.is_dir() {
        "a folder"
    } else {
        "no regular file but a pipe, a socket or a device; save its content as a file first"
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}")))
}

/// Writes a file by way of a temporary neighbour that is synced and then renamed over `path`.
///
/// # Errors
/// Those of `write` and of the file system; the temporary file is removed then.
pub fn replace_file<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let temporary = temporary_beside(path)?;
    let outcome = (|| {
        let mut writer = BufWriter::with_capacity(1 << 20, File::create_new(&temporary)?);
        write(&mut writer)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        drop(writer);
        fs::rename(&temporary, path)?;
        Ok(())
    })();
    if outcome.is_err() {
        // The first error is the one to report; a leftover temporary file is harmless.
        let _ = fs::remove_file(&temporary);
    } else {
        sync_folder_of(path);
    }
    outcome
}

fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}-{}.part", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(hidden))
}

/// Makes the rename itself durable where the platform lets a folder be opened.
fn sync_folder_of(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(handle) = File::open(folder) {
        // Not every file system can sync a folder; the content itself is already safe.
        let _ = handle.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        replace_file::<io::Error>(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
