//! `lamella measure` of a document: rulers, angles and regions as text, CSV and JSON.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use lamella::session::{Edit, ScanPlace, Session, write_document};
use lamella::volume::{Figure, Measurement, Plane};
use lamella::work::Watch;
use serde_json::Value;

fn measure(arguments: &[&str], document: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamella"));
    command.arg("measure").arg(document).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A document with a ruler, an angle and a rectangle on the sample, which lies beside it.
fn document_in(folder: &Path) -> (PathBuf, Vec<f64>) {
    let scan = folder.join("head.nii.gz");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    std::fs::copy(sample, &scan).unwrap();
    let volume = Arc::new(lamella::formats::open_one(&scan, None, Watch::unwatched()).unwrap());
    let mut session = Session::default();
    let (id, _) = session.add_scan(volume.clone());
    session.set_place(id, ScanPlace { path: scan, id: "head.nii.gz".into() });
    session.set_checksum(id, volume.checksum());
    let at = |voxel: [f64; 3]| volume.geometry.world_from_voxel().point(voxel);
    // The sample's third voxel axis is perpendicular to axial slices.
    let figures = [
        ("Ruler 1", Figure::Ruler([at([2.0, 3.0, 8.0]), at([14.0, 8.0, 8.0])])),
        ("Angle 1", Figure::Angle([at([2.0, 3.0, 8.0]), at([9.0, 3.0, 8.0]), at([9.0, 9.0, 8.0])])),
        ("ROI 1", Figure::Rectangle([at([2.5, 3.5, 8.0]), at([6.5, 9.5, 8.0])])),
    ];
    for (name, figure) in figures {
        let own = Measurement { name: name.into(), plane: Plane::Axial, figure };
        let edits = vec![Edit::Measurement(id, session.document().measurements(id).next_id(), Some(own))];
        session.apply(lamella::session::Command::by_hand(name, edits)).unwrap();
    }
    let path = folder.join("case.lamella");
    write_document(&path, session.document(), Watch::unwatched()).unwrap();
    let inside = (4..=9).flat_map(|j| (3..=6).map(move |i| [i, j, 8])).map(|voxel| volume.value(voxel, 0)).collect();
    (path, inside)
}

#[test]
fn measurements_of_a_document_are_told_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let (path, inside) = document_in(folder.path());
    let output = measure(&["--json"], &path);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["measurements"].as_array().unwrap();
    let number = |row: usize, key: &str| rows[row][key].as_f64().unwrap_or_else(|| panic!("{key}: {}", rows[row]));
    // Voxels of the sample are cubes of 1 mm.
    assert!((number(0, "length_mm") - 13.0).abs() < 1e-5, "{}", rows[0]);
    assert!((number(1, "angle_degrees") - 90.0).abs() < 1e-4);
    assert!((number(2, "area_mm2") - 24.0).abs() < 1e-4);
    let mean = inside.iter().sum::<f64>() / 24.0;
    assert!((number(2, "mean") - mean).abs() < 1e-9 * mean.abs().max(1.0) && rows[2]["voxels"] == 24);
    assert_eq!((rows[2]["kind"].as_str(), rows[2]["plane"].as_str()), (Some("rectangle"), Some("axial")));
    assert_eq!(rows[0]["points_mm"].as_array().unwrap().len(), 2);
    assert!(rows[0].get("mean").is_none() && report["notices"].as_array().unwrap().is_empty());

    let table = text(&measure(&[], &path).stdout);
    assert!(
        table.contains("13.0 mm") && table.contains("90.0\u{b0}") && table.contains("24.0 mm2, 24 voxels"),
        "{table}"
    );
    let csv = folder.path().join("rulers.csv");
    let output = measure(&["-o", csv.to_str().unwrap()], &path);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(written.lines().count(), 4);
    assert!(written.starts_with("scan,name,kind,plane,slice,length_mm,"), "{written}");
    let info = text(&Command::new(env!("CARGO_BIN_EXE_lamella")).arg("info").arg(&path).output().unwrap().stdout);
    assert!(info.contains("measurement  ROI 1 (rectangle)"), "{info}");
}

#[test]
fn what_cannot_be_had_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = document_in(folder.path());
    let scan = folder.path().join("head.nii.gz");
    let elsewhere = folder.path().join("elsewhere.nii.gz");
    std::fs::rename(&scan, &elsewhere).unwrap();
    let output = measure(&["--json"], &path);
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["notices"][0].as_str().unwrap().contains("name it with --image"), "{report}");
    let region = &report["measurements"][2];
    assert!(region["area_mm2"].is_number() && region.get("mean").is_none(), "{region}");
    let named = measure(&["--json", "--image", elsewhere.to_str().unwrap()], &path);
    let report: Value = serde_json::from_slice(&named.stdout).unwrap();
    assert!(report["measurements"][2]["mean"].is_number(), "{report}");
    let refused = measure(&["--label", "Liver"], &path);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("have no --label"), "{}", text(&refused.stderr));
    // No table of labels, and no scan, is written over.
    let refused = measure(&["--csv", "-o", elsewhere.to_str().unwrap()], &path);
    assert_eq!(refused.status.code(), Some(1));
    assert!(elsewhere.metadata().unwrap().len() > 1000);
}
