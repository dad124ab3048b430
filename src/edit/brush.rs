//! Which voxels a brush covers: a disc or a square in the slice of a view, a ball or a cube around it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels of a plane and points on it turn into each other"
)]

use std::ops::Range;

use crate::volume::{Geometry, PlaneLayout, VoxelRow};

/// The form of a brush, in millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrushShape {
    /// Round, in one slice.
    Disc,
    /// Round, through the slices.
    Ball,
    /// Square, in one slice.
    Square,
    /// Square, through the slices.
    Cube,
}

impl BrushShape {
    /// Whether it covers voxels of neighbouring slices.
    pub fn is_solid(self) -> bool {
        matches!(self, Self::Ball | Self::Cube)
    }

    fn is_round(self) -> bool {
        matches!(self, Self::Disc | Self::Ball)
    }
}

/// A brush.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brush {
    /// Diameter, or edge, in millimetres: the same along every axis.
    pub diameter_mm: f64,
    /// Its form.
    pub shape: BrushShape,
}

/// A centre that is this much farther away, in millimetres, is still covered: distances are sums of rounded numbers.
const SLACK_MM: f64 = 1e-6;

impl Brush {
    /// Voxels whose centres lie within the brush while it is swept from one point to another, in screen pixels of a slice (pixel n spans
    /// `n..n + 1`). The voxels under the way are always covered, so that a fine brush leaves no gap. Rows may overlap.
    pub fn sweep(
        &self,
        geometry: &Geometry,
        layout: &PlaneLayout,
        slice: usize,
        from: [f64; 2],
        to: [f64; 2],
    ) -> Vec<VoxelRow> {
        let mut rows = Vec::new();
        if slice >= layout.size[2] || from.iter().chain(&to).any(|at| !at.is_finite()) {
            return rows;
        }
        let (spacing, shape) = (geometry.spacing_mm(), geometry.shape());
        let radius = self.diameter_mm / 2.0 + SLACK_MM;
        let in_mm = |at: [f64; 2]| {
            let voxel = layout.point_in_voxel(at[0], at[1], slice);
            [0, 1, 2].map(|axis| voxel[axis] * spacing[axis])
        };
        let (a, b) = (in_mm(from), in_mm(to));
        let within = |axis: usize, [low, high]: [f64; 2]| {
            let first = (low / spacing[axis]).ceil().max(0.0) as usize;
            let behind = ((high / spacing[axis]).floor() + 1.0).max(0.0) as usize;
            first..behind.min(shape[axis])
        };
        let through = layout.axes[2];
        let own_slice = layout.voxel([0, 0, slice])[through];
        let reach = |axis: usize| -> Range<usize> {
            if axis == through && !self.shape.is_solid() {
                return own_slice..own_slice + 1;
            }
            within(axis, [a[axis].min(b[axis]) - radius, a[axis].max(b[axis]) + radius])
        };
        for k in reach(2) {
            for j in reach(1) {
                let line = [j as f64 * spacing[1], k as f64 * spacing[2]];
                let cut =
                    if self.shape.is_round() { round_cut(a, b, radius, line) } else { square_cut(a, b, radius, line) };
                let Some(cut) = cut else { continue };
                let (all, own) = (reach(0), within(0, cut));
                let (start, end) = (all.start.max(own.start), all.end.min(own.end));
                if start < end {
                    rows.push(VoxelRow { start: [start, j, k], count: end - start });
                }
            }
        }
        let [width_mm, height_mm, _] = layout.pixel_mm(geometry);
        if radius < width_mm.max(height_mm) {
            rows.extend(under_way(layout, slice, from, to).map(VoxelRow::one));
        }
        rows
    }
}

/// Voxels under the way from one point to another.
fn under_way(layout: &PlaneLayout, slice: usize, from: [f64; 2], to: [f64; 2]) -> impl Iterator<Item = [usize; 3]> {
    let [across, down] = [to[0] - from[0], to[1] - from[1]];
    // No way within the picture is longer; what lies beside it is not covered.
    let most = 2.0 * (layout.size[0] + layout.size[1]) as f64;
    let steps = across.abs().max(down.abs()).ceil().clamp(1.0, most) as usize;
    (0..=steps).filter_map(move |n| {
        let along = n as f64 / steps as f64;
        let at = [from[0] + across * along, from[1] + down * along].map(f64::floor);
        let is_inside = (0..2).all(|axis| at[axis] >= 0.0 && at[axis] < layout.size[axis] as f64);
        is_inside.then(|| layout.voxel([at[0] as usize, at[1] as usize, slice]))
    })
}

/// Where a line along the first axis, at the given place on the other two, cuts the ball of a radius swept from `a` to `b`.
///
/// The swept ball is convex: the cut is all between the outermost cuts with both balls and the cylinder between them.
fn round_cut(a: [f64; 3], b: [f64; 3], radius: f64, line: [f64; 2]) -> Option<[f64; 2]> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut take = |from: f64, to: f64| (low, high) = (low.min(from), high.max(to));
    for centre in [a, b] {
        let rest = radius * radius - (line[0] - centre[1]).powi(2) - (line[1] - centre[2]).powi(2);
        if rest >= 0.0 {
            take(centre[0] - rest.sqrt(), centre[0] + rest.sqrt());
        }
    }
    let way = [0, 1, 2].map(|axis| b[axis] - a[axis]);
    let length = way.iter().map(|d| d * d).sum::<f64>();
    if length > 0.0 {
        // With u along the line from a: u^2 + n - (u d + m)^2 / length <= radius^2, where 0 <= u d + m <= length.
        let off = [line[0] - a[1], line[1] - a[2]];
        let (m, n) = (off[0] * way[1] + off[1] * way[2], off[0] * off[0] + off[1] * off[1]);
        let slab = match way[0] {
            d if d != 0.0 => {
                let ends = [-m / d, (length - m) / d];
                Some([ends[0].min(ends[1]), ends[0].max(ends[1])])
            }
            _ => (0.0..=length).contains(&m).then_some([f64::NEG_INFINITY, f64::INFINITY]),
        };
        let (square, linear) = (1.0 - way[0] * way[0] / length, -2.0 * way[0] * m / length);
        let constant = n - m * m / length - radius * radius;
        let cylinder = if square > 1e-12 {
            let root = linear * linear - 4.0 * square * constant;
            (root >= 0.0).then(|| [-root.sqrt(), root.sqrt()].map(|root| (root - linear) / (2.0 * square)))
        } else {
            (constant <= 0.0).then_some([f64::NEG_INFINITY, f64::INFINITY])
        };
        if let (Some(slab), Some(cylinder)) = (slab, cylinder) {
            let (from, to) = (slab[0].max(cylinder[0]), slab[1].min(cylinder[1]));
            if from <= to {
                take(a[0] + from, a[0] + to);
            }
        }
    }
    (low <= high).then_some([low, high])
}

/// Where a line along the first axis cuts the cube with half an edge of `half` swept from `a` to `b`.
fn square_cut(a: [f64; 3], b: [f64; 3], half: f64, line: [f64; 2]) -> Option<[f64; 2]> {
    // The shares of the way at which the line is beside the cube's centre by no more than half an edge.
    let mut shares = [0.0f64, 1.0f64];
    for (axis, at) in [(1, line[0]), (2, line[1])] {
        let (off, way) = (at - a[axis], b[axis] - a[axis]);
        if way == 0.0 {
            if off.abs() > half {
                return None;
            }
            continue;
        }
        let ends = [(off - half) / way, (off + half) / way];
        shares = [shares[0].max(ends[0].min(ends[1])), shares[1].min(ends[0].max(ends[1]))];
    }
    let ends = shares.map(|share| a[0] + share * (b[0] - a[0]));
    (shares[0] <= shares[1]).then(|| [ends[0].min(ends[1]) - half, ends[0].max(ends[1]) + half])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Plane};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Voxels of 1 x 2 x 3 mm, stored in another order than the patient's.
    fn geometry() -> Geometry {
        let affine = Affine::from_columns([[0.0, -2.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 3.0]], [0.0; 3]);
        Geometry::new([19, 25, 11], affine).unwrap()
    }

    fn voxels(rows: &[VoxelRow]) -> BTreeSet<[usize; 3]> {
        rows.iter().flat_map(|row| row.voxels()).collect()
    }

    /// The same by walking: brushes are set down at many places of the way, and every voxel of the grid is asked.
    fn walked(brush: Brush, plane: Plane, slice: usize, from: [f64; 2], to: [f64; 2]) -> [BTreeSet<[usize; 3]>; 2] {
        let geometry = geometry();
        let layout = PlaneLayout::new(&geometry, plane);
        let [width, height, depth] = layout.pixel_mm(&geometry);
        let [mut surely, mut perhaps] = [BTreeSet::new(), BTreeSet::new()];
        let steps = 400;
        for column in 0..layout.size[0] {
            for row in 0..layout.size[1] {
                for other in 0..layout.size[2] {
                    let nearest = (0..=steps).map(|n| {
                        let share = f64::from(n) / f64::from(steps);
                        let at = [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * share);
                        let off = [
                            (column as f64 + 0.5 - at[0]) * width,
                            (row as f64 + 0.5 - at[1]) * height,
                            (other as f64 - slice as f64) * depth,
                        ];
                        if brush.shape.is_round() {
                            off.iter().map(|o| o * o).sum::<f64>().sqrt()
                        } else {
                            off.iter().fold(0.0f64, |most, o| most.max(o.abs()))
                        }
                    });
                    let away = nearest.fold(f64::INFINITY, f64::min);
                    let is_in_reach = brush.shape.is_solid() || other == slice;
                    // What is nearer to the edge than the steps are far from each other is left open.
                    for (set, slack) in [(&mut surely, -1e-4), (&mut perhaps, 0.1)] {
                        if is_in_reach && away <= brush.diameter_mm / 2.0 + slack {
                            set.insert(layout.voxel([column, row, other]));
                        }
                    }
                }
            }
        }
        [surely, perhaps]
    }

    #[test]
    fn every_shape_is_as_large_in_millimetres_along_every_axis() {
        let geometry = geometry();
        for plane in Plane::ALL {
            let layout = PlaneLayout::new(&geometry, plane);
            let middle = layout.screen([9, 12, 5]);
            let at = [middle[0] as f64 + 0.5, middle[1] as f64 + 0.5];
            for (shape, sizes) in [(BrushShape::Ball, [5, 9, 3]), (BrushShape::Cube, [5, 9, 3])] {
                let brush = Brush { diameter_mm: 8.0, shape };
                let found = voxels(&brush.sweep(&geometry, &layout, middle[2], at, at));
                let extent = |axis: usize| found.iter().map(|v| v[axis]).collect::<BTreeSet<_>>().len();
                assert_eq!([extent(0), extent(1), extent(2)], sizes, "{shape:?} in {plane:?}");
                let flat = if shape == BrushShape::Ball { BrushShape::Disc } else { BrushShape::Square };
                let in_slice = voxels(&Brush { shape: flat, ..brush }.sweep(&geometry, &layout, middle[2], at, at));
                let cut: BTreeSet<_> = found.into_iter().filter(|v| layout.screen(*v)[2] == middle[2]).collect();
                assert_eq!(in_slice, cut, "in its slice a {shape:?} is a {flat:?} in {plane:?}");
            }
        }
    }

    #[test]
    fn a_fast_stroke_of_the_finest_brush_leaves_no_gap() {
        let geometry = geometry();
        for shape in [BrushShape::Disc, BrushShape::Ball, BrushShape::Square, BrushShape::Cube] {
            let layout = PlaneLayout::new(&geometry, Plane::Axial);
            let brush = Brush { diameter_mm: 0.5, shape };
            let found = voxels(&brush.sweep(&geometry, &layout, 4, [1.2, 2.3], [23.7, 15.1]));
            let mut columns: Vec<[usize; 3]> = found.iter().map(|voxel| layout.screen(*voxel)).collect();
            columns.sort_unstable();
            assert_eq!(columns.iter().map(|at| at[0]).collect::<BTreeSet<_>>().len(), 23, "{shape:?}: {columns:?}");
            assert!(columns.windows(2).all(|pair| pair[0][1].abs_diff(pair[1][1]) <= 1), "{shape:?}: {columns:?}");
        }
        // Beside the image, or on no slice at all, nothing is covered.
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let brush = Brush { diameter_mm: 4.0, shape: BrushShape::Ball };
        assert!(brush.sweep(&geometry, &layout, 4, [-90.0, -9e9], [-80.0, -9e9]).is_empty());
        assert!(brush.sweep(&geometry, &layout, 400, [5.0, 5.0], [6.0, 5.0]).is_empty());
        assert!(brush.sweep(&geometry, &layout, 4, [f64::NAN, 5.0], [6.0, 5.0]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_sweep_is_what_brushes_set_down_along_the_way_cover(
            shape in 0usize..4, plane in 0usize..3, slice in 0.0f64..1.0, diameter_mm in 4.0f64..14.0,
            from in [-2.0f64..20.0, -2.0f64..12.0], to in [-2.0f64..20.0, -2.0f64..12.0], stays in any::<bool>(),
        ) {
            let shape = [BrushShape::Disc, BrushShape::Ball, BrushShape::Square, BrushShape::Cube][shape];
            let (brush, plane) = (Brush { diameter_mm, shape }, Plane::ALL[plane]);
            let geometry = geometry();
            let layout = PlaneLayout::new(&geometry, plane);
            let slice = (slice * layout.size[2] as f64) as usize;
            let to = if stays { from } else { to };
            let rows = brush.sweep(&geometry, &layout, slice, from, to);
            // Only what is under the way comes besides.
            let under: BTreeSet<_> = under_way(&layout, slice, from, to).collect();
            let found = voxels(&rows);
            let [surely, perhaps] = walked(brush, plane, slice, from, to);
            prop_assert!(surely.is_subset(&found), "{:?} are missing", surely.difference(&found).collect::<Vec<_>>());
            let surplus: Vec<_> = found.iter().filter(|v| !perhaps.contains(*v) && !under.contains(*v)).collect();
            prop_assert!(surplus.is_empty(), "{surplus:?} are too much");
        }
    }
}
