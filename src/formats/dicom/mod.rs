//! DICOM: series of images, multi-frame objects and mosaics in every common compression, segmentation objects and contours.
//!
//! [`structure`] walks a file and takes out the values of the few elements that are used; dicom-rs reads those, in a data
//! set made of nothing else. [`stack`] decides which files are one volume. Pixels are decoded by `jpeg-decoder`, `hayro-jpeg2000`, `jpeg2k` (openjp2) and our own decoders of RLE, JPEG-LS and 12-bit JPEG: `jpeg-decoder` reads 8 bits, and the only JPEG-LS crate
//! needs a C++ compiler and `CMake`.

mod characters;
mod contours;
pub mod deidentify;
mod directory;
mod dose;
mod elements;
mod fields;
mod format;
mod fragments;
mod frame;
mod fresh;
mod functional_groups;
mod guess;
mod implicit;
mod inside;
mod instance;
mod jpeg_12;
mod jpeg_2000;
mod jpeg_ls;
mod load;
mod modality_lut;
mod mosaic;
mod nuclear;
mod object;
mod overlaps;
mod palette;
mod pixels;
mod rle;
mod segmentation;
mod sequences;
mod series;
mod spacing;
mod stack;
mod stored;
mod stream;
mod structure;
mod uptake;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::error::{FormatError, Result};
use super::registry::{Format, Kind, Save};
use super::{Belonging, Entry, Facts, Findings, Ground, LabelsInFile, Skipped, Source};
use crate::volume::Volume;
use crate::work::Watch;

use crate::work::numbers::share;
pub use contours::{Contour, ContourKind, ReferencedSeries, Roi, StructureSet, read_contours};
pub use directory::listed;
pub use fresh::IMPLEMENTATION_CLASS_UID;
pub use implicit::ImplicitReader;
use instance::{Failure, Refusal};
pub use object::{ObjectNames, object_names, texts_of};
pub use series::write as write_series;
use stack::Stack;

/// The entry in the list of formats.
pub const FORMAT: Format = Format {
    id: "dicom",
    name: "DICOM",
    endings: &[".dcm", ".labelmap.dcm", ".rtstruct.dcm", ".rt.dcm"],
    beside: &[],
    kinds: &[Kind::Volume, Kind::Labels, Kind::Contours],
    is_picture: false,
    claims,
    scan: collect,
    saves: &[
        Save {
            name: "DICOM SEG",
            endings: &[".dcm"],
            volume: None,
            labels: Some(segmentation::write_binary),
            mesh: None,
            notices: |path, geometry, _| segmentation::notices(path, geometry),
            needs_source: true,
            check: Some(segmentation::check),
        },
        Save {
            name: "DICOM SEG (label map)",
            endings: &[".labelmap.dcm"],
            volume: None,
            labels: Some(segmentation::write_label_map),
            mesh: None,
            notices: |path, geometry, _| segmentation::notices_of_label_map(path, geometry),
            needs_source: true,
            check: Some(segmentation::check),
        },
        contours::SAVE,
    ],
};

fn claims(path: &Path, head: &[u8]) -> bool {
    head.get(128..132) == Some(b"DICM") || super::has_extension(path, FORMAT.endings) || guess::layout(head).is_some()
}

impl Source for Stack {
    fn facts(&self, _: Watch) -> Result<Option<Facts>> {
        Ok(None)
    }

    fn load(&self, watch: Watch) -> Result<Volume> {
        load::load(self, watch)
    }

    fn path(&self) -> &Path {
        self.instances.first().map_or(Path::new(""), |first| &first.path)
    }

    fn ground(&self, _: Watch) -> Result<Ground> {
        load::ground(self)
    }

    fn labels(&self, _on: Option<&Ground>, watch: Watch) -> Result<LabelsInFile> {
        if let Some(filling) = &self.filling {
            let reason = format!("{what}; labels cannot be made up between slices", what = filling.what);
            return Err(FormatError::unsupported(self.path(), reason));
        }
        LabelsInFile::of(self.load(watch)?, self.path())
    }

    fn asks(&self) -> Option<&str> {
        self.filling.as_ref().map(|filling| filling.what.as_str())
    }
}

/// Keys of the patient and the study; a patient without an ID is known by name.
fn belonging(subject: &instance::Subject) -> Belonging {
    let patient = subject.patient_id.clone().or_else(|| subject.name.clone());
    Belonging { patient: patient.unwrap_or_default(), study: subject.study.clone().unwrap_or_default() }
}

/// What files hold, before it is listed.
#[derive(Default)]
struct Found {
    stacks: Vec<Arc<Stack>>,
    segmentations: Vec<PathBuf>,
    contours: Vec<PathBuf>,
    skipped: Vec<Skipped>,
}

/// The stacks of images that files hold.
fn stacks_of(paths: &[PathBuf], watch: Watch) -> Result<Vec<Arc<Stack>>> {
    find(paths, watch).map(|found| found.stacks)
}

fn find(paths: &[PathBuf], watch: Watch) -> Result<Found> {
    let done = AtomicUsize::new(0);
    let read = paths
        .par_iter()
        .map(|path| {
            let count = done.fetch_add(1, Ordering::Relaxed);
            watch.at(share(count, paths.len()))?;
            Ok((path, instance::read(path)))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut found = Found::default();
    let mut frames = Vec::new();
    let mut missing: BTreeMap<String, usize> = BTreeMap::new();
    for (path, outcome) in read {
        match outcome {
            Ok(of_file) => frames.extend(of_file),
            Err(_) if contours::is_structure_set(path) => found.contours.push(path.clone()),
            Err(Failure { refusal, series_uid }) => {
                let reason = match refusal {
                    Refusal::Malformed(reason) => {
                        series_uid.into_iter().for_each(|uid| *missing.entry(uid).or_default() += 1);
                        reason
                    }
                    Refusal::OtherObject(reason) => reason,
                    Refusal::Segmentation => {
                        found.segmentations.push(path.clone());
                        continue;
                    }
                };
                found.skipped.push(Skipped { path: path.clone(), reason });
            }
        }
    }
    let (mut stacks, refused) = stack::group(frames);
    for stack in &mut stacks {
        if let Some(count) = stack.instances.first().and_then(|first| missing.get(&first.series_uid)) {
            stack.warnings.push(if *count == 1 {
                "One file of this series cannot be read and is missing here; the list of files says why.".to_string()
            } else {
                format!("{count} files of this series cannot be read and are missing here; the list of files says why.")
            });
        }
    }
    found.skipped.extend(refused.into_iter().map(|r| Skipped { path: r.path, reason: r.reason }));
    found.stacks = stacks.into_iter().map(Arc::new).collect();
    Ok(found)
}

fn collect(paths: &[PathBuf], watch: Watch) -> Result<Findings> {
    let Found { stacks, contours, segmentations, skipped } = find(paths, watch)?;
    let mut findings = Findings { skipped, ..Findings::default() };
    let of_contours = contours::scan(&contours, &stacks, FORMAT.id, watch)?;
    findings.entries.extend(stacks.into_iter().map(|stack| {
        let first = &stack.instances[0];
        let folder = first.path.parent().map(Path::to_path_buf).unwrap_or_default();
        Entry {
            format: FORMAT.id,
            kind: Kind::Volume,
            id: if stack.filling.is_some() { format!("{}#filled", stack.id) } else { stack.id.clone() },
            name: stack.title.clone(),
            modality: first.modality.clone(),
            file_count: stack.file_count(),
            shape: stack.geometry.shape(),
            path: if stack.file_count() == 1 { first.path.clone() } else { folder },
            belongs_to: Some(belonging(&first.subject)),
            source: stack,
        }
    }));
    let masks = segmentation::scan(&segmentations, FORMAT.id, watch)?;
    for of_kind in [masks, of_contours] {
        findings.entries.extend(of_kind.entries);
        findings.skipped.extend(of_kind.skipped);
    }
    Ok(findings)
}
