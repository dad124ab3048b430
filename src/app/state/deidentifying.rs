//! The window that takes patients out of DICOM files: what is chosen, what would be changed, what came of it.

use std::path::{Path, PathBuf};

use super::servers::Said;
use crate::formats::deidentify::{Change, Dates, Kept, Key, Wishes};
use crate::jobs::DeidentifyReport;

/// What may stay, with its name and what it means.
pub const KEPT: [(Kept, &str, &str); 5] = [
    (Kept::Patient, "Age, sex, size, weight", "Characteristics of the patient stay (--keep patient)"),
    (Kept::Device, "Device", "Which device took the images stays (--keep device)"),
    (Kept::Institution, "Institution", "Name and address of the institution stay (--keep institution)"),
    (
        Kept::Descriptors,
        "Descriptions, cleaned",
        "Descriptions stay, without the words that name people and places, without dates and long numbers (--keep descriptors); \
         read them before you share them",
    ),
    (
        Kept::Uids,
        "Identifiers (UIDs)",
        "UIDs stay as they are; else each becomes the same new one everywhere (--keep uids)",
    ),
];

/// What may happen to dates, with its name and what it means.
pub const DATES: [(Dates, &str, &str); 3] = [
    (Dates::Removed, "Remove", "Dates and times go"),
    (
        Dates::Shifted,
        "Shift",
        "Dates become earlier by 31 to 3650 days, as many for all files of a patient; times of day stay",
    ),
    (Dates::Kept, "Keep", "Dates and times stay"),
];

/// What is chosen. A list of changes counts only for the choices that it was made with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeidentifyForm {
    /// Files and folders.
    pub inputs: Vec<PathBuf>,
    /// What the inputs are called.
    pub title: String,
    /// Dates, and what stays.
    pub wishes: Wishes,
    /// A file with the secret that new names are made from; none for one that nobody knows.
    pub key: Option<PathBuf>,
    /// The folder for the new files.
    pub output: Option<PathBuf>,
}

impl DeidentifyForm {
    /// Whether a list of changes for the other one holds for this one.
    pub fn changes_as(&self, other: &Self) -> bool {
        (&self.inputs, &self.wishes, &self.key) == (&other.inputs, &other.wishes, &other.key)
    }
}

/// All of the window.
#[derive(Default)]
pub struct Deidentifying {
    /// Whether it is open.
    pub is_open: bool,
    /// What is chosen.
    pub form: DeidentifyForm,
    /// What would be changed.
    pub list: Option<ListOfChanges>,
    /// What is typed to find changes.
    pub search: String,
    /// What came of it.
    pub said: Option<Said>,
}

/// What a dry run found.
pub struct ListOfChanges {
    /// The choices.
    pub of: DeidentifyForm,
    /// What new names are made from, so that the files get those that were listed.
    pub key: Key,
    /// Every change, each with its number of files, in the order of the elements.
    pub changes: Vec<(Change, usize)>,
    /// Files, patients, warnings, what is left out.
    pub report: DeidentifyReport,
}

impl ListOfChanges {
    /// The changes that hold what is searched for in their place, name or word.
    pub fn found(&self, search: &str) -> Vec<&(Change, usize)> {
        let search = search.trim().to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&search);
        let is_found = |(change, _): &&(Change, usize)| {
            search.is_empty() || holds(&change.name) || holds(&change.place) || holds(change.what.word())
        };
        self.changes.iter().filter(is_found).collect()
    }
}

impl Deidentifying {
    /// The list, where it holds for what is chosen now.
    pub fn current(&self) -> Option<&ListOfChanges> {
        self.list.as_ref().filter(|list| list.of.changes_as(&self.form))
    }

    /// Why changes cannot be listed.
    pub fn lacks_to_list(&self) -> Option<&'static str> {
        self.form.inputs.is_empty().then_some("Choose a folder or files first")
    }

    /// Why nothing can be written.
    pub fn lacks_to_write(&self) -> Option<&'static str> {
        let Some(list) = self.current() else { return Some("List the changes first") };
        if list.report.files == 0 {
            return Some("There is no DICOM file that could be taken over");
        }
        self.form.output.is_none().then_some("Choose a folder for the new files first")
    }
}

/// The folder for new files when the user has chosen one: itself where it is empty or new, else a new one in it.
pub fn output_in(chosen: &Path) -> PathBuf {
    let is_empty = |path: &Path| std::fs::read_dir(path).map_or(!path.exists(), |mut listing| listing.next().is_none());
    if is_empty(chosen) {
        return chosen.to_path_buf();
    }
    let names = std::iter::once("deidentified".to_string()).chain((2..100).map(|n| format!("deidentified-{n}")));
    let mut places = names.map(|name| chosen.join(name));
    places.find(|place| is_empty(place)).unwrap_or_else(|| chosen.to_path_buf())
}

/// What the window asks for.
#[derive(Debug, Clone)]
pub enum DeidentifyRequest {
    /// Close it; what is being written goes on.
    Close,
    /// What is chosen, changed.
    Form(Box<DeidentifyForm>),
    /// Choose a folder of files.
    ChooseFolder,
    /// Choose one file.
    ChooseFile,
    /// Take the files of the scan on screen.
    OpenSeries,
    /// Choose the file with the secret.
    ChooseKey,
    /// Choose the folder for the new files.
    ChooseOutput,
    /// List what would be changed.
    List,
    /// What is searched for among the changes.
    Search(String),
    /// Write the new files.
    Write,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_never_go_among_others() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(output_in(folder.path()), folder.path());
        assert_eq!(output_in(&folder.path().join("new")), folder.path().join("new"));
        std::fs::create_dir_all(folder.path().join("deidentified")).unwrap();
        assert_eq!(output_in(folder.path()), folder.path().join("deidentified"), "it is empty");
        std::fs::write(folder.path().join("deidentified/a"), "b").unwrap();
        assert_eq!(output_in(folder.path()), folder.path().join("deidentified-2"));
    }

    #[test]
    fn a_list_holds_for_the_choices_that_it_was_made_with() {
        let form = DeidentifyForm { inputs: vec!["a".into()], ..DeidentifyForm::default() };
        let elsewhere = DeidentifyForm { output: Some("b".into()), ..form.clone() };
        assert!(form.changes_as(&elsewhere), "where files go changes nothing in them");
        let mut kept = form.clone();
        kept.wishes.kept.insert(Kept::Device);
        assert!(!form.changes_as(&kept));
    }
}
