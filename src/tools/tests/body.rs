//! Scissors in the 3-D tile.

use super::*;
use crate::volume::Region;

/// Labels 1 and 2 in halves along i, 5 in a plate between them.
fn halves() -> (Session, SegmentationId) {
    let (mut session, of) = session();
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    let all = (0..SHAPE.iter().product()).map(|n| [n % SHAPE[0], n / SHAPE[0] % SHAPE[1], n / SHAPE[0] / SHAPE[1]]);
    for voxel in all {
        let label = match voxel[0] {
            0..=10 => 1,
            11..=12 => 5,
            _ => 2,
        };
        painter.fill(&[voxel], label);
    }
    let table = LabelTable(vec![Label::new(1, "a"), Label::new(2, "b"), Label::new(5, "c")]);
    let edits = vec![Edit::Labels(painter.finish()), Edit::Table(of, table)];
    session.apply(Command::by_hand("halves", edits)).unwrap();
    (session, of)
}

/// A cut seen along k from far away: i to the right over 24 voxels, j up over 20.
fn cut(labels: Vec<u16>, is_outside: bool) -> BodyCut {
    let [x, y] = [2.0 / SHAPE[0] as f64, 2.0 / SHAPE[1] as f64];
    BodyCut {
        picture_from_voxel: [[x, 0.0, 0.0, 0.5 * x - 1.0], [0.0, y, 0.0, 0.5 * y - 1.0], [0.0, 0.0, 0.0, 1.0]],
        aspect: 1.2,
        // Around the voxels with i from 6 to 17 and j from 5 to 14.
        outline: vec![[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]],
        is_outside,
        kept: Region { start: [0, 0, 4], end: [24, 20, 12] },
        labels,
    }
}

fn run(session: &mut Session, of: SegmentationId, cut: BodyCut, rules: &PaintRules) -> Reply {
    let errand = cut.errand(session.document(), of, rules).unwrap();
    let mut reply = (errand.run)(Watch::unwatched()).unwrap();
    for command in std::mem::take(&mut reply.commands) {
        session.apply(command).unwrap();
    }
    reply
}

#[test]
fn what_the_outline_shows_goes_in_one_step_and_nothing_else() {
    for (list, is_outside) in [(vec![1, 2], false), (vec![1], false), (vec![2, 5], true)] {
        let (mut session, of) = halves();
        let before = labels(&session, of);
        let reply = run(&mut session, of, cut(list.clone(), is_outside), &PaintRules::default());
        assert!(reply.refusal.is_none());
        let after = labels(&session, of);
        for (voxel, label) in labelled(&before) {
            let is_inside = (6..18).contains(&voxel[0]) && (5..15).contains(&voxel[1]);
            let goes = list.contains(&label) && is_inside != is_outside && (4..12).contains(&voxel[2]);
            assert_eq!(after.get(voxel), if goes { 0 } else { label }, "{list:?} {is_outside} at {voxel:?}");
        }
        assert_eq!(session.undo_names().next(), Some("Scissors in 3-D"));
        session.undo().unwrap();
        assert!(labels(&session, of).same_labels(&before), "one step");
    }
}

#[test]
fn what_is_protected_stays_and_is_told() {
    let (mut session, of) = halves();
    let mut table = session.document().segmentation(of).unwrap().table().clone();
    table.get_mut(2).unwrap().locked = true;
    session.apply(Command::by_hand("lock", vec![Edit::Table(of, table)])).unwrap();
    let reply = run(&mut session, of, cut(vec![1, 2], false), &PaintRules::default());
    let after = labels(&session, of);
    assert!(reply.refusal.is_some());
    assert_eq!((after.get([8, 10, 8]), after.get([15, 10, 8])), (0, 2));
    // What lies behind the viewer is not in the picture.
    let (mut session, of) = halves();
    let mut behind = cut(vec![1, 2], false);
    behind.picture_from_voxel[2] = [0.0, 0.0, 0.0, -1.0];
    run(&mut session, of, behind, &PaintRules::default());
    assert_eq!(session.undo_names().len(), 1, "nothing was cut");
}
