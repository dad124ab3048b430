//! `lamella deidentify`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::terminal::Terminal;
use super::{Result, print_json};
use crate::formats::Skipped;
use crate::formats::deidentify::{Dates, Kept, Key, Wishes};
use crate::jobs::{DeidentifyJob, DeidentifyReport, JobError};

/// Take the patients out of DICOM files: the basic profile of DICOM PS3.15 Annex E.
#[derive(Args)]
pub struct Deidentify {
    /// DICOM files and folders
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// A new folder for the new files
    #[arg(short, long, required_unless_present = "dry_run")]
    output: Option<PathBuf>,
    /// Only list what would be changed
    #[arg(long)]
    dry_run: bool,
    /// What happens to dates: remove, shift (by as many days for all files of a patient) or keep
    #[arg(long, value_enum, default_value_t = DateChoice::Remove)]
    dates: DateChoice,
    /// What stays besides: uids, device, institution, patient (age, sex, size ...), descriptors (cleaned of the words that name the patient)
    #[arg(long, value_enum, value_delimiter = ',')]
    keep: Vec<KeepChoice>,
    /// A file with a secret: runs with the same one give the same patient the same new names
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DateChoice {
    Remove,
    Shift,
    Keep,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KeepChoice {
    Uids,
    Device,
    Institution,
    Patient,
    Descriptors,
}

impl Deidentify {
    pub(super) fn run(&self) -> Result {
        let terminal = Terminal::new("De-identifying");
        let job = DeidentifyJob {
            inputs: self.inputs.clone(),
            output: self.output.clone().filter(|_| !self.dry_run),
            wishes: self.wishes(),
            key: self.key.as_deref().map_or_else(Key::random, Key::read).map_err(JobError::Other)?,
        };
        let report = terminal.run(job, &|()| {})?;
        terminal.finish();
        if self.json {
            print_json(&self.document(&report))?;
        } else {
            self.print(&report);
        }
        if report.failed.is_empty() && report.files > 0 {
            return Ok(());
        }
        Err(JobError::Other(match report.failed.len() {
            0 => "no DICOM file was found".into(),
            1 => "one file could not be taken over; it is not in the output".into(),
            count => format!("{count} files could not be taken over; they are not in the output"),
        }))
    }

    fn wishes(&self) -> Wishes {
        let dates = match self.dates {
            DateChoice::Remove => Dates::Removed,
            DateChoice::Shift => Dates::Shifted,
            DateChoice::Keep => Dates::Kept,
        };
        let kept = self.keep.iter().map(|kept| match kept {
            KeepChoice::Uids => Kept::Uids,
            KeepChoice::Device => Kept::Device,
            KeepChoice::Institution => Kept::Institution,
            KeepChoice::Patient => Kept::Patient,
            KeepChoice::Descriptors => Kept::Descriptors,
        });
        Wishes { dates, kept: kept.collect() }
    }

    fn print(&self, report: &DeidentifyReport) {
        let would = if self.dry_run { "would be " } else { "" };
        for (change, files) in report.changes.iter() {
            say!("{:7} {would}{:15} {} {}", files, change.what.word(), change.place, change.name);
        }
        for (warning, files) in &report.warnings {
            tell!("note: {warning} ({files} of {} files)", report.files);
        }
        list("left out", &report.left_out);
        list("failed", &report.failed);
        let patients = report.patients.len();
        let patients = if patients == 1 { "one patient".to_string() } else { format!("{patients} patients") };
        let what = if self.dry_run { "would be de-identified; nothing was written" } else { "de-identified" };
        tell!("{} files of {patients} {what}", report.files);
    }

    fn document(&self, report: &DeidentifyReport) -> serde_json::Value {
        let skipped =
            |list: &[Skipped]| list.iter().map(|s| json!({"path": s.path, "reason": s.reason})).collect::<Vec<_>>();
        let changes = report.changes.iter().map(|(change, files)| {
            json!({"element": change.place, "name": change.name, "what": change.what.word(), "files": files})
        });
        json!({
            "dry_run": self.dry_run,
            "files": report.files,
            "patients": report.patients,
            "changes": changes.collect::<Vec<_>>(),
            "warnings": report.warnings.iter().map(|(text, files)| json!({"text": text, "files": files})).collect::<Vec<_>>(),
            "left_out": skipped(&report.left_out),
            "failed": skipped(&report.failed),
        })
    }
}

fn list(what: &str, files: &[Skipped]) {
    for file in files {
        tell!("{what}: {}: {}", file.path.display(), file.reason);
    }
}
