//! One test over the whole list: ids and keys, press-drag-release, abort, undo, redo, locked labels, finished slices.

mod body;
mod measuring;
mod outlines;
mod regions;
mod strokes;
mod touch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::session::{Command, Edit, PaintRules, Painter, SegmentationId, Session, SliceState, key};
use crate::volume::{
    Affine, Geometry, Label, LabelMap, LabelTable, Plane, PlaneLayout, Rescale, Volume, Voxels, Window,
};
use crate::work::Watch;

const SHAPE: [usize; 3] = [24, 20, 16];

fn session() -> (Session, SegmentationId) {
    let affine = Affine::from_columns([[-0.5, 0.0, 0.0], [0.0, 0.0, 1.5], [0.0, 1.0, 0.0]], [3.0, 2.0, 1.0]);
    let geometry = Geometry::new(SHAPE, affine).unwrap();
    let voxels = Voxels::I16(Arc::new((0..SHAPE.iter().product::<usize>()).map(|n| n as i16).collect()));
    let mut session = Session::default();
    let (_, of) = session.add_scan(Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "s".into())));
    (session, of)
}

fn labels(session: &Session, of: SegmentationId) -> LabelMap {
    session.document().segmentation(of).unwrap().labels().clone()
}

/// The middle slice of a plane; every value of the scan is in the display window.
fn slice<'a>(session: &'a Session, of: SegmentationId, plane: Plane, rules: &'a PaintRules) -> Slice<'a> {
    static OPTIONS: std::sync::OnceLock<ToolOptions> = std::sync::OnceLock::new();
    let layout = PlaneLayout::new(labels(session, of).geometry(), plane);
    let window = Window { level: 4000.0, width: 8000.0 };
    let (number, cursor) = (layout.size[2] / 2, SHAPE.map(|n| n / 2));
    let document = session.document();
    Slice {
        document,
        segmentation: of,
        plane,
        layout,
        number,
        cursor,
        frame: 0,
        window,
        value_span: 500.0,
        label: 3,
        options: OPTIONS.get_or_init(ToolOptions::default),
        rules,
        answers: touch::near(),
    }
}

fn at(kind: PointerKind, at: [f64; 2]) -> Pointer {
    Pointer { kind, at, is_alt: false, moved_points: [4.0, -3.0], mm_per_point: 0.2, pixels_per_point: [0.3, 0.2] }
}

/// A reply with what its errand answers.
fn done(reply: Reply) -> Reply {
    match reply.errand {
        Some(errand) => (errand.run)(Watch::unwatched()).unwrap(),
        None => reply,
    }
}

/// A gesture that every tool understands: up to three clicks, each with a drag around a corner, then Enter. The commands and looks that came
/// of it.
fn gesture(tool: &mut dyn Tool, slice: &Slice) -> (Vec<Command>, usize) {
    let (mut commands, mut looks) = (Vec::new(), 0);
    let mut take = |reply: Reply| {
        let reply = done(reply);
        looks += reply.look.len();
        commands.extend(reply.commands);
        !commands.is_empty()
    };
    let size = [slice.layout.size[0] as f64, slice.layout.size[1] as f64];
    for [x, y] in [[0.2, 0.2], [0.8, 0.3], [0.5, 0.8]] {
        let place = [x * size[0], y * size[1]];
        take(tool.pointer(slice, &at(PointerKind::Hover, place)));
        let mut is_over = take(tool.pointer(slice, &at(PointerKind::Press(Button::Primary), place)));
        for step in [[1.0, 0.0], [5.0, 1.0], [4.0, 5.0]] {
            let place = [place[0] + step[0], place[1] + step[1]];
            is_over |= take(tool.pointer(slice, &at(PointerKind::Drag(Button::Primary), place)));
        }
        let end = [place[0] + 4.0, place[1] + 5.0];
        is_over |= take(tool.pointer(slice, &at(PointerKind::Release(Button::Primary), end)));
        if is_over {
            return (commands, looks);
        }
    }
    take(tool.key(slice, ToolKey::Confirm));
    (commands, looks)
}

/// Presses, drags from point to point, and releases; with what the errands answer. The commands that came of it are applied.
fn drag(session: &mut Session, of: SegmentationId, tool: &mut dyn Tool, button: Button, way: Way) -> Vec<Reply> {
    let Way { plane, options, label, points } = way;
    let rules = PaintRules::default();
    let mut replies = Vec::new();
    {
        let slice = Slice { label, options, ..slice(session, of, plane, &rules) };
        let mut send = |kind, point: [f64; 2]| replies.push(done(tool.pointer(&slice, &at(kind, point))));
        send(PointerKind::Press(button), points[0]);
        points[1..].iter().for_each(|point| send(PointerKind::Drag(button), *point));
        send(PointerKind::Release(button), points[points.len() - 1]);
    }
    for command in replies.iter_mut().flat_map(|reply| std::mem::take(&mut reply.commands)) {
        session.apply(command).unwrap();
    }
    replies
}

/// Where a button is dragged, and what is chosen.
#[derive(Clone, Copy)]
struct Way<'a> {
    plane: Plane,
    options: &'a ToolOptions,
    label: u16,
    points: &'a [[f64; 2]],
}

/// How many measurements there are.
fn measured(session: &Session) -> usize {
    let document = session.document();
    document.scans().map(|(scan, _)| document.measurements(scan).iter().len()).sum()
}

/// The labelled voxels of a map.
fn labelled(labels: &LabelMap) -> BTreeMap<[usize; 3], u16> {
    let mut found = BTreeMap::new();
    labels.for_each_labelled(|voxel, label| {
        found.insert(voxel, label);
    });
    found
}

/// All voxels of the grid.
fn grid() -> impl Iterator<Item = [usize; 3]> {
    (0..SHAPE.iter().product()).map(|n: usize| [n % SHAPE[0], n / SHAPE[0] % SHAPE[1], n / (SHAPE[0] * SHAPE[1])])
}

#[test]
fn ids_names_and_keys_are_unique() {
    for of in [|e: &ToolEntry| e.id, |e: &ToolEntry| e.name, |e: &ToolEntry| e.key, |e: &ToolEntry| e.icon] {
        assert_eq!(TOOLS.iter().map(of).collect::<BTreeSet<_>>().len(), TOOLS.len());
    }
    assert!(TOOLS.iter().all(|entry| find(entry.id).is_some_and(|found| found.name == entry.name)));
}

#[test]
fn an_option_is_one_thing_and_its_first_value_is_one_of_its_own() {
    let mut known: BTreeMap<&str, ToolOption> = BTreeMap::new();
    for option in all_options() {
        assert_eq!(*known.entry(option.id).or_insert(option), option, "two options are called {}", option.id);
        assert_eq!(option.fitted(option.default()), Some(option.default()), "{}", option.id);
        assert!(!option.name.is_empty() && !option.hint.is_empty(), "{}", option.id);
        let mut options = ToolOptions::default();
        options.set(&option, option.default());
        assert_eq!(options.get(&option), option.default(), "{}", option.id);
    }
    assert!(known.contains_key("brush.size"));
}

#[test]
fn every_tool_answers_a_gesture_with_one_step_that_can_be_undone_and_redone() {
    for entry in TOOLS {
        for plane in Plane::ALL {
            let ((mut session, of), rules) = (session(), PaintRules::default());
            // There is something to erase.
            let mut painter = Painter::new(session.document(), of, &rules).unwrap();
            painter.fill(&grid().collect::<Vec<_>>(), 9);
            session.apply(Command::by_hand("Begin", vec![Edit::Labels(painter.finish())])).unwrap();
            let before = labels(&session, of);
            let (commands, looks) = gesture(&mut *(entry.make)(), &slice(&session, of, plane, &rules));
            assert!(commands.len() + looks > 0, "{} does nothing", entry.id);
            assert!(commands.len() <= 1, "{} makes several steps of one gesture", entry.id);
            for command in commands {
                session.apply(command).unwrap();
                if measured(&session) > 0 {
                    assert!(labels(&session, of).same_labels(&before), "{} measures and paints", entry.id);
                    assert!(session.undo().is_some() && measured(&session) == 0, "{}", entry.id);
                    assert!(session.redo().is_some() && measured(&session) == 1, "{}", entry.id);
                    continue;
                }
                let after = labels(&session, of);
                assert!(!after.same_labels(&before), "{}", entry.id);
                let table = session.document().segmentation(of).unwrap().table();
                assert_eq!(table.get(3).is_some(), after.counts().contains_key(&3), "a painted label has an entry");
                session.undo().unwrap();
                assert!(labels(&session, of).same_labels(&before), "{}", entry.id);
                session.redo().unwrap();
                assert!(labels(&session, of).same_labels(&after), "{}", entry.id);
            }
        }
    }
}

#[test]
fn what_a_tool_is_in_the_middle_of_is_aborted_without_a_trace() {
    for entry in TOOLS {
        let ((session, of), rules) = (session(), PaintRules::default());
        let slice = slice(&session, of, Plane::Coronal, &rules);
        let mut tool = (entry.make)();
        tool.pointer(&slice, &at(PointerKind::Press(Button::Primary), [5.0, 5.0]));
        tool.pointer(&slice, &at(PointerKind::Drag(Button::Primary), [9.0, 5.0]));
        let was_busy = tool.is_busy();
        assert_eq!(tool.abort(), was_busy, "{}", entry.id);
        assert!(
            !tool.is_busy() && tool.labels().is_none() && tool.outline().is_none() && tool.drafted().is_none(),
            "{}",
            entry.id
        );
        // The button is still held: what was dropped does not begin again.
        tool.pointer(&slice, &at(PointerKind::Drag(Button::Primary), [9.0, 6.0]));
        assert!(!tool.is_busy() && tool.labels().is_none(), "{}", entry.id);
        let reply = tool.pointer(&slice, &at(PointerKind::Release(Button::Primary), [9.0, 6.0]));
        assert!(reply.commands.is_empty(), "{}", entry.id);
    }
}

#[test]
fn an_outline_that_may_not_be_filled_stays_until_it_may() {
    let ((mut session, of), rules) = (session(), PaintRules::default());
    let set_lock = |session: &mut Session, locked| {
        let table = LabelTable(vec![Label { locked, ..Label::new(3, "Kept") }]);
        session.apply(Command::by_hand("Lock", vec![Edit::Table(of, table)])).unwrap();
    };
    set_lock(&mut session, true);
    let mut tool = (find("polygon").unwrap().make)();
    let (commands, _) = gesture(&mut *tool, &slice(&session, of, Plane::Axial, &rules));
    assert!(commands.is_empty() && tool.outline().is_some_and(|outline| outline.points.len() == 3));
    set_lock(&mut session, false);
    let reply = tool.key(&slice(&session, of, Plane::Axial, &rules), ToolKey::Confirm);
    assert!(reply.commands.len() == 1 && tool.outline().is_none());
}

#[test]
fn no_tool_changes_a_locked_label_or_a_finished_slice_of_any_plane() {
    let mut changed = BTreeSet::new();
    for entry in TOOLS {
        for plane in Plane::ALL {
            for erases in [false, true] {
                let ((mut session, of), rules) = (session(), PaintRules::default());
                // Label 7, locked, lies in half of the grid; label 1 in the rest where the tool erases.
                let mut painter = Painter::new(session.document(), of, &rules).unwrap();
                for n in 0..SHAPE.iter().product::<usize>() {
                    let voxel = [n % SHAPE[0], n / SHAPE[0] % SHAPE[1], n / (SHAPE[0] * SHAPE[1])];
                    let label = if (voxel[0] + voxel[1] + voxel[2]).is_multiple_of(2) { 7 } else { u16::from(erases) };
                    painter.fill(&[voxel], label);
                }
                let table = LabelTable(vec![Label::new(1, "One"), Label { locked: true, ..Label::new(7, "Kept") }]);
                let done = Plane::ALL.map(|plane| {
                    let layout = PlaneLayout::new(painter.labels().geometry(), plane);
                    (key(plane, layout.size[2] / 2 + usize::from(plane == Plane::Axial)), SliceState::Done)
                });
                let edits =
                    vec![Edit::Labels(painter.finish()), Edit::Table(of, table), Edit::States(of, done.to_vec())];
                session.apply(Command::by_hand("Begin", edits)).unwrap();
                let before = labels(&session, of);
                let mut slice = slice(&session, of, plane, &rules);
                slice.label = if erases { 0 } else { 3 };
                let (commands, _) = gesture(&mut *(entry.make)(), &slice);
                for command in commands {
                    session.apply(command).unwrap();
                }
                let after = labels(&session, of);
                let slices = Plane::ALL.map(|plane| {
                    let layout = PlaneLayout::new(after.geometry(), plane);
                    let done = layout.size[2] / 2 + usize::from(plane == Plane::Axial);
                    (layout, done)
                });
                if !after.same_labels(&before) {
                    changed.insert(entry.id);
                }
                after.clone().take_from(&before, |voxel, new, old| {
                    let is_done = slices.iter().any(|(layout, slice)| layout.screen(voxel)[2] == *slice);
                    assert!(old != 7 && new != 7 && !is_done, "{} in {plane:?} at {voxel:?}", entry.id);
                    false
                });
            }
        }
    }
    let painters: BTreeSet<&str> = TOOLS.iter().filter(|entry| entry.paints).map(|entry| entry.id).collect();
    assert_eq!(changed, painters, "who paints, painted beside what is kept");
}
