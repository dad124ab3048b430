//! Slices for papers: a small picture of what comes of the choices, and writing it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::saving;
use crate::app::state::figures::{DrawnOf, FigureForm, FigureKind, FigureRequest};
use crate::app::state::paths::Purpose;
use crate::app::state::picture::Picture;
use crate::app::state::saving::file_name;
use crate::app::state::servers::Said;
use crate::app::state::studio::Studio;
use crate::drawing::{Look, PICTURE_EDGE, PictureSize, SheetParts, SheetPlan, evenly, usual_columns};
use crate::formats::{RgbPicture, stem};
use crate::jobs::{DrawSheetJob, Inputs, Job, SaveSheetJob, SaveSlicesJob, SliceContent, SliceFiles};
use crate::session::ScanId;
use crate::volume::{LabelMap, LabelTable, Plane, PlaneLayout, Volume};

/// Slices that are proposed.
const PROPOSED: usize = 12;
/// Pixels of a preview across.
const PREVIEW_WIDTH: usize = 900;
/// Most slices of a preview.
const MOST_IN_PREVIEW: usize = 60;

/// Opens the window, with slices through the labels where there are any.
pub fn open(studio: &mut Studio) {
    let Some(scan) = studio.shown else { return };
    let last = studio.figures.last.take().filter(|(of, _)| *of == scan).map(|(_, form)| form);
    studio.figures.said = None;
    studio.figures.form = last.or_else(|| proposed(studio));
}

fn proposed(studio: &Studio) -> Option<FigureForm> {
    let volume = studio.volume()?;
    let plane = studio.hover.map_or(Plane::Axial, |hover| hover.plane);
    let layout = PlaneLayout::new(&volume.geometry, plane);
    let labels = studio.segmentation()?.labels();
    let labelled: Vec<usize> =
        (0..layout.size[2]).filter(|slice| layout.labelled_part(labels, *slice).is_some()).collect();
    let all: Vec<usize> = if labelled.is_empty() { (0..layout.size[2]).collect() } else { labelled };
    let chosen = evenly(all.len(), PROPOSED);
    let columns = usual_columns(chosen.len());
    let settings = &studio.settings;
    let look = [settings.fill.then_some(settings.opacity), settings.outline.then_some(1.0)];
    Some(FigureForm::new(plane, as_typed(&all, chosen.len()), columns, look))
}

/// Slices from the first to the last in even steps, at most so many, as a user would type them.
fn as_typed(all: &[usize], most: usize) -> String {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return "all".into() };
    let step = (last - first + 1).div_ceil(most.max(1)).max(1);
    let range = format!("{}-{}", first + 1, last + 1);
    if step == 1 { range } else { format!("{range}:{step}") }
}

/// Does what the window asks for.
pub fn answer(studio: &mut Studio, request: FigureRequest) {
    match request {
        FigureRequest::Close => {
            studio.tasks.stop(DrawSheetJob::KIND);
            studio.figures.last = studio.shown.zip(studio.figures.form.take());
            (studio.figures.preview, studio.figures.drawing) = (None, None);
        }
        FigureRequest::Form(form) => {
            studio.figures.said = None;
            studio.figures.form = Some(*form);
        }
        FigureRequest::Save => {
            if let (Some(scan), Some(form)) = (studio.shown, &studio.figures.form) {
                let kind = form.kind;
                saving::ask(studio, Purpose::SaveFigure(scan, kind));
            }
        }
    }
}

/// Why nothing can be written.
pub fn lacks(studio: &Studio) -> Option<String> {
    let (volume, form) = (studio.volume()?, studio.figures.form.as_ref()?);
    let count = PlaneLayout::new(&volume.geometry, form.plane).size[2];
    let numbers = form.numbers(count);
    let problem = numbers.as_ref().err().cloned();
    problem.or_else(|| numbers.is_ok_and(|all| all.is_empty()).then(|| "No slice is chosen".into()))
}

/// Draws a new preview where the choices have changed; a drawing of old choices is stopped.
pub fn follow(studio: &mut Studio) {
    let Some(wanted) = wanted(studio) else { return };
    let is_there = |of: &DrawnOf| *of == wanted;
    if studio.figures.drawing.as_ref().is_some_and(is_there) {
        return;
    }
    if studio.figures.preview.as_ref().is_some_and(|(of, _)| is_there(of)) {
        (studio.figures.drawing, studio.figures.problem) = (None, None);
        return;
    }
    studio.tasks.stop(DrawSheetJob::KIND);
    studio.figures.drawing = Some(wanted.clone());
    let draw = match drawing(studio, &wanted.form, true) {
        Ok(draw) => draw,
        Err(problem) => {
            studio.figures.problem = Some(problem);
            return;
        }
    };
    studio.start(
        draw,
        |_, ()| {},
        move |studio, result| match result {
            Ok(sheet) => {
                studio.figures.problem = None;
                studio.figures.drawing.take_if(|of| *of == wanted);
                studio.figures.preview = Some((wanted, opaque(&sheet.picture)));
            }
            Err(error) if error.is_stop() => {}
            Err(error) => studio.figures.problem = Some(error.to_string()),
        },
    );
}

/// What a preview would be of now.
fn wanted(studio: &Studio) -> Option<DrawnOf> {
    let (form, scan, view) = (studio.figures.form.clone()?, studio.shown?, studio.view()?);
    let labels = studio.active().and_then(|of| studio.revision(of));
    Some(DrawnOf { form, scan, labels, look: (view.frame, view.window, view.inverted) })
}

fn opaque(picture: &RgbPicture) -> Picture {
    let rgba = picture.rgb.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], u8::MAX]).collect();
    Picture { size: [picture.width, picture.height], rgba: Arc::new(rgba) }
}

/// A scan with its labels.
type Scene = (Arc<Volume>, LabelMap, LabelTable);

fn scene(studio: &Studio) -> Option<Scene> {
    let segmentation = studio.segmentation()?;
    Some((studio.volume()?.clone(), segmentation.labels().clone(), segmentation.table().clone()))
}

fn look(studio: &Studio, form: &FigureForm, size: PictureSize) -> Option<Look> {
    let view = studio.view()?;
    Some(Look {
        is_inverted: view.inverted,
        is_smooth: studio.settings.smooth,
        opacity: form.opacity,
        outline: form.outline,
        labels: form.labels,
        size,
        ..Look::plain(view.window)
    })
}

/// The sheet that is drawn, at its full size or as a preview; of files and stacks a preview shows tiles alone.
fn drawing(studio: &Studio, form: &FigureForm, is_preview: bool) -> Result<DrawSheetJob, String> {
    let none = || "Open a scan first".to_string();
    let (volume, labels, table) = scene(studio).ok_or_else(none)?;
    let view = studio.view().ok_or_else(none)?;
    let mut slices = form.numbers(PlaneLayout::new(&volume.geometry, form.plane).size[2])?;
    let full = form.width();
    let width = if is_preview { PREVIEW_WIDTH.min(full) } else { full };
    if is_preview {
        slices.truncate(MOST_IN_PREVIEW);
    }
    let is_sheet = form.kind == FigureKind::Sheet;
    let mut look = look(studio, form, PictureSize::Width(1)).ok_or_else(none)?;
    if !is_sheet && form.content != SliceContent::Overlay {
        look.labels = form.content == SliceContent::Labels;
    }
    let alone = SheetParts { captions: true, letters: false, bar: false, legend: false };
    let plan = SheetPlan {
        plane: form.plane,
        flips: if is_sheet { view.flips(form.plane) } else { [false; 2] },
        frame: view.frame,
        columns: if is_sheet { form.columns } else { usual_columns(slices.len()) },
        slices,
        width,
        dots_per_inch: f32::from(form.dots) * width as f32 / full.max(1) as f32,
        ground: form.ground,
        parts: if is_sheet { form.parts } else { alone },
        look,
    };
    Ok(DrawSheetJob { volume, labels, table, plan })
}

/// Writes what is chosen to a path.
pub fn save(studio: &mut Studio, scan: ScanId, path: PathBuf) {
    let Some(form) = studio.figures.form.clone().filter(|_| studio.shown == Some(scan)) else { return };
    studio.figures.said = None;
    match form.kind {
        FigureKind::Sheet => save_sheet(studio, &form, path),
        FigureKind::Files | FigureKind::Stack => save_slices(studio, &form, path),
    }
}

fn save_sheet(studio: &mut Studio, form: &FigureForm, path: PathBuf) {
    let draw = match drawing(studio, form, false) {
        Ok(draw) => draw,
        Err(problem) => {
            studio.figures.said = Some(Said::bad(problem));
            return;
        }
    };
    let dots = form.dots;
    studio.start(
        SaveSheetJob { draw, path },
        |_, ()| {},
        move |studio, result| {
            let result = result.map(|(path, [width, height])| {
                (format!("Saved {}: {width} x {height} pixels at {dots} dots per inch.", file_name(&path)), path)
            });
            told(studio, result);
        },
    );
}

fn save_slices(studio: &mut Studio, form: &FigureForm, path: PathBuf) {
    let Some((volume, labels, table)) = scene(studio) else { return };
    let (Some(view), Some(look)) = (studio.view(), look(studio, form, PictureSize::ShorterSide(PICTURE_EDGE))) else {
        return;
    };
    let slices = match form.numbers(PlaneLayout::new(&volume.geometry, form.plane).size[2]) {
        Ok(slices) => slices,
        Err(problem) => {
            studio.figures.said = Some(Said::bad(problem));
            return;
        }
    };
    let entry = studio.shown_item().map(|item| &item.entry);
    let name = entry.map(|entry| if entry.path.is_file() { stem(&entry.path) } else { entry.name.clone() });
    let files = if form.kind == FigureKind::Stack {
        SliceFiles::One(path)
    } else {
        let ending = if form.is_tiff { ".tif" } else { ".png" };
        let stem = crate::jobs::plain_name(&name.unwrap_or_default());
        SliceFiles::Each { folder: path, stem, ending }
    };
    let inputs = Inputs::new(entry.map(|entry| entry.path.clone()).filter(|path| path.is_file()));
    let job = SaveSlicesJob {
        volume: Some(volume),
        labels,
        table,
        content: form.content,
        plane: form.plane,
        slices,
        base: 1,
        frame: view.frame,
        look,
        files,
        inputs,
    };
    studio.start(
        job,
        |_, ()| {},
        |studio, result| {
            let result = result.map(|written| {
                let first = written.first().cloned().unwrap_or_default();
                let folder = first.parent().map(Path::to_path_buf).unwrap_or_default();
                match written.len() {
                    1 => (format!("Saved {}.", file_name(&first)), first),
                    count => (format!("Saved {count} pictures in {}.", folder.display()), folder),
                }
            });
            told(studio, result);
        },
    );
}

/// Says what came of it: in the window, or where that is closed by a message.
fn told(studio: &mut Studio, result: Result<(String, PathBuf), crate::jobs::JobError>) {
    if studio.figures.form.is_none() {
        if let Some((text, path)) = studio.told(result) {
            studio.notices.push(crate::app::state::notices::Kind::Info, text, path.display().to_string());
        }
        return;
    }
    studio.figures.said = match result {
        Ok((text, _)) => Some(Said::good(text)),
        Err(error) if error.is_stop() => None,
        Err(error) => Some(Said::bad(error.to_string())),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposed_slices_are_typed_as_a_user_would() {
        let all: Vec<usize> = (9..70).collect();
        assert_eq!(as_typed(&all, 12), "10-70:6");
        assert_eq!(as_typed(&[3, 4, 5], 12), "4-6");
        assert_eq!(as_typed(&[], 12), "all");
    }
}
