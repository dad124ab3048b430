//! Scans within documents: every one comes back as it was, none comes back damaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::disk::write_container;
use crate::session::{DocumentError, ScanId, Session, read_document, read_scan_copy, write_document};
use crate::volume::{Affine, Geometry};
use crate::work::Signal;

const KIND: ContainerKind = ContainerKind { magic: *b"LAMELLA\n", version: 3 };

/// A document of one scan that lies in no file, with the scan kept in it.
fn session(volume: &Volume) -> (Session, ScanId) {
    let mut session = Session::default();
    let (scan, _) = session.add_scan(Arc::new(volume.clone()));
    session.set_keeps_scans(true);
    (session, scan)
}

/// Writes it and gives where the scan lies in it.
fn write(path: &Path, session: &mut Session, scan: ScanId) -> ScanPlace {
    let written = write_document(path, session.document(), Watch::unwatched()).unwrap();
    let [(of, place)] = &written.copies[..] else { panic!("one scan: {written:?}") };
    assert_eq!((*of, &written.only_there[..]), (scan, &[][..]));
    session.set_copy(scan, Some(place.clone()));
    place.clone()
}

fn reread(path: &Path) -> Result<Volume, DocumentError> {
    let kept = read_document(path, Watch::unwatched())?.remove(0);
    Ok(read_scan_copy(&kept.reference, Watch::unwatched())?.unwrap())
}

fn is_same(a: &Volume, b: &Volume) -> bool {
    // NaN is no number that equals itself: its bits do.
    let groups = group_count(a.voxels.voxel_type(), a.voxels.len());
    let values_are_same = (0..=groups).all(|group| a.voxels.group(group) == b.voxels.group(group));
    a.voxels.voxel_type() == b.voxels.voxel_type()
        && values_are_same
        && a.geometry == b.geometry
        && (&a.frame_dims, &a.rescale, &a.frame_of_reference) == (&b.frame_dims, &b.rescale, &b.frame_of_reference)
        && (&a.name, &a.display, &a.warnings) == (&b.name, &b.display, &b.warnings)
        && a.frame_names == b.frame_names
}

fn voxels(kind: u8, raw: &[u64]) -> Voxels {
    macro_rules! of {
        ($($variant:ident $type:ty),*) => {{
            let mut all: Vec<Voxels> = vec![$({
                let values = raw.iter().map(|raw| {
                    let mut bytes = [0; size_of::<$type>()];
                    let size = bytes.len();
                    bytes.copy_from_slice(&raw.to_le_bytes()[..size]);
                    <$type>::from_le_bytes(bytes)
                });
                Voxels::$variant(Arc::new(values.collect()))
            }),*];
            all.swap_remove(usize::from(kind))
        }};
    }
    of!(U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F32 f32, F64 f64)
}

fn scans() -> impl Strategy<Value = Volume> {
    let shape = (1usize..5, 1usize..5, 1usize..4, prop::collection::vec(1usize..4, 0..3));
    let more = (0u8..10, any::<u64>(), any::<bool>(), any::<bool>(), prop::option::of((-1e3f64..1e3, 0.1f64..1e4)));
    let affine = prop::array::uniform3(-3.0f64..3.0);
    (shape, more, affine).prop_map(|((ni, nj, nk, frames), (kind, seed, is_per_slice, inverted, window), origin)| {
        let count = ni * nj * nk * frames.iter().product::<usize>();
        let raw: Vec<u64> =
            (0..count as u64).map(|n| (n ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)).collect();
        let columns = [[1.0 / 3.0, 0.0, 0.1], [0.0, -0.7, 0.0], [0.0, 0.0, 2.5]];
        let geometry = Geometry::new([ni, nj, nk], Affine::from_columns(columns, origin)).unwrap();
        let slices = nk * frames.iter().product::<usize>();
        let rescale = if is_per_slice {
            Rescale::PerSlice(Arc::new((0..slices).map(|n| (0.1 + n as f64 / 3.0, -7.0 / (n + 1) as f64)).collect()))
        } else {
            Rescale::Uniform { slope: 0.1 + 0.2, intercept: origin[0] }
        };
        let mut volume = Volume::new(geometry, voxels(kind, &raw), frames, rescale, format!("Körper {kind}"));
        volume.frame_of_reference = is_per_slice.then(|| FrameOfReference::new("1.2.840.3")).flatten();
        let window = window.map(|(level, width)| Window { level, width });
        volume.display = DisplayHints { inverted, window, modality: "MR".into() };
        volume.warnings = vec!["The slices are not even.".into(); usize::from(inverted)];
        let named = if inverted { slices / nk } else { 0 };
        volume.frame_names = (0..named).map(|n| format!("b {n} s/mm²")).collect();
        volume
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_scan_comes_back_as_it_was(volume in scans()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lamella");
        let (mut session, scan) = session(&volume);
        write(&path, &mut session, scan);
        prop_assert!(is_same(&reread(&path).unwrap(), &volume));
        // Saved again elsewhere, its parts are copied.
        let other = folder.path().join("b.lamella");
        write(&other, &mut session, scan);
        std::fs::remove_file(&path).unwrap();
        prop_assert!(is_same(&reread(&other).unwrap(), &volume));
        prop_assert_eq!(std::fs::read(&other).unwrap()[8], 3, "older programs refuse it");
    }

    #[test]
    fn no_damage_goes_unseen(volume in scans(), place in any::<prop::sample::Index>(), flip in 1u8..) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lamella");
        let (mut session, scan) = session(&volume);
        write(&path, &mut session, scan);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= flip;
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(reread(&path).is_err(), "byte {}", at);
    }
}

/// Several groups of values that do not become small.
fn large() -> Volume {
    let mut state = 0x9e37_79b9u32;
    let values = (0..900_000).map(|_| {
        // Xorshift (Marsaglia, 2003).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    });
    let values = values.collect();
    let geometry = Geometry::new([1000, 100, 9], Affine::IDENTITY).unwrap();
    let mut volume = Volume::new(geometry, Voxels::U32(Arc::new(values)), vec![], Rescale::IDENTITY, "head".into());
    volume.header = vec![("Patient's Name".into(), "Doe^Jane".into())];
    volume
}

fn written() -> (tempfile::TempDir, PathBuf, Session, ScanId) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let (mut session, scan) = session(&large());
    write(&path, &mut session, scan);
    (folder, path, session, scan)
}

#[test]
fn a_damaged_part_is_refused_by_its_name_and_the_labels_are_still_there() {
    let (_folder, path, _, _) = written();
    let kept = read_document(&path, Watch::unwatched()).unwrap().remove(0);
    let name = kept.reference.copy.unwrap().id;
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(read_document(&path, Watch::unwatched()).unwrap()[0].segmentations.len(), 1);
    let error = reread(&path).unwrap_err().to_string();
    let wanted = format!("the scan \"head\" in it cannot be read: it is damaged: \"{name}.");
    assert!(error.starts_with(&wanted) && error.ends_with("\" is not as it was written"), "{error}");
    assert!(bytes.len() > 3_000_000, "four groups that do not become small: {}", bytes.len());
}

#[test]
fn nothing_of_a_files_header_is_written() {
    let (_folder, path, ..) = written();
    let mut container = Container::open(&path, &KIND).unwrap();
    let names: Vec<String> = container.names().filter(|name| !holds_voxels(name)).map(str::to_string).collect();
    assert!(names.len() == 3, "{names:?}");
    for name in names {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut container.part(&name).unwrap(), &mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("Doe") && !text.contains("Patient"), "{name}");
    }
}

#[test]
fn a_stop_is_heard_while_the_scan_is_written_and_read_and_leaves_the_old_file() {
    let (_folder, path, mut session, scan) = written();
    let before = std::fs::read(&path).unwrap();
    session.set_copy(scan, None);
    let signal = Signal::default();
    let told = std::sync::Mutex::new(Vec::new());
    let report = |share: crate::work::Share| {
        told.lock().unwrap().push(share.fraction);
        if share.fraction > 0.0 {
            signal.stop();
        }
    };
    let watch = Watch::new(&signal).reporting(&report);
    assert!(matches!(write_document(&path, session.document(), watch), Err(DocumentError::Stopped(_))));
    assert!(std::fs::read(&path).unwrap() == before);
    let last = told.lock().unwrap().last().copied().unwrap();
    assert!(last > 0.0 && last < 1.0, "{last}");
    let signal = Signal::default();
    signal.stop();
    let kept = read_document(&path, Watch::unwatched()).unwrap().remove(0);
    let stopped = read_scan_copy(&kept.reference, Watch::new(&signal));
    assert!(matches!(stopped, Err(DocumentError::Stopped(_))));
}

#[test]
fn parts_that_another_document_holds_are_copied_and_not_packed_again() {
    let (folder, path, mut session, scan) = written();
    let name = session.document().reference(scan).unwrap().copy.clone().unwrap().id;
    // One whose parts hold something else under the same names: whoever packed anew would not have it.
    let mut from = Container::open(&path, &KIND).unwrap();
    let names: Vec<String> = from.names().map(str::to_string).collect();
    let marked = folder.path().join("marked.lamella");
    let other = PackedPart::pack(&vec![7; GROUP_BYTES]).unwrap();
    write_container::<ContainerError>(&marked, &KIND, |container| {
        for part in &names {
            let packed = from.packed(part, 1 << 30)?;
            container.packed(part, if *part == format!("{name}.1") { &other } else { &packed })?;
        }
        Ok(())
    })
    .unwrap();
    session.set_copy(scan, Some(ScanPlace { path: marked.clone(), id: name }));
    let copied = folder.path().join("b.lamella");
    write(&copied, &mut session, scan);
    let error = reread(&copied).unwrap_err().to_string();
    assert!(error.contains(": its values"), "{error}");
    // What was damaged there since is made anew from the scan that is open.
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    session.set_copy(
        scan,
        Some(ScanPlace {
            path: path.clone(),
            id: session.document().reference(scan).unwrap().copy.clone().unwrap().id,
        }),
    );
    write(&copied, &mut session, scan);
    assert!(is_same(&reread(&copied).unwrap(), &large()));
}

#[test]
fn a_scan_that_no_file_has_stays_in_the_document_and_others_do_not() {
    let (folder, path, mut session, scan) = written();
    session.set_keeps_scans(false);
    let again = write_document(&path, session.document(), Watch::unwatched()).unwrap();
    assert_eq!(again.only_there, [scan], "it would be lost");
    assert!(is_same(&reread(&path).unwrap(), &large()));
    // Once its file is there, the document only says where.
    let file = folder.path().join("head.nii");
    std::fs::write(&file, []).unwrap();
    session.set_place(scan, ScanPlace { path: file, id: "head.nii".into() });
    let again = write_document(&path, session.document(), Watch::unwatched()).unwrap();
    assert_eq!((again.copies, again.only_there), (vec![], vec![]));
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes[8] == 1 && bytes.len() < 4000, "as before there were scans in documents: {}", bytes.len());
    let kept = read_document(&path, Watch::unwatched()).unwrap().remove(0);
    assert!(kept.reference.copy.is_none());
}

#[test]
fn what_is_said_behind_right_checksums_and_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let volume = large();
    let read_with = |change: &dyn Fn(&mut Head), parts: usize| {
        let mut head = Head::of(&volume, volume.checksum());
        change(&mut head);
        write_container::<io::Error>(&path, &KIND, |container| {
            container.part("scan-1", |out| out.write_all(&serde_json::to_vec(&head)?))?;
            (0..parts).try_for_each(|n| container.packed(&format!("scan-1.{n}"), &PackedPart::pack(&[0; 9])?))
        })
        .unwrap();
        let place = ScanPlace { path: path.clone(), id: "scan-1".into() };
        read(&place, &KIND, Watch::unwatched()).map(|_| ()).unwrap_err().to_string()
    };
    let refused = |change: &dyn Fn(&mut Head), why: &str| {
        let error = read_with(change, 9);
        assert!(error.contains(why), "{error}: {why}");
    };
    refused(&|_| {}, "\"scan-1.0\" is too short");
    assert!(read_with(&|_| {}, 0).contains("\"scan-1.0\" is missing"));
    refused(&|head| head.grid.shape = [1 << 30, 1 << 30, 5], "there is no such grid");
    refused(&|head| head.voxel_type = "complex64".into(), "there is no such type");
    refused(&|head| head.frame_dims = vec![0], "there are no such frames");
    refused(&|head| head.frame_dims = vec![usize::MAX, 2], "there are no such frames");
    refused(&|head| head.rescale = vec![], "there is no factor");
    refused(&|head| (head.is_per_slice, head.rescale) = (true, vec![[0, 0]; 8]), "not every slice has a factor");
    refused(&|head| head.frame_dims = vec![1 << 20], "is too short");
}

#[test]
fn names_that_are_not_as_many_as_frames_are_left_out_and_a_stop_is_heard_before_any_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let geometry = Geometry::new([2, 2, 2], Affine::IDENTITY).unwrap();
    let voxels = Voxels::U8(Arc::new((0..16).collect()));
    let mut volume = Volume::new(geometry, voxels, vec![2], Rescale::IDENTITY, "head".into());
    let mut read_with = |names: &[&str], watch: Watch| {
        volume.frame_names = names.iter().map(|name| (*name).into()).collect();
        let head = Head::of(&volume, volume.checksum());
        write_container::<io::Error>(&path, &KIND, |container| {
            container.part("scan-1", |out| out.write_all(&serde_json::to_vec(&head)?))?;
            container.packed("scan-1.0", &PackedPart::pack(&volume.voxels.group(0))?)
        })
        .unwrap();
        read(&ScanPlace { path: path.clone(), id: "scan-1".into() }, &KIND, watch).map(|volume| volume.frame_names)
    };
    assert_eq!(read_with(&["rest", "stress"], Watch::unwatched()).unwrap(), ["rest", "stress"]);
    assert!(read_with(&["rest"], Watch::unwatched()).unwrap().is_empty());
    assert!(read_with(&["rest", "stress", "late"], Watch::unwatched()).unwrap().is_empty());
    let signal = Signal::default();
    signal.stop();
    assert!(matches!(read_with(&[], Watch::new(&signal)), Err(ScanCopyError::Stopped(_))));
}
