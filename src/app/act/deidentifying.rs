//! Taking patients out of DICOM files: first the list of changes, then the files.

use std::path::{Path, PathBuf};

use super::saving;
use crate::app::state::deidentifying::{DeidentifyForm, DeidentifyRequest, ListOfChanges, output_in};
use crate::app::state::notices::Kind;
use crate::app::state::paths::Purpose;
use crate::app::state::saving::file_name;
use crate::app::state::servers::Said;
use crate::app::state::studio::Studio;
use crate::formats::deidentify::Key;
use crate::jobs::{DeidentifyJob, DeidentifyReport, Job, JobError};
use crate::words::{self, plural};

/// Opens the window; at the first time with the scan on screen, where it is DICOM.
pub fn open(studio: &mut Studio) {
    studio.deidentifying.is_open = true;
    if studio.deidentifying.form.inputs.is_empty() {
        take_open_series(studio);
    }
}

/// The DICOM files of the scan on screen.
pub fn open_series(studio: &Studio) -> Option<Vec<PathBuf>> {
    let source = studio.volume()?.source.as_ref()?;
    let files: Vec<PathBuf> = source.files.iter().map(|file| file.path.clone()).collect();
    (!files.is_empty()).then_some(files)
}

/// Does what the window asks for.
pub fn answer(studio: &mut Studio, request: DeidentifyRequest) {
    match request {
        DeidentifyRequest::Close => studio.deidentifying.is_open = false,
        DeidentifyRequest::Form(form) => set_form(studio, *form),
        DeidentifyRequest::ChooseFolder => saving::ask(studio, Purpose::Deidentify { is_folder: true }),
        DeidentifyRequest::ChooseFile => saving::ask(studio, Purpose::Deidentify { is_folder: false }),
        DeidentifyRequest::OpenSeries => take_open_series(studio),
        DeidentifyRequest::ChooseKey => saving::ask(studio, Purpose::DeidentifyKey),
        DeidentifyRequest::ChooseOutput => saving::ask(studio, Purpose::DeidentifyInto),
        DeidentifyRequest::List => list(studio),
        DeidentifyRequest::Search(text) => studio.deidentifying.search = text,
        DeidentifyRequest::Write => write(studio),
    }
}

fn set_form(studio: &mut Studio, form: DeidentifyForm) {
    if !form.changes_as(&studio.deidentifying.form) {
        studio.deidentifying.said = None;
    }
    studio.deidentifying.form = form;
}

fn take_open_series(studio: &mut Studio) {
    let Some(inputs) = open_series(studio) else { return };
    let title = studio.shown_item().map(|item| item.entry.name.clone()).unwrap_or_default();
    set_form(studio, DeidentifyForm { inputs, title, ..studio.deidentifying.form.clone() });
}

/// Takes a folder or a file that was chosen.
pub fn take_input(studio: &mut Studio, path: PathBuf) {
    let (title, inputs) = (file_name(&path), vec![path]);
    set_form(studio, DeidentifyForm { inputs, title, ..studio.deidentifying.form.clone() });
}

/// Takes the file with the secret.
pub fn take_key(studio: &mut Studio, path: PathBuf) {
    set_form(studio, DeidentifyForm { key: Some(path), ..studio.deidentifying.form.clone() });
}

/// Takes the folder for the new files.
pub fn take_output(studio: &mut Studio, path: &Path) {
    studio.deidentifying.form.output = Some(output_in(path));
}

/// Whether files are being looked through or written.
pub fn is_busy(studio: &Studio) -> bool {
    studio.tasks.is_running(DeidentifyJob::KIND)
}

/// Lists what would be changed, and writes nothing.
fn list(studio: &mut Studio) {
    let form = studio.deidentifying.form.clone();
    if is_busy(studio) || form.inputs.is_empty() {
        return;
    }
    studio.deidentifying.said = None;
    let key = match form.key.as_deref().map_or_else(Key::random, Key::read) {
        Ok(key) => key,
        Err(problem) => {
            studio.deidentifying.said = Some(Said { is_error: true, text: format!("It {problem}.") });
            return;
        }
    };
    let job =
        DeidentifyJob { inputs: form.inputs.clone(), output: None, wishes: form.wishes.clone(), key: key.clone() };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| match result {
            Ok(report) => {
                let changes = report.changes.iter().map(|(change, files)| (change.clone(), files)).collect();
                studio.deidentifying.list = Some(ListOfChanges { of: form, key, changes, report });
            }
            Err(error) if error.is_stop() => {}
            Err(error) => studio.deidentifying.said = Some(Said { is_error: true, text: error.to_string() }),
        },
    );
}

/// Writes the files whose changes were listed.
fn write(studio: &mut Studio) {
    if is_busy(studio) || studio.deidentifying.lacks_to_write().is_some() {
        return;
    }
    let Some(list) = studio.deidentifying.current() else { return };
    let Some(output) = studio.deidentifying.form.output.clone() else { return };
    let job = DeidentifyJob {
        inputs: list.of.inputs.clone(),
        output: Some(output.clone()),
        wishes: list.of.wishes.clone(),
        key: list.key.clone(),
    };
    studio.deidentifying.said = None;
    studio.start(job, |_, ()| {}, move |studio, result| written(studio, &output, result));
}

/// Says what came of it, in the window, and where that is closed by a message.
fn written(studio: &mut Studio, output: &Path, result: Result<DeidentifyReport, JobError>) {
    let shown = output.display();
    let said = match result {
        Ok(report) => Said { is_error: !report.failed.is_empty(), text: told(&report, output) },
        Err(error) if error.is_stop() => Said {
            is_error: true,
            text: format!("Stopped. {shown} holds the files that were written before; delete it to begin anew."),
        },
        Err(error) => Said { is_error: true, text: error.to_string() },
    };
    if !studio.deidentifying.is_open {
        let kind = if said.is_error { Kind::Error } else { Kind::Info };
        studio.notices.push(kind, said.text.clone(), shown.to_string());
    }
    // The folder is not empty any more.
    studio.deidentifying.form.output = None;
    studio.deidentifying.said = Some(said);
}

fn told(report: &DeidentifyReport, output: &Path) -> String {
    let patients = report.patients.len();
    let patients = plural!(patients, "one patient", "{patients} patients", patients);
    let files = report.files;
    let folder = output.display();
    let written = plural!(
        files,
        "One file of {patients} written to {folder}.",
        "{files} files of {patients} written to {folder}.",
        files,
        patients,
        folder
    );
    let Some(first) = report.failed.first() else { return written };
    let count = report.failed.len();
    let failed = plural!(
        count,
        "Not taken over: one file, such as {file} ({why}).",
        "Not taken over: {count} files, such as {file} ({why}).",
        count,
        file = file_name(&first.path),
        why = words::shown(&first.reason)
    );
    format!("{written} {failed}")
}
