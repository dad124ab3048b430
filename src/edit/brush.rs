//! Which voxels a round brush covers in the plane of a view.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels of a plane and points on it turn into each other"
)]

use crate::volume::{Geometry, PlaneLayout};

/// A disc in a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brush {
    /// Diameter in millimetres, the same in every plane.
    pub diameter_mm: f64,
}

impl Brush {
    /// Voxels whose centres lie within the disc swept from one point to another, in screen pixels of a slice
    /// (pixel n spans `n..n + 1`). The voxel under the point is always covered.
    pub fn sweep(
        &self,
        geometry: &Geometry,
        layout: &PlaneLayout,
        slice: usize,
        from: [f64; 2],
        to: [f64; 2],
    ) -> Vec<[usize; 3]> {
        let [width_mm, height_mm, _] = layout.pixel_mm(geometry);
        let radius = self.diameter_mm / 2.0;
        let reach = [radius / width_mm, radius / height_mm];
        let range = |axis: usize| {
            let low = (from[axis].min(to[axis]) - reach[axis] - 1.0).floor().max(0.0) as usize;
            let high = (from[axis].max(to[axis]) + reach[axis] + 1.0).ceil().max(0.0) as usize;
            low..high.min(layout.size[axis])
        };
        let mm = |p: [f64; 2]| [p[0] * width_mm, p[1] * height_mm];
        let (a, b) = (mm(from), mm(to));
        let mut covered = Vec::new();
        for row in range(1) {
            for column in range(0) {
                let centre = mm([column as f64 + 0.5, row as f64 + 0.5]);
                let under = [(to[0], column), (to[1], row)].iter().all(|(p, n)| p.floor() == *n as f64);
                if under || distance_to_segment(centre, a, b) <= radius {
                    covered.push(layout.voxel([column, row, slice]));
                }
            }
        }
        covered
    }
}

fn distance_to_segment(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let d = [b[0] - a[0], b[1] - a[1]];
    let length = d[0] * d[0] + d[1] * d[1];
    let along =
        if length == 0.0 { 0.0 } else { (((p[0] - a[0]) * d[0] + (p[1] - a[1]) * d[1]) / length).clamp(0.0, 1.0) };
    let off = [p[0] - a[0] - along * d[0], p[1] - a[1] - along * d[1]];
    (off[0] * off[0] + off[1] * off[1]).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Plane};

    fn geometry() -> Geometry {
        // Pixels of 1 x 2 mm in axial slices.
        let affine = Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 3.0]], [0.0; 3]);
        Geometry::new([21, 21, 5], affine).unwrap()
    }

    #[test]
    fn the_disc_is_round_in_millimetres() {
        let geometry = geometry();
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let voxels = Brush { diameter_mm: 8.0 }.sweep(&geometry, &layout, 2, [10.5, 10.5], [10.5, 10.5]);
        let extent = |axis: usize| {
            let all: Vec<usize> = voxels.iter().map(|v| v[axis]).collect();
            all.iter().max().unwrap() - all.iter().min().unwrap() + 1
        };
        assert_eq!((extent(0), extent(1), extent(2)), (9, 5, 1));
    }

    #[test]
    fn a_fast_stroke_leaves_no_gap() {
        let geometry = geometry();
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let voxels = Brush { diameter_mm: 2.0 }.sweep(&geometry, &layout, 0, [2.5, 10.5], [18.5, 10.5]);
        for column in 2..=18 {
            assert!(voxels.contains(&layout.voxel([column, 10, 0])), "{column}");
        }
    }
}
