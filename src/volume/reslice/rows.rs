//! Where the pixels of a resliced picture lie.

use super::super::affine::{Vec3, unit};
use super::error::{MOST_RESLICED_SIDE, ResliceError};

/// A row of pixels in the patient. Places are in RAS millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PixelRow {
    /// The middle of the first pixel.
    pub first: Vec3,
    /// From a pixel to the next one.
    pub step: Vec3,
    /// Through the picture, away from who looks at it; length 1.
    pub through: Vec3,
}

impl PixelRow {
    /// The middle of a pixel, or a place between pixels.
    pub fn place(&self, column: f64) -> Vec3 {
        [0, 1, 2].map(|n| self.first[n] + self.step[n] * column)
    }

    /// Between two rows: `share` is the second one's.
    fn between(&self, other: &Self, share: f64) -> Self {
        let mix = |a: Vec3, b: Vec3| [0, 1, 2].map(|n| a[n] + (b[n] - a[n]) * share);
        let through = unit(mix(self.through, other.through)).unwrap_or(self.through);
        Self { first: mix(self.first, other.first), step: mix(self.step, other.step), through }
    }
}

/// The pixels of a picture of a scan along a plane or a path: square ones, row by row from the top left.
#[derive(Debug, Clone, PartialEq)]
pub struct Reslice {
    /// Pixels of a row.
    pub columns: usize,
    /// The rows, from the top.
    pub rows: Vec<PixelRow>,
    /// Width and height of a pixel in millimetres.
    pub pixel_mm: f64,
}

/// Pixels along a side of so many millimetres.
///
/// # Errors
/// When that is none, or more than [`MOST_RESLICED_SIDE`].
pub(super) fn pixel_count(mm: [f64; 2], pixel_mm: f64) -> Result<[usize; 2], ResliceError> {
    let counts = mm.map(|mm| (mm / pixel_mm).round());
    if !counts.iter().all(|count| count.is_finite()) {
        return Err(ResliceError::NotFinite);
    }
    let is_right = counts.iter().all(|count| (1.0..=MOST_RESLICED_SIDE as f64).contains(count));
    if is_right { Ok(counts.map(|count| count as usize)) } else { Err(ResliceError::Size(counts)) }
}

impl Reslice {
    /// Columns and rows.
    pub fn size(&self) -> [usize; 2] {
        [self.columns, self.rows.len()]
    }

    /// The place of a point of the picture in RAS millimetres; pixel `n` spans `n..n + 1`. Beside the picture the nearest row counts.
    pub fn place(&self, [column, row]: [f64; 2]) -> Option<Vec3> {
        let at = (row - 0.5).clamp(0.0, self.rows.len().saturating_sub(1) as f64);
        let above = self.rows.get(at as usize)?;
        let below = self.rows.get(at as usize + 1).unwrap_or(above);
        Some(above.between(below, at.fract()).place(column - 0.5))
    }

    /// The same picture with fewer pixels: every `thinning` times `thinning` are one, sampled in their middle.
    #[must_use]
    pub fn thinned(&self, thinning: usize) -> Self {
        if thinning <= 1 {
            return self.clone();
        }
        let middle = (thinning - 1) as f64 / 2.0;
        let row = |start: usize| {
            let at = (start as f64 + middle).min(self.rows.len().saturating_sub(1) as f64);
            let above = self.rows.get(at as usize)?;
            let below = self.rows.get(at as usize + 1).unwrap_or(above);
            let own = above.between(below, at.fract());
            let step = own.step.map(|mm| mm * thinning as f64);
            Some(PixelRow { first: own.place(middle), step, ..own })
        };
        Self {
            columns: self.columns.div_ceil(thinning),
            rows: (0..self.rows.len()).step_by(thinning).filter_map(row).collect(),
            pixel_mm: self.pixel_mm * thinning as f64,
        }
    }
}
