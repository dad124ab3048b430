//! What tests of the window need: one at a time, frames that are timed, a stroke, a control that is pressed.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc, clippy::must_use_candidate)]

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Vec2, accesskit::Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use lamella::gui::App;

pub type Window = Harness<'static, App>;

/// Start of the button that runs the model; the number of slices is the model's affair.
pub const SEGMENT: &str = "Segment ";

/// Frames are timed, so only one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub fn window(paths: Vec<PathBuf>) -> Window {
    Harness::builder().with_size(Vec2::new(1280.0, 800.0)).wgpu().build_eframe(|context| App::ephemeral(context, paths))
}

/// Whether a graphics device is at hand; in CI there must be one.
pub fn can_render() -> bool {
    let made = std::panic::catch_unwind(|| {
        let mut harness = window(Vec::new());
        harness.run_steps(2);
        harness.render().is_ok()
    });
    let works = made.unwrap_or(false);
    assert!(works || std::env::var_os("LAMELLA_CI").is_none(), "CI needs a (software) Vulkan driver");
    if !works {
        eprintln!("skipped: no graphics device to render with");
    }
    works
}

/// Runs frames until no job runs; no frame may take longer than a blink.
pub fn settle(harness: &mut Window) {
    let start = Instant::now();
    loop {
        let frame = Instant::now();
        harness.step();
        assert!(frame.elapsed() < Duration::from_millis(500), "a frame took {:?}", frame.elapsed());
        if harness.state().is_idle() {
            break;
        }
        assert!(start.elapsed() < Duration::from_mins(2), "jobs did not end");
        std::thread::sleep(Duration::from_millis(5));
    }
    harness.run_steps(3);
}

/// The sample with the brush in hand and a stroke in the axial view.
pub fn painted_sample(by: egui::Vec2) -> Window {
    let mut harness = sample();
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, by);
    harness
}

/// Drags the left button from the middle of the axial view.
pub fn drag_in_axial_view(harness: &mut Window, by: egui::Vec2) {
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
    harness.drag_at(place);
    harness.step();
    harness.hover_at(place + by);
    harness.run_steps(2);
    harness.drop_at(place + by);
    harness.run_steps(3);
}

pub fn sample() -> Window {
    let mut harness = window(Vec::new());
    harness.run_steps(2);
    harness.get_by_label("Try the sample").click();
    harness.step();
    settle(&mut harness);
    harness
}

/// Brings a control into sight and presses it.
pub fn press(harness: &mut Window, label: &str) {
    harness.get_by_label(label).scroll_to_me();
    harness.run_steps(3);
    harness.get_by_label(label).click();
    harness.run_steps(3);
}
