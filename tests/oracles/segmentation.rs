//! DICOM segmentation objects against the index: every segment by its voxels, and what the file says about it.

use std::path::Path;

use lamella::formats::{self, LabelsInFile};
use lamella::volume::{LabelValue, Maker};
use lamella::work::Watch;
use serde_json::Value;

use super::{close, numbers};

/// Compares all masks of a file with the segments of the index.
pub fn check(path: &Path, expected: &Value) -> Result<String, String> {
    let layers = formats::read_layers(path, None, Watch::unwatched()).map_err(|e| e.to_string())?;
    let findings = formats::scan(path, Watch::unwatched()).map_err(|e| e.to_string())?;
    let told =
        formats::facts(&findings.entries[0], Watch::unwatched()).map_err(|e| e.to_string())?.ok_or("no facts")?;
    let shown = |key: &str| told.header.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    if shown("Segmentation Type") != expected["segmentation_type"].as_str() {
        return Err(format!("type {:?}, expected {}", shown("Segmentation Type"), expected["segmentation_type"]));
    }
    let spacing = layers[0].labels.geometry().spacing_mm();
    let [rows, columns] = numbers(&expected["spacing_rows_columns"])[..] else { return Err("no spacing".into()) };
    let slices = expected["slice_spacing"].as_f64().unwrap_or_default();
    if [columns, rows, slices].iter().zip(spacing).any(|(want, got)| !close(*want, got, 1e-4)) {
        return Err(format!("spacing {spacing:?}"));
    }
    let mut count = 0;
    for segment in expected["segments"].as_array().into_iter().flatten() {
        let number = segment["number"].as_u64().unwrap_or_default();
        if number == 0 {
            continue;
        }
        let value = LabelValue::try_from(number).map_err(|e| e.to_string())?;
        let of_segment = |layer: &&LabelsInFile| layer.annotations.table.get(value).is_some();
        let layer = layers.iter().find(of_segment).ok_or(format!("segment {number} is missing"))?;
        let line = shown(&format!("Segment {number}")).unwrap_or_default();
        check_segment(layer, value, segment, line).map_err(|problem| format!("segment {number}: {problem}"))?;
        count += 1;
    }
    let all: usize = layers.iter().map(|layer| layer.annotations.table.0.len()).sum();
    if all != count {
        return Err(format!("{all} segments, expected {count}"));
    }
    Ok(format!("{count} segments in {} masks; {}", layers.len(), layers[0].warnings.join(" ")))
}

fn check_segment(layer: &LabelsInFile, value: LabelValue, expected: &Value, line: &str) -> Result<(), String> {
    let label = layer.annotations.table.get(value).ok_or("not in the table")?;
    let algorithm = expected["algorithm"].as_str().unwrap_or_default();
    if Some(label.name.as_str()) != expected["label"].as_str() || !line.contains(&format!("({algorithm}")) {
        return Err(format!("{line:?}, expected {} made {algorithm}", expected["label"]));
    }
    let maker = layer.annotations.makers.first().map(|(_, maker)| maker);
    if matches!(maker, Some(Maker::Hand)) != (algorithm == "MANUAL") {
        return Err(format!("made {maker:?}, expected {algorithm}"));
    }
    let code = |key: &str| expected[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let (category, kind) = (code("category"), code("type"));
    match label.term.as_deref() {
        // Tissue of the kind tissue is what is written where nobody has chosen a meaning.
        None if kind.first() == Some(&"85756007") => {}
        Some(term)
            if [&term.category.value, &term.category.scheme, &term.category.meaning] == category[..]
                && [&term.kind.value, &term.kind.scheme, &term.kind.meaning] == kind[..] => {}
        other => return Err(format!("means {other:?}, expected {category:?} {kind:?}")),
    }
    let (mut voxels, mut sum) = (0u64, [0.0; 3]);
    let mut planes = std::collections::BTreeSet::new();
    layer.labels.for_each_labelled(|voxel, at| {
        if at == value {
            let world = layer.labels.geometry().world_at(voxel);
            (0..3).for_each(|axis| sum[axis] += world[axis]);
            voxels += 1;
            planes.insert(voxel[2]);
        }
    });
    let centroid = sum.map(|part| part / voxels as f64);
    // The index counts every voxel with a fraction, and the mask has those of a half.
    let is_fraction = expected["sum_of_fractions"].is_number();
    let counted = expected["voxels"].as_u64();
    let is_right =
        if is_fraction { counted.is_some_and(|all| (1..all).contains(&voxels)) } else { counted == Some(voxels) };
    if !is_right || Some(planes.len() as u64) != expected["planes"].as_u64() {
        let wanted = (&expected["voxels"], &expected["planes"]);
        return Err(format!("{voxels} voxels in {} planes, expected {wanted:?}", planes.len()));
    }
    if numbers(&expected["centroid"]).iter().zip(centroid).any(|(want, got)| !close(*want, got, 1e-2)) {
        return Err(format!("centred at {centroid:?}, expected {}", expected["centroid"]));
    }
    Ok(())
}
