//! The window: profiles of keys, the list of labels, states of slices, mirrored and inverted views, playing.
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

use std::path::PathBuf;
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Modifiers, PointerButton, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::session::{Maker, SliceState};
use lamella::volume::{LabelTable, LabelValue, Plane};
use window::*;

fn axial(harness: &Window) -> egui::Rect {
    harness.get_by_role_and_label(Role::Image, "Axial view").rect()
}

fn in_hand(harness: &Window) -> &'static str {
    harness.state().studio().hand.entry.id
}

fn table(harness: &Window) -> &LabelTable {
    harness.state().label_table().unwrap()
}

fn values(harness: &Window) -> Vec<LabelValue> {
    table(harness).0.iter().map(|label| label.value).collect()
}

fn voxels(harness: &Window) -> std::collections::BTreeMap<LabelValue, usize> {
    harness.state().labels().unwrap().counts()
}

fn press_key(harness: &mut Window, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(3);
}

/// Drags a button from one place to another.
fn drag(harness: &mut Window, button: PointerButton, from: egui::Pos2, by: egui::Vec2, modifiers: Modifiers) {
    harness.hover_at(from);
    harness.run_steps(2);
    harness.event(egui::Event::ModifiersChanged(modifiers));
    let event = |pos, pressed| egui::Event::PointerButton { pos, button, pressed, modifiers };
    harness.event(event(from, true));
    harness.step();
    for part in [0.5, 1.0] {
        harness.event(egui::Event::PointerMoved(from + by * part));
        harness.step();
    }
    harness.event(event(from + by, false));
    harness.step();
    harness.event(egui::Event::ModifiersChanged(Modifiers::NONE));
    harness.run_steps(3);
}

/// The sample with four labels, the first of them painted.
fn four_labels() -> Window {
    let mut harness = painted_sample(egui::vec2(30.0, 0.0));
    task(&mut harness, ANNOTATE);
    for _ in 0..3 {
        press(&mut harness, &format!("{} Add label", egui_phosphor::regular::PLUS));
    }
    assert_eq!(values(&harness), [1, 2, 3, 4]);
    harness
}

#[test]
fn a_profile_of_keys_is_chosen_and_its_habits_hold() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(30.0, 0.0));
    let painted = voxels(&harness);
    press_key(&mut harness, Modifiers::COMMAND, Key::K);
    harness.get_by_label("Keys of 3D Slicer").click();
    harness.run_steps(3);
    harness.get_by_label("Close").click();
    harness.run_steps(3);
    assert_eq!(in_hand(&harness), "crosshair", "Slicer begins without an effect");
    press_key(&mut harness, Modifiers::NONE, Key::Num1);
    assert_eq!(in_hand(&harness), "brush");
    press_key(&mut harness, Modifiers::NONE, Key::Num2);
    assert_eq!(in_hand(&harness), "polygon");
    press_key(&mut harness, Modifiers::NONE, Key::Space);
    assert_eq!(in_hand(&harness), "brush", "Space goes back to the last effect");
    // The image moves, and nothing is painted, while Shift is held.
    let middle = axial(&harness).center();
    drag(&mut harness, PointerButton::Primary, middle, egui::vec2(20.0, 10.0), Modifiers::SHIFT);
    let pan = harness.state().studio().view().unwrap().pose(Plane::Axial).pan_mm;
    assert!(pan[0] > 0.5 && pan[1] > 0.2, "{pan:?}");
    assert_eq!(voxels(&harness), painted);
    press_key(&mut harness, Modifiers::NONE, Key::Z);
    assert!(voxels(&harness).is_empty(), "Z takes the stroke back");
    press_key(&mut harness, Modifiers::NONE, Key::Escape);
    assert_eq!(in_hand(&harness), "crosshair");

    press_key(&mut harness, Modifiers::COMMAND, Key::K);
    harness.get_by_label("Keys of OHIF").click();
    harness.run_steps(3);
    harness.get_by_label("Close").click();
    harness.run_steps(3);
    assert_eq!(in_hand(&harness), "window-level");
    press_key(&mut harness, Modifiers::NONE, Key::Num2);
    let window = harness.state().window().unwrap();
    assert_eq!((window.width, window.level), (1500.0, -600.0), "2 is the lung window");
}

#[test]
fn a_label_is_shown_alone_and_what_was_hidden_stays_hidden() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = four_labels();
    press(&mut harness, "Hide Label 4");
    let shown = |harness: &Window| -> Vec<bool> { table(harness).0.iter().map(|label| label.visible).collect() };
    let alt_click = |harness: &mut Window, name: &str| {
        let at = harness.get_by_label(name).rect().center();
        drag(harness, PointerButton::Primary, at, egui::Vec2::ZERO, Modifiers::ALT);
    };
    alt_click(&mut harness, "Hide Label 2");
    assert_eq!(shown(&harness), [false, true, false, false]);
    alt_click(&mut harness, "Show Label 3");
    assert_eq!(shown(&harness), [false, false, true, false], "from one label to another");
    alt_click(&mut harness, "Hide Label 3");
    assert_eq!(shown(&harness), [true, true, true, false], "all but what was hidden before");
}

#[test]
fn labels_are_reordered_by_dragging_and_by_keys() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = four_labels();
    let from = harness.get_by_label("Move Label 1").rect().center();
    let to = harness.get_by_label("Move Label 3").rect().center();
    drag(&mut harness, PointerButton::Primary, from, to - from, Modifiers::NONE);
    assert_eq!(values(&harness), [2, 3, 1, 4]);
    // The label that was added last is the active one.
    press_key(&mut harness, Modifiers::ALT, Key::ArrowUp);
    press_key(&mut harness, Modifiers::ALT, Key::ArrowUp);
    assert_eq!(values(&harness), [2, 4, 3, 1]);
    press_key(&mut harness, Modifiers::COMMAND, Key::Z);
    press_key(&mut harness, Modifiers::COMMAND, Key::Z);
    assert_eq!(values(&harness), [1, 2, 3, 4]);
    assert_eq!(harness.state().active_label(), Some(4));
}

#[test]
fn labels_are_merged_in_one_step() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = four_labels();
    let painted = voxels(&harness);
    harness.state_mut().request(Request::Activate(1));
    harness.run_steps(2);
    press(&mut harness, "More about labels");
    harness.get_by_label_contains("Merge into").hover();
    harness.run_steps(6);
    harness.get_by_label_contains("Merge into").click();
    harness.run_steps(6);
    harness.get_by_label("Merge Label 1 into Label 3").click();
    harness.run_steps(2);
    settle(&mut harness);
    assert_eq!(values(&harness), [2, 3, 4]);
    assert_eq!(voxels(&harness), [(3, painted[&1])].into());
    assert_eq!(harness.state().active_label(), Some(3));
    press_key(&mut harness, Modifiers::COMMAND, Key::Z);
    assert_eq!((values(&harness), voxels(&harness)), (vec![1, 2, 3, 4], painted.clone()), "one undo step");
    // A locked label neither gives nor gets.
    press(&mut harness, "Lock Label 3");
    assert!(table(&harness).is_locked(3));
    harness.state_mut().request(Request::MergeLabels { from: 1, into: 3 });
    harness.run_steps(2);
    settle(&mut harness);
    assert_eq!(voxels(&harness), painted);
    assert!(harness.state().messages().iter().any(|text| text.contains("\"Label 3\" is locked")));
}

#[test]
fn structures_come_with_their_codes_and_names_go_to_files_and_back() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(30.0, 0.0));
    task(&mut harness, ANNOTATE);
    press(&mut harness, "More about labels");
    harness.get_by_label_contains("Add labels of").hover();
    harness.run_steps(6);
    harness.get_by_label_contains("Add labels of").click();
    harness.run_steps(6);
    harness.get_by_label("Tumour (7)").click();
    harness.run_steps(4);
    assert_eq!(values(&harness), [1, 2, 3, 4, 5, 6, 7, 8]);
    let necrosis = table(&harness).get(3).unwrap();
    assert_eq!(necrosis.name, "Necrosis");
    assert_eq!(necrosis.term.as_ref().unwrap().kind.value, "6574001");
    // The list is longer than its room: its bar lies beside the locks, not over them.
    press(&mut harness, "Lock Necrosis");
    assert!(table(&harness).is_locked(3));
    press_key(&mut harness, Modifiers::COMMAND, Key::Z);

    let folder = tempfile::tempdir().unwrap();
    let of = harness.state().studio().active().unwrap();
    let answer = |purpose, mode, path: PathBuf| Request::Answer(Answer { purpose, mode, path: Some(path) });
    let endings = vec![".label", ".txt", ".tsv"];
    for name in ["names.label", "names.tsv"] {
        let save = Mode::Save(String::new(), endings.clone());
        harness.state_mut().request(answer(Purpose::SaveNames(of), save, folder.path().join(name)));
        harness.run_steps(2);
        settle(&mut harness);
    }
    let text = std::fs::read_to_string(folder.path().join("names.label")).unwrap();
    assert!(text.contains("\"Necrosis\""), "{text}");
    // Names of another hand: two are other ones, one is new; it is one step.
    let other =
        text.replace("\"Necrosis\"", "\"Dead\"").replace("\"Cyst\"", "\"Bubble\"") + "  77  1 2 3 1 1 1 \"New\"\n";
    std::fs::write(folder.path().join("other.label"), other).unwrap();
    harness.state_mut().request(answer(Purpose::OpenNames(of), Mode::Open, folder.path().join("other.label")));
    harness.run_steps(2);
    settle(&mut harness);
    let names = |harness: &Window| [3, 5, 77].map(|value| table(harness).get(value).map(|label| label.name.clone()));
    assert_eq!(names(&harness), ["Dead", "Bubble", "New"].map(|name| Some(name.into())));
    assert!(harness.state().messages().iter().any(|text| text.contains("3 labels taken over from other.label")));
    press_key(&mut harness, Modifiers::COMMAND, Key::Z);
    assert_eq!(names(&harness), [Some("Necrosis".into()), Some("Cyst".into()), None]);
    // A file that is none is told of, and nothing changes.
    std::fs::write(folder.path().join("letter.txt"), "Dear colleague").unwrap();
    harness.state_mut().request(answer(Purpose::OpenNames(of), Mode::Open, folder.path().join("letter.txt")));
    harness.run_steps(2);
    settle(&mut harness);
    assert!(harness.state().messages().iter().any(|text| text.contains("lists no labels")));
    assert_eq!(names(&harness), [Some("Necrosis".into()), Some("Cyst".into()), None]);
}

fn slider(harness: &Window) -> String {
    harness.get_by_label("Axial slices").value().unwrap_or_default()
}

fn go_to(harness: &mut Window, steps: i64) {
    harness.state_mut().request(Request::Step(Plane::Axial, steps));
    harness.run_steps(3);
}

#[test]
fn slices_show_how_far_they_are_and_who_made_them() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    assert!(slider(&harness).ends_with(": To do"), "{}", slider(&harness));
    segment(&mut harness);
    let of = |harness: &Window| harness.state().studio().slice(Plane::Axial).unwrap();
    assert!(slider(&harness).contains(": Draft, by "), "{}", slider(&harness));
    let model = slider(&harness).rsplit_once(", by ").unwrap().1.to_string();
    press_key(&mut harness, Modifiers::NONE, Key::Num4);
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    assert!(slider(&harness).ends_with(&format!(": Corrected, by {model}, corrected by hand")), "{}", slider(&harness));
    let first = of(&harness);
    // The slice beside it is marked without being touched.
    go_to(&mut harness, 1);
    harness.hover_at(axial(&harness).center());
    harness.run_steps(2);
    press_key(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(slider(&harness).ends_with(&format!(": Done, by {model}")), "{}", slider(&harness));
    press_key(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(
        slider(&harness).ends_with(&format!(": Draft, by {model}")),
        "nobody has corrected it: {}",
        slider(&harness)
    );
    press_key(&mut harness, Modifiers::NONE, Key::Enter);
    // From slice to slice.
    press_key(&mut harness, Modifiers::COMMAND, Key::PageDown);
    assert_eq!(of(&harness), first - 1, "the corrected slice is not to do");
    press_key(&mut harness, Modifiers::ALT, Key::PageUp);
    assert_eq!(of(&harness), first + 1);
    press_key(&mut harness, Modifiers::COMMAND, Key::PageUp);
    assert_eq!(of(&harness), first + 2);
    press_key(&mut harness, Modifiers::ALT, Key::PageUp);
    assert!(harness.state().messages().iter().any(|text| text.contains("No axial slice that is done further on")));

    // It is in the file, and comes back with it.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.nii.gz");
    harness.state_mut().save_labels(path.clone());
    settle(&mut harness);
    let mut again = sample();
    again.state_mut().open_labels(path);
    settle(&mut again);
    let (saved, opened) = (harness.state().document().unwrap(), again.state().document().unwrap());
    assert_eq!(saved.states().collect::<Vec<_>>(), opened.states().collect::<Vec<_>>());
    assert_eq!(saved.makers().collect::<Vec<_>>(), opened.makers().collect::<Vec<_>>());
    assert_eq!(opened.maker(Plane::Axial, first), Some(&Maker::CorrectedModel(model)));
    assert_eq!(opened.state(Plane::Axial, first + 1), SliceState::Done);
    // Undo takes the hand's part back.
    press_key(&mut harness, Modifiers::COMMAND, Key::Z);
}

#[test]
fn the_slider_goes_to_the_slice_that_is_clicked() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let bar = harness.get_by_label("Axial slices").rect();
    let slice = |harness: &Window| harness.state().studio().slice(Plane::Axial).unwrap();
    let count = harness.state().studio().layout(Plane::Axial).unwrap().size[2];
    for (y, wanted) in [(bar.top() + 1.0, count - 1), (bar.bottom() - 1.0, 0), (bar.center().y, count / 2)] {
        let at = egui::pos2(bar.center().x, y);
        drag(&mut harness, PointerButton::Primary, at, egui::Vec2::ZERO, Modifiers::NONE);
        assert!(slice(&harness).abs_diff(wanted) <= 1, "{y}: {} of {count}", slice(&harness));
    }
    let before = slice(&harness);
    harness.get_by_label("Axial slices").focus();
    harness.run_steps(3);
    press_key(&mut harness, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(slice(&harness), before + 1, "arrow keys move it");
}

/// The labelled voxels along an axis of the axial view: their middle, in columns or rows.
fn middle_of_label(harness: &Window, axis: usize) -> f64 {
    let studio = harness.state().studio();
    let (layout, slice) = (studio.layout(Plane::Axial).unwrap(), studio.slice(Plane::Axial).unwrap());
    let mut values = Vec::new();
    layout.read_labels(harness.state().labels().unwrap(), slice, &mut values);
    let at: Vec<usize> = (0..values.len()).filter(|n| values[*n] != 0).collect();
    let along = |n: &usize| if axis == 0 { n % layout.size[0] } else { n / layout.size[0] };
    at.iter().map(along).sum::<usize>() as f64 / at.len() as f64
}

#[test]
fn a_flipped_view_is_mirrored_with_its_letters_and_is_painted_where_it_is_seen() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let columns = harness.state().studio().layout(Plane::Axial).unwrap().size[0] as f64;
    let at = axial(&harness).center() + egui::vec2(-40.0, -20.0);
    press_key(&mut harness, Modifiers::NONE, Key::Num4);
    drag(&mut harness, PointerButton::Primary, at, egui::vec2(4.0, 0.0), Modifiers::NONE);
    let left = middle_of_label(&harness, 0);
    assert!(left < columns / 2.0, "{left}");
    press_key(&mut harness, Modifiers::COMMAND, Key::Z);
    harness.hover_at(axial(&harness).center());
    harness.run_steps(2);
    let plain = harness.render().unwrap();
    press_key(&mut harness, Modifiers::SHIFT, Key::H);
    let mirrored = harness.render().unwrap();
    // Around the middle, where there is neither text nor slider.
    let rect = axial(&harness);
    let (x, y) = (rect.center().x as u32, rect.center().y as u32);
    let (mut off, mut change) = (0_u64, 0_u64);
    let mut compared = 0_u64;
    for dy in 20..60 {
        for dx in 20..60 {
            let (right, left) = (mirrored.get_pixel(x + dx, y + dy).0[1], plain.get_pixel(x - dx - 1, y + dy).0[1]);
            off += u64::from(right.abs_diff(left));
            change += u64::from(right.abs_diff(plain.get_pixel(x + dx, y + dy).0[1]));
            compared += 1;
        }
    }
    assert!(off / compared <= 6, "{} grey values apart in the mean", off / compared);
    assert!(change > 2 * off, "the picture did not change: {change} and {off}");
    drag(&mut harness, PointerButton::Primary, at, egui::vec2(4.0, 0.0), Modifiers::NONE);
    let right = middle_of_label(&harness, 0);
    assert!((left + right - (columns - 1.0)).abs() < 2.5, "{left} and {right} of {columns}");
    // The arrow to the right moves the cursor to the right of the screen.
    let column = |harness: &Window| {
        let studio = harness.state().studio();
        studio.layout(Plane::Axial).unwrap().screen(studio.view().unwrap().cursor)[0]
    };
    let before = column(&harness);
    press_key(&mut harness, Modifiers::NONE, Key::ArrowRight);
    assert_eq!(column(&harness), before - 1);
    task(&mut harness, LOOK);
    press(&mut harness, "Unflip all views");
    assert_eq!(harness.state().studio().view().unwrap().flips, [[false; 2]; 3]);
}

#[test]
fn an_inverted_view_is_bright_where_it_was_dark_and_the_right_button_may_change_the_window() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let grey = |harness: &mut Window| {
        let image = harness.render().unwrap();
        let rect = axial(harness).shrink(70.0);
        let mut sum = 0_u64;
        let mut count = 0_u64;
        for y in rect.top() as u32..rect.bottom() as u32 {
            for x in rect.left() as u32..rect.right() as u32 {
                sum += u64::from(image.get_pixel(x, y).0[2]);
                count += 1;
            }
        }
        sum as f64 / count as f64
    };
    press_key(&mut harness, Modifiers::SHIFT, Key::X);
    let before = grey(&mut harness);
    press_key(&mut harness, Modifiers::SHIFT, Key::I);
    let after = grey(&mut harness);
    assert!((before + after - 255.0).abs() < 6.0, "{before} and {after}");
    press_key(&mut harness, Modifiers::SHIFT, Key::I);

    let (window, pose) = (harness.state().window().unwrap(), |harness: &Window| {
        harness.state().studio().view().unwrap().pose(Plane::Axial)
    });
    let middle = axial(&harness).center();
    let zoom = pose(&harness).zoom;
    drag(&mut harness, PointerButton::Secondary, middle, egui::vec2(0.0, -40.0), Modifiers::NONE);
    assert!(harness.state().window().unwrap() == window && (pose(&harness).zoom - zoom).abs() > 0.01, "it zooms");
    task(&mut harness, LOOK);
    press(&mut harness, "Right drag changes the window");
    let zoom = pose(&harness).zoom;
    drag(&mut harness, PointerButton::Secondary, middle, egui::vec2(40.0, 0.0), Modifiers::NONE);
    let wider = harness.state().window().unwrap();
    assert!(wider.width > window.width && (pose(&harness).zoom - zoom).abs() < 1e-6, "{wider:?}");
}

#[test]
fn slices_are_played_until_a_key_is_pressed() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    harness.hover_at(axial(&harness).center());
    harness.run_steps(2);
    let slice = |harness: &Window| harness.state().studio().slice(Plane::Axial).unwrap();
    press_key(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::C);
    assert!(harness.state().studio().cine.is_some());
    let (first, start) = (slice(&harness), Instant::now());
    while slice(&harness) < first + 3 {
        harness.step();
        assert!(start.elapsed() < Duration::from_secs(10), "it does not play");
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = start.elapsed();
    assert!(took > Duration::from_millis(200), "three slices at ten a second took {took:?}");
    // The key stops it and does nothing else.
    let tool = in_hand(&harness);
    press_key(&mut harness, Modifiers::NONE, Key::Num4);
    assert!(harness.state().studio().cine.is_none());
    assert_eq!(in_hand(&harness), tool);
    let stopped = slice(&harness);
    std::thread::sleep(Duration::from_millis(300));
    harness.run_steps(5);
    assert_eq!(slice(&harness), stopped);
}
