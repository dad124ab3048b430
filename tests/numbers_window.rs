//! Numbers of labels and the comparison of two segmentations in the window.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "support/window.rs"]
mod window;

use eframe::egui::{self, Key, Modifiers, OutputCommand, accesskit::Role};
use egui_kittest::kittest::Queryable;
use window::*;

/// What was put on the clipboard in the last frame.
fn copied(harness: &Window) -> Option<String> {
    harness.output().platform_output.commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

/// Presses a button and gives what it put on the clipboard.
fn copy_by(harness: &mut Window, part: &str) -> String {
    find(harness, part);
    harness.get_by_label_contains(part).click();
    for _ in 0..4 {
        harness.step();
        if let Some(text) = copied(harness) {
            return text;
        }
    }
    panic!("nothing was copied by {part}");
}

#[test]
fn numbers_follow_the_brush_and_are_copied() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(40.0, 0.0));
    task(&mut harness, EXPORT);
    settle(&mut harness);
    let voxels = |harness: &Window| harness.state().labels().unwrap().counts()[&1];
    let before = voxels(&harness);
    harness.get_by_label_contains(&format!("Label 1: Voxels {before}, mL"));
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 50.0));
    settle(&mut harness);
    let after = voxels(&harness);
    assert!(after > before);
    harness.get_by_label_contains(&format!("Label 1: Voxels {after}, mL"));
    let csv = copy_by(&mut harness, "Copy CSV");
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("label,name,voxels,volume_ml,mean,std"), "{csv}");
    assert!(lines.next().unwrap().starts_with(&format!("1,Label 1,{after},")), "{csv}");
    assert!(
        harness.state().messages().iter().any(|text| text.contains("clipboard")),
        "{:?}",
        harness.state().messages()
    );
}

#[test]
fn two_segmentations_are_compared_by_label_and_slice() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(40.0, 0.0));
    let first = harness.state().labels().unwrap().clone();
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::N);
    harness.run_steps(3);
    harness.key_press(Key::N);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, egui::vec2(60.0, 0.0));
    let second = harness.state().labels().unwrap().clone();
    let count = |labels: &lamella::volume::LabelMap| labels.counts()[&1] as f64;
    let mut overlap = 0.0;
    first.for_each_labelled(|voxel, label| overlap += f64::from(u8::from(label != 0 && second.get(voxel) == label)));
    let dice = 2.0 * overlap / (count(&first) + count(&second));
    assert!(dice > 0.3 && dice < 1.0, "{dice}");
    task(&mut harness, LOOK);
    harness.get_by_role_and_label(Role::ComboBox, "With").scroll_to_me();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::ComboBox, "With").click();
    harness.run_steps(4);
    harness.get_by_role_and_label(Role::Button, "Segmentation").click();
    harness.step();
    settle(&mut harness);
    let row = format!("Label 1: Dice {dice:.3}");
    find(&mut harness, &row);
    harness.get_by_label_contains(&row).click();
    harness.step();
    settle(&mut harness);
    let slice = harness.get_by_role_and_label(Role::Image, "Axial view").value().unwrap_or_default();
    let number: usize = slice.split_whitespace().nth(1).unwrap().parse().unwrap();
    harness.key_press(Key::PageUp);
    harness.run_steps(3);
    let row = format!("Slice {number}: Dice {dice:.3}");
    find(&mut harness, &row);
    harness.get_by_label_contains(&row).click_accesskit();
    harness.run_steps(3);
    let back = harness.get_by_role_and_label(Role::Image, "Axial view").value().unwrap_or_default();
    assert_eq!(back, slice, "a click on a slice goes there");
    press(&mut harness, "Show differences");
    settle(&mut harness);
    let studio = harness.state().studio();
    let (shown, is_preview) = studio.shown_labels().unwrap();
    let counts = shown.counts();
    assert!(is_preview, "differences are no labels");
    // The segmentation in hand is the first of the two.
    assert_eq!(counts.get(&1).copied().unwrap_or(0) as f64, count(&second) - overlap);
    assert_eq!(counts.get(&2).copied().unwrap_or(0) as f64, count(&first) - overlap);
    let names: Vec<&str> = studio.shown_table().unwrap().0.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["Only in Segmentation 2", "Only in Segmentation", "Another label in each"]);
    let csv = copy_by(&mut harness, "Copy CSV");
    assert!(csv.contains("Label 1,Axial,"), "{csv}");
}
