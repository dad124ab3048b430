//! A file that one process writes over a long time, and no other meanwhile.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{folder_of, follow_links, hidden_neighbour, identity, in_folder};

/// Ending of the hidden file that is locked.
pub(super) const CLAIM_ENDING: &str = "lamella-claim";
/// Between two looks at whether another process is done.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A path that this process alone writes until the claim is dropped. It ends with the process, however that ends.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Its lock is the claim; `None` where the file system has no locks.
    _file: Option<File>,
}

/// Why a path cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another process has it.
    #[error("{} is writing it", process.map_or("another process".to_string(), |id| format!("another process ({id})")))]
    Held {
        /// Which, where the system says so.
        process: Option<u32>,
    },
    /// The file system.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl Claim {
    /// Claims a path, also through links; waits so long for another process.
    ///
    /// # Errors
    /// Who has it, or why the folder cannot be written to.
    pub fn take(path: &Path, patience: Duration) -> Result<Self, ClaimError> {
        let target = follow_links(path)?;
        let path = hidden_neighbour(&target, CLAIM_ENDING)?;
        let started = Instant::now();
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = options.open(&path).map_err(|e| in_folder(folder_of(&target), e))?;
            match file.try_lock() {
                // Who had it before may have removed the file in the meantime.
                Ok(()) if !identity::is_at(&file, &path) => {}
                Ok(()) => {
                    // The number is for people; the lock is what counts.
                    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                    return Ok(Self { path, _file: Some(file) });
                }
                Err(TryLockError::WouldBlock) if started.elapsed() < patience => std::thread::sleep(LOOK_AGAIN),
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    let read = file.take(20).read_to_string(&mut text);
                    return Err(ClaimError::Held { process: read.ok().and_then(|_| text.trim().parse().ok()) });
                }
                Err(TryLockError::Error(_)) => return Ok(Self { path, _file: None }),
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // It is removed while it is locked, so that nobody locks what is not there any more.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_a_path_and_says_who_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let first = Claim::take(&path, Duration::ZERO).unwrap();
        let refused = Claim::take(&path, Duration::from_millis(120)).unwrap_err().to_string();
        let own = std::process::id();
        assert!(refused == format!("another process ({own}) is writing it") || cfg!(windows), "{refused}");
        let _other = Claim::take(&folder.path().join("other.safetensors"), Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Claim::take(&path, Duration::from_secs(20)));
            std::thread::sleep(Duration::from_millis(80));
            drop(first);
            let second = waiting.join().unwrap().unwrap();
            assert!(Claim::take(&path, Duration::ZERO).is_err());
            drop(second);
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a claim that is over leaves nothing");
        // What a killed process left is no obstacle.
        fs::write(hidden_neighbour(&path, CLAIM_ENDING).unwrap(), b"4194303").unwrap();
        Claim::take(&path, Duration::ZERO).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_link_and_its_target_are_one_claim() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("model.safetensors"), folder.path().join("link.safetensors"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let _claim = Claim::take(&link, Duration::ZERO).unwrap();
        assert!(matches!(Claim::take(&path, Duration::ZERO), Err(ClaimError::Held { .. })));
    }
}
