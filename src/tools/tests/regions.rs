//! Flood fill, scissors, level tracing, pick label.

use super::*;

/// A session with label 5 in a box that a wall of label 6 parts.
fn parted() -> (Session, SegmentationId) {
    let (mut session, of) = session();
    let rules = PaintRules::default();
    let mut painter = Painter::new(session.document(), of, &rules).unwrap();
    let inside = |v: &[usize; 3]| (4..20).contains(&v[0]) && (3..17).contains(&v[1]) && (2..14).contains(&v[2]);
    let all: Vec<_> = grid().filter(inside).collect();
    painter.fill(&all, 5);
    painter.fill(&all.iter().copied().filter(|v| v[1] == 9).collect::<Vec<_>>(), 6);
    session.apply(Command::by_hand("Begin", vec![Edit::Labels(painter.finish())])).unwrap();
    (session, of)
}

fn choose(choices: &[(&str, &'static str)]) -> ToolOptions {
    let mut options = ToolOptions::default();
    for (id, choice) in choices {
        let option = all_options().into_iter().find(|option| option.id == *id).unwrap();
        options.set(&option, OptionValue::Choice(choice));
        assert_eq!(options.choice(&option), *choice);
    }
    options
}

/// The middle of a voxel on the screen of a plane.
fn point(session: &Session, of: SegmentationId, plane: Plane, voxel: [usize; 3]) -> [f64; 2] {
    let layout = PlaneLayout::new(labels(session, of).geometry(), plane);
    let at = layout.screen(voxel);
    assert_eq!(at[2], layout.size[2] / 2, "in the middle slice");
    [at[0] as f64 + 0.5, at[1] as f64 + 0.5]
}

/// The slices of a plane that are marked as corrected.
fn corrected(session: &Session, of: SegmentationId, plane: Plane) -> BTreeSet<usize> {
    let segmentation = session.document().segmentation(of).unwrap();
    let count = PlaneLayout::new(segmentation.labels().geometry(), plane).size[2];
    (0..count).filter(|slice| segmentation.state(plane, *slice) == SliceState::Corrected).collect()
}

fn voxels_of(session: &Session, of: SegmentationId, label: u16) -> BTreeSet<[usize; 3]> {
    labelled(&labels(session, of)).into_iter().filter(|(_, own)| *own == label).map(|(voxel, _)| voxel).collect()
}

#[test]
fn a_flood_fills_one_side_of_a_wall_in_a_slice_or_in_the_volume() {
    for (plane, seed) in [(Plane::Axial, [6, 10, 8]), (Plane::Coronal, [6, 5, 8]), (Plane::Sagittal, [11, 5, 6])] {
        for reach in ["slice", "volume"] {
            let (mut session, of) = parted();
            let layout = PlaneLayout::new(labels(&session, of).geometry(), plane);
            let options = choose(&[("flood-fill.reach", reach)]);
            let points = [point(&session, of, plane, seed)];
            let way = Way { plane, options: &options, label: 3, points: &points };
            drag(&mut session, of, &mut *(find("flood-fill").unwrap().make)(), Button::Primary, way);
            let is_on_side = |v: &[usize; 3]| (v[1] < 9) == (seed[1] < 9);
            let in_reach = |v: &[usize; 3]| reach == "volume" || layout.screen(*v)[2] == layout.size[2] / 2;
            let expected: BTreeSet<_> =
                voxels_of(&parted().0, of, 5).into_iter().filter(|v| is_on_side(v) && in_reach(v)).collect();
            assert_eq!(voxels_of(&session, of, 3), expected, "{plane:?} {reach}");
            let changed: BTreeSet<usize> = expected.iter().map(|voxel| layout.screen(*voxel)[2]).collect();
            assert!(changed.len() > 1 || reach == "slice");
            assert_eq!(corrected(&session, of, plane), changed, "{plane:?} {reach}");
            // The right button takes the region away again; there is nothing to take a second time.
            drag(&mut session, of, &mut *(find("flood-fill").unwrap().make)(), Button::Secondary, way);
            assert!(voxels_of(&session, of, 3).is_empty());
            let again = drag(&mut session, of, &mut *(find("flood-fill").unwrap().make)(), Button::Secondary, way);
            assert!(again.iter().any(|reply| matches!(reply.refusal, Some(Refusal::Other(_)))));
        }
    }
}

#[test]
fn a_flood_of_similar_values_is_as_wide_as_its_tolerance() {
    let (mut session, of) = session();
    let mut options = choose(&[("flood-fill.region", "values"), ("flood-fill.reach", "volume")]);
    let tolerance = all_options().into_iter().find(|option| option.id == "tolerance").unwrap();
    // 1 % of 8000: values grow by 1 along the first axis, by 24 and by 480 along the others.
    options.set(&tolerance, OptionValue::Number(1.0));
    let points = [point(&session, of, Plane::Axial, [12, 10, 8])];
    let way = Way { plane: Plane::Axial, options: &options, label: 3, points: &points };
    drag(&mut session, of, &mut *(find("flood-fill").unwrap().make)(), Button::Primary, way);
    let value = |v: [usize; 3]| (v[0] + 24 * v[1] + 480 * v[2]) as i64;
    let expected: BTreeSet<_> = grid().filter(|v| (value(*v) - value([12, 10, 8])).abs() <= 80 && v[2] == 8).collect();
    assert!(expected.len() > 100);
    assert_eq!(voxels_of(&session, of, 3), expected, "slices are 480 apart");
}

#[test]
fn the_range_of_a_flood_is_dragged_with_a_preview_and_nothing_is_filled_before_the_release() {
    let (mut session, of) = session();
    let mut options = choose(&[("flood-fill.region", "values")]);
    let tolerance = all_options().into_iter().find(|option| option.id == "tolerance").unwrap();
    options.set(&tolerance, OptionValue::Number(2.0));
    let rules = PaintRules::default();
    let place = point(&session, of, Plane::Axial, [12, 10, 8]);
    let commands = {
        let own = Slice { options: &options, ..slice(&session, of, Plane::Axial, &rules) };
        let mut tool = (find("flood-fill").unwrap().make)();
        let dragged = |kind, down: f32| Pointer { moved_points: [0.0, down], ..at(kind, place) };
        tool.pointer(&own, &at(PointerKind::Press(Button::Primary), place));
        let still = tool.pointer(&own, &dragged(PointerKind::Drag(Button::Primary), -3.0));
        assert!(still.options.is_empty() && tool.labels().is_none(), "a hand is not quite still");
        let mut percent = 2.0;
        for (down, factor) in [(-97.0, 1.0f64.exp()), (200.0, (-1.0f64).exp()), (-169.314_71, 2.0)] {
            let reply = tool.pointer(&own, &dragged(PointerKind::Drag(Button::Primary), down));
            let [(option, OptionValue::Number(now))] = reply.options[..] else { panic!("{:?}", reply.options) };
            percent = (2.0 * factor).clamp(1.0, 100.0);
            assert!(option.id == "tolerance" && (now - percent).abs() < 1e-3, "{now} is not {percent}");
            let value = |v: &[usize; 3]| (v[0] + 24 * v[1] + 480 * v[2]) as f64;
            let is_in = |v: &[usize; 3]| v[1] == 10 && (value(v) - value(&[12, 10, 8])).abs() <= now / 100.0 * 8000.0;
            let (_, shown) = tool.labels().unwrap();
            assert_eq!(labelled(shown).into_keys().collect::<BTreeSet<_>>(), grid().filter(is_in).collect());
        }
        assert!((percent - 4.0).abs() < 1e-9);
        let reply = tool.pointer(&own, &at(PointerKind::Release(Button::Primary), place));
        assert!(!tool.is_busy() && tool.labels().is_none());
        reply.commands
    };
    assert!(labelled(&labels(&session, of)).is_empty(), "a preview changes nothing");
    for command in commands {
        session.apply(command).unwrap();
    }
    assert!(voxels_of(&session, of, 3).len() > 10);
}

#[test]
fn scissors_cut_through_the_volume_or_a_number_of_millimetres() {
    for plane in Plane::ALL {
        for (cut, limit) in [("erase-inside", None), ("erase-outside", None), ("fill-inside", Some(2.0))] {
            let (mut session, of) = parted();
            let before = labels(&session, of);
            let layout = PlaneLayout::new(before.geometry(), plane);
            let mut options = choose(&[("scissors.cut", cut)]);
            if let Some(mm) = limit {
                options = choose(&[("scissors.cut", cut), ("scissors.depth", "limited")]);
                let limit = all_options().into_iter().find(|option| option.id == "scissors.limit").unwrap();
                options.set(&limit, OptionValue::Number(mm));
            }
            let points = [[3.0, 3.0], [9.0, 3.0], [9.0, 11.0], [3.0, 11.0]];
            let way = Way { plane, options: &options, label: 3, points: &points };
            drag(&mut session, of, &mut *(find("scissors").unwrap().make)(), Button::Primary, way);
            let after = labels(&session, of);
            let depth = before.geometry().spacing_mm()[layout.axes[2]];
            for voxel in grid() {
                let [column, row, number] = layout.screen(voxel);
                let is_inside = (3..9).contains(&column) && (3..11).contains(&row);
                let away_mm = number.abs_diff(layout.size[2] / 2) as f64 * depth;
                let expected = match cut {
                    "erase-inside" if is_inside => 0,
                    "erase-outside" if !is_inside => 0,
                    "fill-inside" if is_inside && limit.is_none_or(|mm| away_mm <= mm) => 3,
                    _ => before.get(voxel),
                };
                assert_eq!(after.get(voxel), expected, "{cut} in {plane:?} at {voxel:?}");
            }
            let changed = grid().filter(|voxel| after.get(*voxel) != before.get(*voxel));
            let changed: BTreeSet<usize> = changed.map(|voxel| layout.screen(voxel)[2]).collect();
            assert_eq!(corrected(&session, of, plane), changed, "{cut} in {plane:?}");
            session.undo().unwrap();
            assert!(labels(&session, of).same_labels(&before), "one step");
        }
    }
}

#[test]
fn a_label_is_picked_from_under_the_pointer() {
    let (session, of) = parted();
    let rules = PaintRules::default();
    let own = slice(&session, of, Plane::Coronal, &rules);
    let mut tool = (find("pick-label").unwrap().make)();
    let mut click = |voxel| {
        let place = point(&session, of, Plane::Coronal, voxel);
        tool.pointer(&own, &at(PointerKind::Press(Button::Primary), place))
    };
    assert_eq!(click([6, 9, 8]).look, [Look::Label(6)]);
    assert_eq!(click([6, 8, 8]).look, [Look::Label(5)]);
    let nothing = click([0, 0, 8]);
    assert!(nothing.look.is_empty() && nothing.refusal.is_some());
}

#[test]
fn level_tracing_shows_the_line_and_a_click_fills_it() {
    // A bright hill in the middle of every slice: the value falls with the distance, in steps of 10.
    let geometry = Geometry::new([21, 17, 3], Affine::IDENTITY).unwrap();
    let height = |i: usize, j: usize| 300 - 10 * (i.abs_diff(10).max(j.abs_diff(8)) as i16);
    let voxels = Voxels::I16(Arc::new((0..21 * 17 * 3).map(|n| height(n % 21, n / 21 % 17)).collect()));
    let mut session = Session::default();
    let (_, of) = session.add_scan(Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "s".into())));
    let rules = PaintRules::default();
    let layout = PlaneLayout::new(labels(&session, of).geometry(), Plane::Axial);
    for (side, inside) in [("brighter", 4usize), ("darker", 8)] {
        let options = choose(&[("level-tracing.side", side)]);
        let seed = layout.screen([14, 8, 1]);
        let place = [seed[0] as f64 + 0.5, seed[1] as f64 + 0.5];
        let commands = {
            let own = Slice { layout, number: 1, options: &options, ..slice(&session, of, Plane::Axial, &rules) };
            let mut tool = (find("level-tracing").unwrap().make)();
            assert!(tool.follows_pointer());
            tool.pointer(&own, &at(PointerKind::Hover, place));
            let shown = tool.outline().unwrap().points.clone();
            assert!(!tool.is_busy());
            if side == "brighter" {
                // A square of 9 x 9 pixels around the top.
                let top = layout.screen([10, 8, 1]);
                let [xs, ys] = [0, 1].map(|axis| {
                    let all = shown.iter().map(move |point| point[axis] as usize);
                    [all.clone().min().unwrap(), all.max().unwrap()]
                });
                assert_eq!((xs, ys), ([top[0] - 4, top[0] + 5], [top[1] - 4, top[1] + 5]));
            }
            let reply = tool.pointer(&own, &at(PointerKind::Press(Button::Primary), place));
            assert!(tool.outline().is_none());
            reply.commands
        };
        for command in commands {
            session.apply(command).unwrap();
        }
        let all = (0..21usize).flat_map(|i| (0..17usize).map(move |j| [i, j, 1]));
        // The darker side encloses the top, too: what a line encloses is filled.
        let is_in = |v: &[usize; 3]| v[0].abs_diff(10).max(v[1].abs_diff(8)) <= inside || side == "darker";
        assert_eq!(voxels_of(&session, of, 3), all.filter(is_in).collect(), "{side}");
        session.undo().unwrap();
    }
}
