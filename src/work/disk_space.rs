//! How much room a disk has.

use std::path::{Path, PathBuf};

use sysinfo::{DiskRefreshKind, Disks};

/// Bytes that are free on the disk of a folder; `None` where the system does not say, as for network drives, which may not answer.
pub fn free_disk_bytes(folder: &Path) -> Option<u64> {
    let folder = real(folder)?;
    // Only the disk in question is asked: another one may be asleep.
    let mut disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing()).ok()?;
    let holds = |disk: &&mut sysinfo::Disk| folder.starts_with(disk.mount_point());
    let disk = disks.iter_mut().filter(holds).max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    if !is_same_disk(&folder, disk.mount_point()) {
        return None;
    }
    disk.refresh_specifics(DiskRefreshKind::nothing().with_storage());
    (disk.total_space() > 0).then(|| disk.available_space())
}

#[cfg(unix)]
fn real(folder: &Path) -> Option<PathBuf> {
    folder.canonicalize().ok()
}

/// Without the prefix of long paths, which mount points do not have.
#[cfg(not(unix))]
fn real(folder: &Path) -> Option<PathBuf> {
    std::path::absolute(folder).ok()
}

/// Whether a folder lies on the disk of a mount point, and not on one that the list leaves out.
#[cfg(unix)]
fn is_same_disk(folder: &Path, mount: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let disk = |path: &Path| path.metadata().ok().map(|of| of.dev());
    disk(folder).is_some_and(|own| disk(mount) == Some(own))
}

#[cfg(not(unix))]
fn is_same_disk(_: &Path, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_no_disk() {
        assert_eq!(free_disk_bytes(Path::new("/no such folder/at all")), None);
        // A build folder lies on a real disk, where the system lists it; nothing here has an exabyte.
        let free = free_disk_bytes(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert!(free.is_none_or(|free| free > 0 && free < 1 << 60), "{free:?}");
    }
}
