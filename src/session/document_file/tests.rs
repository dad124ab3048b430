//! Documents are written, read, refused where they are damaged, and found by where their scans lie.

use super::*;
use crate::session::{Command, Edit, MeasurementId, PaintRules, Painter, Session, key};
use crate::volume::{Affine, Figure, Label, Plane, Rescale, Volume, Voxels};
use proptest::prelude::*;
use std::sync::Arc;

fn session() -> Session {
    let geometry = Geometry::new([40, 33, 5], Affine::IDENTITY).unwrap();
    let voxels = Voxels::U8(Arc::new(vec![0; 40 * 33 * 5]));
    let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "head".into());
    let mut session = Session::default();
    let (scan, of) = session.add_scan(Arc::new(volume));
    session.set_place(scan, ScanPlace { path: "/data/head.nii".into(), id: "head.nii".into() });
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    painter.fill(&[[1, 2, 3], [39, 32, 4]], 7);
    let table = LabelTable(vec![Label::new(7, "Liver")]);
    let states = vec![(key(Plane::Axial, 3), SliceState::Done)];
    let edits = vec![Edit::Labels(painter.finish()), Edit::Table(of, table), Edit::States(of, states)];
    session.apply(Command::by_hand("Brush", edits)).unwrap();
    let (_, command) = session.new_segmentation(scan, "Second reader").unwrap();
    session.apply(command).unwrap();
    session
}

/// Draws a ruler.
fn measure(session: &mut Session) -> Measurement {
    let scan = session.document().scans().next().unwrap().0;
    let figure = Figure::Ruler([[0.1 + 0.2, 2.0, 3.0], [1.0 / 3.0, 7.5, 3.0]]);
    let ruler = Measurement { name: "Ruler 1".into(), plane: Plane::Axial, figure };
    let id = session.document().measurements(scan).next_id();
    let edits = vec![Edit::Measurement(scan, id, Some(ruler.clone()))];
    session.apply(Command::by_hand("Ruler", edits)).unwrap();
    ruler
}

fn version_of(path: &Path) -> u8 {
    std::fs::read(path).unwrap()[8]
}

#[test]
fn measurements_come_back_to_the_last_bit_and_a_document_without_them_is_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let mut session = session();
    write_document(&path, session.document(), Watch::unwatched()).unwrap();
    assert_eq!(version_of(&path), 1, "older programs open it");
    assert!(read_document(&path, Watch::unwatched()).unwrap()[0].measurements.is_empty());
    let ruler = measure(&mut session);
    write_document(&path, session.document(), Watch::unwatched()).unwrap();
    assert_eq!(version_of(&path), 2, "older programs refuse what they would lose");
    let kept = read_document(&path, Watch::unwatched()).unwrap().remove(0);
    assert_eq!((&kept.measurements[..], kept.measurements_saved), (&[ruler.clone()][..], true));

    // Into another session, on a scan that lies elsewhere: it stays at its voxels, and the document still holds it.
    let mut other = Session::default();
    let moved = Affine::from_columns([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]], [5.0, 0.0, 0.0]);
    let voxels = Voxels::U8(Arc::new(vec![0; 40 * 33 * 5]));
    let geometry = Geometry::new([40, 33, 5], moved).unwrap();
    let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "head".into()));
    let (scan, _) = other.add_scan(volume);
    other.take_in_measurements(scan, &kept.reference, kept.measurements, true);
    let own = other.document().measurements(scan);
    let points = own.get(MeasurementId(1)).unwrap().figure.points();
    let place = |point: [f64; 3]| [5.0 + 2.0 * point[0], 2.0 * point[1], 2.0 * point[2]];
    let is_near = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(points.iter().zip(ruler.figure.points()).all(|(now, then)| is_near(*now, place(*then))), "{points:?}");
    assert!(!own.is_modified() && other.undo_name().is_none());
}

#[test]
fn what_lies_over_a_scan_comes_back_with_its_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let mut session = session();
    let first = session.document().scans().next().unwrap().0;
    let voxels = Voxels::U8(Arc::new(vec![1; 27]));
    let geometry = Geometry::new([3, 3, 3], Affine::IDENTITY).unwrap();
    let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "PET".into());
    let (second, _) = session.add_scan(Arc::new(volume));
    session.set_place(second, ScanPlace { path: "/data/pet.nii".into(), id: "pet.nii".into() });
    let look = KeptLook {
        is_on: true,
        frame: 2,
        window: crate::volume::Window { level: 0.1 + 0.2, width: 7.0 },
        in_other_space: true,
        opacity: 0.25,
        colours: "viridis".into(),
        hides_low: true,
    };
    let over = session.document().reference(second).unwrap().clone();
    let overlay = KeptOverlay { over, look };
    session.set_overlay(first, Some(overlay.clone()));
    write_document(&path, session.document(), Watch::unwatched()).unwrap();
    assert_eq!(version_of(&path), 1, "older programs open it without");
    let scans = read_document(&path, Watch::unwatched()).unwrap();
    assert_eq!((scans[0].overlay.as_ref(), scans[1].overlay.as_ref()), (Some(&overlay), None));
    // What is closed is in no document.
    session.remove_scan(second);
    write_document(&path, session.document(), Watch::unwatched()).unwrap();
    assert!(read_document(&path, Watch::unwatched()).unwrap()[0].overlay.is_none());
}

#[test]
fn a_newer_document_is_refused_by_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let newer = ContainerKind { version: 4, ..KIND };
    write_container::<io::Error>(&path, &newer, |_| Ok(())).unwrap();
    let error = read_document(&path, Watch::unwatched()).unwrap_err().to_string();
    assert!(error.contains("newer version of this program (format 4)"), "{error}");
}

fn is_it(scans: &[KeptScan]) -> bool {
    let [KeptScan { reference, segmentations, .. }] = scans else { return false };
    let [first, second] = &segmentations[..] else { return false };
    reference.name == "head"
        && first.labels.counts() == [(7, 2)].into()
        && first.table.get(7).is_some_and(|label| label.name == "Liver")
        && first.states == [(key(Plane::Axial, 3), SliceState::Done)].into()
        && second.name == "Second reader"
}

#[test]
fn a_document_comes_back_and_finds_its_scans_where_it_was_moved_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let mut session = session();
    let scan = session.document().scans().next().unwrap().0;
    session.set_place(scan, ScanPlace { path: folder.path().join("scans/head.nii"), id: "head.nii".into() });
    write_document(&path, session.document(), Watch::unwatched()).unwrap();
    assert!(is_document(&path));
    let moved = folder.path().join("moved");
    std::fs::create_dir(&moved).unwrap();
    std::fs::copy(&path, moved.join("a.lamella")).unwrap();
    let scans = read_document(&moved.join("a.lamella"), Watch::unwatched()).unwrap();
    assert!(is_it(&scans));
    assert_eq!(scans[0].beside, Some(moved.join("scans/head.nii")));
    assert_eq!(scans[0].reference.place.as_ref().unwrap().path, folder.path().join("scans/head.nii"));
}

#[test]
fn ways_lead_up_and_down() {
    let way = |folder: &str, path: &str| path_from(Path::new(folder), Path::new(path)).unwrap();
    assert_eq!(way("/a/b", "/a/b/c.nii"), Path::new("c.nii"));
    assert_eq!(way("/a/b", "/a/d/c.nii"), Path::new("../d/c.nii"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_damaged_document_is_refused(place in any::<prop::sample::Index>(), flip in any::<u8>(), is_measured in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lamella");
        let mut session = session();
        if is_measured {
            measure(&mut session);
        }
        write_document(&path, session.document(), Watch::unwatched()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = place.index(bytes.len());
        if flip == 0 { bytes.truncate(at) } else { bytes[at] ^= flip }
        std::fs::write(&path, &bytes).unwrap();
        let read = read_document(&path, Watch::unwatched());
        prop_assert!(read.is_err(), "byte {at}");
    }
}

#[test]
fn contents_that_lie_behind_right_checksums_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let written = |shape: [usize; 3], chunk: &[u8]| {
        let mut reference = session().document().reference(crate::session::ScanId(1)).unwrap().clone();
        reference.shape = shape;
        let segmentation = SegmentationPart {
            name: "S".into(),
            table: LabelTable::default(),
            states: vec![],
            makers: vec![],
            labels: "l".into(),
        };
        let scans = vec![ScanPart {
            reference,
            beside: None,
            copy: None,
            segmentations: vec![segmentation],
            measurements: vec![],
            overlay: None,
        }];
        let contents = serde_json::to_vec(&Contents { program: String::new(), scans }).unwrap();
        write_container::<io::Error>(&path, &ContainerKind { version: 1, ..KIND }, |container| {
            container.part(CONTENTS, |out| out.write_all(&contents))?;
            container.part("l", |out| out.write_all(chunk))
        })
        .unwrap();
        read_document(&path, Watch::unwatched()).map(|_| ())
    };
    written([40, 33, 5], &[]).unwrap();
    assert!(matches!(written([1 << 30, 1 << 30, 5], &[]), Err(DocumentError::Grid(_))));
    assert!(written([40, 33, 5], &[0xff; 4]).is_err() && written([40, 33, 5], &[9, 0]).is_err());
    assert!(matches!(written([40, 33, 5], &[3, 0, 0, 0, 9, 0, 1]), Err(DocumentError::Labels(_))));
}
