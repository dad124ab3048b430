//! What tests of the window need: one at a time, frames that are timed, a stroke, a control that is pressed.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc, clippy::must_use_candidate)]

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use eframe::App as _;
use eframe::egui::{self, Event, Key, Modifiers, PointerButton, Pos2, Vec2, accesskit::Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
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

/// Saves a picture for the guide, where they are wanted, on the ground that is cleared before panels are painted.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "parts of colours are from 0 to 255")]
pub fn picture(harness: &mut Window, name: &str) {
    let Some(folder) = std::env::var_os("LAMELLA_PICTURES") else { return };
    harness.run_steps(2);
    let ground = harness.state().clear_color(&harness.ctx.global_style().visuals.clone());
    let mut image = harness.render().unwrap();
    for pixel in image.pixels_mut() {
        let through = 1.0 - f32::from(pixel[3]) / 255.0;
        for (value, ground) in pixel.0.iter_mut().zip(ground) {
            *value = (f32::from(*value) + 255.0 * through * ground).round().min(255.0) as u8;
        }
        pixel[3] = u8::MAX;
    }
    image.save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
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

/// Presses a button of the mouse at the first point of a way, and holds it along to the last.
pub fn hold_along(harness: &mut Window, button: PointerButton, way: &[Pos2], modifiers: Modifiers) {
    let first = *way.first().expect("a way has a point");
    harness.event(Event::PointerMoved(first));
    harness.event(Event::ModifiersChanged(modifiers));
    harness.run_steps(2);
    harness.event(Event::PointerButton { pos: first, button, pressed: true, modifiers });
    harness.step();
    for at in &way[1..] {
        harness.event(Event::PointerMoved(*at));
        harness.step();
    }
}

/// The same, and lets go of it there.
pub fn drag_along(harness: &mut Window, button: PointerButton, way: &[Pos2], modifiers: Modifiers) {
    hold_along(harness, button, way, modifiers);
    harness.step();
    let last = *way.last().expect("a way has a point");
    harness.event(Event::PointerButton { pos: last, button, pressed: false, modifiers });
    harness.event(Event::ModifiersChanged(Modifiers::NONE));
    harness.run_steps(2);
}

/// Clicks a point of the window with the left button.
pub fn click_at(harness: &mut Window, at: Pos2) {
    harness.hover_at(at);
    harness.run_steps(2);
    harness.drag_at(at);
    harness.step();
    harness.drop_at(at);
    harness.run_steps(2);
}

pub fn sample() -> Window {
    let mut harness = window(Vec::new());
    harness.run_steps(2);
    harness.get_by_label("Try the sample").click();
    harness.step();
    settle(&mut harness);
    harness
}

/// Keys of the tasks on the right.
pub const LOOK: Key = Key::F1;
pub const ANNOTATE: Key = Key::F2;
pub const SEGMENTING: Key = Key::F3;
pub const TEACH: Key = Key::F4;
pub const EXPORT: Key = Key::F5;

/// Opens a task.
pub fn task(harness: &mut Window, key: Key) {
    harness.key_press(key);
    harness.run_steps(4);
}

/// Opens the task that has a control with this in its label, and brings it into sight.
pub fn find(harness: &mut Window, part: &str) {
    for key in [None, Some(SEGMENTING), Some(ANNOTATE), Some(TEACH), Some(LOOK), Some(EXPORT)] {
        key.into_iter().for_each(|key| task(harness, key));
        let found = harness.query_all_by_label_contains(part).next();
        if found.inspect(egui_kittest::Node::scroll_to_me).is_some() {
            harness.run_steps(3);
            return;
        }
    }
    panic!("no task has a control that is called {part}; messages: {:?}", harness.state().messages());
}

/// Brings a control into sight and presses it.
pub fn press(harness: &mut Window, label: &str) {
    find(harness, label);
    harness.get_by_label(label).scroll_to_me();
    harness.run_steps(3);
    harness.get_by_label(label).click();
    harness.run_steps(3);
}

/// Runs the model, and waits for what it finds.
pub fn segment(harness: &mut Window) {
    find(harness, SEGMENT);
    harness.get_by_label_contains(SEGMENT).click();
    harness.step();
    settle(harness);
}

/// The classifier's preview, while there is one.
pub fn preview(harness: &Window) -> Option<lamella::volume::LabelMap> {
    let studio = harness.state().studio();
    let live = studio.label_view()?.preview.as_ref()?;
    lamella::app::act::pixels::has_preview(studio).then(|| live.labels.clone())
}

/// Points of the loss in the curve of a training.
pub fn curve_points(harness: &Window) -> usize {
    harness.state().studio().teach.curve.loss.len()
}

/// The share of the running training that is done, and the validations so far.
pub fn teaching(harness: &Window) -> Option<(f32, usize)> {
    use lamella::jobs::{Job, TrainJob};
    let studio = harness.state().studio();
    let validations = studio.teach.curve.dice.values().map(Vec::len).max().unwrap_or(0);
    studio.tasks.find(TrainJob::KIND).map(|task| (task.fraction, validations))
}

/// Runs a command.
pub fn run(harness: &mut Window, id: &'static str) {
    harness.state_mut().request(Request::Run(id));
    harness.run_steps(3);
}
