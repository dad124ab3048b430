//! Pictures in and out of the command line: their size, slices, stacks, sheets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, Luma};

fn lamella(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lamella")).args(arguments).output().unwrap()
}

fn done(arguments: &[&str]) -> String {
    let output = lamella(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(arguments: &[&str]) -> String {
    let output = lamella(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample").join(name)
}

#[test]
fn a_spacing_is_taken_for_pictures_and_refused_for_files_that_say_it() {
    let folder = tempfile::tempdir().unwrap();
    let stack = folder.path().join("stack");
    std::fs::create_dir(&stack).unwrap();
    for n in 1..4u8 {
        GrayImage::from_pixel(6, 4, Luma([n])).save(stack.join(format!("s{n}.png"))).unwrap();
    }
    let info = |more: &[&str]| -> serde_json::Value {
        serde_json::from_str(&done(&[&["info", text(&stack), "--json"], more].concat())).unwrap()
    };
    let unsaid = info(&[]);
    assert_eq!(unsaid["volumes"][0]["spacing"], serde_json::json!([1.0, 1.0, 1.0]));
    assert!(unsaid["volumes"][0]["warnings"][0].as_str().unwrap().contains("1 mm is assumed"));
    let said = info(&["--spacing", "0.5,0.25,2"]);
    assert_eq!(said["volumes"][0]["spacing"], serde_json::json!([0.5, 0.25, 2.0]));
    assert_eq!(said["volumes"][0]["warnings"], serde_json::json!([]));
    let out = folder.path().join("out.nii.gz");
    done(&["convert", text(&stack), "-o", text(&out), "--spacing", "0.5,0.25,2"]);
    let back: serde_json::Value = serde_json::from_str(&done(&["info", text(&out), "--json"])).unwrap();
    assert_eq!(back["volumes"][0]["spacing"], serde_json::json!([0.5, 0.25, 2.0]));
    let again = folder.path().join("again.nii.gz");
    let why = refused(&["convert", text(&out), "-o", text(&again), "--spacing", "1,1,1"]);
    assert!(why.contains("out.nii.gz") && why.contains("says how large its voxels are"), "{why}");
    assert_eq!(lamella(&["info", text(&stack), "--spacing", "1,0,1"]).status.code(), Some(2), "0 is no size");
}

#[test]
fn strokes_and_operations_on_pictures_know_the_size_that_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let stacks = [at("image"), at("mask")];
    for (n, stack) in stacks.iter().enumerate() {
        std::fs::create_dir(stack).unwrap();
        for slice in 1..4u8 {
            let inside = |x: u32, y: u32| (8..16).contains(&x) && (8..16).contains(&y);
            let value = |x, y| {
                Luma([if !inside(x, y) {
                    0
                } else if n == 0 {
                    200
                } else {
                    1
                }])
            };
            GrayImage::from_fn(24, 24, value).save(stack.join(format!("s{slice}.png"))).unwrap();
        }
    }
    let [image, mask] = &stacks;
    let spacing = |path: &Path| -> serde_json::Value {
        let told: serde_json::Value = serde_json::from_str(&done(&["info", text(path), "--json"])).unwrap();
        told["volumes"][0]["spacing"].clone()
    };
    let size = serde_json::json!([0.5, 0.25, 2.0]);
    // 1 mm is two columns and four rows.
    let grown = |more: &[&str], name: &str| {
        let out = at(name);
        let step =
            ["--do", "grow-margin margin=1", "--label", "1", "--spacing", "0.5,0.25,2", "--json", "-o", text(&out)];
        let told: serde_json::Value =
            serde_json::from_str(&done(&[&["edit", text(mask)][..], more, &step].concat())).unwrap();
        assert_eq!(spacing(&out), size, "{name}");
        told["voxels"]["1"].clone()
    };
    let alone = grown(&[], "alone.nii.gz");
    assert!(alone.as_u64().unwrap() > 12 * 12 * 3, "{alone}");
    assert_eq!(grown(&["--image", text(image)], "with.nii.gz"), alone);
    let answer = at("answer.nii.gz");
    let words = ["--method", "grow", "--strokes", text(mask), "-o", text(&answer), "--spacing", "0.5,0.25,2"];
    done(&[&["touch", text(image)][..], &words].concat());
    assert_eq!(spacing(&answer), size);
    let why = refused(&["edit", text(&answer), "-o", text(&at("x.nii.gz")), "--do", "clear", "--spacing", "1,1,1"]);
    assert!(why.contains("says how large its voxels are"), "{why}");
}

#[test]
fn slices_go_into_files_and_stacks_and_nothing_that_is_read_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (scan, mask) = (sample("synthetic_hippocampus.nii.gz"), sample("synthetic_hippocampus_labels.nii.gz"));
    let out = folder.path().join("out");
    let said = done(&["slices", text(&mask), "-o", text(&out), "--content", "labels", "--slices", "10-20:5"]);
    assert!(said.contains("3 files in"), "{said}");
    let names: std::collections::BTreeSet<String> =
        std::fs::read_dir(&out).unwrap().map(|item| item.unwrap().file_name().to_string_lossy().into_owned()).collect();
    let name = |n: u32| format!("synthetic_hippocampus_labels_axial_00{n}.png");
    assert_eq!(names, [10, 15, 20].map(name).into_iter().collect());
    // A stack of values is the scan again, where its voxels are as large.
    let stack = folder.path().join("stack.tif");
    done(&["slices", text(&scan), "-o", text(&stack), "--content", "values"]);
    let of =
        |path: &Path| -> serde_json::Value { serde_json::from_str(&done(&["info", text(path), "--json"])).unwrap() };
    let (was, is) = (of(&scan), of(&stack));
    for key in ["min", "max"] {
        assert_eq!(was["volumes"][0][key], is["volumes"][0][key], "{key}");
    }
    let volume = &is["volumes"][0];
    let spacing: Vec<f64> = volume["spacing"].as_array().unwrap().iter().map(|mm| mm.as_f64().unwrap()).collect();
    let own: Vec<f64> =
        was["volumes"][0]["spacing"].as_array().unwrap().iter().map(|mm| mm.as_f64().unwrap()).collect();
    assert!(spacing.iter().zip(own).all(|(a, b)| (a - b).abs() < 1e-6), "{spacing:?}");
    let overlay = folder.path().join("one.png");
    let arguments = ["slices", text(&scan), "-o", text(&overlay), "--content", "overlay", "--slices", "15"];
    assert!(refused(&arguments).contains("--mask"));
    done(&[&arguments[..], &["--mask", text(&mask), "--edge", "300"]].concat());
    let drawn = image::open(&overlay).unwrap().into_rgb8();
    assert_eq!(drawn.width().min(drawn.height()), 300);
    assert!(drawn.pixels().any(|pixel| pixel[0] != pixel[1]), "labels have colours");
    assert!(refused(&["slices", text(&scan), "-o", text(&overlay), "--slices", "0-3"]).contains("one slice"));
    assert!(refused(&["slices", text(&scan), "-o", text(&overlay), "--slices", "999"]).contains("no slice 999"));
    let own = folder.path().join("own.png");
    GrayImage::from_pixel(8, 8, Luma([9])).save(&own).unwrap();
    assert!(refused(&["slices", text(&own), "-o", text(&own), "--spacing", "pixels"]).contains("overwrite"));
}

#[test]
fn a_sheet_has_its_width_and_says_its_dots() {
    let folder = tempfile::tempdir().unwrap();
    let (scan, mask) = (sample("synthetic_hippocampus.nii.gz"), sample("synthetic_hippocampus_labels.nii.gz"));
    let sheet = folder.path().join("sheet.png");
    let arguments =
        ["sheet", text(&scan), "--mask", text(&mask), "-o", text(&sheet), "--width-mm", "84", "--dpi", "150"];
    let said = done(&arguments);
    assert!(said.contains("at 150 dots per inch"), "{said}");
    let drawn = image::open(&sheet).unwrap().into_rgb8();
    // 84 mm are 496 pixels; tiles are whole pixels wide, so a few may be missing.
    assert!((485..=496).contains(&drawn.width()), "{}", drawn.width());
    assert_eq!(*drawn.get_pixel(0, 0), image::Rgb([255; 3]), "paper is white");
    let bytes = std::fs::read(&sheet).unwrap();
    let at = bytes.windows(4).position(|part| part == b"pHYs").unwrap() + 4;
    // 150 dots per inch are 5906 per metre.
    assert_eq!(bytes[at..at + 9], [0, 0, 23, 18, 0, 0, 23, 18, 1]);
    let dark = folder.path().join("dark.tif");
    done(
        &[
            &["sheet", text(&scan), "-o", text(&dark), "--ground", "black", "--plane", "coronal", "--columns", "2"][..],
            &["--slices", "3,9"],
        ]
        .concat(),
    );
    let why = refused(&["sheet", text(&scan), "-o", text(&folder.path().join("a.pdf"))]);
    assert!(why.contains(".png or .tif"), "{why}");
}
