//! Masks become contours and come back; contours of others become masks.

use std::io;
use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use proptest::prelude::*;

use super::encode::{Encoder, write_file};
use super::read::CLASS_UID;
use super::*;
use crate::formats::labels::LabelsInFile;
use crate::formats::{Ground, Mask, check_written, open_one, read_layers, scan as scan_path, write_mask};
use crate::volume::{
    Affine, Annotations, Code, Geometry, Label, LabelMap, LabelTable, Maker, SliceState, SourceImages, Term, Vec3,
    Volume, cross,
};
use crate::work::Signal;
use crate::work::numbers::real;

const SHAPE: [usize; 3] = [9, 8, 5];

fn element(tag: Tag, value: &[u8]) -> Vec<u8> {
    let is_odd = value.len() % 2 == 1;
    let mut bytes = Vec::new();
    bytes.extend(tag.0.to_le_bytes());
    bytes.extend(tag.1.to_le_bytes());
    bytes.extend(u32::try_from(value.len() + usize::from(is_odd)).unwrap().to_le_bytes());
    bytes.extend(value);
    bytes.extend(is_odd.then_some(0));
    bytes
}

fn joined(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.9}")).collect::<Vec<_>>().join("\\")
}

/// Writes a series of images of [`SHAPE`]: directions of rows, columns and from slice to slice, left, posterior, superior.
fn series(folder: &Path, row: Vec3, column: Vec3, step: Vec3) -> Volume {
    let [columns, rows, slices] = SHAPE;
    for k in 0..slices {
        let position: Vec3 = [0, 1, 2].map(|axis| 10.0 + 7.0 * real(axis) + real(k) * step[axis]);
        let word = |value: usize| u16::try_from(value).unwrap().to_le_bytes();
        let uid = format!("1.2.3.{k}");
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        file.extend([2, 0, 0x10, 0, b'U', b'I', 18, 0]);
        file.extend(b"1.2.840.10008.1.2\0");
        for (tag, value) in [
            (tags::SPECIFIC_CHARACTER_SET, &b"ISO_IR 100"[..]),
            (tags::SOP_CLASS_UID, b"1.2.840.10008.5.1.4.1.1.2"),
            (tags::SOP_INSTANCE_UID, uid.as_bytes()),
            (tags::STUDY_DATE, b"20240131"),
            (tags::MODALITY, b"CT"),
            (tags::PATIENT_NAME, b"M\xfcller^Ann"),
            (tags::PATIENT_ID, b"P7"),
            (tags::STUDY_INSTANCE_UID, b"1.2.4"),
            (tags::SERIES_INSTANCE_UID, b"1.2.5"),
            (tags::IMAGE_POSITION_PATIENT, joined(&position).as_bytes()),
            (tags::IMAGE_ORIENTATION_PATIENT, joined(&[row, column].concat()).as_bytes()),
            (tags::FRAME_OF_REFERENCE_UID, b"1.2.6"),
            (tags::ROWS, &word(rows)),
            (tags::COLUMNS, &word(columns)),
            (tags::PIXEL_SPACING, b"0.7\\0.8"),
            (tags::BITS_ALLOCATED, &word(16)),
            (tags::BITS_STORED, &word(16)),
            (tags::HIGH_BIT, &word(15)),
            (tags::PIXEL_REPRESENTATION, &word(0)),
            (tags::PIXEL_DATA, &vec![0; 2 * rows * columns]),
        ] {
            file.extend(element(tag, value));
        }
        std::fs::write(folder.join(format!("{k}.dcm")), file).unwrap();
    }
    open_one(folder, None, Watch::unwatched()).unwrap()
}

/// Axial, coronal, sagittal, turned about two axes, and axial with a tilted gantry.
fn orientations() -> Vec<[Vec3; 3]> {
    let turned: [Vec3; 2] = [[0.8, 0.6, 0.0], [-0.48, 0.64, 0.6]];
    vec![
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.5]],
        [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 2.0, 0.0]],
        [[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [1.5, 0.0, 0.0]],
        [turned[0], turned[1], cross(turned[0], turned[1]).map(|part| part * 3.0)],
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.6, 2.5]],
    ]
}

fn axial(folder: &Path) -> Volume {
    let [row, column, step] = orientations()[0];
    series(folder, row, column, step)
}

fn write(path: &Path, labels: &LabelMap, notes: &Annotations, on: &Volume) -> crate::formats::Result<()> {
    write_mask(path, &Mask { labels, annotations: notes, source: on.source.as_deref() }, Watch::unwatched())
}

fn layers(path: &Path, on: &Volume) -> Vec<LabelsInFile> {
    read_layers(path, Some(&Ground::of(on)), Watch::unwatched()).unwrap()
}

fn labels_of(grid: &Geometry, values: &[u16]) -> LabelMap {
    let [ni, nj, _] = grid.shape();
    LabelMap::from_fn(grid.clone(), |[i, j, k]| values[(k * nj + j) * ni + i])
}

/// A structure set of regions, each with contours of a kind and its points, left, posterior, superior.
fn made(path: &Path, rois: &[(&str, &[(&str, &str)])]) {
    write_file::<io::Error>(path, [CLASS_UID, "1.2.9"], |out| {
        out.uid(tags::SOP_CLASS_UID, CLASS_UID)?;
        out.text(tags::STRUCTURE_SET_LABEL, "made")?;
        let numbered = || rois.iter().zip(1..).map(|((name, contours), n)| (name, contours, format!("{n}")));
        out.sequence::<io::Error>(tags::STRUCTURE_SET_ROI_SEQUENCE, |out| {
            numbered().try_for_each(|(name, _, number)| {
                out.item(|out| {
                    out.text(tags::ROI_NUMBER, &number)?;
                    out.text(tags::ROI_NAME, name)
                })
            })
        })?;
        out.sequence(tags::ROI_CONTOUR_SEQUENCE, |out| {
            numbered().try_for_each(|(_, contours, number)| {
                out.item(|out| {
                    out.sequence(tags::CONTOUR_SEQUENCE, |out| {
                        contours.iter().try_for_each(|contour| contour_item(out, contour))
                    })?;
                    out.text(tags::REFERENCED_ROI_NUMBER, &number)
                })
            })
        })
    })
    .unwrap();
}

fn contour_item(out: &mut Encoder, (kind, points): &(&str, &str)) -> io::Result<()> {
    out.item(|out| {
        out.text(tags::CONTOUR_GEOMETRIC_TYPE, kind)?;
        out.text(tags::CONTOUR_DATA, points)
    })
}

/// A rectangle around voxels of the axial series, from centre to centre, in place `k`.
fn rectangle([i0, j0]: [f64; 2], [i1, j1]: [f64; 2], k: f64) -> String {
    let corner = |[i, j]: [f64; 2]| format!("{:.6}\\{:.6}\\{:.6}", 10.0 + 0.8 * i, 17.0 + 0.7 * j, 24.0 + 2.5 * k);
    [[i0, j0], [i1, j0], [i1, j1], [i0, j1]].map(corner).join("\\")
}

/// Labels of a slice as text.
fn picture(labels: &LabelMap, k: usize) -> Vec<String> {
    let row = |j| (0..SHAPE[0]).map(|i| labels.get([i, j, k]).to_string()).collect::<String>().replace('0', ".");
    (0..SHAPE[1]).map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_mask_on_any_series_comes_back(
        values in prop::collection::vec(prop::sample::select(vec![0u16, 0, 3, 3, 7, 500]), SHAPE.iter().product::<usize>()),
    ) {
        for [row, column, step] in orientations() {
            let folder = tempfile::tempdir().unwrap();
            let scan = series(folder.path(), row, column, step);
            let labels = labels_of(&scan.geometry, &values);
            prop_assume!(!labels.counts().is_empty());
            let path = folder.path().join("mask.rtstruct.dcm");
            write(&path, &labels, &Annotations::default(), &scan).unwrap();
            let read = layers(&path, &scan);
            prop_assert_eq!(read.len(), 1);
            prop_assert!(read[0].labels.same_labels(&labels));
            prop_assert_eq!(read[0].warnings.len(), 1, "{:?}", &read[0].warnings);
            // Alone it finds the scan beside it.
            let found = open_one(&path, None, Watch::unwatched()).unwrap();
            prop_assert!(LabelMap::from_volume(&found, 0).unwrap().same_labels(&labels));
            // A mask that is stored in another order is the same contours.
            let ras = scan.geometry.to_ras();
            let stored = |voxel: [usize; 3]| scan.geometry.voxel_at(ras.world_at(voxel)).map_or(0, |v| labels.get(v));
            let reordered = LabelMap::from_fn(ras.clone(), stored);
            write(&path, &reordered, &Annotations::default(), &scan).unwrap();
            prop_assert!(layers(&path, &scan)[0].labels.same_labels(&labels));
        }
    }
}

#[test]
fn names_colours_codes_and_references_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let scan = axial(folder.path());
    let mut labels = LabelMap::empty(scan.geometry.clone());
    labels.set([3, 3, 1], 2);
    labels.set([4, 3, 1], 5);
    let mut table = LabelTable(vec![Label::new(2, "Niere"), Label::new(5, "Niere"), Label::new(6, "Größe")]);
    table.0[0].colour = [1, 20, 255];
    table.0[0].term = Some(Box::new(Term {
        category: Code::snomed("123037004", "Anatomical Structure"),
        kind: Code::snomed("64033007", "Kidney"),
        side: Some(Code::snomed("24028007", "Right")),
    }));
    let notes = Annotations::new(table.clone(), [((2, 1), SliceState::Done)]).made_by(&Maker::Hand);
    let path = folder.path().join("mask.rt.dcm");
    write(&path, &labels, &notes, &scan).unwrap();
    let mask = Mask { labels: &labels, annotations: &notes, source: None };
    let told = check_written(&path, &mask, Watch::unwatched()).unwrap().unwrap();
    for part in
        ["2 structures with 2 contours give the same voxels", "left out of contours: Größe", "Niere as Niere (2)"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let mut other = labels.clone();
    other.set([0, 0, 0], 2);
    assert!(check_written(&path, &Mask { labels: &other, ..mask }, Watch::unwatched()).is_err());

    let set = read_contours(&path, Watch::unwatched()).unwrap();
    let of: Vec<_> = set.rois.iter().map(|roi| (roi.number, roi.name.as_str(), roi.contours.len())).collect();
    assert_eq!(of, [(2, "Niere", 1), (5, "Niere (2)", 1)]);
    assert_eq!((set.rois[0].colour, &set.rois[0].term), (Some([1, 20, 255]), &table.0[0].term.as_deref().cloned()));
    assert_eq!(set.rois[0].interpreted_type, "ORGAN");
    assert_eq!(set.rois[0].contours[0].image.as_deref(), Some("1.2.3.1"));
    let images = (0..SHAPE[2]).map(|k| format!("1.2.3.{k}")).collect();
    assert_eq!(set.referenced_series, [ReferencedSeries { series_uid: "1.2.5".into(), images }]);
    assert_eq!(
        (set.study_uid.as_str(), set.patient.as_str(), set.frame_of_reference.as_str()),
        ("1.2.4", "P7", "1.2.6")
    );
    // One voxel of 0.8 x 0.7 mm, a hundredth of it less on every side.
    let (_, area) = set.rois[0].areas_mm2()[0];
    assert!((area - 0.8 * 0.7 * 0.98 * 0.98).abs() < 1e-6, "{area}");
    let bytes = std::fs::read(&path).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(holds("Müller^Ann".as_bytes()) && holds(b"MANUAL") && holds(b"research use only"));
    assert!(open_one(folder.path(), None, Watch::unwatched()).is_ok(), "a mask beside a scan is no second scan");
}

#[test]
fn without_its_images_nothing_is_written_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let scan = axial(folder.path());
    let mut labels = LabelMap::empty(scan.geometry.clone());
    let path = folder.path().join("mask.rtstruct.dcm");
    let refused = |result: crate::formats::Result<()>| result.unwrap_err().to_string();
    assert!(refused(write(&path, &labels, &Annotations::default(), &scan)).contains("no label with a voxel"));
    labels.set([1, 1, 1], 1);
    let mask = Mask { labels: &labels, annotations: &Annotations::default(), source: None };
    assert!(refused(write_mask(&path, &mask, Watch::unwatched())).contains("--reference SCAN"));
    // A grid that is moved by a third of a slice has no images.
    let mut moved = *scan.geometry.world_from_voxel();
    moved.0[2][3] += 0.8;
    let moved = LabelMap::from_fn(Geometry::new(SHAPE, moved).unwrap(), |at| u16::from(at == [1, 1, 1]));
    let reason = refused(write(&path, &moved, &Annotations::default(), &scan));
    assert!(reason.contains("slice 2") && reason.contains("0.80 mm"), "{reason}");
    let signal = Signal::default();
    signal.stop();
    let mask = Mask { source: scan.source.as_deref(), ..mask };
    let stopped = write_mask(&path, &mask, Watch::new(&signal));
    assert!(matches!(stopped, Err(crate::formats::FormatError::Stopped(_))) && !path.exists());
    write(&path, &labels, &Annotations::default(), &scan).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let alone = elsewhere.path().join("alone.dcm");
    std::fs::copy(&path, &alone).unwrap();
    let reason = open_one(&alone, None, Watch::unwatched()).unwrap_err().to_string();
    assert!(reason.contains("--reference SCAN") && reason.contains("alone.dcm"), "{reason}");
}

#[test]
fn images_that_are_others_now_or_have_no_names_are_not_named() {
    let folder = tempfile::tempdir().unwrap();
    let scan = axial(folder.path());
    let labels = LabelMap::from_fn(scan.geometry.clone(), |at| u16::from(at == [1, 1, 1]));
    let path = folder.path().join("mask.rtstruct.dcm");
    let source = scan.source.as_deref().unwrap();
    let refused = |source: &SourceImages| {
        let mask = Mask { labels: &labels, annotations: &Annotations::default(), source: Some(source) };
        write_mask(&path, &mask, Watch::unwatched()).unwrap_err().to_string()
    };
    let mut nameless = source.clone();
    nameless.series_uid.clear();
    assert!(refused(&nameless).contains("its Series Instance UID"), "{}", refused(&nameless));
    let mut nameless = source.clone();
    nameless.files.iter_mut().for_each(|file| file.class_uid.clear());
    assert!(refused(&nameless).contains("its SOP Class UID"), "{}", refused(&nameless));
    let [first, second] = [&source.files[0].path, &source.files[1].path];
    std::fs::copy(first, second).unwrap();
    let reason = refused(source);
    let names_it = reason.contains(&second.display().to_string());
    assert!(names_it && reason.contains("another image now") && reason.contains("open the scan again"), "{reason}");
    assert!(!path.exists());
}

#[test]
fn long_codes_and_meanings_fit_their_elements() {
    let folder = tempfile::tempdir().unwrap();
    let scan = axial(folder.path());
    let labels = LabelMap::from_fn(scan.geometry.clone(), |at| u16::from(at == [1, 1, 1]));
    let long = "urn:oid:1.2.840.113619.2.55";
    let mut table = LabelTable(vec![Label::new(1, "a")]);
    table.0[0].term = Some(Box::new(Term {
        category: Code::snomed("123037004", "Body\\Structure"),
        kind: Code::snomed(long, &"m".repeat(70)),
        side: Some(Code::snomed("24028007", "")),
    }));
    let path = folder.path().join("mask.rt.dcm");
    write(&path, &labels, &Annotations::new(table, []), &scan).unwrap();
    let set = read_contours(&path, Watch::unwatched()).unwrap();
    let term = Term {
        category: Code::snomed("123037004", "Body/Structure"),
        kind: Code::snomed(long, &"m".repeat(64)),
        side: Some(Code::snomed("24028007", "24028007")),
    };
    assert_eq!(set.rois[0].term, Some(term));
    let bytes = std::fs::read(&path).unwrap();
    let long_code_value = [&[8u8, 0, 0x19, 1, 28, 0, 0, 0][..], long.as_bytes(), b" "].concat();
    assert!(bytes.windows(long_code_value.len()).any(|part| part == long_code_value));
}

#[test]
fn a_new_space_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str| {
        let scan = open_one(folder.path(), None, Watch::unwatched()).unwrap();
        let labels = LabelMap::from_fn(scan.geometry.clone(), |at| u16::from(at == [1, 1, 1]));
        let elsewhere = tempfile::tempdir().unwrap();
        let path = elsewhere.path().join(name);
        let mask = Mask { labels: &labels, annotations: &Annotations::default(), source: scan.source.as_deref() };
        write_mask(&path, &mask, Watch::unwatched()).unwrap();
        check_written(&path, &mask, Watch::unwatched()).unwrap().unwrap()
    };
    axial(folder.path());
    assert!(!told("mask.rt.dcm").contains("Frame of Reference") && !told("mask.dcm").contains("Frame of Reference"));
    for k in 0..SHAPE[2] {
        let file = folder.path().join(format!("{k}.dcm"));
        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.windows(6).position(|part| part == b"1.2.6\0").unwrap();
        bytes[at..at + 6].fill(0);
        std::fs::write(&file, bytes).unwrap();
    }
    for name in ["mask.rt.dcm", "mask.dcm"] {
        assert!(told(name).contains("does not say its Frame of Reference UID"), "{name}: {}", told(name));
    }
}

#[test]
fn more_structures_than_labels_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.dcm");
    let without: &[(&str, &str)] = &[];
    let rois = vec![("a", without); 65_536];
    made(&path, &rois);
    let reason = read_contours(&path, Watch::unwatched()).unwrap_err().to_string();
    assert!(reason.contains("many.dcm") && reason.contains("65535 structures"), "{reason}");
    made(&path, &rois[1..]);
    let set = read_contours(&path, Watch::unwatched()).unwrap();
    assert_eq!(super::layers::layers(&set, Watch::unwatched()).unwrap().len(), 1);
}

#[test]
fn points_holes_overlaps_and_equal_names_are_read_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let scan = axial(folder.path());
    let path = folder.path().join("made.dcm");
    let (outer, inner) = (rectangle([1.0, 1.0], [6.0, 6.0], 2.0), rectangle([2.6, 2.6], [4.4, 4.4], 2.0));
    let small = rectangle([3.0, 3.0], [4.0, 4.0], 2.0);
    let point = "10.1\\17\\24";
    made(
        &path,
        &[
            ("ring", &[("CLOSED_PLANAR", &outer), ("CLOSED_PLANAR", &inner)]),
            ("core", &[("CLOSED_PLANAR", &small), ("CLOSED_PLANAR", point)]),
            ("core", &[("CLOSEDPLANAR_XOR", &outer)]),
            ("isocentre", &[("POINT", point), ("OPEN_PLANAR", &small)]),
        ],
    );
    let read = layers(&path, &scan);
    assert_eq!(read.len(), 2);
    assert_eq!(
        picture(&read[0].labels, 2),
        [".........", ".111111..", ".111111..", ".112211..", ".112211..", ".111111..", ".111111..", "........."]
    );
    assert_eq!(read[0].labels.get([0, 0, 0]), 2);
    assert_eq!(read[1].labels.counts().into_iter().collect::<Vec<_>>(), [(3, 36)]);
    let names = |layer: &LabelsInFile| layer.annotations.table.0.iter().map(|l| l.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&read[0]), names(&read[1])),
        (vec!["ring".into(), "core".into(), "isocentre".into()], vec!["core (2)".into()])
    );
    let told = read[0].warnings.join("\n");
    for part in
        ["isocentre (1 OPEN_PLANAR, 1 POINT)", "empty labels: isocentre", "3 is read as core (2)", "several masks"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let error = crate::formats::read_annotated_labels(&path, Some(&Ground::of(&scan)), Watch::unwatched(), &|_| {});
    assert!(error.unwrap_err().to_string().contains("2 masks"));
}

#[test]
fn an_outline_that_is_there_twice_is_taken_once_and_crossing_ones_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let scan = axial(folder.path());
    let path = folder.path().join("made.dcm");
    let outer = rectangle([1.0, 1.0], [6.0, 6.0], 2.0);
    let (far, beside) = (rectangle([40.0, 1.0], [46.0, 6.0], 2.0), rectangle([3.5, 2.5], [7.5, 4.5], 1.0));
    let lower = rectangle([1.0, 1.0], [6.0, 6.0], 1.0);
    let square = ("CLOSED_PLANAR", outer.as_str());
    made(&path, &[("twice", &[square, square])]);
    let read = layers(&path, &scan);
    assert_eq!(read[0].labels.counts().into_iter().collect::<Vec<_>>(), [(1, 36)]);
    assert!(read[0].warnings.contains(&"1 outline(s) stand there more than once and are taken once: twice.".into()));
    made(
        &path,
        &[("bitten", &[square, ("CLOSED_PLANAR", &far), ("CLOSED_PLANAR", &lower), ("CLOSED_PLANAR", &beside)])],
    );
    let told = layers(&path, &scan)[0].warnings.join("\n");
    for part in ["1 of 4 contours lie outside the scan.", "inside two of them is not taken: bitten."] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn planes_beside_slices_keep_their_place_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let scan = axial(folder.path());
    let path = folder.path().join("made.dcm");
    let at = |k: f64| rectangle([1.0, 1.0], [3.0, 2.0], k);
    let read = |places: &[f64]| {
        let contours: Vec<String> = places.iter().map(|k| at(*k)).collect();
        let contours: Vec<(&str, &str)> = contours.iter().map(|points| ("CLOSED_PLANAR", points.as_str())).collect();
        made(&path, &[("a", &contours)]);
        let mut layers = layers(&path, &scan);
        let LabelsInFile { labels, warnings, .. } = layers.remove(0);
        let counts: Vec<usize> = (0..SHAPE[2]).map(|k| picture(&labels, k).concat().matches('1').count()).collect();
        (counts, warnings.join("\n"))
    };
    // Six voxels in each slice, also where files round to a thousandth of a millimetre.
    assert_eq!(read(&[0.0, 1.0002, 3.0]), (vec![6, 6, 0, 6, 0], super::source::RULE.into()));
    // Half-way each plane is in one slice: as many voxels as were drawn.
    let (counts, told) = read(&[0.5, 1.5, 2.5]);
    assert_eq!(counts, [6, 6, 6, 0, 0]);
    assert!(told.contains("1.25 mm beside"), "{told}");
    let (counts, told) = read(&[0.8, 1.8]);
    assert_eq!(counts, [0, 6, 6, 0, 0]);
    assert!(told.contains("0.50 mm beside"), "{told}");
    let (counts, told) = read(&[-3.0, 1.0, 9.0]);
    assert_eq!(counts, [0, 6, 0, 0, 0]);
    assert!(told.contains("2 of 3 contours lie outside"), "{told}");
    made(&path, &[("a", &[("CLOSED_PLANAR", &at(40.0))])]);
    let refused = read_layers(&path, Some(&Ground::of(&scan)), Watch::unwatched()).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("none of its contours") && refused.contains("made.dcm"), "{refused}");
}

#[test]
fn contours_of_turned_slices_fill_their_part_of_another_grid() {
    let [row, column, step] = orientations()[3];
    let folder = tempfile::tempdir().unwrap();
    let scan = series(folder.path(), row, column, step);
    let labels = LabelMap::from_fn(scan.geometry.clone(), |[i, j, k]| {
        u16::from((2..7).contains(&i) && (2..6).contains(&j) && (1..4).contains(&k))
    });
    let path = folder.path().join("mask.rtstruct.dcm");
    write(&path, &labels, &Annotations::default(), &scan).unwrap();
    // A fine grid along the patient's axes around it.
    let middle = scan.geometry.world_at([4, 4, 2]);
    let affine =
        Affine::from_columns([[0.25, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 0.25]], middle.map(|at| at - 10.0));
    let fine = Geometry::new([80; 3], affine).unwrap();
    let mut other = scan.clone();
    other.geometry = fine.clone();
    other.source = None;
    let read = layers(&path, &other);
    let (mut differ, mut count) = (0, 0);
    for k in 0..80 {
        for j in 0..80 {
            for i in 0..80 {
                let there = scan.geometry.voxel_at(fine.world_at([i, j, k])).is_some_and(|v| labels.get(v) == 1);
                let here = read[0].labels.get([i, j, k]) == 1;
                count += usize::from(there);
                differ += usize::from(there != here);
            }
        }
    }
    // 60 voxels of 0.8 x 0.7 x 3 mm; what differs lies in the hundredth of a voxel by which outlines are drawn in.
    assert!(count.abs_diff(6451) < 60 && differ * 50 < count, "{differ} of {count}");
    assert!(read[0].warnings.iter().any(|text| text.contains("turned against")), "{:?}", read[0].warnings);
}

#[test]
fn what_is_broken_is_refused_by_field_and_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.dcm");
    let reason = |points: &str| {
        made(&path, &[("a", &[("CLOSED_PLANAR", points)])]);
        let error = read_contours(&path, Watch::unwatched()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("broken.dcm"), "{error}");
        error
    };
    assert!(reason("1\\2\\abc").contains("Contour Data holds \"abc\""));
    assert!(reason("1\\2\\3\\4").contains("Contour Data holds 4 numbers"));
    assert!(reason("1\\\\3").contains("Contour Data holds \"\""));
    assert!(reason(&"9".repeat(500)).contains("Contour Data holds \"999"));
    // A list far longer than what is looked at in one piece, and all its beginnings.
    let many = vec!["1.25\\-2.5\\3.0625"; 40_000].join("\\");
    made(&path, &[("a", &[("CLOSED_PLANAR", &many), ("CLOSED_PLANAR", "")])]);
    let set = read_contours(&path, Watch::unwatched()).unwrap();
    assert_eq!(set.rois[0].contours[0].points, vec![[-1.25, 2.5, 3.0625]; 40_000]);
    assert!(set.rois[0].contours[1].points.is_empty());
    made(&path, &[("a", &[("CLOSED_PLANAR", &rectangle([0.0; 2], [3.0; 2], 0.0))])]);
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let _ = read_contours(&path, Watch::unwatched());
        let _ = scan_path(&path, Watch::unwatched());
        let mut flipped = whole.clone();
        flipped[length] ^= 0xFF;
        std::fs::write(&path, &flipped).unwrap();
        let _ = read_contours(&path, Watch::unwatched());
    }
    let inside = PathBuf::from(&path);
    std::fs::write(&inside, &whole[..whole.len() - 40]).unwrap();
    assert!(read_contours(&inside, Watch::unwatched()).is_err());
}
