//! The five jobs of docs/guide/compared.md, done by hand in the window: what the hands do is counted, and must be what the page says.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::cast_precision_loss, reason = "a few slices")]

#[path = "support/window.rs"]
mod window;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Modifiers, PointerButton, Pos2, Vec2, accesskit::Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::formats::write_labels;
use lamella::gui::App;
use lamella::session::SliceState;
use lamella::volume::{Annotations, LabelMap, Plane, PlaneLayout};
use lamella::work::Watch;
use window::*;

/// A user's hands, which count what they do.
struct Hands {
    window: Window,
    /// Clicks and drags, keys and wheel turns, files chosen.
    did: [usize; 4],
    /// While the program could not go on at once.
    waited: Duration,
}

impl Hands {
    fn on(window: Window) -> Self {
        Self { window, did: [0; 4], waited: Duration::ZERO }
    }

    fn settle(&mut self) {
        let start = Instant::now();
        settle(&mut self.window);
        self.waited += start.elapsed();
    }

    /// A click on what is called so.
    fn click(&mut self, role: Role, name: &str) {
        self.window.get_by_role_and_label(role, name).scroll_to_me();
        self.window.run_steps(3);
        self.window.get_by_role_and_label(role, name).click();
        self.did[0] += 1;
        self.window.run_steps(3);
        self.settle();
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.did[1] += 1;
        self.window.run_steps(3);
        self.settle();
    }

    fn write(&mut self, text: &str) {
        self.window.event(egui::Event::Text(text.into()));
        self.did[1] += text.len();
        self.window.run_steps(3);
    }

    /// A file chosen in a dialog: what is asked for, and the answer.
    fn choose(&mut self, purpose: Purpose, path: &Path) {
        let answer = Answer { purpose, mode: Mode::Open, path: Some(path.to_path_buf()) };
        self.window.state_mut().request(Request::Answer(answer));
        self.did[2] += 1;
        self.window.run_steps(3);
        self.settle();
    }

    fn view(&self) -> egui::Rect {
        self.window.get_by_role_and_label(Role::Image, "Axial view").rect()
    }

    fn drag(&mut self, button: PointerButton, through: &[Pos2]) {
        let press = |at: Pos2, pressed: bool| egui::Event::PointerButton {
            pos: at,
            button,
            pressed,
            modifiers: Modifiers::NONE,
        };
        self.window.hover_at(through[0]);
        self.window.run_steps(2);
        self.window.event(press(through[0], true));
        self.window.run_steps(1);
        for at in &through[1..] {
            self.window.hover_at(*at);
            self.window.run_steps(1);
        }
        self.window.event(press(through[through.len() - 1], false));
        self.did[0] += 1;
        self.window.run_steps(3);
        self.settle();
    }

    /// Turns the wheel over the axial view.
    fn turn(&mut self, lines: usize) {
        self.window.hover_at(self.view().center());
        self.window.run_steps(1);
        for _ in 0..lines {
            let (delta, modifiers) = (egui::vec2(0.0, 1.0), Modifiers::NONE);
            let unit = egui::MouseWheelUnit::Line;
            self.window.event(egui::Event::MouseWheel { unit, delta, modifiers, phase: egui::TouchPhase::Move });
        }
        self.did[1] += 1;
        self.window.run_steps(3);
    }

    fn labels(&self) -> LabelMap {
        self.window.state().labels().unwrap().clone()
    }

    /// Axial slices that have a label.
    fn slices(&self) -> Vec<usize> {
        let labels = self.labels();
        let layout = PlaneLayout::new(labels.geometry(), Plane::Axial);
        let mut slices = std::collections::BTreeSet::new();
        labels.for_each_labelled(|voxel, _| {
            slices.insert(layout.screen(voxel)[2]);
        });
        slices.into_iter().collect()
    }

    fn report(&self, job: &str, expected: [usize; 4]) {
        let [presses, keys, files, _] = self.did;
        let waited = self.waited.as_secs_f64();
        println!("{job}: {presses} clicks and drags, {keys} keys and turns, {files} files, waited {waited:.1} s");
        assert_eq!(self.did, expected, "{job}: docs/guide/compared.md says otherwise");
    }
}

/// A circle of so many points around a place.
fn ring(centre: Pos2, radius: f32) -> Vec<Pos2> {
    (0..=24).map(|n| centre + radius * Vec2::angled(n as f32 / 24.0 * std::f32::consts::TAU)).collect()
}

#[test]
fn outline_one_structure_on_twenty_slices() {
    let _alone = alone();
    let mut hands = Hands::on(sample());
    // Ten slices down to begin with, which every program needs alike.
    hands.window.hover_at(hands.view().center());
    hands.window.run_steps(2);
    for _ in 0..10 {
        hands.window.key_press(Key::PageDown);
        hands.window.run_steps(2);
    }
    hands.key(Modifiers::NONE, Key::Num6);
    for (n, step) in [0, 4, 4, 4, 4, 3].into_iter().enumerate() {
        if step > 0 {
            hands.turn(step);
        }
        let centre = hands.view().center();
        hands.drag(PointerButton::Primary, &ring(centre, 30.0 + 3.0 * n as f32));
    }
    assert_eq!(hands.slices().len(), 6);
    hands.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    hands.write("fill b");
    hands.key(Modifiers::NONE, Key::Enter);
    hands.click(Role::Button, "Apply");
    let slices = hands.slices();
    assert_eq!(slices.len(), 20, "{slices:?}; {:?}", hands.window.state().messages());
    hands.report("outline 20 slices", [7, 14, 0, 0]);
}

#[test]
fn correct_a_models_mask_on_five_slices() {
    let _alone = alone();
    let mut hands = Hands::on(sample());
    segment(&mut hands.window);
    let before = hands.labels();
    hands.key(Modifiers::NONE, Key::Num4);
    for n in 0..5 {
        if n > 0 {
            hands.turn(1);
        }
        let centre = hands.view().center();
        hands.drag(PointerButton::Primary, &[centre, centre + egui::vec2(20.0, 0.0)]);
        hands.drag(PointerButton::Secondary, &[centre + egui::vec2(0.0, 40.0), centre + egui::vec2(20.0, 40.0)]);
        hands.key(Modifiers::NONE, Key::Enter);
    }
    assert!(!hands.labels().same_labels(&before));
    let done = hands.window.state().document().unwrap().slices_in(SliceState::Done);
    assert_eq!(done.len(), 5);
    hands.report("correct five slices", [10, 10, 0, 0]);
}

#[test]
fn measure_a_volume() {
    let _alone = alone();
    let mut hands = Hands::on(painted_sample(egui::vec2(40.0, 0.0)));
    hands.key(Modifiers::NONE, EXPORT);
    let voxels = hands.labels().counts()[&1];
    hands.window.get_by_label_contains(&format!("Label 1: Voxels {voxels}, mL"));
    hands.report("measure a volume", [0, 1, 0, 0]);
}

/// A mask of a stroke, in a file.
fn mask(folder: &Path, name: &str, by: Vec2) -> PathBuf {
    let harness = painted_sample(by);
    let path = folder.join(name);
    let labels = harness.state().labels().unwrap().clone();
    write_labels(&path, &labels, &Annotations::default(), Watch::unwatched()).unwrap();
    path
}

#[test]
fn compare_two_readers() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let first = mask(folder.path(), "first.nii.gz", egui::vec2(40.0, 0.0));
    let second = mask(folder.path(), "second.nii.gz", egui::vec2(50.0, 5.0));
    let mut hands = Hands::on(sample());
    let of = hands.window.state().studio().active().unwrap();
    // Each file is asked for by a key or a click before it is chosen.
    hands.did[1] += 1;
    hands.choose(Purpose::OpenLabels(of), &first);
    assert!(hands.labels().counts().contains_key(&1));
    hands.key(Modifiers::NONE, LOOK);
    hands.did[0] += 1;
    hands.choose(Purpose::CompareWith(hands.window.state().studio().active().unwrap()), &second);
    hands.window.get_by_label_contains(": Dice 0.");
    hands.report("compare two readers", [1, 2, 2, 0]);
}

#[test]
fn resume_after_a_crash() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (scan, journals) = (folder.path().join("head.nii.gz"), folder.path().join("journals"));
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz"), &scan)
        .unwrap();
    let start = |paths: Vec<PathBuf>| {
        let journals = journals.clone();
        let mut window = Harness::builder()
            .with_size(Vec2::new(1280.0, 800.0))
            .wgpu()
            .build_eframe(|context| App::ephemeral_with_journals(context, paths, journals));
        settle(&mut window);
        window
    };
    let mut before = start(vec![scan]);
    before.key_press(Key::Num4);
    before.run_steps(2);
    drag_in_axial_view(&mut before, egui::vec2(40.0, 0.0));
    let painted = before.state().labels().unwrap().clone();
    // It goes without a word, as in a crash.
    drop(before);
    let mut hands = Hands::on(start(vec![]));
    hands.click(Role::Button, "Restore head.nii.gz");
    assert!(hands.labels().same_labels(&painted));
    hands.report("resume after a crash", [1, 0, 0, 0]);
}
