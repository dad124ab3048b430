//! What users met in the window: labels that changed their meaning, masks that could not be saved, models that do not fit.
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

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eframe::egui::{self, Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::{NodeT, Queryable};
use lamella::app::Request;
use lamella::volume::{Affine, Geometry, LabelMap, LabelTable, Rescale, Volume, Voxels};
use lamella::work::Watch;
use window::*;

fn shape_of(harness: &Window) -> [usize; 3] {
    harness.state().labels().unwrap().geometry().shape()
}

/// Values by the names of the labels.
fn values(harness: &Window) -> BTreeMap<String, u16> {
    let LabelTable(labels) = harness.state().label_table().unwrap();
    labels.iter().map(|label| (label.name.clone(), label.value)).collect()
}

/// Voxels by the names of the labels.
fn voxels(harness: &Window) -> BTreeMap<String, usize> {
    let counts = harness.state().labels().unwrap().counts();
    values(harness).into_iter().map(|(name, value)| (name, counts.get(&value).copied().unwrap_or(0))).collect()
}

/// Types another text into the field that has this one.
fn retype(harness: &mut Window, before: &str, after: &str) {
    task(harness, ANNOTATE);
    let field =
        harness.get_all_by_role(Role::TextInput).find(|node| node.accesskit_node().value().as_deref() == Some(before));
    field.unwrap().focus();
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    let field =
        harness.get_all_by_role(Role::TextInput).find(|node| node.accesskit_node().value().as_deref() == Some(before));
    field.unwrap().type_text(after);
    harness.run_steps(2);
    // Keys are the window's again.
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().left_bottom() + egui::vec2(6.0, -6.0);
    harness.hover_at(place);
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
}

/// A stroke over the hippocampus of the sample, called tumour.
fn tumour() -> Window {
    let mut harness = painted_sample(egui::vec2(40.0, 20.0));
    retype(&mut harness, "Label 1", "Tumour");
    assert_eq!(values(&harness), BTreeMap::from([("Tumour".into(), 1)]));
    harness
}

fn said(harness: &Window, part: &str) -> bool {
    harness.state().messages().iter().any(|message| message.contains(part))
}

fn undo(harness: &mut Window) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
}

#[test]
fn a_models_class_is_not_written_under_the_users_label_of_its_number() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    segment(&mut harness);
    let alone = voxels(&harness);
    assert!(alone["Anterior"] > 500 && alone["Posterior"] > 500, "{alone:?}");
    // In a finished slice, locked, and neither of both.
    for case in ["done", "locked", "plain"] {
        let mut harness = tumour();
        let painted = harness.state().labels().unwrap().clone();
        let tumour = painted.counts()[&1];
        match case {
            "done" => {
                let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
                harness.hover_at(place);
                harness.run_steps(2);
                harness.key_press(Key::Enter);
                harness.run_steps(3);
            }
            "locked" => press(&mut harness, "Lock Tumour"),
            _ => {}
        }
        segment(&mut harness);
        let now = voxels(&harness);
        assert_eq!(now["Tumour"], tumour, "{case}: what was drawn by hand stays, and nothing is added to it");
        let labels = harness.state().labels().unwrap();
        painted.for_each_labelled(|voxel, _| assert_eq!(labels.get(voxel), 1, "{case} {voxel:?}"));
        let values = values(&harness);
        assert_eq!(values["Tumour"], 1, "{case}");
        for name in ["Anterior", "Posterior"] {
            assert_ne!(values[name], 1, "{case}");
            let lost = alone[name] - now[name];
            // Only the tumour's voxels, or those of the finished slice, are missing.
            let most = if case == "done" { shape_of(&harness)[0] * shape_of(&harness)[1] } else { tumour };
            assert!(lost <= most, "{case}: {name} has {} of {} voxels", now[name], alone[name]);
        }
        if case != "done" {
            let lost = alone["Anterior"] + alone["Posterior"] - now["Anterior"] - now["Posterior"];
            assert!(lost > 0, "the stroke must lie on the hippocampus for this test to say something");
            let by = if case == "locked" { "kept out by the locked label Tumour" } else { "kept out by Tumour" };
            assert!(said(&harness, by), "{case}: {:?}", harness.state().messages());
        }
        assert!(
            said(&harness, "Anterior is label 3 here: number 1 is your \"Tumour\""),
            "{:?}",
            harness.state().messages()
        );
        undo(&mut harness);
        assert!(harness.state().labels().unwrap().same_labels(&painted), "{case}: one undo step");
    }
}

#[test]
fn a_name_is_joined_whatever_its_number_and_its_case() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(40.0, 20.0));
    // The user's first label has the name of the model's second.
    retype(&mut harness, "Label 1", "posterior ");
    segment(&mut harness);
    // The stroke is in a corrected slice, and the model knows its label: the user is asked.
    assert!(harness.query_by_label("Keep corrected slices").is_some());
    harness.get_by_label("Use the model's labels").click();
    harness.run_steps(3);
    settle(&mut harness);
    let values = values(&harness);
    assert_eq!((values.len(), values["posterior "], values["Anterior"]), (2, 1, 3), "{values:?}");
    let voxels = voxels(&harness);
    assert!(voxels["posterior "] > 500 && voxels["Anterior"] > 500, "{voxels:?}");
}

#[test]
fn slices_that_were_corrected_are_not_changed_by_a_run_without_a_word() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    segment(&mut harness);
    let first = harness.state().labels().unwrap().clone();
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, egui::vec2(40.0, 20.0));
    let corrected = harness.state().labels().unwrap().clone();
    assert_ne!(first.counts(), corrected.counts());
    for (choice, kept) in
        [("Keep mine", &corrected), ("Keep corrected slices", &corrected), ("Use the model's labels", &first)]
    {
        segment(&mut harness);
        assert!(harness.query_by_label_contains("A slice that you corrected would change").is_some());
        assert!(harness.state().labels().unwrap().same_labels(&corrected), "nothing changes unasked");
        harness.get_by_label(choice).click();
        harness.run_steps(3);
        settle(&mut harness);
        assert!(harness.state().labels().unwrap().same_labels(kept), "{choice}");
    }
}

/// A folder with a scan in it that is called as it says.
fn scan_in(folder: &Path, name: &str, shape: [usize; 3]) -> PathBuf {
    let geometry =
        Geometry::new(shape, Affine::from_columns([[0.5, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]));
    let geometry = geometry.unwrap();
    let values: Vec<i16> = (0..geometry.voxel_count()).map(|n| (n % 251) as i16).collect();
    let volume = Volume::new(geometry, Voxels::I16(values.into()), vec![], Rescale::IDENTITY, name.into());
    let path = folder.join(name);
    lamella::formats::write_volume(&path, &volume, Watch::unwatched()).unwrap();
    path
}

/// A window with a scan of a folder of its own, and the brush in hand.
fn window_of(scans: Vec<PathBuf>) -> Window {
    let mut harness = window::window(scans);
    settle(&mut harness);
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    harness
}

fn text_of(harness: &Window, field: &str) -> String {
    harness.get_by_role_and_label(Role::TextInput, field).accesskit_node().value().unwrap_or_default()
}

/// Types into a field of the file dialog.
fn enter(harness: &mut Window, field: &str, text: &str) {
    harness.get_by_role_and_label(Role::TextInput, field).focus();
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::TextInput, field).type_text(text);
    harness.run_steps(2);
}

fn ctrl(harness: &mut Window, key: Key) {
    harness.key_press_modifiers(Modifiers::COMMAND, key);
    harness.run_steps(3);
}

/// Lets the program's own dialog read its folder.
fn wait_for_list(harness: &mut Window) {
    // The press that goes to another folder is handled in the first frame.
    harness.run_steps(2);
    for _ in 0..200 {
        harness.step();
        if harness.query_by_label("Reading the folder").is_none() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    harness.run_steps(3);
}

fn read(path: &Path) -> LabelMap {
    lamella::formats::read_labels(path, Watch::unwatched(), &|_| {}).unwrap()
}

#[test]
fn saving_begins_beside_the_scan_and_then_writes_the_same_file_again() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window_of(vec![scan_in(folder.path(), "case 7.nii.gz", [40, 30, 20])]);
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    ctrl(&mut harness, Key::S);
    wait_for_list(&mut harness);
    assert_eq!(text_of(&harness, "File name"), "case 7_seg.nii.gz");
    assert_eq!(Path::new(&text_of(&harness, "Folder")), folder.path());
    // The scan is listed, so that its name can be taken.
    harness.get_by_role_and_label(Role::Button, "case 7.nii.gz");
    harness.get_by_label("Save").click();
    harness.run_steps(3);
    settle(&mut harness);
    let mask = folder.path().join("case 7_seg.nii.gz");
    let first = harness.state().labels().unwrap().clone();
    assert!(read(&mask).same_labels(&first), "{:?}", harness.state().messages());
    // Again, without a question.
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 40.0));
    let second = harness.state().labels().unwrap().clone();
    assert_ne!(first.counts(), second.counts());
    ctrl(&mut harness, Key::S);
    assert!(harness.query_by_role_and_label(Role::TextInput, "File name").is_none(), "no dialog");
    settle(&mut harness);
    assert!(read(&mask).same_labels(&second));
    // Another program has written it meanwhile: that is not lost without a word.
    std::fs::write(&mask, b"another's").unwrap();
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 40.0));
    ctrl(&mut harness, Key::S);
    settle(&mut harness);
    assert_eq!(std::fs::read(&mask).unwrap(), b"another's");
    harness.get_by_label("Replace").click();
    harness.run_steps(3);
    settle(&mut harness);
    assert!(read(&mask).same_labels(harness.state().labels().unwrap()));
    // Save as asks, with the file's name.
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    harness.run_steps(3);
    wait_for_list(&mut harness);
    assert_eq!(text_of(&harness, "File name"), "case 7_seg.nii.gz");
    harness.get_by_label("Save").click();
    harness.run_steps(3);
    harness.get_by_label_contains("is there already");
    harness.get_by_label("Choose another name").click();
    harness.run_steps(3);
    enter(&mut harness, "File name", "other");
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    settle(&mut harness);
    assert!(folder.path().join("other.nii.gz").is_file());
}

#[test]
fn a_name_without_an_ending_is_completed_and_a_wrong_ending_refused() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scan = scan_in(folder.path(), "scan.nii", [40, 30, 20]);
    for (typed, written) in [("abc", "abc.nii.gz"), ("b.nii", "b.nii"), ("2024.05.01", "2024.05.01.nii.gz")] {
        let mut harness = window_of(vec![scan.clone()]);
        drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
        ctrl(&mut harness, Key::S);
        for wrong in ["mask.png", "mask.vtk", "mask.gz"] {
            enter(&mut harness, "File name", wrong);
            harness.get_by_label("Save").click();
            harness.run_steps(3);
            assert!(harness.query_by_label_contains("end the name in .nii.gz or .nii").is_some(), "{wrong}");
        }
        enter(&mut harness, "File name", typed);
        harness.get_by_label("Save").click();
        harness.run_steps(3);
        settle(&mut harness);
        assert!(read(&folder.path().join(written)).same_labels(harness.state().labels().unwrap()), "{typed}");
    }
    let mut names: Vec<String> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.contains(".lamella") && !name.contains(".json"));
    names.sort();
    assert_eq!(names, ["2024.05.01.nii.gz", "abc.nii.gz", "b.nii", "scan.nii"]);
}

#[test]
fn save_in_the_question_saves_and_leaves_and_stays_where_saving_fails() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scans = vec![scan_in(folder.path(), "one.nii", [40, 30, 20]), scan_in(folder.path(), "two.nii", [20, 30, 24])];
    let mut harness = window_of(scans);
    assert_eq!(shape_of(&harness), [40, 30, 20]);
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    let painted = harness.state().labels().unwrap().clone();
    // Closing the scan: the question names it and where its labels go.
    ctrl(&mut harness, Key::W);
    assert!(harness.query_by_label_contains("The labels of one are not saved").is_some());
    harness.get_by_label("Save and close").click();
    harness.run_steps(3);
    // Cancelled: nothing is lost, and nothing is left.
    wait_for_list(&mut harness);
    harness.get_by_role_and_label(Role::Button, "Cancel").click();
    harness.run_steps(3);
    assert!(harness.state().labels().unwrap().same_labels(&painted));
    ctrl(&mut harness, Key::W);
    harness.get_by_label("Save and close").click();
    harness.run_steps(3);
    let masks = folder.path().join("masks");
    std::fs::create_dir(&masks).unwrap();
    enter(&mut harness, "File name", masks.join("one").to_str().unwrap());
    harness.get_by_label("Save").click();
    harness.run_steps(3);
    settle(&mut harness);
    settle(&mut harness);
    assert!(harness.state().labels().is_none(), "the scan is closed: {:?}", harness.state().messages());
    assert!(read(&masks.join("one.nii.gz")).same_labels(&painted));
    harness.get_by_role_and_label(Role::Button, "two").click();
    harness.run_steps(3);
    settle(&mut harness);
    assert_eq!(shape_of(&harness), [20, 30, 24]);
    // The window: it does not close where the labels cannot be written, and closes when they are.
    drag_in_axial_view(&mut harness, egui::vec2(20.0, 0.0));
    harness.state_mut().save_labels(masks.join("two.nii.gz"));
    settle(&mut harness);
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 30.0));
    let painted = harness.state().labels().unwrap().clone();
    std::fs::remove_dir_all(&masks).unwrap();
    for works in [false, true] {
        if works {
            std::fs::create_dir(&masks).unwrap();
        }
        let id = egui::ViewportId::ROOT;
        harness.input_mut().viewports.entry(id).or_default().events.push(egui::ViewportEvent::Close);
        harness.step();
        harness.input_mut().viewports.entry(id).or_default().events.clear();
        harness.run_steps(3);
        assert!(harness.query_by_label_contains("is lost when the window is closed").is_some());
        assert!(harness.query_by_label_contains("masks/two.nii.gz.").is_some(), "the question names the file");
        harness.get_by_label("Save and close").click();
        harness.run_steps(3);
        settle(&mut harness);
        assert_eq!(harness.state().is_closing(), works, "{:?}", harness.state().messages());
        if !works {
            assert!(harness.state().labels().unwrap().same_labels(&painted), "nothing is lost");
            assert!(said(&harness, "two.nii.gz"), "{:?}", harness.state().messages());
        }
    }
    assert!(read(&masks.join("two.nii.gz")).same_labels(&painted));
}

#[test]
fn the_programs_own_dialog_opens_files_and_folders() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("Scans");
    std::fs::create_dir(&inner).unwrap();
    scan_in(&inner, "a.nii", [20, 30, 24]);
    scan_in(&inner, ".hidden.nii", [8, 8, 8]);
    std::fs::write(inner.join("note.txt"), "text").unwrap();
    let mut harness = window::window(Vec::new());
    harness.run_steps(3);
    ctrl(&mut harness, Key::G);
    enter(&mut harness, "Folder", folder.path().to_str().unwrap());
    harness.key_press(Key::Enter);
    wait_for_list(&mut harness);
    // Into a folder and out of it, then by the keyboard alone.
    harness.get_by_role_and_label(Role::Button, "Scans").click();
    harness.run_steps(3);
    harness.get_by_label("Open").click();
    wait_for_list(&mut harness);
    assert!(harness.query_by_label(".hidden.nii").is_none(), "hidden files are not shown");
    harness.get_by_label("Hidden files").click();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::Button, ".hidden.nii");
    harness.get_by_label("Folder above").click();
    wait_for_list(&mut harness);
    harness.key_press(Key::ArrowDown);
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    wait_for_list(&mut harness);
    enter(&mut harness, "File name", "missing.nii");
    harness.get_by_label("Open").click();
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("There is no file missing.nii here").is_some());
    harness.get_by_role_and_label(Role::Button, "a.nii").click();
    harness.run_steps(3);
    assert_eq!(text_of(&harness, "File name"), "a.nii");
    harness.get_by_label("Open").click();
    harness.run_steps(3);
    settle(&mut harness);
    settle(&mut harness);
    assert_eq!(shape_of(&harness), [20, 30, 24]);
    // Escape chooses nothing.
    ctrl(&mut harness, Key::G);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.query_by_role_and_label(Role::TextInput, "File name").is_none() && harness.state().is_idle());
}

#[test]
fn a_folder_opened_again_adds_what_is_new_and_two_clicks_read_a_scan_once() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    scan_in(folder.path(), "a.nii", [20, 30, 24]);
    let mut harness = window_of(vec![folder.path().to_path_buf()]);
    let names = |harness: &Window| {
        let items = &harness.state().studio().items;
        items.iter().map(|item| item.entry.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&harness).len(), 1);
    scan_in(folder.path(), "b.nii", [22, 30, 24]);
    scan_in(folder.path(), "c.nii", [26, 30, 24]);
    harness.state_mut().request(Request::Open(vec![folder.path().to_path_buf()]));
    harness.step();
    settle(&mut harness);
    settle(&mut harness);
    assert_eq!(names(&harness).len(), 3, "{:?}", names(&harness));
    assert_eq!(shape_of(&harness), [22, 30, 24], "the first of what is new is shown");
    // A second press on what is being read waits for the first.
    for _ in 0..2 {
        harness.state_mut().request(Request::ShowItem(2));
    }
    harness.step();
    settle(&mut harness);
    assert_eq!(shape_of(&harness), [26, 30, 24]);
    assert_eq!(harness.state().studio().session.document().segmentations().count(), 3, "each scan was read once");
}

#[test]
fn an_opened_mask_is_saved_again_and_joins_by_name() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scan = scan_in(folder.path(), "scan.nii", [40, 30, 20]);
    let mask = folder.path().join("mask.nii.gz");
    let mut first = window_of(vec![scan.clone()]);
    drag_in_axial_view(&mut first, egui::vec2(30.0, 0.0));
    first.state_mut().save_labels(mask.clone());
    settle(&mut first);
    let saved = first.state().labels().unwrap().clone();
    // Into an image without labels: the document is the file.
    let mut harness = window_of(vec![scan]);
    let open = |harness: &mut Window| {
        ctrl(harness, Key::M);
        enter(harness, "File name", mask.to_str().unwrap());
        harness.get_by_label("Open").click();
        harness.run_steps(3);
        settle(harness);
        settle(harness);
    };
    open(&mut harness);
    assert!(harness.state().labels().unwrap().same_labels(&saved));
    assert!(harness.query_by_label("1 label, saved as mask.nii.gz").is_some(), "it is not changed by being opened");
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 40.0));
    ctrl(&mut harness, Key::S);
    assert!(harness.query_by_role_and_label(Role::TextInput, "File name").is_none(), "no dialog");
    settle(&mut harness);
    let grown = harness.state().labels().unwrap().clone();
    assert!(read(&mask).same_labels(&grown) && grown.counts()[&1] > saved.counts()[&1]);
    // Under another name it is another label: the file's, which has none, gets a number of its own.
    retype(&mut harness, "Label 1", "Liver");
    open(&mut harness);
    let values = values(&harness);
    assert_eq!(values["Liver"], 1, "{values:?}");
    assert_eq!(voxels(&harness)["Liver"], grown.counts()[&1]);
    assert!(said(&harness, "number 1 is your \"Liver\""), "{:?}", harness.state().messages());
}

#[test]
fn a_model_that_does_not_fit_is_told_of_before_it_runs() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    assert!(harness.query_by_label_contains("The model learned").is_none());
    assert!(harness.query_by_label_contains("Segment 1 slice").is_none());
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("em.png");
    image::GrayImage::from_fn(300, 200, |x, y| image::Luma([(x * y % 256) as u8])).save(&picture).unwrap();
    harness = window::window(vec![picture]);
    settle(&mut harness);
    harness.get_by_label("Unknown, use pixels").click();
    harness.run_steps(2);
    settle(&mut harness);
    harness.get_by_label("Segment 1 slice");
    harness.get_by_label_contains("This is a single slice; the model learned from volumes");
    segment(&mut harness);
    assert!(harness.state().messages().iter().all(|m| !m.contains("error")), "{:?}", harness.state().messages());
    let Some(data) = support::test_data() else { return };
    harness = window::window(vec![data.join("data/ct/example_ct.nii.gz")]);
    settle(&mut harness);
    harness.get_by_label_contains("learned from MR images, and this is CT");
}

#[test]
fn volumes_follow_every_stroke_and_a_label_can_be_deleted() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window_of(vec![scan_in(folder.path(), "scan.nii", [40, 30, 20])]);
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    task(&mut harness, ANNOTATE);
    // A voxel is 1 mm3.
    let shown = |harness: &Window, name: &str, count: usize| {
        harness.query_by_label(&format!("Volume of {name}: {:.3} mL", count as f64 / 1000.0)).is_some()
    };
    let painted = harness.state().labels().unwrap().clone();
    let count = painted.counts()[&1];
    assert!(count > 10 && count < 999 && shown(&harness, "Label 1", count), "{count}");
    press(&mut harness, &format!("{} Add label", egui_phosphor::regular::PLUS));
    assert_eq!(harness.state().active_label(), Some(2));
    harness.get_by_label("Volume of Label 2: 0 mL");
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 40.0));
    let both = harness.state().labels().unwrap().clone();
    let counts = both.counts();
    assert!(shown(&harness, "Label 1", counts[&1]) && shown(&harness, "Label 2", counts[&2]), "{counts:?}");
    // One undo step, and the label is the active one again.
    let delete = format!("{} Delete label", egui_phosphor::regular::TRASH);
    press(&mut harness, &delete);
    settle(&mut harness);
    assert_eq!(harness.state().labels().unwrap().counts(), BTreeMap::from([(1, counts[&1])]));
    assert_eq!(values(&harness), BTreeMap::from([("Label 1".into(), 1)]));
    assert_eq!(harness.state().active_label(), Some(1));
    undo(&mut harness);
    assert!(harness.state().labels().unwrap().same_labels(&both));
    assert_eq!(harness.state().active_label(), Some(2));
    // Finished slices keep theirs, and that is said.
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
    harness.hover_at(place);
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    press(&mut harness, &delete);
    settle(&mut harness);
    assert!(harness.state().labels().unwrap().same_labels(&both));
    assert!(said(&harness, "\"Label 2\" stays in finished slices"), "{:?}", harness.state().messages());
    // A locked label is not deleted.
    press(&mut harness, "Lock Label 2");
    press(&mut harness, &delete);
    settle(&mut harness);
    assert_eq!(values(&harness).len(), 2);
    // Undo of a new label leaves another one active.
    press(&mut harness, &format!("{} Add label", egui_phosphor::regular::PLUS));
    assert_eq!(harness.state().active_label(), Some(3));
    undo(&mut harness);
    assert_eq!(harness.state().active_label(), Some(2));
}

#[test]
fn refine_learns_and_gives_labels_by_name() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let finish = |harness: &mut Window| {
        let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
        harness.hover_at(place);
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(3);
        press(harness, "Refine from 1 done");
        settle(harness);
    };
    // What has no name may be a class of the model or not: that is asked, not guessed by its number.
    let mut harness = painted_sample(egui::vec2(40.0, 20.0));
    let painted = harness.state().labels().unwrap().clone();
    finish(&mut harness);
    assert!(said(&harness, "Label 1 has no name"), "{:?}", harness.state().messages());
    assert!(harness.state().labels().unwrap().same_labels(&painted));
    // The model's first class has number 3 here, and number 1 is a tumour that it does not know.
    let mut harness = tumour();
    segment(&mut harness);
    let before = values(&harness);
    assert_eq!((before["Tumour"], before["Posterior"], before["Anterior"]), (1, 2, 3));
    let segmented = voxels(&harness);
    finish(&mut harness);
    assert_eq!(values(&harness), before, "{:?}", harness.state().messages());
    let refined = voxels(&harness);
    assert_eq!(refined["Tumour"], segmented["Tumour"]);
    for name in ["Anterior", "Posterior"] {
        let ratio = refined[name] as f64 / segmented[name] as f64;
        assert!((0.5..2.0).contains(&ratio), "{name}: {segmented:?} {refined:?}");
    }
}
