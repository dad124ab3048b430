//! Writing volumes and label maps as NIfTI-1 (NIfTI-2 where a size needs it).

use std::io;
use std::path::Path;

use super::extension;
use super::header::{SIZE_1, SIZE_2};
use crate::disk::replace_file;
use crate::formats::error::Result;
use crate::formats::slices::{self, SliceStream};
use crate::formats::{Mask, gzip, has_extension};
use crate::volume::{Annotations, Geometry, Rescale, Volume, VoxelType};
use crate::work::Watch;
use crate::work::numbers::{real, signed, single};

/// Writes a scan in its stored type with its rescale; per-slice rescales become float32 values.
pub fn write_volume(path: &Path, volume: &Volume, watch: Watch) -> Result<()> {
    let [ni, nj, nk] = volume.geometry.shape();
    let count = nk * volume.frame_count();
    let (kind, slope, intercept) = match volume.rescale {
        Rescale::Uniform { slope, intercept } => (volume.voxels.voxel_type(), slope, intercept),
        Rescale::PerSlice(_) => (VoxelType::F32, 1.0, 0.0),
    };
    let frames = (volume.frame_dims.as_slice(), volume.time_step_s);
    let header = header(&volume.geometry, frames, kind, [slope, intercept], &volume.annotations);
    let encode = |slice: usize, out: &mut Vec<u8>| {
        if let Rescale::PerSlice(_) = volume.rescale {
            for index in slice * ni * nj..(slice + 1) * ni * nj {
                let value = single(volume.value_at(index).unwrap_or(f64::NAN));
                out.extend_from_slice(&value.to_le_bytes());
            }
        } else {
            slices::put_stored(volume, slice, out);
        }
    };
    write(path, SliceStream::new(count, &encode, watch).behind(header))
}

/// Writes labels as uint8, or uint16 where a label needs it, and what is known about them into a header extension.
pub fn write_labels(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    let Mask { labels, annotations, .. } = *mask;
    let kind = slices::label_type(labels, annotations);
    let header = header(labels.geometry(), (&[], None), kind, [1.0, 0.0], annotations);
    let encode = |k: usize, out: &mut Vec<u8>| slices::put_labels(labels, k, kind, out);
    write(path, SliceStream::new(labels.geometry().shape()[2], &encode, watch).behind(header))
}

fn write(path: &Path, mut content: SliceStream) -> Result<()> {
    let compressed = has_extension(path, &[".gz"]);
    let written = replace_file(path, |file| {
        if compressed { gzip::compress(&mut content, file) } else { io::copy(&mut content, file).map(drop) }
    });
    written.map_err(|error| slices::explain(path, error))
}

fn datatype_code(kind: VoxelType) -> i16 {
    match kind {
        VoxelType::U8 => 2,
        VoxelType::I16 => 4,
        VoxelType::I32 => 8,
        VoxelType::F32 => 16,
        VoxelType::F64 => 64,
        VoxelType::I8 => 256,
        VoxelType::U16 => 512,
        VoxelType::U32 => 768,
        VoxelType::I64 => 1024,
        VoxelType::U64 => 1280,
    }
}

/// What the user must be told of a grid whose axes are not at right angles, where that moves a voxel by half its size or more.
///
/// A quaternion cannot describe such a grid. The sform is exact; the qform is the nearest grid at right angles, which programs built on ITK
/// read in place of a sheared sform (without any they refuse the file).
pub fn shear_notice(geometry: &Geometry) -> Option<String> {
    let distance = geometry.distance_mm(&geometry.squared());
    let voxels = distance / geometry.finest_mm();
    (voxels >= 0.5).then(|| {
        format!(
            "The voxel axes are not at right angles, which the file says in its sform. Programs that read the qform (those built on ITK) \
             show the image up to {distance:.1} mm ({voxels:.1} voxels) beside its place."
        )
    })
}

/// Header and what follows it up to the voxels; the sizes of further dimensions come with the time between volumes in seconds. sform and qform are alike, both with code 1 (scanner); of a sheared grid the qform is
/// the nearest one at right angles.
fn header(
    geometry: &Geometry,
    (frame_dims, time_step_s): (&[usize], Option<f64>),
    kind: VoxelType,
    rescale: [f64; 2],
    annotations: &Annotations,
) -> Vec<u8> {
    let extension = extension::write(annotations);
    let mut dim = vec![3 + frame_dims.len()];
    dim.extend(geometry.shape());
    dim.extend(frame_dims);
    dim.resize(8, 1);
    let needs_version_2 = dim.iter().any(|&d| d > i16::MAX as usize);
    let quaternion = Quaternion::of(&geometry.squared());
    let spacing = geometry.spacing_mm();
    let mut pixdim = [1.0; 8];
    pixdim[0] = quaternion.qfac;
    pixdim[1..4].copy_from_slice(&spacing);
    pixdim[4] = time_step_s.unwrap_or(1.0);
    let qform_code = 1i16;
    let [b, c, d] = quaternion.bcd;
    let affine = geometry.world_from_voxel().0;
    let offset = [affine[0][3], affine[1][3], affine[2][3]];
    let mut bytes = Vec::with_capacity(SIZE_2 + 4);
    let header_size = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
    let bitpix = i16::try_from(kind.bytes() * 8).unwrap_or(i16::MAX);
    // 2: millimetres, 8: seconds; nothing of what is not known.
    let units = if time_step_s.is_some() || frame_dims.is_empty() { 2 | 8 } else { 2 };
    if needs_version_2 {
        bytes.extend(header_size(SIZE_2).to_le_bytes());
        bytes.extend(b"n+2\0\r\n\x1a\n");
        bytes.extend(datatype_code(kind).to_le_bytes());
        bytes.extend(bitpix.to_le_bytes());
        dim.iter().for_each(|&v| bytes.extend(signed(v).to_le_bytes()));
        bytes.resize(104, 0);
        pixdim.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        bytes.extend(signed(SIZE_2 + extension.len()).to_le_bytes());
        rescale.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        bytes.resize(344, 0);
        bytes.extend(i32::from(qform_code).to_le_bytes());
        bytes.extend(1i32.to_le_bytes());
        [b, c, d].iter().chain(&offset).for_each(|v| bytes.extend(v.to_le_bytes()));
        affine.iter().flatten().for_each(|v| bytes.extend(v.to_le_bytes()));
        bytes.resize(500, 0);
        bytes.extend(i32::from(units).to_le_bytes());
        bytes.resize(SIZE_2, 0);
        bytes.extend(extension);
        return bytes;
    }
    let f32s = |bytes: &mut Vec<u8>, values: &[f64]| values.iter().for_each(|&v| bytes.extend(single(v).to_le_bytes()));
    bytes.extend(header_size(SIZE_1).to_le_bytes());
    bytes.resize(38, 0);
    bytes.extend([b'r', 0]);
    dim.iter().for_each(|&v| bytes.extend(i16::try_from(v).unwrap_or(i16::MAX).to_le_bytes()));
    bytes.resize(70, 0);
    bytes.extend(datatype_code(kind).to_le_bytes());
    bytes.extend(bitpix.to_le_bytes());
    bytes.resize(76, 0);
    f32s(&mut bytes, &pixdim);
    f32s(&mut bytes, &[real(SIZE_1 + extension.len())]);
    f32s(&mut bytes, &rescale);
    bytes.resize(123, 0);
    bytes.push(units);
    bytes.resize(252, 0);
    bytes.extend(qform_code.to_le_bytes());
    bytes.extend(1i16.to_le_bytes());
    f32s(&mut bytes, &[b, c, d]);
    f32s(&mut bytes, &offset);
    for row in &affine {
        f32s(&mut bytes, row);
    }
    bytes.resize(344, 0);
    bytes.extend(b"n+1\0");
    bytes.extend(extension);
    bytes
}

struct Quaternion {
    bcd: [f64; 3],
    qfac: f64,
}

impl Quaternion {
    /// The rotation of a grid's axes, which are at right angles.
    fn of(geometry: &Geometry) -> Self {
        let spacing = geometry.spacing_mm();
        let affine = geometry.world_from_voxel();
        let qfac = if affine.determinant() < 0.0 { -1.0 } else { 1.0 };
        let mut r = [[0.0; 3]; 3];
        for axis in 0..3 {
            let column = affine.column(axis);
            let sign = if axis == 2 { qfac } else { 1.0 };
            for row in 0..3 {
                r[row][axis] = sign * column[row] / spacing[axis];
            }
        }
        let trace = r[0][0] + r[1][1] + r[2][2];
        // The largest of the four squared components is never small, so dividing by it is safe.
        let squares =
            [1.0 + trace, 1.0 + 2.0 * r[0][0] - trace, 1.0 + 2.0 * r[1][1] - trace, 1.0 + 2.0 * r[2][2] - trace];
        let largest = (0..4).max_by(|&a, &b| squares[a].total_cmp(&squares[b])).unwrap_or(0);
        let s = 2.0 * squares[largest].max(0.0).sqrt();
        let (a, b, c, d) = match largest {
            0 => (s / 4.0, (r[2][1] - r[1][2]) / s, (r[0][2] - r[2][0]) / s, (r[1][0] - r[0][1]) / s),
            1 => ((r[2][1] - r[1][2]) / s, s / 4.0, (r[0][1] + r[1][0]) / s, (r[0][2] + r[2][0]) / s),
            2 => ((r[0][2] - r[2][0]) / s, (r[0][1] + r[1][0]) / s, s / 4.0, (r[1][2] + r[2][1]) / s),
            _ => ((r[1][0] - r[0][1]) / s, (r[0][2] + r[2][0]) / s, (r[1][2] + r[2][1]) / s, s / 4.0),
        };
        let sign = if a < 0.0 { -1.0 } else { 1.0 };
        Self { bcd: [b, c, d].map(|v| v * sign), qfac }
    }
}
