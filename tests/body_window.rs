//! The 3-D tile: surfaces appear in their colours, are turned, cut and picked, and follow a stroke.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points and pixels turn into each other"
)]

#[path = "support/window.rs"]
mod window;

use std::time::Duration;

use eframe::egui::{self, Event, Modifiers, PointerButton, Pos2, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::body::{BodyForm, BodyRequest, Cut};
use lamella::app::state::body_pictures::{PicturesForm, PicturesKind, PicturesRequest};
use lamella::app::state::camera::{Camera, Side};
use lamella::app::state::clip_box::Face;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::app::state::tiles::TileContent;
use lamella::drawing::Ground;
use lamella::volume::Plane;
use window::*;

/// The sample with what the model finds in it, and the 3-D tile beside the slices.
fn body() -> Window {
    let mut harness = sample();
    segment(&mut harness);
    show_body(&mut harness);
    rest(&mut harness);
    harness
}

/// The 3-D tile beside the slices, where it is not there already.
fn show_body(harness: &mut Window) {
    if !harness.state().studio().shows(TileContent::Body) {
        run(harness, "view.body");
    }
}

/// Until surfaces are made and the view is at rest.
fn rest(harness: &mut Window) {
    settle(harness);
    std::thread::sleep(Duration::from_millis(250));
    harness.run_steps(2);
}

fn tile(harness: &Window) -> egui::Rect {
    harness.get_by_role_and_label(Role::Image, "3-D view").rect()
}

fn camera(harness: &Window) -> Camera {
    harness.state().studio().body_camera().unwrap()
}

/// Pixels of the tile whose colour has the hue of a label, and a place among them.
fn pixels_of(harness: &mut Window, label: u16) -> (usize, Option<Pos2>) {
    let rect = tile(harness);
    let colour = harness.state().label_table().unwrap().get(label).unwrap().colour.map(f32::from);
    let image = harness.render().unwrap();
    let length = |v: [f32; 3]| v.iter().map(|part| part * part).sum::<f32>().sqrt();
    let mut found = Vec::new();
    for y in rect.top() as u32 + 40..rect.bottom() as u32 - 4 {
        for x in rect.left() as u32 + 70..rect.right() as u32 - 4 {
            let [r, g, b, _] = image.get_pixel(x, y).0;
            let seen = [r, g, b].map(f32::from);
            let cosine = (0..3).map(|n| seen[n] * colour[n]).sum::<f32>() / (length(seen) * length(colour)).max(1.0);
            if length(seen) > 60.0 && cosine > 0.985 {
                found.push(egui::pos2(x as f32 + 0.5, y as f32 + 0.5));
            }
        }
    }
    (found.len(), found.get(found.len() / 2).copied())
}

fn labels(harness: &Window) -> Vec<u16> {
    harness.state().labels().unwrap().counts().into_keys().collect()
}

#[test]
fn labels_appear_as_surfaces_and_a_click_goes_to_them() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = body();
    let all = labels(&harness);
    let counts: Vec<usize> = all.iter().map(|label| pixels_of(&mut harness, *label).0).collect();
    assert!(!all.is_empty() && counts.iter().all(|count| *count > 200), "{all:?}: {counts:?}");
    // A click chooses the label under it and moves the cursor into it.
    for label in all {
        let at = pixels_of(&mut harness, label).1.unwrap();
        click_at(&mut harness, at);
        let studio = harness.state().studio();
        let cursor = studio.view().unwrap().cursor;
        assert_eq!(
            (studio.label_view().unwrap().active, harness.state().labels().unwrap().get(cursor)),
            (label, label)
        );
    }
    // The slices through the cursor, among the surfaces: their greys are seen.
    let greys = |harness: &mut Window| {
        let (rect, image) = (tile(harness).shrink(8.0), harness.render().unwrap());
        let is_grey = |[r, g, b, _]: [u8; 4]| r == g && g == b && (40..230).contains(&r);
        let inside = image.enumerate_pixels().filter(|(x, y, _)| rect.contains(egui::pos2(*x as f32, *y as f32)));
        inside.filter(|(_, _, pixel)| is_grey(pixel.0)).count()
    };
    let before = greys(&mut harness);
    run(&mut harness, "view.body-slices");
    let at = tile(&harness).center();
    drag_along(&mut harness, PointerButton::Primary, &[at, at + egui::vec2(75.0, 35.0)], Modifiers::NONE);
    rest(&mut harness);
    let after = greys(&mut harness);
    assert!(after > before + 5000, "slices are seen: {before} {after}");
    picture(&mut harness, "body");
}

#[test]
fn the_body_is_turned_moved_and_enlarged_by_the_pointer() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = body();
    let (at, first) = (tile(&harness).center(), camera(&harness));
    drag_along(&mut harness, PointerButton::Primary, &[at, at + egui::vec2(60.0, 20.0)], Modifiers::NONE);
    let turned = camera(&harness);
    assert!(turned.right != first.right && turned.up != first.up && turned.focus == first.focus);
    drag_along(&mut harness, PointerButton::Primary, &[at, at + egui::vec2(30.0, 0.0)], Modifiers::SHIFT);
    let moved = camera(&harness);
    assert!(moved.focus != turned.focus && moved.right == turned.right);
    drag_along(&mut harness, PointerButton::Secondary, &[at, at + egui::vec2(0.0, -40.0)], Modifiers::NONE);
    assert!(camera(&harness).distance < moved.distance);
    run(&mut harness, "view.body-superior");
    assert_eq!(camera(&harness).up, [0.0, 1.0, 0.0]);
    // The key that enlarges the tile under the pointer knows this one.
    harness.event(Event::PointerMoved(tile(&harness).center()));
    harness.run_steps(2);
    run(&mut harness, "view.maximise");
    let studio = harness.state().studio();
    assert_eq!(studio.display.maximised.map(|tile| studio.settings.tiles[tile]), Some(TileContent::Body));
}

#[test]
fn surfaces_follow_strokes_colours_and_cuts() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = body();
    let label = labels(&harness)[0];
    let before = pixels_of(&mut harness, label).0;
    let blocks = |harness: &Window| harness.state().studio().body.surfaces.blocks.clone();
    let first = blocks(&harness);
    harness.state_mut().request(Request::Activate(label));
    harness.key_press(egui::Key::Num4);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, egui::vec2(90.0, 50.0));
    rest(&mut harness);
    let after = pixels_of(&mut harness, label).0;
    assert!(after > before + 20, "the stroke is seen: {before} {after}");
    let second = blocks(&harness);
    assert!(first.iter().any(|(place, block)| !std::sync::Arc::ptr_eq(block, &second[place])), "something is new");
    harness.key_press_modifiers(Modifiers::COMMAND, egui::Key::Z);
    rest(&mut harness);
    let undone = pixels_of(&mut harness, label).0;
    assert!(undone.abs_diff(before) < 20, "undo is followed: {before} {undone}");
    // Half of it goes at a slice through its middle.
    let table = harness.state().labels().unwrap().clone();
    let region = table.region_of(label).unwrap();
    let middle = [0, 1, 2].map(|axis| usize::midpoint(region.start[axis], region.end[axis]));
    harness.state_mut().request(Request::Cursor(Plane::Axial, middle));
    let mut form = BodyForm::default();
    form.cuts[Plane::Sagittal as usize] = Some(Cut::Positive);
    harness.state_mut().request(Request::Body(BodyRequest::Form(form)));
    rest(&mut harness);
    picture(&mut harness, "body-cut");
    let cut = pixels_of(&mut harness, label).0;
    assert!(cut > 50 && cut * 4 < before * 3, "{cut} of {before}");
    // Hidden labels are not seen.
    run(&mut harness, "view.labels");
    rest(&mut harness);
    assert_eq!(pixels_of(&mut harness, label).0, 0);
}

#[test]
fn what_is_painted_stays_whole_in_the_picture_until_the_user_looks_from_somewhere() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    show_body(&mut harness);
    harness.key_press(egui::Key::Num4);
    harness.run_steps(2);
    let fitted = |harness: &Window| {
        let studio = harness.state().studio();
        let bounds = studio.body.surfaces.bounds(&studio.volume().unwrap().geometry);
        (camera(harness), camera(harness).fitted(bounds))
    };
    drag_in_axial_view(&mut harness, egui::vec2(4.0, 0.0));
    rest(&mut harness);
    let (first, whole) = fitted(&harness);
    assert_eq!(first, whole);
    drag_in_axial_view(&mut harness, egui::vec2(90.0, 50.0));
    rest(&mut harness);
    let (second, whole) = fitted(&harness);
    assert_eq!(second, whole);
    assert!(second.distance > 1.5 * first.distance, "{first:?} {second:?}");
    let middle = tile(&harness).center();
    drag_along(&mut harness, PointerButton::Primary, &[middle, middle + egui::vec2(30.0, 10.0)], Modifiers::NONE);
    let turned = camera(&harness);
    assert_ne!(turned, second);
    drag_in_axial_view(&mut harness, egui::vec2(-90.0, 50.0));
    rest(&mut harness);
    assert_eq!(camera(&harness), turned, "who has looked from somewhere stays there");
}

#[test]
fn nothing_is_meshed_while_no_tile_shows_the_body() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let mut settings = harness.state().studio().settings.clone();
    settings.tiles[3] = TileContent::Facts;
    harness.state_mut().request(Request::Settings(Box::new(settings)));
    segment(&mut harness);
    assert!(harness.state().studio().body.surfaces.blocks.is_empty());
    run(&mut harness, "view.body");
    rest(&mut harness);
    assert!(!harness.state().studio().body.surfaces.blocks.is_empty());
}

/// Pixels of the tile that are not its ground.
fn drawn(harness: &mut Window) -> usize {
    let (rect, image) = (tile(harness).shrink(40.0), harness.render().unwrap());
    let is_drawn = |[r, g, b, _]: [u8; 4]| u32::from(r) + u32::from(g) + u32::from(b) > 90;
    let inside = image.enumerate_pixels().filter(|(x, y, _)| rect.contains(egui::pos2(*x as f32, *y as f32)));
    inside.filter(|(_, _, pixel)| is_drawn(pixel.0)).count()
}

#[test]
fn values_are_seen_all_through_and_a_click_finds_the_largest() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    show_body(&mut harness);
    rest(&mut harness);
    // Without text, axes and buttons.
    run(&mut harness, "view.annotations");
    assert_eq!(drawn(&mut harness), 0, "there are no labels");
    run(&mut harness, "view.body-maximum");
    rest(&mut harness);
    let bright = drawn(&mut harness);
    assert!(bright > 5000, "{bright}");
    let at = tile(&harness).center();
    click_at(&mut harness, at);
    let studio = harness.state().studio();
    let (volume, cursor) = (studio.volume().unwrap(), studio.view().unwrap().cursor);
    let found = volume.value(cursor, 0);
    // The viewer looks along the second axis, through the middle.
    let along = (0..volume.geometry.shape()[1]).map(|j| volume.value([cursor[0], j, cursor[2]], 0));
    assert_eq!(found, along.fold(f64::MIN, f64::max), "at {cursor:?}");
    // The pointer is drawn over the tile otherwise.
    harness.remove_cursor();
    // The window that slices are shown with decides what is bright.
    let window = lamella::volume::Window { level: volume.statistics().max * 2.0, width: 1.0 };
    harness.state_mut().request(Request::Window(window));
    rest(&mut harness);
    assert_eq!(drawn(&mut harness), 0);
    run(&mut harness, "view.auto-window");
    run(&mut harness, "view.body-bright");
    rest(&mut harness);
    assert!(drawn(&mut harness) > 3000);
    assert!(
        lamella::app::commands::find("view.body-bone")
            .is_some_and(|entry| (entry.lacks)(harness.state().studio()).is_some())
    );
    run(&mut harness, "view.body-labels");
    rest(&mut harness);
    assert_eq!(drawn(&mut harness), 0);
}

#[test]
fn bones_of_a_ct_are_seen() {
    let _alone = alone();
    let Some(data) = std::env::var_os("LAMELLA_TEST_DATA") else {
        eprintln!("skipped: LAMELLA_TEST_DATA is not set");
        return;
    };
    if !can_render() {
        return;
    }
    let mut harness = window(vec![std::path::Path::new(&data).join("data/ct/example_ct.nii.gz")]);
    settle(&mut harness);
    show_body(&mut harness);
    for id in ["view.body-bone", "view.body-vessels", "view.body-lung"] {
        run(&mut harness, id);
        rest(&mut harness);
        let seen = drawn(&mut harness);
        assert!(seen > 500, "{id}: {seen}");
        picture(&mut harness, id.trim_start_matches("view."));
    }
}

/// The pixels of a PNG, its size, and how many pictures it plays.
fn read(path: &std::path::Path) -> (Vec<u8>, [u32; 2], Option<u32>) {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (pixels, [info.width, info.height], reader.info().animation_control.map(|control| control.num_frames))
}

/// Writes pictures by way of their window.
fn write(harness: &mut Window, form: PicturesForm, path: &std::path::Path) {
    run(harness, "file.body-pictures");
    harness.get_by_label("3-D pictures");
    harness.state_mut().request(Request::Body(BodyRequest::Pictures(PicturesRequest::Form(form))));
    harness.run_steps(2);
    picture(harness, if form.kind == PicturesKind::One { "body-picture" } else { "body-turn" });
    harness.state_mut().request(Request::Body(BodyRequest::Pictures(PicturesRequest::Close)));
    harness.run_steps(2);
    let purpose = Purpose::SaveBody(harness.state().studio().shown.unwrap(), form.kind);
    let mode = match form.kind {
        PicturesKind::One => Mode::Save("PNG".into(), vec![".png"]),
        PicturesKind::Turn => Mode::Folder,
    };
    harness.state_mut().request(Request::Answer(Answer { purpose, mode, path: Some(path.into()) }));
    settle(harness);
    harness.run_steps(2);
}

#[test]
fn what_the_tile_shows_is_written_as_a_picture_and_as_a_turn() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = body();
    let of_label = |harness: &Window, pixels: &[u8]| {
        let label = labels(harness)[0];
        let colour = harness.state().label_table().unwrap().get(label).unwrap().colour.map(f32::from);
        let length = |v: [f32; 3]| v.iter().map(|part| part * part).sum::<f32>().sqrt();
        let is_of = |seen: [f32; 3]| {
            let cosine = (0..3).map(|n| seen[n] * colour[n]).sum::<f32>() / (length(seen) * length(colour)).max(1.0);
            length(seen) > 60.0 && cosine > 0.985
        };
        pixels.chunks_exact(3).filter(|p| is_of([p[0].into(), p[1].into(), p[2].into()])).count()
    };
    // One picture, on white, larger than the tile.
    let one = PicturesForm { size: [900, 600], ground: Ground::White, ..PicturesForm::default() };
    let path = folder.path().join("one.png");
    write(&mut harness, one, &path);
    let (first, size, plays) = read(&path);
    assert_eq!((size, plays, &first[..3]), ([900, 600], None, &[255; 3][..]));
    assert!(of_label(&harness, &first) > 2000, "{}", of_label(&harness, &first));
    // A turn begins with it, comes from all sides, and is played.
    let turn = PicturesForm { kind: PicturesKind::Turn, count: 4, ..one };
    let into = folder.path().join("turn");
    write(&mut harness, turn, &into);
    let names: Vec<String> =
        std::fs::read_dir(&into).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let stem = names.iter().find_map(|name| name.strip_suffix("_turn.png")).unwrap();
    let of = |n: usize| read(&into.join(format!("{stem}_turn_{n:03}.png"))).0;
    let all: Vec<Vec<u8>> = (1..=4).map(of).collect();
    assert!(all[0] == first, "it begins where the tile looks from");
    assert!(all[1] != first && all[2] != first && all[1] != all[3]);
    assert!(all.iter().all(|pixels| of_label(&harness, pixels) > 500));
    assert_eq!(read(&into.join(format!("{stem}_turn.png"))), (first, [900, 600], Some(4)));
    // The scan all through.
    run(&mut harness, "view.body-maximum");
    rest(&mut harness);
    let path = folder.path().join("through.png");
    write(&mut harness, one, &path);
    let (through, ..) = read(&path);
    let is_grey = |p: &&[u8]| p[0] == p[1] && p[1] == p[2] && (60..250).contains(&p[0]);
    assert!(through.chunks_exact(3).filter(is_grey).count() > 20_000);
}

#[test]
fn a_box_hides_what_lies_outside_of_it_from_the_eye_and_from_clicks() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = body();
    run(&mut harness, "view.annotations");
    let label = labels(&harness)[0];
    let shape = harness.state().labels().unwrap().geometry().shape();
    let region = harness.state().labels().unwrap().region_of(label).unwrap();
    let before = pixels_of(&mut harness, label).0;
    run(&mut harness, "view.body-box");
    rest(&mut harness);
    let whole = pixels_of(&mut harness, label).0;
    assert!(whole.abs_diff(before) * 10 < before, "a whole box hides nothing: {before} {whole}");
    // Its handle on the patient's right is pulled to the middle of the label.
    let geometry = harness.state().labels().unwrap().geometry().clone();
    let face = Face::of(&geometry, Side::Right);
    let clip = harness.state().studio().clip_box().unwrap();
    let middle = usize::midpoint(region.start[face.axis], region.end[face.axis]);
    let depth = if face.is_end { shape[face.axis] - middle } else { middle };
    harness.state_mut().request(Request::Body(BodyRequest::Clip(clip.cut(face, depth, shape))));
    rest(&mut harness);
    let half = pixels_of(&mut harness, label).0;
    assert!(half > 50 && half * 4 < before * 3, "{half} of {before}");
    run(&mut harness, "view.annotations");
    picture(&mut harness, "body-box");
    // A drag of the handle changes the box and leaves the camera alone.
    let (boxed, looked) = (harness.state().studio().clip_box().unwrap(), camera(&harness));
    let at = {
        let studio = harness.state().studio();
        let (volume, rect) = (studio.volume().unwrap(), tile(&harness));
        let aspect = f64::from(rect.width() / rect.height());
        let [x, y] = looked.seen_at(volume.geometry.world_from_voxel().point(boxed.middle(face)), aspect).unwrap();
        rect.center() + egui::vec2(x as f32 * rect.width() / 2.0, -y as f32 * rect.height() / 2.0)
    };
    drag_along(&mut harness, PointerButton::Primary, &[at, at + egui::vec2(25.0, 0.0)], Modifiers::NONE);
    let pulled = harness.state().studio().clip_box().unwrap();
    assert!(pulled != boxed && camera(&harness) == looked, "{pulled:?}");
    // Nothing of a label outside of the box is found by a click.
    let (away, is_end) = (region.end[2].min(shape[2] - 1), region.end[2] < shape[2]);
    assert!(is_end, "there is room above the label");
    let mut none = clip;
    (none.region.start[2], none.region.end[2]) = (away, shape[2]);
    harness.state_mut().request(Request::Body(BodyRequest::Clip(none)));
    rest(&mut harness);
    let cursor = harness.state().studio().view().unwrap().cursor;
    let [from, direction] = camera(&harness).ray([0.0, 0.0], 1.0);
    harness.state_mut().request(Request::Body(BodyRequest::Pick { from, direction }));
    harness.run_steps(2);
    assert_eq!(harness.state().studio().view().unwrap().cursor, cursor);
    run(&mut harness, "view.annotations");
    assert_eq!(pixels_of(&mut harness, label).0, 0);
    run(&mut harness, "view.body-box-reset");
    rest(&mut harness);
    assert!(pixels_of(&mut harness, label).0 * 10 > before * 9);
}

#[test]
fn a_translucent_label_lets_through_what_lies_behind_it() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = body();
    run(&mut harness, "view.annotations");
    let all = labels(&harness);
    let counts = |harness: &mut Window| [all[0], all[1]].map(|label| pixels_of(harness, label).0);
    let before = counts(&mut harness);
    // What is nearer from here hides the other one.
    let (near, far) = if before[0] > before[1] { (0, 1) } else { (1, 0) };
    harness.state_mut().request(Request::Activate(all[near]));
    run(&mut harness, "view.body-see-through");
    rest(&mut harness);
    picture(&mut harness, "body-translucent");
    let name = harness.state().label_table().unwrap().get(all[near]).unwrap().name.clone();
    let opacity = harness.state().studio().settings.body_opacity.get(&name).copied().unwrap();
    assert!((0.1..0.9).contains(&opacity), "{opacity}");
    let mut settings = harness.state().studio().settings.clone();
    settings.set_opacity_in_body(name, 0.05);
    harness.state_mut().request(Request::Settings(Box::new(settings)));
    rest(&mut harness);
    let faint = counts(&mut harness);
    assert!(faint[near] * 4 < before[near] && faint[far] * 2 > before[far] * 3, "{before:?} {faint:?}");
    // Cut open it is as faint; the other way round it is solid again.
    run(&mut harness, "view.body-box");
    rest(&mut harness);
    let boxed = counts(&mut harness);
    assert!(boxed[near] * 4 < before[near] && boxed[far] * 2 > before[far] * 3, "{before:?} {boxed:?}");
    run(&mut harness, "view.body-box");
    run(&mut harness, "view.body-see-through");
    rest(&mut harness);
    assert_eq!(counts(&mut harness), before);
}

#[test]
fn scissors_cut_what_an_outline_over_the_body_shows() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = body();
    run(&mut harness, "view.annotations");
    let all = labels(&harness);
    let counts = |harness: &Window| harness.state().labels().unwrap().counts();
    let steps = |harness: &Window| harness.state().studio().session.undo_names().len();
    let (before, begun, looked) = (counts(&harness), steps(&harness), camera(&harness));
    harness.key_press(egui::Key::K);
    harness.run_steps(2);
    let rect = tile(&harness);
    let [left, top, right, bottom] = [rect.left() + 4.0, rect.top() + 40.0, rect.center().x, rect.bottom() - 4.0];
    let half = [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| egui::pos2(x, y));
    // Esc drops the outline, whatever the hand does then.
    hold_along(&mut harness, PointerButton::Primary, &half, Modifiers::NONE);
    assert!(!harness.state().studio().body.lasso.is_empty());
    run(&mut harness, "view.annotations");
    picture(&mut harness, "body-scissors");
    run(&mut harness, "view.annotations");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);
    assert!(harness.state().studio().body.lasso.is_empty());
    drag_along(&mut harness, PointerButton::Primary, &[half[3]], Modifiers::NONE);
    settle(&mut harness);
    assert_eq!((counts(&harness), steps(&harness)), (before.clone(), begun));
    // The left half goes: in one step, seen through all depths, and the camera stays.
    drag_along(&mut harness, PointerButton::Primary, &half, Modifiers::NONE);
    settle(&mut harness);
    rest(&mut harness);
    let cut = counts(&harness);
    assert!(all.iter().all(|label| cut.get(label).is_none_or(|count| count < &before[label])), "{before:?} {cut:?}");
    assert!((steps(&harness), camera(&harness)) == (begun + 1, looked));
    let (own, studio) = (harness.state().labels().unwrap(), harness.state().studio());
    let aspect = f64::from(rect.width() / rect.height());
    let world = studio.volume().unwrap().geometry.world_from_voxel();
    own.for_each_labelled(|voxel, _| {
        let [x, _] = looked.seen_at(world.point(voxel.map(|n| n as f64)), aspect).unwrap();
        assert!(x > -0.01, "{voxel:?} is at {x}");
    });
    harness.key_press_modifiers(Modifiers::COMMAND, egui::Key::Z);
    rest(&mut harness);
    assert_eq!(counts(&harness), before);
    // Only what is shown and in the box; a locked label stays.
    let mut table = harness.state().label_table().unwrap().clone();
    table.get_mut(all[0]).unwrap().locked = true;
    let control = ("label locked", all[0]);
    harness.state_mut().request(Request::Labels { table, name: "Lock".into(), control });
    harness.run_steps(2);
    drag_along(&mut harness, PointerButton::Primary, &half, Modifiers::NONE);
    settle(&mut harness);
    let kept = counts(&harness);
    assert!(kept[&all[0]] == before[&all[0]] && kept[&all[1]] < before[&all[1]], "{before:?} {kept:?}");
}
