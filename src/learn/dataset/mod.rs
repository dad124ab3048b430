//! Folders of labelled scans, and how their cases are split.

mod description;
mod marked;
mod nnunet;
mod pairs;
mod split;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::formats;

pub use marked::{MarkedError, MarkedScan, add_to_dataset, is_same_scan};
pub use pairs::is_labels_folder;
pub use split::{Fold, Split, SplitChoice};

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
    /// The values that the labels have in the files, where they are not 0, 1, 2 ...
    pub stored: Option<Vec<u16>>,
    /// Further values in the files that count as background: labels that were not chosen.
    pub unchosen: Vec<u16>,
    /// Labelled cases by name.
    pub cases: Vec<CaseFiles>,
    /// Endings that their files can have.
    pub endings: Endings,
    /// What the user must be told of the folder: what was left out, what its description says otherwise.
    pub notices: Vec<String>,
}

/// Most values of labels without names in pictures: more of them are shades of grey.
const MOST_VALUES_OF_PICTURES: usize = 50;
/// What a channel is called where nobody says what it is.
const UNNAMED_CHANNEL: &str = "channel";

/// Names of channels of which nothing is known.
pub fn unnamed_channels(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{UNNAMED_CHANNEL} {n}")).collect()
}

/// Whether nothing is known of a channel.
pub fn is_unnamed(channel: &str) -> bool {
    channel.trim().is_empty()
        || channel.split_once(' ').is_some_and(|(name, n)| name == UNNAMED_CHANNEL && n.parse::<usize>().is_ok())
}

/// Whether a channel is called what nnU-Net and DICOM call computed tomography.
pub fn is_ct(channel: &str) -> bool {
    channel.eq_ignore_ascii_case("ct")
}

/// Endings of the files that cases can have, in small letters and with their dots. Which there are is not known here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endings(pub Vec<&'static str>);

impl Endings {
    /// Those of formats that hold images and labels.
    pub fn of_formats() -> Self {
        Self(formats::endings_of(formats::Kind::Labels, formats::For::Opening))
    }

    /// The longest one that a file name has.
    fn of(&self, name: &str) -> Option<&'static str> {
        let name = name.to_ascii_lowercase();
        let fits = |ending: &&'static str| name.len() > ending.len() && name.ends_with(*ending);
        self.0.iter().copied().filter(fits).max_by_key(|ending| ending.len())
    }

    /// A file's name without its ending.
    fn case_name(&self, path: &Path) -> String {
        let mut name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.truncate(name.len() - self.of(&name).map_or(0, str::len));
        name
    }
}

impl Dataset {
    /// Looks at a folder and lists its labelled cases, whose files have one of these endings.
    ///
    /// # Errors
    /// When it is of no known form, or its description does not fit the files.
    pub fn open(folder: &Path, endings: Endings) -> Result<Self, DatasetError> {
        match pairs::folders(folder) {
            Some(folders) => pairs::open(folder, &folders, endings),
            None => nnunet::open(folder, endings),
        }
    }

    /// Whether its labels are known; else [`Dataset::describe_labels`] must be told what the files hold.
    pub fn has_labels(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Whether its channels are known; else [`Dataset::describe_channels`] must be told how many there are.
    pub fn has_channels(&self) -> bool {
        !self.channels.is_empty()
    }

    /// Takes the number of frames of an image.
    pub fn describe_channels(&mut self, frames: usize) {
        self.channels = unnamed_channels(frames);
    }

    /// Takes the labels that occur in the files.
    ///
    /// # Errors
    /// When there are not two labels to tell apart, and for pictures with so many values that they are shades of grey.
    pub fn describe_labels(&mut self, values: &BTreeSet<u16>) -> Result<(), DatasetError> {
        let picture = self.cases.iter().map(|case| &case.label).find(|label| formats::is_picture(label));
        if let Some(path) = picture.filter(|_| values.len() > MOST_VALUES_OF_PICTURES) {
            let problem = format!(
                "the pictures of labels hold {} different values, which are shades of grey rather than labels: save them without smoothing \
                 and without loss, one value for each label; or name all labels in a dataset.json (`labels`) beside the folders",
                values.len()
            );
            return Err(DatasetError { path: path.clone(), problem });
        }
        let stored: Vec<u16> = std::iter::once(0).chain(values.iter().copied().filter(|&value| value != 0)).collect();
        if stored.len() < 2 {
            let problem = format!("the label files hold only {values:?}; there is nothing to tell apart");
            return Err(DatasetError { path: self.folder.clone(), problem });
        }
        let name = |value: u16| if value == 0 { "background".into() } else { format!("label {value}") };
        self.labels = (0..).zip(stored.iter().map(|&value| name(value))).collect();
        self.stored = Some(stored);
        Ok(())
    }

    /// Keeps these labels alone, in the order of their values; the others count as background. Without names all are kept.
    ///
    /// # Errors
    /// When there is no label of a name.
    pub fn choose(&mut self, names: &[String]) -> Result<(), DatasetError> {
        if names.is_empty() {
            return Ok(());
        }
        let labels: Vec<(u16, String)> = self.labels.iter().map(|(&place, name)| (place, name.clone())).collect();
        let foreground = &labels[1.min(labels.len())..];
        if let Some(other) = names.iter().find(|name| !foreground.iter().any(|(_, label)| label == *name)) {
            let there: Vec<&str> = foreground.iter().map(|(_, name)| name.as_str()).collect();
            let problem = format!("there is no label {other:?} to choose; there are {}", there.join(", "));
            return Err(DatasetError { path: self.folder.clone(), problem });
        }
        let value_of = |place: u16| match &self.stored {
            Some(stored) => stored.get(usize::from(place)).copied().unwrap_or(place),
            None => place,
        };
        let (kept, left): (Vec<_>, Vec<_>) =
            labels.into_iter().partition(|(place, name)| *place == 0 || names.contains(name));
        let stored = kept.iter().map(|(place, _)| *place).chain(self.ignore).map(value_of).collect();
        let unchosen = left.iter().map(|(place, _)| value_of(*place));
        self.unchosen = self.unchosen.iter().copied().chain(unchosen).collect();
        self.stored = Some(stored);
        self.ignore = self.ignore.map(|_| kept.len() as u16);
        self.labels = (0..).zip(kept.into_iter().map(|(_, name)| name)).collect();
        Ok(())
    }

    /// A case by name.
    pub fn case(&self, name: &str) -> Option<&CaseFiles> {
        self.cases.iter().find(|case| case.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some endings.
    pub(super) fn endings() -> Endings {
        Endings(vec![".nii.gz", ".nii", ".png", ".tif"])
    }

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
        let dataset = Dataset::open(at, endings()).unwrap();
        assert_eq!(dataset.cases.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(dataset.labels[&1], "liver");
        let [first, second] = [0, 1].map(|fold| dataset.fold(Fold { fold, count: 2 }));
        assert_eq!((&first.validation, &first.train), (&second.train, &second.validation));
        assert_eq!(first.validation, ["a"]);
        let partly = v2.replace(r#""liver": 1}"#, r#""liver": 1, "ignore": 2}"#);
        std::fs::write(at.join("dataset.json"), partly).unwrap();
        let dataset = Dataset::open(at, endings()).unwrap();
        assert_eq!((dataset.ignore, dataset.labels.len()), (Some(2), 2));
        let v1 = r#"{"modality": {"0": "MRI"}, "labels": {"0": "background", "1": "Anterior"},
            "training": [{"image": "./imagesTr/a_0000.nii.gz", "label": "./labelsTr/a.nii.gz"}]}"#;
        std::fs::write(at.join("dataset.json"), v1).unwrap();
        let dataset = Dataset::open(at, endings()).unwrap();
        assert_eq!((dataset.cases.len(), dataset.labels[&1].as_str()), (1, "Anterior"));
        // As nnU-Net v1 writes it: a file per channel, listed under the case's name; and without a name of its own.
        std::fs::write(at.join("imagesTr/a_0001.nii.gz"), b"").unwrap();
        let v1 = v1.replace("a_0000", "a").replace(r#"{"0": "MRI"}"#, r#"{"0": "T1", "1": "T2"}"#);
        std::fs::write(at.join("dataset.json"), v1).unwrap();
        let dataset = Dataset::open(at, endings()).unwrap();
        assert_eq!(dataset.cases[0].images, ["a_0000", "a_0001"].map(|n| at.join(format!("imagesTr/{n}.nii.gz"))));
        assert_eq!(dataset.name, at.file_name().unwrap().to_string_lossy());
    }

    #[test]
    fn chosen_labels_are_renumbered_and_keep_their_values() {
        let mut dataset = Dataset {
            folder: PathBuf::new(),
            name: String::new(),
            licence: String::new(),
            channels: Vec::new(),
            labels: (0..).zip(["background", "spleen", "liver", "colon"].map(String::from)).collect(),
            ignore: Some(4),
            stored: None,
            unchosen: Vec::new(),
            cases: Vec::new(),
            endings: Endings::default(),
            notices: Vec::new(),
        };
        let message = dataset.clone().choose(&["lung".into()]).unwrap_err().to_string();
        assert!(message.contains("lung") && message.contains("spleen, liver, colon"), "{message}");
        assert!(dataset.clone().choose(&["background".into()]).is_err());
        dataset.choose(&["colon".into(), "spleen".into()]).unwrap();
        assert_eq!(dataset.labels.values().collect::<Vec<_>>(), ["background", "spleen", "colon"]);
        assert_eq!((dataset.stored.clone(), dataset.ignore), (Some(vec![0, 1, 3, 4]), Some(3)));
        assert_eq!(dataset.unchosen, [2]);
        dataset.choose(&["colon".into()]).unwrap();
        assert_eq!((dataset.stored, dataset.ignore), (Some(vec![0, 3, 4]), Some(2)));
        assert_eq!(dataset.unchosen, [2, 1]);
    }

    #[test]
    fn gaps_in_labels_and_missing_images_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert!(Dataset::open(at, endings()).unwrap_err().to_string().contains("dataset.json"));
        std::fs::write(
            at.join("dataset.json"),
            r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "x": 2}}"#,
        )
        .unwrap();
        assert!(Dataset::open(at, endings()).unwrap_err().to_string().contains("labels must be"));
        std::fs::write(
            at.join("dataset.json"),
            r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "x": 1}}"#,
        )
        .unwrap();
        std::fs::create_dir(at.join("labelsTr")).unwrap();
        std::fs::write(at.join("labelsTr/a.nii.gz"), b"").unwrap();
        assert!(Dataset::open(at, endings()).unwrap_err().to_string().contains("a_0000"));
    }
}
