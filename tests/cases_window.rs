//! A folder of scans in the window: from case to case, what goes along, what stays, what is known after a restart.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/window.rs"]
mod window;

use std::path::Path;

use eframe::egui::{self, Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::volume::{Affine, Geometry, Rescale, Volume, Voxels, Window as DisplayWindow};
use window::*;

fn write_scan(path: &Path) {
    let geometry = Geometry::new([40, 32, 20], Affine::IDENTITY).unwrap();
    let values: Vec<i16> = (0i16..).map(|n| n % 251).take(geometry.voxel_count()).collect();
    let volume = Volume::new(geometry, Voxels::I16(values.into()), vec![], Rescale::IDENTITY, "scan".into());
    lamella::formats::write_volume(path, &volume, lamella::work::Watch::unwatched()).unwrap();
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

fn picture(harness: &mut Window, name: &str) {
    if let Some(folder) = std::env::var_os("LAMELLA_PICTURES") {
        harness.run_steps(2);
        harness.render().unwrap().save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

#[test]
fn a_folder_is_worked_through_case_by_case() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    ["case10.nii", "case2.nii", "case1.nii"].into_iter().for_each(|name| write_scan(&folder.path().join(name)));
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
    let chosen = DisplayWindow { level: 120.0, width: 60.0 };
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
