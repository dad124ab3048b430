//! The command line under attack: what it may replace, what is left after kills and signals, full disks and little memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lamella::learn::Checkpoint;
use lamella::model::Model;
use lamella::work::Watch;

const LAMELLA: &str = env!("CARGO_BIN_EXE_lamella");

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz")
}

fn sample_labels() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus_labels.nii.gz")
}

fn run(words: &[&str]) -> Output {
    Command::new(LAMELLA).args(words).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with a data set of four scans, and room for results.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (part, file) in [("images", sample()), ("labels", sample_labels())] {
            std::fs::create_dir_all(folder.path().join("data").join(part)).unwrap();
            for n in 0..4 {
                std::fs::copy(&file, folder.path().join(format!("data/{part}/case{n}.nii.gz"))).unwrap();
            }
        }
        std::fs::create_dir(folder.path().join("out")).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A small training that takes a few seconds.
    fn train(&self, output: &str, more: &[&str]) -> Command {
        let mut command = Command::new(LAMELLA);
        command.args(["train", text(&self.at("data")), "-o", text(&self.at(output))]);
        command.args(["--options", r#"{"width": 4, "depth": 2}"#, "--patch", "32x32", "--axis", "axial"]);
        command.args(["--batch", "16", "--threads", "2"]);
        command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Names in a folder, also hidden ones.
    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.at(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(1), "{what}: took too long");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn steps(state: &Path) -> u64 {
    Checkpoint::load(state).map_or(0, |state| state.progress.steps)
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// How many scans of the data set are still what they were.
fn whole(place: &Place) -> usize {
    let (image, labels) = (std::fs::read(sample()).unwrap(), std::fs::read(sample_labels()).unwrap());
    let is_same = |part: &str, n: usize, bytes: &[u8]| {
        std::fs::read(place.at(&format!("data/{part}/case{n}.nii.gz"))).is_ok_and(|there| there == bytes)
    };
    (0..4).filter(|&n| is_same("images", n, &image) && is_same("labels", n, &labels)).count()
}

#[test]
fn no_command_replaces_what_is_not_its_own_kind_of_result() {
    let place = Place::new();
    let at = |name: &str| place.at(name);
    let notes = b"notes of two years";
    for name in ["notes.safetensors", "notes.onnx", "notes.nii.gz", "notes.txt"] {
        std::fs::write(at(name), notes).unwrap();
    }
    let own = at("own.safetensors");
    assert!(run(&["models", "export", "hippocampus", "-o", text(&own)]).status.success());
    let exported = std::fs::read(&own).unwrap();
    std::fs::copy(&own, at("second.safetensors")).unwrap();
    let image = at("data/images/case0.nii.gz");
    let labels = at("data/labels/case0.nii.gz");
    let (image, labels) = (text(&image), text(&labels));
    let data = at("data");
    let (data, own) = (text(&data), text(&own));
    let train = ["train", data, "--budget", "1ep", "-o"];
    let refine =
        ["refine", image, "--labels", labels, "--axis", "axial", "--done", "10", "-m", own, "--seconds", "0.1"];
    let cases: Vec<(Vec<&str>, &str, &str)> = vec![
        (train.to_vec(), "data/images/case1.nii.gz", ".safetensors"),
        (train.to_vec(), "data/labels/case1.nii.gz", ".safetensors"),
        (train.to_vec(), "notes.safetensors", "no model of Lamella"),
        (train.to_vec(), "notes.txt", ".safetensors"),
        (train.to_vec(), "data/images/model.safetensors", "among the scans"),
        (train.to_vec(), "data/labels/model.safetensors", "among the scans"),
        (train.to_vec(), "missing/model.safetensors", "no such folder"),
        (["train", data, "--budget", "1ep", "--init", own, "-o"].to_vec(), "own.safetensors", "overwrite"),
        (["models", "export", own, "-o"].to_vec(), "own.safetensors", "overwrite"),
        (["models", "export", own, "-o"].to_vec(), "notes.onnx", "ONNX"),
        (["models", "export", own, "-o"].to_vec(), "notes.safetensors", "no model of Lamella"),
        (["models", "export", own, "-o"].to_vec(), "data/images/case0.nii.gz", ".safetensors"),
        (["models", "import", own, "-o"].to_vec(), "own.safetensors", "overwrite"),
        (["models", "import", own, "-o"].to_vec(), "notes.safetensors", "no model of Lamella"),
        (["models", "ensemble", own, "hippocampus", "-o"].to_vec(), "own.safetensors", "overwrite"),
        (["models", "ensemble", own, "hippocampus", "-o"].to_vec(), "notes.safetensors", "no model of Lamella"),
        (["segment", image, "-m", own, "-o"].to_vec(), "data/images/case0.nii.gz", "overwrite"),
        (["segment", image, "-m", own, "-o"].to_vec(), "notes.nii.gz", "no mask as a model left it"),
        (["convert", image, "-o"].to_vec(), "data/images/case0.nii.gz", "overwrite"),
        (["convert", image, "-o"].to_vec(), "notes.nii.gz", "no image that can be read"),
        ([&refine[..], &["-o"]].concat(), "data/labels/case0.nii.gz", "overwrite"),
        ([&refine[..], &["-o"]].concat(), "data/images/case0.nii.gz", "overwrite"),
        ([&refine[..], &["-o", "/tmp/never.nii.gz", "--model-output"]].concat(), "own.safetensors", "overwrite"),
        ([&refine[..], &["-o", "/tmp/never.nii.gz", "--model-output"]].concat(), "notes.safetensors", "no model"),
    ];
    for (words, output, expected) in cases {
        let path = at(output);
        let done = run(&[&words[..], &[text(&path)]].concat());
        let message = said(&done);
        assert_eq!(done.status.code(), Some(1), "{words:?} {output}: {message}");
        assert!(message.contains(expected) && message.contains(text(&path)), "{words:?} {output}: {message}");
    }
    assert_eq!(whole(&place), 4);
    assert!(std::fs::read(own).unwrap() == exported);
    for name in ["notes.safetensors", "notes.onnx", "notes.nii.gz", "notes.txt"] {
        assert_eq!(std::fs::read(at(name)).unwrap(), notes, "{name}");
    }
    // A result of the same kind is replaced: a mask by a mask, a model by a model.
    let mask = at("out/mask.nii.gz");
    for _ in 0..2 {
        assert!(run(&["segment", image, "-m", own, "-o", text(&mask)]).status.success());
        assert!(run(&["convert", image, "-o", text(&at("out/copy.nii.gz"))]).status.success());
        assert!(run(&["models", "export", own, "-o", text(&at("second.safetensors"))]).status.success());
        assert!(run(&["models", "export", own, "-o", text(&at("out/model.onnx"))]).status.success());
    }
    assert_eq!(place.names("out"), ["copy.nii.gz", "mask.nii.gz", "model.onnx"]);
}

#[test]
#[cfg(unix)]
fn links_to_inputs_are_inputs_and_devices_are_no_files() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let at = |name: &str| place.at(name);
    let image = at("data/images/case0.nii.gz");
    symlink(&image, at("soft.nii.gz")).unwrap();
    std::fs::hard_link(&image, at("hard.nii.gz")).unwrap();
    symlink("/dev/null", at("null.safetensors")).unwrap();
    for output in ["soft.nii.gz", "hard.nii.gz", "data/../data/images/case0.nii.gz"] {
        let done = run(&["segment", text(&image), "-m", "hippocampus", "-o", text(&at(output))]);
        assert!(done.status.code() == Some(1) && said(&done).contains("overwrite"), "{output}: {}", said(&done));
    }
    let done = place.train("null.safetensors", &["--budget", "1ep"]).output().unwrap();
    assert!(done.status.code() == Some(1) && said(&done).contains("device"), "{}", said(&done));
    assert_eq!(whole(&place), 4);
}

#[test]
fn an_earlier_model_stays_until_training_ends() {
    let place = Place::new();
    let output = place.at("out/m.safetensors");
    assert!(run(&["models", "export", "hippocampus", "-o", text(&output)]).status.success());
    let earlier = std::fs::read(&output).unwrap();
    let best = place.at("out/m.safetensors.best");
    let state = place.at("out/m.safetensors.training");
    let mut child = place.train("out/m.safetensors", &["--budget", "60s", "--checkpoint-every", "0"]).spawn().unwrap();
    wait_until("the first measured model", || best.exists() && steps(&state) > 0);
    assert!(std::fs::read(&output).unwrap() == earlier);
    Model::load(&best).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(std::fs::read(&output).unwrap() == earlier);
    // Gone on with, it takes the earlier one's place in the end. A budget is part of the command.
    let more = ["--budget", "1ep", "--checkpoint-every", "0"];
    let refused = place.train("out/m.safetensors", &more).output().unwrap();
    assert!(said(&refused).contains("--resume"), "{}", said(&refused));
    std::fs::remove_file(&state).unwrap();
    let done = place.train("out/m.safetensors", &more).output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
    assert!(std::fs::read(&output).unwrap() != earlier);
    assert_eq!(Model::load(&output).unwrap().spec.id, "m");
    assert_eq!(place.names("out"), ["m.safetensors"]);
}

#[test]
fn two_trainings_do_not_share_an_output_and_a_killed_one_goes_on() {
    let place = Place::new();
    let state = place.at("out/m.safetensors.training");
    let long = ["--budget", "40ep", "--checkpoint-every", "0", "--validate-every", "40"];
    let mut first = place.train("out/m.safetensors", &long).spawn().unwrap();
    wait_until("the first steps", || steps(&state) > 1);
    let second = place.train("out/m.safetensors", &["--budget", "1ep"]).output().unwrap();
    let message = said(&second);
    assert_eq!(second.status.code(), Some(1));
    assert!(message.contains("another training") && message.contains("m.safetensors"), "{message}");
    if cfg!(target_os = "linux") {
        assert!(message.contains(&first.id().to_string()), "{message}");
    }
    assert!(state.is_file(), "the state of the first is still there");
    first.kill().unwrap();
    first.wait().unwrap();
    let before = steps(&state);
    assert!(before > 1);
    let resumed = place.train("out/m.safetensors", &[&long[..], &["--resume"]].concat()).output().unwrap();
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert_eq!(place.names("out"), ["m.safetensors"], "nothing is left of the kill");
    // Without an interrupted training there is nothing to go on with.
    let none = place.train("out/other.safetensors", &["--budget", "1ep", "--resume"]).output().unwrap();
    assert!(said(&none).contains("no interrupted training"), "{}", said(&none));
    assert_eq!(place.names("out"), ["m.safetensors"]);
}

#[test]
fn a_training_killed_at_any_moment_leaves_the_earlier_model_and_goes_on() {
    let place = Place::new();
    let output = place.at("out/m.safetensors");
    assert!(run(&["models", "export", "hippocampus", "-o", text(&output)]).status.success());
    let earlier = std::fs::read(&output).unwrap();
    let options = ["--budget", "5ep", "--checkpoint-every", "0"];
    let mut resumed = 0;
    for milliseconds in [2, 40, 120, 250, 400, 600, 900] {
        let mut child = place.train("out/m.safetensors", &options).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        let was_done = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        let state = place.at("out/m.safetensors.training");
        // In the last moment the new one may be there already, whole.
        let is_kept = std::fs::read(&output).unwrap() == earlier;
        assert!(is_kept || Model::load(&output).unwrap().spec.id == "m", "{milliseconds} ms, done: {was_done}");
        let resume = [&options[..], &["--resume"]].concat();
        let more = if state.exists() { &resume[..] } else { &options[..] };
        resumed += usize::from(state.exists());
        let done = place.train("out/m.safetensors", more).output().unwrap();
        assert!(done.status.success(), "{milliseconds} ms: {}", said(&done));
        assert_eq!(place.names("out"), ["m.safetensors"], "{milliseconds} ms");
        Model::load(&output).unwrap();
        std::fs::write(&output, &earlier).unwrap();
    }
    println!("train: {resumed} of 7 killed ones went on");
}

#[test]
#[cfg(unix)]
fn a_signal_saves_the_training_which_goes_on_to_the_same_weights() {
    let place = Place::new();
    let long =
        ["--budget", "6ep", "--checkpoint-every", "3600", "--options", r#"{"width": 4, "depth": 2, "norm": "batch"}"#];
    let without_norm = &long[..4];
    let undisturbed = place.train("out/a.safetensors", without_norm).output().unwrap();
    assert!(undisturbed.status.success(), "{}", said(&undisturbed));
    let expected = Model::load(&place.at("out/a.safetensors")).unwrap().weights;
    for (name, code, wait_ms) in [("INT", 130, 0), ("TERM", 143, 150), ("INT", 130, 400)] {
        let output = format!("out/{name}{wait_ms}.safetensors");
        let (file, state) = (place.at(&output), place.at(&format!("{output}.training")));
        let child = place.train(&output, without_norm).spawn().unwrap();
        wait_until("the first state", || state.is_file());
        std::thread::sleep(Duration::from_millis(wait_ms));
        signal(&child, name);
        let done = child.wait_with_output().unwrap();
        if done.status.success() {
            // It was done before it could be told to stop.
            assert!(Model::load(&file).unwrap().weights == expected);
            continue;
        }
        assert_eq!(done.status.code(), Some(code), "{}", said(&done));
        let names = place.names("out");
        assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
        let resume = [without_norm, &["--resume"]].concat();
        let more = if state.is_file() {
            assert!(steps(&state) > 0 && said(&done).contains("--resume"), "{}", said(&done));
            &resume[..]
        } else {
            without_norm
        };
        let resumed = place.train(&output, more).output().unwrap();
        assert!(resumed.status.success(), "{}", said(&resumed));
        assert!(Model::load(&file).unwrap().weights == expected, "{name} after {wait_ms} ms");
        assert!(!state.exists());
    }
}

#[test]
#[cfg(unix)]
fn kills_and_signals_leave_no_litter() {
    let place = Place::new();
    // A volume that takes a while to write.
    let large = place.at("large.nii");
    std::fs::write(&large, large_nifti(256)).unwrap();
    let earlier = place.at("out/result.nii.gz");
    std::fs::copy(sample(), &earlier).unwrap();
    let before = std::fs::read(&earlier).unwrap();
    let (mut ended, mut killed) = ([0; 3], Vec::new());
    for round in 0..12_u64 {
        let mut child = Command::new(LAMELLA)
            .args(["convert", text(&large), "-o", text(&earlier)])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(30 * round));
        let (kind, code) = [("KILL", None), ("TERM", Some(143)), ("INT", Some(130))][round as usize % 3];
        if child.try_wait().unwrap().is_none() {
            signal(&child, kind);
        }
        let status = child.wait().unwrap();
        if status.success() {
            assert!(lamella::formats::open_one(&earlier, None, Watch::unwatched()).is_ok());
            std::fs::copy(sample(), &earlier).unwrap();
        } else {
            // Before signals are heard, the system's own way of ending is taken.
            use std::os::unix::process::ExitStatusExt;
            assert!(status.code() == code || status.signal().is_some(), "{kind}: {status}");
            assert!(std::fs::read(&earlier).unwrap() == before, "{kind}");
            ended[round as usize % 3] += 1;
        }
        if kind == "KILL" {
            killed.push(format!(".{}-", child.id()));
        } else {
            // What those killed before have left is there yet where this one was ended before it began to write; nothing else is.
            let is_old = |name: &String| killed.iter().any(|part| name.contains(part));
            let names: Vec<String> = place.names("out").into_iter().filter(|name| !is_old(name)).collect();
            assert_eq!(names, ["result.nii.gz"], "{kind} in round {round}");
        }
    }
    println!("convert: ended by KILL, TERM, INT: {ended:?} of 4 each");
    assert!(run(&["convert", text(&sample()), "-o", text(&place.at("out/other.nii.gz"))]).status.success());
    assert_eq!(place.names("out"), ["other.nii.gz", "result.nii.gz"]);
}

/// A NIfTI volume of `n` voxels along each axis, with values that do not compress well.
fn large_nifti(n: i16) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348_i32.to_le_bytes());
    for (place, size) in [3, n, n, n, 1, 1, 1, 1].into_iter().enumerate() {
        put(40 + 2 * place, &size.to_le_bytes());
    }
    put(70, &4_i16.to_le_bytes());
    put(72, &16_i16.to_le_bytes());
    for place in 0..4 {
        put(76 + 4 * place, &1_f32.to_le_bytes());
    }
    put(108, &352_f32.to_le_bytes());
    put(112, &1_f32.to_le_bytes());
    put(344, b"n+1\0");
    let mut state = 1_u32;
    let count = (n as usize).pow(3);
    bytes.extend((0..count).flat_map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 20) as i16).to_le_bytes()
    }));
    bytes
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_may_not_grow_and_a_folder_that_may_not_be_written_are_named() {
    let place = Place::new();
    let large = place.at("large.nii");
    std::fs::write(&large, large_nifti(64)).unwrap();
    let output = place.at("out/result.nii");
    std::fs::copy(sample(), &output).unwrap();
    let before = std::fs::read(&output).unwrap();
    // 64 blocks of 1 KB.
    let words = format!("ulimit -f 64; exec {LAMELLA} convert {} -o {}", text(&large), text(&output));
    let done = Command::new("bash").args(["-c", &words]).output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{:?}", done.status);
    assert!(said(&done).contains(text(&output)) && said(&done).contains("too large"), "{}", said(&done));
    assert!(std::fs::read(&output).unwrap() == before);
    assert_eq!(place.names("out"), ["result.nii"]);
    for (output, what) in [("/proc/result.nii.gz", "/proc"), ("/sys/result.nii.gz", "/sys"), ("/dev/full", "/dev/full")]
    {
        let done = run(&["convert", text(&sample()), "-o", output]);
        assert!(done.status.code() == Some(1) && said(&done).contains(what), "{output}: {}", said(&done));
    }
}

#[test]
#[cfg(unix)]
fn a_linked_output_is_followed_and_its_mode_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    let (real, link) = (place.at("out/real.nii.gz"), place.at("link.nii.gz"));
    symlink("out/real.nii.gz", &link).unwrap();
    for mode in [0o600, 0o640, 0o604] {
        if real.exists() {
            std::fs::set_permissions(&real, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let done = run(&["convert", text(&sample()), "-o", text(&link)]);
        assert!(done.status.success(), "{}", said(&done));
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        let now = std::fs::metadata(&real).unwrap().permissions().mode() & 0o777;
        assert!(now == mode || mode == 0o600, "{now:o} instead of {mode:o}");
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(run(&["convert", text(&sample()), "-o", text(&link)]).status.success());
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let long = place.at("out").join("n".repeat(248) + ".nii.gz");
    let done = run(&["convert", text(&sample()), "-o", text(&long)]);
    assert!(done.status.success(), "{}", said(&done));
}

#[test]
#[cfg(target_os = "linux")]
fn memory_that_cannot_be_had_is_an_error_and_no_abort() {
    let place = Place::new();
    let large = place.at("large.nii");
    std::fs::write(&large, large_nifti(256)).unwrap();
    let (data, image) = (place.at("data"), place.at("data/images/case0.nii.gz"));
    let mut outcomes = [0; 3];
    for megabytes in [250, 350, 450, 600] {
        for words in [
            format!("segment {} -m hippocampus -o {} --threads 2", text(&large), text(&place.at("out/large.nii.gz"))),
            format!("segment {} -m hippocampus -o {} --threads 2", text(&image), text(&place.at("out/small.nii.gz"))),
            format!("train {} -o {} --budget 1ep --threads 2", text(&data), text(&place.at("out/m.safetensors"))),
            "bench train --arch unet --batch 8 --size 128x128 --threads 2 --repeat 1".to_string(),
        ] {
            std::fs::remove_dir_all(place.at("out")).unwrap();
            std::fs::create_dir(place.at("out")).unwrap();
            let limited = format!("ulimit -v {megabytes}000; exec timeout 3 {LAMELLA} {words}");
            let done = Command::new("bash").args(["-c", &limited]).output().unwrap();
            let message = said(&done);
            match done.status.code() {
                Some(0) => outcomes[0] += 1,
                Some(1) => {
                    assert!(
                        message.contains("MB") && !message.contains("internal"),
                        "{megabytes} MB, {words}: {message}"
                    );
                    let names = place.names("out");
                    assert!(names.iter().all(|name| !name.starts_with('.')), "{words}: {names:?}");
                    outcomes[1] += 1;
                }
                // It has enough, and takes its time.
                Some(124 | 143) => outcomes[2] += 1,
                _ => panic!("{megabytes} MB, {words}: {:?} {message}", done.status),
            }
        }
    }
    println!("memory: {} of 16 runs ended well, {} were refused, {} went on", outcomes[0], outcomes[1], outcomes[2]);
    assert!(outcomes[1] > 0);
}
