//! nnU-Net v2 and MSD / nnU-Net v1 folders.
//!
//! v2: `imagesTr/CASE_0000.nii.gz` per channel, `labelsTr/CASE.nii.gz`, `dataset.json` with `channel_names` and
//! `labels: {name: value}`. v1/MSD: `modality`, `labels: {"value": name}`, `training: [{image, label}]`; MSD's images are the
//! listed files, v1 lists `CASE.nii.gz` where there is `CASE_0000.nii.gz` per channel.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{CaseFiles, Dataset, DatasetError, case_name, ending};

/// Reads `dataset.json` and lists the labelled cases.
///
/// # Errors
/// When the description is missing or does not fit the files.
pub fn open(folder: &Path) -> Result<Dataset, DatasetError> {
    let path = folder.join("dataset.json");
    let error = |problem: String| DatasetError { path: path.clone(), problem };
    let text = std::fs::read_to_string(&path).map_err(|e| {
        error(format!(
            "a data set needs a dataset.json (nnU-Net v2 or MSD form), or the folders `images` and `labels` with files \
             of the same names: {e}"
        ))
    })?;
    let json: Value = serde_json::from_str(&text).map_err(|e| error(format!("dataset.json is damaged: {e}")))?;
    let mut labels = labels(&json)
        .ok_or_else(|| error("`labels` must map names to numbers (v2) or numbers to names (v1)".into()))?;
    if labels.keys().enumerate().any(|(n, &value)| n != usize::from(value)) {
        return Err(error(format!(
            "labels must be 0 (background), 1, 2 ...; found {:?}",
            labels.keys().collect::<Vec<_>>()
        )));
    }
    let last = labels.last_key_value().filter(|(_, name)| *name == "ignore");
    let ignore = last.map(|(&value, _)| value);
    if let Some(value) = ignore {
        labels.remove(&value);
    }
    let channels = json.get("channel_names").or_else(|| json.get("modality"));
    let channels: Vec<String> = match channels.and_then(Value::as_object) {
        Some(map) => map.values().map(|v| v.as_str().unwrap_or_default().to_string()).collect(),
        None => return Err(error("`channel_names` (v2) or `modality` (v1) is missing".into())),
    };
    let cases = match json.get("training").and_then(Value::as_array) {
        Some(list) => listed_cases(folder, list, channels.len())
            .ok_or_else(|| error("`training` must list {image, label}".into()))?,
        None => found_cases(folder, channels.len())?,
    };
    if cases.is_empty() {
        return Err(error("the data set has no labelled case".into()));
    }
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    let licence = if text("licence").is_empty() { text("license") } else { text("licence") };
    let name = match text("name") {
        name if name.is_empty() => folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        name => name,
    };
    Ok(Dataset {
        folder: folder.into(),
        name,
        licence,
        channels,
        labels,
        ignore,
        stored: None,
        unchosen: Vec::new(),
        cases,
    })
}

/// Names by number, of either generation.
pub(super) fn labels(json: &Value) -> Option<BTreeMap<u16, String>> {
    json.get("labels")?
        .as_object()?
        .iter()
        .map(|(key, value)| match (key.parse::<u16>(), value.as_str(), value.as_u64()) {
            (Ok(number), Some(name), _) => Some((number, name.to_string())),
            (_, _, Some(number)) => Some((u16::try_from(number).ok()?, key.clone())),
            _ => None,
        })
        .collect()
}

fn listed_cases(folder: &Path, list: &[Value], channels: usize) -> Option<Vec<CaseFiles>> {
    let mut cases = Vec::new();
    for item in list {
        let listed = folder.join(item.get("image")?.as_str()?);
        let label = folder.join(item.get("label")?.as_str()?);
        // What is missing altogether is named when the case is read; a part of a data set can be learned from.
        let images = if listed.is_file() { Err(listed.clone()) } else { channel_files(&listed, channels) };
        cases.push(CaseFiles { name: case_name(&label), images: images.unwrap_or_else(|_| vec![listed]), label });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Some(cases)
}

/// The files of a case's channels, `CASE_0000.nii.gz` ... where `CASE.nii.gz` is listed; else the one that is missing.
fn channel_files(listed: &Path, channels: usize) -> Result<Vec<PathBuf>, PathBuf> {
    let file = listed.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(ending) = ending(&file) else { return Err(listed.into()) };
    // As this file spells it.
    let (stem, ending) = file.split_at(file.len() - ending.len());
    let of_channel = |c: usize| listed.with_file_name(format!("{stem}_{c:04}{ending}"));
    let images: Vec<PathBuf> = (0..channels).map(of_channel).collect();
    match images.iter().find(|image| !image.is_file()) {
        Some(missing) => Err(missing.clone()),
        None => Ok(images),
    }
}

fn found_cases(folder: &Path, channels: usize) -> Result<Vec<CaseFiles>, DatasetError> {
    let labels = folder.join("labelsTr");
    let listing = std::fs::read_dir(&labels).map_err(|e| DatasetError {
        path: labels.clone(),
        problem: format!("the folder of labels cannot be read: {e}"),
    })?;
    let mut cases = Vec::new();
    for entry in listing.flatten() {
        let label = entry.path();
        let file = label.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if ending(&file).is_none() {
            continue;
        }
        let name = case_name(&label);
        let images = channel_files(&folder.join("imagesTr").join(&file), channels)
            .map_err(|path| DatasetError { path, problem: format!("the image of case {name} is missing") })?;
        cases.push(CaseFiles { name, images, label });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}
