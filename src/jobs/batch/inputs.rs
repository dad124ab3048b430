//! The scans behind some paths that a model can be run over, of one or several files each, and what they are called.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::super::case_files::{case_and_channel, mask_places};
use super::super::error::JobError;
use super::names::{is_bids_mask, place_below};
use crate::disk::FileId;
use crate::formats::{self, Entry, For, Kind, endings_of, is_picture, stem, writer_for};
use crate::learn::is_labels_folder;
use crate::model::ModelSpec;
use crate::pipeline::learned_pictures;
use crate::work::Watch;

/// Names of nnU-Net's folders of images.
const NNUNET_FOLDERS: [&str; 3] = ["imagesTr", "imagesTs", "imagesVal"];
/// The folder of results within a data set of BIDS.
const DERIVATIVES: &str = "derivatives";

/// One input, one file for each channel or one for all, and the name of its mask.
#[derive(Debug, Clone)]
pub struct ScanInput {
    /// Its files.
    pub entries: Vec<Entry>,
    /// The scan's own name with the ending of its mask, with folders before it where the folders of the scans are mirrored.
    pub name: String,
}

impl ScanInput {
    /// What it is called in messages.
    pub fn title(&self) -> &str {
        self.entries.first().map_or("", |entry| &entry.name)
    }
}

/// A file or series that cannot be segmented, and why.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The file, or the folder of a series.
    pub path: PathBuf,
    /// Why, and what to do.
    pub reason: String,
}

/// What some paths hold.
#[derive(Debug, Default)]
pub struct ScanInputs {
    /// What can be segmented.
    pub scans: Vec<ScanInput>,
    /// Images that cannot: damaged ones, and series that are filled only where the user agrees.
    pub refused: Vec<Refused>,
    /// What is passed over, said for the user.
    pub notes: Vec<String>,
}

/// Files that are named where they are passed over; more are counted.
const FEW: usize = 5;

/// How masks are called, and so which files are masks already.
#[derive(Debug, Clone, Copy)]
pub enum Naming<'a> {
    /// All in one folder.
    Flat,
    /// In the scans' own folders below another one.
    Mirrored {
        /// What folders are counted from; each path by itself where there is none.
        root: Option<&'a Path>,
        /// Where masks go: nothing below it is a scan.
        output: &'a Path,
    },
}

/// All scans behind some paths.
///
/// # Errors
/// When a path cannot be read or holds no scan, or the work was stopped.
pub fn scans_to_segment(
    paths: &[PathBuf],
    spec: &ModelSpec,
    fill_gaps: bool,
    naming: Naming,
    watch: Watch,
) -> Result<ScanInputs, JobError> {
    let mut found = ScanInputs::default();
    let mut taken = HashSet::new();
    for path in paths {
        let mut findings = formats::scan(path, watch)?;
        findings.skipped.retain(|skipped| !is_output(&skipped.path, naming));
        let is_image = |path: &Path| names_an_image(path) && !is_picture(path);
        let first = findings.skipped.first().map_or("it holds no image".to_string(), |s| s.reason.clone());
        let (images, others): (Vec<_>, Vec<_>) = findings.skipped.into_iter().partition(|s| is_image(&s.path));
        found.refused.extend(images.into_iter().map(|s| Refused { path: s.path, reason: s.reason }));
        match naming {
            // Data sets have a file that is no image beside each that is one.
            Naming::Mirrored { .. } if others.len() > FEW => {
                found.notes.push(format!("left out {} files in {} that are no images", others.len(), path.display()));
            }
            _ => found.notes.extend(others.into_iter().map(|s| format!("left out {}: {}", s.path.display(), s.reason))),
        }
        if findings.entries.is_empty() {
            return Err(JobError::Other(format!("nothing in {} can be opened: {first}", path.display())));
        }
        let entries = without_segmented(findings.entries, path, naming, &mut found.notes);
        let scans = without_masks(entries, path, &mut found.notes)?;
        for entry in each_picture(scans, spec, &mut found.notes, watch)? {
            if let Some(what) = entry.source.asks().filter(|_| !fill_gaps) {
                let name = if entry.name.is_empty() { &entry.id } else { &entry.name };
                let reason = format!("{name}: {what}; --fill-gaps does that");
                found.refused.push(Refused { path: entry.path, reason });
                continue;
            }
            let name = mask_name(&entry, path, naming, &mut taken);
            found.scans.push(ScanInput { entries: vec![entry], name });
        }
    }
    found.scans = join_channels(found.scans, spec.image_channels);
    Ok(found)
}

/// Whether a file's name says that it is an image.
fn names_an_image(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    endings_of(Kind::Volume, For::Opening).iter().any(|ending| name.ends_with(ending))
}

/// Whether a file lies where masks go.
fn is_output(path: &Path, naming: Naming) -> bool {
    let Naming::Mirrored { output, .. } = naming else { return false };
    let Some(output) = FileId::of(output) else { return false };
    path.ancestors().skip(1).any(|folder| FileId::of(folder).as_ref() == Some(&output))
}

/// What is no result of an earlier run: where masks go, what BIDS calls derivatives and masks, and the masks of scans beside them.
fn without_segmented(entries: Vec<Entry>, root: &Path, naming: Naming, notes: &mut Vec<String>) -> Vec<Entry> {
    if matches!(naming, Naming::Flat) {
        return entries;
    }
    let beside: HashSet<PathBuf> = entries.iter().flat_map(mask_places).collect();
    let is_derivative = |path: &Path| {
        let below = path.strip_prefix(root).unwrap_or(path).parent();
        below.is_some_and(|folders| folders.iter().any(|folder| folder == DERIVATIVES))
    };
    let mut kept = Vec::new();
    for entry in entries {
        let path = &entry.path;
        if is_output(path, naming) {
            continue;
        }
        if path.is_file() && (is_derivative(path) || is_bids_mask(&stem(path)) || beside.contains(path)) {
            notes.push(format!("left out {}: by its name it is a mask or a result", path.display()));
            continue;
        }
        kept.push(entry);
    }
    kept
}

/// The scans among what was found: neither files that say that they are masks, nor folders of labels beside their images.
fn without_masks(entries: Vec<Entry>, root: &Path, notes: &mut Vec<String>) -> Result<Vec<Entry>, JobError> {
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
        notes.push(format!("left out {} ({}): it is a mask", mask.path.display(), mask.name));
    }
    for (folder, count) in folders {
        notes.push(format!(
            "left out {count} files or series in {}: the labels of the images beside it",
            folder.display()
        ));
    }
    Ok(kept)
}

/// The folder of labels below `root` that a file lies in.
fn labels_folder_of<'a>(path: &'a Path, root: &Path) -> Option<&'a Path> {
    path.ancestors().take_while(|folder| *folder != root).find(|folder| is_labels_folder(folder))
}

/// Pictures one by one for models that learned pictures; for others a stack of them is told of.
fn each_picture(
    entries: Vec<Entry>,
    spec: &ModelSpec,
    notes: &mut Vec<String>,
    watch: Watch,
) -> Result<Vec<Entry>, JobError> {
    let mut each = Vec::new();
    for entry in entries {
        let pictures = entry.source.pictures(watch)?;
        let (count, folder) = (pictures.len(), entry.path.display());
        if count == 0 {
            each.push(entry);
        } else if learned_pictures(spec) {
            notes.push(format!("the {count} pictures in {folder} are segmented one by one, as the model learned them"));
            each.extend(pictures);
        } else {
            notes.push(format!(
                "the {count} pictures in {folder} are taken as the slices of one stack; name them one by one if each is an image of its own"
            ));
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
fn join_channels(inputs: Vec<ScanInput>, channels: usize) -> Vec<ScanInput> {
    let mut joined: Vec<ScanInput> = Vec::new();
    let mut cases: BTreeMap<String, BTreeMap<usize, (Entry, String)>> = BTreeMap::new();
    for mut input in inputs {
        let (folder, file) = input.name.rsplit_once('/').map_or(("", &*input.name), |(folder, file)| (folder, file));
        let stem = stem(Path::new(file));
        let is_channel = channels > 1 || input.entries.iter().all(|entry| is_of_nnunet(&entry.path));
        match case_and_channel(&stem).filter(|_| is_channel) {
            Some((case, number)) => {
                let ending = &file[stem.len()..];
                cases
                    .entry(place_below(folder, &format!("{case}{ending}")))
                    .or_default()
                    .extend(input.entries.pop().map(|entry| (number, (entry, input.name.clone()))));
            }
            None => joined.push(input),
        }
    }
    let others: HashSet<String> = joined.iter().map(|input| input.name.clone()).collect();
    for (name, files) in cases {
        if files.keys().copied().eq(0..channels) && !others.contains(&name) {
            joined.push(ScanInput { entries: files.into_values().map(|(entry, _)| entry).collect(), name });
        } else {
            // Numbers that are none of channels; what does not suit the model is said when it is read.
            joined.extend(files.into_values().map(|(entry, name)| ScanInput { entries: vec![entry], name }));
        }
    }
    joined
}

/// A volume file gives its own name to its mask, a DICOM series its description.
fn mask_name(entry: &Entry, root: &Path, naming: Naming, taken: &mut HashSet<String>) -> String {
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
    let folder = match naming {
        Naming::Flat => String::new(),
        Naming::Mirrored { root: counted_from, .. } => folder_below(entry, counted_from.unwrap_or(root)),
    };
    let mut name = place_below(&folder, &base);
    let mut number = 2;
    while !taken.insert(name.clone()) {
        let stem = stem(Path::new(&base));
        name = place_below(&folder, &format!("{stem}_{number}{preferred}"));
        number += 1;
    }
    name
}

/// The folders from a root to a scan, with `/` between them; empty where it lies elsewhere.
fn folder_below(entry: &Entry, root: &Path) -> String {
    let folder = if entry.path.is_dir() { Some(&*entry.path) } else { entry.path.parent() };
    let below = folder.and_then(|folder| folder.strip_prefix(root).ok());
    let names = below.into_iter().flat_map(Path::iter).map(|name| name.to_string_lossy().into_owned());
    names.collect::<Vec<_>>().join("/")
}
