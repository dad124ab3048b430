//! Lasso and live wire.

use super::*;

#[test]
fn a_lasso_fills_what_it_encloses_in_its_slice_and_the_right_button_erases_it() {
    for plane in Plane::ALL {
        let (mut session, of) = session();
        let layout = PlaneLayout::new(labels(&session, of).geometry(), plane);
        let options = ToolOptions::default();
        // A right triangle: a pixel is inside where its centre is below the diagonal.
        let points = [[1.0, 1.0], [1.0, 11.0], [11.0, 11.0]];
        let way = Way { plane, options: &options, label: 3, points: &points };
        let mut tool = (find("lasso").unwrap().make)();
        drag(&mut session, of, &mut *tool, Button::Primary, way);
        let is_inside = |v: &[usize; 3]| {
            let [column, row, number] = layout.screen(*v);
            number == layout.size[2] / 2 && column >= 1 && row < 11 && column < row
        };
        let triangle: BTreeMap<_, _> = grid().filter(is_inside).map(|voxel| (voxel, 3)).collect();
        let found = labelled(&labels(&session, of));
        // Centres on the diagonal belong to one of its sides.
        let on_diagonal = |v: &[usize; 3]| layout.screen(*v)[0] == layout.screen(*v)[1];
        let off: BTreeMap<_, _> = found.iter().filter(|(v, _)| !on_diagonal(v)).map(|(v, l)| (*v, *l)).collect();
        assert_eq!(off, triangle, "{plane:?}");
        drag(&mut session, of, &mut *tool, Button::Secondary, way);
        assert!(labelled(&labels(&session, of)).is_empty(), "{plane:?}");
        let click = drag(&mut session, of, &mut *tool, Button::Primary, Way { points: &points[..1], ..way });
        assert!(click.iter().any(|reply| matches!(reply.refusal, Some(Refusal::Other(_)))), "a click encloses nothing");
    }
}

#[test]
fn a_live_wire_finds_the_edge_of_a_disc_from_four_points() {
    let shape = [64, 64, 3];
    let geometry = Geometry::new(shape, Affine::IDENTITY).unwrap();
    let is_disc = |n: usize| ((n % 64) as f64 - 31.0).hypot((n / 64 % 64) as f64 - 30.0) <= 18.0;
    let value = |n: usize| {
        let noise = (n.wrapping_mul(2_654_435_761) >> 11) % 30;
        noise as i16 + if is_disc(n) { 200 } else { 60 }
    };
    let count = shape.iter().product();
    let voxels = Voxels::I16(Arc::new((0..count).map(value).collect()));
    let mut session = Session::default();
    let (_, of) = session.add_scan(Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "s".into())));
    let rules = PaintRules::default();
    let layout = PlaneLayout::new(labels(&session, of).geometry(), Plane::Axial);
    let place = |voxel: [usize; 3]| {
        let at = layout.screen(voxel);
        [at[0] as f64 + 0.5, at[1] as f64 + 0.5]
    };
    let reply = {
        let own = Slice { layout, number: 1, ..slice(&session, of, Plane::Axial, &rules) };
        let mut tool = (find("live-wire").unwrap().make)();
        let clicks = [[13, 30, 1], [31, 12, 1], [49, 30, 1], [31, 48, 1]].map(place);
        for (n, click) in clicks.into_iter().enumerate() {
            tool.pointer(&own, &at(PointerKind::Hover, click));
            tool.pointer(&own, &at(PointerKind::Press(Button::Primary), click));
            tool.pointer(&own, &at(PointerKind::Release(Button::Primary), click));
            let handles = tool.outline().unwrap().handles.clone();
            assert!(matches!(handles, Handles::At(all) if all.len() == n + 1));
        }
        // A fifth point in the middle is taken back.
        tool.pointer(&own, &at(PointerKind::Press(Button::Primary), place([31, 30, 1])));
        assert!(tool.key(&own, ToolKey::Back).is_taken);
        let elsewhere = Slice { number: 2, ..slice(&session, of, Plane::Axial, &rules) };
        assert!(tool.key(&elsewhere, ToolKey::Confirm).refusal.is_some(), "it is filled on its own slice");
        tool.key(&own, ToolKey::Confirm)
    };
    for command in reply.commands {
        session.apply(command).unwrap();
    }
    let painted = labels(&session, of);
    let [mut both, mut drawn, mut true_ones] = [0usize; 3];
    for n in 64 * 64..2 * 64 * 64 {
        let is_drawn = painted.get([n % 64, n / 64 % 64, 1]) == 3;
        both += usize::from(is_drawn && is_disc(n));
        drawn += usize::from(is_drawn);
        true_ones += usize::from(is_disc(n));
    }
    let dice = 2.0 * both as f64 / (drawn + true_ones) as f64;
    println!("live wire: Dice {dice:.4} to the disc from four points");
    assert!(dice >= 0.95, "{dice}");
    assert_eq!(painted.voxel_counts().get(&3).copied(), Some(drawn), "one slice");
}
