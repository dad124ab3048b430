//! Unsaved work after a crash, documents and the list of steps, driven in the window.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;
#[path = "support/window.rs"]
mod window;

use std::path::{Path, PathBuf};

use eframe::egui::{self, Key, Vec2, accesskit::Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::gui::App;
use lamella::volume::LabelMap;
use window::*;

fn with_journals(paths: Vec<PathBuf>, journals: &Path) -> Window {
    let journals = journals.to_path_buf();
    Harness::builder()
        .with_size(Vec2::new(1280.0, 720.0))
        .wgpu()
        .build_eframe(|context| App::ephemeral_with_journals(context, paths, journals))
}

/// A scan of its own in a folder, so that it can be moved.
fn scan_in(folder: &Path) -> PathBuf {
    let path = folder.join("head.nii.gz");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz"), &path)
        .unwrap();
    path
}

/// Paints strokes; each crosses another part of the axial view.
fn paint(harness: &mut Window, strokes: usize) -> LabelMap {
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    for n in 0..strokes {
        #[allow(clippy::cast_precision_loss, reason = "a few strokes")]
        drag_in_axial_view(harness, egui::vec2(30.0, 12.0 * n as f32));
    }
    labels(harness)
}

fn labels(harness: &Window) -> LabelMap {
    harness.state().labels().unwrap().clone()
}

fn journals_in(folder: &Path) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(folder).map(|listing| listing.flatten().map(|entry| entry.path()).collect());
    let all: Vec<PathBuf> = listing.unwrap_or_default();
    all.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "journal")).collect()
}

fn click(harness: &mut Window, name: &str) {
    harness.get_by_role_and_label(Role::Button, name).click();
    harness.run_steps(2);
    settle(harness);
}

/// A window with strokes on a scan goes without a word, as in a crash. The labels that it had.
fn crash(folder: &Path, strokes: usize) -> (PathBuf, PathBuf, LabelMap) {
    let (scan, journals) = (scan_in(folder), folder.join("journals"));
    let mut harness = with_journals(vec![scan.clone()], &journals);
    settle(&mut harness);
    let painted = paint(&mut harness, strokes);
    assert!(!painted.counts().is_empty());
    drop(harness);
    assert_eq!(journals_in(&journals).len(), 1);
    (scan, journals, painted)
}

#[test]
fn what_a_crash_left_is_offered_and_restored() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (_, journals, painted) = crash(folder.path(), 3);
    let mut harness = with_journals(vec![], &journals);
    settle(&mut harness);
    harness.get_by_label("Unsaved work was found");
    harness.get_by_label_contains("3 changes after the last save: Brush (3)");
    if let Some(pictures) = std::env::var_os("LAMELLA_PICTURES") {
        harness.render().unwrap().save(Path::new(&pictures).join("recovery.png")).unwrap();
    }
    click(&mut harness, "Restore head.nii.gz");
    assert!(harness.query_by_label("Unsaved work was found").is_none());
    assert!(labels(&harness).same_labels(&painted));
    assert!(harness.state().document().unwrap().is_modified(), "it is in no file");
    assert_eq!(journals_in(&journals).len(), 1, "the old journal is gone, and this window has one");
    // A second crash loses nothing either.
    drop(harness);
    let mut again = with_journals(vec![], &journals);
    settle(&mut again);
    again.get_by_label_contains("restored before and are still not saved");
    click(&mut again, "Restore head.nii.gz");
    assert!(labels(&again).same_labels(&painted));
}

#[test]
fn work_is_discarded_only_when_it_is_said_twice_and_later_asks_again() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (_, journals, _) = crash(folder.path(), 1);
    let mut harness = with_journals(vec![], &journals);
    settle(&mut harness);
    click(&mut harness, "Later");
    assert!(harness.query_by_label("Unsaved work was found").is_none());
    let mut beside = with_journals(vec![], &journals);
    settle(&mut beside);
    assert!(beside.query_by_label("Unsaved work was found").is_none(), "another window is at it");
    drop((harness, beside));
    let mut harness = with_journals(vec![], &journals);
    settle(&mut harness);
    click(&mut harness, "Discard head.nii.gz");
    click(&mut harness, "Keep head.nii.gz");
    click(&mut harness, "Discard head.nii.gz");
    click(&mut harness, "Discard head.nii.gz for good");
    assert!(harness.query_by_label("Unsaved work was found").is_none());
    assert!(journals_in(&journals).is_empty());
}

#[test]
fn a_scan_that_was_moved_is_asked_for_and_a_changed_one_is_told() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (scan, journals, painted) = crash(folder.path(), 2);
    let moved = folder.path().join("elsewhere.nii.gz");
    std::fs::rename(&scan, &moved).unwrap();
    let mut harness = with_journals(vec![], &journals);
    settle(&mut harness);
    let asked = |harness: &Window| {
        harness.state().messages().iter().any(|text| text.contains("head.nii.gz is not where it was"))
    };
    harness.get_by_role_and_label(Role::Button, "Restore head.nii.gz").click();
    harness.run_steps(2);
    settle(&mut harness);
    assert!(asked(&harness), "{:?}", harness.state().messages());
    let id = harness.state().studio().bringing.all[0].id;
    let answer =
        |path| Request::Answer(Answer { purpose: Purpose::FindScan { id, is_folder: false }, mode: Mode::Open, path });
    harness.state_mut().request(answer(None));
    harness.run_steps(2);
    settle(&mut harness);
    harness.get_by_label("Unsaved work was found");
    harness.get_by_role_and_label(Role::Button, "Restore head.nii.gz").click();
    harness.run_steps(2);
    settle(&mut harness);
    let id = harness.state().studio().bringing.all[0].id;
    let purpose = Purpose::FindScan { id, is_folder: false };
    let path = Some(moved);
    harness.state_mut().request(Request::Answer(Answer { purpose, mode: Mode::Open, path }));
    harness.run_steps(2);
    settle(&mut harness);
    assert!(labels(&harness).same_labels(&painted));
    assert!(!harness.state().messages().iter().any(|text| text.contains("not as it was")), "it is the same scan");
}

#[test]
fn labels_come_back_onto_an_open_scan_with_a_word_where_its_file_has_changed() {
    let _alone = alone();
    for is_changed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (scan, journals, painted) = crash(folder.path(), 2);
        if is_changed {
            let mut bytes = Vec::new();
            std::io::copy(&mut flate2::read::GzDecoder::new(std::fs::File::open(&scan).unwrap()), &mut bytes).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            let file = std::fs::File::create(&scan).unwrap();
            std::io::Write::write_all(&mut flate2::write::GzEncoder::new(file, flate2::Compression::fast()), &bytes)
                .unwrap();
        }
        let mut harness = with_journals(vec![scan], &journals);
        settle(&mut harness);
        click(&mut harness, "Restore head.nii.gz");
        assert!(labels(&harness).same_labels(&painted));
        let told = harness.state().messages().iter().filter(|text| text.contains("not as it was")).count();
        assert_eq!(told, usize::from(is_changed), "{:?}", harness.state().messages());
    }
}

#[test]
fn a_series_is_found_again_and_no_journal_names_a_patient() {
    let _alone = alone();
    let Some(data) = support::test_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let journals = folder.path().join("journals");
    let mut harness = with_journals(vec![data.join("data/dicom/series/study1_hippocrop")], &journals);
    settle(&mut harness);
    let painted = paint(&mut harness, 2);
    drop(harness);
    let bytes = std::fs::read(&journals_in(&journals)[0]).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()));
    assert!(holds("HippoCrop") && holds("study1_hippocrop"), "the series and its folder");
    for secret in ["Chrisjen", "Avasarala", "PGBM-002"] {
        assert!(!holds(secret), "{secret}");
    }
    let mut harness = with_journals(vec![], &journals);
    settle(&mut harness);
    click(&mut harness, "Restore HippoCrop");
    assert!(labels(&harness).same_labels(&painted));
}

#[test]
fn work_goes_on_where_no_journal_can_be_written() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let scan = scan_in(folder.path());
    let journals = folder.path().join("journals");
    std::fs::write(&journals, b"no folder").unwrap();
    let mut harness = with_journals(vec![scan], &journals);
    settle(&mut harness);
    let painted = paint(&mut harness, 3);
    assert!(painted.counts().values().sum::<usize>() > 10);
    let told = harness.state().messages().iter().filter(|text| text.contains("The journal cannot be written")).count();
    assert_eq!(told, 1, "{:?}", harness.state().messages());
}

#[test]
fn a_document_is_saved_and_opened_and_a_second_window_is_told() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let scan = scan_in(folder.path());
    let path = folder.path().join("case.lamella");
    let mut harness = with_journals(vec![scan], &folder.path().join("journals"));
    settle(&mut harness);
    let painted = paint(&mut harness, 2);
    let mode = Mode::Save("Lamella document".into(), vec![".lamella"]);
    let answer = Answer { purpose: Purpose::SaveDocument, mode, path: Some(path.clone()) };
    harness.state_mut().request(Request::Answer(answer));
    harness.run_steps(2);
    settle(&mut harness);
    assert!(path.is_file(), "{:?}", harness.state().messages());
    assert!(!harness.state().document().unwrap().is_modified(), "the document holds it");

    let mut second = window(vec![path.clone()]);
    settle(&mut second);
    assert!(labels(&second).same_labels(&painted));
    let told = |window: &Window, part: &str| window.state().messages().iter().any(|text| text.contains(part));
    assert!(told(&second, "is open in another window"), "{:?}", second.state().messages());
    drop(harness);
    let mut third = window(vec![path.clone()]);
    settle(&mut third);
    assert!(!told(&third, "is open in another window") && !third.state().document().unwrap().is_modified());
    let more = paint(&mut third, 1);
    third.state_mut().request(Request::Run("file.save-document"));
    third.run_steps(2);
    settle(&mut third);
    drop(third);
    let scans = lamella::session::read_document(&path, lamella::work::Watch::unwatched()).unwrap();
    assert!(scans[0].segmentations[0].labels.same_labels(&more));

    // A document whose scan is gone is not written over.
    std::fs::remove_file(folder.path().join("head.nii.gz")).unwrap();
    let mut fourth = window(vec![path.clone()]);
    settle(&mut fourth);
    let id = fourth.state().studio().bringing.all[0].id;
    let purpose = Purpose::FindScan { id, is_folder: false };
    fourth.state_mut().request(Request::Answer(Answer { purpose, mode: Mode::Open, path: None }));
    fourth.run_steps(3);
    assert!(told(&fourth, "without all of its scans"), "{:?}", fourth.state().messages());
    assert!(fourth.state().studio().document.as_ref().unwrap().is_partial);
}

#[test]
fn the_list_of_steps_leads_back_and_forth() {
    let _alone = alone();
    let mut harness = painted_sample(egui::vec2(20.0, 0.0));
    let first = labels(&harness);
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 40.0));
    drag_in_axial_view(&mut harness, egui::vec2(-40.0, 0.0));
    let last = labels(&harness);
    assert!(!last.same_labels(&first));
    click(&mut harness, "Steps");
    let steps: Vec<_> = harness.query_all_by_label("Take back to before: Brush").collect();
    assert_eq!(steps.len(), 3);
    // The second from the top is the second stroke.
    steps[1].click();
    harness.run_steps(3);
    assert!(labels(&harness).same_labels(&first));
    let ahead: Vec<_> = harness.query_all_by_label("Make again up to here: Brush").collect();
    assert_eq!(ahead.len(), 2);
    ahead[0].click();
    harness.run_steps(3);
    assert!(labels(&harness).same_labels(&last));
}
