//! What a painter keeps, for strokes and for whole segmentations.

use super::*;
use crate::session::{Command, Edit, Session, SliceState, key};
use crate::volume::{Affine, Geometry, Label, Plane, Rescale, Voxels};

const SHAPE: [usize; 3] = [6, 6, 6];

/// A session over a ramp: the value of a voxel is its first index.
fn session(voxels: &[([usize; 3], LabelValue)], table: LabelTable) -> (Session, SegmentationId) {
    let geometry = Geometry::new(SHAPE, Affine::IDENTITY).unwrap();
    let ramp = Voxels::U8(Arc::new((0..216).map(|n| (n % 6) as u8).collect()));
    let volume = Volume::new(geometry, ramp, vec![], Rescale::IDENTITY, String::new());
    let mut session = Session::default();
    let (_, of) = session.add_scan(Arc::new(volume));
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    voxels.iter().for_each(|(voxel, label)| {
        painter.fill(&[*voxel], *label);
    });
    let edits = vec![Edit::Labels(painter.finish()), Edit::Table(of, table)];
    session.apply(Command::by_hand("Begin", edits)).unwrap();
    (session, of)
}

fn finish(session: &mut Session, of: SegmentationId, plane: Plane, slice: usize) {
    session
        .apply(Command::by_hand("Done", vec![Edit::States(of, vec![(key(plane, slice), SliceState::Done)])]))
        .unwrap();
}

fn painter(session: &Session, of: SegmentationId, rules: &PaintRules) -> Painter {
    Painter::new(session.document(), of, rules).unwrap()
}

fn map(voxels: &[([usize; 3], LabelValue)]) -> LabelMap {
    let mut labels = LabelMap::empty(Geometry::new(SHAPE, Affine::IDENTITY).unwrap());
    voxels.iter().for_each(|(voxel, label)| labels.set(*voxel, *label));
    labels
}

fn table(names: &[&str], locked: &[LabelValue]) -> LabelTable {
    let mut table = LabelTable((1..).zip(names).map(|(value, name)| Label::new(value, *name)).collect());
    locked.iter().for_each(|value| table.get_mut(*value).unwrap().locked = true);
    table
}

#[test]
fn locked_labels_and_done_slices_stay() {
    // What was erased of a locked label does not come back.
    let (mut session, of) =
        session(&[([1, 1, 1], 1), ([2, 2, 2], 2), ([3, 3, 3], 2), ([5, 5, 5], 2)], table(&["One", "Two"], &[1]));
    finish(&mut session, of, Plane::Axial, 2);
    let all = [[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 2]];
    let mut incoming = map(&all.map(|voxel| (voxel, 3)));
    incoming.set([5, 5, 5], 1);
    incoming.set([0, 5, 5], 1);
    let mut painter = painter(&session, of, &PaintRules::default());
    painter.take(incoming, &Incoming::default());
    let labels = painter.labels();
    assert_eq!(all.map(|voxel| labels.get(voxel)), [1, 2, 3, 0], "locked, done slice, free, done slice");
    assert_eq!([[5, 5, 5], [0, 5, 5]].map(|voxel| labels.get(voxel)), [2, 0], "locked labels do not grow");
}

#[test]
fn a_stroke_in_one_plane_leaves_finished_slices_of_the_others_alone_and_tells_what_was_kept() {
    let (mut session, of) = session(&[([0, 0, 0], 2)], table(&["One", "Two"], &[2]));
    finish(&mut session, of, Plane::Axial, 2);
    finish(&mut session, of, Plane::Sagittal, 4);
    let layout = PlaneLayout::new(session.document().segmentation(of).unwrap().labels().geometry(), Plane::Coronal);
    // The whole coronal slice through the voxels whose second index is 0.
    let all: Vec<[usize; 3]> = (0..36).map(|n| [n % 6, 0, n / 6]).collect();
    let mut painter = painter(&session, of, &PaintRules::default());
    assert!(painter.fill(&all, 1) && layout.size == [6, 6, 6]);
    let painted = painter.finish();
    for voxel in all {
        let is_kept = voxel[2] == 2 || voxel[0] == 4 || voxel == [0, 0, 0];
        assert_eq!(painted.labels.get(voxel) == 1, !is_kept, "{voxel:?}");
    }
    assert_eq!(painted.kept, BTreeMap::from([(KeptBy::FinishedSlice, 11), (KeptBy::Lock(2), 1)]));
}

#[test]
fn what_a_segmentation_does_not_know_stays_and_what_that_kept_out_is_counted() {
    // 1 tumour, by hand; 2 liver, known; 3 spleen, known and locked; 4 vessel, locked.
    let (session, of) = session(
        &[([0, 0, 0], 1), ([1, 0, 0], 1), ([0, 1, 1], 2), ([0, 2, 2], 4), ([0, 3, 3], 3)],
        table(&["Tumour", "Liver", "Spleen", "Vessel"], &[3, 4]),
    );
    let incoming = map(&[([0, 0, 0], 2), ([0, 2, 2], 2), ([5, 5, 5], 3), ([4, 4, 4], 2), ([3, 3, 3], 2)]);
    let mut painter = painter(&session, of, &PaintRules::default());
    let rule = Incoming { known: Some(BTreeSet::from([2, 3])), corrected: Vec::new() };
    let withheld = painter.take(incoming, &rule);
    assert_eq!(painter.labels().counts(), BTreeMap::from([(1, 2), (2, 2), (3, 1), (4, 1)]));
    let kept = [((2, KeptBy::Unknown(1)), 1), ((2, KeptBy::Lock(4)), 1), ((3, KeptBy::OwnLock), 1)];
    assert_eq!(withheld.kept_out, BTreeMap::from(kept));
}

#[test]
fn corrected_slices_that_would_change_are_counted() {
    let (session, of) = session(&[([1, 1, 1], 1), ([1, 1, 4], 2)], LabelTable::default());
    let layout = PlaneLayout::new(session.document().segmentation(of).unwrap().labels().geometry(), Plane::Axial);
    let slice = |k: usize| (layout, layout.screen([0, 0, k])[2]);
    let corrected = |incoming: LabelMap, known: &[LabelValue]| {
        let rule =
            Incoming { known: Some(known.iter().copied().collect()), corrected: vec![slice(1), slice(3), slice(4)] };
        painter(&session, of, &PaintRules::default()).take(incoming, &rule).corrected
    };
    let other = map(&[([2, 2, 1], 1), ([2, 2, 3], 1), ([1, 1, 4], 2)]);
    // Slice 1 loses a voxel and gains one, slice 3 gains what may have been erased, slice 4 stays as it is.
    assert_eq!(corrected(other, &[1, 2]), 2);
    // Of labels that were never there nothing was corrected.
    assert_eq!(corrected(map(&[([0, 0, 3], 9)]), &[9]), 0);
}

#[test]
fn a_label_is_erased_but_in_finished_slices() {
    let (mut session, of) = session(&[([1, 1, 1], 1), ([2, 2, 2], 1), ([3, 3, 3], 2)], table(&["One", "Two"], &[]));
    let mut whole = painter(&session, of, &PaintRules::default());
    let signal = crate::work::Signal::default();
    signal.stop();
    let before = whole.labels().counts();
    assert!(
        whole.erase(1, Watch::new(&signal)).is_err() && whole.labels().counts() == before,
        "a stop changes nothing"
    );
    assert!(!whole.erase(1, Watch::unwatched()).unwrap());
    assert_eq!(whole.labels().counts(), BTreeMap::from([(2, 1)]));
    finish(&mut session, of, Plane::Coronal, 2);
    let mut painter = painter(&session, of, &PaintRules::default());
    assert!(painter.erase(1, Watch::unwatched()).unwrap(), "some of it is in a finished slice");
    assert_eq!(painter.labels().counts(), BTreeMap::from([(1, 1), (2, 1)]));
}

#[test]
fn draw_over_mode_range_and_region_hold_for_strokes_and_for_whole_segmentations() {
    let mut names = table(&["One", "Two", "Three"], &[]);
    names.get_mut(2).unwrap().visible = false;
    let (session, of) = session(&[([0, 0, 0], 1), ([1, 0, 0], 2), ([2, 0, 0], 3)], names);
    let row: Vec<[usize; 3]> = (0..6).map(|i| [i, 0, 0]).collect();
    let region = Region { start: [1, 0, 0], end: [4, 6, 6] };
    for (rules, expected) in [
        (PaintRules::default(), [9, 9, 9, 9, 9, 9]),
        (PaintRules { over: DrawOver::Background, ..PaintRules::default() }, [1, 2, 3, 9, 9, 9]),
        (PaintRules { over: DrawOver::Label(3), ..PaintRules::default() }, [1, 2, 9, 0, 0, 0]),
        (PaintRules { over: DrawOver::Visible, ..PaintRules::default() }, [9, 2, 9, 9, 9, 9]),
        (PaintRules { range: Some(([1.0, 3.0], 0)), ..PaintRules::default() }, [1, 9, 9, 9, 0, 0]),
        (PaintRules { region: Some(region), ..PaintRules::default() }, [1, 9, 9, 9, 0, 0]),
    ] {
        let mut stroke = painter(&session, of, &rules);
        stroke.fill(&row, 9);
        let mut whole = painter(&session, of, &rules);
        whole.take(map(&row.iter().map(|voxel| (*voxel, 9)).collect::<Vec<_>>()), &Incoming::default());
        let mut rows = painter(&session, of, &rules);
        rows.fill_rows(&[VoxelRow { start: [0, 0, 0], count: 99 }], 9);
        for labels in [stroke.labels(), whole.labels(), rows.labels()] {
            let found: Vec<LabelValue> = row.iter().map(|voxel| labels.get(*voxel)).collect();
            assert_eq!(found, expected, "{rules:?}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn rows_are_filled_as_their_voxels_are(
        begun in proptest::collection::vec((0usize..6, 0usize..6, 0usize..6, 1u16..4), 0..80),
        rows in proptest::collection::vec((0usize..6, 0usize..6, 0usize..6, 1usize..7, 0u16..4), 1..12),
        locked in proptest::option::of(1u16..4), done in proptest::option::of(0usize..6), low in 0u8..5,
    ) {
        let labelled: Vec<_> = begun.into_iter().map(|(i, j, k, label)| ([i, j, k], label)).collect();
        let names = table(&["One", "Two", "Three"], &locked.into_iter().collect::<Vec<_>>());
        let (mut session, of) = session(&labelled, names);
        done.into_iter().for_each(|slice| finish(&mut session, of, Plane::Coronal, slice));
        let rules = PaintRules { range: (low > 0).then_some(([f64::from(low), 4.0], 0)), ..PaintRules::default() };
        let (mut by_rows, mut by_voxels) = (painter(&session, of, &rules), painter(&session, of, &rules));
        for (i, j, k, count, label) in rows {
            let row = VoxelRow { start: [i, j, k], count };
            let inside: Vec<[usize; 3]> = row.voxels().filter(|voxel| voxel[0] < 6).collect();
            proptest::prop_assert_eq!(by_rows.fill_rows(&[row], label), by_voxels.fill(&inside, label));
            proptest::prop_assert!(by_rows.labels().same_labels(by_voxels.labels()));
            proptest::prop_assert_eq!(&by_rows.kept, &by_voxels.kept);
        }
    }
}
