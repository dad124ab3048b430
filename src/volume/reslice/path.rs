//! A path through the patient, and the scan straightened along it.

use super::super::affine::{Vec3, cross, dot, length, unit};
use super::curve::Curve;
use super::error::{MOST_PATH_POINTS, MOST_RESLICED_SIDE, ResliceError};
use super::rows::{PixelRow, Reslice, pixel_count};

/// Points nearer than this, in millimetres, are one.
const SAME_MM: f64 = 1e-6;
/// The directions that the picture's right may begin with: the patient's left, as in coronal views, then back and feet.
const BEGINNINGS: [Vec3; 3] = [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]];

/// A smooth path through points, cut into steps of one length. Places are in RAS millimetres.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvedPath {
    /// A place every step.
    pub places: Vec<Vec3>,
    /// Where the path leads there; length 1.
    pub tangents: Vec<Vec3>,
    /// A direction across the path that does not turn about it; length 1.
    across: Vec<Vec3>,
    /// Length of a step.
    pub step_mm: f64,
    /// Length of the whole path.
    pub length_mm: f64,
}

impl CurvedPath {
    /// Through points, in their order. Points that repeat the one before are left out.
    ///
    /// # Errors
    /// When fewer than two are left, a number is not finite, or there are too many points or steps.
    pub fn through(points: &[Vec3], step_mm: f64) -> Result<Self, ResliceError> {
        if points.len() > MOST_PATH_POINTS {
            return Err(ResliceError::TooManyPoints(points.len()));
        }
        let is_placed = points.iter().flatten().all(|mm| mm.is_finite()) && step_mm.is_finite() && step_mm > 0.0;
        if !is_placed {
            return Err(ResliceError::NotFinite);
        }
        let mut own: Vec<Vec3> = Vec::with_capacity(points.len());
        for point in points {
            if own.last().is_none_or(|last| length([0, 1, 2].map(|n| point[n] - last[n])) > SAME_MM) {
                own.push(*point);
            }
        }
        let curve = Curve::through(&own).ok_or(ResliceError::TooFewPoints)?;
        let length_mm = curve.length();
        if length_mm / step_mm >= MOST_RESLICED_SIDE as f64 {
            return Err(ResliceError::Size([1.0, (length_mm / step_mm).floor() + 1.0]));
        }
        // The last step ends at the path's end where rounding alone would leave it out.
        let count = (length_mm / step_mm + 1e-6).floor() as usize + 1;
        let (mut places, mut tangents) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for n in 0..count {
            let (place, derivative) = curve.at(n as f64 * step_mm).ok_or(ResliceError::TooFewPoints)?;
            let tangent = unit(derivative).or(tangents.last().copied()).ok_or(ResliceError::TooFewPoints)?;
            places.push(place);
            tangents.push(tangent);
        }
        let across = untwisted(&places, &tangents).ok_or(ResliceError::TooFewPoints)?;
        Ok(Self { places, tangents, across, step_mm, length_mm })
    }

    /// The direction across the path at a step, turned about the path by an angle in radians; length 1.
    pub fn across(&self, step: usize, angle: f64) -> Option<Vec3> {
        let (across, tangent) = (*self.across.get(step)?, *self.tangents.get(step)?);
        let (sin, cos) = angle.sin_cos();
        let other = cross(tangent, across);
        Some([0, 1, 2].map(|n| cos * across[n] + sin * other[n]))
    }

    /// The straightened picture: the path runs down its middle, a row a step, and a row is so wide in millimetres. The angle in radians turns
    /// the rows about the path.
    ///
    /// # Errors
    /// When the picture would have no column, or too many.
    pub fn straightened(&self, width_mm: f64, angle: f64) -> Result<Reslice, ResliceError> {
        let pixel_mm = self.step_mm;
        let [columns, _] = pixel_count([width_mm, self.places.len() as f64 * pixel_mm], pixel_mm)?;
        let to_first = (columns as f64 - 1.0) / 2.0;
        let row = |n: usize| {
            let (place, tangent, across) = (self.places.get(n)?, self.tangents.get(n)?, self.across(n, angle)?);
            let step = across.map(|mm| mm * pixel_mm);
            let first = [0, 1, 2].map(|axis| place[axis] - step[axis] * to_first);
            Some(PixelRow { first, step, through: cross(across, *tangent) })
        };
        Ok(Reslice { columns, rows: (0..self.places.len()).filter_map(row).collect(), pixel_mm })
    }
}

/// Directions across a path that do not turn about it: rotation-minimising frames by double reflection (Wang, Jüttler, Zheng, Liu:
/// "Computation of rotation minimizing frames", 2008).
fn untwisted(places: &[Vec3], tangents: &[Vec3]) -> Option<Vec<Vec3>> {
    let start = *tangents.first()?;
    // The first that does not lie along the path; one of three at right angles never does.
    let beginning = BEGINNINGS.into_iter().find(|direction| dot(*direction, start).abs() < 0.8)?;
    let along = dot(beginning, start);
    let mut across = vec![unit([0, 1, 2].map(|n| beginning[n] - along * start[n]))?];
    for n in 1..places.len().min(tangents.len()) {
        let last = across[n - 1];
        let chord = [0, 1, 2].map(|axis| places[n][axis] - places[n - 1][axis]);
        let (mirrored, tangent) = (reflected(last, chord), reflected(tangents[n - 1], chord));
        let turned = reflected(mirrored, [0, 1, 2].map(|axis| tangents[n][axis] - tangent[axis]));
        // Rounding is taken out, so that it does not add up.
        let along = dot(turned, tangents[n]);
        across.push(unit([0, 1, 2].map(|axis| turned[axis] - along * tangents[n][axis]))?);
    }
    Some(across)
}

/// A vector mirrored at the plane that a normal stands on; as it is where the normal has no length.
fn reflected(vector: Vec3, normal: Vec3) -> Vec3 {
    let square = dot(normal, normal);
    if square < 1e-24 {
        return vector;
    }
    let twice = 2.0 * dot(normal, vector) / square;
    [0, 1, 2].map(|axis| vector[axis] - twice * normal[axis])
}
