//! `lamella batch` on whole folders: what it makes, what it passes over, and what is left after kills and signals.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/made_dicom.rs"]
mod made_dicom;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lamella::formats;
use lamella::volume::{LabelMap, Rescale, Volume, Voxels};
use lamella::work::Watch;
use serde_json::Value;

const LAMELLA: &str = env!("CARGO_BIN_EXE_lamella");
/// A third of the work of all axes, which the model would take.
const ONE_AXIS: [&str; 2] = ["--axis", "axial"];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn sample() -> Volume {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    formats::open_one(&path, None, Watch::unwatched()).unwrap()
}

/// The sample with values that are `more` higher, written to a file.
fn write_scan(path: &Path, more: f32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let scan = sample();
    let [columns, rows, slices] = scan.geometry.shape();
    let mut values = Vec::new();
    for k in 0..slices {
        for j in 0..rows {
            for i in 0..columns {
                #[allow(clippy::cast_possible_truncation, reason = "values of the sample are small")]
                values.push(scan.value([i, j, k], 0) as f32 + more * f32::from(u8::try_from(i % 3).unwrap()));
            }
        }
    }
    let voxels = Voxels::F32(Arc::new(values));
    let volume = Volume::new(scan.geometry, voxels, vec![], Rescale::IDENTITY, "scan".into());
    formats::write_volume(path, &volume, Watch::unwatched()).unwrap();
}

/// A data set of BIDS with so many scans.
fn write_bids(root: &Path, count: u8) {
    for number in 1..=count {
        let name = format!("sub-{number:02}");
        write_scan(&root.join(&name).join("anat").join(format!("{name}_T1w.nii.gz")), f32::from(number));
    }
}

fn batch(scans: &Path, masks: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(LAMELLA);
    command.args(["batch", text(scans), "-m", "hippocampus", "-o", text(masks), "--device", "cpu"]).args(ONE_AXIS);
    command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Outcome, seconds, volumes and problem of every scan, by its place, as the table in the folder of masks has them.
fn table(masks: &Path) -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(masks.join("batch.tsv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("scan\tmask\toutcome\tseconds\tAnterior_ml\tPosterior_ml\tproblem"));
    let fields = |line: &str| line.split('\t').map(str::to_string).collect::<Vec<_>>();
    lines.map(fields).map(|line| (line[0].clone(), line[1..].to_vec())).collect()
}

fn outcomes(masks: &Path) -> Vec<String> {
    table(masks).into_values().map(|line| line[1].clone()).collect()
}

/// All files below a folder, also hidden ones, with `/` between folders.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn labels(path: &Path) -> LabelMap {
    formats::read_labels(path, Watch::unwatched(), &|_| {}).unwrap()
}

/// Whether two files hold the same mask at the same place.
fn is_same_mask(one: &Path, other: &Path) -> bool {
    let (one, other) = (labels(one), labels(other));
    one.same_labels(&other) && one.geometry().matches(other.geometry(), 1e-6)
}

/// The masks that `lamella segment` makes of the same scans, by the scans' file names.
fn direct(scans: &[PathBuf], masks: &Path) {
    let mut command = Command::new(LAMELLA);
    command.arg("segment").args(scans).args(["-m", "hippocampus", "-o", text(masks), "--device", "cpu"]).args(ONE_AXIS);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", errors(&done));
}

fn records(masks: &Path) -> usize {
    files(masks).iter().filter(|name| name.ends_with("_dseg.json")).count()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(2), "{what}: took too long");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_folder_is_mirrored_and_a_broken_scan_does_not_end_the_run() {
    let place = tempfile::tempdir().unwrap();
    let (scans, masks) = (place.path().join("scans"), place.path().join("masks"));
    write_scan(&scans.join("a/one.nii.gz"), 1.0);
    write_scan(&scans.join("a/one.nrrd"), 2.0);
    write_scan(&scans.join("b/c/two.nii"), 3.0);
    // The segmentation of a scan beside it is no scan.
    std::fs::copy(scans.join("b/c/two.nii"), scans.join("b/c/two_seg.nii")).unwrap();
    std::fs::write(scans.join("a/notes.txt"), "about scans").unwrap();
    let whole = std::fs::read(scans.join("b/c/two.nii")).unwrap();
    std::fs::write(scans.join("b/cut.nii"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(scans.join("broken.nii.gz"), "no image at all").unwrap();
    let done = batch(&scans, &masks, &["--jobs", "2"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", errors(&done));
    assert!(errors(&done).contains("2 of 5 scans were not segmented"), "{}", errors(&done));
    let lines = table(&masks);
    let outcome = |scan: &str| lines[scan][1].as_str();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(["a/one.nii.gz", "a/one.nrrd", "b/c/two.nii"].iter().all(|scan| outcome(scan) == "made"), "{lines:?}");
    for broken in ["b/cut.nii", "broken.nii.gz"] {
        assert!(outcome(broken) == "failed" && lines[broken][5].len() > 20, "{lines:?}");
        assert!(errors(&done).contains(&format!("error: {broken}: ")), "{}", errors(&done));
    }
    let made = ["a/one_2_dseg.json", "a/one_2_dseg.nii.gz", "a/one_dseg.json", "a/one_dseg.nii.gz"];
    let deeper = ["b/c/two_dseg.json", "b/c/two_dseg.nii.gz", "batch.tsv"];
    assert_eq!(files(&masks), [&made[..], &deeper[..]].concat());
    // The masks are those of `lamella segment`, and the table has their volumes.
    direct(&[scans.join("a/one.nii.gz"), scans.join("b/c/two.nii")], &place.path().join("direct"));
    for (scan, own, other) in
        [("a/one.nii.gz", "a/one_dseg.nii.gz", "one.nii.gz"), ("b/c/two.nii", "b/c/two_dseg.nii.gz", "two.nii")]
    {
        let (own, other) = (masks.join(own), place.path().join("direct").join(other));
        assert!(is_same_mask(&own, &other), "{scan}");
        let own = labels(&own);
        for (value, column) in [(1, 3), (2, 4)] {
            #[allow(clippy::cast_precision_loss, reason = "few voxels")]
            let expected = own.counts()[&value] as f64 * own.geometry().voxel_volume_mm3() / 1000.0;
            assert!((lines[scan][column].parse::<f64>().unwrap() - expected).abs() < 1e-3, "{lines:?}");
        }
    }
}

#[test]
fn what_is_complete_is_passed_over_and_nothing_else_is() {
    let place = tempfile::tempdir().unwrap();
    let (scans, masks) = (place.path().join("scans"), place.path().join("masks"));
    for (name, more) in [("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0), ("e", 5.0)] {
        write_scan(&scans.join(format!("{name}.nii.gz")), more);
    }
    let run = |more: &[&str]| {
        let done = batch(&scans, &masks, more).output().unwrap();
        assert!(done.status.success(), "{}", errors(&done));
        (outcomes(&masks), errors(&done))
    };
    let mask = |name: &str| masks.join(format!("{name}_dseg.nii.gz"));
    assert_eq!(run(&[]).0, ["made"; 5]);
    assert_eq!(run(&["--jobs", "2"]).0, ["there"; 5]);
    // Other names and times of the same content change nothing; another content does.
    let scan = |name: &str| scans.join(format!("{name}.nii.gz"));
    let bytes = std::fs::read(scan("a")).unwrap();
    std::fs::write(scan("a"), &bytes).unwrap();
    std::fs::copy(scan("a"), scan("b")).unwrap();
    // A mask cut short, one without its record, one that somebody changed.
    let whole = std::fs::read(mask("c")).unwrap();
    std::fs::write(mask("c"), &whole[..whole.len() / 2]).unwrap();
    std::fs::remove_file(masks.join("d_dseg.json")).unwrap();
    let (edited, aside) = (mask("e"), place.path().join("edited.nii.gz"));
    let words = ["edit", text(&edited), "-o", text(&aside), "--label", "1", "--do", "clear"];
    let edited = Command::new(LAMELLA).args(words).output().unwrap();
    assert!(edited.status.success(), "{}", errors(&edited));
    std::fs::copy(&aside, mask("e")).unwrap();
    let (found, told) = run(&[]);
    assert_eq!(found, ["there", "made", "made", "made", "changed"]);
    assert!(told.contains("1 masks were changed") && told.contains("--overwrite"), "{told}");
    assert!(std::fs::read(mask("e")).unwrap() == std::fs::read(&aside).unwrap());
    assert!(is_same_mask(&mask("a"), &mask("b")) && std::fs::read(mask("c")).unwrap() == whole);
    assert_eq!(run(&[]).0, ["there", "there", "there", "there", "changed"]);
    // Other choices make other masks, and what was changed stays even then.
    assert_eq!(run(&["--largest"]).0, ["made", "made", "made", "made", "changed"]);
    assert_eq!(run(&["--largest", "--overwrite"]).0, ["made"; 5]);
    assert_eq!(run(&["--largest"]).0, ["there"; 5]);
    // What is there and was not made here is not replaced, and the run says so.
    std::fs::write(mask("a"), "notes of two years").unwrap();
    std::fs::remove_file(masks.join("a_dseg.json")).unwrap();
    let done = batch(&scans, &masks, &["--largest"]).output().unwrap();
    assert_eq!((done.status.code(), outcomes(&masks)[0].as_str()), (Some(1), "failed"));
    assert_eq!(std::fs::read(mask("a")).unwrap(), b"notes of two years");
}

#[test]
fn scans_of_bids_become_a_derivative_of_bids() {
    let place = tempfile::tempdir().unwrap();
    let scans = place.path().join("scans");
    write_bids(&scans, 2);
    write_scan(&scans.join("sub-01/anat/sub-01_T2w.nii.gz"), 7.0);
    std::fs::write(scans.join("dataset_description.json"), r#"{"Name": "made", "BIDSVersion": "1.10.0"}"#).unwrap();
    // Inside the data set, where masks of an earlier run are no scans.
    let masks = scans.join("derivatives/lamella");
    for expected in ["made", "there"] {
        let done = batch(&scans, &masks, &["--json"]).output().unwrap();
        assert!(done.status.success(), "{}", errors(&done));
        let told: Value = serde_json::from_slice(&done.stdout).unwrap();
        let rows = told["scans"].as_array().unwrap();
        assert!(rows.len() == 3 && rows.iter().all(|row| row["outcome"] == expected), "{told}");
    }
    let names = ["sub-01/anat/sub-01_desc-hippocampus", "sub-01/anat/sub-01_desc-hippocampusT2w"];
    for name in names.into_iter().chain(["sub-02/anat/sub-02_desc-hippocampus"]) {
        assert!(masks.join(format!("{name}_dseg.nii.gz")).is_file(), "{:?}", files(&masks));
        let names = std::fs::read_to_string(masks.join(format!("{name}_dseg.tsv"))).unwrap();
        assert!(names.starts_with("index\tname") && names.contains("1\tAnterior"), "{names}");
    }
    let record = support::json(&masks.join("sub-01/anat/sub-01_desc-hippocampusT2w_dseg.json"));
    assert_eq!(record["Sources"], serde_json::json!(["sub-01/anat/sub-01_T2w.nii.gz"]));
    assert_eq!(record["GeneratedBy"][0]["Version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&record["MadeOf"]["Model"], &record["MadeOf"]["Settings"]["Mirrored"]),
        (&"hippocampus".into(), &false.into())
    );
    assert!(record["MadeOf"]["ModelSha256"].as_str().unwrap().len() == 64, "{record}");
    let description = support::json(&masks.join("dataset_description.json"));
    assert_eq!(description["DatasetType"], "derivative");
    // One scan of them, as a workflow asks for it.
    let planned = batch(&scans, &masks, &["--plan", "--json"]).output().unwrap();
    let planned: Value = serde_json::from_slice(&planned.stdout).unwrap();
    let last = &planned["scans"][1];
    let mask = last["mask"].as_str().unwrap();
    assert_eq!(mask, "sub-01/anat/sub-01_desc-hippocampusT2w_dseg.nii.gz");
    let folder = Path::new(last["paths"][0].as_str().unwrap()).parent().unwrap().to_path_buf();
    let other = place.path().join("other");
    let more = ["--root", text(&scans), "--only", mask];
    let done = batch(&folder, &other, &more).output().unwrap();
    assert!(done.status.success(), "{}", errors(&done));
    assert!(std::fs::read(other.join(mask)).unwrap() == std::fs::read(masks.join(mask)).unwrap());
    assert_eq!(files(&other).len(), 4, "{:?}", files(&other));
}

#[test]
fn a_killed_run_continues_and_leaves_nothing_half_written() {
    let place = tempfile::tempdir().unwrap();
    let (scans, masks) = (place.path().join("scans"), place.path().join("masks"));
    write_bids(&scans, 6);
    let mut child = batch(&scans, &masks, &["--jobs", "2"]).spawn().unwrap();
    wait_until("two masks", || records(&masks) >= 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = records(&masks);
    assert!((2..6).contains(&before), "{before} of 6 masks were made before the kill");
    assert!(!masks.join("batch.tsv").exists());
    let made: Vec<String> = files(&masks).into_iter().filter(|name| name.ends_with("_dseg.json")).collect();
    let bytes = |name: &String| std::fs::read(masks.join(name)).unwrap();
    let kept: Vec<Vec<u8>> = made.iter().map(bytes).collect();
    let done = batch(&scans, &masks, &[]).output().unwrap();
    assert!(done.status.success(), "{}", errors(&done));
    let found = outcomes(&masks);
    assert_eq!(found.iter().filter(|outcome| *outcome == "there").count(), before, "{found:?}");
    assert_eq!(found.iter().filter(|outcome| *outcome == "made").count(), 6 - before, "{found:?}");
    assert_eq!(made.iter().map(bytes).collect::<Vec<_>>(), kept, "complete masks are not made again");
    let left = files(&masks);
    assert!(left.len() == 6 * 3 + 2 && left.iter().all(|name| !name.contains("/.")), "{left:?}");
    let sources: Vec<PathBuf> = (1..=6).map(|n| scans.join(format!("sub-{n:02}/anat/sub-{n:02}_T1w.nii.gz"))).collect();
    direct(&sources, &place.path().join("direct"));
    for n in 1..=6 {
        let own = masks.join(format!("sub-{n:02}/anat/sub-{n:02}_desc-hippocampus_dseg.nii.gz"));
        assert!(is_same_mask(&own, &place.path().join(format!("direct/sub-{n:02}_T1w.nii.gz"))), "{n}");
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_says_what_is_missing() {
    let place = tempfile::tempdir().unwrap();
    let (scans, masks) = (place.path().join("scans"), place.path().join("masks"));
    write_bids(&scans, 6);
    let child = batch(&scans, &masks, &[]).spawn().unwrap();
    wait_until("a mask", || records(&masks) >= 1);
    signal(&child, "INT");
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130), "{}", errors(&done));
    let found = outcomes(&masks);
    let count = |word: &str| found.iter().filter(|outcome| *outcome == word).count();
    assert_eq!((count("made") + count("missing"), count("made")), (6, records(&masks)), "{found:?}");
    assert!(count("missing") > 0, "{found:?}");
    assert!(files(&masks).iter().all(|name| !name.contains("/.")), "{:?}", files(&masks));
    let done = batch(&scans, &masks, &[]).output().unwrap();
    assert!(done.status.success() && records(&masks) == 6, "{}", errors(&done));
}

#[test]
fn two_runs_on_one_folder_make_each_mask_once() {
    let place = tempfile::tempdir().unwrap();
    let (scans, masks) = (place.path().join("scans"), place.path().join("masks"));
    write_bids(&scans, 5);
    let run = || batch(&scans, &masks, &["--json", "--threads", "1"]).spawn().unwrap();
    let runs = [run(), run()].map(|child| child.wait_with_output().unwrap());
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for done in runs {
        assert!(done.status.success(), "{}", errors(&done));
        let told: Value = serde_json::from_slice(&done.stdout).unwrap();
        for row in told["scans"].as_array().unwrap() {
            assert!(row["outcome"] == "made" || row["outcome"] == "there", "{told}");
            *made.entry(row["scan"].as_str().unwrap().into()).or_default() += usize::from(row["outcome"] == "made");
        }
    }
    assert!(made.len() == 5 && made.values().all(|&count| count == 1), "{made:?}");
    assert!(files(&masks).iter().all(|name| !name.contains("/.")), "{:?}", files(&masks));
}

#[test]
fn nothing_that_is_written_or_told_names_the_patient() {
    let place = tempfile::tempdir().unwrap();
    let (scans, masks) = (place.path().join("scans"), place.path().join("masks"));
    std::fs::create_dir_all(scans.join("visit")).unwrap();
    for number in 1_i64..=4 {
        #[allow(clippy::cast_precision_loss, reason = "four slices")]
        let mut made = made_dicom::slice(number, 2.0 * number as f64, 7);
        made.text((0x0010, 0x0010), b"PN", "ZEBRA^QUAGGA").text((0x0010, 0x0020), b"LO", "HERD77");
        made.save(&scans.join(format!("visit/{number}.dcm")));
    }
    let done = batch(&scans, &masks, &[]).env("LAMELLA_LOG", "debug").output().unwrap();
    assert!(done.status.success(), "{}", errors(&done));
    assert!(outcomes(&masks) == ["made"] && masks.join("visit/made_dseg.nii.gz").is_file(), "{:?}", files(&masks));
    let told = [done.stdout, done.stderr].concat();
    let written = files(&masks).into_iter().map(|name| std::fs::read(masks.join(name)).unwrap());
    for bytes in written.chain([told]) {
        let text = String::from_utf8_lossy(&bytes).to_uppercase();
        assert!(!["ZEBRA", "QUAGGA", "HERD77"].iter().any(|name| text.contains(name)), "{text}");
    }
    assert!(files(&masks).iter().all(|name| !name.to_uppercase().contains("ZEBRA")), "{:?}", files(&masks));
}

#[test]
fn every_series_of_dicom_has_a_mask_of_its_own() {
    let Some(data) = support::test_data() else { return };
    let place = tempfile::tempdir().unwrap();
    let masks = place.path().join("masks");
    let scans = data.join("data/dicom/series");
    let planned = batch(&scans, &masks, &["--plan", "--json"]).output().unwrap();
    assert!(planned.status.success(), "{}", errors(&planned));
    let planned: Value = serde_json::from_slice(&planned.stdout).unwrap();
    let rows = planned["scans"].as_array().unwrap();
    let masks_of: Vec<&str> =
        rows.iter().filter_map(|row| row["mask"].as_str()).filter(|mask| !mask.is_empty()).collect();
    let unique: std::collections::BTreeSet<String> = masks_of.iter().map(|mask| mask.to_lowercase()).collect();
    assert!(masks_of.len() > 1 && unique.len() == masks_of.len(), "{planned}");
    assert!(!masks.exists(), "a plan writes nothing");
    let first = rows.iter().find(|row| row["mask"].as_str().unwrap().starts_with("shuffled_noext/")).unwrap();
    let folder = PathBuf::from(first["paths"][0].as_str().unwrap());
    let folder = if folder.is_dir() { folder } else { folder.parent().unwrap().to_path_buf() };
    let mask = first["mask"].as_str().unwrap();
    let done = batch(&folder, &masks, &["--root", text(&scans), "--only", mask]).output().unwrap();
    assert!(done.status.success(), "{}", errors(&done));
    let found = formats::scan(&folder, Watch::unwatched()).unwrap();
    let grids: Vec<Volume> =
        found.entries.iter().filter_map(|entry| formats::load(entry, Watch::unwatched()).ok()).collect();
    let written = labels(&masks.join(mask));
    assert!(grids.iter().any(|grid| written.geometry().matches(&grid.geometry, 1e-3)), "the mask lies on its scan");
}
