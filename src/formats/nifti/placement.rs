//! Where a NIfTI grid lies: sform, then qform, then pixdim.

use super::header::Header;
use crate::volume::{Affine, Geometry, cross, dot};
use crate::work::numbers::signed;

/// Two transforms of one header that differ by more than this are worth a warning.
const DISAGREEMENT_MM: f64 = 0.01;
/// A shear below this is rounding of a float32 affine.
const SHEAR_LIMIT: f64 = 1e-3;

/// Chooses the affine and says what is doubtful about it.
///
/// # Errors
/// When no usable transform exists; the message names the field.
pub fn place(header: &Header, shape: [usize; 3], warnings: &mut Vec<String>) -> Result<Geometry, String> {
    if header.version == 0 {
        return place_analyze(header, shape, warnings);
    }
    let unit = header.unit_mm();
    if unit != 1.0 {
        warnings.push(format!("Lengths were converted to millimetres (1 unit = {unit} mm)."));
    }
    let [_, _, k] = [0, 1, 2].map(|axis| Affine(header.srow).column(axis));
    let says_all = header.codes[1] > 0 && k != [0.0; 3];
    if let Some(axis) = (0..3).find(|&axis| !says_all && is_single_without_thickness(header, shape, axis)) {
        warnings
            .push(format!("The header gives no thickness of its single slice (pixdim[{}]); 1 mm is taken.", axis + 1));
    }
    let grid = |affine: Affine| Geometry::new(shape, scaled(affine, unit)).map_err(|e| e.to_string());
    let [qform_code, sform_code] = header.codes;
    let chosen = if sform_code > 0 {
        let sform = with_thickness(Affine(header.srow), header, shape);
        let (geometry, is_sform) = match grid(sform).map_err(|e| format!("the sform cannot be used: {e}")) {
            Ok(geometry) => (geometry, true),
            Err(reason) if qform_code > 0 => {
                let geometry =
                    qform(header).and_then(grid).map_err(|other| format!("{reason}; and the qform: {other}"))?;
                warnings.push(format!("In this file {reason}; the qform is used."));
                (geometry, false)
            }
            Err(reason) => return Err(reason),
        };
        if is_sform
            && qform_code > 0
            && let Ok(qform) = qform(header).and_then(grid)
            && !qform.matches(&geometry, DISAGREEMENT_MM)
            && !is_squared_up(&qform, &geometry)
        {
            warnings.push("The file's sform and qform place the image differently; the sform is used.".into());
        }
        geometry
    } else if qform_code > 0 {
        if header.pixdim[1..4].iter().any(|&p| p < 0.0) {
            warnings.push("The header has a negative spacing; its absolute value is used.".into());
        }
        grid(qform(header)?).map_err(|e| format!("the qform cannot be used: {e}"))?
    } else {
        warnings.push(
            "The file has neither sform nor qform: orientation unknown. Axes are taken as right, anterior, superior."
                .into(),
        );
        let spacing = spacing(header)?;
        let columns = [[spacing[0], 0.0, 0.0], [0.0, spacing[1], 0.0], [0.0, 0.0, spacing[2]]];
        grid(Affine::from_columns(columns, [0.0; 3]))?
    };
    warn_about(&chosen, header, warnings);
    Ok(chosen)
}

/// Analyze 7.5 says how large voxels are, and nothing about left and right.
fn place_analyze(header: &Header, shape: [usize; 3], warnings: &mut Vec<String>) -> Result<Geometry, String> {
    warnings.push(
        "An Analyze 7.5 file does not say how the image lies in the patient, and left and right may be exchanged: programs differ. Axes are \
         taken as right, anterior, superior. Compare with a file that says it before you trust a side."
            .into(),
    );
    let spacing = spacing(header)?;
    let mut origin = [0.0; 3];
    let is_told =
        header.origin_voxel.iter().zip(shape).all(|(voxel, size)| *voxel > 0 && signed(size) >= i64::from(*voxel));
    if is_told {
        warnings.push(format!("The voxel {:?} is the origin, as SPM writes it.", header.origin_voxel));
        for ((value, voxel), step) in origin.iter_mut().zip(header.origin_voxel).zip(spacing) {
            *value = (1.0 - f64::from(voxel)) * step;
        }
    }
    if header.rescale() != (1.0, 0.0) {
        warnings.push(format!("Values are multiplied by {}, as SPM writes it.", header.rescale().0));
    }
    let columns = [[spacing[0], 0.0, 0.0], [0.0, spacing[1], 0.0], [0.0, 0.0, spacing[2]]];
    Geometry::new(shape, Affine::from_columns(columns, origin)).map_err(|e| e.to_string())
}

/// Whether a qform is what a quaternion can say of a sheared sform, and no voxel is off by half its size.
fn is_squared_up(qform: &Geometry, sform: &Geometry) -> bool {
    qform.matches(&sform.squared(), DISAGREEMENT_MM) && qform.matches(sform, 0.5 * sform.finest_mm())
}

fn warn_about(geometry: &Geometry, header: &Header, warnings: &mut Vec<String>) {
    // A shear that moves no voxel by half its size is nothing that a user could see.
    if geometry.shear() > SHEAR_LIMIT && !geometry.matches(&geometry.squared(), 0.5 * geometry.finest_mm()) {
        warnings.push("The voxel axes are not at right angles (shear, for example gantry tilt).".into());
    }
    let declared = &header.pixdim[1..4];
    let spacing = geometry.spacing_mm();
    let differs = spacing.iter().zip(declared).any(|(s, p)| (s - p.abs() * header.unit_mm()).abs() > 1e-2 * s);
    if header.codes[1] > 0 && differs {
        warnings.push(format!(
            "The header's spacing {declared:?} differs from its affine's {spacing:.3?}; the affine is used."
        ));
    }
}

/// Whether there is one layer along an axis, and nothing says how thick it is.
fn is_single_without_thickness(header: &Header, shape: [usize; 3], axis: usize) -> bool {
    let declared = header.pixdim[axis + 1].abs();
    let is_counted = signed(axis) < header.dim[0];
    is_counted && shape[axis] == 1 && !(declared.is_finite() && declared > 0.0)
}

/// An sform whose third column is empty, as writers leave it for a single slice, with the slice's normal in that place.
fn with_thickness(sform: Affine, header: &Header, shape: [usize; 3]) -> Affine {
    let [i, j, k] = [0, 1, 2].map(|axis| sform.column(axis));
    let normal = cross(i, j);
    let length = dot(normal, normal).sqrt();
    if shape[2] != 1 || k != [0.0; 3] || !(length.is_finite() && length > 0.0) {
        return sform;
    }
    let thickness = Some(header.pixdim[3].abs()).filter(|mm| mm.is_finite() && *mm > 0.0).unwrap_or(1.0);
    Affine::from_columns([i, j, normal.map(|part| part / length * thickness)], sform.column(3))
}

fn scaled(affine: Affine, factor: f64) -> Affine {
    Affine(affine.0.map(|row| row.map(|v| v * factor)))
}

fn spacing(header: &Header) -> Result<[f64; 3], String> {
    let mut spacing = [1.0; 3];
    for (axis, value) in spacing.iter_mut().enumerate() {
        let declared = header.pixdim[axis + 1].abs();
        // A missing dimension may have any spacing.
        let missing = signed(axis) >= header.dim[0] || header.dim[axis + 1] == 1;
        if declared.is_finite() && declared > 0.0 {
            *value = declared;
        } else if !missing {
            return Err(format!("pixdim[{}], a spacing, is {}", axis + 1, header.pixdim[axis + 1]));
        }
    }
    Ok(spacing)
}

/// The rotation of a unit quaternion (a, b, c, d) times the spacings, third column signed by qfac.
fn qform(header: &Header) -> Result<Affine, String> {
    let spacing = spacing(header)?;
    let [mut b, mut c, mut d, x, y, z] = header.quatern;
    let square = b * b + c * c + d * d;
    if !(square.is_finite() && square < 1.01) {
        return Err(format!("the qform's quaternion ({b}, {c}, {d}) is longer than one"));
    }
    let mut a = 1.0 - square;
    if a < 1e-7 {
        // Rounding can make (b, c, d) a little longer than one: a half turn.
        let norm = square.sqrt();
        (b, c, d) = (b / norm, c / norm, d / norm);
        a = 0.0;
    }
    let a = a.sqrt();
    let qfac = if header.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let [si, sj, sk] = [spacing[0], spacing[1], spacing[2] * qfac];
    let columns = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c + a * d), 2.0 * (b * d - a * c)].map(|v| v * si),
        [2.0 * (b * c - a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d + a * b)].map(|v| v * sj),
        [2.0 * (b * d + a * c), 2.0 * (c * d - a * b), a * a + d * d - c * c - b * b].map(|v| v * sk),
    ];
    Ok(Affine::from_columns(columns, [x, y, z]))
}
