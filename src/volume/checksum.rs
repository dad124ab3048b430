//! A number that tells the voxels of one scan from those of another.

use rayon::prelude::*;

use super::scan::Volume;
use super::voxels::with_voxels;

/// Values that are summed up at a time.
const CHUNK: usize = 1 << 16;

impl Volume {
    /// A checksum of the stored values, their type and the grid's size: the same for the same scan on every machine. It reads every voxel.
    pub fn checksum(&self) -> u64 {
        let sums: Vec<u32> = with_voxels!(&self.voxels, data => {
            data.par_chunks(CHUNK)
                .map(|values| {
                    let mut hasher = crc32fast::Hasher::new();
                    let mut bytes = Vec::with_capacity(std::mem::size_of_val(values));
                    values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
                    hasher.update(&bytes);
                    hasher.finalize()
                })
                .collect()
        });
        let sizes = self.geometry.shape().into_iter().chain(self.frame_dims.iter().copied());
        let name = self.voxels.voxel_type().name().bytes().map(u64::from);
        let words = name.chain(sizes.map(|size| size as u64)).chain(sums.into_iter().map(u64::from));
        // FNV-1a (Fowler, Noll, Vo), over words.
        words.fold(0xcbf2_9ce4_8422_2325, |sum, word| (sum ^ word).wrapping_mul(0x0100_0000_01b3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};
    use std::sync::Arc;

    fn volume(shape: [usize; 3], voxels: Voxels) -> Volume {
        Volume::new(Geometry::new(shape, Affine::IDENTITY).unwrap(), voxels, vec![], Rescale::IDENTITY, String::new())
    }

    #[test]
    fn one_value_the_type_and_the_shape_count() {
        let values = |at: usize| (0..80_000).map(|n| i16::from(n == at)).collect::<Vec<i16>>();
        let sum = |shape, at| volume(shape, Voxels::I16(Arc::new(values(at)))).checksum();
        let first = sum([400, 200, 1], 79_999);
        assert_eq!(first, sum([400, 200, 1], 79_999));
        assert!(first != sum([400, 200, 1], 79_998) && first != sum([400, 200, 1], 0));
        assert_ne!(first, sum([200, 400, 1], 79_999));
        let unsigned = values(79_999).into_iter().map(|v| v as u16).collect();
        assert_ne!(first, volume([400, 200, 1], Voxels::U16(Arc::new(unsigned))).checksum());
    }
}
