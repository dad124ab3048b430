//! Pictures whose files do not say how large a voxel is: the window asks before it shows them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/window.rs"]
mod window;

use std::path::Path;

use eframe::egui::{Key, accesskit::Role};
use egui_kittest::kittest::Queryable;
use image::{GrayImage, Luma};
use window::*;

/// Slices of one size in a folder.
fn write_stack(folder: &Path, names: &[&str]) {
    std::fs::create_dir_all(folder).unwrap();
    for (value, name) in (1u8..).zip(names) {
        GrayImage::from_pixel(24, 16, Luma([value])).save(folder.join(name)).unwrap();
    }
}

fn fill(harness: &mut Window, label: &str, text: &str) {
    harness.get_by_role_and_label(Role::TextInput, label).focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::TextInput, label).type_text(text);
    harness.run_steps(2);
}

fn click(harness: &mut Window, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(3);
    settle(harness);
}

#[test]
fn a_stack_opens_with_the_size_that_is_typed() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write_stack(folder.path(), &["s2.png", "s10.png", "s1.png"]);
    let mut harness = window(vec![folder.path().to_path_buf()]);
    settle(&mut harness);
    assert!(harness.state().studio().shown.is_none(), "nothing is shown before the user has said it");
    harness.get_by_label_contains("3 files, in the order of their numbers: s1.png, s2.png, s10.png");
    fill(&mut harness, "Pixel width", "0.5");
    fill(&mut harness, "Pixel height", "0,25");
    fill(&mut harness, "Distance of slices", "nothing");
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert!(harness.state().studio().shown.is_none(), "what is no number opens nothing");
    harness.get_by_role_and_label(Role::TextInput, "Distance of slices").focus();
    harness.run_steps(2);
    for _ in 0.."nothing".len() {
        harness.key_press(Key::Backspace);
    }
    harness.run_steps(2);
    fill(&mut harness, "Distance of slices", "3");
    picture(&mut harness, "voxel-size");
    click(&mut harness, "Open");
    let volume = harness.state().studio().volume().unwrap().clone();
    assert_eq!((volume.geometry.shape(), volume.geometry.spacing_mm()), ([24, 16, 3], [0.5, 0.25, 3.0]));
    // The files were numbered, so s10 comes last.
    assert_eq!([0, 1, 2].map(|k| volume.value([0, 0, k], 0)), [3.0, 1.0, 2.0]);
    assert!(!volume.geometry.is_size_assumed() && volume.warnings.is_empty(), "{:?}", volume.warnings);
}

#[test]
fn nobody_has_to_know_it_and_then_the_badge_says_so() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write_stack(folder.path(), &["s1.png", "s2.png"]);
    let mut harness = window(vec![folder.path().to_path_buf()]);
    settle(&mut harness);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().studio().sizing.form.is_none() && harness.state().studio().shown.is_none());
    // The list asks again.
    let name = folder.path().file_name().unwrap().to_string_lossy().into_owned();
    harness.get_by_role_and_label(Role::Button, &name).click();
    harness.run_steps(3);
    click(&mut harness, "Unknown, use pixels");
    let volume = harness.state().studio().volume().unwrap().clone();
    assert!(volume.geometry.is_size_assumed() && volume.geometry.spacing_mm() == [1.0; 3]);
    assert!(volume.warnings[0].contains("count pixels"), "{:?}", volume.warnings);
}

#[test]
fn one_answer_can_hold_for_a_folder() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Two stacks, which are of one size each.
    for (n, side) in [("a", 20), ("b", 30)] {
        GrayImage::from_pixel(side, side, Luma([7])).save(folder.path().join(format!("{n}.png"))).unwrap();
    }
    let mut harness = window(vec![folder.path().to_path_buf()]);
    settle(&mut harness);
    harness.get_by_label_contains("Also for the other picture").click();
    harness.run_steps(2);
    fill(&mut harness, "Pixel width", "0.1");
    fill(&mut harness, "Pixel height", "0.1");
    click(&mut harness, "Open");
    let shape = |harness: &Window| harness.state().studio().volume().unwrap().geometry.shape();
    let first = shape(&harness);
    harness.get_by_role_and_label(Role::Button, if first == [20, 20, 1] { "b" } else { "a" }).click();
    harness.run_steps(3);
    settle(&mut harness);
    assert_ne!(shape(&harness), first);
    assert_eq!(harness.state().studio().volume().unwrap().geometry.spacing_mm(), [0.1, 0.1, 1.0]);
}
