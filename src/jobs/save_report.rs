//! Writing the report of a training.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::output::{Inputs, OutputKind};
use super::title::file_name;
use super::train::TrainSummary;
use crate::disk::replace_file;
use crate::learn;

/// Files of a report, and how each begins.
const REPORT: [(&str, OutputKind); 3] = [
    ("curve.csv", OutputKind::Text(&["epoch,seconds,rate,loss"])),
    ("curve.svg", OutputKind::Text(&["<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"360\""])),
    ("cases.csv", OutputKind::Text(&["case,Dice", "case\n"])),
];

/// Writes the report of a training into a folder.
#[derive(Debug, Clone)]
pub struct SaveReportJob {
    /// Where to.
    pub folder: PathBuf,
    /// What.
    pub summary: TrainSummary,
}

impl Job for SaveReportJob {
    /// The folder.
    type Output = PathBuf;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-report", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving {}", file_name(&self.folder))
    }

    fn run(self, _: &Work<()>) -> Result<PathBuf, JobError> {
        write_report(&self.summary, &self.folder)?;
        Ok(self.folder)
    }
}

/// Checks that a training may write its model and its report, whose folder is made; `inputs` are what it reads besides its data set.
///
/// # Errors
/// Says what is in the way.
pub fn check_training_outputs(output: &Path, report: Option<&Path>, inputs: &Inputs) -> Result<(), JobError> {
    inputs.allow(output, OutputKind::Model)?;
    if let Some(folder) = report {
        make_folder(folder)?;
        REPORT.iter().try_for_each(|(name, kind)| inputs.allow(&folder.join(name), *kind))?;
    }
    Ok(())
}

fn unwritten(path: &Path, error: &std::io::Error) -> JobError {
    JobError::Other(format!("the report cannot be written to {}: {error}", path.display()))
}

fn make_folder(folder: &Path) -> Result<(), JobError> {
    std::fs::create_dir_all(folder).map_err(|e| unwritten(folder, &e))
}

/// Writes the curve (`curve.csv`, `curve.svg`) and the cases (`cases.csv`) into a folder, which is made if it is missing.
///
/// # Errors
/// Names the file that cannot be written.
fn write_report(summary: &TrainSummary, folder: &Path) -> Result<(), JobError> {
    make_folder(folder)?;
    let inputs = Inputs::default();
    REPORT.iter().try_for_each(|(name, kind)| inputs.allow(&folder.join(name), *kind))?;
    let title = summary.output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let texts = [
        learn::curve_table(&summary.epochs),
        learn::curve_picture(&title, &summary.epochs),
        learn::case_table(&summary.cases, summary.before.as_deref().unwrap_or_default()),
    ];
    for ((name, _), text) in REPORT.iter().zip(texts) {
        let path = folder.join(name);
        replace_file(&path, |writer| writer.write_all(text.as_bytes())).map_err(|e| unwritten(&path, &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reports_folder_is_made_before_the_training() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.safetensors");
        let check = |report: &Path| check_training_outputs(&model, Some(report), &Inputs::default());
        let report = folder.path().join("a/b");
        check(&report).unwrap();
        assert!(report.is_dir());
        std::fs::write(folder.path().join("file"), b"a file").unwrap();
        let refused = check(&folder.path().join("file/report")).unwrap_err().to_string();
        assert!(refused.contains("the report cannot be written to") && refused.contains("file/report"), "{refused}");
    }
}
