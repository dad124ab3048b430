//! Every file of `$LAMELLA_TEST_DATA/data/oracles.json` opens as expected or is refused as expected.
//!
//! Driven by the index alone: pointed at another folder of the same form it works unchanged.
//! Prints one line per entry and a closing count per kind and outcome.
#![allow(unsafe_code, reason = "a counting allocator is the only way to see what a hostile file makes us allocate")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "oracles/segmentation.rs"]
mod segmentation;
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use lamella::formats::{self, Findings, StructureSet};
use lamella::volume::{LabelMap, Volume};
use lamella::work::Watch;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::test_data;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Buffers of constant size that a reader may use besides.
const CONSTANT_BYTES: usize = 2 << 20;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Verdict {
    Matched,
    Refused,
    Failed,
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

/// The digest of the README's section `canonical.sha256`.
fn canonical_digest(volume: &Volume) -> String {
    let orientation = volume.geometry.orientation();
    let shape = volume.geometry.shape();
    let axis = [0, 1, 2].map(|world| orientation.voxel_axis(world));
    let mut hasher = Sha256::new();
    let mut row = Vec::new();
    for frame in 0..volume.frame_count() {
        for s in 0..shape[axis[2]] {
            for a in 0..shape[axis[1]] {
                row.clear();
                for r in 0..shape[axis[0]] {
                    let mut voxel = [0; 3];
                    for (world, at) in [r, a, s].into_iter().enumerate() {
                        let along = axis[world];
                        voxel[along] = if orientation.positive[along] { at } else { shape[along] - 1 - at };
                    }
                    let value = volume.value(voxel, frame) as f32;
                    let bits = match value {
                        v if v.is_nan() => 0x7FC0_0000,
                        0.0 => 0,
                        v => v.to_bits(),
                    };
                    row.extend_from_slice(&bits.to_le_bytes());
                }
                hasher.update(&row);
            }
        }
    }
    hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance
}

fn compare(volume: &Volume, expected: &Value, lossy: bool) -> Result<(), String> {
    let canonical = &expected["canonical"];
    let ras = volume.geometry.to_ras();
    if numbers(&canonical["shape"]) != ras.shape().map(|n| n as f64) {
        return Err(format!("canonical shape {:?}, expected {}", ras.shape(), canonical["shape"]));
    }
    let extra: Vec<f64> = volume.frame_dims.iter().map(|&n| n as f64).collect();
    if extra != expected.get("extra_dims").map(numbers).unwrap_or_default() {
        return Err(format!("further dimensions {extra:?}, expected {}", expected["extra_dims"]));
    }
    // Without a position in the file any placement is right: only values in storage order can be compared.
    let placed = expected["no_position"].as_bool() != Some(true);
    let affine: Vec<f64> = ras.world_from_voxel().0.into_iter().flatten().collect();
    for (got, want) in affine.iter().zip(numbers(&canonical["affine"])) {
        if placed && !close(*got, want, 1e-3) {
            return Err(format!("canonical affine {affine:.4?}, expected {}", canonical["affine"]));
        }
    }
    if volume.geometry.orientation().code() != expected["orientation"].as_str().unwrap_or_default() {
        return Err(format!(
            "orientation {}, expected {}",
            volume.geometry.orientation().code(),
            expected["orientation"]
        ));
    }
    let unit = volume.rescale.of_slice(0).0.abs();
    let tolerance = if lossy { 2.0 * unit + 1e-6 } else { 0.0 };
    for sample in expected["samples"].as_array().into_iter().flatten() {
        let w = numbers(&sample["w"]);
        let voxel = if placed {
            volume.geometry.voxel_at([w[0], w[1], w[2]]).ok_or(format!("{w:?} lies outside"))?
        } else {
            let ijk = numbers(&sample["ijk"]);
            [ijk[0] as usize, ijk[1] as usize, ijk[2] as usize]
        };
        for (frame, want) in numbers(&sample["v"]).into_iter().enumerate() {
            let got = volume.value(voxel, frame);
            let near = close(got, want, tolerance + 1e-6 * want.abs().max(1e-6));
            let both_undefined = want.is_nan() && !got.is_finite();
            if !near && !both_undefined {
                return Err(format!("value {got} at {w:?} (frame {frame}), expected {want}"));
            }
        }
    }
    if !lossy && canonical_digest(volume) != canonical["sha256"].as_str().unwrap_or_default() {
        return Err("digest of the voxels differs".into());
    }
    compare_statistics(volume, expected, tolerance)?;
    if let Some(labels) = expected["labels"].as_object() {
        compare_labels(volume, labels)?;
    }
    Ok(())
}

fn compare_statistics(volume: &Volume, expected: &Value, tolerance: f64) -> Result<(), String> {
    let statistics = volume.statistics();
    let spread = expected["std"].as_f64().unwrap_or(1.0).abs().max(1e-9);
    for (name, got) in
        [("min", statistics.min), ("max", statistics.max), ("mean", statistics.mean), ("std", statistics.std)]
    {
        if let Some(want) = expected[name].as_f64()
            && !close(got, want, tolerance + 1e-6 * (spread + want.abs()))
        {
            return Err(format!("{name} {got}, expected {want}"));
        }
    }
    Ok(())
}

fn compare_labels(volume: &Volume, expected: &serde_json::Map<String, Value>) -> Result<(), String> {
    if expected.keys().any(|label| label.parse::<u16>().is_err()) {
        return match LabelMap::from_volume(volume, 0) {
            Ok(_) => Err("fractional values were taken for labels".into()),
            Err(_) => Ok(()),
        };
    }
    let map = LabelMap::from_volume(volume, 0).map_err(|e| e.to_string())?;
    let counts = map.counts();
    for (label, facts) in expected {
        let value: u16 = label.parse().map_err(|_| format!("label {label}"))?;
        if value == 0 {
            continue;
        }
        let count = counts.get(&value).copied().unwrap_or(0);
        if facts["voxels"].as_u64() != Some(count as u64) {
            return Err(format!("label {label} has {count} voxels, expected {}", facts["voxels"]));
        }
        let mut sum = [0.0; 3];
        map.for_each_labelled(|voxel, at| {
            if at == value {
                let w = map.geometry().world_at(voxel);
                (0..3).for_each(|axis| sum[axis] += w[axis] / count as f64);
            }
        });
        for (got, want) in sum.iter().zip(numbers(&facts["centroid"])) {
            if !close(*got, want, 1e-2) {
                return Err(format!("label {label} is centred at {sum:?}, expected {}", facts["centroid"]));
            }
        }
    }
    Ok(())
}

/// Mean luminance of images with a colour table, by pydicom's `apply_color_lut`: the index holds no colours of theirs.
const PALETTES: [(&str, f64); 4] = [
    ("OBXXXX1A.dcm", 3032.579),
    ("OBXXXX1A_rle.dcm", 3032.579),
    ("gdcm-US-ALOKA-16.dcm", 7559.406),
    ("OT-PAL-8-face.dcm", 26037.773),
];

/// Least, largest and mean value of an image with a Modality LUT, by pydicom's `apply_modality_lut`: the index holds its
/// stored values, and asks for the table or a warning.
const MODALITY_LUTS: [(&str, [f64; 3]); 1] = [("mlut_18.dcm", [0.0, 65535.0, 33_177.149_459_838_87])];

fn compare_table(volume: &Volume, want: [f64; 3]) -> Result<(), String> {
    let statistics = volume.statistics();
    let got = [statistics.min, statistics.max, statistics.mean];
    let is_same = got.iter().zip(want).all(|(got, want)| close(*got, want, 1e-6 * (1.0 + want)));
    if is_same { Ok(()) } else { Err(format!("least, largest and mean value {got:?}, expected {want:?}")) }
}

/// A colour image has no canonical digest: shape and mean brightness tell.
fn compare_colour(path: &Path, volume: &Volume, expected: &Value) -> Result<(), String> {
    let shape = volume.geometry.shape();
    if [expected["columns"].as_u64(), expected["rows"].as_u64()] != [Some(shape[0] as u64), Some(shape[1] as u64)] {
        return Err(format!("shape {shape:?}, expected {} x {}", expected["columns"], expected["rows"]));
    }
    let rgb = numbers(&expected["rgb_mean"]);
    if let [r, g, b] = rgb[..] {
        let want = 0.299 * r + 0.587 * g + 0.114 * b;
        let got = volume.statistics().mean;
        if !close(got, want, 1.0 + 0.01 * want.abs()) {
            return Err(format!("mean brightness {got:.2}, expected {want:.2}"));
        }
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match PALETTES.iter().find(|(file, _)| *file == name) {
        Some(&(_, want)) if close(volume.statistics().mean, want, 0.001) => Ok(()),
        Some(&(_, want)) => Err(format!("mean luminance {:.4}, expected {want}", volume.statistics().mean)),
        None => Err("opened, but the index gives nothing to compare with".into()),
    }
}

/// A picture has no place in the patient: its pixels row by row, and their type.
fn compare_picture(volume: &Volume, expected: &Value) -> Result<(), String> {
    let [width, height, _] = volume.geometry.shape();
    let want = ["width", "height"].map(|key| expected[key].as_u64().unwrap_or_default() as usize);
    if [width, height] != want {
        return Err(format!("{width} x {height}, expected {want:?}"));
    }
    let (dtype, name) = (volume.voxels.voxel_type(), expected["dtype"].as_str().unwrap_or_default());
    if dtype.name() != name {
        return Err(format!("stored as {}, expected {name}", dtype.name()));
    }
    let mut hasher = Sha256::new();
    for n in 0..width * height {
        let value = volume.voxels.get(n).unwrap_or(f64::NAN);
        hasher.update(&(value as u64).to_le_bytes()[..dtype.bytes()]);
    }
    let digest = hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    if digest != expected["sha256_pixels"].as_str().unwrap_or_default() {
        return Err("digest of the pixels differs".into());
    }
    compare_statistics(volume, expected, 0.0)
}

fn check_file(path: &Path, expected: &Value) -> (Verdict, String) {
    let outcome = expected["outcome"].as_str().unwrap_or_default();
    let may_refuse = !matches!(outcome, "ok") || !is_ours(expected);
    match formats::open_one(path, None, Watch::unwatched()) {
        Err(error) => {
            let message = error.to_string();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !message.contains(&name) {
                return (Verdict::Failed, format!("refused without naming the file: {message}"));
            }
            (if may_refuse { Verdict::Refused } else { Verdict::Failed }, message)
        }
        Ok(volume) => {
            if outcome == "error" || outcome == "not_image" {
                return (Verdict::Failed, "opened, but must be refused".into());
            }
            let lossy = expected["lossy"].as_bool() == Some(true);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let table = MODALITY_LUTS.iter().find(|(file, _)| *file == name);
            let compared = if let Some(&(_, want)) = table {
                compare_table(&volume, want)
            } else if expected.get("canonical").is_some() {
                compare(&volume, expected, lossy)
            } else if expected.get("sha256_pixels").is_some() {
                compare_picture(&volume, expected)
            } else if expected.get("rows").is_some() {
                compare_colour(path, &volume, expected)
            } else {
                Ok(())
            };
            match compared {
                Ok(()) if outcome == "ok_with_warning" && volume.warnings.is_empty() => {
                    (Verdict::Failed, "opened without a warning".into())
                }
                Ok(()) => (Verdict::Matched, volume.warnings.join(" ")),
                Err(problem) => (Verdict::Failed, problem),
            }
        }
    }
}

fn check_segmentation(path: &Path, expected: &Value) -> (Verdict, String) {
    match segmentation::check(path, expected) {
        Ok(note) => (Verdict::Matched, note),
        Err(problem) => (Verdict::Failed, problem),
    }
}

/// Names, numbers, types, colours, counts and planes with their areas.
fn compare_contours(found: &StructureSet, expected: &Value) -> Result<(), String> {
    let same = |what: &str, got: Value, want: &Value| {
        if got == *want { Ok(()) } else { Err(format!("{what} {got}, expected {want}")) }
    };
    same("label", json!(found.label), &expected["label"])?;
    let series: Vec<&str> = found.referenced_series.iter().map(|series| series.series_uid.as_str()).collect();
    same("series", json!(series), &expected["referenced_series"])?;
    let wanted = expected["rois"].as_array().map(Vec::as_slice).unwrap_or_default();
    same("number of ROIs", json!(found.rois.len()), &json!(wanted.len()))?;
    for (roi, want) in found.rois.iter().zip(wanted) {
        same("number", json!(roi.number), &want["number"])?;
        same("name", json!(roi.name), &want["name"])?;
        same("type", json!(roi.interpreted_type), &want["type"])?;
        same("colour", json!(roi.colour), &want["color"])?;
        same("contours", json!(roi.contours.len()), &want["contours"])?;
        same("points", json!(roi.point_count()), &want["points"])?;
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        roi.contours.iter().for_each(|contour| *kinds.entry(contour.kind.name()).or_default() += 1);
        same("kinds", json!(kinds), &want["geometric_types"])?;
        let (areas, planes) = (roi.areas_mm2(), want["planes"].as_array().map(Vec::as_slice).unwrap_or_default());
        same("number of planes", json!(areas.len()), &json!(planes.len()))?;
        for ((count, area), plane) in areas.iter().zip(planes) {
            same("contours in a plane", json!(count), &plane["contours"])?;
            let want = plane["even_odd_area_mm2"].as_f64().unwrap_or(f64::NAN);
            if !close(*area, want, 1e-3) {
                return Err(format!("{}: area {area}, expected {want}", roi.name));
            }
            let z = plane["z"].as_f64().unwrap_or(f64::NAN);
            let points: Vec<usize> = (roi.contours.iter())
                .filter(|contour| contour.points.iter().all(|point| close(point[2], z, 1e-3)))
                .map(|contour| contour.points.len())
                .collect();
            same("points in a plane", json!(points), &plane["points"])?;
        }
    }
    Ok(())
}

fn check_contours(path: &Path, expected: &Value) -> (Verdict, String) {
    match formats::read_contours(path, Watch::unwatched()).map(|found| compare_contours(&found, expected)) {
        Ok(Ok(())) => (Verdict::Matched, String::new()),
        Ok(Err(problem)) => (Verdict::Failed, problem),
        Err(error) => (Verdict::Failed, error.to_string()),
    }
}

/// Whether the application reads this kind of file at all.
fn is_ours(expected: &Value) -> bool {
    let kind = expected["kind"].as_str().unwrap_or_default();
    ["nifti", "nifti_label", "nifti_bad", "dicom_file", "dicom_bad", "dicom_series", "png", "metaimage", "gipl"]
        .contains(&kind)
}

fn check_series(path: &Path, expected: &Value) -> (Verdict, String) {
    let findings = match formats::scan(path, Watch::unwatched()) {
        Ok(findings) => findings,
        Err(error) => return (Verdict::Failed, error.to_string()),
    };
    // Single slices, frames and mosaics are all opened; masks and contours of a folder are no volumes.
    let must_match = ["ok", "ok_with_warning", "policy"].iter().any(|outcome| expected["outcome"] == *outcome);
    let (mut matched, mut refused) = (0, Vec::new());
    for wanted in expected["volumes"].as_array().into_iter().flatten() {
        let only_group = &expected["groups"][0]["series_uid"];
        let series_uid = wanted["series_uid"].as_str().or(only_group.as_str()).unwrap_or_default();
        match check_volume(&findings, series_uid, wanted) {
            Ok(warned) => {
                if expected["outcome"] == "ok_with_warning" && !warned {
                    return (Verdict::Failed, format!("{series_uid}: opened without a warning"));
                }
                matched += 1;
            }
            Err(None) if must_match => return (Verdict::Failed, format!("{series_uid}: not found")),
            Err(None) => refused.push(series_uid),
            Err(Some(problem)) => return (Verdict::Failed, format!("{series_uid}: {problem}")),
        }
    }
    if !refused.is_empty() && findings.skipped.is_empty() {
        return (Verdict::Failed, "refused without a reason".into());
    }
    let verdict = if matched > 0 || refused.is_empty() { Verdict::Matched } else { Verdict::Refused };
    let reason = findings.skipped.first().map(|s| s.reason.clone()).unwrap_or_default();
    (verdict, format!("{matched} volumes matched, {} refused ({reason})", refused.len()))
}

/// Slices that are missing or lie unevenly are opened only where the user agrees, as this asking stands for; every slice that is
/// there lies at its own place.
fn compare_filled(volume: &Volume, wanted: &Value) -> Result<(), String> {
    let origins: Vec<Vec<f64>> = wanted["slice_origins"].as_array().into_iter().flatten().map(numbers).collect();
    let [.., slices] = volume.geometry.shape();
    let numbered = wanted["slice_index_on_even_grid"].as_array().map(|_| numbers(&wanted["slice_index_on_even_grid"]));
    for (n, origin) in origins.iter().enumerate() {
        let voxel = volume.geometry.voxel_from_world().point([origin[0], origin[1], origin[2]]);
        let is_on_grid = voxel[0].abs() < 1e-3 && voxel[1].abs() < 0.2 && (-1e-3..slices as f64).contains(&voxel[2]);
        if !is_on_grid || numbered.as_ref().is_some_and(|all| !close(all[n], voxel[2], 1e-3)) {
            return Err(format!("slice {n} lies at {voxel:?} of the volume"));
        }
    }
    if let Some(all) = numbered {
        for sample in wanted["samples"].as_array().into_iter().flatten() {
            let (w, want) = (numbers(&sample["w"]), sample["v"].as_f64().unwrap_or(f64::NAN));
            let voxel = volume.geometry.voxel_at([w[0], w[1], w[2]]).ok_or("a sample lies outside")?;
            if volume.value(voxel, 0) != want {
                return Err(format!("value {} at {w:?}, expected {want}", volume.value(voxel, 0)));
            }
        }
        let total = all.last().map_or(0, |&last| last as usize + 1);
        return if slices == total { Ok(()) } else { Err(format!("{slices} slices, expected {total}")) };
    }
    // Between uneven slices values are mixed: none is out of range.
    let (low, high) = (wanted["min"].as_f64().unwrap_or(0.0), wanted["max"].as_f64().unwrap_or(0.0));
    let statistics = volume.statistics();
    let is_within = statistics.min >= low && statistics.max <= high;
    if is_within { Ok(()) } else { Err(format!("values from {} to {}", statistics.min, statistics.max)) }
}

fn compare_any(entry: &formats::Entry, volume: &Volume, wanted: &Value) -> Result<(), String> {
    match (entry.source.asks(), wanted["irregular"] == true) {
        (Some(_), true) => compare_filled(volume, wanted),
        (None, true) => Err("slices with gaps were spread without a word".into()),
        (Some(what), false) => Err(format!("asks without a need: {what}")),
        (None, false) => compare(volume, wanted, false),
    }
}

/// `Ok(warned)` on a match, `Err(None)` if nothing of that series can be opened.
fn check_volume(findings: &Findings, series_uid: &str, wanted: &Value) -> Result<bool, Option<String>> {
    let candidates: Vec<_> = findings.entries.iter().filter(|e| e.id.split('#').next() == Some(series_uid)).collect();
    let mut problem = None;
    for entry in candidates {
        match formats::load(entry, Watch::unwatched()) {
            Ok(volume) => match compare_any(entry, &volume, wanted) {
                Ok(()) => return Ok(!volume.warnings.is_empty()),
                Err(difference) => problem = Some(difference),
            },
            Err(error) => {
                eprintln!("    refused at loading: {error}");
            }
        }
    }
    Err(problem)
}

#[test]
fn every_file_opens_or_is_refused_as_the_index_says() {
    let Some(folder) = test_data() else { return };
    let folder = folder.join("data");
    let index = support::json(&folder.join("oracles.json"));
    let mut counts: BTreeMap<(String, String, Verdict), usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for (name, expected) in index["entries"].as_object().expect("entries") {
        let path = folder.join(name);
        let outcome = expected["outcome"].as_str().unwrap_or_default().to_string();
        let kind = expected["kind"].as_str().unwrap_or_default().to_string();
        let is_folder = path.is_dir();
        let size = if is_folder { 0 } else { std::fs::metadata(&path).map_or(0, |m| m.len() as usize) };
        let before = LIVE.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let (mut verdict, mut note) = catch_unwind(AssertUnwindSafe(|| match kind.as_str() {
            "dicom_series" => check_series(&path, expected),
            "dicom_seg" => check_segmentation(&path, expected),
            "rtstruct" => check_contours(&path, expected),
            _ => check_file(&path, expected),
        }))
        .unwrap_or((Verdict::Failed, "panicked".into()));
        let taken = PEAK.load(Ordering::Relaxed).saturating_sub(before);
        if outcome == "error" && taken > 4 * size + CONSTANT_BYTES {
            (verdict, note) = (Verdict::Failed, format!("allocated {taken} bytes for a file of {size}"));
        }
        println!("{verdict:?} {name} [{kind}, {outcome}] {note}");
        if verdict == Verdict::Failed {
            failures.push(format!("{name} [{kind}, {outcome}] {note}"));
        }
        *counts.entry((kind, outcome, verdict)).or_default() += 1;
    }
    let total = |v: Verdict| counts.iter().filter(|((.., verdict), _)| *verdict == v).map(|(_, n)| n).sum::<usize>();
    for ((kind, outcome, verdict), count) in &counts {
        println!("  {kind:14} {outcome:16} {verdict:?}: {count}");
    }
    println!(
        "oracles: {} matched, {} refused as expected, {} failed",
        total(Verdict::Matched),
        total(Verdict::Refused),
        total(Verdict::Failed)
    );
    assert!(failures.is_empty(), "{} entries failed:\n{}", failures.len(), failures.join("\n"));
}
