//! What is kept of a segmentation's probabilities: maps to be saved, and how unsure the model is of each slice.

use std::sync::Arc;

use crate::model::ModelSpec;
use crate::volume::{Geometry, Orientation, Rescale, Volume, Voxels};
use crate::work::memory;

/// Steps between the probabilities 0 and 1.
const STEPS: f32 = 255.0;

/// Most bytes of probability maps: one for each voxel and class.
const MOST_BYTES: usize = 2 << 30;

/// Probabilities of the classes other than background in steps of 1/255, a byte for each voxel and class.
pub struct ProbabilityMaps {
    geometry: Geometry,
    maps: Vec<(String, Vec<u8>)>,
}

impl ProbabilityMaps {
    /// All zero.
    ///
    /// # Errors
    /// When the maps would be too large; says how large.
    pub fn new(spec: &ModelSpec, geometry: &Geometry) -> Result<Self, String> {
        let (voxels, classes) = (geometry.voxel_count(), spec.classes.len().saturating_sub(1));
        if voxels.saturating_mul(classes) > MOST_BYTES {
            return Err(format!(
                "probabilities of {classes} classes in {voxels} voxels need {} MB, more than {}; crop the scan first",
                voxels.saturating_mul(classes) >> 20,
                MOST_BYTES >> 20
            ));
        }
        memory::ensure::<u8>(voxels.saturating_mul(classes))
            .map_err(|e| format!("probabilities of {classes} classes: {e}"))?;
        let maps = spec.classes.iter().skip(1).map(|class| (class.name.clone(), vec![0; voxels])).collect();
        Ok(Self { geometry: geometry.clone(), maps })
    }

    /// Takes the probabilities of a voxel, background first.
    pub fn set(&mut self, [i, j, k]: [usize; 3], p: &[f32]) {
        let [ni, nj, _] = self.geometry.shape();
        let at = (k * nj + j) * ni + i;
        for ((_, map), p) in self.maps.iter_mut().zip(p.iter().skip(1)) {
            map[at] = (STEPS * p).round().clamp(0.0, STEPS) as u8;
        }
    }

    /// A volume for each class, named after it; values are probabilities from 0 to 1.
    pub fn into_volumes(self) -> Vec<Volume> {
        let rescale = Rescale::Uniform { slope: 1.0 / f64::from(STEPS), intercept: 0.0 };
        let Self { geometry, maps } = self;
        maps.into_iter()
            .map(|(name, map)| {
                Volume::new(geometry.clone(), Voxels::U8(Arc::new(map)), Vec::new(), rescale.clone(), name)
            })
            .collect()
    }
}

/// How unsure a model is of each slice: the expected number of wrong voxels, were its probabilities right.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceDoubt {
    orientation: Orientation,
    shape: [usize; 3],
    /// Along the world axes R, A, S, slices counted from the left, the back and the feet.
    pub along: [Vec<f32>; 3],
}

impl SliceDoubt {
    /// No doubt at all.
    pub fn new(geometry: &Geometry) -> Self {
        let (orientation, shape) = (geometry.orientation(), geometry.shape());
        let along = [0, 1, 2].map(|world| vec![0.0; shape[orientation.voxel_axis(world)]]);
        Self { orientation, shape, along }
    }

    /// Takes the probabilities of a voxel.
    pub fn add(&mut self, voxel: [usize; 3], p: &[f32]) {
        let doubt = 1.0 - p.iter().copied().fold(0.0, f32::max);
        for world in 0..3 {
            let axis = self.orientation.voxel_axis(world);
            let positive = self.orientation.positive[axis];
            let slice = if positive { voxel[axis] } else { self.shape[axis] - 1 - voxel[axis] };
            self.along[world][slice] += doubt;
        }
    }

    /// The slice along a world axis that the model is most unsure of, of those that are not done.
    pub fn most_unsure(&self, world_axis: usize, is_done: impl Fn(usize) -> bool) -> Option<usize> {
        let open = self.along[world_axis].iter().enumerate().filter(|(slice, _)| !is_done(*slice));
        open.max_by(|a, b| a.1.total_cmp(b.1)).map(|(slice, _)| slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;

    #[test]
    fn doubt_is_counted_from_the_left_the_back_and_the_feet() {
        let columns = [[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
        let geometry = Geometry::new([4, 5, 6], Affine::from_columns(columns, [0.0; 3])).unwrap();
        let mut doubt = SliceDoubt::new(&geometry);
        doubt.add([0, 1, 5], &[0.6, 0.4]);
        doubt.add([1, 1, 2], &[0.1, 0.9]);
        assert_eq!(doubt.along.clone().map(|slices| slices.len()), [4, 6, 5]);
        assert_eq!([0, 1, 2].map(|world| doubt.most_unsure(world, |_| false)), [Some(3), Some(5), Some(1)]);
        assert_eq!(doubt.most_unsure(0, |slice| slice == 3), Some(2));
        assert!((doubt.along[2][1] - 0.5).abs() < 1e-6);
    }
}
