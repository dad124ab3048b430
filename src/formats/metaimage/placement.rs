//! Where the grid lies in the patient: a point is the offset plus the directions times spacing times index, in left, posterior, superior.

use super::header::Header;
use crate::formats::stored::shown;
use crate::volume::{Affine, Geometry, Vec3, cross};

/// Fields that mean the same.
const MATRIX: [&str; 3] = ["TransformMatrix", "Rotation", "Orientation"];
const OFFSET: [&str; 3] = ["Offset", "Position", "Origin"];
/// From left, posterior, superior to right, anterior, superior.
const SIGNS: Vec3 = [-1.0, -1.0, 1.0];

/// Places a grid of `dimensions` axes, of which those beyond the third are frames; what is assumed is told.
///
/// # Errors
/// A sentence that names the field.
pub fn place(
    header: &Header,
    shape: [usize; 3],
    dimensions: usize,
    warnings: &mut Vec<String>,
) -> Result<Geometry, String> {
    let matrix = header.numbers(&MATRIX, dimensions * dimensions)?;
    let offset = header.numbers(&OFFSET, dimensions)?;
    // ITK takes the size of an element for the distance where no distance is given.
    let spacing = match header.numbers(&["ElementSpacing"], dimensions)? {
        Some(spacing) => Some(spacing),
        None => header.numbers(&["ElementSize"], dimensions)?,
    };
    let unit = unit_mm(header, warnings)?;
    if matrix.is_none() {
        warnings.push(
            "The header does not say how the image lies in the patient; its axes are taken as ITK does: first to the left, second to the \
             back, third to the head."
                .into(),
        );
    }
    if spacing.is_none() {
        warnings.push("The header does not say how large a voxel is; 1 mm is assumed in all directions.".into());
    }
    warn_about_rotation(header, dimensions, warnings)?;
    let part = |values: &Option<Vec<f64>>, n: usize, default: f64| {
        values.as_ref().map_or(default, |values| values.get(n).copied().unwrap_or(default))
    };
    let spatial = dimensions.min(3);
    let mut columns = [[0.0; 3]; 3];
    for (axis, column) in columns.iter_mut().enumerate().take(spatial) {
        let length = part(&spacing, axis, 1.0) * unit;
        for (row, value) in column.iter_mut().enumerate().take(spatial) {
            let unit_vector = if row == axis { 1.0 } else { 0.0 };
            let along = part(&matrix, axis * dimensions + row, unit_vector);
            *value = along * length * SIGNS.get(row).copied().unwrap_or(1.0) + 0.0;
        }
    }
    refuse_mixing(matrix.as_deref(), dimensions)?;
    if let [i, j, k] = &mut columns
        && spatial == 2
    {
        // A slice is one millimetre thick where nobody says how thick it is.
        let across = cross(*i, *j);
        let length = across.iter().map(|part| part * part).sum::<f64>().sqrt();
        *k = across.map(|part| part / length);
    }
    let mut origin = [0.0; 3];
    for (axis, value) in origin.iter_mut().enumerate().take(spatial) {
        *value = part(&offset, axis, 0.0) * unit * SIGNS.get(axis).copied().unwrap_or(1.0) + 0.0;
    }
    let geometry = Geometry::new(shape, Affine::from_columns(columns, origin)).map_err(|e| {
        let placed = header.named(&MATRIX).or_else(|| header.named(&["ElementSpacing", "ElementSize"]));
        placed.map_or(e.to_string(), |(name, text)| format!("the field `{name}` is {:?}; {e}", shown(text)))
    })?;
    Ok(if spacing.is_none() { geometry.of_assumed_size() } else { geometry })
}

/// Refuses directions that lead from an axis of space to one of frames, or back.
fn refuse_mixing(matrix: Option<&[f64]>, dimensions: usize) -> Result<(), String> {
    let Some(matrix) = matrix.filter(|_| dimensions > 3) else { return Ok(()) };
    let mixes = (0..dimensions).any(|axis| {
        (0..dimensions).any(|row| {
            (axis < 3) != (row < 3) && matrix.get(axis * dimensions + row).is_some_and(|value| value.abs() > 1e-6)
        })
    });
    if mixes {
        return Err("the directions of the axes lead from space to the fourth dimension, which cannot be shown".into());
    }
    Ok(())
}

/// Says that a centre of rotation was not used, as in ITK.
fn warn_about_rotation(header: &Header, dimensions: usize, warnings: &mut Vec<String>) -> Result<(), String> {
    let centre = header.numbers(&["CenterOfRotation"], dimensions)?;
    if centre.is_some_and(|centre| centre.iter().any(|part| *part != 0.0)) {
        warnings.push(
            "The header names a centre of rotation; like in ITK, it does not move the image, whose first voxel is at the offset."
                .into(),
        );
    }
    Ok(())
}

/// Millimetres of the header's unit.
fn unit_mm(header: &Header, warnings: &mut Vec<String>) -> Result<f64, String> {
    let Some(unit) = header.get("DistanceUnits") else { return Ok(1.0) };
    let factor = match unit.to_ascii_lowercase().as_str() {
        "mm" | "?" | "unknown" => return Ok(1.0),
        "um" => 1e-3,
        "cm" => 10.0,
        _ => return Err(format!("the field `DistanceUnits` is {:?}; um, mm and cm are known", shown(unit))),
    };
    warnings.push(format!("Lengths in the header are in {unit}; programs built on ITK take them as millimetres."));
    Ok(factor)
}
