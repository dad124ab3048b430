//! A scan within a document: what is said of it in one part, its voxels in groups of a megabyte, each a part of its own.
//!
//! A part is called by the checksum of what is said, so that the same scan has the same parts in every document: what another one holds
//! already is copied as it is. Nothing of a file's header is written but what the voxels need to be shown rightly.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::reference::{ScanPlace, ScanReference};
use crate::disk::{Container, ContainerError, ContainerKind, ContainerWriter, PackedPart};
use crate::volume::{
    DisplayHints, FrameOfReference, GROUP_BYTES, Rescale, Volume, VoxelType, Voxels, Window, group_bytes, group_count,
};
use crate::work::memory::OutOfMemory;
use crate::work::numbers::share;
use crate::work::{Stopped, Watch};

/// Groups that are packed between two looks at the watch, for each thread.
const GROUPS_PER_THREAD: usize = 2;
/// Most bytes of what is said of a scan: the factors of a million slices.
const MOST_HEAD_BYTES: u64 = 64 << 20;
/// Most bytes of a packed group: deflate adds little to what it cannot make smaller.
const MOST_PACKED_BYTES: u64 = GROUP_BYTES as u64 + (GROUP_BYTES as u64 >> 8) + 64;
/// Deflate makes nothing more than so many times smaller.
const MOST_RATIO: u64 = 1040;
/// Most dimensions beyond the third.
const MOST_DIMENSIONS: usize = 16;

/// Why a scan within a document cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ScanCopyError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The file.
    #[error(transparent)]
    File(#[from] ContainerError),
    /// The file system.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// There is no room for it.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
}

/// What is said of a scan besides its voxels. Doubles are kept by their bits: text would round them.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    grid: ScanReference,
    checksum: u64,
    voxel_type: String,
    frame_dims: Vec<usize>,
    /// Slope and intercept, of every slice where there are several.
    rescale: Vec<[u64; 2]>,
    is_per_slice: bool,
    frame_of_reference: Option<String>,
    inverted: bool,
    /// Level and width.
    window: Option<[u64; 2]>,
    modality: String,
    warnings: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    frame_names: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_step_s: Option<f64>,
}

impl Head {
    fn of(volume: &Volume, checksum: u64) -> Self {
        let pair = |(slope, intercept): (f64, f64)| [slope.to_bits(), intercept.to_bits()];
        let (rescale, is_per_slice) = match &volume.rescale {
            Rescale::Uniform { slope, intercept } => (vec![pair((*slope, *intercept))], false),
            Rescale::PerSlice(all) => (all.iter().copied().map(pair).collect(), true),
        };
        let DisplayHints { inverted, window, modality } = volume.display.clone();
        Self {
            grid: ScanReference::of(volume),
            checksum,
            voxel_type: volume.voxels.voxel_type().name().into(),
            frame_dims: volume.frame_dims.clone(),
            rescale,
            is_per_slice,
            frame_of_reference: volume.frame_of_reference.as_ref().map(|frame| frame.uid().into()),
            inverted,
            window: window.map(|window| [window.level.to_bits(), window.width.to_bits()]),
            modality,
            warnings: volume.warnings.clone(),
            frame_names: volume.frame_names.clone(),
            time_step_s: volume.time_step_s,
        }
    }

    fn rescale(&self) -> Option<Rescale> {
        let all: Vec<(f64, f64)> = self.rescale.iter().map(|pair| pair.map(f64::from_bits).into()).collect();
        match all[..] {
            [(slope, intercept)] if !self.is_per_slice => Some(Rescale::Uniform { slope, intercept }),
            _ if self.is_per_slice => Some(Rescale::PerSlice(all.into())),
            _ => None,
        }
    }
}

/// A scan that goes into a document.
pub struct ScanCopy<'a> {
    /// The part that says what it is; those of its voxels are called after it.
    pub name: String,
    head: Vec<u8>,
    volume: &'a Volume,
    /// Where its parts may lie already.
    before: Option<&'a ScanPlace>,
}

impl<'a> ScanCopy<'a> {
    /// Of a scan, whose checksum is that of [`Volume::checksum`].
    ///
    /// # Errors
    /// None that is known: what is said of a scan can be written.
    pub fn new(volume: &'a Volume, checksum: u64, before: Option<&'a ScanPlace>) -> io::Result<Self> {
        let head = serde_json::to_vec(&Head::of(volume, checksum))?;
        // FNV-1a (Fowler, Noll, Vo).
        let hash = head
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Ok(Self { name: format!("scan-{hash:016x}"), head, volume, before })
    }

    /// Bytes of its voxels.
    pub fn byte_count(&self) -> usize {
        self.volume.byte_count()
    }

    /// Writes it, group by group; what is there already is not written again.
    ///
    /// # Errors
    /// Those of the file system, and a stop.
    pub fn write(
        &self,
        container: &mut ContainerWriter,
        kind: &ContainerKind,
        watch: Watch,
    ) -> Result<(), ScanCopyError> {
        let Self { name, head, volume, before } = self;
        if container.has(name) {
            return Ok(());
        }
        container.part::<io::Error>(name, |out| out.write_all(head))?;
        let before = before.and_then(|place| Container::list(&place.path, kind).ok());
        let mut before = before.filter(|before| before.packed_bytes(name).is_some());
        let count = group_count(volume.voxels.voxel_type(), volume.voxels.len());
        let at_once = GROUPS_PER_THREAD * rayon::current_num_threads().max(1);
        for start in (0..count).step_by(at_once) {
            watch.at(share(start, count))?;
            let groups = start..(start + at_once).min(count);
            // A part that was damaged since is made anew: the scan is open.
            let there = before.as_mut().and_then(|before| copied(before, name, groups.clone()));
            let parts = match there {
                Some(parts) => parts,
                None => packed(&volume.voxels, groups.clone(), watch)?,
            };
            for (group, part) in groups.zip(&parts) {
                container.packed(&part_name(name, group), part)?;
            }
        }
        watch.at(1.0)?;
        Ok(())
    }
}

fn part_name(name: &str, group: usize) -> String {
    format!("{name}.{group}")
}

fn copied(before: &mut Container, name: &str, groups: std::ops::Range<usize>) -> Option<Vec<PackedPart>> {
    groups.map(|group| before.packed(&part_name(name, group), MOST_PACKED_BYTES).ok()).collect()
}

fn packed(voxels: &Voxels, groups: std::ops::Range<usize>, watch: Watch) -> Result<Vec<PackedPart>, ScanCopyError> {
    let pack = |group| {
        watch.check()?;
        Ok(PackedPart::pack(&voxels.group(group))?)
    };
    groups.into_par_iter().map(pack).collect()
}

/// Whether a part holds voxels of a scan. They are looked at when the scan is read.
pub fn holds_voxels(part: &str) -> bool {
    part.starts_with("scan-") && part.contains('.')
}

fn damaged(what: impl Into<String>) -> ScanCopyError {
    ContainerError::Damaged(what.into()).into()
}

fn head(container: &mut Container, name: &str) -> Result<Head, ScanCopyError> {
    container.check(name)?;
    Ok(container.json(name, MOST_HEAD_BYTES)?)
}

/// Whether a scan has the values of the one in a document, beyond what their checksums say: what stored values stand for.
///
/// # Errors
/// As [`read`].
pub fn stands_for_the_same(place: &ScanPlace, kind: &ContainerKind, volume: &Volume) -> Result<bool, ScanCopyError> {
    let own = head(&mut Container::list(&place.path, kind)?, &place.id)?;
    let other = Head::of(volume, own.checksum);
    let said = |head: Head| (head.voxel_type, head.frame_dims, head.rescale, head.is_per_slice);
    Ok(said(own) == said(other))
}

/// Reads the scan of a document; memory for its voxels is asked for once.
///
/// # Errors
/// Those of the file system, a part that is damaged, by its name, and a stop.
pub fn read(place: &ScanPlace, kind: &ContainerKind, watch: Watch) -> Result<Volume, ScanCopyError> {
    let mut container = Container::list(&place.path, kind)?;
    let name = &place.id;
    let head = head(&mut container, name)?;
    let wrong = |what: &str| damaged(format!("\"{name}\": {what}"));
    let geometry = head.grid.geometry().ok_or_else(|| wrong("there is no such grid"))?;
    let voxel_type = VoxelType::of_name(&head.voxel_type).ok_or_else(|| wrong("there is no such type of values"))?;
    let frames = head.frame_dims.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
    let frames = frames.filter(|frames| *frames > 0 && head.frame_dims.len() <= MOST_DIMENSIONS);
    let count = frames.and_then(|frames| geometry.voxel_count().checked_mul(frames));
    let (Some(frames), Some(count)) = (frames, count) else { return Err(wrong("there are no such frames")) };
    let rescale = head.rescale().ok_or_else(|| wrong("there is no factor"))?;
    if matches!(&rescale, Rescale::PerSlice(all) if all.len() != geometry.shape()[2].saturating_mul(frames)) {
        return Err(wrong("not every slice has a factor"));
    }
    for group in 0..group_count(voxel_type, count) {
        watch.check()?;
        let part = part_name(name, group);
        let bytes = container.packed_bytes(&part).ok_or_else(|| damaged(format!("\"{part}\" is missing")))?;
        if bytes.saturating_mul(MOST_RATIO) < group_bytes(voxel_type, count, group) as u64 {
            return Err(damaged(format!("\"{part}\" is too short")));
        }
    }
    let voxels = read_voxels(&Mutex::new(container), name, (voxel_type, count), watch)?;
    let mut volume = Volume::new(geometry, voxels, head.frame_dims, rescale, head.grid.name);
    volume.frame_of_reference = head.frame_of_reference.as_deref().and_then(FrameOfReference::new);
    let window = head.window.map(|pair| pair.map(f64::from_bits));
    let window = window.map(|[level, width]| Window { level, width });
    let window = window.filter(|window| window.level.is_finite() && window.width.is_finite() && window.width > 0.0);
    volume.display = DisplayHints { inverted: head.inverted, window, modality: head.modality };
    volume.warnings = head.warnings;
    volume.time_step_s = head.time_step_s.filter(|step| step.is_finite() && *step > 0.0);
    if head.frame_names.len() == frames {
        volume.frame_names = head.frame_names;
    }
    watch.check()?;
    if volume.checksum() == head.checksum { Ok(volume) } else { Err(damaged(format!("\"{name}\": its values"))) }
}

/// One thread at a time reads from the file; each unpacks what it has read.
fn read_voxels(
    container: &Mutex<Container>,
    name: &str,
    (voxel_type, count): (VoxelType, usize),
    watch: Watch,
) -> Result<Voxels, ScanCopyError> {
    let (groups, done) = (group_count(voxel_type, count), AtomicUsize::new(0));
    Voxels::from_groups(voxel_type, count, |group| {
        watch.at(share(done.fetch_add(1, Ordering::Relaxed), groups))?;
        let part = part_name(name, group);
        let packed = {
            let mut container = container.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            container.packed(&part, MOST_PACKED_BYTES)?
        };
        let bytes = packed.unpack(group_bytes(voxel_type, count, group));
        bytes.map_err(|error| damaged(format!("\"{part}\": {error}")))
    })
}

#[cfg(test)]
mod tests;
