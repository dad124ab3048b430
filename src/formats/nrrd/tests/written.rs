//! What is written, and what an interruption leaves.

use std::sync::Arc;

use super::*;
use crate::formats::{write_labels, write_volume};
use crate::volume::{Annotations, Label, LabelMap, LabelTable, LabelValue, Rescale, Voxels};

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn volume_of(data: [u8; 6]) -> Volume {
    let geometry = opened("").unwrap().geometry;
    Volume::new(geometry, Voxels::U8(Arc::new(data.to_vec())), Vec::new(), Rescale::IDENTITY, "v".into())
}

#[test]
fn as_many_labels_as_there_can_be_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut labels = LabelMap::empty(opened("").unwrap().geometry);
    labels.set([1, 1, 0], LabelValue::MAX);
    let table =
        (1..=LabelValue::MAX).map(|n| Label::new(n, format!("a name of forty letters and a number, {n}"))).collect();
    let mut notes = Annotations::of_table(LabelTable(table));
    notes.seal(&labels);
    for name in ["a.seg.nrrd", "a.nhdr"] {
        let path = folder.path().join(name);
        write_labels(&path, &labels, &notes, Watch::unwatched()).unwrap();
        let back = open(&path).unwrap();
        assert_eq!(back.annotations.table.0.len(), 65535, "{name}");
        assert!(back.annotations == notes, "{name}");
    }
}

#[test]
fn names_too_long_for_a_header_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let labels = LabelMap::empty(opened("").unwrap().geometry);
    let table = (1..=64).map(|n| Label::new(n, "n".repeat(1 << 20))).collect();
    let path = folder.path().join("a.nrrd");
    let notes = Annotations::of_table(LabelTable(table));
    let error = write_labels(&path, &labels, &notes, Watch::unwatched()).unwrap_err().to_string();
    assert!(error.contains("names of the labels") && names(folder.path()).is_empty(), "{error}");
}

#[test]
fn frames_with_labels_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let geometry = opened("").unwrap().geometry;
    let voxels = Voxels::U8(Arc::new((0..12).collect()));
    let mut volume = Volume::new(geometry, voxels, vec![2], Rescale::IDENTITY, "v".into());
    volume.annotations = Annotations::of_table(LabelTable(vec![Label::new(3, "liver")]));
    let path = folder.path().join("a.nrrd");
    write_volume(&path, &volume, Watch::unwatched()).unwrap();
    let back = open(&path).unwrap();
    assert_eq!((back.frame_dims.as_slice(), &back.annotations), (&[2][..], &volume.annotations));
    assert!(back.voxels.equals(&volume.voxels));
}

#[test]
fn a_header_that_is_replaced_keeps_its_data_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nhdr");
    let [first, second] = [volume_of([1, 2, 3, 4, 5, 6]), volume_of([9; 6])];
    write_volume(&path, &first, Watch::unwatched()).unwrap();
    assert_eq!(names(folder.path()), ["a.nhdr", "a.raw"]);
    // The new data are there, the new header is not: as after an interruption.
    let old = std::fs::read(&path).unwrap();
    let data = std::fs::read(folder.path().join("a.raw")).unwrap();
    for name in ["a-1.raw", "a.raw", "a-1.raw"] {
        write_volume(&path, &second, Watch::unwatched()).unwrap();
        assert_eq!(
            names(folder.path()),
            [name, "a.nhdr"]
                .map(String::from)
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
        );
        assert!(std::fs::read_to_string(&path).unwrap().contains(&format!("data file: {name}\n")));
        assert_eq!(values(&open(&path).unwrap()), [9.0; 6]);
    }
    std::fs::write(&path, old).unwrap();
    std::fs::write(folder.path().join("a.raw"), data).unwrap();
    assert_eq!(values(&open(&path).unwrap()), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    write_volume(&path, &second, Watch::unwatched()).unwrap();
    assert_eq!(values(&open(&path).unwrap()), [9.0; 6]);
    assert!(!folder.path().join("a.raw").exists());
}

#[test]
#[cfg(unix)]
fn a_header_that_cannot_be_written_leaves_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nhdr");
    std::fs::create_dir(&path).unwrap();
    write_volume(&path, &volume_of([1; 6]), Watch::unwatched()).unwrap_err();
    assert_eq!(names(folder.path()), ["a.nhdr"]);
}

#[test]
fn a_file_that_belongs_to_another_header_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("a.nhdr"), folder.path().join("a.raw"));
    std::fs::write(&other, b"measured for years").unwrap();
    for _ in 0..3 {
        write_volume(&path, &volume_of([1, 2, 3, 4, 5, 6]), Watch::unwatched()).unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"measured for years");
        assert_eq!(values(&open(&path).unwrap()), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(names(folder.path()).len(), 3);
    }
    // Nor is one removed that a header names which is not ours to name.
    let header = std::fs::read_to_string(&path).unwrap();
    let named = header.lines().find(|line| line.starts_with("data file")).unwrap();
    std::fs::write(folder.path().join("years.raw"), [7; 6]).unwrap();
    std::fs::write(&path, header.replace(named, "data file: years.raw")).unwrap();
    write_volume(&path, &volume_of([1; 6]), Watch::unwatched()).unwrap();
    assert_eq!(std::fs::read(folder.path().join("years.raw")).unwrap(), [7; 6]);
}

#[test]
fn names_that_a_header_would_mean_otherwise_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["LIST 2.nhdr", "LIST\ta.nhdr", " a.nhdr", "a%03d.nhdr", "50% dose.nhdr", "a\nb.nhdr"] {
        let error = write_volume(&folder.path().join(name), &volume_of([1; 6]), Watch::unwatched()).unwrap_err();
        assert!(error.to_string().contains("choose another name"), "{error}");
        assert!(names(folder.path()).is_empty(), "{name}");
    }
    for name in ["LISTED.nhdr", "LIST.nhdr", "a b.nhdr", "data file: a.nhdr", "a:=b.nhdr"] {
        let path = folder.path().join(name);
        write_volume(&path, &volume_of([1, 2, 3, 4, 5, 6]), Watch::unwatched()).unwrap();
        assert_eq!(values(&open(&path).unwrap()), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "{name}");
    }
}
