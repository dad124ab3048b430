//! Voxel values in their stored type.

use std::sync::Arc;

use crate::work::memory::{OutOfMemory, affordable, ensure, make_room};

/// Values decoded per read.
const CHUNK_VALUES: usize = 1 << 15;

/// A scalar type that a scan can be stored in.
pub trait Voxel: Copy + Send + Sync + PartialOrd + 'static {
    /// The value as a double; exact for every type but the 64-bit integers.
    fn to_f64(self) -> f64;
}

/// Fills the values of a stored type: what a reader does that has all bytes before it.
pub trait Fill {
    /// Why it stops.
    type Error: From<OutOfMemory>;

    /// Fills the values, which `of_bytes` makes of their bytes; whether it could.
    ///
    /// # Errors
    /// When the work was stopped, for example.
    fn fill<T: Voxel>(self, values: &mut [T], of_bytes: impl Fn(&[u8]) -> T + Sync) -> Result<bool, Self::Error>;
}

macro_rules! voxel_types {
    ($($variant:ident $type:ty, $name:literal;)*) => {
        $(impl Voxel for $type {
            #[inline]
            #[allow(clippy::cast_lossless, reason = "not every type has a `From`")]
            fn to_f64(self) -> f64 {
                self as f64
            }
        })*

        /// Names of the stored types.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum VoxelType { $($variant,)* }

        impl VoxelType {
            /// The type that numpy calls so.
            pub fn of_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// numpy's name, for example `int16`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Bytes of one voxel.
            pub fn bytes(self) -> usize {
                match self { $(Self::$variant => size_of::<$type>(),)* }
            }

            /// Whether it holds whole numbers only.
            pub fn is_integer(self) -> bool {
                !matches!(self, Self::F32 | Self::F64)
            }
        }

        /// Shared voxel values, i fastest, then j, k, then further dimensions in file order.
        #[derive(Debug, Clone)]
        #[allow(missing_docs)]
        pub enum Voxels { $($variant(Arc<Vec<$type>>),)* }

        impl Voxels {
            /// The stored type.
            pub fn voxel_type(&self) -> VoxelType {
                match self { $(Self::$variant(_) => VoxelType::$variant,)* }
            }

            /// All values one after the other, if the types are the same.
            ///
            /// # Errors
            /// When memory is short.
            pub fn joined(parts: &[&Self]) -> Result<Option<Self>, OutOfMemory> {
                let Some(first) = parts.first() else { return Ok(None) };
                match first {
                    $(Self::$variant(_) => {
                        let mut all: Vec<$type> = Vec::new();
                        make_room(&mut all, parts.iter().map(|part| part.len()).sum())?;
                        for part in parts {
                            let Self::$variant(data) = part else { return Ok(None) };
                            all.extend_from_slice(data);
                        }
                        Ok(Some(Self::$variant(Arc::new(all))))
                    })*
                }
            }

            /// Adds the values of another; nothing where the types differ.
            ///
            /// # Errors
            /// When memory is short; all is as before then.
            pub fn append(&mut self, other: &Self) -> Result<(), OutOfMemory> {
                match (self, other) {
                    $((Self::$variant(all), Self::$variant(more)) => {
                        if Arc::strong_count(all) > 1 {
                            ensure::<$type>(all.len())?;
                        }
                        let all = Arc::make_mut(all);
                        make_room(all, more.len())?;
                        all.extend_from_slice(more);
                    })*
                    _ => debug_assert!(false, "only values of one type are joined"),
                }
                Ok(())
            }

            /// Values in a range, if all are there.
            pub fn range(&self, range: std::ops::Range<usize>) -> Option<Self> {
                match self {
                    $(Self::$variant(data) => Some(Self::$variant(Arc::new(data.get(range)?.to_vec()))),)*
                }
            }

            /// Whether types and values are the same.
            pub fn equals(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Self::$variant(a), Self::$variant(b)) => a == b,)*
                    _ => false,
                }
            }

            /// Number of values.
            #[inline]
            pub fn len(&self) -> usize {
                match self { $(Self::$variant(data) => data.len(),)* }
            }

            /// The stored value at a linear index, or `None` beyond the end.
            #[inline]
            pub fn get(&self, index: usize) -> Option<f64> {
                match self { $(Self::$variant(data) => data.get(index).map(|v| v.to_f64()),)* }
            }

            /// Lets a reader fill `count` values; `None` where it could not. Memory is asked for at once, and taken as it is written to.
            ///
            /// # Errors
            /// The reader's, and where memory is short.
            pub fn filled<F: Fill>(
                kind: VoxelType,
                count: usize,
                big_endian: bool,
                reader: F,
            ) -> Result<Option<Self>, F::Error> {
                match kind {
                    $(VoxelType::$variant => {
                        ensure::<$type>(count)?;
                        let mut values = vec![<$type>::default(); count];
                        let is_filled = reader.fill(&mut values, |bytes| {
                            let raw = bytes.first_chunk().copied().unwrap_or_default();
                            if big_endian { <$type>::from_be_bytes(raw) } else { <$type>::from_le_bytes(raw) }
                        })?;
                        Ok(is_filled.then(|| Self::$variant(Arc::new(values))))
                    })*
                }
            }

            /// Reads `count` values from a stream of little- or big-endian bytes.
            ///
            /// Memory grows with the bytes that really arrive; `expected` values are reserved at once.
            ///
            /// # Errors
            /// The reader's, `UnexpectedEof` where the stream ends early, and `OutOfMemory` with an [`OutOfMemory`] inside.
            pub fn read(
                kind: VoxelType,
                count: usize,
                expected: usize,
                big_endian: bool,
                reader: &mut dyn std::io::Read,
            ) -> std::io::Result<Self> {
                match kind {
                    $(VoxelType::$variant => {
                        const SIZE: usize = size_of::<$type>();
                        affordable((count as u64).saturating_mul(SIZE as u64))?;
                        let mut values: Vec<$type> = Vec::new();
                        make_room(&mut values, expected.min(count))?;
                        let mut chunk = vec![0u8; CHUNK_VALUES.min(count) * SIZE];
                        while values.len() < count {
                            let bytes = &mut chunk[..CHUNK_VALUES.min(count - values.len()) * SIZE];
                            reader.read_exact(bytes)?;
                            make_room(&mut values, bytes.len() / SIZE)?;
                            values.extend(bytes.chunks_exact(SIZE).map(|b| {
                                let mut raw = [0; SIZE];
                                raw.copy_from_slice(b);
                                if big_endian { <$type>::from_be_bytes(raw) } else { <$type>::from_le_bytes(raw) }
                            }));
                        }
                        Ok(Self::$variant(Arc::new(values)))
                    })*
                }
            }
        }
    };
}

voxel_types! {
    U8 u8, "uint8";
    I8 i8, "int8";
    U16 u16, "uint16";
    I16 i16, "int16";
    U32 u32, "uint32";
    I32 i32, "int32";
    U64 u64, "uint64";
    I64 i64, "int64";
    F32 f32, "float32";
    F64 f64, "float64";
}

impl Voxels {
    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held.
    pub fn byte_count(&self) -> usize {
        self.len() * self.voxel_type().bytes()
    }
}

/// Runs the same expression on the values (`&Arc<Vec<T>>`) of any stored type.
macro_rules! with_voxels {
    ($voxels:expr, $data:ident => $body:expr) => {
        match $voxels {
            $crate::volume::Voxels::U8($data) => $body,
            $crate::volume::Voxels::I8($data) => $body,
            $crate::volume::Voxels::U16($data) => $body,
            $crate::volume::Voxels::I16($data) => $body,
            $crate::volume::Voxels::U32($data) => $body,
            $crate::volume::Voxels::I32($data) => $body,
            $crate::volume::Voxels::U64($data) => $body,
            $crate::volume::Voxels::I64($data) => $body,
            $crate::volume::Voxels::F32($data) => $body,
            $crate::volume::Voxels::F64($data) => $body,
        }
    };
}
pub(crate) use with_voxels;
