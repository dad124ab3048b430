//! Stored values as floats.

use crate::engine::Array;
use crate::work::memory;
use crate::work::numbers::single;

/// Number type of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 32 bits.
    Float,
    /// 64 bits.
    Double,
    /// IEEE half.
    Half,
    /// The upper half of a float.
    BFloat16,
}

impl Kind {
    /// The type of a class of `torch`, if it is floating point.
    pub fn of_storage(class: &str) -> Option<Self> {
        match class {
            "FloatStorage" | "float32" => Some(Self::Float),
            "DoubleStorage" | "float64" => Some(Self::Double),
            "HalfStorage" | "float16" => Some(Self::Half),
            "BFloat16Storage" | "bfloat16" => Some(Self::BFloat16),
            _ => None,
        }
    }

    /// What a class of `torch` that is no floating point of at least 16 bits holds.
    pub fn other(class: &str) -> String {
        let integer = match class {
            "LongStorage" => "int64",
            "IntStorage" => "int32",
            "ShortStorage" => "int16",
            "CharStorage" => "int8",
            "ByteStorage" => "uint8",
            "BoolStorage" => "bool",
            "ComplexFloatStorage" => "complex64",
            "ComplexDoubleStorage" => "complex128",
            other => other,
        };
        integer.to_string()
    }

    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Double => 8,
            Self::Half | Self::BFloat16 => 2,
        }
    }

    /// All values of little-endian bytes.
    pub fn values(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::Float => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Self::Double => bytes.as_chunks().0.iter().map(|b| single(f64::from_le_bytes(*b))).collect(),
            Self::Half => bytes.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
            Self::BFloat16 => bytes.as_chunks().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect(),
        }
    }
}

/// A tensor as a view of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Key of the storage.
    pub storage: String,
    /// Number type of the storage.
    pub kind: Kind,
    /// First value.
    pub offset: usize,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Steps in values along each axis.
    pub strides: Vec<usize>,
}

impl View {
    /// Reads the view from its storage's bytes.
    ///
    /// # Errors
    /// When it reaches beyond them.
    pub fn read(&self, storage: &[u8]) -> Result<Array, String> {
        let outside = || format!("a tensor {:?} reaches beyond its storage", self.shape);
        let stored = storage.len() / self.kind.bytes();
        let count = self.shape.iter().try_fold(1usize, |p, &n| p.checked_mul(n)).ok_or_else(outside)?;
        // Views that repeat values would take more memory than the file.
        if self.shape.len() != self.strides.len() || count > stored {
            return Err(outside());
        }
        if count == 0 {
            return Ok(Array::new(self.shape.clone(), vec![]));
        }
        let reach = self
            .shape
            .iter()
            .zip(&self.strides)
            .try_fold(self.offset, |at, (&n, &step)| (n - 1).checked_mul(step).and_then(|far| at.checked_add(far)));
        if reach.is_none_or(|last| last >= stored) {
            return Err(outside());
        }
        memory::ensure::<f32>(count).map_err(|e| e.to_string())?;
        let size = self.kind.bytes();
        if self.is_contiguous() {
            let bytes = &storage[self.offset * size..(self.offset + count) * size];
            return Ok(Array::new(self.shape.clone(), self.kind.values(bytes)));
        }
        memory::ensure::<f32>(stored).map_err(|e| e.to_string())?;
        let all = self.kind.values(storage);
        let mut values = Vec::with_capacity(count);
        let mut index = vec![0usize; self.shape.len()];
        for _ in 0..count {
            let at: usize = index.iter().zip(&self.strides).map(|(i, step)| i * step).sum();
            values.push(all[self.offset + at]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        Ok(Array::new(self.shape.clone(), values))
    }

    fn is_contiguous(&self) -> bool {
        let mut step = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&n, &stride)| {
            let fits = n == 1 || stride == step;
            step = step.saturating_mul(n);
            fits
        })
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]
mod tests {
    use super::*;

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> View {
        View { storage: "0".into(), kind: Kind::Float, offset, shape: shape.into(), strides: strides.into() }
    }

    #[test]
    fn views_are_read_in_their_order_and_never_beyond_the_storage() {
        let bytes: Vec<u8> = (0..6).flat_map(|v| (v as f32).to_le_bytes()).collect();
        assert_eq!(view(1, &[2, 2], &[2, 1]).read(&bytes).unwrap().values, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(view(0, &[3, 2], &[1, 3]).read(&bytes).unwrap().values, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert!(view(3, &[2, 2], &[2, 1]).read(&bytes).is_err());
        assert!(view(0, &[100], &[0]).read(&bytes).is_err());
        assert!(view(0, &[usize::MAX, 2], &[1, 1]).read(&bytes).is_err());
    }
}
