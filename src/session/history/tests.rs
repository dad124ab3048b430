//! Undo, redo, merging, refusals, several segmentations.

use std::sync::Arc;

use super::*;
use crate::session::{PaintRules, Painter, key};
use crate::volume::{Affine, Geometry, Label, LabelMap, LabelValue, Plane, Rescale, Volume, Voxels};
use proptest::prelude::*;

fn volume() -> Arc<Volume> {
    let geometry = Geometry::new([8, 8, 8], Affine::IDENTITY).unwrap();
    let voxels = Voxels::U8(Arc::new(vec![0; 512]));
    Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new()))
}

fn session() -> (Session, SegmentationId) {
    let mut session = Session::default();
    let (_, of) = session.add_scan(volume());
    (session, of)
}

fn stroke(session: &Session, of: SegmentationId, voxel: [usize; 3], label: LabelValue) -> Command {
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    painter.fill(&[voxel], label);
    let states = vec![(key(Plane::Axial, voxel[2]), SliceState::Corrected)];
    Command::by_hand("Brush", vec![Edit::Labels(painter.finish()), Edit::States(of, states)])
}

fn paint(session: &mut Session, of: SegmentationId, voxel: [usize; 3], label: LabelValue) {
    let command = stroke(session, of, voxel, label);
    session.apply(command).unwrap();
}

fn table_of(session: &mut Session, of: SegmentationId, name: &str, control: &'static str, table: LabelTable) {
    let merge = Some(MergeKey { control, of: 4 });
    let command = Command { merge, ..Command::by_hand(name, vec![Edit::Table(of, table)]) };
    session.apply(command).unwrap();
}

fn is_modified(session: &Session, of: SegmentationId) -> bool {
    session.document().segmentation(of).unwrap().is_modified()
}

fn labels(session: &Session, of: SegmentationId) -> LabelMap {
    session.document().segmentation(of).unwrap().labels().clone()
}

fn undo(session: &mut Session) -> Option<String> {
    session.undo().map(|applied| applied.name)
}

#[test]
fn like_changes_of_two_segmentations_are_two_steps() {
    let (mut session, first) = session();
    let (_, second) = session.add_scan(volume());
    for of in [first, second, second] {
        table_of(&mut session, of, "Colour", "colour", LabelTable(vec![Label::new(4, "Liver")]));
    }
    let is_empty = |session: &Session, of| session.document().segmentation(of).unwrap().table().0.is_empty();
    undo(&mut session).unwrap();
    assert!(is_empty(&session, second) && !is_empty(&session, first));
    undo(&mut session).unwrap();
    assert!(is_empty(&session, first));
}

#[test]
fn undo_takes_back_labels_states_and_table() {
    let (mut session, of) = session();
    paint(&mut session, of, [1, 2, 3], 4);
    assert!(is_modified(&session, of));
    let saved = session.document().segmentation(of).unwrap().revision();
    session.mark_saved(of, saved);
    assert!(!is_modified(&session, of));
    let table = LabelTable(vec![Label::new(4, "Liver")]);
    table_of(&mut session, of, "Rename", "name", table.clone());
    assert!(is_modified(&session, of), "names are saved with a mask");
    assert_eq!(undo(&mut session).as_deref(), Some("Rename"));
    assert!(!is_modified(&session, of), "undo leads back to what was saved");
    assert!(session.redo().is_some() && is_modified(&session, of));
    let named = session.document().segmentation(of).unwrap().revision();
    session.mark_saved(of, named);
    let mut hidden = table;
    (hidden.0[0].visible, hidden.0[0].locked) = (false, true);
    table_of(&mut session, of, "Hide", "shown", hidden);
    assert!(!is_modified(&session, of), "what is hidden or locked is no part of a mask");
    assert_eq!(undo(&mut session).as_deref(), Some("Hide"));
    assert_eq!(undo(&mut session).as_deref(), Some("Rename"));
    assert!(session.document().segmentation(of).unwrap().table().0.is_empty());
    assert_eq!(undo(&mut session).as_deref(), Some("Brush"));
    let segmentation = session.document().segmentation(of).unwrap();
    assert_eq!(segmentation.labels().get([1, 2, 3]), 0);
    assert_eq!((segmentation.state(Plane::Axial, 3), segmentation.states().count()), (SliceState::Todo, 0));
    assert!(session.redo().is_some());
    assert_eq!(session.document().segmentation(of).unwrap().state(Plane::Axial, 3), SliceState::Corrected);
}

#[test]
fn what_a_hand_changes_of_a_model_is_corrected_marked_or_not() {
    let (mut session, of) = session();
    let model = Maker::Model("Livers".into());
    let painted = |session: &Session, voxels: &[[usize; 3]], label| {
        let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
        painter.fill(voxels, label);
        Edit::Labels(painter.finish())
    };
    let made = [(Plane::Axial, 2), (Plane::Axial, 3), (Plane::Coronal, 4), (Plane::Sagittal, 5)];
    let makers = made.map(|(plane, slice)| (key(plane, slice), Some(model.clone()))).to_vec();
    let edits = vec![painted(&session, &[[5, 4, 2], [5, 4, 3]], 1), Edit::Makers(of, makers)];
    session.apply(Command { origin: Origin::Network, ..Command::by_hand("Segment", edits) }).unwrap();
    let maker =
        |session: &Session, (plane, slice)| session.document().segmentation(of).unwrap().maker(plane, slice).cloned();
    // A label that goes, as an operation or the list takes it: no slice is marked.
    let edits = vec![painted(&session, &[[5, 4, 2]], 0)];
    session.apply(Command::by_hand("Delete", edits)).unwrap();
    let corrected = Some(Maker::CorrectedModel("Livers".into()));
    let after = made.map(|slice| maker(&session, slice));
    assert_eq!(after, [corrected.clone(), Some(model.clone()), corrected.clone(), corrected]);
    assert_eq!(maker(&session, (Plane::Axial, 4)), None, "nobody made it");
    undo(&mut session).unwrap();
    assert!(made.iter().all(|slice| maker(&session, *slice) == Some(model.clone())));
    // What comes from elsewhere brings its own makers or none.
    let edits = vec![painted(&session, &[[5, 4, 2]], 0)];
    session.apply(Command { origin: Origin::File, ..Command::by_hand("Open", edits) }).unwrap();
    assert_eq!(maker(&session, made[0]), Some(model));
}

#[test]
fn changes_under_one_key_are_one_step_whatever_they_are_called() {
    let (mut session, of) = session();
    let named = |name: &str| LabelTable(vec![Label::new(4, name)]);
    table_of(&mut session, of, "Rename label 4", "name", named("L"));
    table_of(&mut session, of, "Rename Liver", "name", named("Li"));
    table_of(&mut session, of, "Rename Liver", "colour", named("Li"));
    assert_eq!(undo(&mut session).as_deref(), Some("Rename Liver"));
    assert_eq!(undo(&mut session).as_deref(), Some("Rename label 4"));
    assert_eq!(undo(&mut session), None);
    assert!(session.redo().is_some());
    assert_eq!(session.document().segmentation(of).unwrap().table(), &named("Li"));
    // What was redone is not merged with what comes: the redo list is not empty.
    table_of(&mut session, of, "Rename label 4", "name", named("Liv"));
    assert_eq!(undo(&mut session).as_deref(), Some("Rename label 4"));
    assert_eq!(session.document().segmentation(of).unwrap().table(), &named("Li"));
}

#[test]
fn what_was_painted_on_labels_or_locks_that_have_changed_is_refused() {
    let (mut session, of) = session();
    let late = stroke(&session, of, [0, 0, 0], 1);
    paint(&mut session, of, [1, 1, 1], 2);
    assert_eq!(session.apply(late).unwrap_err(), Refused::Stale);
    let late = stroke(&session, of, [1, 1, 1], 1);
    let locked = LabelTable(vec![Label { locked: true, ..Label::new(2, "Two") }]);
    table_of(&mut session, of, "Lock", "lock", locked);
    assert_eq!(session.apply(late).unwrap_err(), Refused::Stale);
    assert_eq!(labels(&session, of).counts(), [(2, 1)].into());
}

#[test]
fn undo_spans_segmentations_and_a_closed_scan_takes_its_steps_with_it() {
    let (mut session, first) = session();
    let (other_scan, second) = session.add_scan(volume());
    paint(&mut session, first, [0, 0, 0], 1);
    paint(&mut session, second, [1, 1, 1], 2);
    let (third, command) = session.new_segmentation(other_scan, "Second reader").unwrap();
    session.apply(command).unwrap();
    paint(&mut session, third, [2, 2, 2], 3);
    session.apply(Command::by_hand("Delete", vec![Edit::Remove(third)])).unwrap();
    paint(&mut session, first, [3, 3, 3], 1);
    for expected in [first, third, third, third, second] {
        assert_eq!(session.undo().unwrap().segmentations, [expected]);
    }
    assert_eq!(labels(&session, second).counts(), [].into());
    for _ in 0..5 {
        assert!(session.redo().is_some());
    }
    assert!(session.undo().is_some() && session.undo().is_some());
    assert_eq!(labels(&session, third).counts(), [(3, 1)].into(), "a deleted segmentation comes back whole");
    session.remove_scan(other_scan);
    assert_eq!(session.undo().unwrap().segmentations, [first], "only steps of the scan that is left");
    assert_eq!(undo(&mut session), None);
    assert!(session.redo().is_some());
    assert_eq!(session.document().segmentations().count(), 1);
}

#[test]
fn steps_beyond_the_room_fall_off_oldest_first_and_are_counted() {
    let (mut session, of) = session();
    session.set_undo_bytes(10 << 10);
    for n in 0..8 {
        table_of(&mut session, of, &format!("step {n}"), "other", LabelTable(vec![Label::new(1, n.to_string())]));
        // Steps of one control would be one.
        paint(&mut session, of, [n, 0, 0], 1);
    }
    let names: Vec<String> = session.undo_names().map(String::from).collect();
    assert_eq!(session.dropped_steps() + names.len(), 16);
    assert!(session.dropped_steps() > 0 && names.first().is_some_and(|name| name == "Brush"), "{names:?}");
    while session.undo().is_some() {}
    assert_eq!(session.redo_names().len(), names.len());
    assert!(session.redo_names().eq(names.iter().rev().map(String::as_str)), "no gap");
    session.set_undo_bytes(0);
    session.redo();
    session.redo();
    session.set_undo_bytes(1);
    assert_eq!(session.undo_names().len(), 1, "the last one always stays");
}

/// Voxels of a ball, inside the grid.
fn ball(centre: [usize; 3], radius: usize, shape: [usize; 3]) -> Vec<[usize; 3]> {
    let near = |axis: usize| centre[axis].saturating_sub(radius)..shape[axis].min(centre[axis] + radius + 1);
    let inside = |v: &[usize; 3]| (0..3).map(|a| v[a].abs_diff(centre[a]).pow(2)).sum::<usize>() <= radius * radius;
    near(2).flat_map(|k| near(1).flat_map(move |j| near(0).map(move |i| [i, j, k]))).filter(inside).collect()
}

#[test]
fn a_thousand_strokes_of_a_ball_take_little_memory() {
    let shape = [160, 160, 160];
    let geometry = Geometry::new(shape, Affine::IDENTITY).unwrap();
    let voxels = Voxels::U8(Arc::new(vec![0; 160 * 160 * 160]));
    let mut session = Session::default();
    let (_, of) = session.add_scan(Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new())));
    let mut seed = 1_u64;
    let mut next = |limit: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % limit
    };
    let mut at_half = None;
    for n in 0..1000 {
        let centre = [next(160), next(160), next(160)];
        let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
        painter.fill(&ball(centre, 15, shape), u16::try_from(next(4)).unwrap());
        session.apply(Command::by_hand("Brush", vec![Edit::Labels(painter.finish())])).unwrap();
        if n == 499 {
            at_half = Some(labels(&session, of));
        }
    }
    let megabytes = session.undo_byte_count() >> 20;
    println!(
        "undo: 1000 strokes of a ball of radius 15 among 3 labels take {megabytes} MiB, {} fell off",
        session.dropped_steps()
    );
    assert!(megabytes <= 64 && session.dropped_steps() == 0, "{megabytes} MiB");
    for _ in 0..500 {
        session.undo().unwrap();
    }
    assert!(labels(&session, of).same_labels(&at_half.unwrap()));
}

proptest! {
    #[test]
    fn undoing_everything_and_redoing_everything_is_exact(
        strokes in prop::collection::vec((0usize..8, 0usize..8, 0usize..8, 0u16..5), 1..20)
    ) {
        let (mut session, of) = session();
        let start = labels(&session, of);
        for (i, j, k, label) in &strokes {
            paint(&mut session, of, [*i, *j, *k], *label);
        }
        let end = labels(&session, of);
        while session.undo().is_some() {}
        prop_assert!(labels(&session, of).same_labels(&start));
        prop_assert!(!is_modified(&session, of));
        while session.redo().is_some() {}
        prop_assert!(labels(&session, of).same_labels(&end));
    }
}
