//! Slices as pictures in the window: a preview follows the choices, and what is saved is what was chosen.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/window.rs"]
mod window;

use eframe::egui::{Key, Vec2, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::figures::{FigureForm, FigureKind, FigureRequest};
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::jobs::SliceContent;
use window::*;

fn form(harness: &Window) -> FigureForm {
    harness.state().studio().figures.form.clone().unwrap()
}

fn choose(harness: &mut Window, change: impl FnOnce(&mut FigureForm)) {
    let mut form = form(harness);
    change(&mut form);
    harness.state_mut().request(Request::Figure(FigureRequest::Form(Box::new(form))));
    harness.run_steps(2);
    settle(harness);
}

fn save(harness: &mut Window, mode: Mode, path: &std::path::Path) -> String {
    let studio = harness.state().studio();
    let purpose = Purpose::SaveFigure(studio.shown.unwrap(), form(harness).kind);
    harness.state_mut().request(Request::Answer(Answer { purpose, mode, path: Some(path.to_path_buf()) }));
    harness.run_steps(2);
    settle(harness);
    let said = harness.state().studio().figures.said.clone().unwrap();
    assert!(!said.is_error, "{}", said.text);
    said.text
}

#[test]
fn a_sheet_is_seen_before_it_is_saved_and_slices_go_into_a_folder() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = painted_sample(Vec2::new(30.0, 10.0));
    harness.state_mut().request(Request::Run("file.figures"));
    harness.run_steps(3);
    settle(&mut harness);
    // The slices with labels are proposed, as the views count them.
    let slice = harness.state().studio().slice(lamella::volume::Plane::Axial).unwrap() + 1;
    let proposed = form(&harness);
    let count = harness.state().studio().volume().unwrap().geometry.shape();
    assert!(proposed.numbers(count[2]).unwrap().contains(&(slice - 1)), "{} {slice}", proposed.slices);
    choose(&mut harness, |form| (form.slices, form.columns) = ("5-28:2".into(), 4));
    let preview = |harness: &Window| harness.state().studio().figures.preview.as_ref().unwrap().1.clone();
    let first = preview(&harness);
    harness.get_by_role_and_label(Role::Image, "Preview");
    picture(&mut harness, "figures-sheet");
    choose(&mut harness, |form| form.ground = lamella::drawing::Ground::Black);
    assert_eq!((first.rgba[0], preview(&harness).rgba[0]), (255, 0), "the preview follows");
    // What cannot be drawn is said, and cannot be saved.
    choose(&mut harness, |form| form.slices = "0-3".into());
    assert!(harness.query_all_by_label_contains("counted from 1").next().is_some());
    picture(&mut harness, "figures-wrong");
    assert!(lamella::app::act::figures::lacks(harness.state().studio()).is_some());
    choose(&mut harness, |form| form.slices = "5-28:2".into());
    let sheet = folder.path().join("sheet.png");
    let said = save(&mut harness, Mode::Save("PNG".into(), vec![".png", ".tif"]), &sheet);
    let drawn = image::open(&sheet).unwrap().into_rgb8();
    assert!(said.contains(&format!("{} x {} pixels at 300", drawn.width(), drawn.height())), "{said}");
    // A page of 174 mm at 300 dots per inch.
    assert!((2040..=2055).contains(&drawn.width()), "{}", drawn.width());
    choose(&mut harness, |form| (form.kind, form.content) = (FigureKind::Files, SliceContent::Labels));
    picture(&mut harness, "figures-files");
    let out = folder.path().join("out");
    assert!(save(&mut harness, Mode::Folder, &out).contains("12 pictures"));
    let of_slice = std::fs::read_dir(&out).unwrap().count();
    assert_eq!(of_slice, 12);
    choose(&mut harness, |form| (form.kind, form.content) = (FigureKind::Stack, SliceContent::Values));
    let stack = folder.path().join("stack.tif");
    save(&mut harness, Mode::Save("TIFF".into(), vec![".tif"]), &stack);
    let back = lamella::formats::open_one(&stack, None, lamella::work::Watch::unwatched()).unwrap();
    assert_eq!(back.geometry.shape()[2], 12);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().studio().figures.form.is_none());
}
