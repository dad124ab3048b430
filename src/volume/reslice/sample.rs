//! What a scan and its labels have at the pixels of a resliced picture. Nothing of the scan is copied.

use rayon::prelude::*;

use super::super::affine::Vec3;
use super::super::geometry::Geometry;
use super::super::label_map::{LabelMap, LabelValue};
use super::super::scan::Volume;
use super::super::slice_sampler::Grid;
use super::rows::{PixelRow, Reslice};
use crate::volume::with_voxels;
use crate::work::{Stopped, Watch, memory};

/// A voxel position this near to a whole number is one: what rounding leaves of a plane along the voxels. In voxels.
const WHOLE: f64 = 1e-9;
/// Most places through a slab.
const MOST_LAYERS: usize = 1024;

/// What becomes of the values through a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SlabKind {
    /// Their mean.
    #[default]
    Mean,
    /// The largest: vessels with contrast medium, lung nodules.
    Maximum,
    /// The smallest: airways.
    Minimum,
}

impl SlabKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mean, Self::Maximum, Self::Minimum];

    /// For its button.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "Mean",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
        }
    }
}

/// A picture through a thickness.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slab {
    /// In millimetres, half of it on either side; 0 for the plane alone.
    pub thickness_mm: f64,
    /// What becomes of the values through it.
    pub kind: SlabKind,
}

impl Slab {
    /// Places through the slab, in millimetres from the plane: evenly from one side to the other, no further apart than the grid's finest
    /// spacing.
    pub fn offsets(&self, geometry: &Geometry) -> Vec<f64> {
        let steps = (self.thickness_mm / geometry.finest_mm()).ceil();
        if !(steps.is_finite() && steps >= 1.0) {
            return vec![0.0];
        }
        let steps = (steps as usize).min(MOST_LAYERS);
        (0..=steps).map(|n| (n as f64 / steps as f64 - 0.5) * self.thickness_mm).collect()
    }
}

/// A row in voxel positions.
struct VoxelSteps {
    first: Vec3,
    step: Vec3,
    through: Vec3,
}

impl VoxelSteps {
    fn new(row: &PixelRow, geometry: &Geometry) -> Self {
        let map = geometry.voxel_from_world();
        let whole = |at: f64, near: f64| if (at - at.round()).abs() < near { at.round() } else { at };
        let first = map.point(row.first).map(|at| whole(at, WHOLE));
        // A step adds up over the row.
        let step = map.direction(row.step).map(|at| whole(at, WHOLE * 1e-3));
        Self { first, step, through: map.direction(row.through) }
    }

    fn at(&self, column: usize, offset: f64) -> Vec3 {
        [0, 1, 2].map(|n| self.first[n] + self.step[n] * column as f64 + self.through[n] * offset)
    }
}

impl Reslice {
    /// Rescaled values of a frame at the pixels, row by row from the top left: interpolated linearly, through a slab, NaN outside of the scan's box
    /// (see [`SliceSampler`](crate::volume::SliceSampler) for its border).
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn read(&self, volume: &Volume, frame: usize, slab: Slab, watch: Watch) -> Result<Vec<f32>, Stopped> {
        let mut values: Vec<f32> = memory::zeros(self.columns * self.rows.len());
        if values.is_empty() {
            return Ok(values);
        }
        let (shape, rescale) = (volume.geometry.shape(), &volume.rescale);
        let offsets = slab.offsets(&volume.geometry);
        values.par_chunks_exact_mut(self.columns).zip(&self.rows).try_for_each(|(out, row)| {
            watch.check()?;
            let steps = VoxelSteps::new(row, &volume.geometry);
            with_voxels!(&volume.voxels, data => {
                let grid = Grid { data, shape, first_slice: frame * shape[2], rescale };
                for (column, value) in out.iter_mut().enumerate() {
                    *value = match &offsets[..] {
                        [offset] => grid.near(steps.at(column, *offset)).unwrap_or(f64::NAN) as f32,
                        several => {
                            let through = several.iter().filter_map(|offset| grid.near(steps.at(column, *offset)));
                            joined(through, slab.kind) as f32
                        }
                    };
                }
            });
            Ok(())
        })?;
        Ok(values)
    }

    /// The labels of the nearest voxels at the pixels, row by row from the top left; 0 outside of their grid.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn read_labels(&self, labels: &LabelMap, watch: Watch) -> Result<Vec<LabelValue>, Stopped> {
        let mut values: Vec<LabelValue> = memory::zeros(self.columns * self.rows.len());
        if values.is_empty() {
            return Ok(values);
        }
        let shape = labels.geometry().shape();
        values.par_chunks_exact_mut(self.columns).zip(&self.rows).try_for_each(|(out, row)| {
            watch.check()?;
            let steps = VoxelSteps::new(row, labels.geometry());
            for (column, label) in out.iter_mut().enumerate() {
                let at = steps.at(column, 0.0);
                if (0..3).all(|axis| at[axis] >= -0.5 && at[axis] < shape[axis] as f64 - 0.5) {
                    *label = labels.get(at.map(|at| (at + 0.5) as usize));
                }
            }
            Ok(())
        })?;
        Ok(values)
    }
}

/// What becomes of the values through a slab; NaN where there are none.
fn joined(values: impl Iterator<Item = f64>, kind: SlabKind) -> f64 {
    match kind {
        SlabKind::Mean => {
            let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            sum / count
        }
        SlabKind::Maximum => values.reduce(f64::max).unwrap_or(f64::NAN),
        SlabKind::Minimum => values.reduce(f64::min).unwrap_or(f64::NAN),
    }
}
