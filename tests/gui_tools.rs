//! Every tool that paints, driven once on a real scan by mouse events; the voxels are checked.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

mod support;
#[path = "support/window.rs"]
mod window;

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::{self, Key, Modifiers, PointerButton, Pos2, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::tools::{self, OptionValue, ToolOption};
use lamella::volume::{LabelValue, Plane, PlaneLayout};
use window::*;

/// A CT of the abdomen, with voxels of 3 mm.
fn scan() -> Option<Window> {
    let path = support::test_data()?.join("data/ct/example_ct.nii.gz");
    if !can_render() {
        return None;
    }
    let mut harness = egui_kittest::Harness::builder()
        .with_size(egui::Vec2::new(1280.0, 720.0))
        .wgpu()
        .build_eframe(|context| lamella::gui::App::ephemeral(context, vec![path]));
    settle(&mut harness);
    task(&mut harness, ANNOTATE);
    Some(harness)
}

/// Saves a picture of the window, where pictures are wanted.
fn save_picture(harness: &mut Window, name: &str) {
    if let Some(folder) = std::env::var_os("LAMELLA_PICTURES") {
        let visuals = harness.ctx.global_style().visuals.clone();
        let ground = eframe::App::clear_color(harness.state(), &visuals);
        let mut image = harness.render().unwrap();
        for pixel in image.pixels_mut() {
            let through = 1.0 - f32::from(pixel[3]) / 255.0;
            for (value, ground) in pixel.0.iter_mut().zip(ground) {
                *value = (f32::from(*value) + 255.0 * through * ground).round().min(255.0) as u8;
            }
            pixel[3] = u8::MAX;
        }
        image.save(std::path::Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

fn option(id: &str) -> ToolOption {
    tools::all_options().into_iter().find(|option| option.id == id).unwrap()
}

fn choose(harness: &mut Window, id: &str, value: OptionValue) {
    let option: &'static ToolOption = Box::leak(Box::new(option(id)));
    harness.state_mut().request(Request::ToolOption(option, value));
    harness.run_steps(2);
}

fn take(harness: &mut Window, key: Key, id: &str) {
    harness.key_press(key);
    harness.run_steps(2);
    assert_eq!(harness.state().studio().hand.entry.id, id);
}

/// A point of the axial view, as shares of it.
fn place(harness: &Window, share: [f32; 2]) -> Pos2 {
    let rect = harness.get_by_role_and_label(Role::Image, "Axial view").rect();
    rect.min + egui::vec2(share[0], share[1]) * rect.size()
}

fn button(harness: &mut Window, pos: Pos2, button: PointerButton, pressed: bool, modifiers: Modifiers) {
    harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
    harness.run_steps(2);
}

/// Moves the pointer to a place, and says what lies under it: the voxel, and the place in the world.
fn hover(harness: &mut Window, at: Pos2) -> ([usize; 3], [f64; 3]) {
    harness.hover_at(at);
    harness.run_steps(3);
    let studio = harness.state().studio();
    let hover = studio.hover.expect("the pointer is over a view");
    let (layout, slice) = (studio.layout(hover.plane).unwrap(), studio.slice(hover.plane).unwrap());
    let geometry = &studio.volume().unwrap().geometry;
    let world = geometry.world_from_voxel().point(layout.point_in_voxel(hover.at[0], hover.at[1], slice));
    (hover.voxel.expect("it is over the image"), world)
}

/// Presses, drags from place to place, and releases.
fn drag(harness: &mut Window, with: PointerButton, places: &[[f32; 2]]) {
    let places: Vec<Pos2> = places.iter().map(|share| place(harness, *share)).collect();
    harness.hover_at(places[0]);
    harness.run_steps(2);
    button(harness, places[0], with, true, Modifiers::NONE);
    for at in &places[1..] {
        harness.hover_at(*at);
        harness.run_steps(2);
    }
    button(harness, places[places.len() - 1], with, false, Modifiers::NONE);
    settle(harness);
}

fn labelled(harness: &Window) -> BTreeMap<[usize; 3], LabelValue> {
    let mut found = BTreeMap::new();
    harness.state().labels().unwrap().for_each_labelled(|voxel, label| {
        found.insert(voxel, label);
    });
    found
}

fn value(harness: &Window, voxel: [usize; 3]) -> f64 {
    harness.state().studio().volume().unwrap().value(voxel, 0)
}

fn undo(harness: &mut Window) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
}

/// All voxels of the scan.
fn grid(harness: &Window) -> Vec<[usize; 3]> {
    let [ni, nj, nk] = harness.state().labels().unwrap().geometry().shape();
    (0..ni * nj * nk).map(|n| [n % ni, n / ni % nj, n / (ni * nj)]).collect()
}

#[test]
fn the_panel_has_the_options_of_the_tool_in_hand_and_a_ball_is_painted() {
    let _alone = alone();
    let Some(mut harness) = scan() else { return };
    assert!(harness.query_by_label("Shape").is_none(), "the crosshair has no shape");
    take(&mut harness, Key::Num4, "brush");
    harness.run_steps(3);
    // The button and its list are found by the same name: the list is pressed.
    harness.get_by_role_and_label(Role::ComboBox, "Shape").click();
    harness.run_steps(4);
    harness.get_by_label("Ball (3-D)").click();
    harness.run_steps(4);
    choose(&mut harness, "brush.size", OptionValue::Number(30.0));
    harness.key_press(Key::Plus);
    harness.run_steps(3);
    let size = harness.state().studio().settings.tools.number(&tools::BRUSH_SIZE);
    assert!((size - 30.5).abs() < 1e-9, "+ makes the brush larger: {size}");
    let at = place(&harness, [0.45, 0.5]);
    let (_, centre) = hover(&mut harness, at);
    button(&mut harness, at, PointerButton::Primary, true, Modifiers::NONE);
    button(&mut harness, at, PointerButton::Primary, false, Modifiers::NONE);
    let geometry = harness.state().labels().unwrap().geometry().clone();
    let is_in = |voxel: &[usize; 3]| {
        let world = geometry.world_at(*voxel);
        (0..3).map(|axis| (world[axis] - centre[axis]).powi(2)).sum::<f64>().sqrt() <= size / 2.0
    };
    let expected: BTreeMap<_, _> = grid(&harness).into_iter().filter(is_in).map(|voxel| (voxel, 1)).collect();
    assert!(expected.len() > 400, "{}", expected.len());
    assert_eq!(labelled(&harness), expected);
    // The ball is erased through the slices by the eraser, which has the same options.
    take(&mut harness, Key::E, "eraser");
    drag(&mut harness, PointerButton::Primary, &[[0.45, 0.5]]);
    assert!(labelled(&harness).is_empty());
    undo(&mut harness);
    assert_eq!(labelled(&harness), expected, "one step");
}

#[test]
fn the_threshold_brush_takes_its_range_from_the_image_and_the_adaptive_brush_stays_in_its_tolerance() {
    let _alone = alone();
    let Some(mut harness) = scan() else { return };
    take(&mut harness, Key::T, "threshold-brush");
    choose(&mut harness, "brush.size", OptionValue::Number(15.0));
    let at = place(&harness, [0.42, 0.45]);
    hover(&mut harness, at);
    button(&mut harness, at, PointerButton::Primary, true, Modifiers::ALT);
    button(&mut harness, at, PointerButton::Primary, false, Modifiers::ALT);
    let range = harness.state().studio().settings.tools.values(&tools::PAINTED_VALUES).expect("Alt+click picks");
    assert!(labelled(&harness).is_empty(), "picking paints nothing");
    // The same by a key.
    choose(&mut harness, "threshold-brush.values", OptionValue::Values(None));
    harness.key_press_modifiers(Modifiers::SHIFT, Key::T);
    harness.run_steps(3);
    assert_eq!(harness.state().studio().settings.tools.values(&tools::PAINTED_VALUES), Some(range));
    drag(&mut harness, PointerButton::Primary, &[[0.3, 0.4], [0.7, 0.5]]);
    let painted = labelled(&harness);
    assert!(painted.len() > 20, "{}", painted.len());
    for voxel in painted.keys() {
        let value = value(&harness, *voxel);
        assert!((range[0]..=range[1]).contains(&value), "{value} at {voxel:?} is not in {range:?}");
    }
    undo(&mut harness);
    // The same without picking paints what lies beside the range, too.
    take(&mut harness, Key::Num4, "brush");
    drag(&mut harness, PointerButton::Primary, &[[0.3, 0.4], [0.7, 0.5]]);
    let all = labelled(&harness);
    let in_range: BTreeSet<_> =
        all.keys().filter(|voxel| (range[0]..=range[1]).contains(&value(&harness, **voxel))).copied().collect();
    assert_eq!(painted.keys().copied().collect::<BTreeSet<_>>(), in_range);
    assert!(in_range.len() < all.len());
    undo(&mut harness);

    take(&mut harness, Key::B, "adaptive-brush");
    choose(&mut harness, "brush.size", OptionValue::Number(60.0));
    let at = place(&harness, [0.42, 0.45]);
    let (seed, _) = hover(&mut harness, at);
    drag(&mut harness, PointerButton::Primary, &[[0.42, 0.45]]);
    let painted = labelled(&harness);
    let layout = PlaneLayout::new(harness.state().labels().unwrap().geometry(), Plane::Axial);
    let [column, row, slice] = layout.screen(seed);
    let around = (column - 1..=column + 1).flat_map(|c| (row - 1..=row + 1).map(move |r| [c, r]));
    let values: Vec<f64> = around.map(|[c, r]| value(&harness, layout.voxel([c, r, slice]))).collect();
    let mean = values.iter().sum::<f64>() / 9.0;
    let width = harness.state().window().unwrap().width;
    assert!(painted.contains_key(&seed) && painted.len() > 5, "{}", painted.len());
    for voxel in painted.keys().filter(|voxel| **voxel != seed) {
        assert!((value(&harness, *voxel) - mean).abs() <= 0.15 * width, "{voxel:?}");
    }
}

#[test]
fn lasso_flood_fill_pick_and_scissors_change_what_they_should() {
    let _alone = alone();
    let Some(mut harness) = scan() else { return };
    take(&mut harness, Key::Num6, "lasso");
    let square = [[0.35, 0.35], [0.6, 0.35], [0.6, 0.6], [0.35, 0.6]];
    let corners: Vec<[usize; 3]> = square
        .iter()
        .map(|share| place(&harness, *share))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|at| hover(&mut harness, at).0)
        .collect();
    drag(&mut harness, PointerButton::Primary, &square);
    let filled = labelled(&harness);
    let layout = PlaneLayout::new(harness.state().labels().unwrap().geometry(), Plane::Axial);
    let at = |voxel: &[usize; 3]| layout.screen(*voxel);
    let (first, last) = (at(&corners[0]), at(&corners[2]));
    for voxel in grid(&harness) {
        let [column, row, slice] = at(&voxel);
        let is_in = |low: usize, high: usize, n: usize| low < n && n < high;
        let is_out = |low: usize, high: usize, n: usize| n < low || n > high;
        let is_here = slice == first[2];
        if is_here && is_in(first[0], last[0], column) && is_in(first[1], last[1], row) {
            assert_eq!(filled.get(&voxel), Some(&1), "{voxel:?} lies inside");
        }
        if !is_here || is_out(first[0], last[0], column) || is_out(first[1], last[1], row) {
            assert_eq!(filled.get(&voxel), None, "{voxel:?} lies outside");
        }
    }

    // Another label is filled into all of it, in 3-D, by a job.
    harness.key_press(Key::N);
    harness.run_steps(3);
    let active = harness.state().studio().label_view().unwrap().active;
    assert_eq!(active, 2);
    take(&mut harness, Key::G, "flood-fill");
    choose(&mut harness, "flood-fill.reach", OptionValue::Choice("volume"));
    drag(&mut harness, PointerButton::Primary, &[[0.5, 0.5]]);
    let recoloured: BTreeMap<_, _> = filled.keys().map(|voxel| (*voxel, 2)).collect();
    assert_eq!(labelled(&harness), recoloured);
    // The label is picked again: by its tool, and with another one by a key.
    harness.state_mut().request(Request::Activate(1));
    take(&mut harness, Key::P, "pick-label");
    drag(&mut harness, PointerButton::Primary, &[[0.5, 0.5]]);
    assert_eq!(harness.state().studio().label_view().unwrap().active, 2);
    harness.state_mut().request(Request::Activate(1));
    take(&mut harness, Key::Num4, "brush");
    let at = place(&harness, [0.5, 0.5]);
    hover(&mut harness, at);
    harness.key_press(Key::Q);
    harness.run_steps(3);
    assert_eq!(harness.state().studio().label_view().unwrap().active, 2);
    // Scissors take a ball away that reaches through slices; Esc drops an outline before.
    choose(&mut harness, "brush.shape", OptionValue::Choice("ball"));
    choose(&mut harness, "brush.size", OptionValue::Number(24.0));
    drag(&mut harness, PointerButton::Primary, &[[0.5, 0.5]]);
    let with_ball = labelled(&harness);
    assert!(with_ball.len() > recoloured.len() + 100);
    take(&mut harness, Key::K, "scissors");
    let start = place(&harness, [0.3, 0.3]);
    harness.hover_at(start);
    harness.run_steps(2);
    button(&mut harness, start, PointerButton::Primary, true, Modifiers::NONE);
    for share in [[0.7, 0.3], [0.7, 0.7]] {
        let next = place(&harness, share);
        harness.hover_at(next);
        harness.run_steps(2);
    }
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    let end = place(&harness, [0.7, 0.7]);
    button(&mut harness, end, PointerButton::Primary, false, Modifiers::NONE);
    settle(&mut harness);
    assert_eq!(labelled(&harness), with_ball, "Esc leaves nothing");
    drag(&mut harness, PointerButton::Primary, &[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]);
    assert!(labelled(&harness).is_empty(), "all of it lay inside");
    undo(&mut harness);
    assert_eq!(labelled(&harness), with_ball, "one step");
}

#[test]
fn level_tracing_and_the_live_wire_follow_the_image() {
    let _alone = alone();
    let Some(mut harness) = scan() else { return };
    take(&mut harness, Key::V, "level-tracing");
    let at = place(&harness, [0.42, 0.45]);
    let (seed, _) = hover(&mut harness, at);
    harness.run_steps(2);
    let outline = harness.state().studio().hand.tool.outline().cloned().expect("the line is shown before a click");
    drag(&mut harness, PointerButton::Primary, &[[0.42, 0.45]]);
    let painted = labelled(&harness);
    let layout = PlaneLayout::new(harness.state().labels().unwrap().geometry(), Plane::Axial);
    let number = layout.screen(seed)[2];
    assert!(painted.contains_key(&seed) && painted.keys().all(|voxel| layout.screen(*voxel)[2] == number));
    // What is beside the filled part by an edge is darker than the place that was clicked.
    let level = value(&harness, seed);
    for voxel in painted.keys() {
        let [column, row, slice] = layout.screen(*voxel);
        for [c, r] in
            [[column + 1, row], [column.wrapping_sub(1), row], [column, row + 1], [column, row.wrapping_sub(1)]]
        {
            if c < layout.size[0] && r < layout.size[1] && !painted.contains_key(&layout.voxel([c, r, slice])) {
                assert!(value(&harness, layout.voxel([c, r, slice])) < level, "{c} {r}");
            }
        }
    }
    assert!(outline.points.len() >= 4);
    undo(&mut harness);
    assert!(labelled(&harness).is_empty());

    take(&mut harness, Key::W, "live-wire");
    let corners = [[0.36, 0.4], [0.5, 0.38], [0.52, 0.55], [0.38, 0.56]];
    let mut clicked = Vec::new();
    for share in corners {
        let at = place(&harness, share);
        clicked.push(hover(&mut harness, at).0);
        button(&mut harness, at, PointerButton::Primary, true, Modifiers::NONE);
        button(&mut harness, at, PointerButton::Primary, false, Modifiers::NONE);
    }
    let at = place(&harness, [0.4, 0.48]);
    hover(&mut harness, at);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    let painted = labelled(&harness);
    assert!(clicked.iter().all(|voxel| painted.contains_key(voxel)), "the wire goes through what was clicked");
    assert!(painted.len() > 60, "{}", painted.len());
    undo(&mut harness);
    assert!(labelled(&harness).is_empty(), "one step");
}

/// A stroke on the bowel at the left of the axial view, and one off it beside the spine.
#[test]
fn touch_answers_strokes_that_are_corrected_taken_undone_and_go_on_through_slices() {
    let _alone = alone();
    let Some(mut harness) = scan() else { return };
    take(&mut harness, Key::Y, "touch");
    let on = [[0.34, 0.42], [0.36, 0.45], [0.38, 0.47]];
    let mut strokes: Vec<[usize; 3]> = Vec::new();
    for share in on {
        let at = place(&harness, share);
        strokes.push(hover(&mut harness, at).0);
    }
    drag(&mut harness, PointerButton::Primary, &on);
    let shown = |harness: &Window| {
        let (labels, _) = harness.state().studio().shown_labels().unwrap();
        labels.counts().values().sum::<usize>()
    };
    let first = shown(&harness);
    assert!(first > 20 && labelled(&harness).is_empty(), "{first} voxels are shown, none is painted");
    // A stroke off it corrects the answer: its voxels are never in it.
    let off = [[0.6, 0.5], [0.62, 0.55], [0.64, 0.6]];
    let mut left_out: Vec<[usize; 3]> = Vec::new();
    for share in off {
        let at = place(&harness, share);
        left_out.push(hover(&mut harness, at).0);
    }
    drag(&mut harness, PointerButton::Secondary, &off);
    save_picture(&mut harness, "tool-touch-1280-dark");
    let corrected = shown(&harness);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    let painted = labelled(&harness);
    assert_eq!(painted.len(), corrected, "what was shown is taken");
    assert!(strokes.iter().all(|voxel| painted.contains_key(voxel)));
    assert!(left_out.iter().all(|voxel| !painted.contains_key(voxel)));
    let layout = PlaneLayout::new(harness.state().labels().unwrap().geometry(), Plane::Axial);
    let slices = |painted: &BTreeMap<[usize; 3], LabelValue>| -> BTreeSet<usize> {
        painted.keys().map(|voxel| layout.screen(*voxel)[2]).collect()
    };
    assert_eq!(slices(&painted).len(), 1);
    undo(&mut harness);
    assert!(labelled(&harness).is_empty(), "one step");
    // Escape leaves nothing.
    drag(&mut harness, PointerButton::Primary, &on);
    assert!(harness.state().studio().hand.tool.is_busy());
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!harness.state().studio().hand.tool.is_busy() && shown(&harness) == 0);
    // On through the slices, in one step.
    choose(&mut harness, "touch.reach", OptionValue::Choice("volume"));
    drag(&mut harness, PointerButton::Primary, &on);
    drag(&mut harness, PointerButton::Secondary, &off);
    harness.key_press(Key::Enter);
    settle(&mut harness);
    let through = labelled(&harness);
    assert!(slices(&through).len() > 1 && painted.keys().all(|voxel| through.contains_key(voxel)));
    undo(&mut harness);
    assert!(labelled(&harness).is_empty(), "one step");
}

/// Pictures for the guide are made of it, where they are wanted.
#[test]
fn every_tool_has_its_hint_and_its_options_in_sight_without_scrolling() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let (width, height) = (1280.0, 720.0);
    let mut harness: Window = egui_kittest::Harness::builder()
        .with_size(egui::Vec2::new(width, height))
        .wgpu()
        .build_eframe(|context| lamella::gui::App::ephemeral(context, Vec::new()));
    harness.run_steps(2);
    harness.get_by_label("Try the sample").click();
    harness.step();
    settle(&mut harness);
    task(&mut harness, ANNOTATE);
    choose(&mut harness, "brush.shape", OptionValue::Choice("ball"));
    choose(&mut harness, "brush.size", OptionValue::Number(9.0));
    choose(&mut harness, "flood-fill.region", OptionValue::Choice("values"));
    let views = harness.get_by_role_and_label(Role::Image, "Axial view").rect();
    for entry in tools::TOOLS {
        harness.state_mut().request(Request::Run(entry.id));
        harness.run_steps(2);
        let at = place(&harness, [0.5, 0.45]);
        hover(&mut harness, at);
        harness.run_steps(3);
        assert_eq!(harness.state().studio().hand.entry.id, entry.id);
        let now = harness.get_by_role_and_label(Role::Image, "Axial view").rect();
        assert_eq!(now, views, "{} moves the views", entry.id);
        let hint = format!("{}: {}.", entry.name, entry.hint);
        let captions = entry.options.iter().map(|option| option.name).chain([hint.as_str()]);
        for caption in captions {
            let in_panel =
                |rect: &egui::Rect| rect.left() > width - 300.0 && rect.right() < width && rect.bottom() < 640.0;
            let found: Vec<egui::Rect> = harness.query_all_by_label(caption).map(|node| node.rect()).collect();
            assert!(found.iter().any(in_panel), "{}: {caption} lies at {found:?}", entry.id);
        }
        // In use, and dropped: nothing is left of it.
        let is_drawn = entry.paints && !harness.state().studio().hand.tool.follows_pointer();
        if is_drawn {
            button(&mut harness, at, PointerButton::Primary, true, Modifiers::NONE);
            for share in [[0.6, 0.42], [0.62, 0.55], [0.48, 0.6]] {
                let next = place(&harness, share);
                harness.hover_at(next);
                harness.run_steps(2);
            }
            assert!(harness.state().studio().hand.tool.is_busy(), "{}", entry.id);
        }
        save_picture(&mut harness, &format!("tool-{}-1280-dark", entry.id));
        if is_drawn {
            harness.key_press(Key::Escape);
            harness.run_steps(2);
            let end = place(&harness, [0.48, 0.6]);
            button(&mut harness, end, PointerButton::Primary, false, Modifiers::NONE);
            settle(&mut harness);
        }
        assert!(labelled(&harness).is_empty(), "Esc leaves nothing of {}", entry.id);
        assert!(harness.state().studio().session.undo_name().is_none(), "{}", entry.id);
    }
}
