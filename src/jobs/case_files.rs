//! Where the segmentation of a case lies: beside the scan under its name, or in the folder of labels that belongs to a folder of images.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::formats::{Entry, For, Kind, endings_of, stem};

/// What stands behind a scan's name in the name of its segmentation.
pub const MASK_SUFFIX: &str = "_seg";
/// Folders of images and of labels begin with these words in data sets of nnU-Net and its like: `imagesTr` and `labelsTr`.
const IMAGES: &str = "images";
const LABELS: &str = "labels";
/// Digits of a channel in nnU-Net's names: `case_0000`.
const CHANNEL_DIGITS: usize = 4;

/// A name without what file systems do not allow.
pub fn plain_name(name: &str) -> String {
    let is_bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let name: String = name.trim().chars().map(|c| if is_bad(c) { '_' } else { c }).collect();
    let name = name.trim_start_matches('.').to_string();
    if name.is_empty() { "scan".into() } else { name }
}

/// A name and its channel where it ends in one, as nnU-Net names files: `case_0001` is channel 1 of `case`.
pub fn case_and_channel(name: &str) -> Option<(&str, usize)> {
    let (case, digits) = name.rsplit_once('_')?;
    let is_channel = digits.len() == CHANNEL_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((case, digits.parse().ok().filter(|_| is_channel && !case.is_empty())?))
}

/// The folder of labels of a folder of images: `labelsTr` of `imagesTr`. Whether it is there is not looked up.
pub fn labels_folder(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    Some(images.with_file_name(format!("{LABELS}{}", name.strip_prefix(IMAGES)?)))
}

/// Where the segmentation of a scan may lie, by names alone; nothing is looked up.
pub fn mask_places(entry: &Entry) -> Vec<PathBuf> {
    let endings = endings_of(Kind::Labels, For::Opening);
    let Some(parent) = entry.path.parent() else { return Vec::new() };
    if entry.file_count != 1 {
        // A folder of slices: in it, or beside it.
        let name = plain_name(&entry.name);
        let in_folder =
            |folder: &Path| endings.iter().map(|e| folder.join(format!("{name}{MASK_SUFFIX}{e}"))).collect();
        return [in_folder(parent), in_folder(&entry.path)]
            .into_iter()
            .flat_map(|places: Vec<PathBuf>| places)
            .collect();
    }
    let name = stem(&entry.path);
    let mut places: Vec<PathBuf> = Vec::new();
    for ending in &endings {
        places.push(parent.join(format!("{name}{MASK_SUFFIX}{ending}")));
        // What 3D Slicer calls a segmentation.
        if ending.starts_with(".seg.") {
            places.push(parent.join(format!("{name}{ending}")));
        }
    }
    if let Some(labels) = labels_folder(parent) {
        let case = case_and_channel(&name).map(|(case, _)| case);
        for name in case.into_iter().chain([&*name]) {
            places.extend(endings.iter().map(|ending| labels.join(format!("{name}{ending}"))));
        }
    }
    places
}

/// What the disk says of a file: when it was written, and its size.
pub type FileStamp = (SystemTime, u64);

/// What the disk says of a file; `None` where it is not there.
pub fn file_stamp(path: &Path) -> Option<FileStamp> {
    let facts = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some((facts.modified().ok()?, facts.len()))
}

/// The file among these places that was written last.
pub fn newest_of(places: &[PathBuf]) -> Option<PathBuf> {
    let there = places.iter().filter_map(|path| Some((file_stamp(path)?.0, path)));
    // Of two that are equally old the first one.
    there.rev().max_by_key(|(written, _)| *written).map(|(_, path)| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Watch;

    #[test]
    fn a_series_name_becomes_a_files_name() {
        assert_eq!(plain_name("T1 axial"), "T1 axial");
        assert_eq!(plain_name("AX/T2: \"fat sat\""), "AX_T2_ _fat sat_");
        assert_eq!([plain_name("  "), plain_name("..x")], ["scan", "x"]);
    }

    #[test]
    fn channels_are_told_by_four_digits() {
        assert_eq!(case_and_channel("liver_12_0003"), Some(("liver_12", 3)));
        assert_eq!([case_and_channel("liver_123"), case_and_channel("_0000"), case_and_channel("a_00x0")], [None; 3]);
    }

    #[test]
    fn masks_lie_beside_their_scan_or_in_the_folder_of_labels() {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("imagesTr");
        let labels = folder.path().join("labelsTr");
        [&images, &labels].into_iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
        let scan = images.join("case_7_0000.nii");
        let entry = entry_of(&scan);
        let places = mask_places(&entry);
        assert!(places.contains(&images.join("case_7_0000_seg.nii.gz")), "{places:?}");
        assert!(places.contains(&images.join("case_7_0000.seg.nrrd")), "{places:?}");
        assert!(places.contains(&labels.join("case_7.nii.gz")), "{places:?}");
        assert!(places.contains(&labels.join("case_7_0000.nii.gz")), "cases may be numbered so: {places:?}");
        assert!(!places.contains(&images.join("case_7.nii.gz")), "{places:?}");
        assert_eq!(newest_of(&places), None);
        std::fs::write(labels.join("case_7.nrrd"), b"1").unwrap();
        assert_eq!(newest_of(&places), Some(labels.join("case_7.nrrd")));
        assert_eq!((labels_folder(&images), labels_folder(&labels)), (Some(labels), None));
    }

    /// An entry of a file, by its name.
    fn entry_of(path: &Path) -> Entry {
        let asset = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
        let entry = crate::formats::scan(&asset, Watch::unwatched()).unwrap().entries.remove(0);
        Entry { name: stem(path), path: path.to_path_buf(), ..entry }
    }
}
