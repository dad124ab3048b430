//! A volume at places between its voxels, and at the pixels of another grid's slice, without a copy of it.
//!
//! Values are interpolated linearly along the three axes. As in ITK (`LinearInterpolateImageFunction`) the box reaches half a voxel
//! beyond the outermost centres, where the nearest value holds, and ends there: -0.5 is inside, n - 0.5 is not.

use super::affine::Vec3;
use super::geometry::Geometry;
use super::plane::PlaneLayout;
use super::scan::{Rescale, Volume};
use super::voxels::Voxel;
use crate::volume::with_voxels;

/// One frame of stored values.
pub(super) struct Grid<'a, T> {
    pub(super) data: &'a [T],
    pub(super) shape: [usize; 3],
    /// Slices before this frame.
    pub(super) first_slice: usize,
    pub(super) rescale: &'a Rescale,
}

/// The weighted mean of two values; the second one is not looked at where it has no weight.
fn mixed(first: f64, second: f64, share: f64) -> f64 {
    if share == 0.0 { first } else { first + (second - first) * share }
}

impl<T: Voxel> Grid<'_, T> {
    /// The same as [`Self::at`], bit for bit, faster where all eight voxels around are there.
    #[inline]
    pub(super) fn near(&self, position: Vec3) -> Option<f64> {
        let [ni, nj, nk] = self.shape;
        let last = self.shape.map(|n| n as f64 - 1.0);
        if !(0..3).all(|axis| position[axis] >= 0.0 && position[axis] < last[axis]) {
            return self.at(position);
        }
        let [i, j, k] = position.map(|at| at as usize);
        let [x, y, z] = [position[0] - i as f64, position[1] - j as f64, position[2] - k as f64];
        debug_assert!(i + 1 < ni && j + 1 < nj && k + 1 < nk);
        let slice = ni * nj;
        let first = (self.first_slice + k) * slice + j * ni + i;
        let around = self.data.get(first..first + slice + ni + 2)?;
        let in_row = |at: usize| mixed(around[at].to_f64(), around[at + 1].to_f64(), x);
        let in_slice = |n: usize| {
            let stored = mixed(in_row(n * slice), in_row(n * slice + ni), y);
            let (slope, intercept) = match self.rescale {
                Rescale::Uniform { slope, intercept } => (*slope, *intercept),
                Rescale::PerSlice(_) => self.rescale.of_slice(self.first_slice + k + n),
            };
            stored * slope + intercept
        };
        Some(mixed(in_slice(0), in_slice(1), z))
    }

    /// Rescaled value at a voxel position; `None` outside.
    #[inline]
    pub(super) fn at(&self, position: Vec3) -> Option<f64> {
        let (mut low, mut high, mut share) = ([0; 3], [0; 3], [0.0; 3]);
        for axis in 0..3 {
            let count = self.shape[axis] as f64;
            if !(position[axis] >= -0.5 && position[axis] < count - 0.5) {
                return None;
            }
            let inside = position[axis].clamp(0.0, count - 1.0);
            low[axis] = inside as usize;
            high[axis] = (low[axis] + 1).min(self.shape[axis] - 1);
            share[axis] = inside - low[axis] as f64;
        }
        let in_row = |j: usize, k: usize| {
            let row = ((self.first_slice + k) * self.shape[1] + j) * self.shape[0];
            let stored = |i: usize| self.data.get(row + i).map_or(f64::NAN, |stored| stored.to_f64());
            mixed(stored(low[0]), stored(high[0]), share[0])
        };
        let in_slice = |k: usize| {
            let second = if share[1] == 0.0 { 0.0 } else { in_row(high[1], k) };
            let stored = mixed(in_row(low[1], k), second, share[1]);
            let (slope, intercept) = self.rescale.of_slice(self.first_slice + k);
            stored * slope + intercept
        };
        let second = if share[2] == 0.0 { 0.0 } else { in_slice(high[2]) };
        Some(mixed(in_slice(low[2]), second, share[2]))
    }
}

impl Volume {
    /// Rescaled value of a frame at a place in millimetres (RAS), interpolated linearly; `None` outside of the box.
    pub fn value_at_place(&self, world_mm: Vec3, frame: usize) -> Option<f64> {
        let position = self.geometry.voxel_from_world().point(world_mm);
        let (shape, rescale) = (self.geometry.shape(), &self.rescale);
        let first_slice = frame * shape[2];
        with_voxels!(&self.voxels, data => Grid { data, shape, first_slice, rescale }.at(position))
    }
}

/// A volume at the pixels of a slice of another grid.
pub struct SliceSampler<'a> {
    volume: &'a Volume,
    frame: usize,
    size: [usize; 2],
    /// Voxel position of the middle of the first pixel.
    start: Vec3,
    /// Step in voxels to the next pixel of a row, and to the next row.
    steps: [Vec3; 2],
}

impl<'a> SliceSampler<'a> {
    /// A frame of `volume` at a slice of `grid`. Every `thinning` times `thinning` pixels are one, sampled in their middle.
    pub fn new(
        (volume, frame): (&'a Volume, usize),
        grid: &Geometry,
        layout: &PlaneLayout,
        slice: usize,
        thinning: usize,
    ) -> Self {
        let thinning = thinning.max(1);
        let voxel_from_voxel = volume.geometry.voxel_from_world().after(grid.world_from_voxel());
        let middle = |column: usize, row: usize| {
            let at = |n: usize| (n as f64 + 0.5) * thinning as f64;
            voxel_from_voxel.point(layout.point_in_voxel(at(column), at(row), slice))
        };
        let start = middle(0, 0);
        let steps = [middle(1, 0), middle(0, 1)].map(|next| [0, 1, 2].map(|n| next[n] - start[n]));
        let size = [layout.size[0].div_ceil(thinning), layout.size[1].div_ceil(thinning)];
        Self { volume, frame, size, start, steps }
    }

    /// Columns and rows.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Position of the first pixel of a row, and the columns that may lie in the box.
    fn row(&self, row: usize) -> (Vec3, std::ops::Range<usize>) {
        let first = [0, 1, 2].map(|n| self.start[n] + self.steps[1][n] * row as f64);
        let (mut from, mut to) = (0.0f64, self.size[0] as f64);
        for axis in 0..3 {
            let (at, step) = (first[axis], self.steps[0][axis]);
            let ends = [-0.5, self.volume.geometry.shape()[axis] as f64 - 0.5];
            if step.abs() > 1e-12 {
                let [a, b] = ends.map(|end| (end - at) / step);
                (from, to) = (from.max(a.min(b)), to.min(a.max(b)));
            } else if at < ends[0] - 1e-6 || at > ends[1] + 1e-6 {
                return (first, 0..0);
            }
        }
        // A column more on either side: what is inside is decided pixel by pixel.
        let from = (from.floor() - 1.0).max(0.0) as usize;
        let to = (to.ceil() + 1.0).clamp(0.0, self.size[0] as f64) as usize;
        (first, from.min(to)..to)
    }

    /// Number of pixels that lie in the volume's box, and a few more.
    pub fn inside_count(&self) -> usize {
        (0..self.size[1]).map(|row| self.row(row).1.len()).sum()
    }

    /// Appends the rescaled values of a row; NaN outside of the box.
    pub fn read_row(&self, row: usize, out: &mut Vec<f32>) {
        let (first, columns) = self.row(row);
        let (shape, rescale) = (self.volume.geometry.shape(), &self.volume.rescale);
        let (step, first_slice) = (self.steps[0], self.frame * shape[2]);
        let end = out.len() + self.size[0];
        out.resize(out.len() + columns.start, f32::NAN);
        with_voxels!(&self.volume.voxels, data => {
            let grid = Grid { data, shape, first_slice, rescale };
            out.extend(columns.map(|column| {
                let position = [0, 1, 2].map(|n| first[n] + step[n] * column as f64);
                grid.at(position).map_or(f32::NAN, |value| value as f32)
            }));
        });
        out.resize(end, f32::NAN);
    }

    /// All values, row by row from the top left; NaN outside of the box.
    pub fn read(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.size[0] * self.size[1]);
        (0..self.size[1]).for_each(|row| self.read_row(row, &mut values));
        values
    }
}

#[cfg(test)]
mod tests;
