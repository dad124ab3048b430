//! The folder of a training's prepared slices.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::create_private_folder;

/// Ending of the files in it.
const ENDING: &str = "slices";
/// Ending of a file that is being written: `.NAME.PROCESS-NUMBER.part`.
const UNFINISHED: &str = "part";

/// Makes the folder, which only the user may look into.
///
/// # Errors
/// Those of the file system.
pub fn make(folder: &Path) -> io::Result<()> {
    create_private_folder(folder)
}

/// Where the slices lie that are made from something. Its name tells nothing about the patient.
pub fn file_of(folder: &Path, made_from: &str) -> PathBuf {
    // FNV-1a (Fowler, Noll, Vo).
    let hash = made_from
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    folder.join(format!("{hash:016x}.{ENDING}"))
}

/// Removes the prepared slices of other plans and data, and what a killed process left half-written.
pub fn keep_only(folder: &Path, kept: &BTreeSet<PathBuf>) {
    let Ok(listing) = fs::read_dir(folder) else { return };
    let is_ours = |path: &Path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        match ending {
            Some(ENDING) => stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()),
            Some(UNFINISHED) => stem.starts_with('.') && stem.contains(&format!(".{ENDING}.")),
            _ => false,
        }
    };
    for path in listing.flatten().map(|entry| entry.path()).filter(|path| is_ours(path) && !kept.contains(path)) {
        // What cannot be removed only takes room.
        let _ = fs::remove_file(path);
    }
}

/// Removes a training's prepared slices, and their folder unless something else is in it.
pub fn remove_slices(folder: &Path) {
    keep_only(folder, &BTreeSet::new());
    // A folder with other files stays.
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("m.safetensors.slices");
        make(&own).unwrap();
        let kept = file_of(&own, "scan a");
        assert_ne!(kept, file_of(&own, "scan b"));
        let other = own.join("letter.slices");
        let unfinished = own.join(".0123456789abcdef.slices.77-1.part");
        for path in [&kept, &file_of(&own, "scan b"), &other, &unfinished] {
            fs::write(path, b"x").unwrap();
        }
        keep_only(&own, &BTreeSet::from([kept.clone()]));
        let left = || fs::read_dir(&own).map_or(0, Iterator::count);
        assert!(kept.exists() && other.exists() && left() == 2);
        remove_slices(&own);
        assert!(other.exists() && left() == 1, "a user's file stays, and the folder with it");
        fs::remove_file(other).unwrap();
        remove_slices(&own);
        assert!(!own.exists());
    }
}
