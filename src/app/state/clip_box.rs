//! The box that the 3-D tile shows a part of the body in: six faces along the axes of the grid.

use super::camera::Side;
use crate::volume::{Geometry, Plane, PlaneLayout, Region};

/// A box, and whether it clips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipBox {
    /// Whether what lies outside is hidden.
    pub is_on: bool,
    /// The voxels inside; one at least.
    pub region: Region,
}

/// A face of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Face {
    /// The axis of the grid that it is square to.
    pub axis: usize,
    /// Whether it is at the end of that axis.
    pub is_end: bool,
}

impl Face {
    /// The face towards a side of the patient.
    pub fn of(geometry: &Geometry, side: Side) -> Self {
        let (plane, is_positive) = match side {
            Side::Right => (Plane::Sagittal, true),
            Side::Left => (Plane::Sagittal, false),
            Side::Anterior => (Plane::Coronal, true),
            Side::Posterior => (Plane::Coronal, false),
            Side::Superior => (Plane::Axial, true),
            Side::Inferior => (Plane::Axial, false),
        };
        let axis = PlaneLayout::new(geometry, plane).axes[2];
        Self { axis, is_end: is_positive == geometry.orientation().positive[axis] }
    }
}

impl ClipBox {
    /// Around a whole grid; it hides nothing.
    pub fn whole(shape: [usize; 3]) -> Self {
        Self { is_on: true, region: Region::whole(shape) }
    }

    /// Voxels that a face cuts off its side of the grid.
    pub fn depth(&self, face: Face, shape: [usize; 3]) -> usize {
        if face.is_end { shape[face.axis] - self.region.end[face.axis] } else { self.region.start[face.axis] }
    }

    /// With a face that cuts off so many voxels of its side; a voxel is left between it and the face beyond.
    #[must_use]
    pub fn cut(mut self, face: Face, depth: usize, shape: [usize; 3]) -> Self {
        let Face { axis, is_end } = face;
        if is_end {
            self.region.end[axis] = shape[axis].saturating_sub(depth).max(self.region.start[axis] + 1);
        } else {
            self.region.start[axis] = depth.min(self.region.end[axis] - 1);
        }
        self
    }

    /// What is in it of a region; a region without a voxel where that is nothing.
    pub fn part_of(&self, other: Region) -> Region {
        if !self.is_on {
            return other;
        }
        let start = [0, 1, 2].map(|axis| other.start[axis].max(self.region.start[axis]).min(other.end[axis]));
        let end = [0, 1, 2].map(|axis| other.end[axis].min(self.region.end[axis]).max(start[axis]));
        Region { start, end }
    }

    /// The corners in voxels, borders included: bit `n` of a corner's number says whether it is at the end of axis `n`.
    pub fn corners(&self) -> [[f64; 3]; 8] {
        let Region { start, end } = self.region;
        std::array::from_fn(|n| {
            [0, 1, 2].map(|axis| (if n >> axis & 1 == 0 { start[axis] } else { end[axis] }) as f64 - 0.5)
        })
    }

    /// The middle of a face, in voxels.
    pub fn middle(&self, face: Face) -> [f64; 3] {
        let Region { start, end } = self.region;
        [0, 1, 2].map(|axis| match (axis == face.axis, face.is_end) {
            (true, true) => end[axis] as f64 - 0.5,
            (true, false) => start[axis] as f64 - 0.5,
            (false, _) => f64::midpoint(start[axis] as f64, end[axis] as f64) - 0.5,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;

    #[test]
    fn faces_are_those_of_the_patient_whatever_way_the_grid_runs() {
        // Columns of a grid that runs to the left, to the head and to the front.
        let columns = [[-1.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 3.0, 0.0]];
        let geometry = Geometry::new([10, 20, 30], Affine::from_columns(columns, [0.0; 3])).unwrap();
        let face = |side| Face::of(&geometry, side);
        assert_eq!(face(Side::Right), Face { axis: 0, is_end: false });
        assert_eq!(face(Side::Left), Face { axis: 0, is_end: true });
        assert_eq!(face(Side::Superior), Face { axis: 1, is_end: true });
        assert_eq!(face(Side::Posterior), Face { axis: 2, is_end: false });
    }

    #[test]
    fn faces_cut_what_they_say_and_never_meet() {
        let shape = [10, 20, 30];
        let (low, high) = (Face { axis: 1, is_end: false }, Face { axis: 1, is_end: true });
        let clip = ClipBox::whole(shape).cut(low, 5, shape).cut(high, 8, shape);
        assert_eq!((clip.region.start, clip.region.end), ([0, 5, 0], [10, 12, 30]));
        assert_eq!((clip.depth(low, shape), clip.depth(high, shape)), (5, 8));
        assert_eq!(clip.middle(high), [4.5, 11.5, 14.5]);
        assert_eq!((clip.corners()[0], clip.corners()[7]), ([-0.5, 4.5, -0.5], [9.5, 11.5, 29.5]));
        let narrow = clip.cut(low, 99, shape);
        assert_eq!((narrow.region.start[1], narrow.region.end[1]), (11, 12));
        assert_eq!(clip.cut(high, 99, shape).region.end[1], 6);
    }

    #[test]
    fn what_is_left_of_a_region_is_in_both() {
        let shape = [10, 20, 30];
        let clip = ClipBox::whole(shape).cut(Face { axis: 0, is_end: false }, 4, shape);
        let region = |start, end| Region { start: [start, 0, 0], end: [end, 20, 30] };
        assert_eq!(clip.part_of(region(0, 7)), region(4, 7));
        let none = clip.part_of(region(0, 3));
        assert!((0..3).all(|axis| none.start[axis] <= none.end[axis]) && none.start[0] == none.end[0]);
        let off = ClipBox { is_on: false, ..clip };
        assert_eq!(off.part_of(region(0, 7)), region(0, 7));
    }
}
