//! The grid of a volume and where it lies in the patient.

#![allow(clippy::needless_range_loop, reason = "loops over axes index several arrays")]

use super::affine::{Affine, Vec3, dot, length};
use super::orientation::{Orientation, polar_factor, unit_columns};

/// Two geometries match when no voxel centre differs by more than this.
pub const MATCH_TOLERANCE_MM: f64 = 1e-3;

/// Why a grid cannot be a [`Geometry`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GeometryError {
    /// One of the sizes is zero.
    #[error("the grid of {0:?} voxels is empty")]
    EmptyShape([usize; 3]),
    /// The number of voxels does not fit into the address space.
    #[error("the grid of {0:?} voxels is too large")]
    TooLarge([usize; 3]),
    /// The affine cannot be inverted, so voxels have no place in the patient.
    #[error("the affine {0:?} is singular or not finite")]
    Singular([[f64; 4]; 3]),
}

/// Shape (i, j, k) and the map from voxel indices (centres at integers) to patient RAS millimetres.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    shape: [usize; 3],
    world_from_voxel: Affine,
    voxel_from_world: Affine,
    orientation: Orientation,
    size_assumed: bool,
}

impl Geometry {
    /// Checks shape and affine and computes what follows from them.
    ///
    /// # Errors
    /// When a size is zero, the voxel count overflows, or the affine is singular or not finite.
    pub fn new(shape: [usize; 3], world_from_voxel: Affine) -> Result<Self, GeometryError> {
        if shape.contains(&0) {
            return Err(GeometryError::EmptyShape(shape));
        }
        let count = shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
        if count.is_none_or(|n| n > isize::MAX as usize / 16) {
            return Err(GeometryError::TooLarge(shape));
        }
        let singular = || GeometryError::Singular(world_from_voxel.0);
        if !world_from_voxel.is_finite() {
            return Err(singular());
        }
        let unit_volume: f64 = (0..3).map(|axis| length(world_from_voxel.column(axis))).product();
        if world_from_voxel.determinant().abs() <= 1e-9 * unit_volume {
            return Err(singular());
        }
        let voxel_from_world = world_from_voxel.inverse().ok_or_else(singular)?;
        let orientation = Orientation::of(&world_from_voxel);
        Ok(Self { shape, world_from_voxel, voxel_from_world, orientation, size_assumed: false })
    }

    /// The same grid, of which nobody knows how large its voxels are.
    #[must_use]
    pub fn of_assumed_size(self) -> Self {
        Self { size_assumed: true, ..self }
    }

    /// Whether nobody knows how large the voxels are, as in most pictures.
    pub fn is_size_assumed(&self) -> bool {
        self.size_assumed
    }

    /// Whether the grids can be the same: one of them does not know its size, and shape and directions agree.
    pub fn may_be(&self, other: &Self) -> bool {
        (self.size_assumed || other.size_assumed) && self.shape == other.shape && self.orientation == other.orientation
    }

    /// Number of voxels along i, j, k.
    #[inline]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of voxels of one frame.
    #[inline]
    pub fn voxel_count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Voxel indices to RAS millimetres.
    #[inline]
    pub fn world_from_voxel(&self) -> &Affine {
        &self.world_from_voxel
    }

    /// RAS millimetres to (fractional) voxel indices.
    #[inline]
    pub fn voxel_from_world(&self) -> &Affine {
        &self.voxel_from_world
    }

    /// Nearest anatomical direction of each voxel axis.
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Distance between neighbouring voxel centres along i, j, k in millimetres.
    pub fn spacing_mm(&self) -> [f64; 3] {
        [0, 1, 2].map(|axis| length(self.world_from_voxel.column(axis)))
    }

    /// Volume of one voxel in cubic millimetres.
    pub fn voxel_volume_mm3(&self) -> f64 {
        self.world_from_voxel.determinant().abs()
    }

    /// Largest |cosine| between two voxel axes: 0 for a rectangular grid, above 1e-3 a visible shear.
    pub fn shear(&self) -> f64 {
        let unit = [0, 1, 2].map(|axis| {
            let column = self.world_from_voxel.column(axis);
            let scale = length(column);
            column.map(|v| v / scale)
        });
        dot(unit[0], unit[1]).abs().max(dot(unit[0], unit[2]).abs()).max(dot(unit[1], unit[2]).abs())
    }

    /// The nearest grid whose axes are at right angles: the same first voxel, the same spacing.
    #[must_use]
    pub fn squared(&self) -> Self {
        let axes = polar_factor(unit_columns(&self.world_from_voxel));
        let spacing = self.spacing_mm();
        let columns = [0, 1, 2].map(|axis| [0, 1, 2].map(|row: usize| axes[row][axis] * spacing[axis]));
        let affine = Affine::from_columns(columns, self.world_from_voxel.point([0.0; 3]));
        Self::new(self.shape, affine).unwrap_or_else(|_| self.clone())
    }

    /// Whether the axes deviate from the patient's by more than a rounding error.
    pub fn is_oblique(&self) -> bool {
        let spacing = self.spacing_mm();
        (0..3).any(|axis| {
            let along = self.world_from_voxel.column(axis)[self.orientation.world_axis[axis]].abs();
            along < spacing[axis] * (1.0 - 1e-6)
        })
    }

    /// The voxel whose centre is nearest to a world point, if the point lies in the grid.
    #[inline]
    pub fn voxel_at(&self, world_mm: Vec3) -> Option<[usize; 3]> {
        let v = self.voxel_from_world.point(world_mm);
        let mut index = [0; 3];
        for axis in 0..3 {
            let rounded = v[axis].round();
            if !(rounded >= 0.0 && rounded < self.shape[axis] as f64) {
                return None;
            }
            index[axis] = rounded as usize;
        }
        Some(index)
    }

    /// World position of a voxel centre.
    #[inline]
    pub fn world_at(&self, voxel: [usize; 3]) -> Vec3 {
        self.world_from_voxel.point(voxel.map(|v| v as f64))
    }

    /// Whether both grids have the same shape and no voxel centre is further apart than `tolerance_mm`.
    pub fn matches(&self, other: &Self, tolerance_mm: f64) -> bool {
        self.shape == other.shape && self.distance_mm(other) <= tolerance_mm
    }

    /// Whether both grids are the same but for rounding in headers: no voxel centre is off by more than a hundredth of the finest
    /// spacing.
    pub fn lies_on(&self, other: &Self) -> bool {
        self.matches(other, 1e-2 * other.finest_mm())
    }

    /// The smallest spacing.
    pub fn finest_mm(&self) -> f64 {
        self.spacing_mm().into_iter().fold(f64::INFINITY, f64::min)
    }

    /// The largest distance between the centres of the same voxel in two grids, over the voxels of the first.
    ///
    /// The distance between two affine maps is convex, so the eight corners decide.
    pub fn distance_mm(&self, other: &Self) -> f64 {
        let corners = (0..8).map(|corner| {
            let voxel = [0, 1, 2].map(|axis| if corner >> axis & 1 == 1 { (self.shape[axis] - 1) as f64 } else { 0.0 });
            let (a, b) = (self.world_from_voxel.point(voxel), other.world_from_voxel.point(voxel));
            length([a[0] - b[0], a[1] - b[1], a[2] - b[2]])
        });
        corners.fold(0.0, f64::max)
    }

    /// The same grid with its axes permuted and flipped to R, A, S order.
    #[must_use]
    pub fn to_ras(&self) -> Self {
        let mut columns = [[0.0; 3]; 3];
        let mut shape = [0; 3];
        let mut first = [0.0; 3];
        for axis in 0..3 {
            let world = self.orientation.world_axis[axis];
            let column = self.world_from_voxel.column(axis);
            shape[world] = self.shape[axis];
            columns[world] = if self.orientation.positive[axis] { column } else { column.map(|v| -v) };
            if !self.orientation.positive[axis] {
                first[axis] = (self.shape[axis] - 1) as f64;
            }
        }
        let world_from_voxel = Affine::from_columns(columns, self.world_from_voxel.point(first));
        let voxel_from_world = world_from_voxel.inverse().unwrap_or(self.voxel_from_world);
        Self {
            shape,
            world_from_voxel,
            voxel_from_world,
            orientation: Orientation::RAS,
            size_assumed: self.size_assumed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lps() -> Geometry {
        let affine = Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 3.0]], [10.0, 20.0, 30.0]);
        Geometry::new([4, 5, 6], affine).unwrap()
    }

    #[test]
    fn ras_order_keeps_every_voxel_in_place() {
        let ras = lps().to_ras();
        assert_eq!(ras.orientation().code(), "RAS");
        assert_eq!(ras.world_at([0, 0, 0]), lps().world_at([3, 4, 0]));
        assert_eq!(ras.world_at([3, 4, 5]), lps().world_at([0, 0, 5]));
    }

    #[test]
    fn a_match_allows_rounding_but_not_a_tenth_of_a_millimetre() {
        let a = lps();
        let mut near = *a.world_from_voxel();
        near.0[0][3] += 5e-4;
        assert!(a.matches(&Geometry::new(a.shape(), near).unwrap(), MATCH_TOLERANCE_MM));
        let mut turned = *a.world_from_voxel();
        turned.0[0][2] += 0.1;
        assert!(!a.matches(&Geometry::new(a.shape(), turned).unwrap(), MATCH_TOLERANCE_MM));
    }

    #[test]
    fn a_sheared_grid_is_squared_up() {
        assert!(lps().squared().matches(&lps(), 1e-9));
        for shear in [2e-4, 0.01, 0.3] {
            let mut affine = *lps().world_from_voxel();
            affine.0[1][2] = shear * 3.0;
            let sheared = Geometry::new([4, 5, 6], affine).unwrap();
            let squared = sheared.squared();
            assert!(squared.shear() < 1e-12 && sheared.shear() > 0.9 * shear);
            assert_eq!(squared.orientation(), sheared.orientation());
            assert_eq!(squared.world_at([0; 3]), sheared.world_at([0; 3]));
            // Half of the angle is taken off each of the two axes.
            let last = sheared.distance_mm(&squared);
            assert!(last > 0.4 * shear * 15.0 && last < 1.2 * shear * 15.0, "{shear}: {last}");
        }
    }

    #[test]
    fn a_grid_of_unknown_size_may_be_any_of_its_shape_and_directions() {
        let assumed = |scale: f64, shape| {
            let affine = Affine::from_columns([[-scale, 0.0, 0.0], [0.0, -scale, 0.0], [0.0, 0.0, scale]], [0.0; 3]);
            Geometry::new(shape, affine).unwrap()
        };
        let picture = assumed(1.0, [4, 5, 6]).of_assumed_size();
        assert!(
            picture.may_be(&assumed(0.25, [4, 5, 6]))
                && assumed(0.25, [4, 5, 6]).may_be(&picture)
                && lps().may_be(&picture)
        );
        assert!(!assumed(1.0, [4, 5, 6]).may_be(&assumed(0.25, [4, 5, 6])));
        assert!(!picture.may_be(&assumed(0.25, [4, 5, 7])) && !picture.may_be(&lps().to_ras()));
    }

    #[test]
    fn points_outside_have_no_voxel() {
        let g = lps();
        assert_eq!(g.voxel_at([10.4, 20.9, 31.4]), Some([0, 0, 0]));
        assert_eq!(g.voxel_at([10.6, 20.0, 30.0]), None);
    }

    #[test]
    fn a_flat_affine_is_refused() {
        let flat = Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [0.0; 3]);
        assert!(matches!(Geometry::new([2, 2, 2], flat), Err(GeometryError::Singular(_))));
    }
}
