//! The De-identify window: every change is listed before anything is written, and what is written is what was listed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/made_dicom.rs"]
mod made_dicom;
#[path = "support/window.rs"]
mod window;

use std::path::{Path, PathBuf};

use eframe::egui::{Key, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use window::*;

/// A series of small slices; one says that text is burned into it.
fn write_series(folder: &Path) {
    for n in 0_i32..4 {
        let mut made = made_dicom::slice(i64::from(n) + 1, 2.0 * f64::from(n), 100);
        made.text((0x0010, 0x0030), b"DA", "19500102");
        if n == 0 {
            made.text((0x0028, 0x0301), b"CS", "YES");
        }
        std::fs::write(folder.join(format!("{n}.dcm")), whole(&made.bytes())).unwrap();
    }
}

/// With the length of the file's meta information, which strict readers want.
fn whole(file: &[u8]) -> Vec<u8> {
    let mut end = 132;
    while file[end..end + 2] == [2, 0] {
        end += 8 + usize::from(u16::from_le_bytes([file[end + 6], file[end + 7]]));
    }
    let length = u32::try_from(end - 132).unwrap().to_le_bytes();
    [&file[..132], &[2, 0, 0, 0, b'U', b'L', 4, 0], &length, &file[132..]].concat()
}

fn click(harness: &mut Window, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(3);
    settle(harness);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|item| item.path()) {
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

#[test]
fn changes_are_listed_first_and_the_files_hold_no_patient() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let (scans, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_series(scans.path());
    let mut harness = window(vec![scans.path().to_path_buf()]);
    settle(&mut harness);
    harness.state_mut().request(Request::Run("file.deidentify"));
    harness.run_steps(3);
    // The scan on screen is what is proposed.
    assert_eq!(harness.state().studio().deidentifying.form.inputs.len(), 4);
    picture(&mut harness, "deidentify-begin");
    harness.get_by_label("Shift dates").click();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::CheckBox, "Device").click();
    harness.run_steps(2);
    click(&mut harness, "List changes");
    harness.get_by_label_contains("changes in 4 files of one patient");
    harness.get_by_label_contains("text is burned into the pixels");
    // Rows in sight are read out; others are found.
    harness.get_by_role_and_label(Role::TextInput, "Find a change").focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::TextInput, "Find a change").type_text("patient");
    harness.run_steps(3);
    harness.get_by_label_contains("PatientName (0010,0010): replaced in 4 files");
    harness.get_by_label_contains("PatientID (0010,0020): replaced in 4 files");
    assert!(harness.query_by_label_contains("PatientSpeciesDescription").is_none());
    picture(&mut harness, "deidentify-changes");
    // Nothing is written before a folder is chosen; one that holds something gets a new one in it.
    assert!(harness.state().studio().deidentifying.lacks_to_write().unwrap().contains("folder for the new files"));
    std::fs::write(made.path().join("other.txt"), "something").unwrap();
    let path = Some(made.path().to_path_buf());
    harness.state_mut().request(Request::Answer(Answer { purpose: Purpose::DeidentifyInto, mode: Mode::Folder, path }));
    harness.run_steps(3);
    assert!(!made.path().join("deidentified").exists());
    click(&mut harness, "De-identify 4 files");
    picture(&mut harness, "deidentify-written");
    let said = harness.state().studio().deidentifying.said.clone().unwrap();
    assert!(!said.is_error && said.text.contains("4 files of one patient written to"), "{}", said.text);
    let written = files(&made.path().join("deidentified"));
    assert_eq!(written.len(), 4);
    let holds = |bytes: &[u8], part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
    for path in &written {
        let bytes = std::fs::read(path).unwrap();
        assert!(!holds(&bytes, "MADE^ONE") && !holds(&bytes, "19500102") && !holds(&bytes, "1.2.3.4."), "{path:?}");
    }
    // The new names are those of the list.
    let list = harness.state().studio().deidentifying.list.as_ref().unwrap();
    let patient = list.report.patients.iter().next().unwrap().clone();
    assert!(made.path().join("deidentified").join(&patient).is_dir(), "{patient}");
    // Other choices make the list out of date.
    harness.get_by_label("Keep dates").click();
    harness.run_steps(3);
    harness.get_by_label_contains("list the changes again");
    assert!(harness.state().studio().deidentifying.lacks_to_write().is_some());
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!harness.state().studio().deidentifying.is_open);
}
