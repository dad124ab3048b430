//! What `lamella segment` reads: scans of one or several files, and what their masks are called.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::super::Result;
use crate::formats::{self, Entry, For, Kind, endings_of, stem, writer_for};
use crate::jobs::{JobError, case_and_channel};
use crate::learn::is_labels_folder;
use crate::model::ModelSpec;
use crate::pipeline::learned_pictures;
use crate::work::Watch;

/// Names of nnU-Net's folders of images.
const NNUNET_FOLDERS: [&str; 3] = ["imagesTr", "imagesTs", "imagesVal"];

/// One input, one file for each channel or one for all, and the name of its mask.
pub(super) struct Input {
    /// Its files.
    pub entries: Vec<Entry>,
    /// The mask's.
    pub name: String,
}

impl Input {
    /// What it is called in messages.
    pub(super) fn title(&self) -> &str {
        self.entries.first().map_or("", |entry| &entry.name)
    }
}

/// All scans behind some paths. What is left out is told.
///
/// # Errors
/// When a path holds no scan.
pub(super) fn find(paths: &[PathBuf], spec: &ModelSpec, fill_gaps: bool) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    let mut taken = HashSet::new();
    for path in paths {
        let findings = formats::scan(path, Watch::unwatched())?;
        if findings.entries.is_empty() {
            let reason = findings.skipped.first().map_or("it holds no image".to_string(), |s| s.reason.clone());
            return Err(JobError::Other(format!("nothing in {} can be opened: {reason}", path.display())));
        }
        for skipped in &findings.skipped {
            tell!("note: left out {}: {}", skipped.path.display(), skipped.reason);
        }
        let scans = without_masks(findings.entries, path)?;
        let only_one = paths.len() == 1 && scans.len() == 1;
        for entry in each_picture(scans, spec)? {
            if let Some(what) = entry.source.asks().filter(|_| !fill_gaps) {
                let name = if entry.name.is_empty() { &entry.id } else { &entry.name };
                let text = format!("{name} in {}: {what}; --fill-gaps does that", path.display());
                if only_one {
                    return Err(JobError::Other(text));
                }
                tell!("note: left out {text}");
                continue;
            }
            let name = mask_name(&entry, path, &mut taken);
            inputs.push(Input { entries: vec![entry], name });
        }
    }
    Ok(join_channels(inputs, spec.image_channels))
}

/// The scans among what was found: neither files that say that they are masks, nor folders of labels beside their images.
fn without_masks(entries: Vec<Entry>, root: &Path) -> Result<Vec<Entry>> {
    let (masks, scans): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.kind != Kind::Volume);
    let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for entry in scans {
        match labels_folder_of(&entry.path, root) {
            Some(folder) => *folders.entry(folder.to_path_buf()).or_insert(0) += 1,
            None => kept.push(entry),
        }
    }
    if kept.is_empty() {
        return Err(JobError::Other(format!("{} holds masks and no scan to segment", root.display())));
    }
    for mask in masks {
        tell!("note: left out {} ({}): it is a mask", mask.path.display(), mask.name);
    }
    for (folder, count) in folders {
        tell!("note: left out {count} files or series in {}: the labels of the images beside it", folder.display());
    }
    Ok(kept)
}

/// The folder of labels below `root` that a file lies in.
fn labels_folder_of<'a>(path: &'a Path, root: &Path) -> Option<&'a Path> {
    path.ancestors().take_while(|folder| *folder != root).find(|folder| is_labels_folder(folder))
}

/// Pictures one by one for models that learned pictures; for others a stack of them is told of.
fn each_picture(entries: Vec<Entry>, spec: &ModelSpec) -> Result<Vec<Entry>> {
    let mut each = Vec::new();
    for entry in entries {
        let pictures = entry.source.pictures(Watch::unwatched())?;
        let (count, folder) = (pictures.len(), entry.path.display());
        if count == 0 {
            each.push(entry);
        } else if learned_pictures(spec) {
            tell!("note: the {count} pictures in {folder} are segmented one by one, as the model learned them");
            each.extend(pictures);
        } else {
            tell!(
                "note: the {count} pictures in {folder} are taken as the slices of one stack; name them one by one if each is an image of its own"
            );
            each.push(entry);
        }
    }
    Ok(each)
}

/// Whether a file is one of nnU-Net's images by its folder: there `_0000` ends the names of single channels too.
fn is_of_nnunet(path: &Path) -> bool {
    let Some(folder) = path.parent() else { return false };
    let is_named = folder.file_name().is_some_and(|name| NNUNET_FOLDERS.iter().any(|known| name == *known));
    let described = [Some(folder), folder.parent()].into_iter().flatten();
    is_named || described.map(|folder| folder.join("dataset.json")).any(|description| description.is_file())
}

/// Joins the files `case_0000`, `case_0001` ... (nnU-Net's names of channels) to one input each; other files stay as they are.
fn join_channels(inputs: Vec<Input>, channels: usize) -> Vec<Input> {
    let mut joined: Vec<Input> = Vec::new();
    let mut cases: BTreeMap<String, BTreeMap<usize, (Entry, String)>> = BTreeMap::new();
    for mut input in inputs {
        let stem = stem(Path::new(&input.name));
        let is_channel = channels > 1 || input.entries.iter().all(|entry| is_of_nnunet(&entry.path));
        match case_and_channel(&stem).filter(|_| is_channel) {
            Some((case, number)) => {
                let ending = &input.name[stem.len()..];
                cases
                    .entry(format!("{case}{ending}"))
                    .or_default()
                    .extend(input.entries.pop().map(|entry| (number, (entry, input.name.clone()))));
            }
            None => joined.push(input),
        }
    }
    let others: HashSet<String> = joined.iter().map(|input| input.name.clone()).collect();
    for (name, files) in cases {
        if files.keys().copied().eq(0..channels) && !others.contains(&name) {
            joined.push(Input { entries: files.into_values().map(|(entry, _)| entry).collect(), name });
        } else {
            // Numbers that are none of channels; what does not suit the model is said when it is read.
            joined.extend(files.into_values().map(|(entry, name)| Input { entries: vec![entry], name }));
        }
    }
    joined
}

/// A volume file gives its own name to its mask, a DICOM series its description.
fn mask_name(entry: &Entry, root: &Path, taken: &mut HashSet<String>) -> String {
    let file = entry.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let preferred = endings_of(Kind::Labels, For::Saving).first().copied().unwrap_or_default();
    let is_volume_file = entry.path.is_file() && writer_for(&entry.path).is_ok();
    let base = if is_volume_file {
        file
    } else {
        let described: String =
            entry.name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        let folder = root.file_name().map_or_else(|| "series".into(), |n| n.to_string_lossy().into_owned());
        format!("{}{preferred}", if described.is_empty() { folder } else { described })
    };
    let mut name = base.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        let stem = stem(Path::new(&base));
        name = format!("{stem}_{number}{preferred}");
        number += 1;
    }
    name
}
