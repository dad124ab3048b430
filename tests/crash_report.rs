//! Reports of faults: what a process that panics leaves in the program's folder. The test starts itself once more, and that process panics.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;

use lamella::home::{doing, keep_reports, note_log, note_step, reports};

/// Set in the process that panics, to how it does.
const HOW: &str = "LAMELLA_TEST_PANIC";
/// The name of the scan that it is at.
const SCAN: &str = "LAMELLA_TEST_SCAN";

#[test]
#[ignore = "only in the process that the other test starts"]
fn panic_as_told() {
    let Ok(how) = std::env::var(HOW) else { return };
    keep_reports();
    note_step("segment.run");
    note_log("WARN", "lamella::app", Some(12));
    let _doing = doing("segment");
    let scan = std::env::var(SCAN).unwrap_or_default();
    match how.as_str() {
        "index" => {
            let values = [1, 2, 3].map(|n| n + how.len());
            let at = how.len() * 2;
            assert!(values.get(at).is_none() && values[at] > 0);
        }
        "value" => panic!("cannot read {scan}"),
        // There is no such file, and its name must not come into the report.
        _ => drop(std::fs::read(&scan).map_err(|_| scan).unwrap()),
    }
}

/// The report of a process that panics in this way.
fn report(how: &str) -> String {
    let data = tempfile::tempdir().unwrap();
    let binary = std::env::current_exe().unwrap();
    let words = ["panic_as_told", "--exact", "--ignored", "--nocapture"];
    let mut command = Command::new(binary);
    command.args(words).env(HOW, how).env(SCAN, "/home/zebra/Quagga Herd.nii.gz");
    let done = command.env("LAMELLA_DATA_DIR", data.path()).output().unwrap();
    assert!(!done.status.success(), "it did not panic");
    let found = reports(data.path());
    assert_eq!(found.len(), 1, "{}", String::from_utf8_lossy(&done.stderr));
    found[0].text.clone()
}

#[test]
fn a_process_that_panics_leaves_a_report_without_names_of_files() {
    let text = report("index");
    for part in [
        concat!("Lamella ", env!("CARGO_PKG_VERSION")),
        "was not sent",
        std::env::consts::ARCH,
        "Place: crash_report.rs:",
        "index out of bounds: the len is 3 but the index is 10",
        "Work that was being done:\n  segment\n",
        "Last commands:\n  segment.run\n",
        "WARN lamella::app:12",
        "panic_as_told",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    for how in ["value", "result"] {
        let text = report(how);
        assert!(text.contains("Said: ") && text.contains("segment.run"), "{text}");
        for name in ["zebra", "Quagga", "Herd", ".nii", "/home"] {
            assert!(!text.contains(name), "{name} is in:\n{text}");
        }
    }
}

/// A copy of the program with a folder `portable` beside it keeps everything there, whatever the account's own folders are.
#[test]
#[cfg(unix)]
fn a_portable_copy_writes_beside_itself_alone() {
    let place = tempfile::tempdir().unwrap();
    let (binary, portable) = (place.path().join("lamella"), place.path().join("portable"));
    std::fs::copy(env!("CARGO_BIN_EXE_lamella"), &binary).unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new(&binary);
        // A folder that nobody can write to, also not who may write everywhere.
        command.args(words).env_remove("LAMELLA_DATA_DIR").env("HOME", "/proc/none");
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    };
    let model = place.path().join("own.safetensors");
    let exported = run(&["models", "export", "hippocampus", "-o", model.to_str().unwrap()]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let import = ["models", "import", model.to_str().unwrap(), "--id", "own"];
    assert!(!run(&import).status.success(), "without the mark there is no folder for models");
    std::fs::create_dir(&portable).unwrap();
    let done = run(&import);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(portable.join("models/own.safetensors").is_file());
    assert!(String::from_utf8_lossy(&run(&["models", "list"]).stdout).contains("own"));
}
