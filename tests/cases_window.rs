//! A folder of scans in the window: from case to case, what goes along, what stays, what is known after a restart.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/window.rs"]
mod window;

use std::path::Path;

use eframe::egui::{self, Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::volume::Window as DisplayWindow;
use window::*;

/// The sample under other names.
fn write_scans(folder: &Path, names: &[&str]) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    for name in names {
        std::fs::copy(&sample, folder.join(format!("{name}.nii.gz"))).unwrap();
    }
}

fn shown(harness: &Window) -> String {
    harness.state().studio().shown_item().map(|item| item.entry.name.clone()).unwrap_or_default()
}

/// What the list says of a case.
fn state(harness: &Window, case: &str) -> String {
    harness.get_by_role_and_label(Role::Button, case).value().unwrap_or_default()
}

fn go(harness: &mut Window, key: Key) {
    harness.key_press_modifiers(Modifiers::COMMAND, key);
    harness.run_steps(3);
    settle(harness);
}

fn voxels(harness: &Window) -> usize {
    harness.state().labels().unwrap().counts().values().sum()
}

#[test]
fn a_folder_is_worked_through_case_by_case() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write_scans(folder.path(), &["case10", "case2", "case1"]);
    let mut harness = window(vec![folder.path().to_path_buf()]);
    settle(&mut harness);
    assert_eq!(shown(&harness), "case1");
    harness.get_by_label("Case 1 of 3");
    harness.get_by_label("3 not begun");
    // Labels, a window and a stroke in the first one.
    task(&mut harness, ANNOTATE);
    harness.key_press(Key::N);
    harness.key_press(Key::N);
    harness.run_steps(3);
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    let chosen = DisplayWindow { level: 390.0, width: 330.0 };
    harness.state_mut().request(Request::Window(chosen));
    drag_in_axial_view(&mut harness, egui::vec2(40.0, 0.0));
    let stroke = voxels(&harness);
    assert!(stroke > 0);
    let (labels, active) = (harness.state().label_table().unwrap().clone(), harness.state().active_label());
    assert_eq!((state(&harness, "case1"), labels.0.len(), active), ("Draft".into(), 2, Some(2)));
    // The next one has them too, and nothing is asked.
    go(&mut harness, Key::ArrowRight);
    assert_eq!(shown(&harness), "case2");
    assert!(harness.state().studio().leaving.is_none());
    harness.get_by_label("Case 2 of 3");
    assert_eq!((harness.state().window(), harness.state().label_table()), (Some(chosen), Some(&labels)));
    assert_eq!((harness.state().active_label(), voxels(&harness)), (active, 0));
    assert_eq!([state(&harness, "case1"), state(&harness, "case2")], ["Draft", "Not begun"]);
    // An outline that is not closed is not lost by going on.
    harness.key_press(Key::Num5);
    harness.run_steps(2);
    let centre = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
    harness.hover_at(centre);
    harness.run_steps(1);
    harness.drag_at(centre);
    harness.drop_at(centre);
    harness.run_steps(2);
    go(&mut harness, Key::ArrowRight);
    assert_eq!(shown(&harness), "case2");
    let told = harness.state().messages().join("\n");
    assert!(told.contains("Finish what the tool is drawing"), "{told}");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    // Back: the stroke is there; it is saved, and the next one is saved without a question.
    harness.get_by_label("Previous case").click();
    harness.run_steps(3);
    assert_eq!((shown(&harness).as_str(), voxels(&harness)), ("case1", stroke));
    harness.state_mut().save_labels(folder.path().join("case1_seg.nii.gz"));
    harness.step();
    settle(&mut harness);
    assert_eq!(state(&harness, "case1"), "Saved");
    harness.get_by_label("Next case").click();
    harness.run_steps(3);
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 40.0));
    let second = voxels(&harness);
    go(&mut harness, Key::S);
    assert!(folder.path().join("case2_seg.nii.gz").is_file(), "{:?}", harness.state().messages());
    go(&mut harness, Key::D);
    assert_eq!(
        [state(&harness, "case1"), state(&harness, "case2"), state(&harness, "case10")],
        ["Saved", "Done", "Not begun"]
    );
    harness.get_by_label("1 done, 1 saved, 1 not begun");
    picture(&mut harness, "cases");
    // Opened once more, the folder has two masks that are no cases, and one scan more.
    write_scans(folder.path(), &["case3"]);
    harness.state_mut().request(Request::Open(vec![folder.path().to_path_buf()]));
    harness.step();
    settle(&mut harness);
    assert_eq!(shown(&harness), "case3");
    harness.get_by_label("Case 3 of 4");
    std::fs::remove_file(folder.path().join("case3.nii.gz")).unwrap();
    drop(harness);
    // After a restart the list knows it, and the segmentation comes with its scan.
    let mut harness = window(vec![folder.path().to_path_buf()]);
    settle(&mut harness);
    assert_eq!(
        [state(&harness, "case1"), state(&harness, "case2"), state(&harness, "case10")],
        ["Saved", "Done", "Not begun"]
    );
    assert_eq!((shown(&harness).as_str(), voxels(&harness)), ("case1", stroke));
    assert_eq!(harness.state().label_table(), Some(&labels));
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::ArrowRight);
    harness.run_steps(3);
    settle(&mut harness);
    assert_eq!(shown(&harness), "case10", "the one between is done");
    go(&mut harness, Key::ArrowLeft);
    assert_eq!((shown(&harness).as_str(), voxels(&harness)), ("case2", second));
    assert!(!harness.state().document().unwrap().is_modified());
}
