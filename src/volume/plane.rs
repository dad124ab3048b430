//! Axial, coronal and sagittal slices of a grid in any storage order, without copying the volume.
//!
//! On screen the radiological convention holds: the patient's right is on the left of axial and coronal slices,
//! anterior is on the left of sagittal ones; superior (axial: anterior) is up.

use std::ops::Range;

use super::geometry::Geometry;
use super::label_map::{BRICK_EDGE, Brick, LabelMap, LabelValue};
use super::scan::{Volume, Window};
use crate::volume::with_voxels;

/// An anatomical plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    /// Perpendicular to the superior axis.
    Axial,
    /// Perpendicular to the anterior axis.
    Coronal,
    /// Perpendicular to the right axis.
    Sagittal,
}

impl Plane {
    /// All three, in the order of the views.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// World axis (0 = R, 1 = A, 2 = S) that the slices are stacked along.
    pub fn world_axis(self) -> usize {
        match self {
            Self::Sagittal => 0,
            Self::Coronal => 1,
            Self::Axial => 2,
        }
    }

    /// World axes along screen columns and rows; both run to their negative end.
    fn screen_axes(self) -> [usize; 2] {
        match self {
            Self::Axial => [0, 1],
            Self::Coronal => [0, 2],
            Self::Sagittal => [1, 2],
        }
    }

    /// Capitalised name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "Axial",
            Self::Coronal => "Coronal",
            Self::Sagittal => "Sagittal",
        }
    }
}

/// How the slices of one plane lie in a grid: which voxel axes run across, down and through the screen.
///
/// Oblique grids are shown along their nearest axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneLayout {
    /// Voxel axes of screen columns, screen rows and slices.
    pub axes: [usize; 3],
    /// Whether screen right, screen down and a growing slice number run against the voxel index.
    pub flipped: [bool; 3],
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Letters at the left, right, top and bottom edge.
    pub letters: [char; 4],
    shape: [usize; 3],
}

impl PlaneLayout {
    /// The layout of a plane. Slice numbers grow towards R, A or S.
    pub fn new(geometry: &Geometry, plane: Plane) -> Self {
        let [columns, rows] = plane.screen_axes();
        Self::along(geometry, [columns, rows, plane.world_axis()], [false, false, true])
    }

    /// Columns, rows and slices along these world axes, each leading to its positive end (R, A, S) or away from it.
    pub fn along(geometry: &Geometry, world_axes: [usize; 3], leads: [bool; 3]) -> Self {
        let orientation = geometry.orientation();
        let shape = geometry.shape();
        let axes = world_axes.map(|world| orientation.voxel_axis(world));
        let flipped = [0, 1, 2].map(|n| orientation.positive[axes[n]] != leads[n]);
        let ends = |n: usize| {
            let [far, near] = orientation.letters(axes[n]);
            if flipped[n] { [far, near] } else { [near, far] }
        };
        let ([left, right], [top, bottom]) = (ends(0), ends(1));
        Self { axes, flipped, size: axes.map(|a| shape[a]), letters: [left, right, top, bottom], shape }
    }

    /// The layout of a grid that is a picture already: columns to the right, rows down, as they are stored.
    pub fn as_stored(geometry: &Geometry) -> Self {
        let (orientation, shape) = (geometry.orientation(), geometry.shape());
        let [[right, left], [bottom, top]] = [0, 1].map(|axis| orientation.letters(axis));
        Self { axes: [0, 1, 2], flipped: [false; 3], size: shape, letters: [left, right, top, bottom], shape }
    }

    /// The same slices mirrored left to right and top to bottom, with the letters of their edges.
    #[must_use]
    pub fn mirrored(mut self, [across, down]: [bool; 2]) -> Self {
        for (axis, is_mirrored) in [across, down].into_iter().enumerate() {
            if is_mirrored {
                self.flipped[axis] = !self.flipped[axis];
                self.letters.swap(2 * axis, 2 * axis + 1);
            }
        }
        self
    }

    /// The voxel at screen column, row and slice number.
    #[inline]
    pub fn voxel(&self, screen: [usize; 3]) -> [usize; 3] {
        let mut voxel = [0; 3];
        for n in 0..3 {
            voxel[self.axes[n]] = if self.flipped[n] { self.size[n] - 1 - screen[n] } else { screen[n] };
        }
        voxel
    }

    /// Screen column, row and slice number of a voxel.
    #[inline]
    pub fn screen(&self, voxel: [usize; 3]) -> [usize; 3] {
        [0, 1, 2].map(|n| {
            let v = voxel[self.axes[n]];
            if self.flipped[n] { self.size[n] - 1 - v } else { v }
        })
    }

    /// Fractional voxel position of a point on the screen; pixel `n` spans `n..n + 1`.
    #[inline]
    pub fn point_in_voxel(&self, column: f64, row: f64, slice: usize) -> [f64; 3] {
        let mut point = [0.0; 3];
        for (n, at) in [column - 0.5, row - 0.5, slice as f64].into_iter().enumerate() {
            point[self.axes[n]] = if self.flipped[n] { (self.size[n] - 1) as f64 - at } else { at };
        }
        point
    }

    /// Column, row and slice of a fractional voxel position, on or beside the grid: the inverse of [`Self::point_in_voxel`].
    #[inline]
    pub fn point_on_screen(&self, point: [f64; 3]) -> [f64; 3] {
        let along = |n: usize| {
            let at = point[self.axes[n]];
            if self.flipped[n] { (self.size[n] - 1) as f64 - at } else { at }
        };
        [along(0) + 0.5, along(1) + 0.5, along(2)]
    }

    /// Width and height of a pixel and distance of slices in millimetres.
    pub fn pixel_mm(&self, geometry: &Geometry) -> [f64; 3] {
        let spacing = geometry.spacing_mm();
        self.axes.map(|axis| spacing[axis])
    }

    /// Linear index of the first pixel of a row and the step to the next pixel, within one frame.
    fn row_walk(&self, row: usize, slice: usize) -> (usize, isize) {
        let strides = [1, self.shape[0], self.shape[0] * self.shape[1]];
        let voxel = self.voxel([0, row, slice]);
        let start = (0..3).map(|axis| voxel[axis] * strides[axis]).sum();
        let stride = strides[self.axes[0]] as isize;
        (start, if self.flipped[0] { -stride } else { stride })
    }

    /// Copies the rescaled values of a slice, row by row from the top left: `out` holds columns x rows values.
    pub fn read_slice(&self, volume: &Volume, frame: usize, slice: usize, out: &mut Vec<f32>) {
        let [columns, rows, _] = self.size;
        out.clear();
        out.reserve(columns * rows);
        for row in 0..rows {
            self.read_row(volume, frame, slice, row, out);
        }
    }

    /// Appends the rescaled values of a row.
    fn read_row(&self, volume: &Volume, frame: usize, slice: usize, row: usize, out: &mut Vec<f32>) {
        let columns = self.size[0];
        let (start, stride) = self.row_walk(row, slice);
        let first = frame * volume.geometry.voxel_count() + start;
        let slice_len = self.shape[0] * self.shape[1];
        let (slope, intercept) = volume.rescale.of_slice(first / slice_len);
        with_voxels!(&volume.voxels, data => {
            let rescaled = |&v: &_| (super::Voxel::to_f64(v) * slope + intercept) as f32;
            let crosses_slices = self.axes[0] == 2;
            let forward = data.get(first..first + columns).filter(|_| stride == 1 && !crosses_slices);
            let backward = || {
                let row = data.get((first + 1).checked_sub(columns)?..=first);
                row.filter(|_| stride == -1 && !crosses_slices)
            };
            if let Some(row) = forward {
                out.extend(row.iter().map(rescaled));
            } else if let Some(row) = backward() {
                out.extend(row.iter().rev().map(rescaled));
            } else {
                out.extend((0..columns).map(|column| {
                    let index = first.wrapping_add_signed(stride * column as isize);
                    let (slope, intercept) =
                        if crosses_slices { volume.rescale.of_slice(index / slice_len) } else { (slope, intercept) };
                    let stored = data.get(index).map_or(0.0, |&v| super::Voxel::to_f64(v));
                    (stored * slope + intercept) as f32
                }));
            }
        });
    }

    /// One byte of grey per pixel of a slice, through a window; inverted where the volume asks for it.
    pub fn grey_slice(&self, volume: &Volume, frame: usize, slice: usize, window: Window, out: &mut Vec<u8>) {
        let [columns, rows, _] = self.size;
        let invert = if volume.display.inverted { 255 } else { 0 };
        out.clear();
        out.reserve(columns * rows);
        let mut values = Vec::with_capacity(columns);
        for row in 0..rows {
            values.clear();
            self.read_row(volume, frame, slice, row, &mut values);
            // 255 - grey is grey with every bit turned.
            out.extend(values.iter().map(|&value| (window.grey(f64::from(value)) * 255.0) as u8 ^ invert));
        }
    }

    /// Positions along the screen's columns (0) or rows (1), in runs that lie in one brick of labels each.
    fn brick_runs(&self, axis: usize) -> Vec<Range<usize>> {
        let (size, mut runs, mut start) = (self.size[axis], Vec::new(), 0);
        while start < size {
            let at = if self.flipped[axis] { size - 1 - start } else { start };
            let inside = if self.flipped[axis] { at % BRICK_EDGE + 1 } else { BRICK_EDGE - at % BRICK_EDGE };
            let end = (start + inside).min(size);
            runs.push(start..end);
            start = end;
        }
        runs
    }

    /// The bricks of a slice that may hold labels, as columns and rows of the box around them; `None` where there are none.
    pub fn labelled_part(&self, labels: &LabelMap, slice: usize) -> Option<[Range<usize>; 2]> {
        let columns = self.brick_runs(0);
        let mut part: Option<[Range<usize>; 2]> = None;
        for rows in self.brick_runs(1) {
            let is_labelled =
                |run: &&Range<usize>| labels.uniform_at(self.voxel([run.start, rows.start, slice])) != Some(0);
            let (Some(first), Some(last)) = (columns.iter().find(is_labelled), columns.iter().rfind(is_labelled))
            else {
                continue;
            };
            part = Some(match part {
                None => [first.start..last.end, rows],
                Some([own, above]) => [own.start.min(first.start)..own.end.max(last.end), above.start..rows.end],
            });
        }
        part
    }

    /// Copies the labels of a slice, row by row from the top left.
    pub fn read_labels(&self, labels: &LabelMap, slice: usize, out: &mut Vec<LabelValue>) {
        self.read_labels_in(labels, slice, [0..self.size[0], 0..self.size[1]], out);
    }

    /// The same for some columns and rows of it.
    pub fn read_labels_in(
        &self,
        labels: &LabelMap,
        slice: usize,
        [columns, rows]: [Range<usize>; 2],
        out: &mut Vec<LabelValue>,
    ) {
        let within = |run: Range<usize>| run.start.max(columns.start)..run.end.min(columns.end);
        let runs: Vec<_> = self.brick_runs(0).into_iter().map(within).filter(|run| !run.is_empty()).collect();
        out.clear();
        out.reserve(columns.len() * rows.len());
        let step = [1, BRICK_EDGE, BRICK_EDGE * BRICK_EDGE][self.axes[0]];
        for row in rows {
            for run in &runs {
                let (brick, first) = labels.brick_at(self.voxel([run.start, row, slice]));
                match brick {
                    Brick::Uniform(label) => out.resize(out.len() + run.len(), *label),
                    Brick::Dense(values) if self.flipped[0] => {
                        let last = first - step * (run.len() - 1);
                        out.extend(values[last..=first].iter().step_by(step).rev());
                    }
                    Brick::Dense(values) if step == 1 => out.extend_from_slice(&values[first..first + run.len()]),
                    Brick::Dense(values) => out.extend(values[first..].iter().step_by(step).take(run.len())),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Rescale, Voxels};
    use std::sync::Arc;

    /// A scene that is the same in the world, stored in the given order: the value tells the world position.
    fn scene(world_axis: [usize; 3], positive: [bool; 3]) -> Volume {
        let world_shape = [3, 4, 5];
        let shape = world_axis.map(|w| world_shape[w]);
        let mut origin = [0.0; 3];
        let columns = [0, 1, 2].map(|axis| {
            let mut v = [0.0; 3];
            v[world_axis[axis]] = if positive[axis] { 1.0 } else { -1.0 };
            if !positive[axis] {
                origin[world_axis[axis]] = (world_shape[world_axis[axis]] - 1) as f64;
            }
            v
        });
        let geometry = Geometry::new(shape, Affine::from_columns(columns, origin)).unwrap();
        let mut data = Vec::new();
        for k in 0..shape[2] {
            for j in 0..shape[1] {
                for i in 0..shape[0] {
                    let w = geometry.world_at([i, j, k]);
                    data.push((w[0] + 10.0 * w[1] + 100.0 * w[2]) as i16);
                }
            }
        }
        Volume::new(geometry, Voxels::I16(Arc::new(data)), vec![], Rescale::IDENTITY, String::new())
    }

    #[test]
    fn labels_of_a_slice_are_those_of_its_voxels() {
        let labels_of = |voxel: [usize; 3]| u16::from(voxel[0] > 30 && voxel[1].is_multiple_of(3) && voxel[2] != 1) * 7;
        for sign in [1.0, -1.0] {
            let columns = [[sign, 0.0, 0.0], [0.0, sign, 0.0], [0.0, 0.0, sign]];
            let geometry = Geometry::new([70, 33, 3], Affine::from_columns(columns, [0.0; 3])).unwrap();
            let labels = LabelMap::from_fn(geometry.clone(), labels_of);
            for plane in Plane::ALL {
                let layout = PlaneLayout::new(&geometry, plane);
                for slice in 0..layout.size[2] {
                    let (mut seen, mut inside) = (Vec::new(), Vec::new());
                    layout.read_labels(&labels, slice, &mut seen);
                    assert_eq!(seen.len(), layout.size[0] * layout.size[1]);
                    for (n, label) in seen.into_iter().enumerate() {
                        let at = [n % layout.size[0], n / layout.size[0], slice];
                        assert_eq!(label, labels_of(layout.voxel(at)), "{plane:?} {at:?}");
                    }
                    let is_labelled = |at: [usize; 2]| labels_of(layout.voxel([at[0], at[1], slice])) != 0;
                    let all = (0..layout.size[1]).flat_map(|row| (0..layout.size[0]).map(move |column| [column, row]));
                    let part = layout.labelled_part(&labels, slice);
                    let [columns, rows] = part.clone().unwrap_or_default();
                    let within = |at: &[usize; 2]| columns.contains(&at[0]) && rows.contains(&at[1]);
                    assert!(all.filter(|at| is_labelled(*at)).all(|at| within(&at)), "{plane:?} {slice} {part:?}");
                    // Also a part that cuts bricks.
                    for [columns, rows] in [[columns, rows], [0, 1].map(|axis| 1..layout.size[axis] - 1)] {
                        layout.read_labels_in(&labels, slice, [columns.clone(), rows.clone()], &mut inside);
                        let wanted = rows.flat_map(|row| columns.clone().map(move |column| [column, row, slice]));
                        assert!(
                            wanted.map(|at| labels_of(layout.voxel(at))).eq(inside.iter().copied()),
                            "{plane:?} {slice}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn every_storage_order_shows_the_same_slices() {
        for world_axis in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for signs in 0..8 {
                let volume = scene(world_axis, [0, 1, 2].map(|bit| signs >> bit & 1 == 1));
                let mut pixels = Vec::new();
                let axial = PlaneLayout::new(&volume.geometry, Plane::Axial);
                axial.read_slice(&volume, 0, 2, &mut pixels);
                // Top left of an axial slice: the patient's right (largest R), most anterior.
                assert_eq!((pixels[0], axial.letters), (232.0, ['R', 'L', 'A', 'P']));
                assert_eq!(pixels[1], 231.0);
                assert_eq!(pixels[axial.size[0]], 222.0);
                let sagittal = PlaneLayout::new(&volume.geometry, Plane::Sagittal);
                sagittal.read_slice(&volume, 0, 1, &mut pixels);
                assert_eq!((pixels[0], sagittal.letters), (431.0, ['A', 'P', 'S', 'I']));
                let coronal = PlaneLayout::new(&volume.geometry, Plane::Coronal);
                coronal.read_slice(&volume, 0, 3, &mut pixels);
                assert_eq!((pixels[0], coronal.letters), (432.0, ['R', 'L', 'S', 'I']));
                let screen = [1, 2, 3];
                assert_eq!(coronal.screen(coronal.voxel(screen)), screen);
                let [column, row, slice] = coronal.point_on_screen(coronal.point_in_voxel(2.25, 3.5, 1));
                assert_eq!([column, row, slice], [2.25, 3.5, 1.0]);
            }
        }
    }
}
