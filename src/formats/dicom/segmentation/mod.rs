//! DICOM segmentation objects (SEG): masks that name the images they were made on.
//!
//! A BINARY object has a frame of bits for each segment and slice, a FRACTIONAL one numbers for fractions, a LABELMAP numbers of segments.
//! Frames come in any order, empty ones are left out, and segments may lie over each other: then the file holds several masks.
//! Source: DICOM PS3.3 A.51, A.88 and C.8.20.

mod cielab;
pub(super) mod dataset;
mod frames;
mod grid;
mod header;
mod layers;
mod paint;
mod segments;
#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "what tests make fits")]
mod tests;
mod write;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::formats::error::{FormatError, Result};
use crate::formats::registry::Kind;
use crate::formats::{Entry, Facts, Findings, Ground, LabelsInFile, Skipped, Source};
use crate::volume::{LabelMap, LabelValue, Rescale, Volume, VoxelType, Voxels};
use crate::work::{Watch, memory};
use header::{Pixels, Segmentation};
pub use write::elements::fitting;
pub use write::{check, notices, notices_of_label_map, write_binary, write_label_map};
pub(super) use write::{elements, source, with_meta};

/// Whether an object is a segmentation, by its SOP Class UID and its modality.
pub fn is_segmentation(class_uid: &str, modality: &str) -> bool {
    ["1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"].contains(&class_uid) || modality == "SEG"
}

/// A mask of a file: segments that do not overlap.
struct Layer {
    segmentation: Arc<Segmentation>,
    segments: Vec<u16>,
    name: String,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segmentation.path.fmt(f)
    }
}

/// The masks of the segmentation objects among the files of a folder.
///
/// # Errors
/// When the work was stopped.
pub fn scan(paths: &[PathBuf], format: &'static str, watch: Watch) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut read = Vec::new();
    for path in paths {
        watch.check()?;
        let layers =
            header::read(path).map_err(|reason| FormatError::malformed(path, reason)).and_then(|mut header| {
                if let Pixels::Fractional { most: 3.. } = header.pixels
                    && frames::are_ones(&header, watch)?
                {
                    header.take_ones_for_whole();
                }
                let layers = layers::layers(&header, watch)?;
                Ok((header, layers))
            });
        match layers {
            Ok(found) => read.push(found),
            Err(FormatError::Stopped(stopped)) => return Err(stopped.into()),
            Err(FormatError::Malformed { path, problem }) => {
                findings
                    .skipped
                    .push(Skipped { path, reason: format!("a DICOM segmentation that cannot be read: {problem}") });
            }
            Err(other) => findings.skipped.push(Skipped { path: path.clone(), reason: other.to_string() }),
        }
    }
    let mut of_series: HashMap<String, usize> = HashMap::new();
    for (header, _) in &read {
        *of_series.entry(header.series_uid.clone()).or_default() += 1;
    }
    for (header, layers) in read {
        // A series may have several objects.
        let is_alone = of_series.get(&header.series_uid) == Some(&1) && !header.series_uid.is_empty();
        let uid = if is_alone { &header.series_uid } else { &header.instance_uid };
        findings.entries.extend(entries(uid.clone(), Arc::new(header), layers, format));
    }
    Ok(findings)
}

fn entries(
    uid: String,
    segmentation: Arc<Segmentation>,
    layers: Vec<Vec<u16>>,
    format: &'static str,
) -> impl Iterator<Item = Entry> {
    let count = layers.len();
    // Where the frames lie on no grid of their own, only a scan can tell the size.
    let shape = grid::own_grid(&segmentation).map_or([0; 3], |grid| grid.geometry.shape());
    layers.into_iter().enumerate().map(move |(n, segments)| {
        let name = if count == 1 {
            segmentation.name.clone()
        } else {
            format!("{} ({})", segmentation.name, names(&segmentation, &segments))
        };
        Entry {
            format,
            kind: Kind::Labels,
            id: if count == 1 { uid.clone() } else { format!("{uid}#{}", n + 1) },
            name: name.clone(),
            modality: "SEG".into(),
            file_count: 1,
            shape,
            path: segmentation.path.clone(),
            belongs_to: Some(segmentation.belongs_to.clone()),
            source: Arc::new(Layer { segmentation: segmentation.clone(), segments, name }),
        }
    })
}

/// The names of segments, not too many.
fn names(segmentation: &Segmentation, numbers: &[u16]) -> String {
    const SHOWN: usize = 4;
    let numbers: HashSet<u16> = numbers.iter().copied().collect();
    let own = segmentation.segments.iter().filter(|segment| numbers.contains(&segment.number));
    let mut names: Vec<&str> = own.map(|segment| segment.name.as_str()).collect();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// All labels, i fastest. Rows without a label are not touched, so that memory that is zero by itself costs no time.
fn stored<T: Copy + Default + Send + Sync>(labels: &LabelMap, of: impl Fn(LabelValue) -> T + Sync) -> Vec<T> {
    let [ni, nj, nk] = labels.geometry().shape();
    let mut all = vec![T::default(); ni * nj * nk];
    all.par_chunks_mut(ni * nj).enumerate().for_each(|(k, slice)| {
        let mut row = vec![0; ni];
        for (j, places) in slice.chunks_exact_mut(ni).enumerate() {
            labels.read_row([0, j, k], &mut row);
            if row.iter().fold(0, |all, label| all | label) != 0 {
                places.iter_mut().zip(&row).for_each(|(place, label)| *place = of(*label));
            }
        }
    });
    all
}

impl Layer {
    /// The type that holds the labels.
    fn voxel_type(&self) -> VoxelType {
        let values = paint::values_of(&self.segmentation, &self.segments);
        let is_wide =
            values.into_values().any(|value| value > LabelValue::from(u8::MAX)) || self.segmentation.bits == 16;
        if is_wide { VoxelType::U16 } else { VoxelType::U8 }
    }
}

impl Source for Layer {
    fn facts(&self, _: Watch) -> Result<Option<Facts>> {
        let unsupported = |reason| FormatError::unsupported(&self.segmentation.path, reason);
        let grid = grid::own_grid(&self.segmentation).map_err(unsupported)?;
        Ok(Some(Facts {
            geometry: grid.geometry,
            frame_dims: Vec::new(),
            voxel_type: self.voxel_type(),
            name: self.name.clone(),
            header: self.segmentation.header.clone(),
            warnings: [self.segmentation.warnings.clone(), grid.warnings].concat(),
        }))
    }

    fn load(&self, watch: Watch) -> Result<Volume> {
        let LabelsInFile { labels, annotations, warnings, .. } = self.labels(None, watch)?;
        let [ni, nj, nk] = labels.geometry().shape();
        let out_of_memory = |e| FormatError::memory(&self.segmentation.path, e);
        let voxels = if self.voxel_type() == VoxelType::U8 {
            memory::ensure::<u8>(ni * nj * nk).map_err(out_of_memory)?;
            Voxels::U8(Arc::new(stored(&labels, |value| u8::try_from(value).unwrap_or(u8::MAX))))
        } else {
            memory::ensure::<u16>(ni * nj * nk).map_err(out_of_memory)?;
            Voxels::U16(Arc::new(stored(&labels, |value| value)))
        };
        let mut volume =
            Volume::new(labels.geometry().clone(), voxels, Vec::new(), Rescale::IDENTITY, self.name.clone());
        volume.display.modality = "SEG".into();
        volume.frame_of_reference.clone_from(&self.segmentation.frame_of_reference);
        volume.header.clone_from(&self.segmentation.header);
        (volume.annotations, volume.warnings) = (annotations, warnings);
        Ok(volume)
    }

    fn labels(&self, on: Option<&Ground>, watch: Watch) -> Result<LabelsInFile> {
        paint::labels(&self.segmentation, &self.segments, on, watch)
    }

    fn refers_to(&self) -> Option<&str> {
        self.segmentation.source_series.as_deref()
    }

    fn path(&self) -> &Path {
        &self.segmentation.path
    }
}
