//! nnU-Net v2 and MSD / nnU-Net v1 folders.
//!
//! v2: `imagesTr/CASE_0000.nii.gz` per channel, `labelsTr/CASE.nii.gz`, `dataset.json` with `channel_names` and
//! `labels: {name: value}`; with `dataset: {CASE: {images: [...], label}}` the files are where it says. v1/MSD: `modality`,
//! `labels: {"value": name}`, `training: [{image, label}]`; MSD's images are the listed files, v1 lists `CASE.nii.gz` where there is
//! `CASE_0000.nii.gz` per channel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::description::{self, Labels, first_of, is_hidden};
use super::{CaseFiles, Dataset, DatasetError, Endings};

/// Reads `dataset.json` and lists the labelled cases.
///
/// # Errors
/// When the description is missing or does not fit the files.
pub fn open(folder: &Path, endings: Endings) -> Result<Dataset, DatasetError> {
    let path = folder.join("dataset.json");
    let error = |problem: String| DatasetError { path: path.clone(), problem };
    let text = std::fs::read_to_string(&path).map_err(|e| {
        error(format!(
            "a data set needs a dataset.json (nnU-Net v2 or MSD form), or the folders `images` and `labels` with files \
             of the same names: {e}"
        ))
    })?;
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|e| error(format!("dataset.json is damaged: {e}")))?;
    let Labels { names: labels, ignore } = description::labels(&json)
        .map_err(error)?
        .ok_or_else(|| error("`labels` is missing; it maps names to numbers (v2) or numbers to names (v1)".into()))?;
    let numbers: Vec<u16> = labels.keys().copied().chain(ignore).collect();
    if !numbers.iter().enumerate().all(|(n, &value)| n == usize::from(value)) {
        return Err(error(format!("labels must be 0 (background), 1, 2 ...; found {numbers:?}")));
    }
    let channels = description::channels(&json)
        .map_err(error)?
        .filter(|channels| !channels.is_empty())
        .ok_or_else(|| error("`channel_names` (v2) or `modality` (v1) is missing".into()))?;
    let file_ending = description::file_ending(&json, &endings).map_err(error)?;
    let mut notices = Vec::new();
    let cases = match described_cases(folder, &json, channels.len(), &endings).map_err(error)? {
        Some(cases) => cases,
        None => found_cases(folder, channels.len(), file_ending, &endings, &mut notices)?,
    };
    if cases.is_empty() {
        return Err(error("the data set has no labelled case".into()));
    }
    notices.extend(description::count_notice(&json, cases.len()));
    notices.extend(description::preparation_notice(&channels));
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
        endings,
        notices,
    })
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "missing".to_string(), Value::to_string);
    text.chars().take(60).collect()
}

/// The cases that `dataset` or `training` list; `None` where neither is there.
///
/// # Errors
/// Names the entry that cannot be understood.
pub fn described_cases(
    folder: &Path,
    json: &Value,
    channels: usize,
    endings: &Endings,
) -> Result<Option<Vec<CaseFiles>>, String> {
    let there = |key: &str| json.get(key).filter(|value| !value.is_null());
    let cases = match (there("dataset"), there("training")) {
        // nnU-Net 2 goes by `dataset` where both are there.
        (Some(dataset), _) => placed_cases(folder, dataset, channels)?,
        (None, Some(training)) => listed_cases(folder, training, channels, endings)?,
        (None, None) => return Ok(None),
    };
    let mut seen = BTreeSet::new();
    match cases.iter().find(|case| !seen.insert(case.name.as_str())) {
        Some(twice) => Err(format!("the case {:?} is listed twice", twice.name)),
        None => Ok(Some(cases)),
    }
}

/// Cases of `dataset`, which says for each where its files are: absolute, or from the folder of `dataset.json` on.
fn placed_cases(folder: &Path, dataset: &Value, channels: usize) -> Result<Vec<CaseFiles>, String> {
    let map = dataset
        .as_object()
        .ok_or_else(|| format!("`dataset` is {}; it must say the files of each case", shown(Some(dataset))))?;
    let mut cases = Vec::new();
    for (name, files) in map {
        let wrong = |key: &str| format!("`dataset` has the case {name:?}, whose `{key}` is {}", shown(files.get(key)));
        let label = files.get("label").and_then(Value::as_str).ok_or_else(|| wrong("label"))?;
        let images = paths(files.get("images")).ok_or_else(|| wrong("images"))?;
        if images.len() != channels {
            return Err(format!(
                "`dataset` has the case {name:?} with {} images; there are {channels} channels",
                images.len()
            ));
        }
        let images: Vec<PathBuf> = images.into_iter().map(|image| folder.join(image)).collect();
        let label = folder.join(label);
        if let Some(missing) = images.iter().chain([&label]).find(|file| !file.is_file()) {
            return Err(format!("`dataset` has the case {name:?}, whose file {} is not there", missing.display()));
        }
        cases.push(CaseFiles { name: name.clone(), images, label });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

/// One file, or a list of files.
fn paths(value: Option<&Value>) -> Option<Vec<&str>> {
    match value? {
        Value::String(path) => Some(vec![path]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn listed_cases(folder: &Path, training: &Value, channels: usize, endings: &Endings) -> Result<Vec<CaseFiles>, String> {
    let list = training
        .as_array()
        .ok_or_else(|| format!("`training` is {}; it must list {{image, label}}", shown(Some(training))))?;
    let mut cases = Vec::new();
    for (n, item) in list.iter().enumerate() {
        let wrong = |key: &str| {
            format!("`training` must list {{image, label}}; the `{key}` of entry {n} is {}", shown(item.get(key)))
        };
        let label = folder.join(item.get("label").and_then(Value::as_str).ok_or_else(|| wrong("label"))?);
        let listed: Vec<PathBuf> =
            paths(item.get("image")).ok_or_else(|| wrong("image"))?.iter().map(|image| folder.join(image)).collect();
        // What is missing altogether is named when the case is read; a part of a data set can be learned from.
        let images = match &listed[..] {
            [one] if !one.is_file() => channel_files(one, channels, endings).unwrap_or(listed),
            [_] => listed,
            several if several.len() == channels => listed,
            several => {
                return Err(format!(
                    "`training` lists {} images in entry {n}; there are {channels} channels",
                    several.len()
                ));
            }
        };
        cases.push(CaseFiles { name: endings.case_name(&label), images, label });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

/// The files of a case's channels, `CASE_0000.nii.gz` ... where `CASE.nii.gz` is listed; else the one that is missing.
fn channel_files(listed: &Path, channels: usize, endings: &Endings) -> Result<Vec<PathBuf>, PathBuf> {
    let file = listed.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(ending) = endings.of(&file) else { return Err(listed.into()) };
    // As this file spells it.
    let (stem, ending) = file.split_at(file.len() - ending.len());
    let of_channel = |c: usize| listed.with_file_name(format!("{stem}_{c:04}{ending}"));
    let images: Vec<PathBuf> = (0..channels).map(of_channel).collect();
    match images.iter().find(|image| !image.is_file()) {
        Some(missing) => Err(missing.clone()),
        None => Ok(images),
    }
}

/// The files of a folder that can be images or labels.
fn listing(folder: &Path, wanted: Option<&str>, endings: &Endings) -> std::io::Result<Vec<PathBuf>> {
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        !is_hidden(path) && endings.of(&name).is_some_and(|ending| wanted.is_none_or(|wanted| ending == wanted))
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).filter(is_wanted).collect();
    files.sort();
    Ok(files)
}

fn found_cases(
    folder: &Path,
    channels: usize,
    file_ending: Option<&str>,
    endings: &Endings,
    notices: &mut Vec<String>,
) -> Result<Vec<CaseFiles>, DatasetError> {
    let labels = folder.join("labelsTr");
    let files = listing(&labels, file_ending, endings).map_err(|e| DatasetError {
        path: labels.clone(),
        problem: format!("the folder of labels cannot be read: {e}"),
    })?;
    if let (true, Some(ending)) = (files.is_empty(), file_ending) {
        let problem = format!("no file ends in {ending:?}, as `file_ending` of dataset.json says");
        return Err(DatasetError { path: labels, problem });
    }
    let mut cases: BTreeMap<String, CaseFiles> = BTreeMap::new();
    for label in files {
        let file = label.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let name = endings.case_name(&label);
        let images = channel_files(&folder.join("imagesTr").join(&file), channels, endings)
            .map_err(|path| DatasetError { path, problem: format!("the image of case {name} is missing") })?;
        if let Some(other) = cases.insert(name.clone(), CaseFiles { name, images, label: label.clone() }) {
            let problem = format!("is the second file of that name, after {}", other.label.display());
            return Err(DatasetError { path: label, problem });
        }
    }
    // A folder of images that cannot be listed has been looked into above.
    let images = listing(&folder.join("imagesTr"), file_ending, endings).unwrap_or_default();
    let mut unlabelled = BTreeSet::new();
    for image in images {
        let stem = endings.case_name(&image);
        let split = stem.rsplit_once('_').filter(|(_, digits)| digits.len() == 4);
        let Some((name, number)) = split.and_then(|(name, digits)| Some((name, digits.parse::<usize>().ok()?))) else {
            continue;
        };
        if !cases.contains_key(name) {
            unlabelled.insert(name.to_string());
        } else if number >= channels {
            let problem = format!(
                "is channel {number} of the case {name}; dataset.json names {channels} channels, from 0 to {}",
                channels.saturating_sub(1)
            );
            return Err(DatasetError { path: image, problem });
        }
    }
    let unlabelled: Vec<String> = unlabelled.into_iter().collect();
    if !unlabelled.is_empty() {
        notices.push(format!(
            "{} images in imagesTr have no labels in labelsTr and are left out: {}.",
            unlabelled.len(),
            first_of(&unlabelled)
        ));
    }
    Ok(cases.into_values().collect())
}
