//! A folder with images and a folder with their labels, file by file: `images/07.png` and `labels/07.png`.
//!
//! Labels may have any values (0 and 255, say): those that occur become the classes in their order. A `dataset.json` beside
//! the two folders may name them (`"labels": {"255": "cell"}`) and the licence.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::description::{self, Labels, first_of, is_hidden};
use super::{CaseFiles, Dataset, DatasetError, Endings, nnunet};

/// Names of the two folders, as people give them.
const IMAGES: [&str; 5] = ["images", "image", "imgs", "img", "raw"];
const LABELS: [&str; 7] = ["labels", "label", "masks", "mask", "annotations", "segmentations", "seg"];
/// What label files have after their image's name.
const SUFFIXES: [&str; 6] = ["_label", "_labels", "_mask", "_seg", "-label", "-mask"];

/// The folders of images and of labels, where a data set has this form.
pub fn folders(folder: &Path) -> Option<[PathBuf; 2]> {
    if folder.join("imagesTr").is_dir() {
        return None;
    }
    let first = |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|path| path.is_dir());
    Some([first(&IMAGES)?, first(&LABELS)?])
}

/// Whether a folder holds the labels of a folder of images beside it, by their names: `masks` beside `images`, `labelsTr` beside
/// `imagesTr`.
pub fn is_labels_folder(folder: &Path) -> bool {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return false };
    let is_there = |images: &str| folder.with_file_name(images).is_dir();
    let of_nnunet = name.strip_prefix("labels").filter(|part| !part.is_empty());
    folder.is_dir()
        && (LABELS.contains(&name) && IMAGES.iter().any(|images| is_there(images))
            || of_nnunet.is_some_and(|part| is_there(&format!("images{part}"))))
}

fn listing(folder: &Path, endings: &Endings) -> Result<BTreeMap<String, PathBuf>, DatasetError> {
    let problem = |e: std::io::Error| DatasetError { path: folder.into(), problem: format!("cannot be read: {e}") };
    let mut files = BTreeMap::new();
    for path in std::fs::read_dir(folder).map_err(problem)?.flatten().map(|entry| entry.path()) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if endings.of(&name).is_none() || is_hidden(&path) {
            continue;
        }
        if let Some(other) = files.insert(endings.case_name(&path), path.clone()) {
            let problem = format!("is the second file of that name, after {}", other.display());
            return Err(DatasetError { path, problem });
        }
    }
    Ok(files)
}

/// What to say of an image of this name that is of no format that is read.
fn unread(images: &Path, name: &str) -> Option<String> {
    let files = std::fs::read_dir(images).ok()?.flatten().map(|entry| entry.path());
    let mut found = files.filter(|file| file.file_stem().is_some_and(|stem| stem == name) && !is_hidden(file));
    let image = found.next()?;
    Some(format!("its image {} is of a kind that is not read; convert it, a picture to PNG say", image.display()))
}

/// Lists the pairs; labels are known only where `dataset.json` names them.
///
/// # Errors
/// When a label has no image, or `dataset.json` is damaged.
pub fn open(folder: &Path, folders: &[PathBuf; 2], endings: Endings) -> Result<Dataset, DatasetError> {
    let [images, labels] = folders;
    let images = listing(images, &endings)?;
    let mut cases = Vec::new();
    for (name, label) in listing(labels, &endings)? {
        let plain = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
        let found = [Some(name.as_str()), plain].into_iter().flatten().find_map(|name| images.get_key_value(name));
        let Some((name, image)) = found else {
            let mut names = [Some(name.as_str()), plain].into_iter().flatten();
            let problem = names.find_map(|name| unread(&folders[0], name));
            return Err(DatasetError {
                path: label,
                problem: problem.unwrap_or("there is no image of this name".into()),
            });
        };
        if cases.iter().any(|case: &CaseFiles| case.name == *name) {
            return Err(DatasetError { path: label, problem: format!("is the second file of labels for {name}") });
        }
        cases.push(CaseFiles { name: name.clone(), images: vec![image.clone()], label });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    let path = folder.join("dataset.json");
    let error = |problem: String| DatasetError { path: path.clone(), problem };
    if cases.is_empty() {
        return Err(error("the data set has no labelled case".into()));
    }
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut dataset = Dataset {
        folder: folder.into(),
        name,
        licence: String::new(),
        channels: Vec::new(),
        labels: BTreeMap::new(),
        ignore: None,
        stored: None,
        unchosen: Vec::new(),
        cases,
        endings,
        notices: Vec::new(),
    };
    let is_used = |name: &&String| dataset.cases.iter().any(|case| case.name == **name);
    let unlabelled: Vec<String> = images.keys().filter(|name| !is_used(name)).cloned().collect();
    if !unlabelled.is_empty() {
        let count = unlabelled.len();
        let names = first_of(&unlabelled);
        dataset.notices.push(format!("{count} images have no labels of the same name and are left out: {names}."));
    }
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(dataset),
        Err(e) => return Err(error(format!("cannot be read: {e}"))),
    };
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|e| error(format!("dataset.json is damaged: {e}")))?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_string);
    dataset.name = text("name").unwrap_or(dataset.name);
    dataset.licence = text("licence").or_else(|| text("license")).unwrap_or_default();
    if let Some(Labels { names: mut named, ignore }) = description::labels(&json).map_err(error)? {
        named.entry(0).or_insert_with(|| "background".into());
        dataset.stored = Some(named.keys().copied().chain(ignore).collect());
        dataset.ignore = ignore.map(|_| named.len() as u16);
        dataset.labels = (0..).zip(named.into_values()).collect();
    }
    dataset.channels = description::channels(&json).map_err(error)?.unwrap_or_default();
    if let Some(ending) = description::file_ending(&json, &dataset.endings).map_err(error)? {
        let of_case = |case: &CaseFiles| case.images.iter().chain([&case.label]).cloned().collect::<Vec<_>>();
        let others = dataset.cases.iter().flat_map(of_case);
        let is_other = |file: &PathBuf| dataset.endings.of(&file.to_string_lossy()) != Some(ending);
        if let Some(file) = others.into_iter().find(is_other) {
            return Err(error(format!("`file_ending` is {ending:?}, but a case has the file {}", file.display())));
        }
    }
    // Who lists cases means these and no others.
    if let Some(listed) =
        nnunet::described_cases(folder, &json, dataset.channels.len().max(1), &dataset.endings).map_err(error)?
    {
        dataset.cases = listed;
        dataset.notices.clear();
    }
    dataset.notices.extend(description::count_notice(&json, dataset.cases.len()));
    Ok(dataset)
}

#[cfg(test)]
mod tests {
    use super::super::tests::endings;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn files_of_one_name_are_pairs_and_any_values_are_labels() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["images", "masks"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        for file in
            ["images/a.png", "images/b.tif", "images/c.png", "masks/a.png", "masks/b_mask.png", "masks/note.txt"]
        {
            std::fs::write(folder.path().join(file), b"").unwrap();
        }
        let mut dataset = Dataset::open(folder.path(), endings()).unwrap();
        assert_eq!(dataset.cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(!dataset.has_labels() && !dataset.has_channels());
        assert!(dataset.describe_labels(&BTreeSet::from([0])).is_err());
        let grey = dataset.describe_labels(&(0..=255).collect()).unwrap_err().to_string();
        assert!(grey.contains("256 different values") && grey.contains("masks"), "{grey}");
        dataset.describe_labels(&BTreeSet::from([0, 7, 255])).unwrap();
        dataset.describe_channels(3);
        assert_eq!(dataset.stored, Some(vec![0, 7, 255]));
        assert_eq!((dataset.labels[&2].as_str(), dataset.channels.len()), ("label 255", 3));
        let named = r#"{"labels": {"0": "membrane", "255": "cell"}, "licence": "own"}"#;
        std::fs::write(folder.path().join("dataset.json"), named).unwrap();
        let dataset = Dataset::open(folder.path(), endings()).unwrap();
        assert_eq!((dataset.labels[&1].as_str(), &dataset.stored), ("cell", &Some(vec![0, 255])));
        // Names and channels are described each on their own.
        let partly = r#"{"labels": {"0": "background", "1": "cell", "2": "ignore"}}"#;
        std::fs::write(folder.path().join("dataset.json"), partly).unwrap();
        let dataset = Dataset::open(folder.path(), endings()).unwrap();
        assert!(dataset.has_labels() && !dataset.has_channels());
        assert_eq!((dataset.labels.len(), dataset.labels[&1].as_str(), dataset.ignore), (2, "cell", Some(2)));
        std::fs::write(folder.path().join("dataset.json"), r#"{"channel_names": {"0": "CT"}}"#).unwrap();
        let dataset = Dataset::open(folder.path(), endings()).unwrap();
        assert_eq!((dataset.has_labels(), &dataset.channels[..]), (false, &["CT".to_string()][..]));
        std::fs::write(folder.path().join("masks/d.png"), b"").unwrap();
        let told = || Dataset::open(folder.path(), endings()).unwrap_err().to_string();
        assert!(told().contains("d.png") && told().contains("no image of this name"), "{}", told());
        std::fs::write(folder.path().join("images/d.jpg"), b"").unwrap();
        assert!(told().contains("d.jpg is of a kind that is not read"), "{}", told());
        let [masks, images] = ["masks", "images"].map(|name| folder.path().join(name));
        assert!(is_labels_folder(&masks) && !is_labels_folder(&images) && !is_labels_folder(folder.path()));
    }
}
