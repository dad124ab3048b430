//! Whether what a training learns from fits into the memory, and where it goes if not.

use std::path::PathBuf;

use super::error::FitError;
use super::events::FitEvent;
use super::preparing::{cut_axes, fits, prepare, prepare_in_memory, prepared_bytes, to_learn_from, too_large};
use super::sampling::PreparedCase;
use super::scans::Scans;
use super::slices::{Cache, cache_all, remove_slices};
use crate::engine::free_memory_bytes;
use crate::model::ModelSpec;
use crate::work::Watch;

/// Shares of the free memory that scans as they are in their files may take, those that are learned from and those that are held
/// back; more of them are read again when they are needed.
const SCANS_SHARE: [f64; 2] = [0.5, 0.25];

/// Room for scans and their slices. What is not said is as the system says.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// The folder for slices that do not fit into the memory; without one they are refused.
    pub folder: Option<PathBuf>,
    /// Bytes of memory that scans, and then their slices, find free.
    pub memory_bytes: Option<u64>,
    /// Bytes that are free on the folder's disk.
    pub disk_bytes: Option<u64>,
}

impl Room {
    fn free_bytes(&self) -> Option<u64> {
        self.memory_bytes.or_else(free_memory_bytes)
    }

    /// Bytes that the scans that are learned from, and those that are held back, may take.
    pub fn for_scans(&self) -> [Option<f64>; 2] {
        let free = self.free_bytes();
        SCANS_SHARE.map(|share| free.map(|free| share * free as f64))
    }

    /// Whether the slices of all scans fit into the memory.
    ///
    /// # Errors
    /// When a slice would be too large at the model's spacing.
    pub fn fits(&self, scans: &Scans, spec: &ModelSpec) -> Result<bool, FitError> {
        Ok(fits(needed(scans, spec)?, self.free_bytes()))
    }

    /// Brings scans to the network's grid along all axes that the model cuts, in memory where that fits, else in the folder. Scans on
    /// which nothing is labelled are left out.
    ///
    /// # Errors
    /// When nothing is labelled, there is neither memory nor a folder nor room on its disk, a scan cannot be read again, or the work is
    /// stopped.
    pub fn prepare(
        &self,
        scans: &mut Scans,
        spec: &ModelSpec,
        ignore: Option<u16>,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Vec<PreparedCase>, FitError> {
        let (needed, free) = (needed(scans, spec)?, self.free_bytes());
        if fits(needed, free) {
            // What an earlier run kept there was made when memory was shorter.
            self.folder.iter().for_each(|folder| remove_slices(folder));
            return to_learn_from(match scans.in_memory() {
                Some(scans) => prepare_in_memory(&scans, spec, ignore, watch)?,
                None => prepare_one_by_one(scans, spec, ignore, watch)?,
            });
        }
        let (Some(folder), Some(free_bytes)) = (&self.folder, free) else {
            return Err(too_large(scans.count(), needed, free));
        };
        let cache = Cache { folder, free_bytes, free_disk_bytes: self.disk_bytes };
        let mut notice = |text| on_event(FitEvent::Notice(text));
        to_learn_from(cache_all(scans, spec, ignore, &cache, watch, &mut notice)?)
    }
}

/// Bytes that scans take on the network's grid.
fn needed(scans: &Scans, spec: &ModelSpec) -> Result<usize, FitError> {
    prepared_bytes(scans.facts().iter().map(|scan| (&*scan.name, &scan.geometry)), spec)
}

/// In memory, from scans of which only one is in memory at a time.
fn prepare_one_by_one(
    scans: &Scans,
    spec: &ModelSpec,
    ignore: Option<u16>,
    watch: Watch,
) -> Result<Vec<PreparedCase>, FitError> {
    let mut cases = Vec::new();
    for n in 0..scans.count() {
        watch.at(n as f32 / scans.count() as f32)?;
        let scan = scans.get(n, watch.quiet())?;
        for axis in cut_axes(spec) {
            cases.push(prepare(&scan, spec, axis, ignore, watch.quiet())?);
        }
    }
    Ok(cases)
}
