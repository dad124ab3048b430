//! Taking patients out of DICOM files, whole folders at a time.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::output::make_folder;
use super::title::file_name;
use crate::formats::deidentify::{ChangeCounts, Deidentified, Key, Left, Studies, Wishes, deidentify, study_of};
use crate::formats::{FormatError, Skipped, list_files};
use crate::work::Stopped;
use crate::work::numbers::share;

/// Takes patients out of DICOM files.
pub struct DeidentifyJob {
    /// Files and folders.
    pub inputs: Vec<PathBuf>,
    /// The folder for the new files, which is empty or not there; none where it is only told what would be done.
    pub output: Option<PathBuf>,
    /// What stays.
    pub wishes: Wishes,
    /// What new names are made from.
    pub key: Key,
}

/// What was done, or would be.
#[derive(Debug, Default)]
pub struct DeidentifyReport {
    /// Files that were taken over.
    pub files: usize,
    /// Patients in them, by their new names.
    pub patients: BTreeSet<String>,
    /// Every change, and in how many files it was made.
    pub changes: ChangeCounts,
    /// What the user must look at before sharing, and in how many files.
    pub warnings: BTreeMap<String, usize>,
    /// Files that are no DICOM images or objects, with reasons.
    pub left_out: Vec<Skipped>,
    /// Files that should have been taken over and could not be.
    pub failed: Vec<Skipped>,
}

impl Job for DeidentifyJob {
    type Output = DeidentifyReport;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "deidentify", is_kept_when_stopped: true };

    fn title(&self) -> String {
        let first = self.inputs.first().map(|path| file_name(path)).unwrap_or_default();
        format!("De-identifying {first}")
    }

    fn run(self, work: &Work<()>) -> Result<DeidentifyReport, JobError> {
        let Self { inputs, output, wishes, key } = self;
        let (files, skipped) = list_files(&inputs, work.watch)?;
        if let Some(folder) = &output {
            prepare(folder, &inputs)?;
        }
        let mut studies = Studies::default();
        let found: Result<Vec<_>, Stopped> = files
            .par_iter()
            .map(|path| {
                work.watch.check()?;
                Ok(study_of(path))
            })
            .collect();
        found?.into_iter().for_each(|study| studies.note(study));
        let report = Mutex::new(DeidentifyReport { left_out: skipped, ..DeidentifyReport::default() });
        let taken = Mutex::new(HashSet::new());
        let done = AtomicUsize::new(0);
        files.par_iter().try_for_each(|path| {
            work.watch.at(share(done.fetch_add(1, Ordering::Relaxed), files.len()))?;
            let outcome = deidentify(path, &wishes, &key, &studies);
            let outcome = match (outcome, &output) {
                (Ok(file), Some(folder)) => write(&file, folder, &taken).map(|()| file).map_err(Left::Failed),
                (outcome, _) => outcome,
            };
            let mut report = report.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            report.add(path, outcome);
            Ok::<(), Stopped>(())
        })?;
        let mut report = report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        report.left_out.sort_by(|a, b| a.path.cmp(&b.path));
        report.failed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(report)
    }
}

impl DeidentifyReport {
    fn add(&mut self, path: &Path, outcome: Result<Deidentified, Left>) {
        match outcome {
            Ok(file) => {
                self.files += 1;
                self.changes.add(&file.changes);
                for warning in file.warnings.iter().collect::<BTreeSet<_>>() {
                    *self.warnings.entry(warning.clone()).or_default() += 1;
                }
                let patient =
                    file.place.components().next().map(|name| name.as_os_str().to_string_lossy().into_owned());
                self.patients.extend(patient);
            }
            Err(Left::Out(reason)) => self.left_out.push(Skipped { path: path.into(), reason }),
            Err(Left::Failed(error)) => self.failed.push(Skipped { path: path.into(), reason: error.to_string() }),
        }
    }
}

/// Two files of one instance are both kept, the second under another name.
fn write(file: &Deidentified, folder: &Path, taken: &Mutex<HashSet<PathBuf>>) -> Result<(), FormatError> {
    let mut place = file.place.clone();
    let mut number = 2;
    while !taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(place.clone()) {
        let stem = file.place.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        place = file.place.with_file_name(format!("{stem}_{number}.dcm"));
        number += 1;
    }
    let path = folder.join(place);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|source| FormatError::Write { path: path.clone(), source })?;
    }
    file.write(&path)
}

/// Makes the folder for the new files. One that holds something may hold the old ones too.
fn prepare(folder: &Path, inputs: &[PathBuf]) -> Result<(), JobError> {
    let refused = |text: String| Err(JobError::Other(text));
    let shown = folder.display();
    if let Ok(mut listing) = std::fs::read_dir(folder)
        && listing.next().is_some()
    {
        return refused(format!(
            "{shown} is not empty; choose a new folder, so that no old file is taken for a new one"
        ));
    }
    let is_new = !folder.exists();
    make_folder(folder)?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let inside = inputs.iter().find(|input| input.is_dir() && real(folder).starts_with(real(input)));
    match inside {
        Some(input) => {
            // A folder of the user stays, also an empty one.
            if is_new {
                drop(std::fs::remove_dir(folder));
            }
            refused(format!("{shown} lies in {}, which is read; choose a folder outside it", input.display()))
        }
        None => Ok(()),
    }
}
