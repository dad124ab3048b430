//! GIPL, the image format of Guy's Hospital: `.gipl`, `.gipl.gz`. Read only.
//!
//! Source: `itkGiplImageIO.cxx` of ITK, `Modules/IO/GIPL/src`, which is what is left of its documentation.

#[cfg(test)]
mod tests;

use std::path::Path;

use super::error::{FormatError, Result};
use super::registry::{Format, Kind};
use super::stored::{self, Head, Layout, Parts, read_values};
use super::{Facts, FileReader, each_file, has_extension, stem};
use crate::volume::{Affine, Geometry, Rescale, Volume, VoxelType};
use crate::work::Watch;

/// The entry in the list of formats.
pub const FORMAT: Format = Format {
    id: "gipl",
    name: "GIPL",
    endings: &[".gipl", ".gipl.gz"],
    beside: &[],
    kinds: &[Kind::Volume, Kind::Labels],
    is_picture: false,
    claims,
    scan: |paths, watch| each_file("gipl", paths, READER, watch),
    saves: &[],
};

const READER: FileReader = FileReader { shape, facts, load: read };

/// Bytes of a header.
const SIZE: usize = 256;
/// The last four bytes of every header: of the format, and of its extension.
const MAGIC: [u32; 2] = [719_555_000, 4_026_526_128];

fn claims(path: &Path, head: &[u8]) -> bool {
    let magic = head.get(SIZE - 4..SIZE).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    magic.is_some_and(|magic| MAGIC.contains(&magic)) || has_extension(path, FORMAT.endings)
}

/// The grid's size, from the header alone.
fn shape(path: &Path) -> Result<[usize; 3]> {
    Ok(outline(path)?.0.geometry.shape())
}

/// What the header tells; that the voxels can be there is checked.
fn facts(path: &Path, watch: Watch) -> Result<Facts> {
    let (facts, data) = outline(path)?;
    stored::check(&data, path, watch)?;
    Ok(facts)
}

fn read(path: &Path, watch: Watch) -> Result<Volume> {
    let (facts, (parts, layout)) = outline(path)?;
    let Facts { geometry, frame_dims, mut warnings, name, header, .. } = facts;
    let voxels = read_values(&parts, layout, true, path, &mut warnings, watch)?;
    let mut volume = Volume::new(geometry, voxels, frame_dims, Rescale::IDENTITY, name);
    volume.warnings = warnings;
    volume.header = header;
    Ok(volume)
}

fn outline(path: &Path) -> Result<(Facts, (Parts, Layout))> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let head = Head::read(path, SIZE)?;
    let magic = head.u32(SIZE - 4);
    if !MAGIC.contains(&magic) {
        return Err(bad(format!("not a GIPL file: its magic number is {magic}, not {}", MAGIC[0])));
    }
    let [ni, nj, nk, frames] = sizes(&head).map_err(bad)?;
    let count = [ni, nj, nk, frames].iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    let count = count.ok_or_else(|| bad("the dimensions overflow".into()))?;
    let kind = voxel_type(head.u16(8)).map_err(|e| FormatError::unsupported(path, e))?;
    let mut warnings = vec![
        "A GIPL file does not say how the image lies in the patient; its axes are taken as ITK does: first to the left, second to the back, \
         third to the head."
            .to_string(),
    ];
    let geometry = place(&head, [ni, nj, nk], &mut warnings).map_err(bad)?;
    let scale = [head.f32(240), head.f32(236)];
    if ![[0.0, 0.0], [1.0, 0.0]].contains(&scale) {
        warnings.push(format!(
            "The header calibrates values by {} and {}, which is not used, as in ITK; the stored values are shown.",
            scale[0], scale[1]
        ));
    }
    let header = vec![
        ("Format".to_string(), "GIPL".to_string()),
        ("dimensions".to_string(), format!("{ni} {nj} {nk} {frames}")),
        ("pixel size".to_string(), format!("{} {} {}", head.f32(10), head.f32(14), head.f32(18))),
        ("origin".to_string(), format!("{} {} {}", head.f64(204), head.f64(212), head.f64(220))),
    ];
    let frame_dims = if frames > 1 { vec![frames] } else { Vec::new() };
    let data = head.data(path, count, kind);
    Ok((Facts { geometry, frame_dims, voxel_type: kind, name: stem(path), header, warnings }, data))
}

/// Sizes of three axes and the number of frames. Of a flat image the others are 0 or 1.
fn sizes(head: &Head) -> std::result::Result<[usize; 4], String> {
    let told = [0, 2, 4, 6].map(|at| head.u16(at));
    if told[0] == 0 || told[1] == 0 {
        return Err(format!("the dimensions are {told:?}; the first two must be positive"));
    }
    Ok(told.map(|size| usize::from(size.max(1))))
}

fn voxel_type(code: u16) -> std::result::Result<VoxelType, String> {
    Ok(match code {
        7 => VoxelType::I8,
        8 => VoxelType::U8,
        15 => VoxelType::I16,
        16 => VoxelType::U16,
        31 => VoxelType::U32,
        32 => VoxelType::I32,
        64 => VoxelType::F32,
        65 => VoxelType::F64,
        1 => return Err("voxels of one bit (image type 1) are not supported; convert them to unsigned char".into()),
        144 | 160 | 192 | 193 => return Err("complex voxels are not supported; save the magnitude instead".into()),
        _ => return Err(format!("the image type {code} is unknown, or is no image")),
    })
}

fn place(head: &Head, shape: [usize; 3], warnings: &mut Vec<String>) -> std::result::Result<Geometry, String> {
    let spacing = [10, 14, 18].map(|at| f64::from(head.f32(at)));
    if let Some(wrong) = spacing.iter().find(|value| !value.is_finite() || **value < 0.0) {
        return Err(format!("the pixel size {wrong} is none"));
    }
    let is_assumed = spacing.iter().all(|value| *value == 0.0);
    if spacing.contains(&0.0) {
        warnings.push("The header does not say how large a voxel is along every axis; 1 mm is assumed there.".into());
    }
    let [i, j, k] = spacing.map(|value| if value == 0.0 { 1.0 } else { value });
    let [x, y, z] = [204, 212, 220].map(|at| head.f64(at));
    let columns = [[-i, 0.0, 0.0], [0.0, -j, 0.0], [0.0, 0.0, k]];
    let geometry = Geometry::new(shape, Affine::from_columns(columns, [0.0 - x, 0.0 - y, z + 0.0]));
    let geometry = geometry.map_err(|e| format!("the origin {x} {y} {z} or the pixel size cannot be used: {e}"))?;
    Ok(if is_assumed { geometry.of_assumed_size() } else { geometry })
}
