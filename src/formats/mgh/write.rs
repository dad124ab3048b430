//! Writing volumes and label maps: `.mgz` (compressed) and `.mgh`, which `FreeSurfer` and nibabel read.

use std::io::{self, Read};
use std::path::Path;

use super::tail;
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::{self, SliceStream};
use crate::formats::stored::{put_slice_in, written_type};
use crate::formats::{Mask, gzip, has_extension};
use crate::volume::{Geometry, Volume, VoxelType};
use crate::work::Watch;
use crate::work::numbers::{real, single};

/// Writes a scan in the smallest type of the format that holds its values, slope and intercept applied.
///
/// # Errors
/// Also for whole numbers that no type of the format holds.
pub fn write_volume(path: &Path, volume: &Volume, watch: Watch) -> Result<()> {
    let kind = type_for(volume).map_err(|reason| FormatError::unsupported(path, reason))?;
    let encode = |slice: usize, out: &mut Vec<u8>| {
        let start = out.len();
        put_slice_in(volume, kind, slice, out);
        turn_bytes(out.get_mut(start..).unwrap_or_default(), kind);
    };
    let frames = volume.frame_count();
    let header = header(path, &volume.geometry, frames, kind)?;
    let slices = volume.geometry.shape()[2] * frames;
    write(path, SliceStream::new(slices, &encode, watch).behind(header), &tail::of(&volume.annotations))
}

/// What the user must be told of values that the format rounds.
pub fn precision_notice(kind: Option<VoxelType>) -> Option<String> {
    (kind == Some(VoxelType::F64))
        .then(|| "MGH keeps fractions in single precision: values are rounded to about seven digits.".into())
}

/// Writes labels as bytes, or as int32 where a label needs it, as `FreeSurfer` does. Names and colours stand behind the voxels, where other
/// programs pass over them.
pub fn write_labels(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    let Mask { labels, annotations, .. } = *mask;
    let narrow = slices::label_type(labels, annotations) == VoxelType::U8;
    let kind = if narrow { VoxelType::U8 } else { VoxelType::I32 };
    let encode = |k: usize, out: &mut Vec<u8>| {
        if narrow {
            slices::put_labels(labels, k, VoxelType::U8, out);
            return;
        }
        let mut slice = Vec::new();
        labels.slice_k(k, &mut slice);
        out.extend(slice.into_iter().flat_map(|label| i32::from(label).to_be_bytes()));
    };
    let header = header(path, labels.geometry(), 1, kind)?;
    write(path, SliceStream::new(labels.geometry().shape()[2], &encode, watch).behind(header), &tail::of(annotations))
}

fn write(path: &Path, content: SliceStream, tail: &[u8]) -> Result<()> {
    let compressed = has_extension(path, &[".mgz", ".gz"]);
    let mut content = content.chain(tail);
    let written = replace_file(path, |file| {
        if compressed { gzip::compress(&mut content, file) } else { io::copy(&mut content, file).map(drop) }
    });
    written.map_err(|error| slices::explain(path, error))
}

/// The type that holds the values: those of the format are uint8, int16, int32 and float32.
fn type_for(volume: &Volume) -> std::result::Result<VoxelType, String> {
    let statistics = volume.statistics();
    let (low, high) = (statistics.min, statistics.max);
    let holds = |least: f64, most: f64| least <= low && high <= most;
    Ok(match written_type(volume) {
        VoxelType::F32 => VoxelType::F32,
        VoxelType::F64 if holds(-f64::from(f32::MAX), f64::from(f32::MAX)) => VoxelType::F32,
        VoxelType::F64 => {
            return Err(format!("MGH holds fractions up to {}; end the name in .nii.gz or .nrrd", f32::MAX));
        }
        VoxelType::U8 => VoxelType::U8,
        VoxelType::I16 | VoxelType::I8 => VoxelType::I16,
        _ if holds(f64::from(i16::MIN), f64::from(i16::MAX)) => VoxelType::I16,
        _ if holds(f64::from(i32::MIN), f64::from(i32::MAX)) => VoxelType::I32,
        _ => {
            return Err(format!(
                "MGH holds whole numbers from {} to {}, and the scan has values from {low} to {high}; end the name in .nii.gz or .nrrd",
                i32::MIN,
                i32::MAX
            ));
        }
    })
}

/// The big end comes first here.
fn turn_bytes(bytes: &mut [u8], kind: VoxelType) {
    if kind.bytes() > 1 {
        bytes.chunks_exact_mut(kind.bytes()).for_each(<[u8]>::reverse);
    }
}

/// The header of a grid, whose place is that of its centre.
fn header(path: &Path, geometry: &Geometry, frames: usize, kind: VoxelType) -> Result<Vec<u8>> {
    let code = match kind {
        VoxelType::U8 => 0,
        VoxelType::I32 => 1,
        VoxelType::I16 => 4,
        _ => 3,
    };
    let shape = geometry.shape();
    let mut numbers = vec![1i32];
    for size in shape.into_iter().chain([frames]) {
        let size = i32::try_from(size)
            .map_err(|_| FormatError::unsupported(path, format!("an axis of {size} voxels is too long for MGH")))?;
        numbers.push(size);
    }
    numbers.extend([code, 0]);
    let mut bytes: Vec<u8> = numbers.into_iter().flat_map(i32::to_be_bytes).collect();
    bytes.extend(1i16.to_be_bytes());
    let affine = geometry.world_from_voxel();
    let spacing = geometry.spacing_mm();
    let directions = [0, 1, 2].map(|axis| affine.column(axis).map(|part| part / spacing[axis]));
    let centre = affine.point(shape.map(|size| real(size) / 2.0));
    let place = spacing.into_iter().chain(directions.into_iter().flatten()).chain(centre);
    bytes.extend(place.flat_map(|value| single(value).to_be_bytes()));
    bytes.resize(super::SIZE, 0);
    Ok(bytes)
}
