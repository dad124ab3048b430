//! A surface of triangles that share their corners.

use crate::volume::{Vec3, cross};

/// Triangles and their corners.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mesh {
    /// Corners in millimetres.
    pub vertices: Vec<Vec3>,
    /// Numbers of corners, counterclockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
}

impl Mesh {
    /// The corners of a triangle.
    pub fn corners(&self, triangle: [u32; 3]) -> [Vec3; 3] {
        triangle.map(|corner| self.vertices.get(corner as usize).copied().unwrap_or_default())
    }

    /// Volume inside a closed surface in cubic millimetres; positive where triangles turn outward.
    pub fn volume_mm3(&self) -> f64 {
        let Some(middle) = self.vertices.first() else { return 0.0 };
        let of = |triangle: &[u32; 3]| {
            let [a, b, c] = self.corners(*triangle).map(|p| [0, 1, 2].map(|axis| p[axis] - middle[axis]));
            let normal = cross(b, c);
            (0..3).map(|axis| a[axis] * normal[axis]).sum::<f64>() / 6.0
        };
        self.triangles.iter().map(of).sum()
    }
}
