//! Small pictures anywhere on the plane of a slice: sets of pixels and distances around them.

use crate::shape::squared_distances_within;
use crate::work::{Stopped, Watch};

/// Pixels of a slice: column and row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pixels(pub Vec<[i64; 2]>);

impl Pixels {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Mean place in pixels; 0 of none.
    pub(super) fn centre(&self) -> [f64; 2] {
        let sum = self.0.iter().fold([0i64; 2], |sum, pixel| [sum[0] + pixel[0], sum[1] + pixel[1]]);
        sum.map(|sum| sum as f64 / self.len().max(1) as f64)
    }

    /// The same, `by` pixels further on.
    pub(super) fn moved(&self, by: [i64; 2]) -> Self {
        Self(self.0.iter().map(|[x, y]| [x + by[0], y + by[1]]).collect())
    }
}

/// Pixels of a shape, each with how far inside its border it lies in millimetres.
pub(super) type Deep = Vec<([i64; 2], f32)>;

/// A rectangle of pixels, which may reach beyond the slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub start: [i64; 2],
    pub size: [usize; 2],
}

impl Window {
    /// Around some pixels, `margin` pixels wider on every side; of nothing around the origin.
    pub(super) fn around<'a>(pixels: impl IntoIterator<Item = &'a [i64; 2]>, margin: i64) -> Self {
        let mut bounds: Option<[[i64; 2]; 2]> = None;
        for pixel in pixels {
            let [low, high] = bounds.get_or_insert([*pixel, *pixel]);
            for axis in 0..2 {
                low[axis] = low[axis].min(pixel[axis]);
                high[axis] = high[axis].max(pixel[axis]);
            }
        }
        let [low, high] = bounds.unwrap_or([[0; 2]; 2]);
        let size = [0, 1].map(|axis| (high[axis] - low[axis] + 1 + 2 * margin) as usize);
        Self { start: low.map(|at| at - margin), size }
    }

    pub(super) fn count(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The pixel at a place of the window's pictures, row by row.
    pub(super) fn pixel(&self, at: usize) -> [i64; 2] {
        [self.start[0] + (at % self.size[0]) as i64, self.start[1] + (at / self.size[0]) as i64]
    }

    /// Which places some pixels are; those outside are left out.
    pub(super) fn mask(&self, pixels: &Pixels) -> Vec<bool> {
        let mut mask = vec![false; self.count()];
        for pixel in &pixels.0 {
            let [x, y] = [0, 1].map(|axis| usize::try_from(pixel[axis] - self.start[axis]).unwrap_or(usize::MAX));
            if x < self.size[0] && y < self.size[1] {
                mask[y * self.size[0] + x] = true;
            }
        }
        mask
    }

    /// Squared distance in mm² of every place to the nearest for which `is_in` holds, infinite if there is none.
    pub(super) fn distances(
        &self,
        spacing_mm: [f64; 2],
        is_in: impl Fn(usize) -> bool + Sync,
        watch: Watch,
    ) -> Result<Vec<f64>, Stopped> {
        let (shape, spacing) = ([self.size[0], self.size[1], 1], [spacing_mm[0], spacing_mm[1], 1.0]);
        squared_distances_within(shape, spacing, f64::INFINITY, is_in, watch.quiet())
    }
}
