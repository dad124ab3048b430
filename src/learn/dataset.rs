//! nnU-Net v2 and MSD / nnU-Net v1 folders.
//!
//! v2: `imagesTr/CASE_0000.nii.gz` per channel, `labelsTr/CASE.nii.gz`, `dataset.json` with `channel_names` and
//! `labels: {name: value}`. v1/MSD: `modality`, `labels: {"value": name}`, `training: [{image, label}]`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What is wrong with a data set.
#[derive(Debug, thiserror::Error)]
#[error("{problem} ({})", path.display())]
pub struct DatasetError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong and what is expected.
    pub problem: String,
}

/// The files of one labelled case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFiles {
    /// Name without extension.
    pub name: String,
    /// One image per channel, or one 4-D image.
    pub images: Vec<PathBuf>,
    /// The label map.
    pub label: PathBuf,
}

/// A labelled data set.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// Licence as stated.
    pub licence: String,
    /// Channel names.
    pub channels: Vec<String>,
    /// Label names by value, background included.
    pub labels: BTreeMap<u16, String>,
    /// The label of voxels that nobody has looked at: the highest one, called `ignore`.
    pub ignore: Option<u16>,
    /// Labelled cases by name.
    pub cases: Vec<CaseFiles>,
}

/// Names of training and validation cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Learned from.
    pub train: Vec<String>,
    /// Held back.
    pub validation: Vec<String>,
}

const IMAGE_ENDINGS: [&str; 2] = [".nii.gz", ".nii"];

fn case_name(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    IMAGE_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name).to_string()
}

impl Dataset {
    /// Reads `dataset.json` and lists the labelled cases.
    ///
    /// # Errors
    /// When the description is missing or does not fit the files.
    pub fn open(folder: &Path) -> Result<Self, DatasetError> {
        let path = folder.join("dataset.json");
        let error = |problem: String| DatasetError { path: path.clone(), problem };
        let text = std::fs::read_to_string(&path)
            .map_err(|e| error(format!("a data set needs a dataset.json (nnU-Net v2 or MSD form): {e}")))?;
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
            Some(list) => {
                listed_cases(folder, list).ok_or_else(|| error("`training` must list {image, label}".into()))?
            }
            None => found_cases(folder, channels.len())?,
        };
        if cases.is_empty() {
            return Err(error("the data set has no labelled case".into()));
        }
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        let licence = if text("licence").is_empty() { text("license") } else { text("licence") };
        Ok(Self { folder: folder.into(), name: text("name"), licence, channels, labels, ignore, cases })
    }

    /// The split of a JSON file with the lists `train` and `validation` (or `val`).
    ///
    /// # Errors
    /// When the file is damaged or names a case that does not exist.
    pub fn read_split(&self, path: &Path) -> Result<Split, DatasetError> {
        let error = |problem: String| DatasetError { path: path.into(), problem };
        let text = std::fs::read_to_string(path).map_err(|e| error(format!("cannot read the split: {e}")))?;
        let json: Value = serde_json::from_str(&text).map_err(|e| error(format!("the split is damaged: {e}")))?;
        let list = |key: &str| -> Option<Vec<String>> {
            json.get(key)?.as_array()?.iter().map(|v| v.as_str().map(|s| case_name(Path::new(s)))).collect()
        };
        let train = list("train").ok_or_else(|| error("the list `train` is missing".into()))?;
        let validation = list("validation")
            .or_else(|| list("val"))
            .ok_or_else(|| error("the list `validation` is missing".into()))?;
        if let Some(name) = train.iter().chain(&validation).find(|name| self.case(name).is_none()) {
            return Err(error(format!("the split names the case {name:?}, which the data set does not have")));
        }
        Ok(Split { train, validation })
    }

    /// Every fifth case is held back, in the order of names; of two to four cases the last.
    pub fn default_split(&self) -> Split {
        let mut split = Split { train: Vec::new(), validation: Vec::new() };
        let count = self.cases.len();
        for (n, case) in self.cases.iter().enumerate() {
            let held_back = n % 5 == 4 || ((2..5).contains(&count) && n + 1 == count);
            if held_back { &mut split.validation } else { &mut split.train }.push(case.name.clone());
        }
        split
    }

    /// One of several folds: every `count`-th case from the `fold`-th (counted from 0) is held back, in the order of names.
    pub fn fold(&self, fold: usize, count: usize) -> Split {
        let mut split = Split { train: Vec::new(), validation: Vec::new() };
        for (n, case) in self.cases.iter().enumerate() {
            if n % count == fold { &mut split.validation } else { &mut split.train }.push(case.name.clone());
        }
        split
    }

    /// A case by name.
    pub fn case(&self, name: &str) -> Option<&CaseFiles> {
        self.cases.iter().find(|case| case.name == name)
    }
}

fn labels(json: &Value) -> Option<BTreeMap<u16, String>> {
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

fn listed_cases(folder: &Path, list: &[Value]) -> Option<Vec<CaseFiles>> {
    let mut cases = Vec::new();
    for item in list {
        let image = folder.join(item.get("image")?.as_str()?);
        let label = folder.join(item.get("label")?.as_str()?);
        cases.push(CaseFiles { name: case_name(&label), images: vec![image], label });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Some(cases)
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
        let Some(ending) = IMAGE_ENDINGS.iter().find(|ending| file.ends_with(*ending)) else { continue };
        let name = case_name(&label);
        let images: Vec<PathBuf> =
            (0..channels).map(|c| folder.join("imagesTr").join(format!("{name}_{c:04}{ending}"))).collect();
        if let Some(missing) = images.iter().find(|image| !image.is_file()) {
            return Err(DatasetError {
                path: missing.clone(),
                problem: format!("the image of case {name} is missing"),
            });
        }
        cases.push(CaseFiles { name, images, label });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for name in ["imagesTr", "labelsTr"] {
            std::fs::create_dir(at.join(name)).unwrap();
        }
        for file in ["imagesTr/b_0000.nii.gz", "imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "labelsTr/b.nii.gz"] {
            std::fs::write(at.join(file), b"").unwrap();
        }
        let v2 = r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "file_ending": ".nii.gz"}"#;
        std::fs::write(at.join("dataset.json"), v2).unwrap();
        let dataset = Dataset::open(at).unwrap();
        assert_eq!(dataset.cases.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(dataset.labels[&1], "liver");
        let [first, second] = [0, 1].map(|fold| dataset.fold(fold, 2));
        assert_eq!((&first.validation, &first.train), (&second.train, &second.validation));
        assert_eq!(first.validation, ["a"]);
        let partly = v2.replace(r#""liver": 1}"#, r#""liver": 1, "ignore": 2}"#);
        std::fs::write(at.join("dataset.json"), partly).unwrap();
        let dataset = Dataset::open(at).unwrap();
        assert_eq!((dataset.ignore, dataset.labels.len()), (Some(2), 2));
        let v1 = r#"{"modality": {"0": "MRI"}, "labels": {"0": "background", "1": "Anterior"},
            "training": [{"image": "./imagesTr/a_0000.nii.gz", "label": "./labelsTr/a.nii.gz"}]}"#;
        std::fs::write(at.join("dataset.json"), v1).unwrap();
        let dataset = Dataset::open(at).unwrap();
        assert_eq!((dataset.cases.len(), dataset.labels[&1].as_str()), (1, "Anterior"));
    }

    #[test]
    fn gaps_in_labels_and_missing_images_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert!(Dataset::open(at).unwrap_err().to_string().contains("dataset.json"));
        std::fs::write(
            at.join("dataset.json"),
            r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "x": 2}}"#,
        )
        .unwrap();
        assert!(Dataset::open(at).unwrap_err().to_string().contains("labels must be"));
        std::fs::write(
            at.join("dataset.json"),
            r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "x": 1}}"#,
        )
        .unwrap();
        std::fs::create_dir(at.join("labelsTr")).unwrap();
        std::fs::write(at.join("labelsTr/a.nii.gz"), b"").unwrap();
        assert!(Dataset::open(at).unwrap_err().to_string().contains("a_0000"));
    }
}
