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

use std::collections::BTreeSet;
use std::sync::Arc;

use lamella::jobs::{EraseLabelJob, JoinJob, Names, run_here};
use lamella::session::{Command, DrawOver, Edit, PaintRules, Painter, SegmentationId, Session, SliceState, key};
use lamella::tools::{
    self, Button, OptionKind, OptionValue, Pointer, PointerKind, Reply, Slice, Tool, ToolKey, ToolOptions,
};
use lamella::volume::{
    Affine, Geometry, Label, LabelMap, LabelTable, LabelValue, Plane, PlaneLayout, Rescale, Volume, Voxels, Window,
};
use lamella::work::{Signal, Watch};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A grid in another storage order than the patient's, larger than a brick along one axis.
const SHAPE: [usize; 3] = [37, 12, 9];

fn voxel_of(n: usize) -> [usize; 3] {
    [n % SHAPE[0], n / SHAPE[0] % SHAPE[1], n / (SHAPE[0] * SHAPE[1])]
}

fn geometry() -> Geometry {
    let affine = Affine::from_columns([[0.0, 0.0, 1.0], [-2.0, 0.0, 0.0], [0.0, 1.5, 0.0]], [5.0, -3.0, 2.0]);
    Geometry::new(SHAPE, affine).unwrap()
}

fn session() -> (Session, SegmentationId) {
    let count = SHAPE.iter().product::<usize>();
    let voxels = Voxels::I16(Arc::new((0..count).map(|n| (n % 100) as i16).collect()));
    let mut session = Session::default();
    let volume = Volume::new(geometry(), voxels, vec![], Rescale::IDENTITY, "scan".into());
    let (_, of) = session.add_scan(Arc::new(volume));
    (session, of)
}

/// Someone who changes labels, a lock, or what is finished.
#[derive(Debug, Clone)]
enum Act {
    /// A tool of the list, in a plane, on a slice, with corners as shares of the slice.
    Tool {
        tool: usize,
        plane: usize,
        slice: f64,
        corners: Vec<[f64; 2]>,
        label: LabelValue,
        erases: bool,
    },
    /// A whole segmentation that comes in: a network's, a refined one, an opened mask.
    Arrival {
        seed: u64,
        names: bool,
    },
    /// The classifier's: labels of the document.
    Pixels {
        seed: u64,
        known: [LabelValue; 2],
    },
    /// A label is deleted.
    Erase(LabelValue),
    /// A label is locked, or not any more.
    Lock(LabelValue),
    /// A label is hidden, or not any more.
    Hide(LabelValue),
    /// A slice is finished, or not any more.
    Finish {
        plane: usize,
        slice: f64,
    },
    /// What may be painted over.
    Over(u8),
    Undo,
    Redo,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let share = 0.0f64..1.0;
    let corners = prop::collection::vec([0.0f64..1.0, 0.0f64..1.0], 3..6);
    let tool = (0..tools::TOOLS.len(), 0usize..3, share.clone(), corners, 1u16..5, any::<bool>()).prop_map(
        |(tool, plane, slice, corners, label, erases)| Act::Tool { tool, plane, slice, corners, label, erases },
    );
    prop::collection::vec(
        prop_oneof![
            6 => tool,
            2 => (any::<u64>(), any::<bool>()).prop_map(|(seed, names)| Act::Arrival { seed, names }),
            1 => (any::<u64>(), [1u16..5, 1u16..5]).prop_map(|(seed, known)| Act::Pixels { seed, known }),
            1 => (1u16..5).prop_map(Act::Erase),
            2 => (1u16..5).prop_map(Act::Lock),
            1 => (1u16..5).prop_map(Act::Hide),
            3 => (0usize..3, share).prop_map(|(plane, slice)| Act::Finish { plane, slice }),
            1 => (0u8..4).prop_map(Act::Over),
            3 => Just(Act::Undo),
            2 => Just(Act::Redo),
        ],
        4..30,
    )
}

/// A label for every voxel, by chance, in runs.
fn by_chance(seed: u64) -> LabelMap {
    LabelMap::from_fn(geometry(), |voxel| {
        let n = (voxel[0] / 5 + 7 * voxel[1] + 31 * (voxel[2] / 2)) as u64;
        let mixed = (n ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 59;
        if mixed < 4 { mixed as LabelValue + 1 } else { 0 }
    })
}

struct Studio {
    session: Session,
    of: SegmentationId,
    rules: PaintRules,
}

impl Studio {
    fn labels(&self) -> LabelMap {
        self.session.document().segmentation(self.of).unwrap().labels().clone()
    }

    fn table(&self) -> LabelTable {
        self.session.document().segmentation(self.of).unwrap().table().clone()
    }

    fn gesture(&mut self, act: &Act) -> Vec<Command> {
        let Act::Tool { tool, plane, slice, corners, label, erases } = act else { return Vec::new() };
        let plane = Plane::ALL[*plane];
        let layout = PlaneLayout::new(self.labels().geometry(), plane);
        let number = (slice * layout.size[2] as f64) as usize;
        let mut options = ToolOptions::default();
        // Every choice of every option has its turn.
        for (n, option) in tools::all_options().into_iter().enumerate() {
            if let OptionKind::Choice(choices) = option.kind {
                options
                    .set(&option, OptionValue::Choice(choices[(number + n + usize::from(*label)) % choices.len()].id));
            }
        }
        let slice = Slice {
            document: self.session.document(),
            segmentation: self.of,
            plane,
            layout,
            number,
            cursor: layout.voxel([0, 0, number]),
            frame: 0,
            window: Window { level: 50.0, width: 60.0 },
            value_span: 100.0,
            label: *label,
            options: &options,
            rules: &self.rules,
        };
        let mut tool: Box<dyn Tool> = (tools::TOOLS[*tool].make)();
        let button = if *erases { Button::Secondary } else { Button::Primary };
        let mut commands = Vec::new();
        let mut take = |reply: Reply| {
            let errand = reply.errand.map(|errand| (errand.run)(Watch::unwatched()).unwrap());
            commands.extend(reply.commands.into_iter().chain(errand.into_iter().flat_map(|reply| reply.commands)));
        };
        let event = |kind, at: &[f64; 2]| Pointer {
            kind,
            at: [at[0] * layout.size[0] as f64, at[1] * layout.size[1] as f64],
            is_alt: false,
            moved_points: [1.0, 1.0],
            mm_per_point: 0.1,
            pixels_per_point: [0.01, 0.01],
        };
        take(tool.pointer(&slice, &event(PointerKind::Press(button), &corners[0])));
        for corner in &corners[1..] {
            take(tool.pointer(&slice, &event(PointerKind::Drag(button), corner)));
        }
        take(tool.pointer(&slice, &event(PointerKind::Release(button), &corners[corners.len() - 1])));
        for corner in corners {
            // For tools that take corner by corner; the others make short strokes of it.
            take(tool.pointer(&slice, &event(PointerKind::Press(Button::Primary), corner)));
            take(tool.pointer(&slice, &event(PointerKind::Release(Button::Primary), corner)));
        }
        take(tool.key(&slice, if *erases { ToolKey::ConfirmErasing } else { ToolKey::Confirm }));
        commands
    }

    fn join(&mut self, incoming: LabelMap, names: Names) {
        let painter = Painter::new(self.session.document(), self.of, &self.rules).unwrap();
        let job = JoinJob { painter, incoming, names, corrected: Vec::new() };
        let joined = run_here(job, &Signal::default(), &|_| {}).unwrap();
        let edits = vec![Edit::Labels(joined.painted), Edit::Table(self.of, joined.join.table)];
        self.session.apply(Command::by_hand("Join", edits)).unwrap();
    }

    fn set_table(&mut self, change: impl FnOnce(&mut LabelTable)) {
        let mut table = self.table();
        change(&mut table);
        self.session.apply(Command::by_hand("Table", vec![Edit::Table(self.of, table)])).unwrap();
    }

    /// Does it. Whether it is an undo or a redo.
    fn act(&mut self, act: &Act) -> bool {
        match act {
            Act::Tool { .. } => {
                for command in self.gesture(act) {
                    // A second command of one gesture was made on labels that the first one changed.
                    let _ = self.session.apply(command);
                }
            }
            Act::Arrival { seed, names } => {
                let names = if *names { vec![Label::new(1, "Liver"), Label::new(3, "Spleen")] } else { Vec::new() };
                self.join(by_chance(*seed), Names::Own(LabelTable(names)));
            }
            Act::Pixels { seed, known } => self.join(by_chance(*seed), Names::Documents(known.to_vec())),
            Act::Erase(label) => {
                let painter = Painter::new(self.session.document(), self.of, &PaintRules::default()).unwrap();
                let erased = run_here(EraseLabelJob { painter, value: *label }, &Signal::default(), &|_| {}).unwrap();
                self.session.apply(Command::by_hand("Delete", vec![Edit::Labels(erased.painted)])).unwrap();
            }
            Act::Lock(value) => self.set_table(|table| {
                table.cover([*value]);
                table.get_mut(*value).into_iter().for_each(|label| label.locked = !label.locked);
            }),
            Act::Hide(value) => self.set_table(|table| {
                table.cover([*value]);
                table.get_mut(*value).into_iter().for_each(|label| label.visible = !label.visible);
            }),
            Act::Finish { plane, slice } => {
                let plane = Plane::ALL[*plane];
                let count = PlaneLayout::new(self.labels().geometry(), plane).size[2];
                let slice = (slice * count as f64) as usize;
                let segmentation = self.session.document().segmentation(self.of).unwrap();
                let is_done = segmentation.state(plane, slice) == SliceState::Done;
                let state = if is_done { SliceState::Corrected } else { SliceState::Done };
                let edits = vec![Edit::States(self.of, vec![(key(plane, slice), state)])];
                self.session.apply(Command::by_hand("Finish", edits)).unwrap();
            }
            Act::Over(over) => {
                self.rules.over = match over {
                    0 => DrawOver::Everything,
                    1 => DrawOver::Background,
                    2 => DrawOver::Label(2),
                    _ => DrawOver::Visible,
                }
            }
            Act::Undo => drop(self.session.undo()),
            Act::Redo => drop(self.session.redo()),
        }
        matches!(act, Act::Undo | Act::Redo)
    }
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
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[24; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let seen = std::cell::Cell::new([0usize; 3]);
    let result = runner.run(&acts(), |acts| {
        let (session, of) = session();
        let mut studio = Studio { session, of, rules: PaintRules::default() };
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
        // Everything can be taken back, and made again.
        while studio.session.redo().is_some() {}
        let end = studio.labels();
        while studio.session.undo().is_some() {}
        prop_assert!(studio.labels().counts().is_empty());
        while studio.session.redo().is_some() {}
        prop_assert!(studio.labels().same_labels(&end));
        Ok(())
    });
    let [changed, locked, finished] = seen.get();
    println!(
        "law: 300 runs, {changed} voxels changed, {locked} locked labels and {finished} finished slices were respected"
    );
    assert!(changed > 10_000 && locked > 300 && finished > 300);
    result.unwrap();
}
