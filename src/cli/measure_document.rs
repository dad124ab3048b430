//! `lamella measure` of a `.lamella` document: its rulers, angles and regions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::Result;
use super::terminal::Terminal;
use crate::formats;
use crate::jobs::{FindScanJob, JobError, ScanFound};
use crate::measure::{FigureRow, FigureUnits, figure_lines, measure_figure};
use crate::session::{self, KeptScan};
use crate::volume::{Measurement, Volume};
use crate::work::Watch;

/// Widest name that is printed whole.
const NAME_WIDTH: usize = 24;

/// What is asked for.
pub(super) struct Asked<'a> {
    /// The document.
    pub path: &'a Path,
    /// The scan, where it is not looked for where the document says.
    pub image: Option<&'a PathBuf>,
    pub series: Option<&'a str>,
    pub frame: usize,
}

/// The measurements of a document.
#[derive(Serialize)]
pub(super) struct DocumentReport<'a> {
    document: &'a Path,
    frame: usize,
    notices: Vec<String>,
    pub measurements: Vec<FigureRow>,
    /// How the numbers of each row's scan are written.
    #[serde(skip)]
    pub units: Vec<FigureUnits>,
}

/// Measures all of a document. Where a scan is not there its regions have an area and no values.
pub(super) fn report<'a>(asked: &Asked<'a>, terminal: &Terminal) -> Result<DocumentReport<'a>> {
    let report = |share| terminal.progress(share);
    let watch = Watch::unwatched().reporting(&report);
    let scans = session::read_document(asked.path, watch.stage("Reading"))
        .map_err(|error| JobError::Other(format!("{} cannot be read: {error}", asked.path.display())))?;
    let measured: Vec<&KeptScan> = scans.iter().filter(|scan| !scan.measurements.is_empty()).collect();
    if asked.image.is_some() && measured.len() > 1 {
        let text = format!(
            "{} has measurements on {} scans; leave --image out, and they are looked for where they were",
            asked.path.display(),
            measured.len()
        );
        return Err(JobError::Other(text));
    }
    let (mut notices, mut measurements, mut units) = (Vec::new(), Vec::new(), Vec::new());
    for kept in measured {
        let volume = scan_of(kept, asked, terminal, &mut notices)?;
        let own = FigureUnits {
            in_pixels: kept.reference.size_assumed,
            is_ct: volume.as_ref().is_some_and(|volume| volume.is_ct()),
        };
        if own.in_pixels {
            let text =
                format!("nobody knows how large a pixel of {} is: its millimetres are pixels", kept.reference.title());
            terminal.warn(&text);
            notices.push(text);
        }
        measurements.extend(rows(kept, volume.as_deref(), asked.frame, watch)?);
        units.resize(measurements.len(), own);
    }
    Ok(DocumentReport { document: asked.path, frame: asked.frame, notices, measurements, units })
}

fn rows(kept: &KeptScan, volume: Option<&Volume>, frame: usize, watch: Watch) -> Result<Vec<FigureRow>> {
    let geometry = kept.reference.geometry();
    let geometry = geometry.ok_or_else(|| JobError::Other(format!("{} has no grid", kept.reference.title())))?;
    let image = volume.map(|volume| (volume, frame));
    let row = |own: &Measurement| {
        // They stay at their voxels where the scan lies elsewhere by now, as in the window.
        let carried = volume.map(|volume| own.clone().carried(&geometry, &volume.geometry));
        let (own, grid) = (carried.as_ref().unwrap_or(own), volume.map_or(&geometry, |volume| &volume.geometry));
        let measures = measure_figure(own, grid, image, watch)?;
        Ok(FigureRow::on(&kept.reference.name, grid, own, Some(measures)))
    };
    kept.measurements.iter().map(row).collect()
}

/// The scan that a document's measurements were drawn on; `None` where it is not needed or not to be found.
fn scan_of(
    kept: &KeptScan,
    asked: &Asked,
    terminal: &Terminal,
    notices: &mut Vec<String>,
) -> Result<Option<Arc<Volume>>> {
    if !kept.measurements.iter().any(|own| own.figure.is_region()) && asked.image.is_none() {
        return Ok(None);
    }
    let mut warn = |text: String| {
        terminal.warn(&text);
        notices.push(text);
    };
    let title = kept.reference.title();
    let volume = if let Some(path) = asked.image {
        Arc::new(formats::open_one(path, asked.series, Watch::unwatched())?)
    } else {
        let first = kept.beside.clone().into_iter().collect();
        match terminal.run(FindScanJob { reference: kept.reference.clone(), first }, &|()| {})? {
            ScanFound::There(found) => found.volume,
            ScanFound::Missing => {
                warn(format!("{title} is not where it was: its regions have no values; name it with --image"));
                return Ok(None);
            }
        }
    };
    let (now, then) = (volume.geometry.shape(), kept.reference.shape);
    if now != then {
        let text = format!("the scan has {now:?} voxels, and the measurements of {title} were made on one of {then:?}");
        return Err(JobError::Other(text));
    }
    if asked.frame >= volume.frame_count() {
        let text = format!("there is no frame {}: {title} has {} (counted from 0)", asked.frame, volume.frame_count());
        return Err(JobError::Other(text));
    }
    let is_same = kept.reference.likeness(&volume, volume.checksum()) == session::Likeness::Same;
    if !is_same {
        warn(format!("{title} is not as it was when it was measured: its voxels or its place differ"));
    }
    Ok(Some(volume))
}

/// A line for each, below the name of its scan.
pub(super) fn print(report: &DocumentReport) {
    let rows = &report.measurements;
    for (n, (row, units)) in rows.iter().zip(&report.units).enumerate() {
        if n == 0 || rows[n - 1].scan != row.scan {
            say!("{}", row.scan);
            say!("{:NAME_WIDTH$} {:9} {:8} {:>5} value", "name", "kind", "plane", "slice");
        }
        let name: String = row.name.chars().take(NAME_WIDTH).collect();
        let slice = row.slice.map_or_else(|| "-".into(), |slice| slice.to_string());
        let value = row.measures.as_ref().map_or_else(Vec::new, |measures| figure_lines(measures, *units));
        let plane = row.plane.name();
        say!("{name:NAME_WIDTH$} {:9} {plane:8} {slice:>5} {}", row.kind, value.join("; "));
    }
    if rows.is_empty() {
        tell!("note: nothing was measured in the document.");
    }
}
