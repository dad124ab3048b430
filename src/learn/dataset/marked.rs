//! A scan of which the user has finished some slices: what a training can learn from, and how it comes into a data set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{CaseFiles, Dataset, Endings, Split, is_ct, is_unnamed, unnamed_channels};
use crate::disk::replace_file;
use crate::edit::{Fate, JoinedLabel, is_nameless, join};
use crate::formats::{self, FormatError};
use crate::learn::finished::only_finished;
use crate::volume::{Annotations, Label, LabelMap, LabelTable, LabelValue, PlaneLayout, Volume};
use crate::work::{Stopped, Watch};

/// What voxels outside the finished slices have in the files of a data set.
const UNKNOWN: LabelValue = LabelValue::MAX;
/// Scans that lie farther apart are not the same.
const SAME_MM: f64 = 1e-3;
/// Voxels that are compared between two looks at whether to stop.
const COMPARED: usize = 1 << 20;

/// Why a scan does not come into a data set.
#[derive(Debug, thiserror::Error)]
pub enum MarkedError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A file.
    #[error(transparent)]
    Format(FormatError),
    /// What is wrong, said for the user.
    #[error("{0}")]
    Refused(String),
}

impl From<FormatError> for MarkedError {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Stopped(stopped) => Self::Stopped(stopped),
            other => Self::Format(other),
        }
    }
}

/// A scan, its labels, and the slices that count.
#[derive(Clone)]
pub struct MarkedScan {
    /// The scan.
    pub volume: Arc<Volume>,
    /// Its labels.
    pub labels: LabelMap,
    /// Their names.
    pub table: LabelTable,
    /// The label that stands for the background, as scribbles of the pixel classifier may have; it is none to learn.
    pub background: Option<LabelValue>,
    /// Slices that are finished, each with its plane's layout.
    pub done: Vec<(PlaneLayout, usize)>,
}

impl MarkedScan {
    /// The labels of the finished slices; everything else is unknown.
    pub fn known(&self) -> LabelMap {
        let own = |value| Some(if Some(value) == self.background { 0 } else { value });
        // Every value has its place.
        let labels = self.labels.mapped(own).unwrap_or_else(|_| self.labels.clone());
        only_finished(&labels, &self.done, UNKNOWN, UNKNOWN)
    }

    /// A data set of this scan alone, and its split, which holds nothing back.
    ///
    /// # Errors
    /// When no slice is finished, or there is no label to tell from the background.
    pub fn dataset(&self) -> Result<(Dataset, Split), MarkedError> {
        if self.done.is_empty() {
            return Err(MarkedError::Refused("no slice is marked done; label one and mark it, then teach".into()));
        }
        if self.table.0.iter().all(|label| Some(label.value) == self.background) {
            return Err(MarkedError::Refused(
                "there is no label to tell from the background; make one and paint it".into(),
            ));
        }
        let names = self.names();
        // A model must not carry a scan's name, which may be a patient's.
        let name = "scan".to_string();
        let stored: Vec<u16> = names.keys().copied().chain([UNKNOWN]).collect();
        let case = CaseFiles { name: name.clone(), images: vec![PathBuf::from(&name)], label: PathBuf::new() };
        let dataset = Dataset {
            folder: PathBuf::new(),
            name: "Finished slices of a scan".into(),
            licence: String::new(),
            channels: self.channels(),
            ignore: Some(names.len() as u16),
            labels: (0..).zip(names.into_values()).collect(),
            stored: Some(stored),
            unchosen: Vec::new(),
            cases: vec![case],
            endings: Endings::default(),
            notices: Vec::new(),
        };
        Ok((dataset, Split { train: vec![name], validation: Vec::new() }))
    }

    /// What the frames are, as far as the scan tells.
    fn channels(&self) -> Vec<String> {
        match (self.volume.frame_count(), self.volume.display.modality.as_str()) {
            (1, modality) if !modality.is_empty() => vec![modality.to_string()],
            (count, _) => unnamed_channels(count),
        }
    }

    /// Names by value, background included.
    fn names(&self) -> BTreeMap<LabelValue, String> {
        let mut table = self.table.clone();
        table.cover(self.labels.counts().into_keys());
        let named = table.0.into_iter().filter(|label| Some(label.value) != self.background);
        let named = named.map(|label| (label.value, label.name));
        std::iter::once((0, "background".to_string())).chain(named).collect()
    }
}

/// The value that each of a scan's labels has in a data set: that of the same name, else a new one, which is added to `labels`.
///
/// # Errors
/// When a label without a name has the number of one with a name, or the other way round: nobody knows whether they are the same.
fn join_names(
    own: &BTreeMap<LabelValue, String>,
    labels: &mut serde_json::Map<String, Value>,
    description: &Path,
) -> Result<BTreeMap<LabelValue, LabelValue>, MarkedError> {
    let number = |key: &String| key.parse::<LabelValue>().ok();
    let listed = labels.iter().filter_map(|(key, name)| Some(Label::new(number(key)?, name.as_str()?)));
    let there = LabelTable(listed.filter(|label| label.value != 0 && label.value != UNKNOWN).collect());
    let used = there.0.iter().map(|label| label.value).collect();
    let own = LabelTable(
        own.iter().filter(|(value, _)| **value != 0).map(|(v, name)| Label::new(*v, name.clone())).collect(),
    );
    let joined = join(&there, &used, &own).map_err(|error| MarkedError::Refused(error.to_string()))?;
    let mut values = BTreeMap::from([(0, 0)]);
    labels.entry("0").or_insert_with(|| "background".into());
    for label in joined.labels {
        let JoinedLabel { incoming, value, fate } = label;
        if let (Fate::Renumbered, Some(other)) = (fate, there.get(incoming.value))
            && is_nameless(&incoming) != is_nameless(other)
        {
            return Err(MarkedError::Refused(format!(
                "label {} is called {:?} here and {:?} in {}; give it a name in both if they are the same",
                incoming.value,
                incoming.name,
                other.name,
                description.display()
            )));
        }
        if fate != Fate::Joined {
            let name = joined.table.get(value).map_or(incoming.name, |label| label.name.clone());
            labels.insert(value.to_string(), name.into());
        }
        values.insert(incoming.value, value);
    }
    Ok(values)
}

/// Whether a file holds this scan.
fn holds(path: &Path, scan: &Volume, watch: Watch) -> Result<bool, MarkedError> {
    let there = match formats::open_one(path, None, watch) {
        Ok(there) => there,
        Err(FormatError::Stopped(stopped)) => return Err(stopped.into()),
        // What cannot be read is another file.
        Err(_) => return Ok(false),
    };
    is_same_scan(&there, scan, watch)
}

/// Whether two volumes are the same scan: one grid, one value in every voxel.
///
/// # Errors
/// When the work was stopped.
pub fn is_same_scan(there: &Volume, scan: &Volume, watch: Watch) -> Result<bool, MarkedError> {
    if !there.geometry.matches(&scan.geometry, SAME_MM) || there.frame_count() != scan.frame_count() {
        return Ok(false);
    }
    // Files keep factors in single precision.
    let is_same = |a: f64, b: f64| (a - b).abs() <= 1e-5 * (1.0 + a.abs()) || (a.is_nan() && b.is_nan());
    let count = scan.geometry.voxel_count() * scan.frame_count();
    for start in (0..count).step_by(COMPARED) {
        watch.check()?;
        let mut values = (start..(start + COMPARED).min(count)).map(|n| scan.value_at(n).zip(there.value_at(n)));
        if !values.all(|pair| pair.is_some_and(|(a, b)| is_same(a, b))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes a scan and its finished slices into a folder of pairs, which is made if it is missing; gives the case's name. A scan that
/// is there already gets these labels too, in place of its own where slices were finished before, so that no training learns from one
/// copy and is measured on the other.
///
/// # Errors
/// When nothing is finished, the folder's labels have other names, or a file cannot be written.
pub fn add_to_dataset(
    scan: &MarkedScan,
    folder: &Path,
    watch: Watch,
    warn: &dyn Fn(String),
) -> Result<String, MarkedError> {
    scan.dataset()?;
    let failed = |e: std::io::Error| MarkedError::Refused(format!("cannot write into {}: {e}", folder.display()));
    let description = folder.join("dataset.json");
    let other = || {
        MarkedError::Refused(format!(
            "{} holds a data set that was not made here; choose a folder of your own, or an empty one",
            folder.display()
        ))
    };
    let mut json: Value = match std::fs::read_to_string(&description) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|e| MarkedError::Refused(format!("{} is damaged: {e}", description.display())))?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            // What lies there has labels of which nothing is known.
            let hidden = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
            if std::fs::read_dir(folder).is_ok_and(|listing| !listing.flatten().all(hidden)) {
                return Err(other());
            }
            json!({"name": folder.file_name().map(|n| n.to_string_lossy()), "labels": {UNKNOWN.to_string(): "ignore"}})
        }
        Err(e) => return Err(MarkedError::Refused(format!("cannot read {}: {e}", description.display()))),
    };
    let labels = json.get("labels").and_then(Value::as_object).cloned();
    let mut labels =
        labels.filter(|all| all.get(&UNKNOWN.to_string()).is_some_and(|v| v == "ignore")).ok_or_else(other)?;
    let values = join_names(&scan.names(), &mut labels, &description)?;
    json["labels"] = labels.into();
    let channels = scan.channels();
    let there = json.get("channel_names").and_then(Value::as_object).cloned().unwrap_or_default();
    if !there.is_empty() && there.len() != channels.len() {
        return Err(MarkedError::Refused(format!(
            "this scan has {} channels, those in {} have {}",
            channels.len(),
            folder.display(),
            there.len()
        )));
    }
    let mut names = serde_json::Map::new();
    for (n, own) in channels.into_iter().enumerate() {
        // What is there stays: its scans may be of any kind.
        let other = there.get(&n.to_string()).and_then(Value::as_str);
        if let Some(other) = other.filter(|other| !is_unnamed(other) && !is_unnamed(&own))
            && is_ct(&own) != is_ct(other)
        {
            return Err(MarkedError::Refused(format!(
                "this scan is {own}, those in {} are {other}; choose a folder of its own",
                folder.display()
            )));
        }
        names.insert(n.to_string(), other.map_or(own, str::to_string).into());
    }
    json["channel_names"] = names.into();
    std::fs::create_dir_all(folder).map_err(failed)?;
    let plain: String =
        scan.volume.name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let base = if plain.is_empty() { "scan".to_string() } else { plain };
    let path = |part: &str, name: &str| folder.join(part).join(format!("{name}.nii.gz"));
    let watch = watch.stage("Adding to the data set");
    let mut numbers = 1..;
    let (name, is_there) = loop {
        let name = match numbers.next() {
            None | Some(1) => base.clone(),
            Some(n) => format!("{base}-{n}"),
        };
        let image = path("images", &name);
        if image.exists() && holds(&image, &scan.volume, watch)? {
            break (name, true);
        }
        if !image.exists() && !path("labels", &name).exists() {
            break (name, false);
        }
    };
    let there = |value| if value == UNKNOWN { Some(UNKNOWN) } else { values.get(&value).copied() };
    let no_place =
        |value: LabelValue| MarkedError::Refused(format!("label {value} has no place in {}", description.display()));
    let mut known = scan.known().mapped(there).map_err(no_place)?;
    let label_file = path("labels", &name);
    if is_there && label_file.exists() {
        // What was finished before and is not now stays known.
        let before = formats::read_labels(&label_file, watch, warn)?;
        if !before.geometry().lies_on(&scan.volume.geometry) {
            return Err(MarkedError::Refused(format!("{} does not lie on the grid of its scan", label_file.display())));
        }
        known.take_from(&before, |_, now, _| now == UNKNOWN);
        known.compact();
    }
    // First what the values mean: labels that nobody can read would be learned wrongly.
    replace_file(&description, |file| {
        std::io::Write::write_all(file, serde_json::to_string_pretty(&json).unwrap_or_default().as_bytes())
    })
    .map_err(failed)?;
    for part in ["images", "labels"] {
        std::fs::create_dir_all(folder.join(part)).map_err(failed)?;
    }
    if !is_there {
        formats::write_volume(&path("images", &name), &scan.volume, watch)?;
    }
    formats::write_labels(&label_file, &known, &Annotations::default(), watch)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Plane, Rescale, Voxels};

    #[test]
    fn scans_come_into_a_data_set_with_what_is_finished_in_them() {
        let geometry = Geometry::new([4, 5, 6], Affine::IDENTITY).unwrap();
        let voxels = Voxels::F32((0..120).map(|n| n as f32).collect::<Vec<_>>().into());
        let volume = Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, "a b".into());
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let labels = LabelMap::from_fn(geometry, |[i, ..]| u16::from(i == 1) * 7);
        let done = vec![(layout, layout.screen([0, 0, 2])[2])];
        let mut scan = MarkedScan {
            volume: volume.into(),
            labels,
            table: LabelTable(vec![Label::new(7, "organ")]),
            background: None,
            done,
        };
        let folder = tempfile::tempdir().unwrap();
        let add = |scan: &MarkedScan| add_to_dataset(scan, folder.path(), Watch::unwatched(), &|_| {}).unwrap();
        // The same scan again is no second case; another one of the same name is. Scribbles for the background are no label.
        let voxels = Voxels::F32(vec![1.0; 120].into());
        let other = Volume::new(scan.volume.geometry.clone(), voxels, vec![], Rescale::IDENTITY, "a b".into());
        let other = MarkedScan { volume: other.into(), ..scan.clone() };
        scan.table.0.push(Label::new(8, "Background"));
        scan.labels.set([3, 0, 2], 8);
        scan.background = Some(8);
        assert_eq!([&other, &scan, &scan].map(add), ["a_b", "a_b-2", "a_b-2"]);
        let dataset = Dataset::open(folder.path(), Endings::of_formats()).unwrap();
        assert_eq!(dataset.cases.len(), 2);
        assert_eq!((dataset.labels[&1].as_str(), dataset.ignore), ("organ", Some(2)));
        let case = crate::learn::read_case(
            &dataset,
            "a_b-2",
            &|files| {
                let image = formats::open_one(&files.images[0], None, Watch::unwatched()).unwrap();
                Ok((image, formats::read_labels(&files.label, Watch::unwatched(), &|_| {}).unwrap()))
            },
            &mut |_| {},
        )
        .unwrap();
        assert_eq!([[1, 0, 2], [0, 0, 2], [3, 0, 2], [1, 0, 3]].map(|voxel| case.labels.get(voxel)), [1, 0, 0, 2]);
        // Another day other slices are finished: the first one stays known, whatever number the label has by then.
        let mut later = MarkedScan { labels: LabelMap::empty(scan.labels.geometry().clone()), ..scan.clone() };
        later.done = vec![(layout, layout.screen([0, 0, 3])[2])];
        later.labels.set([1, 0, 3], 2);
        later.table = LabelTable(vec![Label::new(2, "Organ"), Label::new(8, "Background")]);
        assert_eq!(add(&later), "a_b-2");
        let refused = |scan: &MarkedScan| {
            add_to_dataset(scan, folder.path(), Watch::unwatched(), &|_| {}).unwrap_err().to_string()
        };
        // A number alone does not say what a label is.
        let mut nameless = later.clone();
        nameless.labels.set([1, 0, 3], 7);
        nameless.table = LabelTable(vec![Label::unnamed(7), Label::new(8, "Background")]);
        let error = refused(&nameless);
        assert!(error.contains("\"Label 7\"") && error.contains("\"organ\""), "{error}");
        let both = formats::read_labels(&folder.path().join("labels/a_b-2.nii.gz"), Watch::unwatched(), &|_| {});
        let both = both.unwrap();
        let found = [[1, 0, 2], [3, 0, 2], [1, 0, 3], [2, 0, 3], [1, 0, 4]].map(|voxel| both.get(voxel));
        assert_eq!(found, [7, 0, 7, 0, UNKNOWN]);
        assert_eq!(Dataset::open(folder.path(), Endings::of_formats()).unwrap().labels[&1], "organ");
        // Another name of the same number is another label.
        let lesion = tempfile::tempdir().unwrap();
        let into = |scan: &MarkedScan| add_to_dataset(scan, lesion.path(), Watch::unwatched(), &|_| {}).unwrap();
        scan.table = LabelTable(vec![Label::new(7, "organ")]);
        into(&scan);
        let mut other = other.clone();
        other.table = LabelTable(vec![Label::new(7, "lesion"), Label::new(3, " ORGAN ")]);
        other.labels.set([0, 0, 2], 3);
        let name = into(&other);
        let text = std::fs::read_to_string(lesion.path().join("dataset.json")).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((json["labels"]["7"].as_str(), json["labels"]["8"].as_str()), (Some("organ"), Some("lesion")));
        let file = lesion.path().join(format!("labels/{name}.nii.gz"));
        let there = formats::read_labels(&file, Watch::unwatched(), &|_| {}).unwrap();
        assert_eq!([[0, 0, 2], [1, 0, 2]].map(|voxel| there.get(voxel)), [7, 8]);
        scan.table = LabelTable(vec![Label::new(7, "organ")]);
        // The kind of the first scan is that of the folder; one of which nothing is known joins any.
        let add = |modality: &str, folder: &Path| {
            let mut volume = Volume::clone(&scan.volume);
            volume.display.modality = modality.into();
            let scan = MarkedScan { volume: volume.into(), ..scan.clone() };
            let added = add_to_dataset(&scan, folder, Watch::unwatched(), &|_| {});
            added
                .map(|_| Dataset::open(folder, Endings::of_formats()).unwrap().channels[0].clone())
                .map_err(|error| error.to_string())
        };
        assert_eq!(add("CT", folder.path()), Ok("channel 0".into()));
        let other = tempfile::tempdir().unwrap();
        assert_eq!(["CT", "", "ct"].map(|kind| add(kind, other.path())), ["CT", "CT", "CT"].map(|ct| Ok(ct.into())));
        assert!(add("MR", other.path()).unwrap_err().contains("MR"));
        scan.done.clear();
        assert!(add_to_dataset(&scan, folder.path(), Watch::unwatched(), &|_| {}).is_err());
    }
}
