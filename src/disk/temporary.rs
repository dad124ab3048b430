//! Files that are still being written, and those that a killed process left behind.
//!
//! Whoever writes holds a lock on its temporary file, which the system takes back when the process ends, however it ends. A file that
//! nobody holds was left behind.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::claim::CLAIM_ENDING;
use super::{hidden_neighbour, identity};

/// Ending of a file that is being written.
const ENDING: &str = "part";
/// How often another name is tried while others clean up.
const MOST_TRIES: usize = 100;

static COUNTER: AtomicU64 = AtomicU64::new(0);
/// Files that this process is writing.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
/// Folders that this process has cleaned.
static CLEANED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file that has not its final name yet; it is removed unless it gets that, and its path is empty then.
#[derive(Debug)]
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// A new file beside `target`, locked; `mode` says who may read it, where that is not left to the user's own.
    pub(super) fn beside(target: &Path, mode: Option<u32>) -> io::Result<(File, Self)> {
        for _ in 0..MOST_TRIES {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = hidden_neighbour(target, &format!("{}-{number}.{ENDING}", std::process::id()))?;
            let file = match create(&path, mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            let temporary = Self(path);
            unfinished(|all| all.insert(temporary.0.clone()));
            // Who looks for files that were left behind may be faster than the lock, and remove this one.
            let is_lost =
                matches!(file.try_lock(), Err(TryLockError::WouldBlock)) || !identity::is_at(&file, &temporary.0);
            if !is_lost {
                return Ok((file, temporary));
            }
        }
        Err(io::Error::other("no temporary file can be made beside it"))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives the file its final name.
    pub(super) fn rename_to(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.0, target)?;
        let path = std::mem::take(&mut self.0);
        unfinished(|all| all.remove(&path));
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        // Another error is being reported already.
        let _ = fs::remove_file(&self.0);
        unfinished(|all| all.remove(&self.0));
    }
}

fn create(path: &Path, mode: Option<u32>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Some(mode) = mode {
        // The owner must be able to write it, whatever the file that it replaces says.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode | 0o200);
    }
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

fn unfinished<T>(change: impl FnOnce(&mut BTreeSet<PathBuf>) -> T) -> T {
    change(&mut UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Removes what this process is still writing, because it ends.
pub fn remove_unfinished() {
    for path in unfinished(std::mem::take) {
        // The process ends; the next one cleans what is left.
        let _ = fs::remove_file(path);
    }
}

/// Removes what killed processes left in a folder; each folder is looked through once.
pub(super) fn remove_left_behind(folder: &Path) {
    let key = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    if !CLEANED.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
        return;
    }
    let Ok(listing) = fs::read_dir(folder) else { return };
    for entry in listing.flatten() {
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_ours(&entry.file_name()) && is_file() {
            remove_if_left_behind(&entry.path());
        }
    }
}

/// Whether a name is one that is made here: `.NAME.PROCESS-NUMBER.part`, or that of a claim.
fn is_ours(name: &OsStr) -> bool {
    let Some(name) = name.to_str().and_then(|name| name.strip_prefix('.')) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once('.') {
        Some((rest, ENDING)) => rest
            .rsplit_once('.')
            .and_then(|(_, numbers)| numbers.split_once('-'))
            .is_some_and(|(process, number)| is_number(process) && is_number(number)),
        Some((_, ending)) => ending == CLAIM_ENDING,
        None => false,
    }
}

fn remove_if_left_behind(path: &Path) {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else { return };
    if file.try_lock().is_ok() {
        // What cannot be removed is only litter.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_writes_any_more_is_removed_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let long = format!(".{}.77-3.part", "0123456789abcdef");
        let left = [".m.safetensors.4194303-0.part", ".mask.nii.gz.1-17.part", &long, ".m.safetensors.lamella-claim"];
        let others = [".mask.part", ".a.12-.part", "a.12-3.part", ".a.12-x.part", ".12-3.part2", "scan.nii"];
        for name in left.iter().copied().chain(others) {
            fs::write(at(name), b"half").unwrap();
        }
        let held = at(".held.nii.5-1.part");
        fs::write(&held, b"half").unwrap();
        let lock = File::open(&held).unwrap();
        lock.lock().unwrap();
        remove_left_behind(folder.path());
        for name in left {
            assert!(!at(name).exists(), "{name}");
        }
        assert!(others.into_iter().all(|name| at(name).exists()) && held.exists());
    }

    #[test]
    fn threads_that_clean_do_not_remove_what_others_write() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for n in 0..4 {
                let path = folder.path().join(format!("{n}.nii"));
                scope.spawn(move || {
                    for round in 0..50_u8 {
                        super::super::replace_file::<io::Error>(&path, |w| io::Write::write_all(w, &[round; 3]))
                            .unwrap();
                        for entry in fs::read_dir(path.parent().unwrap()).unwrap().flatten() {
                            if is_ours(&entry.file_name()) {
                                remove_if_left_behind(&entry.path());
                            }
                        }
                        assert_eq!(fs::read(&path).unwrap(), [round; 3]);
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
