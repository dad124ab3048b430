//! Several volumes of one grid, such as the sequences of an examination, as the frames of one.

use super::geometry::Geometry;
use super::scan::{Rescale, Volume};
use super::voxels::Voxels;
use crate::work::memory;

/// One volume with a frame for each of `volumes`, in their order. Stored types and rescaling are kept where all are alike; else
/// values are 32-bit floats.
///
/// # Errors
/// Names the first volume that has several frames or lies on another grid.
pub fn stack_frames(volumes: &[Volume]) -> Result<Volume, String> {
    let first = volumes.first().ok_or("there is no volume to stack")?;
    for volume in volumes {
        if volume.frame_count() != 1 {
            return Err(format!("{} has {} frames and cannot be one channel", volume.name, volume.frame_count()));
        }
        if !volume.geometry.lies_on(&first.geometry) {
            return Err(format!("{} and {} lie on different grids", first.name, volume.name));
        }
    }
    let alike = volumes.iter().all(|v| v.rescale == first.rescale && matches!(v.rescale, Rescale::Uniform { .. }));
    let parts: Vec<&Voxels> = volumes.iter().map(|v| &v.voxels).collect();
    memory::ensure::<u8>(volumes.iter().map(|v| v.voxels.len() * v.voxels.voxel_type().bytes()).sum())
        .map_err(|e| e.to_string())?;
    let joined = if alike { Voxels::joined(&parts) } else { None };
    let (voxels, rescale) = match joined {
        Some(voxels) => (voxels, first.rescale.clone()),
        None => {
            let value = |volume: &Volume, index| volume.value_at(index).unwrap_or(0.0) as f32;
            let count = first.geometry.voxel_count();
            memory::ensure::<f32>(count * volumes.len()).map_err(|e| e.to_string())?;
            let all: Vec<f32> = volumes.iter().flat_map(|v| (0..count).map(move |n| value(v, n))).collect();
            (Voxels::F32(all.into()), Rescale::IDENTITY)
        }
    };
    let geometry: Geometry = first.geometry.clone();
    let mut stacked = Volume::new(geometry, voxels, vec![volumes.len()], rescale, first.name.clone());
    stacked.warnings = volumes.iter().flat_map(|v| v.warnings.clone()).collect();
    Ok(stacked)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::volume::Affine;

    fn volume(voxels: Voxels, slope: f64, shift: f64) -> Volume {
        let columns = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let geometry = Geometry::new([2, 1, 1], Affine::from_columns(columns, [shift, 0.0, 0.0])).unwrap();
        Volume::new(geometry, voxels, vec![], Rescale::Uniform { slope, intercept: 0.0 }, "v".into())
    }

    #[test]
    fn frames_keep_their_type_where_they_are_alike() {
        let a = volume(Voxels::I16(Arc::new(vec![1, 2])), 1.0, 0.0);
        let b = volume(Voxels::I16(Arc::new(vec![3, 4])), 1.0, 0.0);
        let both = stack_frames(&[a.clone(), b]).unwrap();
        assert!(matches!(both.voxels, Voxels::I16(_)));
        assert_eq!((both.frame_count(), both.value([1, 0, 0], 0), both.value([0, 0, 0], 1)), (2, 2.0, 3.0));
        let scaled = volume(Voxels::I16(Arc::new(vec![3, 4])), 0.5, 0.0);
        let both = stack_frames(&[a.clone(), scaled]).unwrap();
        assert_eq!((both.value([1, 0, 0], 0), both.value([1, 0, 0], 1)), (2.0, 2.0));
        let moved = volume(Voxels::I16(Arc::new(vec![3, 4])), 1.0, 5.0);
        assert!(stack_frames(&[a, moved]).unwrap_err().contains("different grids"));
    }
}
