//! The oblique and the curved tile: turned by handles and keys, moved by the wheel, points of a path placed, dragged and taken back.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points and pixels turn into each other"
)]

#[path = "support/window.rs"]
mod window;

use eframe::egui::{self, Event, Key, Modifiers, PointerButton, Pos2, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::app::state::reslicing::{Along, Directions, ReadyPicture, ResliceTile};
use lamella::volume::{Plane, Vec3, dot};
use window::*;

fn tile(harness: &Window, name: &str) -> egui::Rect {
    harness.get_by_role_and_label(Role::Image, name).rect()
}

/// What a tile shows, all of its pixels.
fn ready(harness: &mut Window, tile: ResliceTile) -> ReadyPicture {
    settle(harness);
    let ready = harness.state().studio().reslicing.pictures[tile as usize].ready.clone().unwrap();
    assert_eq!(ready.thinning, 1, "a moment after, it is full");
    ready
}

fn directions(harness: &Window) -> Directions {
    harness.state().studio().oblique().directions
}

fn drag(harness: &mut Window, from: Pos2, to: Pos2, modifiers: Modifiers) {
    let way = [0.0, 0.3, 0.7, 1.0].map(|share| from + (to - from) * share);
    drag_along(harness, PointerButton::Primary, &way, modifiers);
}

#[test]
fn the_plane_is_turned_by_its_handles_and_snaps() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    segment(&mut harness);
    run(&mut harness, "view.oblique");
    run(&mut harness, "view.oblique-axial");
    let shown = ready(&mut harness, ResliceTile::Oblique);
    assert!(shown.resliced.labels.as_ref().unwrap().iter().any(|label| *label != 0), "labels are laid over");
    assert_eq!(directions(&harness), Directions::of(Plane::Axial));
    // An axial plane has no line in the axial view, and one across in the two others.
    assert!(harness.query_by_label("Turn the oblique plane: Axial handle 1").is_none());
    let handles =
        [1, 2].map(|n| harness.get_by_label(&format!("Turn the oblique plane: Coronal handle {n}")).rect().center());
    assert!((handles[0].y - handles[1].y).abs() < 0.5, "{handles:?}");
    let centre = handles[0].lerp(handles[1], 0.5);
    // Dragged to about 40 degrees, it is free; with Shift it snaps to 45.
    let reach = (handles[0] - centre).length();
    let (sin, cos) = 40f32.to_radians().sin_cos();
    let side = (handles[0].x - centre.x).signum();
    let to = centre + egui::vec2(side * cos, -side * sin) * reach;
    drag(&mut harness, handles[0], to, Modifiers::NONE);
    let tilt = |harness: &Window| dot(directions(harness).normal(), [0.0, 0.0, 1.0]).abs().acos().to_degrees();
    assert!((tilt(&harness) - 40.0).abs() < 1.0, "{}", tilt(&harness));
    assert!(directions(&harness).normal()[1].abs() < 1e-6, "it turns about the view's own axis");
    let now = harness.get_by_label("Turn the oblique plane: Coronal handle 1").rect().center();
    assert!((now - to).length() < 3.0, "the handle stays under the pointer: {now:?} {to:?}");
    drag(&mut harness, now, now + egui::vec2(2.0, 0.0), Modifiers::SHIFT);
    assert!((tilt(&harness) - 45.0).abs() < 1e-6, "{}", tilt(&harness));
    // The picture is of that plane, and goes through the cursor.
    let shown = ready(&mut harness, ResliceTile::Oblique);
    let Along::Plane(plane) = shown.key.along else { panic!("no plane") };
    let studio = harness.state().studio();
    let cursor = studio.volume().unwrap().geometry.world_at(studio.view().unwrap().cursor);
    assert!(dot(plane.normal(), [0, 1, 2].map(|n| plane.centre[n] - cursor[n])).abs() < 1e-6);
    picture(&mut harness, "oblique");
    assert!(studio_has_no_message(&harness));
}

fn studio_has_no_message(harness: &Window) -> bool {
    harness.state().messages().iter().all(|text| !text.contains("cannot"))
}

#[test]
fn keys_tilt_the_wheel_goes_through_and_a_click_moves_the_cursor() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    run(&mut harness, "view.oblique");
    run(&mut harness, "view.oblique-coronal");
    let angles = |harness: &Window| directions(harness).angles();
    assert!((angles(&harness).forward - 90.0).abs() < 1e-6);
    harness.key_press_modifiers(Modifiers::ALT | Modifiers::SHIFT, Key::ArrowDown);
    harness.run_steps(2);
    let normal = directions(&harness).normal();
    assert!((dot(normal, [0.0, -1.0, 0.0]).acos().to_degrees() - 5.0).abs() < 1e-6, "{normal:?}");
    run(&mut harness, "view.oblique-sagittal");
    assert!((angles(&harness).sideways - 90.0).abs() < 1e-6);
    // The wheel moves along the normal, towards the patient's right where it is pushed.
    let through = |harness: &Window| {
        let studio = harness.state().studio();
        studio.oblique().through(&studio.volume().unwrap().geometry, studio.view().unwrap().cursor)
    };
    let (before, view) = (through(&harness), tile(&harness, "Oblique view"));
    harness.hover_at(view.center());
    harness.run_steps(2);
    let unit = egui::MouseWheelUnit::Line;
    let phase = egui::TouchPhase::Move;
    harness.event(Event::MouseWheel { unit, delta: egui::vec2(0.0, 3.0), modifiers: Modifiers::NONE, phase });
    harness.run_steps(2);
    let after = through(&harness);
    let finest = harness.state().studio().volume().unwrap().geometry.finest_mm();
    assert!((after[0] - before[0] - 3.0 * finest).abs() < 1e-6, "{before:?} {after:?}");
    // A click goes to the place under the pointer, within the plane.
    let at = view.center() + egui::vec2(20.0, -15.0);
    click_at(&mut harness, at);
    let clicked = through(&harness);
    assert!((clicked[0] - after[0]).abs() < 1e-6, "the plane stays where it is");
    assert!(clicked[1] != after[1] && clicked[2] != after[2], "{clicked:?}");
    let studio = harness.state().studio();
    assert_eq!(studio.volume().unwrap().geometry.voxel_at(clicked), Some(studio.view().unwrap().cursor));
}

fn points(harness: &Window) -> Vec<Vec3> {
    harness.state().studio().path().points.to_vec()
}

#[test]
fn a_path_is_placed_dragged_and_taken_back_and_its_picture_saved() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    run(&mut harness, "view.curved");
    let axial = tile(&harness, "Axial view").center();
    let before = harness.state().studio().view().unwrap().cursor;
    for (x, y) in [(-50.0, -20.0), (0.0, 10.0), (45.0, -10.0), (60.0, 30.0)] {
        click_at(&mut harness, axial + egui::vec2(x, y));
    }
    assert_eq!(points(&harness).len(), 4);
    assert_eq!(harness.state().studio().view().unwrap().cursor, before, "the tool in hand hears nothing of it");
    harness.key_press(Key::Backspace);
    harness.run_steps(2);
    let three = points(&harness);
    assert_eq!(three.len(), 3);
    let shown = ready(&mut harness, ResliceTile::Curved);
    let middle = (shown.reslice.columns as f64 - 1.0) / 2.0;
    let begins = shown.reslice.rows[0].place(middle);
    assert!((0..3).all(|n| (begins[n] - three[0][n]).abs() < 1e-6), "{begins:?} {three:?}");
    // The middle point is dragged; the others stay.
    let handle = harness.get_by_label("Point 2 of the path: Axial").rect().center();
    drag(&mut harness, handle, handle + egui::vec2(0.0, 25.0), Modifiers::NONE);
    let moved = points(&harness);
    assert_eq!((moved[0], moved[2]), (three[0], three[2]));
    assert!(moved[1][1] < three[1][1] - 1.0, "down in the view is towards the back: {moved:?} {three:?}");
    // The wheel turns about the path.
    let view = tile(&harness, "Curved view");
    harness.hover_at(view.center());
    harness.run_steps(2);
    let unit = egui::MouseWheelUnit::Line;
    let phase = egui::TouchPhase::Move;
    harness.event(Event::MouseWheel { unit, delta: egui::vec2(0.0, 10.0), modifiers: Modifiers::NONE, phase });
    harness.run_steps(2);
    assert!((harness.state().studio().path().angle - 30.0).abs() < 1e-6);
    ready(&mut harness, ResliceTile::Curved);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(!harness.state().studio().reslicing.is_placing);
    picture(&mut harness, "curved");
    // A click in the tile goes to a place of the path.
    click_at(&mut harness, view.center());
    let studio = harness.state().studio();
    let cursor = studio.volume().unwrap().geometry.world_at(studio.view().unwrap().cursor);
    assert!((cursor[2] - moved[1][2]).abs() < 3.0, "the path lies in one axial slice: {cursor:?}");
    // Saved as it is shown.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curved.png");
    let scan = harness.state().studio().shown.unwrap();
    let purpose = Purpose::SaveReslice(scan, ResliceTile::Curved);
    let mode = Mode::Save("PNG".into(), vec![".png"]);
    harness.state_mut().request(Request::Answer(Answer { purpose, mode, path: Some(path.clone()) }));
    settle(&mut harness);
    let saved = image::open(&path).unwrap().to_luma8();
    assert!(saved.pixels().filter(|pixel| pixel[0] > 40).count() > 1000, "the picture is not black");
}
