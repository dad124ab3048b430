//! Habits of the mouse in the window: those of other programs, what a click would paint, and the same on a screen of fine pixels.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/window.rs"]
mod window;

use eframe::egui::{self, Event, Modifiers, PointerButton, Pos2, TouchPhase, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::keymap::ProfileId;
use lamella::tools::{BRUSH_SIZE, FILLED, OptionValue};
use lamella::volume::Plane;
use window::*;

fn middle(harness: &Window) -> Pos2 {
    harness.get_by_role_and_label(Role::Image, "Axial view").rect().center()
}

fn with_keys(of: ProfileId) -> Window {
    let mut harness = sample();
    let mut keymap = harness.state().studio().settings.keys.clone();
    keymap.set_profile(of);
    harness.state_mut().request(Request::Keys(keymap));
    harness.run_steps(2);
    harness
}

/// Drags a button from a place, and lets it go.
fn drag(harness: &mut Window, button: PointerButton, from: Pos2, by: egui::Vec2) {
    let press = |pos: Pos2, pressed: bool| Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE };
    harness.event(Event::PointerMoved(from));
    harness.step();
    harness.event(press(from, true));
    harness.step();
    harness.event(Event::PointerMoved(from + by));
    harness.run_steps(2);
    harness.event(press(from + by, false));
    harness.run_steps(2);
}

fn painted(harness: &Window) -> usize {
    harness.state().labels().unwrap().counts().get(&1).copied().unwrap_or(0)
}

#[test]
fn ohifs_mouse_is_window_zoom_move_and_slices() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = with_keys(ProfileId::Ohif);
    let at = middle(&harness);
    let look = |harness: &Window| {
        let view = harness.state().studio().view().unwrap().clone();
        (view.window, view.pose(Plane::Axial), view.cursor)
    };
    let first = look(&harness);
    drag(&mut harness, PointerButton::Primary, at, egui::vec2(40.0, 0.0));
    let windowed = look(&harness);
    assert!(windowed.0.width > first.0.width && (windowed.1, windowed.2) == (first.1, first.2), "{windowed:?}");
    drag(&mut harness, PointerButton::Middle, at, egui::vec2(30.0, 10.0));
    let moved = look(&harness);
    assert!(moved.1.pan_mm[0] > 0.0 && moved.1.zoom == 1.0 && moved.0 == windowed.0, "{moved:?}");
    run(&mut harness, "brush");
    drag(&mut harness, PointerButton::Primary, at, egui::vec2(40.0, 0.0));
    let before = painted(&harness);
    drag(&mut harness, PointerButton::Secondary, at, egui::vec2(0.0, -40.0));
    assert!(look(&harness).1.zoom > 1.1 && painted(&harness) == before && before > 0, "the right button zooms");
    let delta = egui::vec2(0.0, 1.0);
    let (unit, phase, modifiers) = (egui::MouseWheelUnit::Line, TouchPhase::Move, Modifiers::NONE);
    harness.event(Event::MouseWheel { unit, delta, phase, modifiers });
    harness.run_steps(3);
    assert_eq!(look(&harness).2[2].abs_diff(moved.2[2]), 1, "the wheel goes to the next slice");
}

#[test]
fn with_slicers_keys_the_crosshair_follows_the_pointer_while_shift_is_held() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = with_keys(ProfileId::Slicer);
    let at = middle(&harness) + egui::vec2(33.0, -27.0);
    let cursor = |harness: &Window| harness.state().studio().view().unwrap().cursor;
    let first = cursor(&harness);
    harness.event(Event::PointerMoved(at));
    harness.run_steps(3);
    assert_eq!(cursor(&harness), first);
    harness.event(Event::ModifiersChanged(Modifiers::SHIFT));
    harness.event(Event::PointerMoved(at + egui::vec2(3.0, 0.0)));
    harness.run_steps(3);
    let under = harness.state().studio().hover.unwrap().voxel.unwrap();
    assert_eq!(cursor(&harness), under);
    assert!(under != first && under[2] == first[2], "{under:?} {first:?}");
}

#[test]
fn what_a_click_would_fill_is_seen_before_it() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    run(&mut harness, "flood-fill");
    harness.state_mut().request(Request::ToolOption(&FILLED, OptionValue::Choice("values")));
    harness.run_steps(2);
    let at = middle(&harness) + egui::vec2(40.0, 60.0);
    harness.event(Event::PointerMoved(at));
    harness.run_steps(2);
    settle(&mut harness);
    let lines = harness.state().studio().highlight().map(|highlight| highlight.lines.len());
    assert!(lines.is_some_and(|lines| lines > 4), "{lines:?}");
    assert_eq!(painted(&harness), 0, "nothing is painted yet");
    if let Some(folder) = std::env::var_os("LAMELLA_PICTURES") {
        harness.render().unwrap().save(std::path::Path::new(&folder).join("highlight.png")).unwrap();
    }
    harness.event(Event::PointerMoved(at + egui::vec2(-30.0, -40.0)));
    harness.run_steps(2);
    let seen = harness.state().studio().highlight().map(|highlight| highlight.key.at);
    settle(&mut harness);
    let now = harness.state().studio().highlight().map(|highlight| highlight.key.at);
    assert!(seen.is_none() || seen == now, "what the pointer left is not shown");
}

#[test]
fn at_two_pixels_per_point_a_click_hits_what_it_hits_at_one() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let painted_at = |pixels_per_point: f32| {
        let size = egui::vec2(1280.0, 800.0);
        let builder = egui_kittest::Harness::builder().with_size(size).with_pixels_per_point(pixels_per_point).wgpu();
        let mut harness = builder.build_eframe(|context| lamella::gui::App::ephemeral(context, Vec::new()));
        harness.run_steps(2);
        harness.get_by_label("Try the sample").click();
        harness.step();
        settle(&mut harness);
        run(&mut harness, "brush");
        let at = middle(&harness);
        drag(&mut harness, PointerButton::Primary, at, egui::vec2(40.0, 25.0));
        run(&mut harness, "ruler");
        drag(&mut harness, PointerButton::Primary, at, egui::vec2(60.0, -80.0));
        run(&mut harness, "adaptive-brush");
        harness.state_mut().request(Request::ToolOption(&BRUSH_SIZE, OptionValue::Number(14.0)));
        harness.event(Event::PointerMoved(at + egui::vec2(-30.0, 60.0)));
        harness.run_steps(2);
        settle(&mut harness);
        if let Some(folder) = std::env::var_os("LAMELLA_PICTURES") {
            let name = format!("points-{pixels_per_point}.png");
            harness.render().unwrap().save(std::path::Path::new(&folder).join(name)).unwrap();
        }
        let studio = harness.state().studio();
        let lines = studio.highlight().map(|highlight| highlight.lines.to_vec());
        let scan = studio.shown.unwrap();
        let measured: Vec<_> =
            studio.session.document().measurements(scan).iter().map(|(_, own)| own.clone()).collect();
        (harness.state().labels().unwrap().clone(), measured, lines)
    };
    let (one, two) = (painted_at(1.0), painted_at(2.0));
    assert!(one.0.same_labels(&two.0) && one.0.counts()[&1] > 20);
    assert_eq!((one.1.len(), &one.1), (1, &two.1), "the ruler lies in the same place");
    assert!(one.2.is_some() && one.2 == two.2, "the same region is shown under the pointer");
}
