//! The law of the editor: whoever writes labels, protected voxels stay as they are.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests make fits"
)]

mod writers;

use std::collections::{BTreeMap, BTreeSet};

use lamella::edit::operations::OPERATIONS;
use lamella::session::{JournalFile, Maker, SliceKey, SliceState, replay_journal};
use lamella::tools::{TOOLS, ToolEntry};
use lamella::volume::{BRICK_EDGE, LabelMap, LabelTable, LabelValue, Plane, PlaneLayout};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use writers::{SHAPE, Studio, acts, voxel_of};

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[24; 32]))
}

/// Protected voxels by a rule of the test's own: it reads the table and the states, not the painter.
fn kept(studio: &Studio) -> (BTreeSet<LabelValue>, Vec<(Plane, usize)>) {
    let segmentation = studio.session.document().segmentation(studio.of).unwrap();
    let locked = segmentation.table().0.iter().filter(|label| label.locked).map(|label| label.value).collect();
    let finished = Plane::ALL.into_iter().flat_map(|plane| {
        let count = PlaneLayout::new(segmentation.labels().geometry(), plane).size[2];
        let is_done = move |slice: &usize| segmentation.state(plane, *slice) == SliceState::Done;
        (0..count).filter(is_done).map(move |slice| (plane, slice))
    });
    (locked, finished.collect())
}

#[test]
fn no_command_ever_changes_a_protected_voxel() {
    let seen = std::cell::Cell::new([0usize; 3]);
    let result = runner(300).run(&acts(), |acts| {
        let mut studio = Studio::new();
        let layouts = Plane::ALL.map(|plane| PlaneLayout::new(studio.labels().geometry(), plane));
        for act in &acts {
            let before = studio.labels();
            let (locked, finished) = kept(&studio);
            let travels = studio.act(act);
            let (locked_after, finished_after) = kept(&studio);
            let after = studio.labels();
            for n in 0..SHAPE.iter().product::<usize>() {
                let voxel = voxel_of(n);
                let (old, new) = (before.get(voxel), after.get(voxel));
                if old == new {
                    continue;
                }
                let [mut changed, a, b] = seen.get();
                changed += 1;
                seen.set([changed, a, b]);
                // A step that made a lock or a mark is taken back with them: what it leaves protected must be as it was.
                let is_locked =
                    |label: &LabelValue| locked.contains(label) && (!travels || locked_after.contains(label));
                prop_assert!(!is_locked(&old) && !is_locked(&new), "{act:?} changed {voxel:?} from {old} to {new}");
                let is_finished = finished.iter().any(|(plane, slice)| {
                    layouts[*plane as usize].screen(voxel)[2] == *slice
                        && (!travels || finished_after.contains(&(*plane, *slice)))
                });
                prop_assert!(!is_finished, "{act:?} changed {voxel:?} in a finished slice");
            }
            let [changed, a, b] = seen.get();
            seen.set([changed, a + locked.len(), b + finished.len()]);
        }
        Ok(())
    });
    let [changed, locked, finished] = seen.get();
    println!(
        "law: 300 runs, {changed} voxels changed, {locked} locked labels and {finished} finished slices were respected"
    );
    assert!(changed > 10_000 && locked > 300 && finished > 300);
    result.unwrap();
}

/// Everything that a document says of a segmentation.
#[derive(Clone)]
struct State {
    labels: LabelMap,
    table: LabelTable,
    states: BTreeMap<SliceKey, SliceState>,
    makers: BTreeMap<SliceKey, Maker>,
}

impl State {
    fn of(studio: &Studio) -> Self {
        let own = studio.session.document().segmentation(studio.of).unwrap();
        let makers = own.makers().map(|(key, maker)| (key, maker.clone())).collect();
        Self { labels: own.labels().clone(), table: own.table().clone(), states: own.states().collect(), makers }
    }

    fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            (self.labels.same_labels(&other.labels), "labels"),
            (self.table == other.table, "table"),
            (self.states == other.states, "states of slices"),
            (self.makers == other.makers, "makers of slices"),
        ]
        .into_iter()
        .find_map(|(is_same, what)| (!is_same).then_some(what))
    }
}

/// Bricks in which two maps differ, voxel by voxel.
fn changed_bricks(before: &LabelMap, after: &LabelMap) -> usize {
    let differs = |voxel: &[usize; 3]| before.get(*voxel) != after.get(*voxel);
    let voxels = (0..SHAPE.iter().product()).map(voxel_of);
    voxels.filter(differs).map(|voxel| voxel.map(|n| n / BRICK_EDGE)).collect::<BTreeSet<_>>().len()
}

#[test]
fn any_sequence_of_commands_can_be_taken_back_made_again_and_read_from_the_journal() {
    let all = std::cell::RefCell::new(BTreeMap::<&str, usize>::new());
    let counts = std::cell::Cell::new([0usize; 2]);
    let result = runner(600).run(&acts(), |acts| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        let mut studio = Studio::new();
        let mut journal = JournalFile::create(&path).unwrap();
        journal.append(&studio.session.take_entries()).unwrap();
        // The state after as many steps as the index says; nothing in the middle of a gesture.
        let mut states = vec![Some(State::of(&studio))];
        for (n, act) in acts.iter().enumerate() {
            let (before, steps_before) = (studio.labels(), studio.session.undo_names().len());
            let travels = studio.act(act);
            // Only bricks that changed are new: a dense brick has two bytes a voxel, and a map a few for each brick.
            let after = studio.labels();
            let most = changed_bricks(&before, &after) * BRICK_EDGE.pow(3) * size_of::<LabelValue>() + 64;
            prop_assert!(after.unshared_bytes(&before) <= most, "{act:?} copied more bricks than it changed");
            let (now, steps) = (State::of(&studio), studio.session.undo_names().len());
            if travels {
                let difference = states[steps].as_ref().and_then(|then| now.difference(then));
                prop_assert_eq!(difference, None, "after {:?}", act);
            } else if steps > steps_before {
                states.truncate(steps_before + 1);
                states.resize(steps, None);
                states.push(Some(now));
            }
            journal.append(&studio.session.take_entries()).unwrap();
            if n % 4 != 0 && n + 1 != acts.len() {
                continue;
            }
            let (replay, end) = replay_journal(&path).unwrap();
            prop_assert_eq!((replay.problem(), end.dropped_bytes), (None, 0));
            prop_assert_eq!(replay.difference(studio.session.document()), None, "journal after {:?}", act);
        }
        while studio.session.redo().is_some() {}
        let last = State::of(&studio);
        let count = studio.session.undo_names().len();
        for step in (0..count).rev() {
            studio.session.undo().unwrap();
            let difference = states[step].as_ref().and_then(|then| State::of(&studio).difference(then));
            prop_assert_eq!(difference, None, "taken back to step {}", step);
        }
        prop_assert!(studio.session.undo().is_none());
        prop_assert_eq!(states[0].as_ref().and_then(|first| State::of(&studio).difference(first)), None);
        while studio.session.redo().is_some() {}
        prop_assert_eq!(State::of(&studio).difference(&last), None, "all made again");
        let [steps, acts_done] = counts.get();
        counts.set([steps + studio.session.undo_names().len(), acts_done + acts.len()]);
        for (id, count) in &studio.changes {
            *all.borrow_mut().entry(*id).or_default() += count;
        }
        Ok(())
    });
    let (all, [steps, acts]) = (all.into_inner(), counts.get());
    println!("sequences: 600 runs, {acts} acts, {steps} steps taken back and made again; changes by each: {all:?}");
    result.unwrap();
    let paints = |tool: &&ToolEntry| tool.paints;
    for id in OPERATIONS.iter().map(|operation| operation.id).chain(TOOLS.iter().filter(paints).map(|tool| tool.id)) {
        assert!(all.get(id).is_some_and(|count| *count > 0), "{id} never changed anything");
    }
}
