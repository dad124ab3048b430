//! Which file a path means: links of both kinds lead to one file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Most links that lead from one to the next.
const MOST_LINKS: usize = 40;

/// A file, whatever it is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg(unix)]
pub struct FileId(u64, u64);

/// A file, by the one name that all its other names and links lead to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg(not(unix))]
pub struct FileId(PathBuf);

impl FileId {
    /// The file behind a path, also through links; `None` where there is none.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|there| Self(there.dev(), there.ino()))
    }

    /// The file behind a path, also through links; `None` where there is none.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> Option<Self> {
        path.canonicalize().ok().map(Self)
    }

    /// The file that is open; `None` where the platform does not tell.
    #[cfg(unix)]
    pub(super) fn of_open(file: &fs::File) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        file.metadata().ok().map(|there| Self(there.dev(), there.ino()))
    }

    /// The file that is open; `None` where the platform does not tell.
    #[cfg(not(unix))]
    pub(super) fn of_open(_: &fs::File) -> Option<Self> {
        None
    }
}

/// Whether a path still leads to a file that is open: somebody else may have removed it.
pub(super) fn is_at(file: &fs::File, path: &Path) -> bool {
    match (FileId::of_open(file), FileId::of(path)) {
        (Some(open), Some(there)) => open == there,
        (None, there) => there.is_some(),
        _ => false,
    }
}

/// The path at the end of links; it need not exist.
///
/// # Errors
/// Where a link cannot be read, or links lead in a circle.
pub fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        if !fs::symlink_metadata(&path).is_ok_and(|there| there.is_symlink()) {
            return Ok(path);
        }
        let target = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "its links lead in a circle"))
}
