//! Contours: RT structure sets (RTSTRUCT), read as masks and written from them.
//!
//! A structure set holds outlines in patient millimetres and no voxels. Read, they are painted on the grid of the scan that they were drawn
//! on; written, they are traced around a mask's voxels.
//!
//! Source: DICOM PS3.3 A.19, C.8.8.5 (Structure Set), C.8.8.6 (ROI Contour), C.8.8.8 (RT ROI Observations).

mod check;
mod codes;
mod doubtful;
mod elements;
mod encode;
mod layers;
mod origin;
mod paint;
mod read;
mod source;
mod structure_set;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::stack::Stack;
use crate::formats::error::{FormatError, Result};
use crate::formats::{Belonging, Entry, Findings, Kind, Save, Skipped, stem};
use crate::work::Watch;

pub use read::is_structure_set;
use source::{ContourFile, listed};
pub use structure_set::{Contour, ContourKind, ReferencedSeries, Roi, StructureSet};

/// How masks are written as contours.
pub const SAVE: Save = Save {
    name: "DICOM contours (RTSTRUCT)",
    endings: &[".rtstruct.dcm", ".rt.dcm"],
    volume: None,
    labels: Some(write::write_labels),
    mesh: None,
    notices: |_, _, _| Vec::new(),
    needs_source: true,
    check: Some(check::check),
};

/// Reads the contours of an RT structure set as they are in the file, in patient millimetres.
///
/// # Errors
/// When the file is no structure set, or an element or field cannot be read.
pub fn read_contours(path: &Path, watch: Watch) -> Result<StructureSet> {
    source::read_set(path, watch)
}

/// Entries of files that are structure sets, each with the scans that were found with it.
///
/// # Errors
/// When the work is stopped.
pub fn scan(paths: &[PathBuf], scans: &[Arc<Stack>], format: &'static str, watch: Watch) -> Result<Findings> {
    let mut findings = Findings::default();
    for path in paths {
        let layers = source::read_set(path, watch).and_then(|mut set| {
            let layers = layers::layers(&set, watch).map_err(|problem| problem.of(path))?;
            set.forget_points();
            Ok((set, layers))
        });
        match layers {
            Ok((set, _)) if set.rois.is_empty() => {
                let reason = "an RT structure set (RTSTRUCT) without structures".into();
                findings.skipped.push(Skipped { path: path.clone(), reason });
            }
            Ok((set, layers)) => findings.entries.extend(entries(path, set, layers, scans, format)),
            Err(FormatError::Stopped(stopped)) => return Err(stopped.into()),
            Err(error) => findings.skipped.push(Skipped { path: path.clone(), reason: error.to_string() }),
        }
    }
    Ok(findings)
}

/// An entry for each mask of a structure set.
fn entries(
    path: &Path,
    set: StructureSet,
    layers: Vec<Vec<usize>>,
    scans: &[Arc<Stack>],
    format: &'static str,
) -> impl Iterator<Item = Entry> {
    let uid = if set.instance_uid.is_empty() { set.series_uid.clone() } else { set.instance_uid.clone() };
    let uid = if uid.is_empty() { stem(path) } else { uid };
    let label = if set.label.is_empty() { stem(path) } else { set.label.clone() };
    let (count, set, path) = (layers.len(), Arc::new(set), path.to_path_buf());
    let scans = scans.to_vec();
    layers.into_iter().enumerate().map(move |(n, rois)| {
        let names: Vec<&str> = rois.iter().filter_map(|roi| set.rois.get(*roi)).map(|roi| roi.name.as_str()).collect();
        Entry {
            format,
            kind: Kind::Contours,
            id: if count == 1 { uid.clone() } else { format!("{uid}#{}", n + 1) },
            name: if count == 1 { label.clone() } else { format!("{label} ({})", listed(&names)) },
            modality: "RTSTRUCT".into(),
            file_count: 1,
            shape: [0; 3],
            path: path.clone(),
            belongs_to: Some(Belonging { patient: set.patient.clone(), study: set.study_uid.clone() }),
            source: Arc::new(ContourFile {
                path: path.clone(),
                set: set.clone(),
                rois,
                is_first: n == 0,
                scans: scans.clone(),
            }),
        }
    })
}
