//! Masks on made series: there and back, and files that lie.

use std::path::{Path, PathBuf};

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;
use proptest::prelude::*;

use super::write::elements::{Elements, decimals};
use super::write::with_meta;
use crate::formats::{
    FormatError, Ground, Kind, Mask, check_written, ground_of_one, open_one, read_labels_in_file, read_layers, scan,
    write_mask,
};
use crate::volume::{Annotations, Code, Label, LabelMap, LabelTable, LabelValue, Maker, Term, Vec3, Volume, cross};
use crate::work::Watch;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const AXIAL: [Vec3; 2] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
const CORONAL: [Vec3; 2] = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0]];
const OBLIQUE: [Vec3; 2] = [[0.8, 0.6, 0.0], [-0.36, 0.48, 0.8]];

/// Writes a series of one file a slice.
fn series(folder: &Path, [ni, nj, nk]: [usize; 3], directions: [Vec3; 2]) -> PathBuf {
    let folder = folder.join("ct");
    std::fs::create_dir_all(&folder).unwrap();
    let normal = cross(directions[0], directions[1]);
    for k in 0..nk {
        let position = [0, 1, 2].map(|axis| [-20.5, 33.25, 7.0][axis] + normal[axis] * 2.5 * k as f64);
        let uid = format!("1.2.3.{}", k + 10);
        let mut set = Elements::default();
        set.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100");
        set.text(tags::SOP_CLASS_UID, VR::UI, CT);
        set.text(tags::SOP_INSTANCE_UID, VR::UI, &uid);
        set.text(tags::STUDY_DATE, VR::DA, "20200102");
        set.text(tags::MODALITY, VR::CS, "CT");
        set.put(tags::PATIENT_NAME, VR::PN, b"M\xFCller^Eva");
        set.text(tags::PATIENT_ID, VR::LO, "P1");
        set.text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3.1");
        set.text(tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.2");
        set.text(tags::SERIES_NUMBER, VR::IS, "4");
        set.text(tags::INSTANCE_NUMBER, VR::IS, &(k + 1).to_string());
        set.text(tags::IMAGE_POSITION_PATIENT, VR::DS, &decimals(&position));
        set.text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &decimals(&directions.concat()));
        set.text(tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.2.3.3");
        set.numbers(tags::SAMPLES_PER_PIXEL, &[1]);
        set.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
        set.numbers(tags::ROWS, &[nj as u16]);
        set.numbers(tags::COLUMNS, &[ni as u16]);
        set.text(tags::PIXEL_SPACING, VR::DS, "0.9\\0.7");
        set.numbers(tags::BITS_ALLOCATED, &[16]);
        set.numbers(tags::BITS_STORED, &[16]);
        set.numbers(tags::HIGH_BIT, &[15]);
        set.numbers(tags::PIXEL_REPRESENTATION, &[0]);
        set.put(tags::PIXEL_DATA, VR::OW, &vec![k as u8; ni * nj * 2]);
        std::fs::write(folder.join(format!("{k}.dcm")), with_meta(CT, &uid, set)).unwrap();
    }
    folder
}

fn liver() -> Term {
    Term {
        category: Code::snomed("123037004", "Anatomical Structure"),
        kind: Code::snomed("64033007", "Kidney"),
        side: Some(Code::snomed("24028007", "Right")),
    }
}

/// A scan, and labels on it.
fn labelled(folder: &Path, shape: [usize; 3], directions: [Vec3; 2], values: &[LabelValue]) -> (Volume, LabelMap) {
    let volume = open_one(&series(folder, shape, directions), None, Watch::unwatched()).unwrap();
    let [ni, nj, nk] = volume.geometry.shape();
    assert_eq!([ni, nj, nk], shape);
    let labels = LabelMap::from_fn(volume.geometry.clone(), |[i, j, k]| values[((k * nj + j) * ni + i) % values.len()]);
    (volume, labels)
}

fn names(labels: &LabelMap) -> Annotations {
    let mut table = LabelTable(vec![Label::new(7, "Niere re. äöü"), Label::new(900, "without a voxel")]);
    table.0[0].term = Some(Box::new(liver()));
    table.0[0].colour = [12, 200, 77];
    table.cover(labels.counts().into_keys());
    Annotations::of_table(table)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_written_comes_back_voxel_by_voxel(
        shape in (1usize..13, 1usize..11, 2usize..6),
        directions in prop::sample::select(vec![AXIAL, CORONAL, OBLIQUE]),
        values in prop::collection::vec(prop::sample::select(vec![0u16, 0, 0, 1, 3, 7, 200, 899, 65535]), 1..400),
        first_slice in 0usize..2,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (volume, mut labels) = labelled(folder.path(), [shape.0, shape.1, shape.2], directions, &values);
        // Empty slices are left out of the file.
        if first_slice > 0 {
            (0..shape.0).for_each(|i| (0..shape.1).for_each(|j| labels.set([i, j, 0], 0)));
        }
        let notes = names(&labels);
        let mask = Mask { labels: &labels, annotations: &notes, source: volume.source.as_deref() };
        for name in ["m.dcm", "m.labelmap.dcm"] {
            let path = folder.path().join(name);
            write_mask(&path, &mask, Watch::unwatched()).unwrap();
            let said = check_written(&path, &mask, Watch::unwatched()).unwrap().unwrap();
            prop_assert!(said.contains("all the same"), "{}", said);
            let on_scan = read_labels_in_file(&path, Some(&Ground::of(&volume)), Watch::unwatched()).unwrap();
            prop_assert!(on_scan.labels.same_labels(&labels), "{}", name);
            prop_assert!(on_scan.labels.geometry().lies_on(&volume.geometry));
            let mut table = on_scan.annotations.table.clone();
            table.0.sort_by_key(|label| label.value);
            let mut wanted = notes.table.clone();
            wanted.0.sort_by_key(|label| label.value);
            prop_assert_eq!(table, wanted);
            // By itself it is as large as its frames, and in the same place.
            let alone = read_labels_in_file(&path, None, Watch::unwatched()).unwrap();
            let laid = alone.labels.laid_on(&volume.geometry, 0.01).unwrap();
            prop_assert!(laid.outside == 0 && laid.labels.same_labels(&labels), "{}", name);
        }
    }

    #[test]
    fn damaged_files_are_refused_or_read_and_nothing_breaks(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        is_label_map in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (_, whole) = written(folder.path(), is_label_map);
        let mut bytes = whole;
        for (at, value) in changes {
            let at = 132 + at.index(bytes.len() - 132);
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let path = folder.path().join("damaged.dcm");
        std::fs::write(&path, bytes).unwrap();
        if let Err(error) = read_layers(&path, None, Watch::unwatched()) {
            prop_assert!(error.to_string().contains("damaged.dcm"), "{}", error);
        }
    }
}

/// A file of two labels, and its bytes.
fn written(folder: &Path, is_label_map: bool) -> (Volume, Vec<u8>) {
    let (volume, labels) = labelled(folder, [5, 3, 4], AXIAL, &[0, 1, 2, 0, 2]);
    let mut notes = names(&labels);
    notes.makers = vec![((2, 1), Maker::Model("Organs".into())), ((2, 2), Maker::Hand)];
    let mask = Mask { labels: &labels, annotations: &notes, source: volume.source.as_deref() };
    let path = folder.join(if is_label_map { "w.labelmap.dcm" } else { "w.dcm" });
    write_mask(&path, &mask, Watch::unwatched()).unwrap();
    (volume, std::fs::read(&path).unwrap())
}

/// Where the value of an element stands, whose value is short.
fn place_of(bytes: &[u8], tag: Tag) -> usize {
    let head = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    bytes.windows(4).position(|four| four == head).unwrap() + 8
}

#[test]
fn fields_that_lie_are_named_with_their_value() {
    let folder = tempfile::tempdir().unwrap();
    let (_, whole) = written(folder.path(), false);
    for (tag, value, words) in [
        (tags::ROWS, &b"\0\0"[..], "0 rows"),
        (tags::ROWS, b"\xFF\xFF", "cut"),
        (tags::BITS_ALLOCATED, b"\x10\0", "Bits Allocated is 16"),
        (tags::NUMBER_OF_FRAMES, b"99", "cut"),
        (tags::NUMBER_OF_FRAMES, b"x ", "Number of Frames is \"x\""),
        (tags::SEGMENTATION_TYPE, b"SURFAC", "Segmentation Type is \"SURFAC\""),
        (tags::SEGMENT_NUMBER, b"\x02\0", "Segment Number 2 is there twice"),
        (tags::SEGMENT_NUMBER, b"\0\0", "Segment Number is 0"),
        (tags::REFERENCED_SEGMENT_NUMBER, b"\x09\0", "segment 9"),
        (tags::IMAGE_POSITION_PATIENT, b"a", "Image Position (Patient)"),
        (tags::PIXEL_SPACING, b"-", "Pixel Spacing"),
    ] {
        let mut bytes = whole.clone();
        // The first pointer to a place stands in the list of dimensions; values in frames are those after it.
        let from = place_of(&bytes, tags::DIMENSION_INDEX_SEQUENCE);
        let after = if [tags::REFERENCED_SEGMENT_NUMBER, tags::IMAGE_POSITION_PATIENT].contains(&tag) {
            place_of(&bytes, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
        } else {
            from
        };
        let at = after + place_of(&bytes[after..], tag);
        bytes[at..at + value.len()].copy_from_slice(value);
        let path = folder.path().join("lie.dcm");
        std::fs::write(&path, bytes).unwrap();
        let error = read_layers(&path, None, Watch::unwatched()).map(|layers| layers.len()).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("lie.dcm"), "{tag}: {error}");
    }
}

#[test]
fn segments_that_lie_over_each_other_are_layers() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, mut bytes) = written(folder.path(), false);
    let at = place_of(&bytes, tags::SEGMENTS_OVERLAP);
    bytes[at..at + 2].copy_from_slice(b"UN");
    // Every bit of every frame: both segments have all voxels.
    let pixels = bytes.len() - 16;
    bytes[pixels..].fill(0xFF);
    let path = folder.path().join("over.dcm");
    std::fs::write(&path, &bytes).unwrap();
    let found = scan(&path, Watch::unwatched()).unwrap();
    let of: Vec<(&str, Kind)> =
        found.entries.iter().map(|entry| (entry.id.rsplit('#').next().unwrap(), entry.kind)).collect();
    assert_eq!(of, [("1", Kind::Labels), ("2", Kind::Labels)]);
    let error = read_labels_in_file(&path, None, Watch::unwatched()).map(|_| ()).unwrap_err().to_string();
    assert!(found.entries.iter().all(|entry| error.contains(&entry.id)) && error.contains("--series"), "{error}");
    let layers = read_layers(&path, Some(&Ground::of(&volume)), Watch::unwatched()).unwrap();
    let counts: Vec<_> = layers.iter().map(|layer| layer.labels.counts().into_iter().collect::<Vec<_>>()).collect();
    assert_eq!(counts, [vec![(1, 60)], vec![(2, 60)]]);
    // Where the file denies it, it is one mask, and the user is told.
    bytes[at..at + 2].copy_from_slice(b"NO");
    std::fs::write(&path, &bytes).unwrap();
    let one = read_labels_in_file(&path, Some(&Ground::of(&volume)), Watch::unwatched()).unwrap();
    assert_eq!(one.labels.counts().into_iter().collect::<Vec<_>>(), [(2, 60)]);
    assert!(
        one.warnings.iter().any(|warning| warning.contains("60 voxels belong to two segments")),
        "{:?}",
        one.warnings
    );
}

#[test]
fn the_header_has_the_patient_of_the_scan_and_says_how_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, bytes) = written(folder.path(), false);
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    for text in [
        "Müller^Eva",
        "P1",
        "1.2.3.1",
        "1.2.3.3",
        "1.2.3.13",
        "SEMIAUTOMATIC",
        "Organs",
        "ISO_IR 192",
        "Research use only",
    ] {
        assert!(has(text), "{text}");
    }
    let read =
        read_labels_in_file(&folder.path().join("w.dcm"), Some(&Ground::of(&volume)), Watch::unwatched()).unwrap();
    assert_eq!(read.annotations.makers[0].1, Maker::CorrectedModel("Organs".into()));
}

#[test]
fn a_mask_without_its_images_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, labels) = labelled(folder.path(), [4, 3, 2], AXIAL, &[0, 1]);
    let notes = names(&labels);
    let path = folder.path().join("x.dcm");
    let refused = |mask: &Mask| write_mask(&path, mask, Watch::unwatched()).unwrap_err().to_string();
    let mask = Mask { labels: &labels, annotations: &notes, source: None };
    assert!(refused(&mask).contains("--reference"));
    // An image that is another one now.
    let source = volume.source.clone().unwrap();
    std::fs::copy(&source.files[0].path, &source.files[1].path).unwrap();
    let mask = Mask { source: Some(&source), ..mask };
    assert!(refused(&mask).contains("another image"), "{}", refused(&mask));
    std::fs::remove_file(&source.files[0].path).unwrap();
    assert!(refused(&mask).contains("0.dcm") && !path.exists());
    let signal = crate::work::Signal::default();
    signal.stop();
    let (volume, _) = labelled(folder.path(), [4, 3, 2], AXIAL, &[1]);
    let mask = Mask { source: volume.source.as_deref(), ..mask };
    assert!(matches!(write_mask(&path, &mask, Watch::new(&signal)), Err(FormatError::Stopped(_))) && !path.exists());
}

#[test]
fn the_check_counts_what_differs_in_every_layer_of_bricks() {
    let folder = tempfile::tempdir().unwrap();
    // More frames than are packed at a time, and more slices than a brick has.
    let (volume, labels) = labelled(folder.path(), [9, 5, 70], AXIAL, &[0, 1, 2, 2]);
    let (notes, path) = (names(&labels), folder.path().join("m.dcm"));
    let mask = Mask { labels: &labels, annotations: &notes, source: volume.source.as_deref() };
    write_mask(&path, &mask, Watch::unwatched()).unwrap();
    assert!(check_written(&path, &mask, Watch::unwatched()).unwrap().unwrap().contains("all the same"));
    let mut other = labels.clone();
    for voxel in [[0, 0, 0], [8, 4, 33], [3, 3, 69]] {
        other.set(voxel, u16::from(other.get(voxel) == 0));
        let mask = Mask { labels: &other, ..mask };
        assert!(check_written(&path, &mask, Watch::unwatched()).is_err());
    }
    let error = check_written(&path, &Mask { labels: &other, ..mask }, Watch::unwatched()).unwrap_err();
    assert!(error.to_string().contains("3 voxels differ"), "{error}");
    // Slices without a frame are compared too.
    let mut empty = labels.clone();
    (0..9 * 5).for_each(|n| empty.set([n % 9, n / 9, 50], 0));
    write_mask(&path, &Mask { labels: &empty, ..mask }, Watch::unwatched()).unwrap();
    let error = check_written(&path, &mask, Watch::unwatched()).unwrap_err();
    assert!(error.to_string().contains("voxels differ"), "{error}");
}

#[test]
fn headers_tell_what_a_mask_must_know_of_its_scan() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, _) = labelled(folder.path(), [4, 3, 5], OBLIQUE, &[0]);
    let (loaded, ground) =
        (Ground::of(&volume), ground_of_one(&folder.path().join("ct"), None, None, Watch::unwatched()).unwrap());
    assert_eq!(ground.geometry, loaded.geometry);
    assert_eq!(ground.source, loaded.source);
    assert_eq!((ground.frame_of_reference, ground.warnings), (loaded.frame_of_reference, loaded.warnings));
}
