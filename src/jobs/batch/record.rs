//! What stands beside a mask of a batch: of which scan, by which model and with which choices it was made. A run that comes later tells by it
//! what is complete.
//!
//! **Invariant:** the record is written after its mask, and names the mask's bytes: a mask without its record, or with another one's, is not
//! complete.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::error::JobError;
use crate::disk::{open_regular_file, replace_file};
use crate::model::ModelSpec;
use crate::pipeline::SegmentOptions;
use crate::volume::{LabelMap, LabelTable, LabelValue, Rescale, Volume};
use crate::work::numbers::real;

/// Cubic millimetres in a millilitre.
const MM3_PER_ML: f64 = 1000.0;
/// Ending of masks.
const MASK_ENDING: &str = ".nii.gz";
/// The program's name in files of BIDS.
const PROGRAM: &str = "Lamella";

/// The record of a mask; its fields are named as those of BIDS are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CaseRecord {
    /// For people.
    pub description: String,
    /// The scan's files below the folder of scans.
    pub sources: Vec<String>,
    /// The program.
    pub generated_by: Vec<Generator>,
    /// What decides the mask.
    pub made_of: MadeOf,
    /// SHA-256 of the mask's file.
    pub mask_sha256: String,
    /// The device that the network ran on.
    pub device: String,
    /// What the mask holds.
    pub labels: Vec<LabelVolume>,
    /// How long it took, with reading and writing.
    pub seconds: f64,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Generator {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Generator {
    /// This program.
    pub fn own() -> Self {
        Self { name: PROGRAM.into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// What decides a mask: the scan, the model and the choices. The same of all three give the same mask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MadeOf {
    /// A checksum of the scan's voxels and of where they lie, whatever its files are called and however they are packed.
    pub scan_checksum: String,
    /// The model's identifier.
    pub model: String,
    /// SHA-256 of the model's specification, which holds that of its weights.
    pub model_sha256: String,
    /// What was chosen.
    pub settings: Settings,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Settings {
    /// The slice axis, where it is not the model's own.
    pub axis: Option<String>,
    /// Whether mirrored slices were averaged.
    pub mirrored: bool,
    /// Whether only the largest part of every label was kept.
    pub largest_part: bool,
    /// Frame of a 4-D scan, counted from 0.
    pub frame: usize,
    /// Whether a GPU computed in 32 bits.
    pub full_precision: bool,
}

/// A label and how much of it there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LabelVolume {
    /// Value in the mask.
    pub value: LabelValue,
    /// Its name.
    pub name: String,
    /// Voxels.
    pub voxels: usize,
    /// Millilitres.
    pub volume_ml: f64,
}

impl MadeOf {
    /// Of these channels of a scan, by a model with these choices.
    ///
    /// # Errors
    /// When the model's specification cannot be written as JSON.
    pub(super) fn new(channels: &[Volume], spec: &ModelSpec, options: &SegmentOptions) -> Result<Self, JobError> {
        let text = serde_json::to_vec(spec).map_err(|e| JobError::Broken(e.to_string()))?;
        let settings = Settings {
            axis: options.axis.map(|axis| axis.name().to_string()),
            mirrored: options.mirror,
            largest_part: options.keep_largest,
            frame: options.frame,
            full_precision: options.full_precision,
        };
        Ok(Self {
            scan_checksum: scan_checksum(channels),
            model: spec.id.clone(),
            model_sha256: hexadecimal(Sha256::new_with_prefix(text)),
            settings,
        })
    }
}

/// SHA-256 over what tells one scan from another: the voxels' own checksum, where they lie, and what their values mean.
fn scan_checksum(channels: &[Volume]) -> String {
    let mut hasher = Sha256::new();
    for volume in channels {
        hasher.update(volume.checksum().to_le_bytes());
        let place = volume.geometry.world_from_voxel().0;
        let scales: Vec<f64> = match &volume.rescale {
            Rescale::Uniform { slope, intercept } => vec![*slope, *intercept],
            Rescale::PerSlice(all) => all.iter().flat_map(|(slope, intercept)| [*slope, *intercept]).collect(),
        };
        let numbers = place.as_flattened().iter().chain(&scales);
        numbers.for_each(|number| hasher.update(number.to_le_bytes()));
    }
    hexadecimal(hasher)
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// SHA-256 of a file.
pub(super) fn file_sha256(path: &Path) -> std::io::Result<String> {
    let mut file = open_regular_file(path)?;
    let (mut hasher, mut bytes) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hexadecimal(hasher)),
            count => hasher.update(bytes.get(..count).unwrap_or_default()),
        }
    }
}

/// What of every label a mask holds.
pub(super) fn label_volumes(labels: &LabelMap, table: &LabelTable) -> Vec<LabelVolume> {
    let counts = labels.counts();
    let voxel_ml = labels.geometry().voxel_volume_mm3() / MM3_PER_ML;
    let volume = |value| counts.get(&value).copied().unwrap_or(0);
    let each = table.0.iter().map(|label| LabelVolume {
        value: label.value,
        name: label.name.clone(),
        voxels: volume(label.value),
        volume_ml: real(volume(label.value)) * voxel_ml,
    });
    each.collect()
}

/// Where the record of a mask stands.
fn record_path(mask: &Path) -> PathBuf {
    beside(mask, ".json")
}

/// Where the names of a mask's labels stand.
pub(super) fn names_path(mask: &Path) -> PathBuf {
    beside(mask, ".tsv")
}

fn beside(mask: &Path, ending: &str) -> PathBuf {
    let name = mask.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    mask.with_file_name(format!("{}{ending}", name.strip_suffix(MASK_ENDING).unwrap_or(&name)))
}

impl CaseRecord {
    /// The record of a mask; `None` where there is none that can be read.
    pub fn of(mask: &Path) -> Option<Self> {
        const MOST_BYTES: u64 = 1 << 22;
        let mut text = String::new();
        open_regular_file(&record_path(mask)).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Writes it beside its mask.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, mask: &Path) -> Result<(), JobError> {
        let path = record_path(mask);
        let text = serde_json::to_string_pretty(self).map_err(|e| JobError::Broken(e.to_string()))?;
        replace_file(&path, |writer| writeln!(writer, "{text}"))
            .map_err(|e| JobError::Other(format!("{} cannot be written: {e}", path.display())))
    }
}
