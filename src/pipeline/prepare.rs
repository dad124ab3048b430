//! From stored slices to what the network sees.

use rayon::prelude::*;

use super::resample::{AxisMap, resample};
use crate::model::{IntensityNormalisation, ModelSpec, SliceAxis};
use crate::volume::{Geometry, PlaneLayout, Volume};
use crate::work::{Stopped, Watch};

/// Spacings that differ by less than this share need no resampling.
const SAME_SPACING: f64 = 1e-3;

/// Most pixels of a resampled slice.
const MAX_SLICE_PIXELS: usize = 1 << 26;

/// Intensity normalisation with the constants of one volume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normaliser {
    range: [f64; 2],
    mean: f64,
    inverse_std: f64,
    nonzero: bool,
}

impl Normaliser {
    /// Reads the volume once if its own statistics are needed.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn new(kind: IntensityNormalisation, volume: &Volume, frame: usize, watch: Watch) -> Result<Self, Stopped> {
        Ok(match kind {
            IntensityNormalisation::Clip { range, mean, std } => {
                Self { range, mean, inverse_std: 1.0 / std.max(1e-8), nonzero: false }
            }
            IntensityNormalisation::ZScore { nonzero } => {
                let (mean, std) = moments(volume, frame, nonzero, watch)?;
                let range = [f64::NEG_INFINITY, f64::INFINITY];
                Self { range, mean, inverse_std: 1.0 / std.max(1e-8), nonzero }
            }
        })
    }

    /// The normalised value; values that are not finite become the mean.
    pub fn apply(&self, value: f32) -> f32 {
        let value = f64::from(value);
        if !value.is_finite() || (self.nonzero && value == 0.0) {
            return 0.0;
        }
        ((value.clamp(self.range[0], self.range[1]) - self.mean) * self.inverse_std) as f32
    }
}

/// Mean and deviation of a frame, summed slice by slice in a fixed order so that every run agrees.
fn moments(volume: &Volume, frame: usize, nonzero: bool, watch: Watch) -> Result<(f64, f64), Stopped> {
    let layout = PlaneLayout::along(&volume.geometry, [0, 1, 2], [true; 3]);
    let per_slice: Vec<Result<(f64, f64, f64), Stopped>> = (0..layout.size[2])
        .into_par_iter()
        .map(|slice| {
            watch.check()?;
            let mut values = Vec::new();
            layout.read_slice(volume, frame, slice, &mut values);
            let mut sums = (0.0, 0.0, 0.0);
            for value in values.into_iter().map(f64::from).filter(|v| v.is_finite() && !(nonzero && *v == 0.0)) {
                sums = (sums.0 + 1.0, sums.1 + value, sums.2 + value * value);
            }
            Ok(sums)
        })
        .collect();
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for slice in per_slice {
        let (c, s, q) = slice?;
        (count, sum, squares) = (count + c, sum + s, squares + q);
    }
    let mean = sum / f64::max(count, 1.0);
    Ok((mean, (squares / f64::max(count, 1.0) - mean * mean).max(0.0).sqrt()))
}

/// How the slices of a volume are brought to the network's grid.
#[derive(Debug, Clone)]
pub struct Preparation {
    /// Columns, rows and slices of the stored volume in R, A, S order, or the model's own.
    pub layout: PlaneLayout,
    /// Rows and columns of a stored slice.
    pub source: [usize; 2],
    /// Rows and columns the network sees.
    pub target: [usize; 2],
    forward: [AxisMap; 2],
    backward: [AxisMap; 2],
}

impl Preparation {
    /// The preparation for a grid.
    ///
    /// # Errors
    /// When a slice would have too many pixels at the model's spacing.
    pub fn new(spec: &ModelSpec, axis: SliceAxis, geometry: &Geometry) -> Result<Self, String> {
        let [row_axis, column_axis] = axis.in_plane();
        let world_axes = [column_axis, row_axis, axis.world_axis()];
        let layout = PlaneLayout::along(geometry, world_axes, world_axes.map(|world| !spec.reversed[world]));
        let [column_mm, row_mm, _] = layout.pixel_mm(geometry);
        let source = [layout.size[1], layout.size[0]];
        let target = match spec.spacing_mm {
            None => source,
            Some(wanted) => [0, 1].map(|n| {
                let factor = [row_mm, column_mm][n] / wanted[n];
                if (factor - 1.0).abs() < SAME_SPACING {
                    source[n]
                } else {
                    ((source[n] as f64 * factor).round() as usize).max(1)
                }
            }),
        };
        if target[0].checked_mul(target[1]).is_none_or(|pixels| pixels > MAX_SLICE_PIXELS) {
            let wanted =
                spec.spacing_mm.map_or(String::new(), |[row, column]| format!(" at the model's {row} x {column} mm"));
            return Err(format!(
                "a slice of {row_mm} x {column_mm} mm pixels would have {} x {}{wanted}; check the image's spacing",
                target[0], target[1]
            ));
        }
        Ok(Self {
            layout,
            source,
            target,
            forward: [0, 1].map(|n| AxisMap::new(source[n], target[n])),
            backward: [0, 1].map(|n| AxisMap::new(target[n], source[n])),
        })
    }

    /// Number of slices.
    pub fn slice_count(&self) -> usize {
        self.layout.size[2]
    }

    /// Distance of slices in pixels of the network's grid, the mean of its two sides.
    pub fn slice_step(&self, geometry: &Geometry) -> f64 {
        let [column_mm, row_mm, slice_mm] = self.layout.pixel_mm(geometry);
        let sides = [row_mm, column_mm];
        let pixel_mm = [0, 1].map(|n| sides[n] * self.source[n] as f64 / self.target[n] as f64);
        slice_mm / (0.5 * (pixel_mm[0] + pixel_mm[1]))
    }

    /// A slice on the network's grid, normalised.
    pub fn read(&self, volume: &Volume, frame: usize, slice: usize, normaliser: &Normaliser) -> Vec<f32> {
        let mut stored = Vec::new();
        self.layout.read_slice(volume, frame, slice, &mut stored);
        stored.iter_mut().for_each(|v| *v = normaliser.apply(*v));
        let mut prepared = Vec::new();
        resample(&stored, &self.forward[0], &self.forward[1], &mut prepared);
        prepared
    }

    /// A map on the network's grid back on the stored grid.
    pub fn restore(&self, map: &[f32], out: &mut Vec<f32>) {
        resample(map, &self.backward[0], &self.backward[1], out);
    }
}
