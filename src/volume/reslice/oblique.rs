//! A plane through the patient in any direction.

use super::super::affine::{Affine, Vec3, cross, dot, unit};
use super::super::geometry::{Geometry, GeometryError};
use super::error::ResliceError;
use super::rows::{PixelRow, Reslice, pixel_count};

/// A part of a plane as a picture shows it. Places are in RAS millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObliquePlane {
    /// The middle of the picture.
    pub centre: Vec3,
    /// To the right on the picture; length 1.
    pub right: Vec3,
    /// Down on the picture; length 1, at a right angle to `right`.
    pub down: Vec3,
    /// Width and height in millimetres.
    pub size_mm: [f64; 2],
    /// Width and height of a pixel in millimetres.
    pub pixel_mm: f64,
}

impl ObliquePlane {
    /// Right and down on a picture of a plane that is looked at along `normal`, where `up` points up as far as it can.
    ///
    /// # Errors
    /// When a direction has no length, or both are the same.
    pub fn directions(normal: Vec3, up: Vec3) -> Result<[Vec3; 2], ResliceError> {
        let (normal, up) = unit(normal).zip(unit(up)).ok_or(ResliceError::NoDirection)?;
        let sideways = cross(normal, up);
        if dot(sideways, sideways) < 1e-12 {
            return Err(ResliceError::NoDirection);
        }
        let right = unit(sideways).ok_or(ResliceError::NoDirection)?;
        Ok([right, cross(normal, right)])
    }

    /// What is up where nobody says it: the head, and in a plane that lies more like an axial one, the patient's front.
    pub fn usual_up(normal: Vec3) -> Vec3 {
        let is_axial = normal[2].abs() >= normal[0].abs().max(normal[1].abs());
        if is_axial { [0.0, 1.0, 0.0] } else { [0.0, 0.0, 1.0] }
    }

    /// The plane through a place that shows all of a scan that lies on it; pixels are as large as the scan's finest spacing, or larger where
    /// a side would have more than `most_pixels`. The middle of the picture stays where it is while the place moves within the plane.
    pub fn whole(geometry: &Geometry, place: Vec3, [right, down]: [Vec3; 2], most_pixels: usize) -> Self {
        let affine = geometry.world_from_voxel();
        let shape = geometry.shape().map(|n| n as f64);
        let middle = affine.point(shape.map(|n| (n - 1.0) / 2.0));
        let normal = cross(right, down);
        let off = dot(normal, [0, 1, 2].map(|n| place[n] - middle[n]));
        let reach = |along: Vec3| (0..3).map(|axis| dot(affine.column(axis), along).abs() * shape[axis]).sum::<f64>();
        let size_mm = [reach(right), reach(down)];
        let longest = size_mm[0].max(size_mm[1]);
        let pixel_mm = geometry.finest_mm().max(longest / most_pixels.max(1) as f64);
        Self { centre: [0, 1, 2].map(|n| middle[n] + normal[n] * off), right, down, size_mm, pixel_mm }
    }

    /// Away from who looks at the picture.
    pub fn normal(&self) -> Vec3 {
        cross(self.right, self.down)
    }

    /// The pixels.
    ///
    /// # Errors
    /// When the directions are not of length 1 and at a right angle, a number is not finite, or there are too many pixels, or none.
    pub fn reslice(&self) -> Result<Reslice, ResliceError> {
        let Self { centre, right, down, size_mm, pixel_mm } = *self;
        let is_placed = centre.iter().all(|mm| mm.is_finite()) && pixel_mm.is_finite() && pixel_mm > 0.0;
        if !is_placed {
            return Err(ResliceError::NotFinite);
        }
        let is_unit = |v: Vec3| (dot(v, v) - 1.0).abs() < 1e-6;
        if !(is_unit(right) && is_unit(down) && dot(right, down).abs() < 1e-6) {
            return Err(ResliceError::NoDirection);
        }
        let [columns, rows] = pixel_count(size_mm, pixel_mm)?;
        let (step, through) = (right.map(|mm| mm * pixel_mm), self.normal());
        let to_first = (columns as f64 - 1.0) / 2.0;
        let row = |n: usize| {
            let along = (n as f64 - (rows as f64 - 1.0) / 2.0) * pixel_mm;
            let first = [0, 1, 2].map(|axis| centre[axis] + down[axis] * along - step[axis] * to_first);
            PixelRow { first, step, through }
        };
        Ok(Reslice { columns, rows: (0..rows).map(row).collect(), pixel_mm })
    }

    /// The picture as a grid of one slice that lies in the patient where the plane does: columns to the right, rows down.
    ///
    /// # Errors
    /// When the plane has no directions.
    pub fn geometry(&self, [columns, rows]: [usize; 2]) -> Result<Geometry, GeometryError> {
        let Self { centre, right, down, pixel_mm, .. } = *self;
        let to_first = [columns, rows].map(|n| (n as f64 - 1.0) / 2.0 * pixel_mm);
        let origin = [0, 1, 2].map(|axis| centre[axis] - right[axis] * to_first[0] - down[axis] * to_first[1]);
        let sides = [right, down, self.normal()].map(|side| side.map(|mm| mm * pixel_mm));
        Geometry::new([columns, rows, 1], Affine::from_columns(sides, origin))
    }
}
