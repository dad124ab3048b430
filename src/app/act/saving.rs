//! Saving: to the same file again, to another one, and before a scan or the window is left.

use std::path::{Path, PathBuf};

use super::scans::folder_of;
use crate::app::state::body_pictures::PicturesKind;
use crate::app::state::figures::FigureKind;
use crate::app::state::leaving::Leaving;
use crate::app::state::notices::Kind as Seriousness;
use crate::app::state::paths::{Answer, Mode, Purpose, Question};
use crate::app::state::request::Effect;
use crate::app::state::saving::{BeingSaved, Replacing, ReplacingAnswer, SavedFile, file_name};
use crate::app::state::studio::Studio;
use crate::formats::{self, For, Kind, stem};
use crate::jobs::{
    AddToDatasetJob, DOCUMENT_FORMAT, DeidentifyJob, Job, KeepAdaptedJob, MASK_SUFFIX, SaveBodyJob, SaveDocumentJob,
    SaveLabelsJob, SaveNamesJob, SavePictureJob, SaveReportJob, SaveSeriesJob, SaveSheetJob, SaveSlicesJob,
    SaveSurfacesJob, SaveTableJob, SaveVolumeJob, plain_name,
};
use crate::session::{DOCUMENT_ENDING, ScanId, Segmentation, SegmentationId};
use crate::volume::Plane;

/// The ending that the dialog proposes.
const ENDING: &str = ".nii.gz";

/// The name of a scan's file without its ending, or what the scan is called.
pub(super) fn stem_of(studio: &Studio, scan: ScanId) -> String {
    let entry = studio.item_of(scan).map(|item| &item.entry).filter(|entry| entry.path.is_file());
    // The name of a document that holds a scan is not the scan's.
    let entry = entry.filter(|entry| entry.format != DOCUMENT_FORMAT);
    let name = || studio.session.document().scan(scan).map(|volume| plain_name(&volume.name)).unwrap_or_default();
    entry.map_or_else(name, |entry| stem(&entry.path))
}

/// What a dialog chooses for a purpose, and its title.
fn mode_of(purpose: Purpose) -> (Mode, &'static str) {
    match purpose {
        Purpose::OpenFile => (Mode::Open, "Open a file"),
        Purpose::OpenFolder => (Mode::Folder, "Open a folder"),
        Purpose::Dataset => (Mode::Folder, "Folder of labelled scans"),
        Purpose::AddToDataset(_) => (Mode::Folder, "Folder of the data set"),
        Purpose::Report => (Mode::Folder, "Folder for the report"),
        Purpose::FetchInto { .. } => (Mode::Folder, "Folder for what is fetched"),
        Purpose::SendFile => (Mode::Open, "Send a DICOM file"),
        Purpose::Deidentify { is_folder: true } => (Mode::Folder, "Folder of DICOM files"),
        Purpose::Deidentify { is_folder: false } => (Mode::Open, "A DICOM file"),
        Purpose::DeidentifyKey => (Mode::Open, "The file with the secret"),
        Purpose::DeidentifyInto => (Mode::Folder, "Folder for the files without their patients"),
        Purpose::OpenLabels(_) => (Mode::Open, "Open a segmentation"),
        Purpose::CompareWith(_) => (Mode::Open, "Open a mask to compare with"),
        Purpose::SaveNumbers(_) => (Mode::Save("CSV".into(), vec![".csv"]), "Save the numbers"),
        Purpose::SaveSurfaces(_) => (
            Mode::Save(formats::names_of(Kind::Mesh, For::Saving), formats::endings_of(Kind::Mesh, For::Saving)),
            "Export surfaces of the labels",
        ),
        Purpose::SaveMeasurements(_) => (Mode::Save("CSV".into(), vec![".csv"]), "Save the measurements"),
        Purpose::SaveLabels(_) => (
            Mode::Save(formats::names_of(Kind::Labels, For::Saving), formats::endings_of(Kind::Labels, For::Saving)),
            "Save the segmentation",
        ),
        Purpose::SaveImage(_) => (
            Mode::Save(formats::names_of(Kind::Volume, For::Saving), formats::endings_of(Kind::Volume, For::Saving)),
            "Save the image",
        ),
        Purpose::SaveSeries(_) => (Mode::Folder, "Folder for the DICOM series"),
        Purpose::OpenNames(_) => (Mode::Open, "Import label names"),
        Purpose::SaveNames(_) => {
            (Mode::Save("ITK-SNAP label or BIDS table".into(), formats::NAME_ENDINGS.to_vec()), "Export label names")
        }
        Purpose::SaveDocument => {
            (Mode::Save("Lamella document".into(), vec![DOCUMENT_ENDING]), "Save all that is open as a document")
        }
        Purpose::OpenDocument => (Mode::Open, "Open a document"),
        Purpose::FindScan { is_folder: true, .. } => (Mode::Folder, "Where is the folder of the scan?"),
        Purpose::FindScan { .. } => (Mode::Open, "Where is the scan?"),
        Purpose::SaveFigure(_, FigureKind::Files) | Purpose::SaveBody(_, PicturesKind::Turn) => {
            (Mode::Folder, "Folder for the pictures")
        }
        Purpose::SaveFigure(_, FigureKind::Sheet) => {
            (Mode::Save("PNG and TIFF".into(), vec![".png", ".tif"]), "Save the sheet")
        }
        Purpose::SaveFigure(_, FigureKind::Stack) => (Mode::Save("TIFF".into(), vec![".tif"]), "Save the stack"),
        Purpose::SavePicture(..) | Purpose::SaveReslice(..) | Purpose::SaveBody(_, PicturesKind::One) => {
            (Mode::Save("PNG".into(), vec![".png"]), "Save the picture")
        }
    }
}

/// Asks for a path.
pub fn ask(studio: &mut Studio, purpose: Purpose) {
    ask_by_name(studio, purpose, None);
}

/// Asks where a segmentation is to be written in the form that `ending` stands for; its own file stays what it is until it is written.
pub fn ask_for_form(studio: &mut Studio, of: SegmentationId, ending: &'static str) {
    let Some(scan) = studio.session.document().segmentation(of).map(Segmentation::scan) else { return };
    let name = format!("{}{}", stem_of(studio, scan), suffix(studio, of, ending));
    ask_by_name(studio, Purpose::SaveLabels(of), Some(name));
}

/// Asks for a path, with the name that is proposed unless the purpose has its own.
fn ask_by_name(studio: &mut Studio, purpose: Purpose, proposed: Option<String>) {
    let document = studio.session.document();
    let scan = match purpose {
        Purpose::SaveLabels(of)
        | Purpose::OpenLabels(of)
        | Purpose::OpenNames(of)
        | Purpose::SaveNames(of)
        | Purpose::CompareWith(of)
        | Purpose::SaveNumbers(of)
        | Purpose::SaveSurfaces(of)
        | Purpose::AddToDataset(of) => document.segmentation(of).map(Segmentation::scan),
        Purpose::SaveImage(scan)
        | Purpose::SaveSeries(scan)
        | Purpose::SavePicture(scan, _)
        | Purpose::SaveBody(scan, _)
        | Purpose::SaveFigure(scan, _)
        | Purpose::SaveMeasurements(scan) => Some(scan),
        _ => studio.shown,
    };
    let beside = scan.and_then(|scan| folder_of(studio, scan));
    let stem = scan.map(|scan| stem_of(studio, scan)).unwrap_or_default();
    let last = Some(studio.settings.folder.clone()).filter(|folder| folder.is_dir());
    let saved = |of: SegmentationId| studio.label_views.get(&of).and_then(|view| view.file.as_ref());
    let (name, folder) = match purpose {
        Purpose::SaveLabels(of) => match saved(of) {
            Some(file) => {
                (file_name(&file.path), file.path.parent().map(Path::to_path_buf).or(beside.clone()).or(last))
            }
            None => {
                let own = scan.and_then(|scan| super::mask_place::folder_beside(studio.item_of(scan)?));
                let own = own.filter(|own| own.is_dir());
                (format!("{stem}{}", suffix(studio, of, ending(studio, of))), own.or(beside.clone()).or(last))
            }
        },
        Purpose::SaveImage(_) => (format!("{stem}.nii.gz"), beside.clone().or(last)),
        Purpose::SavePicture(_, plane) => {
            (format!("{stem}_{}.png", plane.name().to_lowercase()), beside.clone().or(last))
        }
        Purpose::SaveBody(_, PicturesKind::One) => (format!("{stem}_3d.png"), beside.clone().or(last)),
        Purpose::SaveBody(_, PicturesKind::Turn) => (String::new(), beside.clone().or(last)),
        Purpose::SaveFigure(_, kind) => {
            let ending = match kind {
                FigureKind::Sheet => "_sheet.png",
                FigureKind::Stack => "_slices.tif",
                FigureKind::Files => "",
            };
            let name = if ending.is_empty() { String::new() } else { format!("{stem}{ending}") };
            (name, beside.clone().or(last))
        }
        Purpose::SaveNames(of) => {
            // Beside the mask, under its name, where it is read with it.
            let mask = saved(of).map_or_else(|| format!("{stem}_seg"), |file| formats::stem(&file.path));
            let folder = saved(of).and_then(|file| file.path.parent().map(Path::to_path_buf));
            (format!("{mask}.label"), folder.or(beside.clone()).or(last))
        }
        Purpose::OpenLabels(_) | Purpose::OpenNames(_) | Purpose::CompareWith(_) | Purpose::SaveSeries(_) => {
            (String::new(), beside.clone().or(last))
        }
        Purpose::SaveSurfaces(_) => (format!("{stem}.stl"), beside.clone().or(last)),
        Purpose::SaveNumbers(_) => (format!("{stem}_numbers.csv"), beside.clone().or(last)),
        Purpose::SaveMeasurements(_) => (format!("{stem}_measurements.csv"), beside.clone().or(last)),
        Purpose::SaveDocument => (format!("{stem}{DOCUMENT_ENDING}"), beside.clone().or(last)),
        _ => (String::new(), last),
    };
    let name = proposed.unwrap_or(name);
    let (mode, title) = mode_of(purpose);
    let recent = studio.settings.recent.iter();
    let recent = recent.filter_map(|path| if path.is_dir() { Some(path.as_path()) } else { path.parent() });
    let places = beside.into_iter().chain(recent.map(Path::to_path_buf)).collect();
    studio.effects.push(Effect::Ask(Question { purpose, mode, title, folder, name }, places));
}

/// The ending that is proposed for a segmentation's first file.
fn ending(studio: &Studio, of: SegmentationId) -> &'static str {
    super::templates::ending_of(studio, of).unwrap_or(ENDING)
}

/// What is appended to the scan's name: another segmentation of the same scan is told apart by its own.
fn suffix(studio: &Studio, of: SegmentationId, ending: &str) -> String {
    let document = studio.session.document();
    let first = format!("{MASK_SUFFIX}{ending}");
    let Some(segmentation) = document.segmentation(of) else { return first };
    match document.segmentations_of(segmentation.scan()).position(|(id, _)| id == of) {
        None | Some(0) => first,
        Some(_) => format!("_{}{first}", plain_name(segmentation.name()).replace(' ', "_")),
    }
}

/// Saves a segmentation to its file, or asks for one where it has none.
pub fn save(studio: &mut Studio, of: SegmentationId) {
    match studio.label_views.get(&of).and_then(|view| view.file.clone()) {
        Some(file) if file.is_changed() => {
            let why = "Another program has written it since Lamella did.";
            let purpose = Purpose::SaveLabels(of);
            studio.replacing = Some(Replacing { purpose, mode: mode_of(purpose).0, path: file.path, why });
        }
        Some(file) => save_labels(studio, of, file.path),
        None => match super::mask_place::remembered(studio, of) {
            Some(path) => save_labels(studio, of, path),
            None => ask(studio, Purpose::SaveLabels(of)),
        },
    }
}

/// Writes a segmentation.
pub fn save_labels(studio: &mut Studio, of: SegmentationId, path: PathBuf) {
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    if studio.being_saved.iter().any(|saving| saving.of == of || saving.path == path) {
        studio.leave_when_saved = None;
        studio.notices.info("This file is being written; save again when that is done.");
        return;
    }
    let (labels, annotations) = (segmentation.labels().clone(), segmentation.annotations());
    let source = studio.session.document().scan(segmentation.scan()).and_then(|scan| scan.source.clone());
    let saving = BeingSaved { of, path: path.clone(), revision: segmentation.revision() };
    studio.being_saved.push(saving.clone());
    let job = SaveLabelsJob { path, labels, annotations, source, sidecar: true };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            studio.being_saved.retain(|other| *other != saving);
            if studio.told(result).is_some() {
                saved(studio, &saving);
            } else {
                studio.leave_when_saved = None;
            }
        },
    );
}

/// A segmentation is in its file; what waited for that is done.
fn saved(studio: &mut Studio, saving: &BeingSaved) {
    studio.session.mark_saved(saving.of, saving.revision);
    if let Some(view) = studio.label_views.get_mut(&saving.of) {
        view.file = Some(SavedFile::new(&saving.path));
    }
    let scan = studio.session.document().segmentation(saving.of).map(Segmentation::scan);
    let item = studio.items.iter().position(|item| item.scan.is_some() && item.scan == scan);
    item.into_iter().for_each(|n| super::mask_place::learn(studio, n, &saving.path));
    tell_saved(studio, &saving.path);
    go_on_leaving(studio, true);
}

/// What waited for something to be saved goes on, or is given up where that failed.
pub(super) fn go_on_leaving(studio: &mut Studio, is_saved: bool) {
    if !is_saved {
        studio.leave_when_saved = None;
    }
    if studio.being_saved.is_empty()
        && let Some(leaving) = studio.leave_when_saved.take()
    {
        // One after the other, until nothing is left to save.
        if super::leaving::unsaved(studio, leaving).is_empty() {
            super::leaving::ask(studio, leaving);
        } else {
            save_and_leave(studio, leaving);
        }
    }
}

/// Tells that a file is written.
pub fn tell_saved(studio: &mut Studio, path: &Path) {
    studio.notices.forget_errors();
    studio.notices.push(Seriousness::Info, format!("Saved {}.", file_name(path)), path.display().to_string());
}

/// Saves what leaving would lose, and leaves when it is on disk. One file after the other asks for its name.
pub fn save_and_leave(studio: &mut Studio, leaving: Leaving) {
    let of: Vec<SegmentationId> = super::leaving::unsaved(studio, leaving).into_iter().map(|(id, _)| id).collect();
    studio.leave_when_saved = Some(leaving);
    if of.is_empty() && !super::leaving::unsaved_measurements(studio, leaving).is_empty() {
        super::documents::save(studio);
        if !studio.tasks.is_running(SaveDocumentJob::KIND) && studio.effects.is_empty() {
            // It cannot be saved now, as was told.
            studio.leave_when_saved = None;
        }
        return;
    }
    // Those that have a file first; then the first of those that have none.
    let has_file = |id: &SegmentationId| studio.label_views.get(id).is_some_and(|view| view.file.is_some());
    let (with_file, without): (Vec<SegmentationId>, Vec<SegmentationId>) = of.into_iter().partition(has_file);
    let now = if with_file.is_empty() { without.into_iter().take(1).collect() } else { with_file };
    now.into_iter().for_each(|id| save(studio, id));
}

/// Takes the path that a dialog gave. A name without an ending gets one; a file that the dialog did not ask about is not written over
/// without a word.
pub fn take_answer(studio: &mut Studio, answer: Answer) {
    let Answer { purpose, mode, path } = answer;
    let Some(chosen) = path else {
        if let Purpose::FindScan { id, .. } = purpose {
            super::bringing::take_place(studio, id, None);
        }
        studio.leave_when_saved = None;
        return;
    };
    let path = match &mode {
        Mode::Save(_, endings) => match formats::with_ending(&chosen, endings) {
            Ok(path) => path,
            Err(problem) => {
                studio.leave_when_saved = None;
                let text = format!("Nothing was saved. {problem}");
                studio.notices.push(Seriousness::Error, text, chosen.display().to_string());
                return;
            }
        },
        Mode::Open | Mode::Folder => chosen.clone(),
    };
    let folder = if mode == Mode::Folder { Some(path.as_path()) } else { path.parent() };
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        studio.settings.folder = folder.to_path_buf();
    }
    if path != chosen && path.exists() {
        let why = "What it holds is lost when it is replaced.";
        studio.replacing = Some(Replacing { purpose, mode, path, why });
        return;
    }
    use_path(studio, purpose, path);
}

/// Does what the user says about a file that is there.
pub fn answer_replacing(studio: &mut Studio, answer: ReplacingAnswer) {
    let Some(Replacing { purpose, path, .. }) = studio.replacing.take() else { return };
    match answer {
        ReplacingAnswer::Replace => use_path(studio, purpose, path),
        ReplacingAnswer::Another => ask(studio, purpose),
        ReplacingAnswer::Cancel => studio.leave_when_saved = None,
    }
}

/// Does what a path was chosen for.
fn use_path(studio: &mut Studio, purpose: Purpose, path: PathBuf) {
    match purpose {
        Purpose::OpenFile | Purpose::OpenFolder => super::scans::open(studio, vec![path]),
        Purpose::Dataset => super::teach::set_dataset(studio, path),
        Purpose::Report => super::teach::save_report(studio, path),
        Purpose::AddToDataset(of) => super::teach::add_to_dataset(studio, of, path),
        Purpose::SaveDocument => super::documents::save_to(studio, path),
        Purpose::OpenDocument => super::documents::open(studio, path),
        Purpose::FetchInto { starts } => super::servers::set_folder(studio, path, starts),
        Purpose::SendFile => super::servers::send_file(studio, path),
        Purpose::Deidentify { .. } => super::deidentifying::take_input(studio, path),
        Purpose::DeidentifyKey => super::deidentifying::take_key(studio, path),
        Purpose::DeidentifyInto => super::deidentifying::take_output(studio, &path),
        Purpose::FindScan { id, .. } => super::bringing::take_place(studio, id, Some(&path)),
        Purpose::OpenLabels(of) => super::scans::open_labels(studio, of, path, None),
        Purpose::CompareWith(of) => super::comparing::open_second(studio, of, path),
        Purpose::SaveLabels(of) => save_labels(studio, of, path),
        Purpose::OpenNames(of) => super::label_names::open(studio, of, path),
        Purpose::SaveNames(of) => super::label_names::save(studio, of, path),
        Purpose::SaveNumbers(_) => super::numbers::save_csv(studio, path),
        Purpose::SaveSurfaces(of) => super::surfaces::save(studio, of, &path),
        Purpose::SaveMeasurements(scan) => super::measuring::save_csv(studio, scan, path),
        Purpose::SaveImage(scan) => {
            if let Some(volume) = studio.session.document().scan(scan).cloned() {
                save_other(studio, SaveVolumeJob { path: path.clone(), volume }, path);
            }
        }
        Purpose::SaveSeries(scan) => save_series(studio, scan, path),
        Purpose::SaveFigure(scan, _) => super::figures::save(studio, scan, path),
        Purpose::SaveReslice(scan, tile) => match super::reslicing::picture_of(studio, scan, tile) {
            Some(picture) => save_other(studio, SavePictureJob { path: path.clone(), picture }, path),
            None => studio.notices.warn("The tile shows no whole picture: save it once it does"),
        },
        Purpose::SaveBody(scan, kind) => super::body_pictures::save(studio, scan, kind, path),
        Purpose::SavePicture(scan, plane) => {
            if let Some(picture) = picture_of(studio, scan, plane) {
                save_other(studio, SavePictureJob { path: path.clone(), picture }, path);
            }
        }
    }
}

/// Writes a scan as a DICOM series into a folder, or into a new one in it, and tells where it is.
fn save_series(studio: &mut Studio, scan: ScanId, folder: PathBuf) {
    let Some(volume) = studio.session.document().scan(scan).cloned() else { return };
    let name = format!("{}_dicom", stem_of(studio, scan));
    studio.start(
        SaveSeriesJob { folder, name, volume },
        |_, ()| {},
        |studio, result| {
            if let Some(own) = studio.told(result) {
                tell_saved(studio, &own);
            }
        },
    );
}

/// Runs a job that writes a file, and tells when it is there.
pub fn save_other<J: Job>(studio: &mut Studio, job: J, path: PathBuf) {
    studio.start(
        job,
        |_, _| {},
        move |studio, result| {
            if studio.told(result).is_some() {
                tell_saved(studio, &path);
            }
        },
    );
}

/// A picture of a slice as it is shown.
fn picture_of(studio: &Studio, scan: ScanId, plane: Plane) -> Option<crate::formats::RgbPicture> {
    let (volume, view) = (studio.session.document().scan(scan)?, studio.scan_views.get(&scan)?);
    let segmentation = studio.session.document().segmentation(view.segmentation)?;
    let layout = crate::volume::PlaneLayout::new(&volume.geometry, plane).mirrored(view.flips(plane));
    let figures = super::measuring::drawn(studio, scan, plane);
    let look = crate::drawing::Look { figures, ..super::shown_look::shown_look(studio, view, view.pose(plane)) };
    let place = (view.frame, layout.screen(view.cursor)[2]);
    let over = super::overlay::saved_slice(studio, scan, &layout, place.1);
    let (labels, table) = (segmentation.labels(), segmentation.table());
    Some(crate::drawing::picture(volume, labels, table, &layout, place, &look, over.as_ref()))
}

/// Whether a file is being written.
pub fn is_saving(studio: &Studio) -> bool {
    let kinds = [
        SaveLabelsJob::KIND,
        SaveVolumeJob::KIND,
        SaveSeriesJob::KIND,
        SavePictureJob::KIND,
        SaveBodyJob::KIND,
        KeepAdaptedJob::KIND,
        AddToDatasetJob::KIND,
        SaveReportJob::KIND,
        SaveNamesJob::KIND,
        SaveDocumentJob::KIND,
        SaveTableJob::KIND,
        SaveSurfacesJob::KIND,
        DeidentifyJob::KIND,
        SaveSheetJob::KIND,
        SaveSlicesJob::KIND,
    ];
    kinds.into_iter().any(|kind| studio.tasks.is_running(kind))
}
