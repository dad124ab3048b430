//! Voxels as bytes, in groups: what a document keeps of a scan.
//!
//! A group is as many values as fit into a megabyte, in their linear order. Of whole numbers all lowest bytes come first, then all of the next,
//! because neighbours differ in their lowest byte most, and packers find more in what is alike. Real numbers are as they lie in memory. All is
//! little-endian.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::voxels::{VoxelType, Voxels, with_voxels};
use crate::work::memory::{OutOfMemory, ensure};

/// Bytes of a group that is full.
pub const GROUP_BYTES: usize = 1 << 20;

/// Places of a group's values among `count`.
fn places(kind: VoxelType, count: usize, group: usize) -> Range<usize> {
    let each = GROUP_BYTES / kind.bytes();
    let start = group.saturating_mul(each).min(count);
    start..start.saturating_add(each).min(count)
}

/// Groups of so many values.
pub fn group_count(kind: VoxelType, count: usize) -> usize {
    count.div_ceil(GROUP_BYTES / kind.bytes())
}

/// Bytes of a group among those of `count` values.
pub fn group_bytes(kind: VoxelType, count: usize, group: usize) -> usize {
    places(kind, count, group).len() * kind.bytes()
}

/// Where a byte of a value lies in its group: the value's place, and the byte's, the lowest first.
fn place_of(kind: VoxelType, values: usize, value: usize, byte: usize) -> usize {
    if kind.is_integer() { byte * values + value } else { value * kind.bytes() + byte }
}

impl Voxels {
    /// The bytes of a group; none beyond the last.
    pub fn group(&self, group: usize) -> Vec<u8> {
        let kind = self.voxel_type();
        let places = places(kind, self.len(), group);
        let count = places.len();
        let mut bytes = vec![0; count * kind.bytes()];
        with_voxels!(self, data => {
            for (n, value) in data.get(places).unwrap_or_default().iter().enumerate() {
                for (byte, of) in value.to_le_bytes().into_iter().enumerate() {
                    if let Some(to) = bytes.get_mut(place_of(kind, count, n, byte)) {
                        *to = of;
                    }
                }
            }
        });
        bytes
    }

    /// Values of groups, which `read` gives by their number, several at a time, each with [`group_bytes`] bytes.
    ///
    /// # Errors
    /// Those of `read`, and [`OutOfMemory`] before anything is read.
    pub fn from_groups<E: From<OutOfMemory> + Send>(
        kind: VoxelType,
        count: usize,
        read: impl Fn(usize) -> Result<Vec<u8>, E> + Sync,
    ) -> Result<Self, E> {
        macro_rules! read_as {
            ($($variant:ident $type:ty),*) => {
                match kind {
                    $(VoxelType::$variant => {
                        ensure::<$type>(count)?;
                        let mut values = vec![<$type>::default(); count];
                        values.par_chunks_mut(GROUP_BYTES / kind.bytes()).enumerate().try_for_each(|(n, values)| {
                            let bytes = read(n)?;
                            let length = values.len();
                            for (n, value) in values.iter_mut().enumerate() {
                                let mut raw = [0; size_of::<$type>()];
                                for (byte, to) in raw.iter_mut().enumerate() {
                                    *to = bytes.get(place_of(kind, length, n, byte)).copied().unwrap_or_default();
                                }
                                *value = <$type>::from_le_bytes(raw);
                            }
                            Ok::<(), E>(())
                        })?;
                        Ok(Self::$variant(Arc::new(values)))
                    })*
                }
            };
        }
        read_as!(U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F32 f32, F64 f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_bytes_of_whole_numbers_come_first_and_real_numbers_are_as_they_lie() {
        let whole = Voxels::I16(Arc::new(vec![0x0102, -2, 3]));
        assert_eq!(whole.group(0), [0x02, 0xfe, 3, 0x01, 0xff, 0]);
        assert_eq!(whole.group(1), [0u8; 0]);
        let real = Voxels::F32(Arc::new(vec![1.5, -0.0]));
        assert_eq!(real.group(0), [1.5f32.to_le_bytes(), (-0.0f32).to_le_bytes()].concat());
    }

    #[test]
    fn groups_fill_the_values_and_the_last_is_shorter() {
        let all: Vec<u32> = (0..600_000u32).map(|n| n.wrapping_mul(2_654_435_761)).collect();
        let voxels = Voxels::U32(Arc::new(all));
        assert_eq!(group_count(VoxelType::U32, 600_000), 3);
        let sizes = [0, 1, 2, 3].map(|n| group_bytes(VoxelType::U32, 600_000, n));
        assert_eq!(sizes, [1 << 20, 1 << 20, 2_400_000 - (2 << 20), 0]);
        let back = Voxels::from_groups::<OutOfMemory>(VoxelType::U32, 600_000, |n| Ok(voxels.group(n))).unwrap();
        assert!(back.equals(&voxels));
        let refused = Voxels::from_groups::<OutOfMemory>(VoxelType::F64, 1 << 50, |_| Ok(Vec::new()));
        assert_eq!(refused.unwrap_err().wanted_bytes, 1 << 53);
    }
}
