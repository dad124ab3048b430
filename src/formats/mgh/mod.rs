//! MGH, the volume format of `FreeSurfer`: `.mgh`, `.mgz` (compressed). Read only.
//!
//! Source: surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat, and `mghRead` in `mri.cpp` of `FreeSurfer`. What follows the voxels (times
//! of the sequence, tables of colours) is not read.

mod tail;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

use super::error::{FormatError, Result};
use super::registry::{Format, Kind, Save};
use super::stored::{self, Head, Layout, Parts};
use super::{Facts, FileReader, each_file, has_extension, stem};
use crate::volume::{Affine, Geometry, Rescale, Vec3, Volume, VoxelType};
use crate::work::Watch;
use crate::work::numbers::real;

/// Endings, the preferred one first.
const ENDINGS: &[&str] = &[".mgz", ".mgh", ".mgh.gz"];

/// The entry in the list of formats.
pub const FORMAT: Format = Format {
    id: "mgh",
    name: "MGH",
    endings: ENDINGS,
    beside: &[],
    kinds: &[Kind::Volume, Kind::Labels],
    is_picture: false,
    claims: |path, _| has_extension(path, FORMAT.endings),
    scan: |paths, watch| each_file("mgh", paths, READER, watch),
    saves: &[Save {
        name: "MGH",
        endings: ENDINGS,
        volume: Some(write::write_volume),
        labels: Some(write::write_labels),
        mesh: None,
        notices: |_, _, kind| write::precision_notice(kind).into_iter().collect(),
        needs_source: false,
        check: None,
    }],
};

const READER: FileReader = FileReader { shape, facts, load: read };

/// Bytes of a header.
const SIZE: usize = 284;

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
    // More follows the voxels in nearly every file, and nothing is wrong with that.
    let mut unimportant = Vec::new();
    let voxels = stored::read_values(&parts, layout, true, path, &mut unimportant, watch)?;
    let mut volume = Volume::new(facts.geometry, voxels, facts.frame_dims, Rescale::IDENTITY, facts.name);
    volume.warnings = facts.warnings;
    if volume.voxels.voxel_type().is_integer() {
        let found = tail::read(path, layout.encoding, layout.byte_skip.unwrap_or(0) + bytes_of(&volume));
        volume.annotations = found.annotations;
        volume.warnings.extend(found.warnings);
    }
    volume.header = facts.header;
    Ok(volume)
}

/// Bytes of all voxels.
fn bytes_of(volume: &Volume) -> u64 {
    u64::try_from(volume.voxels.len().saturating_mul(volume.voxels.voxel_type().bytes())).unwrap_or(u64::MAX)
}

fn outline(path: &Path) -> Result<(Facts, (Parts, Layout))> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let head = Head::read(path, SIZE)?;
    let version = head.i32(0);
    if version != 1 {
        return Err(bad(format!("not an MGH file: its version is {version}, not 1")));
    }
    let told = [4, 8, 12, 16].map(|at| head.i32(at));
    let sizes = told.map(|size| usize::try_from(size).unwrap_or(0));
    if sizes.contains(&0) {
        return Err(bad(format!("the sizes are {told:?}; they must be positive")));
    }
    let count = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    let count = count.ok_or_else(|| bad(format!("the sizes are {told:?}; they overflow")))?;
    let kind = voxel_type(head.i32(20)).map_err(|e| FormatError::unsupported(path, e))?;
    let [ni, nj, nk, frames] = sizes;
    let mut warnings = Vec::new();
    let is_placed = head.i16(28) > 0;
    let geometry = if is_placed { place(&head, [ni, nj, nk]) } else { usual_place([ni, nj, nk], &mut warnings) };
    let geometry = geometry.map_err(bad)?;
    let header = vec![
        ("Format".to_string(), "MGH".to_string()),
        ("sizes".to_string(), format!("{ni} {nj} {nk} {frames}")),
        ("type".to_string(), kind.name().to_string()),
        ("goodRASFlag".to_string(), head.i16(28).to_string()),
    ];
    let frame_dims = if frames > 1 { vec![frames] } else { Vec::new() };
    let data = head.data(path, count, kind);
    Ok((Facts { geometry, frame_dims, voxel_type: kind, name: stem(path), header, warnings }, data))
}

fn voxel_type(code: i32) -> std::result::Result<VoxelType, String> {
    Ok(match code {
        0 => VoxelType::U8,
        1 => VoxelType::I32,
        3 => VoxelType::F32,
        4 => VoxelType::I16,
        10 => VoxelType::U16,
        5 | 6 => return Err(format!("voxels of the type {code} (bitmap, tensor) are not supported")),
        _ => return Err(format!("the type of the voxels is {code}; 0, 1, 3, 4 and 10 are possible")),
    })
}

/// The place that the header gives: directions of the axes, and the centre of the grid.
fn place(head: &Head, shape: [usize; 3]) -> std::result::Result<Geometry, String> {
    let number = |n: usize| f64::from(head.f32(30 + 4 * n));
    let spacing = [0, 1, 2].map(number);
    let directions: [Vec3; 3] = [3, 6, 9].map(|first| [0, 1, 2].map(|row| number(first + row)));
    let centre = [12, 13, 14].map(number);
    let grid = centred(shape, spacing, directions, centre);
    grid.map_err(|e| format!("the spacings {spacing:?} with the directions {directions:?} cannot be used: {e}"))
}

/// What `FreeSurfer` takes where the header does not say it: coronal slices of 1 mm around the centre. nibabel flips two of these axes.
fn usual_place(shape: [usize; 3], warnings: &mut Vec<String>) -> std::result::Result<Geometry, String> {
    warnings.push(
        "The header does not say how the image lies in the patient (goodRASFlag is 0); like in FreeSurfer, slices of 1 mm are taken as \
         coronal: first axis to the left, second to the feet, third to the front."
            .into(),
    );
    let directions = [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]];
    centred(shape, [1.0; 3], directions, [0.0; 3]).map(Geometry::of_assumed_size).map_err(|e| e.to_string())
}

/// A grid around the centre: voxel `size / 2` lies there.
fn centred(
    shape: [usize; 3],
    spacing: Vec3,
    directions: [Vec3; 3],
    centre: Vec3,
) -> std::result::Result<Geometry, crate::volume::GeometryError> {
    let mut columns = directions;
    let mut origin = centre;
    for ((column, length), size) in columns.iter_mut().zip(spacing).zip(shape) {
        for (part, value) in column.iter_mut().zip(&mut origin) {
            *part *= length;
            *value -= *part * real(size) / 2.0;
        }
    }
    Geometry::new(shape, Affine::from_columns(columns, origin))
}
