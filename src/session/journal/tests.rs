//! A journal that is read up to any entry gives the document as it was; what is torn or lies counts for nothing.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::disk::{Log, LogKind};
use crate::session::measurements::MeasurementId;
use crate::session::{Command, Edit, MergeKey, PaintRules, Painter, ScanId, ScanPlace, SegmentationId, Session, key};
use crate::volume::{
    Affine, Figure, Geometry, Label, LabelTable, Measurement, Plane, Rescale, SliceState, Volume, Voxels,
};

fn volume(size: usize) -> Arc<Volume> {
    let geometry = Geometry::new([size, 20, 9], Affine::IDENTITY).unwrap();
    let voxels = Voxels::U8(Arc::new(vec![0; size * 180]));
    Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, format!("scan {size}")))
}

/// Something that is done with a session.
#[derive(Debug, Clone)]
enum Act {
    Paint { which: usize, from: [usize; 3], length: usize, label: u16, finishes: bool },
    Table { which: usize, name: String, locks: bool, merges: bool },
    Rename { which: usize, name: String },
    Open { size: usize },
    New { which: usize },
    Remove { which: usize },
    Close { which: usize },
    Save { which: usize },
    Measure { which: usize, id: u32, at: [f64; 3], name: String, merges: bool },
    Unmeasure { which: usize, id: u32 },
    SaveMeasurements { which: usize },
    Undo,
    Redo,
}

fn act() -> impl Strategy<Value = Act> {
    let voxel = [0usize..40, 0..20, 0..9];
    let which = 0usize..8;
    prop_oneof![
        6 => (which.clone(), voxel, 1usize..40, 0u16..4, prop::bool::weighted(0.2)).prop_map(|(which, from, length, label, finishes)| {
            Act::Paint { which, from, length, label, finishes }
        }),
        2 => (which.clone(), "[a-d]{1,3}", any::<bool>(), any::<bool>())
            .prop_map(|(which, name, locks, merges)| Act::Table { which, name, locks, merges }),
        1 => (which.clone(), "[a-d]{1,3}").prop_map(|(which, name)| Act::Rename { which, name }),
        1 => (30usize..60).prop_map(|size| Act::Open { size }),
        1 => which.clone().prop_map(|which| Act::New { which }),
        1 => which.clone().prop_map(|which| Act::Remove { which }),
        1 => which.clone().prop_map(|which| Act::Close { which }),
        1 => which.clone().prop_map(|which| Act::Save { which }),
        3 => (which.clone(), 1u32..5, prop::array::uniform3(-9.0f64..9.0), "[a-d]{1,3}", any::<bool>())
            .prop_map(|(which, id, at, name, merges)| Act::Measure { which, id, at, name, merges }),
        1 => (which.clone(), 1u32..5).prop_map(|(which, id)| Act::Unmeasure { which, id }),
        1 => which.prop_map(|which| Act::SaveMeasurements { which }),
        4 => Just(Act::Undo),
        3 => Just(Act::Redo),
    ]
}

fn some(session: &Session, which: usize) -> Option<(SegmentationId, ScanId)> {
    let all: Vec<_> = session.document().segmentations().map(|(id, own)| (id, own.scan())).collect();
    all.get(which % all.len().max(1)).copied()
}

fn make(session: &mut Session, act: Act) -> Option<()> {
    match act {
        Act::Paint { which, from, length, label, finishes } => {
            let (of, _) = some(session, which)?;
            let mut painter = Painter::new(session.document(), of, &PaintRules::default())?;
            let [width, ..] = painter.labels().geometry().shape();
            let voxels: Vec<[usize; 3]> =
                (from[0]..(from[0] + length).min(width)).map(|i| [i, from[1], from[2]]).collect();
            painter.fill(&voxels, label);
            let state = if finishes { SliceState::Done } else { SliceState::Corrected };
            let states = vec![(key(Plane::Axial, from[2]), state)];
            let edits = vec![Edit::Labels(painter.finish()), Edit::States(of, states)];
            session.apply(Command::by_hand("Brush", edits)).ok()?;
        }
        Act::Table { which, name, locks, merges } => {
            let (of, _) = some(session, which)?;
            let table = LabelTable(vec![Label { locked: locks, ..Label::new(2, name) }]);
            let merge = merges.then_some(MergeKey { control: "name", of: 2 });
            session.apply(Command { merge, ..Command::by_hand("Label", vec![Edit::Table(of, table)]) }).ok()?;
        }
        Act::Rename { which, name } => {
            let (of, _) = some(session, which)?;
            session.apply(Command::by_hand("Rename", vec![Edit::Rename(of, name)])).ok()?;
        }
        Act::Open { size } => {
            let (scan, _) = session.add_scan(volume(size));
            session.set_place(scan, ScanPlace { path: format!("/data/{size}.nii").into(), id: size.to_string() });
            session.set_checksum(scan, size as u64);
        }
        Act::New { which } => {
            let (_, scan) = some(session, which)?;
            let (_, command) = session.new_segmentation(scan, "Another")?;
            session.apply(command).ok()?;
        }
        Act::Remove { which } => {
            let (of, _) = some(session, which)?;
            session.apply(Command::by_hand("Delete", vec![Edit::Remove(of)])).ok()?;
        }
        Act::Close { which } => session.remove_scan(some(session, which)?.1),
        Act::Save { which } => {
            let (of, _) = some(session, which)?;
            let revision = session.document().segmentation(of)?.revision();
            session.mark_saved(of, revision);
        }
        Act::Measure { which, id, at, name, merges } => {
            let (_, scan) = some(session, which)?;
            let measurement =
                Measurement { name, plane: Plane::Coronal, figure: Figure::Ellipse([at, [1.0, 2.0, 3.0]]) };
            let edits = vec![Edit::Measurement(scan, MeasurementId(id), Some(measurement))];
            let merge = merges.then_some(MergeKey { control: "measurement", of: 0 });
            session.apply(Command { merge, ..Command::by_hand("Ellipse", edits) }).ok()?;
        }
        Act::Unmeasure { which, id } => {
            let (_, scan) = some(session, which)?;
            let edits = vec![Edit::Measurement(scan, MeasurementId(id), None)];
            session.apply(Command::by_hand("Delete", edits)).ok()?;
        }
        Act::SaveMeasurements { which } => {
            let (_, scan) = some(session, which)?;
            let revision = session.document().measurements(scan).revision();
            session.mark_measurements_saved(scan, revision);
        }
        Act::Undo => drop(session.undo()?),
        Act::Redo => drop(session.redo()?),
    }
    Some(())
}

fn replayed(path: &Path) -> Replay {
    let (replay, end) = replay_journal(path).unwrap();
    assert_eq!((replay.problem(), end.dropped_bytes), (None, 0));
    replay
}

fn is_unsaved(session: &Session) -> bool {
    let document = session.document();
    document.segmentations().any(|(_, own)| own.is_modified())
        || document.scans().any(|(scan, _)| document.measurements(scan).is_modified())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_journal_up_to_any_entry_is_the_session_then(acts in prop::collection::vec(act(), 1..40), compact in 0usize..40) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        let mut file = JournalFile::create(&path).unwrap();
        let mut session = Session::default();
        session.keep_entries();
        session.add_scan(volume(40));
        session.add_scan(volume(33));
        let mut draft = None;
        for (n, act) in acts.into_iter().enumerate() {
            make(&mut session, act);
            let entries = session.take_entries();
            file.append(&entries).unwrap();
            let difference = replayed(&path).difference(session.document());
            prop_assert_eq!(difference, None);
            // A draft is begun, and takes the journal's place some entries later.
            if n == compact {
                draft = Some((JournalFile::draft(&path, session.document()).unwrap(), Vec::new()));
            } else if let Some((_, since)) = &mut draft {
                since.extend(entries);
            }
            if n == compact + 3 && let Some((draft, since)) = draft.take() {
                file.replace(draft, &since).unwrap();
                prop_assert_eq!(replayed(&path).difference(session.document()), None);
            }
            prop_assert_eq!(replayed(&path).unsaved().is_empty(), !is_unsaved(&session));
        }
    }

    #[test]
    fn a_torn_journal_is_one_of_the_documents_before(acts in prop::collection::vec(act(), 1..12), cut in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        let mut file = JournalFile::create(&path).unwrap();
        let mut session = Session::default();
        session.keep_entries();
        session.add_scan(volume(40));
        let mut documents = vec![(0, crate::session::Document::default())];
        for act in [Act::Undo].into_iter().chain(acts) {
            make(&mut session, act);
            // Entry by entry, as they count.
            let entries = session.take_entries();
            file.append(&entries).unwrap();
            documents.push((documents.last().unwrap().0 + entries.len(), session.document().clone()));
        }
        drop(file);
        let bytes = std::fs::read(&path).unwrap();
        let torn = 16 + cut.index(bytes.len() - 16);
        std::fs::write(&path, &bytes[..torn]).unwrap();
        let (mut file, replay, _) = JournalFile::take_up(&path).unwrap();
        prop_assert_eq!(replay.problem(), None);
        if let Some((_, document)) = documents.iter().find(|(entries, _)| *entries == replay.entries()) {
            prop_assert_eq!(replay.difference(document), None);
        }
        // What was torn does not come back with what is written next.
        file.close_scan(ScanId(99)).unwrap();
        let again = replayed(&path);
        prop_assert_eq!(again.entries(), replay.entries() + 1);
        prop_assert_eq!(again.unsaved().len(), replay.unsaved().len());
    }

    #[test]
    fn records_that_lie_are_refused(records in prop::collection::vec((0u8..5, prop::collection::vec(any::<u8>(), 0..30)), 0..8)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        let mut log = Log::create(&path, &LogKind { magic: *b"LAMJRNL\n", version: 1 }).unwrap();
        log.append(&records).unwrap();
        drop(log);
        let (replay, _) = replay_journal(&path).unwrap();
        prop_assert!(replay.unsaved().is_empty());
    }
}

#[test]
fn what_was_done_since_the_last_save_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    let mut file = JournalFile::create(&path).unwrap();
    let mut session = Session::default();
    session.keep_entries();
    let (scan, _) = session.add_scan(volume(40));
    session.set_place(scan, ScanPlace { path: "/data/head.nii.gz".into(), id: "head.nii.gz".into() });
    let stroke = |n: usize| Act::Paint { which: 0, from: [n, 1, 1], length: 2, label: 1, finishes: false };
    let mut steps = |session: &mut Session, acts: Vec<Act>| {
        acts.into_iter().for_each(|act| {
            make(session, act);
        });
        file.append(&session.take_entries()).unwrap();
        replayed(&path).unsaved().first().map(|(_, kept)| kept.steps.clone())
    };
    assert_eq!(steps(&mut session, vec![]), None);
    assert_eq!(steps(&mut session, vec![stroke(1), stroke(5), Act::Undo]), Some(vec!["Brush".to_string()]));
    assert_eq!(steps(&mut session, vec![Act::Save { which: 0 }]), None);
    assert_eq!(steps(&mut session, vec![Act::Undo]), Some(vec!["Undo Brush".to_string()]));
    let two = steps(
        &mut session,
        vec![Act::Redo, Act::Save { which: 0 }, stroke(7), Act::Rename { which: 0, name: "x".into() }],
    );
    assert_eq!(two, Some(vec!["Brush".to_string(), "Rename".to_string()]));
    assert_eq!(replayed(&path).unsaved()[0].1.reference.title(), "head.nii.gz");
    file.close_scan(scan).unwrap();
    assert!(replayed(&path).unsaved().is_empty());
}

#[test]
fn what_was_kept_goes_into_a_session_and_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    let mut file = JournalFile::create(&path).unwrap();
    let mut lost = Session::default();
    lost.keep_entries();
    lost.add_scan(volume(40));
    make(&mut lost, Act::Paint { which: 0, from: [1, 1, 1], length: 9, label: 3, finishes: true });
    make(&mut lost, Act::New { which: 0 });
    file.append(&lost.take_entries()).unwrap();
    let kept = replayed(&path).unsaved().remove(0).1;

    let mut session = Session::default();
    session.keep_entries();
    assert!(session.add_scan_with(&volume(41), kept.segmentations.clone()).is_err(), "another grid");
    assert_eq!(session.document().scans().count(), 0);
    let (scan, ids) = session.add_scan_with(&volume(40), kept.segmentations.clone()).unwrap();
    let own = session.document().segmentation(ids[0]).unwrap();
    assert_eq!((own.labels().counts(), own.is_modified()), ([(3, 9)].into(), true));
    assert!(!session.document().segmentation(ids[1]).unwrap().is_modified(), "it was empty and never changed");
    let taken = session.take_in(scan, kept.segmentations, |_| false).unwrap();
    assert_eq!((taken.len(), session.document().segmentations().count()), (2, 3), "the empty one makes room");
    assert_eq!(session.undo_name(), None);
    file.append(&session.take_entries()).ok();
    let own = folder.path().join("own.journal");
    let mut second = JournalFile::create(&own).unwrap();
    second.replace(JournalFile::draft(&own, session.document()).unwrap(), &[]).unwrap();
    assert_eq!(replayed(&own).difference(session.document()), None);
}
