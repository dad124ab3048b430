//! Brushes: what they cover, by distances in the world.

use std::time::Instant;

use super::*;

fn options(shape: &'static str, size_mm: f64) -> ToolOptions {
    let mut options = ToolOptions::default();
    options.set(&BRUSH_SHAPE, OptionValue::Choice(shape));
    options.set(&BRUSH_SIZE, OptionValue::Number(size_mm));
    options
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn a_ball_is_round_in_the_world_and_a_disc_is_its_slice_in_every_plane() {
    for plane in Plane::ALL {
        for shape in ["ball", "disc"] {
            let (mut session, of) = session();
            let geometry = labels(&session, of).geometry().clone();
            let layout = PlaneLayout::new(&geometry, plane);
            let middle = layout.size[2] / 2;
            let at = [layout.size[0] as f64 * 0.45, layout.size[1] as f64 * 0.55];
            let options = options(shape, 5.3);
            let way = Way { plane, options: &options, label: 3, points: &[at] };
            drag(&mut session, of, &mut *(find("brush").unwrap().make)(), Button::Primary, way);
            let centre = geometry.world_from_voxel().point(layout.point_in_voxel(at[0], at[1], middle));
            let is_covered = |voxel: [usize; 3]| {
                let is_in_reach = shape == "ball" || layout.screen(voxel)[2] == middle;
                is_in_reach && distance(geometry.world_at(voxel), centre) <= 2.65
            };
            let expected: BTreeMap<_, _> = grid().filter(|voxel| is_covered(*voxel)).map(|voxel| (voxel, 3)).collect();
            assert!(expected.len() > 10);
            assert_eq!(labelled(&labels(&session, of)), expected, "{shape} in {plane:?}");
            // Every slice that was painted is corrected, and no other.
            let painted: BTreeSet<usize> = expected.keys().map(|voxel| layout.screen(*voxel)[2]).collect();
            let segmentation = session.document().segmentation(of).unwrap();
            let corrected = (0..layout.size[2]).filter(|n| segmentation.state(plane, *n) == SliceState::Corrected);
            assert_eq!(corrected.collect::<BTreeSet<_>>(), painted, "{shape} in {plane:?}");
        }
    }
}

#[test]
fn a_ball_that_is_dragged_leaves_no_gap_and_is_one_step() {
    let (mut session, of) = session();
    let geometry = labels(&session, of).geometry().clone();
    let layout = PlaneLayout::new(&geometry, Plane::Coronal);
    let options = options("ball", 3.0);
    let [from, to] = [[2.5, 3.5], [layout.size[0] as f64 - 3.0, layout.size[1] as f64 - 2.0]];
    let way = Way { plane: Plane::Coronal, options: &options, label: 3, points: &[from, to] };
    drag(&mut session, of, &mut *(find("brush").unwrap().make)(), Button::Primary, way);
    let world =
        |at: [f64; 2]| geometry.world_from_voxel().point(layout.point_in_voxel(at[0], at[1], layout.size[2] / 2));
    let (a, b) = (world(from), world(to));
    let away = |voxel: [usize; 3]| {
        let point = geometry.world_at(voxel);
        let steps = (0..=2000).map(|n| [0, 1, 2].map(|axis| a[axis] + (b[axis] - a[axis]) * f64::from(n) / 2000.0));
        steps.map(|on_way| distance(point, on_way)).fold(f64::INFINITY, f64::min)
    };
    let painted = labels(&session, of);
    for voxel in grid() {
        let away = away(voxel);
        // What is as far as the radius to within the steps may be either.
        if (away - 1.5).abs() > 1e-3 {
            assert_eq!(painted.get(voxel) == 3, away < 1.5, "{voxel:?} is {away} mm from the way");
        }
    }
    session.undo().unwrap();
    assert!(labelled(&labels(&session, of)).is_empty(), "one step");
}

/// A click in the middle of the axial slice.
fn way(options: &ToolOptions) -> Way<'_> {
    Way { plane: Plane::Axial, options, label: 3, points: &[[12.0, 8.0]] }
}

#[test]
fn the_threshold_brush_paints_only_its_range_and_takes_it_from_under_the_brush() {
    let (mut session, of) = session();
    let layout = PlaneLayout::new(labels(&session, of).geometry(), Plane::Axial);
    let value = |voxel: [usize; 3]| (voxel[0] + SHAPE[0] * (voxel[1] + SHAPE[1] * voxel[2])) as f64;
    let mut options = options("square", 6.0);
    let at = [12.0, 8.0];
    assert_eq!(layout.size[..2], [24, 16], "it is the middle");
    let mut brush = (find("brush").unwrap().make)();
    drag(&mut session, of, &mut *brush, Button::Primary, way(&options));
    let covered = labelled(&labels(&session, of));
    let values: Vec<f64> = covered.keys().map(|voxel| value(*voxel)).collect();
    let [lowest, highest] = [f64::min, f64::max].map(|pick| values.iter().copied().reduce(pick).unwrap());
    session.undo().unwrap();

    let mut tool = (find("threshold-brush").unwrap().make)();
    let rules = PaintRules::default();
    let own = Slice { options: &options, ..slice(&session, of, Plane::Axial, &rules) };
    let picked = tool.pointer(&own, &Pointer { is_alt: true, ..super::at(PointerKind::Press(Button::Primary), at) });
    assert_eq!(picked.options, [(&PAINTED_VALUES, OptionValue::Values(Some([lowest, highest])))]);
    let end = tool.pointer(&own, &super::at(PointerKind::Release(Button::Primary), at));
    assert!(picked.commands.is_empty() && end.commands.is_empty() && !tool.is_busy(), "picking paints nothing");

    let range = [lowest + 5.0, highest - 30.0];
    options.set(&PAINTED_VALUES, OptionValue::Values(Some(range)));
    drag(&mut session, of, &mut *tool, Button::Primary, way(&options));
    let expected: BTreeMap<_, _> =
        covered.iter().filter(|(v, _)| (range[0]..=range[1]).contains(&value(**v))).map(|(v, l)| (*v, *l)).collect();
    assert!(!expected.is_empty() && expected.len() < covered.len());
    assert_eq!(labelled(&labels(&session, of)), expected);
    options.set(&PAINTED_VALUES, OptionValue::Values(Some([-2.0, -1.0])));
    drag(&mut session, of, &mut *tool, Button::Secondary, way(&options));
    assert!(labelled(&labels(&session, of)).is_empty(), "erasing does not ask for the value");
}

#[test]
fn the_adaptive_brush_stays_on_its_side_of_an_edge() {
    let geometry = Geometry::new([20, 20, 3], Affine::IDENTITY).unwrap();
    // The right of a slanted edge is bright; both sides have a little noise.
    let is_bright = |[i, j, _]: [usize; 3]| i * 2 > j + 10;
    let value = |n: usize| {
        let noise = (n.wrapping_mul(2_654_435_761) >> 9) % 11;
        if is_bright([n % 20, n / 20 % 20, n / 400]) { 200 + noise as i16 } else { 100 + noise as i16 }
    };
    let voxels = Voxels::I16(Arc::new((0..1200).map(value).collect()));
    let mut session = Session::default();
    let (_, of) = session.add_scan(Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "s".into())));
    let options = options("disc", 12.0);
    let rules = PaintRules::default();
    let layout = PlaneLayout::new(labels(&session, of).geometry(), Plane::Axial);
    let number = 1;
    let seed = layout.screen([6, 10, 1]);
    let point = [seed[0] as f64 + 0.5, seed[1] as f64 + 0.5];
    let own = Slice {
        number,
        layout,
        window: Window { level: 150.0, width: 200.0 },
        options: &options,
        ..slice(&session, of, Plane::Axial, &rules)
    };
    let mut tool = (find("adaptive-brush").unwrap().make)();
    tool.pointer(&own, &super::at(PointerKind::Press(Button::Primary), point));
    let reply = tool.pointer(&own, &super::at(PointerKind::Release(Button::Primary), point));
    for command in reply.commands {
        session.apply(command).unwrap();
    }
    let painted: BTreeSet<_> = labelled(&labels(&session, of)).into_keys().collect();
    let is_near = |v: &[usize; 3]| v[2] == 1 && (v[0] as f64 - 6.0).hypot(v[1] as f64 - 10.0) <= 6.0;
    let all = (0..1200usize).map(|n| [n % 20, n / 20 % 20, n / 400]);
    let expected: BTreeSet<_> = all.filter(|voxel| is_near(voxel) && !is_bright(*voxel)).collect();
    assert_eq!(painted, expected, "15 % of 200 is more than the noise and less than the edge");
}

/// Times are told, not asserted: how long a frame of a large ball takes on a large scan.
#[test]
fn a_large_ball_on_a_large_scan_is_timed() {
    let geometry = Geometry::new([512, 512, 600], Affine::IDENTITY).unwrap();
    let voxels = Voxels::I16(Arc::new(vec![0; 512 * 512 * 600]));
    let mut session = Session::default();
    let (_, of) = session.add_scan(Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "s".into())));
    let (options, rules) = (options("ball", 30.0), PaintRules::default());
    let own = slice(&session, of, Plane::Axial, &rules);
    let own = Slice { options: &options, number: 300, cursor: [256, 256, 300], ..own };
    let mut tool = (find("brush").unwrap().make)();
    let mut frames = Vec::new();
    for n in 0..40 {
        let point = [100.0 + 7.0 * f64::from(n), 150.0 + 4.0 * f64::from(n)];
        let kind = if n == 0 { PointerKind::Press(Button::Primary) } else { PointerKind::Drag(Button::Primary) };
        let start = Instant::now();
        tool.pointer(&own, &super::at(kind, point));
        frames.push(start.elapsed());
    }
    let start = Instant::now();
    let reply = tool.pointer(&own, &super::at(PointerKind::Release(Button::Primary), [373.0, 306.0]));
    let ended = start.elapsed();
    frames.sort();
    println!(
        "ball of radius 15 voxels on 512x512x600: median frame {:?}, worst {:?}, end {ended:?}",
        frames[20], frames[39]
    );
    assert_eq!(reply.commands.len(), 1);
}
