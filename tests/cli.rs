//! The command line as scripts see it: exit codes, JSON, files, accuracy of the bundled model.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

mod support;

use lamella::work::Watch;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn lamella(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lamella")).args(arguments).output().unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = lamella(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{arguments:?} printed no JSON: {e}"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn exit_codes_tell_errors_from_wrong_usage() {
    assert_eq!(lamella(&["--version"]).status.code(), Some(0));
    assert_eq!(lamella(&["segment"]).status.code(), Some(2));
    assert_eq!(
        lamella(&["segment", "x.nii", "-m", "hippocampus", "-o", "y.nii", "--device", "tpu"]).status.code(),
        Some(2)
    );
    let no_threads = lamella(&["segment", "x.nii", "-m", "hippocampus", "-o", "y.nii", "--threads", "0"]);
    assert_eq!(no_threads.status.code(), Some(2));
    let missing = lamella(&["info", "no_such_file.nii"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no_such_file.nii"));
    let unknown = lamella(&["segment", "Cargo.toml", "-m", "no_such_model", "-o", "y.nii"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("hippocampus"), "known models are listed");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut words = Command::new(env!("CARGO_BIN_EXE_lamella"));
    let mut run = words.args(["models", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(run.stdout.take());
    let done = run.wait_with_output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut words = Command::new(env!("CARGO_BIN_EXE_lamella"));
    let done = words.args(["models", "list"]).stdout(full).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&done.stderr).matches("cannot be written").count(), 1);
}

#[test]
fn devices_are_listed_with_their_memory() {
    let listed = json(&["devices", "--json"]);
    let devices = listed["devices"].as_array().unwrap();
    assert_eq!(devices[0]["device"], "cpu", "{listed}");
    for device in devices {
        assert!(!device["name"].as_str().unwrap().is_empty(), "{device}");
        if let Some(all) = device["bytes"].as_u64() {
            assert!(device["free_bytes"].as_u64().unwrap() <= all, "{device}");
        }
    }
    if cfg!(target_os = "linux") {
        assert!(devices[0]["bytes"].as_u64().unwrap() > 1 << 28, "the processor's memory is known: {listed}");
    }
    let printed = lamella(&["devices"]);
    assert!(printed.status.success());
    assert_eq!(String::from_utf8_lossy(&printed.stdout).lines().count(), devices.len());
}

#[test]
fn the_embedded_sample_is_segmented_well() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let mask = folder.path().join("mask.nii.gz");
    let sample = root.join("assets/sample/synthetic_hippocampus.nii.gz");
    json(&["segment", text(&sample), "-m", "hippocampus", "-o", text(&mask), "--json"]);
    let truth = root.join("assets/sample/synthetic_hippocampus_labels.nii.gz");
    let scores = json(&["evaluate", "--pred", text(&mask), "--truth", text(&truth), "--json"]);
    for label in ["1", "2"] {
        let dice = scores["mean"][label]["dice"].as_f64().unwrap();
        println!("sample: label {label} Dice {dice:.4}");
        assert!(dice > 0.8, "label {label}: {dice}");
    }
}

#[test]
fn a_mask_never_takes_the_place_of_its_scan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let scan = folder.path().join("scan.nii.gz");
    std::fs::copy(root.join("assets/sample/synthetic_hippocampus.nii.gz"), &scan).unwrap();
    let before = std::fs::read(&scan).unwrap();
    for output in [folder.path(), &scan] {
        let run = lamella(&["segment", text(&scan), "-m", "hippocampus", "-o", text(output)]);
        assert_eq!(run.status.code(), Some(1), "{}", output.display());
        assert!(String::from_utf8_lossy(&run.stderr).contains("overwrite"));
    }
    assert!(std::fs::read(&scan).unwrap() == before);
    // An ending that cannot be written is no folder's name.
    let unknown = folder.path().join("mask.vtk");
    let run = lamella(&["segment", text(&scan), "-m", "hippocampus", "-o", text(&unknown)]);
    assert!(run.status.code() == Some(1) && !unknown.exists(), "{}", String::from_utf8_lossy(&run.stderr));
    // A damaged file among others is told of, and the others are segmented.
    let (broken, masks) = (folder.path().join("broken.nii.gz"), folder.path().join("masks"));
    std::fs::write(&broken, &before[..before.len() / 2]).unwrap();
    let run = lamella(&["segment", text(&broken), text(&scan), "-m", "hippocampus", "-o", text(&masks)]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.code() == Some(1) && said.contains("broken") && said.contains("1 of 2"), "{said}");
    assert!(masks.join("scan.nii.gz").is_file());
}

#[test]
fn info_prints_the_facts_of_the_index() {
    let Some(folder) = support::test_data() else { return };
    let folder = folder.join("data");
    let index = support::json(&folder.join("oracles.json"));
    let mut compared = 0;
    for (name, expected) in index["entries"].as_object().unwrap() {
        if expected["kind"] != "nifti" || expected["outcome"] != "ok" || !name.contains("orientations") {
            continue;
        }
        let facts = json(&["info", text(&folder.join(name)), "--json"]);
        let volume = &facts["volumes"][0];
        assert_eq!(volume["shape"], expected["shape"], "{name}");
        assert_eq!(volume["orientation"], expected["orientation"], "{name}");
        assert_eq!(volume["dtype"], expected["dtype"], "{name}");
        for key in ["min", "max", "mean", "std"] {
            let (got, want) = (volume[key].as_f64().unwrap(), expected[key].as_f64().unwrap());
            assert!((got - want).abs() <= 1e-6 * (1.0 + want.abs()), "{name}: {key} {got}, expected {want}");
        }
        compared += 1;
    }
    println!("info: {compared} files agree with the index");
    assert!(compared > 0);
}

#[test]
fn converting_keeps_values_and_geometry() {
    let Some(folder) = support::test_data() else { return };
    let data = folder.join("data");
    let out = tempfile::tempdir().unwrap();
    let inputs = [
        "dicom/series/study1_flair",
        "dicom/series/per_slice_rescale",
        "dicom/series/cor_classic",
        "nifti/variants/four_d.nii.gz",
        "nifti/variants/oblique_45.nii.gz",
        "nifti/variants/left_handed_sform.nii.gz",
    ];
    for (n, input) in inputs.iter().enumerate() {
        let written = out.path().join(format!("{n}.nii.gz"));
        let output = lamella(&["convert", text(&data.join(input)), "-o", text(&written)]);
        assert!(output.status.success(), "{input}: {}", String::from_utf8_lossy(&output.stderr));
        let open = |path: &Path| lamella::formats::open_one(path, None, Watch::unwatched()).unwrap();
        let (before, after) = (open(&data.join(input)), open(&written));
        assert!(before.geometry.matches(&after.geometry, 1e-3), "{input}");
        assert_eq!(before.frame_dims, after.frame_dims, "{input}");
        for index in 0..before.voxels.len() {
            let (a, b) = (before.value_at(index).unwrap(), after.value_at(index).unwrap());
            assert!((a - b).abs() <= 1e-4 * (1.0 + a.abs()), "{input}: {a} became {b}");
        }
    }
}

#[test]
fn the_bundled_model_is_as_good_as_promised_on_held_back_cases() {
    let Some(folder) = support::test_data() else { return };
    let data = folder.join("data/hippocampus");
    let split = support::json(&data.join("splits.json"));
    let out = tempfile::tempdir().unwrap();
    let images: Vec<String> = split["validation"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| text(&data.join(format!("imagesTr/{}.nii.gz", name.as_str().unwrap()))).to_string())
        .collect();
    let mut arguments = vec!["segment"];
    arguments.extend(images.iter().map(String::as_str));
    arguments.extend(["-m", "hippocampus", "-o", text(out.path()), "--json"]);
    let report = json(&arguments);
    assert_eq!(report["masks"].as_array().unwrap().len(), images.len());
    let scores = json(&["evaluate", "--pred", text(out.path()), "--truth", text(&data.join("labelsTr")), "--json"]);
    for (label, name, least) in [("1", "anterior", 0.890), ("2", "posterior", 0.872)] {
        let mean = &scores["mean"][label];
        println!(
            "{} held-back cases, {name}: Dice {:.4}, HD95 {:.2} mm",
            images.len(),
            mean["dice"].as_f64().unwrap(),
            mean["hd95_mm"].as_f64().unwrap()
        );
        assert!(mean["dice"].as_f64().unwrap() >= least, "{name}");
    }
}

#[test]
fn training_is_reproducible_and_its_model_runs() {
    let Some(folder) = support::test_data() else { return };
    let data = folder.join("data/hippocampus");
    let out = tempfile::tempdir().unwrap();
    let split = out.path().join("split.json");
    let all = support::json(&data.join("splits.json"));
    let few = |key: &str, n: usize| all[key].as_array().unwrap()[..n].to_vec();
    let small = serde_json::json!({"train": few("train", 4), "validation": few("validation", 2)});
    std::fs::write(&split, small.to_string()).unwrap();
    let report = out.path().join("report");
    let command = |name: &str, more: &[&str]| {
        let output = out.path().join(name);
        let options = r#"{"width": 4, "depth": 2, "attention": ["se", "gc"]}"#;
        let mut command = Command::new(env!("CARGO_BIN_EXE_lamella"));
        command.args(["train", text(&data), "-o", text(&output), "--split", text(&split), "--budget", "6ep"]);
        command.args(["--seed", "7", "--options", options, "--patch", "48x48", "--json", "--checkpoint-every", "0"]);
        command.args(more);
        command
    };
    let lines = |command: &mut Command| {
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let printed = String::from_utf8(done.stdout).unwrap();
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let train = |name: &str| {
        let printed = lines(&mut command(name, &["--report", text(&report)]));
        assert_eq!(printed.len(), 8, "the plan, six epochs and the result: {printed:?}");
        assert_eq!(printed[0]["plan"]["seed"], 7);
        assert_eq!(printed[7]["cases"].as_array().unwrap().len(), 2);
        std::fs::read(out.path().join(name)).unwrap()
    };
    let strip = |bytes: &[u8]| lamella::model::Model::from_bytes(bytes, Path::new("x")).unwrap().weights;
    let (first, second) = (train("a.safetensors"), train("b.safetensors"));
    assert!(strip(&first) == strip(&second), "the same seed must give the same weights");
    for file in ["curve.csv", "curve.svg", "cases.csv"] {
        assert!(std::fs::read_to_string(report.join(file)).unwrap().contains("Dice"), "{file}");
    }

    // Killed in the middle, it goes on to the same weights; what it left is always whole.
    let state = out.path().join("c.safetensors.training");
    let mut running = command("c.safetensors", &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = std::time::Instant::now();
    let has_learned = || lamella::learn::Checkpoint::load(&state).is_ok_and(|left| left.progress.steps > 0);
    while !has_learned() && start.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let left = lamella::learn::Checkpoint::load(&state).unwrap();
    println!("killed after {} steps", left.progress.steps);
    let refused = command("c.safetensors", &[]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--resume"), "an interrupted training is not lost");
    lines(&mut command("c.safetensors", &["--resume"]));
    assert!(strip(&std::fs::read(out.path().join("c.safetensors")).unwrap()) == strip(&first));
    assert!(!state.exists());
    let mask = out.path().join("mask.nii.gz");
    let image = data.join(format!("imagesTr/{}.nii.gz", all["validation"][0].as_str().unwrap()));
    json(&[
        "segment",
        text(&image),
        "-m",
        text(&out.path().join("a.safetensors")),
        "-o",
        text(&mask),
        "--json",
        "--tta",
        "--largest",
    ]);
    assert!(mask.is_file());
}

#[test]
fn a_plan_is_printed_without_training_and_folds_come_from_a_file() {
    let Some(folder) = support::test_data() else { return };
    let data = folder.join("data/hippocampus");
    let out = tempfile::tempdir().unwrap();
    let folds = out.path().join("splits_final.json");
    let cases = support::json(&data.join("splits.json"))["train"].as_array().unwrap()[..5].to_vec();
    let pair = |train: &[Value], held: &[Value]| serde_json::json!({"train": train, "val": held});
    let both = serde_json::json!([pair(&cases[..4], &cases[4..]), pair(&cases[2..], &cases[..2])]);
    std::fs::write(&folds, both.to_string()).unwrap();
    let command = ["train", text(&data), "--split", text(&folds), "--plan-only", "--json"];
    let planned = json(&[&command[..], &["--fold", "1/2"]].concat());
    assert_eq!(planned["plan"]["fuse_axes"], true, "{planned}");
    let why = planned["why"].to_string();
    assert!(why.contains("all three axes") && why.contains("few scans"), "{why}");
    for file in ["plan.safetensors", "plan.safetensors.training"] {
        assert!(!Path::new(file).exists(), "nothing is written");
    }
    let refused = |more: &[&str]| {
        let done = lamella(&[&command[..], more].concat());
        assert_eq!(done.status.code(), Some(1));
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    assert!(refused(&[]).contains("2 folds"));
    assert!(refused(&["--fold", "1/5"]).contains("1/5"));
    for (wrong, said) in [
        (&["--rate", "nan"][..], "the rate must be a finite number above 0"),
        (&["--patch", "64"], "for example 64x64"),
        (&["--spacing", "0"], "millimetres above 0"),
        (&["--average", "1"], "from 0 to below 1"),
        (&["--options", "{"], "not JSON"),
        (&["--mirror", "X"], "R, A and S"),
        (&["--mirror", "R", "--no-mirror"], "cannot be used with"),
        (&["--average-mirrored", "--no-mirror"], "cannot be used with"),
        (&["--batch", "0"], "--batch"),
        (&["--budget", "99999999999999999h"], "ten years"),
    ] {
        let done = lamella(&[&command[..], wrong].concat());
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(2) && told.contains(said), "{wrong:?}: {told}");
    }
    let unknown = ["--fold", "1/2", "--encoder", "resnet18", "--options", r#"{"width": 8}"#];
    assert!(refused(&unknown).contains("width"), "the encoder has no such option");
    assert!(refused(&["--fold", "1/2", "--attention-ratio", "4"]).contains("of which the network has none"));
}

#[test]
fn masks_that_only_one_of_two_models_has_are_named() {
    let Some(folder) = support::test_data() else { return };
    let truth = folder.join("data/hippocampus/labelsTr");
    let out = tempfile::tempdir().unwrap();
    let cases = ["hippocampus_001", "hippocampus_003", "hippocampus_004"].map(|name| format!("{name}.nii.gz"));
    for (model, cases) in [("a", &cases[..2]), ("b", &cases[1..])] {
        std::fs::create_dir(out.path().join(model)).unwrap();
        for case in cases {
            std::fs::copy(truth.join(case), out.path().join(model).join(case)).unwrap();
        }
    }
    let (a, b) = (out.path().join("a"), out.path().join("b"));
    let command = ["evaluate", "--pred", text(&a), "--truth", text(&truth), "--against", text(&b)];
    let compared = json(&[&command[..], &["--json"]].concat());
    assert_eq!(compared["unmatched"]["pred"], serde_json::json!(["hippocampus_001"]));
    assert_eq!(compared["unmatched"]["against"], serde_json::json!(["hippocampus_004"]));
    assert_eq!(compared["against"]["1"]["cases"], 1);
    let told = String::from_utf8(lamella(&command).stderr).unwrap();
    assert!(told.contains("hippocampus_001") && told.contains("hippocampus_004"), "{told}");
}

#[test]
fn folds_of_a_folder_of_pairs_become_one_model_whose_probabilities_fit_its_mask() {
    let Some(folder) = support::test_data() else { return };
    let data = folder.join("data/hippocampus");
    let out = tempfile::tempdir().unwrap();
    let pairs = out.path().join("pairs");
    let names: Vec<String> = support::json(&data.join("splits.json"))["train"].as_array().unwrap()[..4]
        .iter()
        .map(|name| format!("{}.nii.gz", name.as_str().unwrap()))
        .collect();
    for (part, from) in [("images", "imagesTr"), ("masks", "labelsTr")] {
        std::fs::create_dir_all(pairs.join(part)).unwrap();
        for name in &names {
            std::fs::copy(data.join(from).join(name), pairs.join(part).join(name)).unwrap();
        }
    }
    let model = out.path().join("all.safetensors");
    let options = r#"{"width": 4, "depth": 2}"#;
    let printed = lamella(&[
        "train",
        text(&pairs),
        "-o",
        text(&model),
        "--folds",
        "2",
        "--budget",
        "1ep",
        "--options",
        options,
        "--validate-every",
        "2",
        "--json",
    ]);
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let printed = String::from_utf8(printed.stdout).unwrap();
    let trained: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert_eq!(trained["folds"].as_array().unwrap().len(), 2);
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fold = |line: &Value| line["fold"].as_u64();
    assert_eq!(lines.iter().filter_map(fold).collect::<Vec<_>>(), [0, 1]);
    let plans: Vec<&Value> = lines.iter().map(|line| &line["plan"]).filter(|plan| plan.is_object()).collect();
    assert!(plans.len() == 2 && plans.iter().all(|plan| plan["average_mirrored"] == true), "{plans:?}");
    assert!(out.path().join("all.fold1.safetensors").is_file());
    let mask = out.path().join("mask.nii.gz");
    let image = pairs.join("images").join(&names[0]);
    let done = json(&["segment", text(&image), "-m", text(&model), "-o", text(&mask), "--probabilities", "--json"]);
    let open = |path: &str| lamella::formats::open_one(Path::new(path), None, Watch::unwatched()).unwrap();
    let files = done["masks"][0]["probabilities"].as_array().unwrap();
    let maps: Vec<_> = files.iter().map(|file| open(file.as_str().unwrap())).collect();
    assert_eq!(maps.len(), 2);
    let labels = open(text(&mask));
    for at in 0..labels.geometry.voxel_count() {
        let p: Vec<f64> = maps.iter().map(|map| map.value_at(at).unwrap()).collect();
        let all = [1.0 - p[0] - p[1], p[0], p[1]];
        let label = labels.value_at(at).unwrap() as usize;
        assert!(all.iter().all(|other| all[label] >= other - 0.012), "voxel {at}: label {label} of {all:?}");
    }
}

#[test]
fn refining_keeps_finished_slices_and_writes_the_adapted_model() {
    let Some(folder) = support::test_data() else { return };
    let data = folder.join("data/hippocampus");
    let name = support::json(&data.join("splits.json"))["validation"][0].as_str().unwrap().to_string();
    let [image, truth] = ["imagesTr", "labelsTr"].map(|part| data.join(format!("{part}/{name}.nii.gz")));
    let out = tempfile::tempdir().unwrap();
    let [mask, model] = ["mask.nii.gz", "adapted.safetensors"].map(|file| out.path().join(file));
    let refine = |done: &str, more: &[&str]| {
        let mut words = vec!["refine", text(&image), "--labels", text(&truth), "--axis", "coronal", "--done", done];
        words.extend(["-m", "hippocampus", "-o", text(&mask), "--seconds", "2", "--json"]);
        words.extend(more);
        lamella(&words)
    };
    let done = refine("13,21", &["--model-output", text(&model)]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(report["steps"].as_u64().unwrap() > 0, "{report}");
    // The coronal slices are counted from the back and from 1, along the second axis of this file's R, A, S grid.
    let read = |path: &Path| lamella::formats::read_labels(path, Watch::unwatched(), &|_| {}).unwrap();
    let (refined, truth_labels) = (read(&mask), read(&truth));
    assert_eq!(truth_labels.geometry().orientation().code(), "RAS");
    let [ni, _, nk] = truth_labels.geometry().shape();
    let agrees = |j: usize| (0..ni).all(|i| (0..nk).all(|k| refined.get([i, j, k]) == truth_labels.get([i, j, k])));
    assert!(agrees(12) && agrees(20) && !agrees(25));
    let adapted = lamella::model::Model::load(&model).unwrap();
    assert_eq!((adapted.spec.id.as_str(), adapted.spec.fused_axes.len()), ("adapted", 3));
    assert!(adapted.spec.provenance.metrics.is_empty());
    let beyond = refine("12,900", &[]);
    assert!(!beyond.status.success() && String::from_utf8_lossy(&beyond.stderr).contains("900"));
    assert_eq!(refine("0", &[]).status.code(), Some(2), "slices are counted from 1");

    // Scribbles: every fifth voxel of three slices, with 9 where nothing is.
    let geometry = truth_labels.geometry().clone();
    let marks = lamella::volume::LabelMap::from_fn(geometry, |[i, j, k]| match truth_labels.get([i, j, k]) {
        _ if ![9, 15, 21].contains(&j) || (i + k) % 5 > 0 => 0,
        0 => 9,
        label => label,
    });
    let marked = out.path().join("marks.nii.gz");
    let known = lamella::volume::Annotations::default();
    lamella::formats::write_labels(&marked, &marks, &known, Watch::unwatched()).unwrap();
    let scribbled = |more: &[&str]| {
        let mut words = vec!["refine", text(&image), "--labels", text(&truth), "--scribbles", text(&marked)];
        words.extend(["-m", "hippocampus", "-o", text(&mask), "--seconds", "2"]);
        words.extend(more);
        lamella(&words)
    };
    let done = scribbled(&["--outside", "9"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let refined = read(&mask);
    marks.for_each_labelled(|voxel, label| {
        assert_eq!(refined.get(voxel), if label == 9 { 0 } else { label }, "{voxel:?}: what was marked is so");
    });
    let wrong = scribbled(&["--outside", "7"]);
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("--outside 7"));
    assert_eq!(scribbled(&["--done", "3"]).status.code(), Some(2), "--done needs --axis");
}

#[test]
fn networks_of_other_programs_come_in_and_ours_go_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = root.join("tests/fixtures/checkpoints");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let file = |name: &str| fixtures.join(name);
    let brain = at("brain.safetensors");
    let report = json(&[
        "models",
        "import",
        text(&file("brain.safetensors")),
        "--id",
        "brain",
        "--labels",
        "tumour",
        "--normalise",
        "zscore",
        "-o",
        text(&brain),
        "--json",
    ]);
    assert_eq!((report["matched"].as_u64(), report["network"].as_str()), (Some(100), Some("U-Net of mateuszbuda")));
    assert!(report["assumed"].as_array().unwrap().iter().any(|a| a == "axial slices"), "{report}");
    let spec = json(&["models", "show", text(&brain)]);
    assert_eq!((spec["classes"][1]["name"].as_str(), spec["image_channels"].as_u64()), (Some("tumour"), Some(2)));

    // Two files are its two channels; the mask has the case's name.
    let sample = root.join("assets/sample/synthetic_hippocampus.nii.gz");
    std::fs::create_dir(at("in")).unwrap();
    for channel in ["case_0000.nii.gz", "case_0001.nii.gz"] {
        std::fs::copy(&sample, at("in").join(channel)).unwrap();
    }
    json(&["segment", text(&at("in")), "-m", text(&brain), "-o", text(&at("out")), "--json"]);
    assert!(at("out").join("case.nii.gz").is_file());
    std::fs::remove_file(at("in").join("case_0001.nii.gz")).unwrap();
    let missing = lamella(&["segment", text(&at("in")), "-m", text(&brain), "-o", text(&at("out"))]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("needs 2 channels"), "{missing:?}");

    // Ours as ONNX and back gives the same mask.
    let (written, back) = (at("h.onnx"), at("back.safetensors"));
    assert!(lamella(&["models", "export", "hippocampus", "-o", text(&written)]).status.success());
    json(&["models", "import", text(&written), "--id", "back", "-o", text(&back), "--json"]);
    let masks = ["hippocampus", text(&back)].map(|model| {
        let mask = at("mask.nii.gz");
        json(&["segment", text(&sample), "-m", model, "-o", text(&mask), "--json"]);
        std::fs::read(mask).unwrap()
    });
    assert!(masks[0] == masks[1]);

    // One line says what is wrong.
    std::fs::write(at("rubbish.onnx"), b"rubbish").unwrap();
    for (arguments, said) in [
        (vec!["models", "import", text(&at("rubbish.onnx"))], "not a readable ONNX file"),
        (vec!["models", "import", text(&root.join("README.md"))], "neither a file of torch.save nor of safetensors"),
        (vec!["models", "import", text(&file("brain.safetensors")), "--labels", "a,b"], "2 labels are named"),
        (vec!["models", "import", text(&file("brain.safetensors")), "--orientation", "XYZ"], "three letters"),
        (vec!["models", "import", text(&file("brain.safetensors")), "--id", "../x"], "cannot be a model's id"),
    ] {
        let refused = lamella(&arguments);
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            refused.status.code() == Some(1) && error.contains(said) && error.trim().lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn the_memory_of_training_is_known_before_it_starts() {
    for (arch, options, batch, size) in [
        ("unet", r#"{"width": 32}"#, "4", "128x128"),
        ("unet", r#"{"width": 16, "attention": ["se"]}"#, "2", "96x128"),
        ("nnunet-plain", "{}", "2", "128x128"),
    ] {
        let words = ["bench", "train", "--arch", arch, "--options", options, "--batch", batch, "--size", size];
        for recompute in [&[][..], &["--recompute"]] {
            let facts = &json(&[&words[..], recompute, &["--repeat", "1", "--json"]].concat())["facts"];
            // Where the system does not tell the peak there is nothing to compare with.
            let Some(peak) = facts["peak_memory_bytes"].as_f64() else { continue };
            let estimate = facts["estimated_bytes"].as_f64().unwrap();
            // The process itself and the network's first weights take some, too.
            let process = 48e6;
            println!(
                "memory: {arch} {options} {batch} x {size} {recompute:?}: estimated {estimate:.3e}, peak {peak:.3e} bytes"
            );
            assert!(peak < 1.1 * estimate + process && estimate < 1.3 * peak, "{arch} {options}: {estimate} {peak}");
        }
    }
}

#[test]
fn masks_are_edited_by_operations_and_keep_their_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (mask, out) = (at("mask.nii.gz"), at("out.nii.gz"));
    json(&[
        "segment",
        text(&root.join("assets/sample/synthetic_hippocampus.nii.gz")),
        "-m",
        "hippocampus",
        "-o",
        text(&mask),
        "--json",
    ]);
    let all = ["edit", text(&mask), "-o", text(&out), "--json", "--label"];
    let edit = |words: &[&str]| lamella(&[&all[..], words].concat());
    let done = json(&[&all[..], &["anterior", "--do", "exchange label=Posterior", "--do", "clear"]].concat());
    // Two steps: what was Posterior is gone.
    let first = done["steps"][0]["counts"][0]["count"].as_u64().unwrap();
    let cleared = done["steps"][1]["counts"][0]["count"].as_u64().unwrap();
    assert_eq!(done["voxels"]["2"].as_u64(), Some(first - cleared), "{done}");
    assert!(done["voxels"].get("1").is_none() && cleared > 0, "{done}");
    let again =
        json(&["edit", text(&out), "-o", text(&at("again.nrrd")), "--json", "--label", "posterior", "--do", "clear"]);
    assert_eq!(again["voxels"].as_object().map(serde_json::Map::len), Some(0), "its name is in the file: {again}");
    for (words, code, told) in [
        (vec!["1", "--do", "melt"], 2, "no operation melt"),
        (vec!["1", "--do", "exchange size=3"], 2, "no parameter size"),
        (vec!["1", "--do", "exchange"], 1, "label is missing"),
        (vec!["1", "--do", "exchange label=Anterior"], 1, "the selected label itself"),
        (vec!["1", "--do", "exchange label=liver"], 1, "label cannot be liver"),
        (vec!["tail", "--do", "clear"], 1, "no label tail: it has 1 (Anterior), 2 (Posterior)"),
        (vec!["1", "--do", "clear", "--slice", "axial:0"], 2, "at least 1"),
        (vec!["1", "--do", "clear", "--slice", "axial:999"], 1, "no axial slice 999"),
        (vec!["1", "--do", "clear", "-o", text(&mask)], 2, "cannot be used multiple times"),
    ] {
        let run = edit(&words);
        let said = String::from_utf8_lossy(&run.stderr).to_string();
        assert!(run.status.code() == Some(code) && said.contains(told), "{words:?}: {:?} {said}", run.status);
    }
    let over = lamella(&["edit", text(&mask), "-o", text(&mask), "--label", "1", "--do", "clear"]);
    assert!(String::from_utf8_lossy(&over.stderr).contains("overwrite"), "{over:?}");
    let listed = json(&["edit", "--list", "--json"]);
    assert!(listed["operations"].as_array().unwrap().iter().any(|operation| operation["id"] == "exchange"), "{listed}");
}
