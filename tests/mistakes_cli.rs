//! The command line when a user mistakes a folder, a number or a name: nothing is lost, and it is said.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::cast_precision_loss, reason = "small numbers")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use lamella::formats;
use lamella::model::{self, SeenScans};
use lamella::volume::{Affine, Annotations, Geometry, Label, LabelMap, LabelTable, Rescale, Volume, Voxels};
use lamella::work::Watch;
use serde_json::Value;

fn lamella(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lamella")).args(arguments).output().unwrap()
}

/// Code of leaving, standard output and standard error.
fn told(arguments: &[&str]) -> (Option<i32>, String, String) {
    let done = lamella(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

fn json(arguments: &[&str]) -> Value {
    let (code, out, errors) = told(arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {errors}");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{arguments:?} printed no JSON: {e}"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn grid(shape: [usize; 3]) -> Geometry {
    Geometry::new(shape, Affine::IDENTITY).unwrap()
}

fn write_scan(path: &Path) {
    let geometry = grid([16, 16, 16]);
    let values = (0..geometry.voxel_count()).map(|n| (n % 97) as f32).collect();
    let scan = Volume::new(geometry, Voxels::F32(Arc::new(values)), vec![], Rescale::IDENTITY, String::new());
    formats::write_volume(path, &scan, Watch::unwatched()).unwrap();
}

fn write_mask(path: &Path, labels: &LabelMap, names: &[(u16, &str)]) {
    let table = LabelTable(names.iter().map(|(value, name)| Label::new(*value, *name)).collect());
    formats::write_labels(path, labels, &Annotations::of_table(table), Watch::unwatched()).unwrap();
}

fn folders<const N: usize>(root: &Path, names: [&str; N]) -> [PathBuf; N] {
    names.map(|name| {
        let folder = root.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// Names of a folder's files, in order.
fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn means_are_of_structures_whatever_their_numbers_are() {
    let root = tempfile::tempdir().unwrap();
    let [pred, truth] = folders(root.path(), ["pred", "truth"]);
    for (case, liver, spleen) in [("k0.nii.gz", 1, 2), ("k1.nii.gz", 2, 1)] {
        let map = |spleen_at: usize| {
            LabelMap::from_fn(grid([8, 2, 2]), |[i, ..]| match i {
                0 | 1 => liver,
                i if i == spleen_at || i == spleen_at + 1 => spleen,
                _ => 0,
            })
        };
        let names = [(liver, "Liver"), (spleen, if case == "k0.nii.gz" { "Spleen" } else { "spleen" })];
        write_mask(&truth.join(case), &map(3), &names);
        // Half of the spleen is found, and as much beside it.
        write_mask(&pred.join(case), &map(4), &names);
    }
    let command = ["evaluate", "--pred", text(&pred), "--truth", text(&truth), "--against", text(&truth)];
    let found = json(&[&command[..], &["--slices", "sagittal", "--json"]].concat());
    let of = |name: &str| found["mean"].as_object().unwrap().values().find(|mean| mean["name"] == name).unwrap();
    assert_eq!((of("Liver")["dice"].as_f64(), of("Liver")["cases"].as_u64()), (Some(1.0), Some(2)));
    assert_eq!((of("Spleen")["dice"].as_f64(), of("Spleen")["cases"].as_u64()), (Some(0.5), Some(2)));
    assert!(found["notices"].to_string().contains("means go by name"), "{}", found["notices"]);
    let compared = |name: &str| {
        let tests = found["against"].as_object().unwrap();
        tests.values().find(|test| test["name"] == name).unwrap()["mean_difference"].as_f64().unwrap()
    };
    assert_eq!((compared("Liver"), compared("Spleen")), (0.0, -0.5));
    // The liver is in the first two sagittal slices, which the window calls 1 and 2.
    let slices = found["cases"][0]["slices"]["1"].as_array().unwrap();
    let numbers: Vec<u64> = slices.iter().map(|slice| slice["slice"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2]);
    let (_, table, _) = told(&command);
    assert!(table.contains("mean Liver") && table.contains("label 2 Spleen: Dice -0.5"), "{table}");
    let (code, _, errors) = told(&["evaluate", "--pred", text(&pred.join("k0.nii.gz")), "--truth", text(&truth)]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("folder of several files") && !errors.contains("--series"), "{errors}");
}

#[test]
fn only_masks_of_models_are_replaced_unasked() {
    let root = tempfile::tempdir().unwrap();
    let [images, labels, out] = folders(root.path(), ["images", "labels", "out"]);
    for name in ["a.nii.gz", "b.nii.gz"] {
        write_scan(&images.join(name));
        write_mask(&labels.join(name), &LabelMap::from_fn(grid([16, 16, 16]), |[i, ..]| u16::from(i < 5)), &[]);
    }
    let contents =
        |folder: &Path| files(folder).iter().map(|f| std::fs::read(folder.join(f)).unwrap()).collect::<Vec<_>>();
    let (truth, scans) = (contents(&labels), contents(&images));
    let segment = |input: &Path, output: &Path, more: &[&str]| {
        let words = ["segment", text(input), "-m", "hippocampus", "-o", text(output), "--device", "cpu"];
        told(&[&words[..], more].concat())
    };
    for (input, output) in [(&images, &labels), (&images.join("a.nii.gz"), &images.join("b.nii.gz"))] {
        let (code, _, errors) = segment(input, output, &[]);
        assert_eq!(code, Some(1), "{errors}");
        assert!(errors.contains("no mask as a model left it") && errors.contains("--overwrite"), "{errors}");
    }
    assert!(contents(&labels) == truth && contents(&images) == scans);
    let a = images.join("a.nii.gz");
    let mask = out.join("a.nii.gz");
    for _ in 0..2 {
        let (code, _, errors) = segment(&a, &mask, &["--probabilities"]);
        assert_eq!(code, Some(0), "its own mask and probabilities are replaced: {errors}");
    }
    let (code, _, errors) = segment(&a, &labels.join("a.nii.gz"), &["--overwrite", "--threads", "100000"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("processor threads") && contents(&labels)[0] != truth[0], "{errors}");
    // Masks alone are offered as endings.
    let (code, _, errors) = segment(&a, &out.join("m.png"), &[]);
    assert_eq!(code, Some(1));
    assert!(errors.contains(".nii.gz") && !errors.contains(".stl"), "{errors}");
}

#[test]
fn contours_of_models_are_replaced_as_masks_are_and_corrected_ones_are_not() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    let series = at("series");
    let (code, _, errors) = told(&["convert", text(&sample), "-o", &format!("{}/", text(&series))]);
    assert_eq!(code, Some(0), "{errors}");
    for name in ["mask.dcm", "mask.rtstruct.dcm"] {
        let mask = at(name);
        let segment = || told(&["segment", text(&series), "-m", "hippocampus", "-o", text(&mask), "--device", "cpu"]);
        for n in 0..2 {
            let (code, _, errors) = segment();
            assert_eq!(code, Some(0), "{name} {n}: {errors}");
        }
        // By another hand than the model's.
        let corrected = at(&format!("corrected.{name}"));
        let step = ["--label", "anterior", "--do", "shrink-margin margin=1", "--image", text(&series)];
        let (code, _, errors) = told(&[&["edit", text(&mask), "-o", text(&corrected)][..], &step].concat());
        assert_eq!(code, Some(0), "{name}: {errors}");
        std::fs::rename(&corrected, &mask).unwrap();
        let (code, _, errors) = segment();
        assert!(code == Some(1) && errors.contains("--overwrite"), "{name}: {errors}");
    }
}

#[test]
fn odd_inputs_are_named_and_nothing_of_the_user_goes() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let [empty] = folders(root.path(), ["empty"]);
    let geometry = grid([8, 8, 8]);
    let values = vec![f32::NAN; geometry.voxel_count()];
    let scan = Volume::new(geometry, Voxels::F32(values.into()), vec![], Rescale::IDENTITY, String::new());
    let (nan, mask, many, notes) = (at("nan.nii"), at("mask.nii"), at("many.nii"), at("notes.txt"));
    formats::write_volume(&nan, &scan, Watch::unwatched()).unwrap();
    write_mask(&mask, &LabelMap::from_fn(grid([8, 8, 8]), |[i, ..]| u16::from(i < 5)), &[(1, "Liver")]);
    write_mask(&many, &LabelMap::from_fn(grid([8, 8, 8]), |[i, j, _]| u16::try_from(i + 8 * j).unwrap()), &[]);
    std::fs::write(&notes, "notes").unwrap();
    let out = at("out.nii");
    let picture = at("out.png");
    for (words, code, said) in [
        (vec!["deidentify", text(&empty), "-o", text(&empty)], 1, "choose a folder outside it"),
        (vec!["touch", text(&nan), "--strokes", text(&mask), "-o", text(&out)], 1, "no voxel of"),
        (vec!["sheet", text(&nan), "-o", text(&picture)], 0, "its slices are blank"),
        (vec!["measure", text(&mask), "--image", text(&nan)], 0, "no statistics of values"),
        (vec!["slices", text(&mask), "-o", text(&notes)], 1, "is a file and no folder"),
        (vec!["edit", text(&many), "-o", text(&out), "--do", "clear"], 1, "and 43 others"),
        (vec!["evaluate", "--pred", text(&mask), "--truth", text(&empty)], 1, "a folder without a mask"),
        (vec!["convert", text(&nan), "-o", text(&at("out.stl"))], 1, "surfaces are made of masks"),
    ] {
        let (found, _, errors) = told(&words);
        assert!(found == Some(code) && errors.contains(said), "{words:?}: {found:?} {errors}");
    }
    assert!(empty.is_dir() && std::fs::read_to_string(&notes).unwrap() == "notes");
}

#[test]
fn labels_beside_images_are_no_scans_and_a_single_channel_has_its_cases_name() {
    let root = tempfile::tempdir().unwrap();
    let [images, labels] = folders(root.path(), ["imagesTr", "labelsTr"]);
    write_scan(&images.join("case_0_0000.nii.gz"));
    write_mask(&labels.join("case_0.nii.gz"), &LabelMap::from_fn(grid([16, 16, 16]), |[i, ..]| u16::from(i < 5)), &[]);
    let segment = |input: &Path, output: &str| {
        let out = root.path().join(output);
        let (code, _, errors) =
            told(&["segment", text(input), "-m", "hippocampus", "-o", text(&out), "--device", "cpu"]);
        assert_eq!(code, Some(0), "{errors}");
        (files(&out), errors)
    };
    assert_eq!(segment(&images, "one").0, ["case_0.nii.gz"]);
    // The whole data set.
    let data = tempfile::tempdir().unwrap();
    let [others, masks] = folders(data.path(), ["images", "masks"]);
    std::fs::copy(images.join("case_0_0000.nii.gz"), others.join("case_0_0000.nii.gz")).unwrap();
    std::fs::copy(labels.join("case_0.nii.gz"), masks.join("case_0.nii.gz")).unwrap();
    let (written, errors) = segment(data.path(), "all");
    assert_eq!(written, ["case_0_0000.nii.gz"], "a name outside of nnU-Net's folders stays");
    assert!(errors.contains("left out 1 files or series in") && errors.contains("masks"), "{errors}");
    let (code, _, errors) = told(&["segment", text(&others), "-m", "hippocampus", "-o", text(&masks)]);
    assert_eq!(code, Some(0), "nothing there is called so: {errors}");
}

#[test]
fn pictures_are_single_images_for_a_model_that_learned_pictures() {
    let root = tempfile::tempdir().unwrap();
    let [pictures] = folders(root.path(), ["pictures"]);
    for n in 0..2 {
        let labels = LabelMap::from_fn(grid([24, 20, 1]), |[i, j, _]| u16::from((i + j + n) % 3 == 0));
        formats::write_mask_picture(&pictures.join(format!("p{n}.png")), &labels).unwrap();
    }
    let mut learned = model::find("hippocampus").unwrap();
    learned.spec.provenance.seen =
        Some(SeenScans { modality: String::new(), spacing_mm: [1.0; 3], extent_mm: [24.0, 20.0, 1.0] });
    let axis = learned.spec.slice_axis.world_axis();
    if let Some(seen) = &mut learned.spec.provenance.seen {
        seen.extent_mm = [24.0; 3];
        seen.extent_mm[axis] = 1.0;
    }
    let of_pictures = root.path().join("pictures.safetensors");
    learned.save(&of_pictures).unwrap();
    let segment = |model: &str, output: &str| {
        let out = root.path().join(output);
        let words = ["segment", text(&pictures), "-m", model, "-o", text(&out), "--device", "cpu", "--json"];
        let (code, printed, errors) = told(&words);
        assert_eq!(code, Some(0), "{errors}");
        (files(&out), serde_json::from_str::<Value>(&printed).unwrap(), errors)
    };
    let (written, _, errors) = segment(text(&of_pictures), "each");
    assert_eq!(written, ["p0.nii.gz", "p1.nii.gz"]);
    assert!(errors.contains("one by one"), "{errors}");
    let (written, report, errors) = segment("hippocampus", "stack");
    assert_eq!(written, ["pictures.nii.gz"]);
    assert!(errors.contains("the slices of one stack"), "{errors}");
    // Two slices are much less than what the model learned from.
    let misfits = report["masks"][0]["misfits"].as_array().unwrap();
    assert!(misfits.iter().any(|misfit| misfit.as_str().unwrap().contains("learned from scans of about")), "{report}");
    assert!(misfits.iter().all(|misfit| errors.contains(misfit.as_str().unwrap())), "{errors}");
}

#[test]
fn choices_without_an_effect_are_wrong_usage() {
    let (code, _, errors) = told(&["measure", "mask.nii.gz", "--frame", "1"]);
    assert!(code == Some(2) && errors.contains("--image"), "{errors}");
    let plane = ["reslice", "scan.nii", "--normal", "0,1,1", "-o"];
    for (output, choice, value, code, word) in [
        ("cut.png", "--width", "30", 2, "--normal"),
        ("cut.png", "--angle", "-30", 2, "--normal"),
        ("cut.png", "--slab", "max", 2, "--thickness"),
        ("cut.png", "--outside", "-1", 1, "picture"),
        ("cut.nii", "--edge", "300", 1, "pictures"),
    ] {
        let (left, _, errors) = told(&[&plane[..], &[output, choice, value]].concat());
        assert!(left == Some(code) && errors.contains(choice) && errors.contains(word), "{choice}: {errors}");
    }
    let root = tempfile::tempdir().unwrap();
    let scan = root.path().join("scan.nii");
    let geometry = grid([4, 4, 2]);
    let mut values: Vec<f32> = (0..32).map(|n| n as f32).collect();
    (values[0], values[9]) = (f32::NAN, f32::INFINITY);
    let volume = Volume::new(geometry, Voxels::F32(Arc::new(values)), vec![], Rescale::IDENTITY, String::new());
    formats::write_volume(&scan, &volume, Watch::unwatched()).unwrap();
    let (_, printed, _) = told(&["info", text(&scan)]);
    assert!(printed.contains("1 voxels are NaN and 1 infinite"), "{printed}");
}
