//! Types of values that are written with slope and intercept applied, for formats that have no place for those.

use crate::formats::slices::put_stored;
use crate::volume::{Rescale, Volume, VoxelType};

/// The type that is written: the stored one, or the smallest that holds the values where a slope and an intercept have to be applied.
pub fn written_type(volume: &Volume) -> VoxelType {
    if volume.rescale == Rescale::IDENTITY { volume.voxels.voxel_type() } else { rescaled_type(volume) }
}

/// Adds a slice (counted through all frames) in the type of [`written_type`], little end first.
pub fn put_slice(volume: &Volume, kind: VoxelType, slice: usize, out: &mut Vec<u8>) {
    put_slice_in(volume, kind, slice, out);
}

/// The same in another type, which holds the values.
pub fn put_slice_in(volume: &Volume, kind: VoxelType, slice: usize, out: &mut Vec<u8>) {
    if volume.rescale == Rescale::IDENTITY && volume.voxels.voxel_type() == kind {
        put_stored(volume, slice, out);
        return;
    }
    let [ni, nj, _] = volume.geometry.shape();
    for index in slice * ni * nj..(slice + 1) * ni * nj {
        put_value(volume.value_at(index).unwrap_or(f64::NAN), kind, out);
    }
}

/// The smallest type that holds the values with slope and intercept applied.
fn rescaled_type(volume: &Volume) -> VoxelType {
    let is_whole = |(slope, intercept): (f64, f64)| slope.fract() == 0.0 && intercept.fract() == 0.0;
    let all_whole = match &volume.rescale {
        Rescale::Uniform { slope, intercept } => is_whole((*slope, *intercept)),
        Rescale::PerSlice(all) => all.iter().copied().all(is_whole),
    };
    let stored = volume.voxels.voxel_type();
    if !(stored.is_integer() && all_whole) {
        let is_narrow = stored.bytes() < 4 || stored == VoxelType::F32;
        return if is_narrow { VoxelType::F32 } else { VoxelType::F64 };
    }
    let (min, max) = (volume.statistics().min, volume.statistics().max);
    let holds = |low: f64, high: f64| low <= min && max <= high;
    if holds(0.0, 255.0) {
        VoxelType::U8
    } else if holds(f64::from(i16::MIN), f64::from(i16::MAX)) {
        VoxelType::I16
    } else if holds(0.0, f64::from(u16::MAX)) {
        VoxelType::U16
    } else if holds(f64::from(i32::MIN), f64::from(i32::MAX)) {
        VoxelType::I32
    } else {
        VoxelType::F64
    }
}

/// Adds the bytes of a value in the type that was chosen for it, little end first.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the type was chosen by the range of the values"
)]
fn put_value(value: f64, kind: VoxelType, out: &mut Vec<u8>) {
    match kind {
        VoxelType::U8 => out.push(value as u8),
        VoxelType::I16 => out.extend_from_slice(&(value as i16).to_le_bytes()),
        VoxelType::U16 => out.extend_from_slice(&(value as u16).to_le_bytes()),
        VoxelType::I32 => out.extend_from_slice(&(value as i32).to_le_bytes()),
        VoxelType::F32 => out.extend_from_slice(&(value as f32).to_le_bytes()),
        _ => out.extend_from_slice(&value.to_le_bytes()),
    }
}
