//! A volume as one byte a voxel and of bounded size, for pictures through all of it.

use rayon::prelude::*;

use super::scan::Volume;
use crate::work::{Stopped, Watch, memory};

/// Most voxels along an axis.
pub const SMALL_EDGE: usize = 256;

/// A shrunk volume of bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct SmallVolume {
    /// Voxels along i, j, k; at most [`SMALL_EDGE`] each.
    pub size: [usize; 3],
    /// How many voxels of the volume one of these is long along each axis; those at the far end may reach beyond it.
    pub step: [usize; 3],
    /// Bytes, i fastest.
    pub values: Vec<u8>,
    /// The rescaled values that 0 and 255 stand for.
    pub range: [f64; 2],
}

impl SmallVolume {
    /// Shrinks a frame of a volume: each byte is the mean of the voxels that it covers. Values beyond the range are its ends, those that are not
    /// finite are its low end. CT keeps what lies between air and the densest bone, everything else all but the rarest values.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn new(volume: &Volume, frame: usize, watch: Watch) -> Result<Self, Stopped> {
        const CT: [f64; 2] = [-1024.0, 3071.0];
        let shape = volume.geometry.shape();
        let step = shape.map(|n| n.div_ceil(SMALL_EDGE));
        let size = [0, 1, 2].map(|axis| shape[axis].div_ceil(step[axis]));
        let statistics = volume.statistics();
        let [low, high] = if volume.is_ct() {
            [CT[0].max(statistics.min), CT[1].min(statistics.max)]
        } else {
            [statistics.percentile(0.05), statistics.percentile(99.95)]
        };
        let range = [low, if high > low { high } else { low + 1.0 }];
        let of = |value: f64| {
            let share = (value - range[0]) / (range[1] - range[0]);
            if share.is_finite() { (share * 255.0).round().clamp(0.0, 255.0) as u8 } else { 0 }
        };
        let mut values: Vec<u8> = memory::zeros(size.iter().product());
        let layer = size[0] * size[1];
        values.par_chunks_exact_mut(layer).enumerate().try_for_each(|(k, out)| {
            watch.check()?;
            let ends = |axis: usize, n: usize| n * step[axis]..((n + 1) * step[axis]).min(shape[axis]);
            for (n, byte) in out.iter_mut().enumerate() {
                let (mut sum, mut count) = (0.0, 0.0);
                for z in ends(2, k) {
                    for y in ends(1, n / size[0]) {
                        for x in ends(0, n % size[0]) {
                            let value = volume.value([x, y, z], frame);
                            sum += if value.is_finite() { value } else { range[0] };
                            count += 1.0;
                        }
                    }
                }
                *byte = of(sum / count);
            }
            Ok(())
        })?;
        Ok(Self { size, step, values, range })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};

    #[test]
    fn a_long_volume_is_shrunk_along_that_axis_alone_and_keeps_its_values() {
        let geometry = Geometry::new([600, 2, 1], Affine::IDENTITY).unwrap();
        let values: Vec<i16> = (0..1200).map(|n| (n % 600) as i16).collect();
        let volume = Volume::new(geometry, Voxels::I16(values.into()), vec![], Rescale::IDENTITY, "a".into());
        let small = SmallVolume::new(&volume, 0, Watch::unwatched()).unwrap();
        assert_eq!((small.size, small.step), ([200, 2, 1], [3, 1, 1]));
        let value = |n: usize| small.range[0] + f64::from(small.values[n]) / 255.0 * (small.range[1] - small.range[0]);
        for n in 1..199 {
            assert!((value(n) - (3 * n + 1) as f64).abs() < 2.0, "{n}: {}", value(n));
        }
    }
}
