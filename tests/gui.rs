//! The window, driven as a user would: open, scroll, change the window, run the model, cancel, correct, save, bad files.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "window_parts/first_minutes.rs"]
mod first_minutes;
mod support;
#[path = "support/window.rs"]
mod window;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use eframe::App as _;
use eframe::egui::{self, Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::session::SliceState;
use lamella::work::Watch;
use window::*;

/// The folder for pictures of the documentation, where they are wanted.
fn pictures() -> Option<PathBuf> {
    std::env::var_os("LAMELLA_PICTURES").map(PathBuf::from)
}

/// The window as it looks, on the ground that is cleared before panels are painted.
fn shown(harness: &mut Window) -> image::RgbaImage {
    let visuals = harness.ctx.global_style().visuals.clone();
    let ground = harness.state().clear_color(&visuals);
    let mut image = harness.render().unwrap();
    for pixel in image.pixels_mut() {
        let through = 1.0 - f32::from(pixel[3]) / 255.0;
        for (value, ground) in pixel.0.iter_mut().zip(ground) {
            *value = (f32::from(*value) + 255.0 * through * ground).round().min(255.0) as u8;
        }
        pixel[3] = u8::MAX;
    }
    image
}

/// Saves a picture for the documentation, where they are wanted.
fn save_picture(harness: &mut Window, name: &str) {
    if let Some(folder) = pictures() {
        shown(harness).save(folder.join(format!("{name}.png"))).unwrap();
    }
}

fn hippocampus() -> Option<PathBuf> {
    Some(support::test_data()?.join("data/dicom/series/study1_hippocrop"))
}

fn axial_slice(harness: &Window) -> String {
    harness.get_by_role_and_label(Role::Image, "Axial view").value().unwrap_or_default()
}

#[test]
fn the_files_of_a_series_that_are_opened_together_are_one_scan() {
    let _alone = alone();
    let Some(folder) = hippocampus() else { return };
    let files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut harness = window(files);
    settle(&mut harness);
    harness.get_by_role_and_label(Role::Button, "HippoCrop");
    assert_eq!(axial_slice(&harness), "slice 17 of 32");
}

#[test]
fn a_dicom_folder_opens_scrolls_and_changes_its_window() {
    let _alone = alone();
    let Some(folder) = hippocampus() else { return };
    if !can_render() {
        return;
    }
    let mut harness = window(vec![folder]);
    settle(&mut harness);
    harness.get_by_role_and_label(Role::Button, "HippoCrop");
    assert_eq!(axial_slice(&harness), "slice 17 of 32");
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
    harness.hover_at(place);
    harness.step();
    let wheel = |lines: f32| egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, lines),
        modifiers: Modifiers::NONE,
        phase: egui::TouchPhase::Move,
    };
    harness.event(wheel(1.0));
    harness.run_steps(3);
    assert_eq!(axial_slice(&harness), "slice 18 of 32");
    harness.event(wheel(-1.0));
    harness.event(wheel(-1.0));
    harness.run_steps(3);
    assert_eq!(axial_slice(&harness), "slice 16 of 32");

    let before = harness.state().window().unwrap();
    let bright = mean_grey(&harness.render().unwrap(), &harness);
    task(&mut harness, LOOK);
    let histogram = harness.get_by_label("Histogram").rect();
    harness.drag_at(histogram.center());
    harness.step();
    harness.hover_at(histogram.center() + egui::vec2(60.0, 0.0));
    harness.step();
    harness.drop_at(histogram.center() + egui::vec2(60.0, 0.0));
    harness.run_steps(3);
    let after = harness.state().window().unwrap();
    assert!(after.level > before.level, "{after:?}");
    let darker = mean_grey(&harness.render().unwrap(), &harness);
    assert!(darker < bright - 5.0, "a higher level must darken the image: {bright} to {darker}");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::J);
    harness.run_steps(3);
    assert_ne!(harness.state().window().unwrap(), after);
}

fn axial_rect(harness: &Window) -> egui::Rect {
    harness.get_by_role_and_label(Role::Image, "Axial view").rect().shrink(60.0)
}

fn mean_grey(image: &image::RgbaImage, harness: &Window) -> f64 {
    let rect = axial_rect(harness);
    let (mut sum, mut count) = (0.0, 0.0);
    for y in rect.top() as u32..rect.bottom() as u32 {
        for x in rect.left() as u32..rect.right() as u32 {
            sum += f64::from(image.get_pixel(x, y)[1]);
            count += 1.0;
        }
    }
    sum / count
}

/// Pixels in the axial view that are clearly coloured, as labels are and scans are not.
fn coloured(image: &image::RgbaImage, harness: &Window) -> usize {
    let rect = axial_rect(harness);
    let mut count = 0;
    for y in rect.top() as u32..rect.bottom() as u32 {
        for x in rect.left() as u32..rect.right() as u32 {
            let p = image.get_pixel(x, y).0;
            count += usize::from(p[0].max(p[1]).max(p[2]) - p[0].min(p[1]).min(p[2]) > 60);
        }
    }
    count
}

#[test]
fn the_model_runs_shows_its_mask_and_saves_what_the_command_line_saves() {
    let _alone = alone();
    let Some(folder) = hippocampus() else { return };
    if !can_render() {
        return;
    }
    let mut harness = window(vec![folder.clone()]);
    settle(&mut harness);
    let bare = coloured(&harness.render().unwrap(), &harness);
    harness.get_by_label_contains(SEGMENT).click();
    harness.step();
    settle(&mut harness);
    let masked = coloured(&harness.render().unwrap(), &harness);
    assert!(masked > bare + 500, "the mask must show: {bare} to {masked} coloured pixels");
    harness.key_press(Key::S);
    harness.run_steps(3);
    let hidden = coloured(&harness.render().unwrap(), &harness);
    assert!(hidden < bare + 100, "hidden labels leave no trace: {hidden}");

    let out = tempfile::tempdir().unwrap();
    let from_window = out.path().join("window.nii.gz");
    harness.state_mut().save_labels(from_window.clone());
    settle(&mut harness);
    assert!(harness.state().messages().iter().any(|m| m.contains("window.nii.gz")));
    let from_cli = out.path().join("cli.nii.gz");
    let status = Command::new(env!("CARGO_BIN_EXE_lamella"))
        .args(["segment", folder.to_str().unwrap(), "-m", "hippocampus", "-o", from_cli.to_str().unwrap()])
        .status()
        .unwrap();
    assert!(status.success());
    assert!(std::fs::read(from_window).unwrap() == std::fs::read(from_cli).unwrap(), "window and command line differ");
}

#[test]
fn a_run_can_be_cancelled_within_a_fifth_of_a_second() {
    let _alone = alone();
    let Some(data) = support::test_data() else { return };
    if !can_render() {
        return;
    }
    let mut harness = window(vec![data.join("data/ct/example_ct.nii.gz")]);
    settle(&mut harness);
    harness.get_by_label_contains(SEGMENT).click();
    harness.run_steps(2);
    std::thread::sleep(Duration::from_millis(300));
    harness.run_steps(2);
    assert!(!harness.state().is_idle(), "the run must still be going on");
    harness.get_by_label("Cancel").click();
    harness.step();
    let start = Instant::now();
    while !harness.state().is_idle() {
        harness.step();
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = start.elapsed();
    println!("cancelled after {took:?}");
    assert!(took < Duration::from_millis(200), "cancel took {took:?}");
    harness.run_steps(2);
    assert!(harness.state().labels().unwrap().counts().is_empty(), "a cancelled run leaves nothing");
}

/// A CT-sized volume as a file: 300 slices of 512 x 512, 157 MB.
fn large_volume(folder: &Path) -> PathBuf {
    use lamella::volume::{Affine, Geometry, Rescale, Volume, Voxels};
    let geometry = Geometry::new([512, 512, 300], Affine::IDENTITY).unwrap();
    let voxels = (0..geometry.voxel_count()).map(|n| ((n % 512) as i16 - 256) * 4 + (n / 262_144) as i16).collect();
    let voxels = Voxels::I16(std::sync::Arc::new(voxels));
    let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "large".into());
    let path = folder.join("large.nii");
    lamella::formats::write_volume(&path, &volume, Watch::unwatched()).unwrap();
    path
}

#[test]
fn a_large_volume_opens_and_scrolls_without_freezing_a_frame() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(vec![large_volume(folder.path())]);
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    while harness.query_by_role_and_label(Role::Image, "Axial view").is_none() {
        let frame = Instant::now();
        harness.step();
        slowest = slowest.max(frame.elapsed());
        assert!(start.elapsed() < Duration::from_secs(30), "the volume did not open");
    }
    let opened = start.elapsed();
    harness.run_steps(2);
    harness.hover_at(harness.get_by_role_and_label(Role::Image, "Axial view").rect().center());
    harness.step();
    let mut frames: Vec<Duration> = (0..60)
        .map(|_| {
            harness.event(egui::Event::MouseWheel {
                unit: egui::MouseWheelUnit::Line,
                delta: egui::vec2(0.0, 1.0),
                modifiers: Modifiers::NONE,
                phase: egui::TouchPhase::Move,
            });
            let frame = Instant::now();
            harness.step();
            frame.elapsed()
        })
        .collect();
    frames.sort();
    let median = frames[frames.len() / 2];
    println!(
        "large volume: open in {opened:?}, slowest frame meanwhile {slowest:?}, scrolling {median:?} a frame, worst {:?}",
        frames[59]
    );
    assert!(slowest < Duration::from_millis(200), "a frame froze for {slowest:?} while opening");
    assert!(median < Duration::from_millis(16), "scrolling takes {median:?} a frame");
}

#[test]
fn a_bad_file_gets_a_message_that_names_it() {
    let _alone = alone();
    let Some(data) = support::test_data() else { return };
    if !can_render() {
        return;
    }
    let mut harness = window(vec![data.join("data/nifti/bad/data_cut.nii")]);
    settle(&mut harness);
    let messages = harness.state().messages();
    assert!(messages.iter().any(|m| m.contains("data_cut.nii")), "{messages:?}");
    assert!(harness.query_all_by_label_contains("data_cut.nii").count() > 0, "the message must be on screen");
    harness.get_by_label("Details");
}

#[test]
fn labels_that_were_changed_while_the_model_ran_are_kept_until_the_user_chooses() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    // Large enough that the stroke is over long before the model is.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.nii.gz");
    let geometry = lamella::volume::Geometry::new([96; 3], lamella::volume::Affine::IDENTITY).unwrap();
    let values: Vec<f32> = (0u32..96 * 96 * 96).map(|n| (n.wrapping_mul(2_654_435_761) >> 16) as f32).collect();
    let voxels = lamella::volume::Voxels::F32(values.into());
    let rescale = lamella::volume::Rescale::IDENTITY;
    let volume = lamella::volume::Volume::new(geometry, voxels, vec![], rescale, "noise".into());
    lamella::formats::write_volume(&path, &volume, Watch::unwatched()).unwrap();
    for (choice, by_model) in [("Keep mine", false), ("Use the model's labels", true)] {
        let mut harness = window(vec![path.clone()]);
        settle(&mut harness);
        harness.key_press(Key::Num4);
        harness.run_steps(2);
        harness.get_by_label_contains(SEGMENT).click();
        harness.step();
        drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
        let painted = harness.state().labels().unwrap().counts();
        assert!(!painted.is_empty() && !harness.state().is_idle(), "the model must still be at work");
        settle(&mut harness);
        assert_eq!(harness.state().labels().unwrap().counts(), painted, "nothing is overwritten unasked");
        harness.get_by_label(choice).click();
        harness.run_steps(3);
        settle(&mut harness);
        let chosen = harness.state().labels().unwrap().counts();
        assert_eq!(chosen != painted, by_model, "{choice}: {chosen:?}");
        assert!(harness.query_by_label(choice).is_none(), "the question goes with its answer");
    }
}

#[test]
fn a_finished_slice_refines_the_model_and_stays_as_it_is() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    harness.get_by_label_contains(SEGMENT).click();
    settle(&mut harness);
    let segmented = harness.state().labels().unwrap().clone();
    // A stroke in the axial view, whose slice is then marked done with the pointer still over it.
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    let corrected = harness.state().labels().unwrap().clone();
    assert_ne!(corrected.counts(), segmented.counts());
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
    harness.hover_at(place);
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    press(&mut harness, "Refine from 1 done");
    settle(&mut harness);
    assert!(harness.state().messages().is_empty(), "{:?}", harness.state().messages());
    let refined = harness.state().labels().unwrap().clone();
    assert!(!refined.same_labels(&corrected), "the other slices are segmented again");
    let slice = corrected.geometry().shape()[2] / 2;
    let read = |labels: &lamella::volume::LabelMap| {
        let mut out = Vec::new();
        labels.slice_k(slice, &mut out);
        out
    };
    save_picture(&mut harness, "refine");
    assert_eq!(read(&refined), read(&corrected), "the finished slice stays");
    assert_ne!(read(&refined), read(&segmented));
    assert!(harness.query_by_label_contains("Held-back Dice before").is_some(), "what was measured was another model");
    let folder = tempfile::tempdir().unwrap();
    harness.state_mut().set_model_folder(folder.path().into());
    harness.get_by_label("Keep").click();
    settle(&mut harness);
    assert!(harness.query_by_label("Forget").is_none(), "the kept model is the chosen one, as it is");
    let kept = lamella::model::Model::load(&folder.path().join("hippocampus-refined.safetensors")).unwrap();
    let start = lamella::model::find("hippocampus").unwrap();
    assert_eq!(kept.spec.id, "hippocampus-refined");
    assert_eq!(kept.spec.provenance.start, Some([start.spec.id.clone(), start.spec.sha256.clone()]));
    assert!(kept.weights != start.weights && kept.spec.provenance.metrics.is_empty());
    assert!(
        harness.query_by_label_contains(", adapted to finished slices. Held-back Dice: not measured").is_some(),
        "the panel says what it is"
    );
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert!(harness.state().labels().unwrap().same_labels(&corrected), "one undo step");
    // Adapted again and forgotten, it is what was kept.
    harness.get_by_label("Refine from 1 done").click();
    settle(&mut harness);
    harness.get_by_label("Forget").click();
    harness.run_steps(2);
    settle(&mut harness);
    assert!(harness.query_by_label("Forget").is_none());
    assert!(harness.query_by_label_contains(", adapted to finished slices. Held-back Dice: not measured").is_some());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Every step of the guided first task by what it asks for; what has been reached is seen, and stays so when it is undone.
#[test]
fn the_first_steps_are_followed_to_a_saved_mask() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = window(Vec::new());
    harness.run_steps(2);
    harness.get_by_label("First steps, with the sample").click();
    harness.step();
    settle(&mut harness);
    let is_reached = |harness: &Window, step: &str| harness.query_by_label(&format!("{step}: done")).is_some();
    assert!(is_reached(&harness, "Open the sample") && !is_reached(&harness, "Run the model"));
    save_picture(&mut harness, "first-steps");
    harness.get_by_label("Run the model").click();
    harness.step();
    settle(&mut harness);
    assert!(is_reached(&harness, "Run the model") && !is_reached(&harness, "Correct a slice"));
    harness.get_by_label("Take the brush").click();
    harness.run_steps(3);
    assert_eq!(harness.state().studio().hand.entry.id, "brush");
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    assert!(is_reached(&harness, "Correct a slice") && !is_reached(&harness, "Mark it done"));
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
    harness.hover_at(place);
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert!(is_reached(&harness, "Mark it done") && !is_reached(&harness, "Refine the model"));
    harness.get_by_label("Refine from it").click();
    harness.step();
    settle(&mut harness);
    assert!(is_reached(&harness, "Refine the model") && !is_reached(&harness, "Save the mask"));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert!(is_reached(&harness, "Refine the model"), "what was reached stays so");
    let folder = tempfile::tempdir().unwrap();
    harness.state_mut().save_labels(folder.path().join("mask.nii.gz"));
    settle(&mut harness);
    assert!(is_reached(&harness, "Save the mask"));
    assert!(harness.query_by_label("6 of 6").is_some());
    harness.get_by_label("End the first steps").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("6 of 6").is_none());
}

#[test]
fn scribbles_beside_the_mask_teach_the_model() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    harness.get_by_label_contains(SEGMENT).click();
    settle(&mut harness);
    let mask = harness.state().studio().active().unwrap();
    let segmented = harness.state().labels().unwrap().clone();
    assert!(harness.query_by_label_contains("Known: ").is_none());
    press(&mut harness, "Scribble");
    assert_ne!(harness.state().studio().active(), Some(mask));
    let names = |harness: &Window| {
        let table = harness.state().studio().segmentation().unwrap().table();
        table.0.iter().map(|label| label.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&harness), ["Anterior", "Posterior", "Outside"]);
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    let marked = harness.state().labels().unwrap().clone();
    let count: usize = marked.counts().values().sum();
    assert!(count > 0);
    harness.get_by_label(&format!("Known: {count} scribbled voxels. All else is unknown to it."));
    save_picture(&mut harness, "scribbles");
    press(&mut harness, "Refine");
    settle(&mut harness);
    assert!(harness.state().messages().is_empty(), "{:?}", harness.state().messages());
    assert!(harness.state().labels().unwrap().same_labels(&marked), "the scribbles stay");
    press(&mut harness, "Back to the mask");
    assert_eq!(harness.state().studio().active(), Some(mask));
    let refined = harness.state().labels().unwrap().clone();
    assert!(!refined.same_labels(&segmented));
    marked.for_each_labelled(|voxel, label| assert_eq!(refined.get(voxel), label, "{voxel:?}: what was marked is so"));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert!(harness.state().labels().unwrap().same_labels(&segmented), "one undo step");
}

#[test]
fn a_model_that_runs_on_one_scan_comes_to_its_end_while_another_is_looked_at() {
    let _alone = alone();
    let Some(data) = support::test_data() else { return };
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let of = harness.state().studio().active().unwrap();
    harness.get_by_label_contains(SEGMENT).click();
    harness.step();
    harness.state_mut().request(Request::Open(vec![data.join("data/ct/example_ct.nii.gz")]));
    let (mut is_other, mut ran_behind, start) = (false, false, Instant::now());
    while !(is_other && harness.state().is_idle()) {
        harness.step();
        is_other |= harness.state().studio().active() != Some(of);
        ran_behind |= is_other && harness.state().studio().tasks.is_computing(|running| running == of);
        assert!(start.elapsed() < Duration::from_mins(2), "{:?}", harness.state().messages());
    }
    assert!(ran_behind, "the model was still running when the other scan was shown");
    harness.run_steps(3);
    assert!(harness.state().labels().unwrap().counts().is_empty(), "nothing comes into the other scan");
    let document = harness.state().studio().session.document();
    assert!(!document.segmentation(of).unwrap().labels().counts().is_empty(), "the result is where it belongs");
}

#[test]
fn keys_work_beside_a_focused_control_and_tab_hides_the_panels_over_a_view() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(20.0, 0.0));
    assert!(!harness.state().labels().unwrap().counts().is_empty());
    harness.get_by_role_and_label(Role::Button, "Undo").focus();
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert!(harness.state().labels().unwrap().counts().is_empty(), "a focused button does not swallow Ctrl+Z");

    let tab = egui::Event::Key {
        key: Key::Tab,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    harness.hover_at(harness.get_by_role_and_label(Role::Image, "Axial view").rect().center());
    harness.run_steps(2);
    // The test window has no event loop to call this.
    let context = harness.ctx.clone();
    let mut input = egui::RawInput { events: vec![tab.clone()], ..egui::RawInput::default() };
    eframe::App::raw_input_hook(harness.state_mut(), &context, &mut input);
    harness.run_steps(2);
    assert!(input.events.is_empty() && harness.query_by_label("Data").is_none(), "Tab over a view hides the panels");
    harness.hover_at(harness.get_by_label("File").rect().center());
    harness.run_steps(2);
    let mut input = egui::RawInput { events: vec![tab], ..egui::RawInput::default() };
    eframe::App::raw_input_hook(harness.state_mut(), &context, &mut input);
    assert_eq!(input.events.len(), 1, "elsewhere Tab moves the focus");
}

#[test]
fn the_brush_paints_one_undo_step() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(40.0, 0.0));
    let painted = harness.state().labels().unwrap().counts();
    assert!(painted[&1] > 10, "{painted:?}");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert!(harness.state().labels().unwrap().counts().is_empty(), "undo takes back the whole stroke");
}

#[test]
fn a_locked_label_is_not_painted_and_the_user_is_told() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(40.0, 0.0));
    let painted = harness.state().labels().unwrap().counts();
    press(&mut harness, "Lock Label 1");
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 40.0));
    assert_eq!(harness.state().labels().unwrap().counts(), painted, "a locked label does not grow");
    assert!(
        harness.query_all_by_label_contains("\"Label 1\" is locked").count() > 0,
        "{:?}",
        harness.state().messages()
    );
    press(&mut harness, "Unlock Label 1");
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 40.0));
    assert!(harness.state().labels().unwrap().counts()[&1] > painted[&1], "an unlocked one does");
}

/// A small scan in a folder.
fn scan_in(folder: &Path, name: &str, shape: [usize; 3]) -> PathBuf {
    use lamella::volume::{Affine, Geometry, Rescale, Volume, Voxels};
    let geometry = Geometry::new(shape, Affine::IDENTITY).unwrap();
    let values: Vec<i16> = (0..geometry.voxel_count()).map(|n| (n % 251) as i16).collect();
    let volume = Volume::new(geometry, Voxels::I16(values.into()), vec![], Rescale::IDENTITY, name.into());
    let path = folder.join(name);
    lamella::formats::write_volume(&path, &volume, lamella::work::Watch::unwatched()).unwrap();
    path
}

#[test]
fn two_scans_with_two_segmentations_are_edited_in_turns_and_undone_across_both() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shapes = [[40, 30, 20], [20, 30, 24]];
    let scans =
        [("one.nii", shapes[0]), ("two.nii", shapes[1])].map(|(name, shape)| scan_in(folder.path(), name, shape));
    let mut harness = window(scans.to_vec());
    settle(&mut harness);
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    let show = |harness: &mut Window, name: &str| {
        harness.get_by_role_and_label(Role::Button, name).click();
        harness.run_steps(3);
        settle(harness);
    };
    let shape = |harness: &Window| harness.state().labels().unwrap().geometry().shape();
    let active = |harness: &Window| harness.state().studio().active().unwrap();
    // A stroke in each of: scan one, scan two, another segmentation of scan one, scan two again.
    let mut steps = Vec::new();
    let stroke = |harness: &mut Window, steps: &mut Vec<_>, by: egui::Vec2| {
        let before = harness.state().labels().unwrap().counts();
        drag_in_axial_view(harness, by);
        let after = harness.state().labels().unwrap().counts();
        assert_ne!(before, after, "{:?}", harness.state().messages());
        steps.push((active(harness), before, after));
    };
    assert_eq!(shape(&harness), shapes[0]);
    stroke(&mut harness, &mut steps, egui::vec2(30.0, 0.0));
    show(&mut harness, "two");
    assert_eq!(shape(&harness), shapes[1]);
    assert!(
        harness.query_by_label("Keep working").is_none(),
        "showing another scan loses nothing, so nothing is asked"
    );
    stroke(&mut harness, &mut steps, egui::vec2(20.0, 0.0));
    show(&mut harness, "one");
    assert_eq!(harness.state().labels().unwrap().counts(), steps[0].2, "the labels of the first scan are there");
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::N);
    harness.run_steps(3);
    assert!(harness.state().labels().unwrap().counts().is_empty(), "a second segmentation of the scan is empty");
    stroke(&mut harness, &mut steps, egui::vec2(0.0, 30.0));
    show(&mut harness, "two");
    stroke(&mut harness, &mut steps, egui::vec2(0.0, 20.0));
    assert_eq!(steps.iter().map(|step| step.0).collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert_eq!(harness.state().studio().unsaved().len(), 3);
    // Back: every step shows the scan and the segmentation that it changes.
    let press_undo = |harness: &mut Window, modifiers: Modifiers| {
        harness.key_press_modifiers(modifiers, Key::Z);
        harness.run_steps(3);
    };
    for (n, (of, before, _)) in steps.iter().enumerate().rev() {
        if n == 1 {
            // The new segmentation itself is a step.
            press_undo(&mut harness, Modifiers::COMMAND);
        }
        press_undo(&mut harness, Modifiers::COMMAND);
        assert_eq!(active(&harness), *of, "step {n}");
        assert_eq!(&harness.state().labels().unwrap().counts(), before, "step {n}");
    }
    assert!(harness.state().studio().unsaved().is_empty(), "everything is as it was opened");
    for (n, (of, _, after)) in steps.iter().enumerate() {
        if n == 2 {
            press_undo(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT);
        }
        press_undo(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT);
        assert_eq!((active(&harness), &harness.state().labels().unwrap().counts()), (*of, after), "step {n} again");
    }
    // Closing one scan asks about its labels alone, and leaves the other.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::W);
    harness.run_steps(3);
    harness.get_by_label("Keep working").click();
    harness.run_steps(3);
    assert_eq!(shape(&harness), shapes[1]);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::W);
    harness.run_steps(3);
    press(&mut harness, "Discard labels");
    let left = harness.state().studio().unsaved();
    assert_eq!(left.len(), 2, "{left:?}");
    show(&mut harness, "one");
    assert_eq!(shape(&harness), shapes[0]);
}

#[test]
fn a_saved_mask_comes_back_with_its_names_colours_and_finished_slices() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(40.0, 0.0));
    press_first(&mut harness, "Add label");
    let field = |harness: &Window, text: &str| {
        harness
            .get_all_by_role(Role::TextInput)
            .find(|node| node.value().as_deref() == Some(text))
            .map(|node| node.rect())
    };
    let place = field(&harness, "Label 1").expect("the name of the label").center();
    harness.drag_at(place);
    harness.drop_at(place);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.event(egui::Event::Text("Tumour".into()));
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    harness.hover_at(harness.get_by_role_and_label(Role::Image, "Axial view").rect().center());
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    let folder = tempfile::tempdir().unwrap();
    let mask = folder.path().join("mask.nii.gz");
    harness.state_mut().save_labels(mask.clone());
    settle(&mut harness);
    let kept = |harness: &Window| {
        let document = harness.state().document().unwrap();
        let states: Vec<_> = document.states().filter(|(_, state)| *state != SliceState::Todo).collect();
        (document.labels().counts(), document.table().clone(), states)
    };
    let before = kept(&harness);
    assert_eq!((before.1.0.len(), before.1.0[0].name.as_str()), (2, "Tumour"));
    assert!(before.2.iter().any(|(_, state)| *state == SliceState::Done), "{:?}", before.2);
    // Another window, without a memory of the first.
    let mut again = sample();
    again.state_mut().open_labels(mask);
    settle(&mut again);
    assert_eq!(kept(&again), before);
}

/// Six labelled scans in a folder of their own.
fn small_dataset(folder: &Path) -> Option<PathBuf> {
    let source = support::test_data()?.join("data/hippocampus");
    let mut index = support::json(&source.join("dataset.json"));
    let cases: Vec<serde_json::Value> = index["training"].as_array()?.iter().take(6).cloned().collect();
    for part in ["imagesTr", "labelsTr"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    for case in &cases {
        for key in ["image", "label"] {
            let file = case[key].as_str()?.trim_start_matches("./");
            std::fs::copy(source.join(file), folder.join(file)).unwrap();
        }
    }
    index["numTraining"] = cases.len().into();
    index["training"] = cases.into();
    std::fs::write(folder.join("dataset.json"), index.to_string()).unwrap();
    Some(folder.to_path_buf())
}

/// A folder for a test, and in it a data set of six scans; none where there are no scans or nothing to draw with.
fn scans_to_teach() -> Option<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let dataset = small_dataset(&folder.path().join("scans"))?;
    can_render().then_some((folder, dataset))
}

/// A window without an image that shows the Teach task for a data set.
fn window_that_teaches(models: &Path, dataset: &Path) -> Window {
    let mut harness = window(vec![]);
    settle(&mut harness);
    assert!(harness.query_by_label("Teach for 10 minutes").is_none());
    harness.get_by_label("Teach a model").click();
    harness.state_mut().set_model_folder(models.to_path_buf());
    harness.state_mut().set_dataset(dataset.to_path_buf());
    settle(&mut harness);
    harness
}

/// Presses the control whose label has this in it.
fn press_first(harness: &mut Window, part: &str) {
    find(harness, part);
    harness.get_by_label_contains(part).click();
    harness.run_steps(3);
}

/// Chooses an entry of a list.
fn choose(harness: &mut Window, list: &str, entry: &str) {
    harness.get_by_role_and_label(Role::ComboBox, list).scroll_to_me();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::ComboBox, list).click();
    harness.run_steps(3);
    press(harness, entry);
}

/// Waits until the curve of a training has so many points, at most three minutes after `start`.
fn grow_curve(harness: &mut Window, points: usize, start: Instant) {
    while curve_points(harness) < points {
        harness.step();
        let messages = harness.state().messages();
        assert!(start.elapsed() < Duration::from_mins(3), "the curve does not grow: {messages:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Leaves out the first of six labelled scans, of which one is held back.
fn leave_out_first_scan(harness: &mut Window) {
    press(harness, "5 scans to learn from, 1 held back");
    harness.run_steps(20);
    let scans = harness.state().studio().teach.form.scans.clone().expect("scans that were looked at");
    let first = scans.uses[0].0.clone();
    harness.get_by_role_and_label(Role::ComboBox, &first).click();
    harness.run_steps(3);
    press(harness, "leave out");
    assert!(harness.query_by_label("4 scans to learn from, 1 held back, 1 left out").is_some());
}

/// The model that was taught.
fn taught_model(harness: &Window, models: &Path) -> lamella::model::Model {
    let model = lamella::model::Model::load(&models.join("my-model.safetensors"));
    model.unwrap_or_else(|error| panic!("{error}; {:?}", harness.state().messages()))
}

#[test]
fn a_model_is_taught_in_the_window_stopped_kept_and_used() {
    let _alone = alone();
    let Some((folder, dataset)) = scans_to_teach() else { return };
    let mut harness = sample();
    harness.state_mut().set_model_folder(folder.path().join("models"));
    harness.state_mut().set_dataset(dataset);
    harness.run_steps(2);
    settle(&mut harness);
    // What the scans decide is said before anything is started.
    press(&mut harness, "Show the plan");
    settle(&mut harness);
    assert!(harness.query_by_label_contains("Slices along all three axes").is_some());
    press(&mut harness, "Teach for 10 minutes");
    let start = Instant::now();
    loop {
        let frame = Instant::now();
        harness.step();
        assert!(frame.elapsed() < Duration::from_millis(500), "a frame took {:?} while teaching", frame.elapsed());
        if teaching(&harness).is_some_and(|(_, validations)| validations > 2) {
            break;
        }
        let messages = harness.state().messages();
        assert!(start.elapsed() < Duration::from_mins(3), "no validation: {messages:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    // While it waits, nothing more is learned; then it goes on.
    press(&mut harness, "Pause");
    let share = |harness: &Window| teaching(harness).unwrap().0;
    let rest = |harness: &mut Window| {
        for _ in 0..30 {
            harness.step();
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // A step or a validation that is under way is brought to its end first.
    let pressed = Instant::now();
    let (mut waiting, mut rests) = (share(&harness), 0);
    while rests < 4 {
        rest(&mut harness);
        let now = share(&harness);
        rests = if now == waiting { rests + 1 } else { 0 };
        waiting = now;
        assert!(pressed.elapsed() < Duration::from_mins(1), "it does not wait");
    }
    rest(&mut harness);
    assert_eq!(share(&harness), waiting, "it waits");
    harness.get_by_label("Resume").click();
    let resumed = Instant::now();
    while share(&harness) <= waiting {
        assert!(resumed.elapsed() < Duration::from_secs(30), "it does not go on");
        rest(&mut harness);
    }
    // What the scans decided and the curve are on screen before the training is over.
    assert!(harness.query_by_label_contains("Slices along all three axes").is_some());
    harness.get_by_label("Stop and keep the best").scroll_to_me();
    harness.run_steps(3);
    save_picture(&mut harness, "teach");
    harness.get_by_label("Stop and keep the best").click();
    settle(&mut harness);
    assert!(folder.path().join("models/my-model.safetensors").is_file(), "{:?}", harness.state().messages());
    // The held-back case, and where the model errs in it.
    press_first(&mut harness, "held-back case");
    harness.run_steps(20);
    press_first(&mut harness, "Where the model errs in");
    settle(&mut harness);
    assert!(harness.query_by_label_contains("the slice with the most wrong pixels").is_some());
    assert!(harness.query_by_label("Open this scan").is_some());
    harness.get_by_label("Use this model").scroll_to_me();
    harness.run_steps(3);
    save_picture(&mut harness, "taught");
    press(&mut harness, "Use this model");
    settle(&mut harness);
    segment(&mut harness);
    // A few seconds teach little; what counts is that the new model is the one that runs, and to its end.
    println!("taught in {:.0} s on six scans", start.elapsed().as_secs_f64());
    assert!(harness.query_by_label("Use this model").is_none(), "the new model is chosen");
    let messages = harness.state().messages();
    assert!(messages.iter().all(|m| m.contains("is trained")), "{messages:?}");
}

#[test]
fn a_model_is_taught_without_an_image() {
    let _alone = alone();
    let Some((folder, dataset)) = scans_to_teach() else { return };
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    std::fs::write(models.join("my-model.safetensors"), b"another's").unwrap();
    let mut harness = window_that_teaches(&models, &dataset);
    // A name that is taken is refused, so nothing is started.
    harness.get_by_label("Teach for 10 minutes").click();
    harness.run_steps(5);
    assert!(teaching(&harness).is_none());
    assert_eq!(std::fs::read(models.join("my-model.safetensors")).unwrap(), b"another's");
    std::fs::remove_file(models.join("my-model.safetensors")).unwrap();
    harness.state_mut().look_up_models_again();
    // One of the two labels is enough.
    harness.get_by_label("2 of 2 labels").click();
    harness.run_steps(20);
    harness.get_by_label("Posterior").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("1 of 2 labels").is_some());
    // Four of the six scans are learned from, and one is held back.
    leave_out_first_scan(&mut harness);
    save_picture(&mut harness, "teach-scans");
    // Some of the plan is chosen by hand.
    press(&mut harness, "Plan");
    harness.run_steps(20);
    choose(&mut harness, "Patch", "32 x 32");
    choose(&mut harness, "Augmentation", "light");
    assert!(harness.query_by_label("Plan, chosen by hand").is_some());
    save_picture(&mut harness, "teach-plan");
    press(&mut harness, "Teach for 10 minutes");
    grow_curve(&mut harness, 3, Instant::now());
    save_picture(&mut harness, "teach-alone");
    // Nothing was measured yet, and what was learned is kept all the same.
    press(&mut harness, "Stop and keep the best");
    settle(&mut harness);
    let model = taught_model(&harness, &models);
    assert_eq!(
        model.spec.classes.iter().map(|class| class.name.as_str()).collect::<Vec<_>>(),
        ["background", "Anterior"]
    );
    assert_eq!(model.spec.provenance.cases, [4, 1]);
    let plan: lamella::learn::Plan = serde_json::from_value(model.spec.provenance.plan["choices"].clone()).unwrap();
    assert_eq!(plan.patch, [32, 32]);
    assert_eq!(
        plan.augmentation,
        lamella::learn::Augmentation { mirror: true, ..lamella::learn::Augmentation::light() }
    );
    // What was not chosen is decided by the scans: few of them get small steps.
    assert_eq!(plan.batch, 54);
    assert!(!models.join("my-model.safetensors.training").exists());
}

#[test]
fn a_training_that_was_broken_off_goes_on_in_another_window_with_the_scans_that_it_was_begun_with() {
    let _alone = alone();
    let Some((folder, dataset)) = scans_to_teach() else { return };
    let models = folder.path().join("models");
    let mut first = window_that_teaches(&models, &dataset);
    leave_out_first_scan(&mut first);
    press(&mut first, "Plan");
    first.run_steps(20);
    choose(&mut first, "Patch", "32 x 32");
    choose(&mut first, "Pixel size", "1.5 mm");
    press(&mut first, "Teach for 10 minutes");
    grow_curve(&mut first, 3, Instant::now());
    drop(first);
    let state = models.join("my-model.safetensors.training");
    assert!(state.is_file());
    // The other window knows nothing of the choice.
    let mut second = window_that_teaches(&models, &dataset);
    assert!(second.query_by_label("5 scans to learn from, 1 held back").is_some());
    press(&mut second, "Continue the training");
    grow_curve(&mut second, 3, Instant::now());
    press(&mut second, "Stop and keep the best");
    settle(&mut second);
    let model = taught_model(&second, &models);
    assert_eq!(model.spec.provenance.cases, [4, 1]);
    assert_eq!((model.spec.patch, model.spec.spacing_mm), ([32, 32], Some([1.5; 2])));
    assert!(!state.exists());
    // One that is not wanted any more makes room for another.
    std::fs::write(&state, b"").unwrap();
    second.state_mut().look_up_models_again();
    second.run_steps(3);
    press(&mut second, "Discard it");
    assert!(!state.exists() && second.query_by_label("Discard it").is_none());
}

#[test]
fn all_slices_with_labels_are_done_at_once() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(24.0, 0.0));
    let place = harness.get_by_role_and_label(Role::Image, "Sagittal view").rect().center();
    harness.hover_at(place);
    harness.run_steps(2);
    // The stroke goes through several sagittal slices and one axial slice.
    let occupied = harness.state().labels().unwrap().occupied();
    let sagittal = occupied[0].iter().filter(|labelled| **labelled).count();
    assert!(sagittal > 1 && sagittal < occupied[0].len());
    let press_all = |harness: &mut Window| {
        harness.key_press_modifiers(Modifiers::SHIFT, Key::Enter);
        harness.run_steps(3);
    };
    task(&mut harness, TEACH);
    harness.hover_at(place);
    harness.run_steps(2);
    press_all(&mut harness);
    assert!(harness.query_by_label(&format!("This scan, {sagittal} done")).is_some());
    press_all(&mut harness);
    assert!(harness.query_by_label("This scan, 0 done").is_some(), "once more takes it back");
    press_all(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert!(harness.query_by_label("This scan, 0 done").is_some(), "one undo step");
}

#[test]
fn one_labelled_slice_teaches_a_model() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = painted_sample(egui::vec2(24.0, 0.0));
    harness.state_mut().set_model_folder(folder.path().join("models"));
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 24.0));
    let painted = harness.state().labels().unwrap().counts();
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
    harness.hover_at(place);
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    press(&mut harness, "This scan, 1 done");
    press(&mut harness, "Teach for 10 minutes");
    let start = Instant::now();
    grow_curve(&mut harness, 4, start);
    press(&mut harness, "Pause");
    for _ in 0..40 {
        harness.step();
        std::thread::sleep(Duration::from_millis(20));
    }
    let waiting = curve_points(&harness);
    for _ in 0..20 {
        harness.step();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(curve_points(&harness), waiting, "it waits");
    harness.get_by_label("Resume").click();
    grow_curve(&mut harness, waiting + 24, start);
    save_picture(&mut harness, "teach-scan");
    assert_eq!(harness.state().labels().unwrap().counts(), painted, "labels stay what the user painted");
    harness.get_by_label("Stop and keep the best").click();
    settle(&mut harness);
    assert!(folder.path().join("models/my-model.safetensors").is_file(), "{:?}", harness.state().messages());
    press(&mut harness, "Use this model");
    settle(&mut harness);
    segment(&mut harness);
    let messages = harness.state().messages();
    assert!(messages.iter().all(|m| m.contains("is trained")), "{messages:?}");
}

/// Drags the left button in the axial view, from and to places counted from its middle.
fn scribble(harness: &mut Window, from: egui::Vec2, to: egui::Vec2) {
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect().center();
    harness.drag_at(place + from);
    harness.step();
    harness.hover_at(place + to);
    harness.run_steps(2);
    harness.drop_at(place + to);
    harness.run_steps(2);
}

#[test]
fn scribbles_become_labels_of_a_slice_with_a_preview_in_a_moment() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    scribble(&mut harness, egui::vec2(0.0, 0.0), egui::vec2(24.0, 6.0));
    let click = |harness: &mut Window, label: &str| {
        find(harness, label);
        harness.get_by_label(label).scroll_to_me();
        harness.run_steps(3);
        harness.get_by_label(label).click();
        harness.run_steps(4);
    };
    click(&mut harness, "Preview while painting");
    settle(&mut harness);
    assert!(preview(&harness).is_none(), "one label is not enough");
    harness.get_by_label_contains("Paint a little of two labels");
    click(&mut harness, "Stands for background");
    click(&mut harness, "a new label");
    scribble(&mut harness, egui::vec2(-90.0, -60.0), egui::vec2(-60.0, -100.0));
    let start = Instant::now();
    scribble(&mut harness, egui::vec2(70.0, 90.0), egui::vec2(30.0, 110.0));
    settle(&mut harness);
    let took = start.elapsed();
    let painted = harness.state().labels().unwrap().clone();
    let shown = preview(&harness).expect("a preview").clone();
    println!("preview {:.0} ms after the stroke", took.as_secs_f64() * 1e3);
    assert!(took < Duration::from_secs(1), "{took:?}");
    let (before, after) = (painted.counts(), shown.counts());
    assert!(after[&1] > 3 * before[&1], "{before:?} {after:?}");
    assert!(!after.contains_key(&2), "the background's scribbles are no label: {after:?}");
    if pictures().is_some() {
        harness.get_by_label("Use in this slice").scroll_to_me();
        harness.run_steps(3);
        save_picture(&mut harness, "pixels");
    }
    click(&mut harness, "Use in this slice");
    settle(&mut harness);
    assert!(harness.state().labels().unwrap().same_labels(&shown));
    // The scribbles have become labels, but all slices still are classified by them.
    click(&mut harness, "Use in all slices");
    settle(&mut harness);
    let all = harness.state().labels().unwrap().clone();
    assert!(all.counts()[&1] > 5 * after[&1], "the other slices are classified too");
    for _ in 0..2 {
        harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        harness.run_steps(3);
    }
    assert!(harness.state().labels().unwrap().same_labels(&painted), "two undo steps");
    click(&mut harness, "Preview while painting");
    settle(&mut harness);
    click(&mut harness, "Use in all slices");
    settle(&mut harness);
    assert!(harness.state().labels().unwrap().same_labels(&all), "from the preview as from what was taken of it");
    // A model's second label is not the background, though it has the number that the scribbles have: it gets another one.
    assert_eq!(lamella::app::act::pixels::background(harness.state().studio()), Some(2));
    segment(&mut harness);
    assert_eq!(lamella::app::act::pixels::background(harness.state().studio()), Some(2));
    let table = harness.state().label_table().unwrap();
    let names: Vec<(u16, &str)> = table.0.iter().map(|label| (label.value, label.name.as_str())).collect();
    assert_eq!(names, [(1, "Label 1"), (2, "Background"), (3, "Anterior"), (4, "Posterior")]);
}

#[test]
fn attention_is_laid_over_the_slice_and_follows_the_cursor() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = sample();
    for attention in ["se", "gc", "non-local", "criss-cross"] {
        let mut model = lamella::model::find("hippocampus").unwrap();
        let options = serde_json::json!({"width": 8, "depth": 3, "attention": ["none", attention]});
        model.spec.architecture = lamella::model::ArchitectureSpec { id: "unet".into(), options };
        model.weights = lamella::engine::initial_weights(&model.spec.graph().unwrap(), 1);
        let path = folder.path().join(format!("{attention}.safetensors"));
        model.save(&path).unwrap();
        harness.state_mut().request(Request::Model(path.to_str().unwrap().to_string()));
        harness.run_steps(2);
        settle(&mut harness);
        let shown = "Show where the network looks";
        let messages = harness.state().messages();
        assert!(messages.is_empty(), "{attention}: {messages:?}");
        press(&mut harness, shown);
        settle(&mut harness);
        assert_eq!(harness.state().studio().attending.heat.is_some(), attention != "se", "{attention}");
        if attention == "se" {
            harness.get_by_label_contains("Weight of each channel");
        }
        if attention == "non-local" {
            save_picture(&mut harness, "attention");
        }
        harness.key_press(Key::PageUp);
        settle(&mut harness);
        assert_eq!(
            harness.state().studio().attending.heat.is_some(),
            attention != "se",
            "{attention} in another slice"
        );
        press(&mut harness, shown);
        settle(&mut harness);
        assert!(harness.state().studio().attending.heat.is_none());
    }
    assert!(harness.state().messages().is_empty(), "{:?}", harness.state().messages());
}

fn picture(harness: &mut Window, name: &str) {
    egui_kittest::image_snapshot(&shown(harness), name);
}

#[test]
fn pictures_of_the_window() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = window(Vec::new());
    harness.run_steps(3);
    picture(&mut harness, "welcome");
    harness.get_by_label("Try the sample").click();
    harness.step();
    settle(&mut harness);
    harness.get_by_label_contains(SEGMENT).click();
    harness.step();
    settle(&mut harness);
    harness.remove_cursor();
    harness.run_steps(3);
    picture(&mut harness, "sample_segmented");
}

/// Every task at two sizes and in both themes: the main button is in sight, and nothing moves the views. Pictures for the guide, where
/// they are wanted.
#[test]
fn every_task_fits_its_window_in_both_themes() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    for (width, height) in [(1280.0, 720.0), (2560.0, 1440.0)] {
        let mut harness: Window = egui_kittest::Harness::builder()
            .with_size(egui::Vec2::new(width, height))
            .wgpu()
            .build_eframe(|context| lamella::gui::App::ephemeral(context, Vec::new()));
        harness.run_steps(2);
        harness.get_by_label("Try the sample").click();
        harness.step();
        settle(&mut harness);
        segment(&mut harness);
        let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect();
        for theme in ["dark", "light"] {
            let name = |what: &str| format!("{what}-{width}-{theme}");
            assert_eq!(
                harness.state().studio().settings.dark,
                theme == "dark",
                "the theme that the pictures are named after"
            );
            for (key, task_name, button) in [
                (LOOK, "look", None),
                (ANNOTATE, "annotate", None),
                (SEGMENTING, "segment", Some("Segment 124 slices")),
                (TEACH, "teach", Some("Teach for 10 minutes")),
                (EXPORT, "export", Some("Save segmentation")),
            ] {
                task(&mut harness, key);
                harness.remove_cursor();
                harness.run_steps(4);
                if let Some(button) = button {
                    let rect = harness.get_by_label(button).rect();
                    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height));
                    assert!(window.contains_rect(rect), "{button} at {rect:?}");
                }
                let now = harness.get_by_role_and_label(Role::Image, "Axial view").rect();
                assert_eq!(now, place, "{task_name} moves the views");
                save_picture(&mut harness, &name(task_name));
            }
            // An outline on its way to a label.
            harness.key_press(Key::Num5);
            harness.run_steps(2);
            for (x, y) in [(0.3, 0.3), (0.7, 0.35), (0.6, 0.7), (0.35, 0.6)] {
                let at = place.min + egui::vec2(x, y) * place.size();
                harness.drag_at(at);
                harness.step();
                harness.drop_at(at);
                harness.run_steps(2);
            }
            save_picture(&mut harness, &name("polygon"));
            let before = harness.state().labels().unwrap().counts();
            harness.key_press(Key::Enter);
            harness.run_steps(3);
            assert_ne!(harness.state().labels().unwrap().counts(), before, "Enter fills the outline");
            harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
            harness.run_steps(3);
            assert_eq!(harness.state().labels().unwrap().counts(), before, "one undo step");
            harness.key_press(Key::Num1);
            harness.run_steps(2);
            harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
            harness.run_steps(6);
            save_picture(&mut harness, &name("palette"));
            harness.key_press(Key::Escape);
            harness.run_steps(3);
            harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
            harness.run_steps(6);
            save_picture(&mut harness, &name("keys"));
            harness.key_press(Key::Escape);
            harness.run_steps(3);
            harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::L);
            harness.run_steps(4);
        }
    }
}

/// On a slow machine a click is pressed and released between two frames; no dab and no corner is lost.
#[test]
fn a_click_between_two_frames_counts() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(24.0, 0.0));
    let place = harness.get_by_role_and_label(Role::Image, "Axial view").rect();
    let quick = |harness: &mut Window, x: f32, y: f32, to: egui::Vec2| {
        let at = place.min + egui::vec2(x, y) * place.size();
        harness.hover_at(at);
        harness.run_steps(2);
        let modifiers = Modifiers::NONE;
        let button =
            |pos, pressed| egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers };
        let events = [button(at, true), egui::Event::PointerMoved(at + to), button(at + to, false)];
        harness.input_mut().events.extend(events);
        harness.run_steps(2);
    };
    let count = |harness: &Window| harness.state().labels().unwrap().counts().values().sum::<usize>();
    let mut before = count(&harness);
    for to in [egui::Vec2::ZERO, egui::vec2(0.0, 30.0)] {
        quick(&mut harness, 0.3, 0.3, to);
        assert!(count(&harness) > before, "{to:?}");
        before = count(&harness);
    }
    harness.key_press(Key::Num5);
    harness.run_steps(2);
    for (x, y) in [(0.5, 0.6), (0.7, 0.6), (0.6, 0.8)] {
        quick(&mut harness, x, y, egui::Vec2::ZERO);
    }
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert!(count(&harness) > before, "three corners are an outline");
}

/// Panels that stay as they are are kept as a picture; it must be what egui paints.
#[test]
fn a_kept_panel_looks_as_it_does_when_it_is_painted() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let most = |a: &image::RgbaImage, b: &image::RgbaImage| {
        a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    };
    let mut harness = sample();
    harness.state_mut().request(Request::Run("view.facts"));
    harness.remove_cursor();
    for step in 0..2 {
        harness.run_steps(60);
        let context = harness.ctx.clone();
        // The bar, both panels and the tile of facts, with every task.
        for task in [Key::F1, Key::F2, Key::F4, Key::F5, Key::F3] {
            harness.key_press(task);
            harness.run_steps(60);
            assert_eq!(harness.state().kept_parts(&context), 4, "{task:?}");
        }
        let kept = shown(&mut harness);
        harness.state().set_keeping(&context, false);
        harness.run_steps(3);
        assert_eq!(harness.state().kept_parts(&context), 0);
        let painted = shown(&mut harness);
        let off = most(&kept, &painted);
        let apart = |(x, y): &(u32, u32)| {
            kept.get_pixel(*x, *y).0.iter().zip(painted.get_pixel(*x, *y).0).any(|(a, b)| a.abs_diff(b) > 4)
        };
        let places = (0..kept.height()).flat_map(|y| (0..kept.width()).map(move |x| (x, y)));
        let places: Vec<(u32, u32)> = places.filter(apart).collect();
        assert!(off <= 4, "kept and painted differ by {off} of 255 in {} pixels: {:?}", places.len(), places.first());
        harness.state().set_keeping(&context, true);
        if step == 0 {
            press(&mut harness, "Dark or light theme");
            harness.remove_cursor();
            harness.run_steps(60);
            assert!(most(&kept, &shown(&mut harness)) > 100, "the theme did not change");
        }
    }
}

#[test]
fn snapshots_are_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    for name in ["welcome.png", "sample_segmented.png"] {
        assert!(folder.join(name).is_file(), "{name} is missing; run the tests with UPDATE_SNAPSHOTS=1");
    }
}
