//! Where the grid lies in the patient.
//!
//! With a space: its directions and origin. Without: spacings and positions of the axes, which are taken as ITK and 3D Slicer take them.

use super::axes::{Axes, Axis};
use super::header::{Header, vectors};
use crate::formats::stored::shown;
use crate::volume::{Affine, Geometry, Vec3, cross};

/// Signs from coordinates of left, posterior, superior to those of a space.
const LPS: Vec3 = [-1.0, -1.0, 1.0];

/// Places the grid; what is assumed is told.
///
/// # Errors
/// A sentence that names the field.
pub fn place(header: &Header, axes: &Axes, warnings: &mut Vec<String>) -> Result<Geometry, String> {
    let space = Space::of(header, warnings)?;
    let mut lengths = Lengths::default();
    let (columns, origin) = match &space {
        Some(space) if axes.spatial.iter().any(|n| axes.all.get(*n).is_some_and(|axis| axis.direction.is_some())) => {
            (space.columns(axes)?, space.origin(header, warnings)?)
        }
        Some(space) => {
            refuse_lengths(header, axes)?;
            warnings.push(
                "The header names a space but no directions of the axes in it; they are taken as ITK does: first to the left, \
                 second to the back, third to the head."
                    .into(),
            );
            (lengths.columns(axes, warnings), space.origin(header, warnings)?)
        }
        None if header.get("space directions").is_some() => {
            return Err("the field `space directions` is there, but neither `space` nor `space dimension`".into());
        }
        None => {
            let columns = lengths.columns(axes, warnings);
            if !lengths.is_assumed {
                warnings.push(
                    "The header does not say where the image lies in the patient; its axes are taken as ITK does: first to the left, \
                     second to the back, third to the head."
                        .into(),
                );
            }
            (columns, Lengths::origin(axes))
        }
    };
    let geometry = Geometry::new(axes.shape(), Affine::from_columns(columns, origin)).map_err(|e| {
        let placed = ["space directions", "spacings"].into_iter().find_map(|name| Some((name, header.get(name)?)));
        placed.map_or(e.to_string(), |(name, text)| format!("the field `{name}` is {:?}; {e}", shown(text)))
    })?;
    Ok(if lengths.is_assumed { geometry.of_assumed_size() } else { geometry })
}

/// Refuses a space together with lengths along axes that have no directions in it, as ITK does for spacings.
fn refuse_lengths(header: &Header, axes: &Axes) -> Result<(), String> {
    let of_space = if header.get("space").is_some() { "space" } else { "space dimension" };
    let is_given = |is_known: fn(&Axis) -> bool| axes.spatial.iter().filter_map(|n| axes.all.get(*n)).any(is_known);
    let fields = [
        ("spacings", is_given(|axis| axis.spacing.is_some())),
        ("axis mins", is_given(|axis| axis.ends[0].is_some())),
        ("axis maxs", is_given(|axis| axis.ends[1].is_some())),
    ];
    let Some((name, _)) = fields.into_iter().find(|(_, is_given)| *is_given) else { return Ok(()) };
    Err(format!(
        "the field `{of_space}` is {:?} and `{name}` is {:?}, but there are no `space directions`, without which nobody knows along what \
         the lengths are; add them, or remove `{of_space}`",
        shown(header.get(of_space).unwrap_or_default()),
        shown(header.get(name).unwrap_or_default()),
    ))
}

/// The space of directions and origin.
struct Space {
    dimension: usize,
    /// From its coordinates to those of right, anterior, superior, in millimetres.
    factors: Vec3,
}

impl Space {
    fn of(header: &Header, warnings: &mut Vec<String>) -> Result<Option<Self>, String> {
        let told = match header.get("space dimension") {
            None => None,
            Some(text) => {
                Some(text.parse::<usize>().ok().filter(|dimension| (1..=8).contains(dimension)).ok_or_else(|| {
                    format!("the field `space dimension` is {:?}; a space has 1 to 8 dimensions", shown(text))
                })?)
            }
        };
        let (dimension, signs) = if let Some(name) = header.get("space") {
            let (dimension, signs) = named(name)?;
            if let Some(told) = told.filter(|told| *told != dimension) {
                return Err(format!(
                    "the field `space` is {name:?}, which has {dimension} dimensions, but `space dimension` is {told}"
                ));
            }
            if signs.is_none() {
                warnings.push(format!(
                    "The space {name:?} says nothing about the patient; its axes are taken as ITK does: first to the left, second to the \
                     back, third to the head."
                ));
            }
            (dimension, signs.unwrap_or(LPS))
        } else {
            let Some(dimension) = told else { return Ok(None) };
            warnings.push(
                "The header does not say how its space lies in the patient; its axes are taken as ITK does: first to the left, second to \
                 the back, third to the head."
                    .into(),
            );
            (dimension, LPS)
        };
        let mut factors = signs;
        for (factor, unit) in factors.iter_mut().zip(header.quoted("space units", dimension)?) {
            *factor *= millimetres(&unit, warnings);
        }
        Ok(Some(Self { dimension, factors }))
    }

    /// A vector of this space.
    fn in_patient(&self, vector: &[f64], field: &str) -> Result<Vec3, String> {
        if vector.len() != self.dimension {
            let (found, needed) = (vector.len(), self.dimension);
            return Err(format!(
                "a vector of the field `{field}` has {found} numbers; the space has {needed} dimensions"
            ));
        }
        let mut placed = [0.0; 3];
        for ((value, part), factor) in placed.iter_mut().zip(vector).zip(self.factors) {
            // No zero with a sign.
            *value = part * factor + 0.0;
        }
        Ok(placed)
    }

    fn columns(&self, axes: &Axes) -> Result<[Vec3; 3], String> {
        let mut columns = Vec::new();
        for axis in axes.spatial.iter().filter_map(|n| axes.all.get(*n)) {
            let direction = axis.direction.as_ref().ok_or("an axis of space has no vector in `space directions`")?;
            columns.push(self.in_patient(direction, "space directions")?);
        }
        Ok(match columns[..] {
            [i, j, k] => [i, j, k],
            // A slice is one millimetre thick where nobody says how thick it is.
            [i, j] => [i, j, unit(cross(i, j))],
            [i] => {
                let j = unit(cross(i, least_along(i)));
                [i, j, unit(cross(i, j))]
            }
            _ => return Err("the field `space directions` has no vector".into()),
        })
    }

    fn origin(&self, header: &Header, warnings: &mut Vec<String>) -> Result<Vec3, String> {
        let origin = match header.get("space origin") {
            Some(text) => match &vectors("space origin", text)?[..] {
                [origin] => origin.clone(),
                more => {
                    let (count, text) = (more.len(), shown(text));
                    return Err(format!("the field `space origin` is {text:?}, {count} vectors; it must be one"));
                }
            },
            None => None,
        };
        match origin {
            Some(origin) => self.in_patient(&origin, "space origin"),
            None => {
                warnings.push("The header has no `space origin`; the first voxel is put at 0, 0, 0.".into());
                Ok([0.0; 3])
            }
        }
    }
}

/// Dimensions of a named space, and its signs where its axes are those of a patient.
fn named(name: &str) -> Result<(usize, Option<Vec3>), String> {
    let lower = name.to_ascii_lowercase();
    let (plain, dimension) = match lower.strip_suffix("-time") {
        Some(plain) => (plain, 4),
        // RAST, LAST, LPST.
        None => {
            lower.strip_suffix('t').filter(|plain| plain.len() == 3).map_or((lower.as_str(), 3), |plain| (plain, 4))
        }
    };
    let signs = match plain {
        "right-anterior-superior" | "ras" => Some([1.0, 1.0, 1.0]),
        "left-anterior-superior" | "las" => Some([-1.0, 1.0, 1.0]),
        "left-posterior-superior" | "lps" => Some(LPS),
        "scanner-xyz" | "3d-right-handed" | "3d-left-handed" => None,
        _ => {
            return Err(format!(
                "the field `space` is {:?}; right-anterior-superior, left-anterior-superior, left-posterior-superior, scanner-xyz, \
                 3D-right-handed and 3D-left-handed are known",
                shown(name)
            ));
        }
    };
    Ok((dimension, signs))
}

/// What is known of lengths along the axes where there is no space.
#[derive(Default)]
struct Lengths {
    is_assumed: bool,
}

impl Lengths {
    /// Axes along those of left, posterior, superior.
    fn columns(&mut self, axes: &Axes, warnings: &mut Vec<String>) -> [Vec3; 3] {
        let mut columns = [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]];
        let mut unknown = 0;
        for (n, column) in columns.iter_mut().enumerate() {
            let Some(axis) = axes.spatial.get(n).and_then(|axis| axes.all.get(*axis)) else { continue };
            let (length, is_thickness) = spacing(axis);
            if is_thickness {
                warnings.push(format!(
                    "The header gives a thickness for axis {} and no spacing; slices are taken as close to each other.",
                    n + 1
                ));
            }
            let length = length.unwrap_or_else(|| {
                unknown += 1;
                1.0
            });
            let length = length * millimetres(&axis.unit, warnings);
            column.iter_mut().for_each(|part| *part = *part * length + 0.0);
        }
        self.is_assumed = unknown == axes.spatial.len();
        if self.is_assumed {
            warnings.push("The header does not say how large a voxel is; 1 mm is assumed in all directions.".into());
        } else if unknown > 0 {
            warnings.push(format!(
                "The header does not say how far apart voxels are along {unknown} of the axes; 1 mm is assumed."
            ));
        }
        columns
    }

    /// The centre of the first voxel, from the positions of the axes' ends.
    fn origin(axes: &Axes) -> Vec3 {
        let mut origin = [0.0; 3];
        for (n, value) in origin.iter_mut().enumerate() {
            let Some(axis) = axes.spatial.get(n).and_then(|axis| axes.all.get(*axis)) else { continue };
            let [Some(min), _] = axis.ends else { continue };
            // An end is the border of a sample unless the header says that it is its centre.
            let half = if axis.is_node { 0.0 } else { spacing(axis).0.unwrap_or(1.0) / 2.0 };
            *value = (min + half) * LPS.get(n).copied().unwrap_or(1.0) * millimetres(&axis.unit, &mut Vec::new()) + 0.0;
        }
        origin
    }
}

/// The distance of an axis's samples, and whether their thickness stands for it.
fn spacing(axis: &Axis) -> (Option<f64>, bool) {
    if axis.spacing.is_some() {
        return (axis.spacing, false);
    }
    if let [Some(min), Some(max)] = axis.ends {
        let gaps = if axis.is_node { axis.size.saturating_sub(1) } else { axis.size };
        // Sizes of real axes are exact as doubles.
        let gaps = u32::try_from(gaps).map_or(f64::INFINITY, f64::from);
        let spacing = (max - min) / gaps;
        if spacing.is_finite() && spacing != 0.0 {
            return (Some(spacing), false);
        }
    }
    (axis.thickness, axis.thickness.is_some())
}

/// Millimetres of a unit of length.
fn millimetres(unit: &str, warnings: &mut Vec<String>) -> f64 {
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" | "pixel" | "voxel" => return 1.0,
        "um" | "µm" | "μm" | "micron" | "microns" | "micrometer" | "micrometers" | "micrometre" | "micrometres" => {
            1e-3
        }
        "nm" | "nanometer" | "nanometers" | "nanometre" | "nanometres" => 1e-6,
        "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => 10.0,
        "m" | "meter" | "meters" | "metre" | "metres" => 1000.0,
        _ => {
            let unit: String = unit.chars().take(30).collect();
            let warning = format!("The unit {unit:?} is not known; lengths are taken as millimetres.");
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
            return 1.0;
        }
    };
    let warning = format!("Lengths in the header are in {unit}; programs built on ITK take them as millimetres.");
    if !warnings.contains(&warning) {
        warnings.push(warning);
    }
    factor
}

fn unit(v: Vec3) -> Vec3 {
    let length = v.iter().map(|part| part * part).sum::<f64>().sqrt();
    v.map(|part| part / length)
}

/// The axis of the world that a vector has the smallest part of.
fn least_along(v: Vec3) -> Vec3 {
    let least = (0..3).min_by(|a, b| v[*a].abs().total_cmp(&v[*b].abs())).unwrap_or(0);
    let mut axis = [0.0; 3];
    axis[least] = 1.0;
    axis
}
