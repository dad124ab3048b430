//! Rulers, angles and regions: measuring them, finding the one under the pointer, going to one, renaming, deleting, copying.

use std::path::PathBuf;

use crate::app::state::measuring::Known;
use crate::app::state::request::Effect;
use crate::app::state::studio::Studio;
use crate::drawing::DrawnFigure;
use crate::jobs::{Job, MeasureFiguresJob, SaveTableJob};
use crate::measure::{
    FigureMeasures, FigureRow, FigureUnits, figure_cost, figure_lines, figures_csv, figures_text, measure_figure,
};
use crate::session::{Command, Edit, MeasurementId, Measurements, MergeKey, ScanId};
use crate::volume::{Measurement, Plane, PlaneLayout};
use crate::work::Watch;

/// Most voxels that are measured within a frame.
const FEW_VOXELS: usize = 1 << 16;
/// How near the pointer must be to a line, in points of the screen.
const REACH_POINTS: f64 = 6.0;

/// The measurements of the scan on screen as they are shown: the one that a tool draws or changes stands in for the document's.
pub fn shown(studio: &Studio) -> impl Iterator<Item = (MeasurementId, &Measurement)> {
    let drafted = studio.hand.tool.drafted().filter(|drafted| Some(drafted.scan) == studio.shown);
    let own = studio.shown.map(|scan| studio.session.document().measurements(scan));
    let own = own.into_iter().flat_map(Measurements::iter);
    let others = own.filter(move |(id, _)| drafted.is_none_or(|drafted| drafted.id != *id));
    others.chain(drafted.map(|drafted| (drafted.id, &drafted.measurement)))
}

/// Measures what has changed: little at once, much in the background.
pub fn follow(studio: &mut Studio) {
    let (Some(scan), Some(frame)) = (studio.shown, studio.view().map(|view| view.frame)) else { return };
    if shown(studio).next().is_none() {
        studio.measuring.known.retain(|(of, _), _| *of != scan);
        return;
    }
    let Some(volume) = studio.volume().cloned() else { return };
    let is_new = |(id, own): &(MeasurementId, &Measurement)| studio.measuring.known(scan, *id, own, frame).is_none();
    let fresh: Vec<(MeasurementId, Measurement)> =
        shown(studio).filter(is_new).map(|(id, own)| (id, own.clone())).collect();
    let (mut room, mut many) = (FEW_VOXELS, Vec::new());
    for (id, measurement) in fresh {
        let cost = figure_cost(&measurement, &volume.geometry);
        let image = Some((volume.as_ref(), frame));
        if cost <= room
            && let Ok(measures) = measure_figure(&measurement, &volume.geometry, image, Watch::unwatched())
        {
            room -= cost;
            studio.measuring.known.insert((scan, id), Known { measurement, frame, measures: Some(measures) });
        } else {
            many.push((id, measurement));
        }
    }
    let ids: std::collections::BTreeSet<MeasurementId> = shown(studio).map(|(id, _)| id).collect();
    studio.measuring.known.retain(|(of, id), _| *of != scan || ids.contains(id));
    if !many.is_empty() && studio.tasks.find(MeasureFiguresJob::KIND).is_none() {
        measure_many(studio, scan, frame, many);
    }
}

fn measure_many(studio: &mut Studio, scan: ScanId, frame: usize, many: Vec<(MeasurementId, Measurement)>) {
    let Some(volume) = studio.volume().cloned() else { return };
    let measurements = many.iter().map(|(_, own)| own.clone()).collect();
    studio.start(
        MeasureFiguresJob { volume, frame, measurements },
        |_, ()| {},
        move |studio, result| {
            let measured = studio.told(result);
            let count = many.len();
            let all: Vec<Option<FigureMeasures>> =
                measured.map_or_else(|| vec![None; count], |all| all.into_iter().map(Some).collect());
            for ((id, measurement), measures) in many.into_iter().zip(all) {
                studio.measuring.known.insert((scan, id), Known { measurement, frame, measures });
            }
        },
    );
}

/// How numbers of the scan on screen are written.
pub fn units(studio: &Studio) -> FigureUnits {
    let volume = studio.volume();
    FigureUnits {
        in_pixels: volume.is_some_and(|volume| volume.geometry.is_size_assumed()),
        is_ct: volume.is_some_and(|volume| volume.is_ct()),
    }
}

/// What a measurement of the scan on screen gives, for people; one line where it is not known yet.
pub fn lines(studio: &Studio, id: MeasurementId, own: &Measurement) -> Vec<String> {
    let known =
        studio.shown.zip(studio.view()).and_then(|(scan, view)| studio.measuring.known(scan, id, own, view.frame));
    match known {
        Some(Known { measures: Some(measures), .. }) => figure_lines(measures, units(studio)),
        Some(_) => vec!["Not measured".into()],
        None => vec!["Measuring...".into()],
    }
}

/// Lines of a measurement that are always shown; the others only where the pointer is, since they cover the image.
pub const FEW_LINES: usize = 2;

/// The measurements of the slice in a view of the scan on screen, for a picture of it.
pub fn drawn(studio: &Studio, scan: ScanId, plane: Plane) -> Vec<DrawnFigure> {
    let (Some(volume), Some(view)) = (studio.volume(), studio.view()) else { return Vec::new() };
    let (Some(layout), Some(slice)) = (studio.layout(plane), studio.slice(plane)) else { return Vec::new() };
    let flips = view.flips(plane);
    let mirrored = |at: [f64; 2]| [0, 1].map(|n| if flips[n] { layout.size[n] as f64 - at[n] } else { at[n] });
    let is_here = |own: &Measurement| own.plane == plane && own.slice(&volume.geometry) == Some(slice);
    let here = shown(studio).filter(|(_, own)| studio.shown == Some(scan) && is_here(own));
    let drawn = here.map(|(id, own)| DrawnFigure {
        outline: own.outline(&volume.geometry).into_iter().map(mirrored).collect(),
        lines: lines(studio, id, own).into_iter().take(FEW_LINES).collect(),
    });
    drawn.collect()
}

/// The measurement whose line lies under the pointer.
pub fn under_pointer(studio: &Studio) -> Option<MeasurementId> {
    let (hover, volume) = (studio.hover?, studio.volume()?);
    let slice = studio.slice(hover.plane)?;
    let here = shown(studio).filter(|(_, own)| own.plane == hover.plane);
    let here = here.filter(|(_, own)| own.slice(&volume.geometry) == Some(slice));
    let away = |(id, own): (MeasurementId, &Measurement)| {
        let outline = own.outline(&volume.geometry);
        let on_screen =
            |point: [f64; 2]| [0, 1].map(|n| (point[n] - hover.at[n]) / f64::from(hover.pixels_per_point[n]).max(1e-9));
        let lines = outline.windows(2).map(|line| from_origin(on_screen(line[0]), on_screen(line[1])));
        (id, lines.fold(f64::INFINITY, f64::min))
    };
    let near = here.map(away).filter(|(_, away)| *away <= REACH_POINTS);
    near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(id, _)| id)
}

/// Distance of a line between two points from the origin.
fn from_origin(a: [f64; 2], b: [f64; 2]) -> f64 {
    let way = [b[0] - a[0], b[1] - a[1]];
    let squared = way[0] * way[0] + way[1] * way[1];
    let share = if squared > 0.0 { (-(a[0] * way[0] + a[1] * way[1]) / squared).clamp(0.0, 1.0) } else { 0.0 };
    (a[0] + way[0] * share).hypot(a[1] + way[1] * share)
}

fn get(studio: &Studio, id: MeasurementId) -> Option<(ScanId, Measurement)> {
    let scan = studio.shown?;
    Some((scan, studio.session.document().measurements(scan).get(id)?.clone()))
}

/// Moves the cursor into the middle of a measurement, so that its slice is in view.
pub fn go_to(studio: &mut Studio, id: MeasurementId) {
    let (Some((_, own)), Some(volume)) = (get(studio, id), studio.volume().cloned()) else { return };
    let Some(slice) = own.slice(&volume.geometry) else {
        return studio.notices.info(format!("\"{}\" lies beside the scan.", own.name));
    };
    let layout = PlaneLayout::new(&volume.geometry, own.plane);
    let points = own.pixels(&volume.geometry);
    let middle = |axis: usize| {
        let sum: f64 = points.iter().map(|point| point[axis]).sum();
        let last = layout.size[axis].saturating_sub(1);
        ((sum / points.len().max(1) as f64).max(0.0) as usize).min(last)
    };
    let cursor = layout.voxel([middle(0), middle(1), slice]);
    studio.view_mut().into_iter().for_each(|view| view.cursor = cursor);
}

/// A measurement that undo or redo changed is seen.
pub fn show_changed(studio: &mut Studio, scan: ScanId, id: MeasurementId) {
    super::scans::show(studio, scan);
    let own = get(studio, id).map(|(_, own)| own);
    let is_in_view = own.is_none_or(|own| {
        let slice = studio.volume().and_then(|volume| own.slice(&volume.geometry));
        slice.is_none() || slice == studio.slice(own.plane)
    });
    if !is_in_view {
        go_to(studio, id);
    }
}

/// Gives a measurement another name.
pub fn rename(studio: &mut Studio, id: MeasurementId, name: String) {
    let Some((scan, own)) = get(studio, id) else { return };
    let edits = vec![Edit::Measurement(scan, id, Some(Measurement { name, ..own }))];
    let merge = Some(MergeKey { control: "measurement name", of: u64::from(id.number()) });
    let _ = super::painting::apply(studio, Command { merge, ..Command::by_hand("Rename measurement", edits) });
}

/// Takes a measurement away.
pub fn delete(studio: &mut Studio, id: MeasurementId) {
    let Some((scan, own)) = get(studio, id) else { return };
    let name = format!("Delete {}", own.figure.name_in_text());
    let edits = vec![Edit::Measurement(scan, id, None)];
    let _ = super::painting::apply(studio, Command::by_hand(name, edits));
}

/// Takes the measurement under the pointer away.
pub fn delete_under_pointer(studio: &mut Studio) {
    if let Some(id) = under_pointer(studio) {
        delete(studio, id);
    }
}

/// Why measurements of the scan on screen cannot be copied.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    let Some(scan) = studio.shown else { return Some("Open a scan first") };
    let is_empty = studio.session.document().measurements(scan).is_empty();
    is_empty.then_some("Nothing is measured yet: draw with the ruler, angle or region tool")
}

/// The rows of a scan's table, once all are measured.
fn rows(studio: &mut Studio, scan: ScanId) -> Option<Vec<FigureRow>> {
    let volume = studio.session.document().scan(scan)?.clone();
    let frame = studio.scan_views.get(&scan)?.frame;
    let row = |(id, own): (MeasurementId, &Measurement)| {
        let known = studio.measuring.known(scan, id, own, frame)?;
        Some(FigureRow::new(&volume, own, known.measures.clone()))
    };
    let rows: Option<Vec<FigureRow>> = studio.session.document().measurements(scan).iter().map(row).collect();
    if rows.is_none() {
        studio.notices.info("The measurements are still being measured; try again when their numbers are there.");
    }
    rows
}

/// Puts the table on the clipboard, for a document or a sheet.
pub fn copy_text(studio: &mut Studio) {
    if let Some(rows) = studio.shown.and_then(|scan| rows(studio, scan)) {
        studio.effects.push(Effect::Copy(figures_text(&rows, units(studio))));
        studio.notices.info("The measurements are on the clipboard.");
    }
}

/// Puts the table on the clipboard as CSV, with all columns and digits.
pub fn copy_csv(studio: &mut Studio) {
    if let Some(rows) = studio.shown.and_then(|scan| rows(studio, scan)) {
        studio.effects.push(Effect::Copy(figures_csv(&rows)));
        studio.notices.info("The measurements are on the clipboard as CSV.");
    }
}

/// Writes a scan's table as CSV.
pub fn save_csv(studio: &mut Studio, scan: ScanId, path: PathBuf) {
    if let Some(rows) = rows(studio, scan) {
        let job = SaveTableJob { path: path.clone(), text: figures_csv(&rows) };
        super::saving::save_other(studio, job, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_far_as_its_nearest_point() {
        assert_eq!(from_origin([3.0, -1.0], [3.0, 9.0]), 3.0);
        assert_eq!(from_origin([3.0, 4.0], [6.0, 8.0]), 5.0, "its end");
        assert_eq!(from_origin([3.0, 4.0], [3.0, 4.0]), 5.0, "a point");
        assert_eq!(from_origin([-2.0, 0.0], [5.0, 0.0]), 0.0);
    }
}
