//! The values of a scan, read as labels.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::label_map::{BRICK_EDGE, Brick, LabelMap, LabelValue};
use super::label_rows::{BRICK_VOXELS, packed, spread};
use super::scan::{Rescale, Volume};
use super::voxels::{Voxel, Voxels, with_voxels};

/// Values this near to a whole number are that number.
const NEAR_WHOLE: f64 = 1e-3;

/// Why a volume cannot be read as labels.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LabelMapError {
    /// A value is negative, fractional, not finite or above 65 535.
    #[error("the value {value} at voxel {voxel:?} is no label; labels are whole numbers from 0 to 65535")]
    NotALabel {
        /// The value.
        value: f64,
        /// Where it is.
        voxel: [usize; 3],
    },
}

/// A frame that is read, and what was found so far.
struct Reading<'a> {
    volume: &'a Volume,
    frame: usize,
    /// The step of the stored values.
    step: f64,
    /// The first value in storage order that is no label.
    refused: AtomicUsize,
    /// The largest distance from a whole number, as bits: distances are not negative, so both have the same order.
    furthest: AtomicU64,
}

impl LabelMap {
    /// Reads the values of one frame as labels. What is almost a whole number is one.
    ///
    /// # Errors
    /// Names the first value that is no label.
    pub fn from_volume(volume: &Volume, frame: usize) -> Result<Self, LabelMapError> {
        Self::rounded(volume, frame).map(|(map, _)| map)
    }

    /// Reads the values of one frame as labels, and says how far from whole numbers they were at most.
    ///
    /// Programs that calculate with labels, or store them with a factor, leave 2.0000004 where 2 is meant. Values within 1e-3 of a whole
    /// number are that number; so are whole numbers that a file's whole steps of `scl_slope` could not hit better.
    ///
    /// # Errors
    /// Names the first value that is no label.
    pub fn rounded(volume: &Volume, frame: usize) -> Result<(Self, f64), LabelMapError> {
        let map = Self::empty(volume.geometry.clone());
        let reading = Reading {
            volume,
            frame,
            step: volume.stored_step(),
            refused: AtomicUsize::new(usize::MAX),
            furthest: AtomicU64::new(0),
        };
        let bricks: Vec<Brick> = (0..map.bricks.len())
            .into_par_iter()
            .map_init(
                || vec![0; BRICK_VOXELS],
                |values, index| {
                    let (start, size) = (map.brick_start(index), map.brick_size(index));
                    for k in 0..size[2] {
                        for j in 0..size[1] {
                            let row = &mut values[(k * BRICK_EDGE + j) * BRICK_EDGE..][..size[0]];
                            reading.read_row([start[0], start[1] + j, start[2] + k], row);
                        }
                    }
                    if size != [BRICK_EDGE; 3] {
                        spread(values, size);
                    }
                    packed(values)
                },
            )
            .collect();
        let refused = reading.refused.into_inner();
        if refused < usize::MAX {
            let [ni, nj, nk] = map.geometry().shape();
            let voxel = [refused % ni, refused / ni % nj, refused / (ni * nj) % nk];
            return Err(LabelMapError::NotALabel { value: volume.value_at(refused).unwrap_or(f64::NAN), voxel });
        }
        Ok((map.with_bricks(bricks), f64::from_bits(reading.furthest.into_inner())))
    }
}

impl Volume {
    /// The labels in all frames, background left out, where the stored values are labels as they stand; `None` where
    /// [`LabelMap::rounded`] has to tell.
    pub fn stored_labels(&self) -> Option<Vec<LabelValue>> {
        if self.rescale != Rescale::IDENTITY {
            return None;
        }
        match &self.voxels {
            Voxels::U8(all) => Some(different(all)),
            Voxels::U16(all) => Some(different(all)),
            _ => None,
        }
    }
}

/// The different values that are not 0, in ascending order.
fn different<T: Copy + PartialEq + Default + Into<LabelValue> + Send + Sync>(all: &[T]) -> Vec<LabelValue> {
    /// Values that are looked at in one go.
    const BLOCK: usize = 64;
    let nothing = || vec![false; usize::from(LabelValue::MAX) + 1];
    let look = |mut seen: Vec<bool>, part: &[T]| {
        let mut last = T::default();
        for block in part.chunks(BLOCK) {
            // Most blocks hold the label before alone, which is seen at once.
            if *block == [last; BLOCK][..block.len()] {
                continue;
            }
            for &value in block {
                seen[usize::from(value.into())] = true;
                last = value;
            }
        }
        seen
    };
    let join = |mut a: Vec<bool>, b: Vec<bool>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
        a
    };
    let seen = all.par_chunks(1 << 20).fold(nothing, look).reduce(nothing, join);
    (1..=LabelValue::MAX).filter(|value| seen[usize::from(*value)]).collect()
}

impl Reading<'_> {
    /// The labels of a row along i. What is no label is remembered.
    fn read_row(&self, at: [usize; 3], row: &mut [LabelValue]) {
        let first = self.volume.index_of(at, self.frame);
        let range = first..first + row.len();
        if self.volume.rescale == Rescale::IDENTITY {
            // Most masks hold such numbers.
            if let Voxels::U8(all) = &self.volume.voxels
                && let Some(stored) = all.get(range.clone())
            {
                row.iter_mut().zip(stored).for_each(|(label, &value)| *label = LabelValue::from(value));
                return;
            }
            if let Voxels::U16(all) = &self.volume.voxels
                && let Some(stored) = all.get(range.clone())
            {
                row.copy_from_slice(stored);
                return;
            }
        }
        let [_, _, nk] = self.volume.geometry.shape();
        let (slope, intercept) = self.volume.rescale.of_slice(self.frame * nk + at[2]);
        with_voxels!(&self.volume.voxels, all => {
            let stored = all.get(range).unwrap_or_default();
            if stored.len() < row.len() {
                self.refused.fetch_min(first, Ordering::Relaxed);
            }
            for (n, (label, stored)) in row.iter_mut().zip(stored).enumerate() {
                *label = self.label(stored.to_f64() * slope + intercept, first + n);
            }
        });
    }

    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what does not fit is told from the value"
    )]
    fn label(&self, value: f64, index: usize) -> LabelValue {
        let label = value as LabelValue;
        if f64::from(label) == value {
            return label;
        }
        let whole = value.round();
        let distance = (value - whole).abs();
        // Whoever holds values as f32 has whole numbers to within one part in 2^22 of their size.
        let near = NEAR_WHOLE.max(whole * f64::from(f32::EPSILON) * 2.0).max(self.step * 0.51);
        // Written so that NaN is no label.
        if !(distance <= near && (0.0..=f64::from(LabelValue::MAX)).contains(&whole)) {
            self.refused.fetch_min(index, Ordering::Relaxed);
            return 0;
        }
        self.furthest.fetch_max(distance.to_bits(), Ordering::Relaxed);
        whole as LabelValue
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::volume::{Affine, Geometry};
    use proptest::prelude::*;

    fn volume(shape: [usize; 3], voxels: Voxels, rescale: Rescale) -> Volume {
        Volume::new(Geometry::new(shape, Affine::IDENTITY).unwrap(), voxels, vec![], rescale, "mask".into())
    }

    proptest! {
        #[test]
        fn labels_are_the_values_of_their_voxels(
            shape in (1usize..40, 1usize..35, 1usize..34),
            values in prop::collection::vec(prop::sample::select(vec![0u16, 0, 1, 7, 255, 256, 65535]), 1..60),
            kind in 0usize..4,
        ) {
            let shape = [shape.0, shape.1, shape.2];
            let count = shape.iter().product();
            let all: Vec<u16> = (0..count).map(|n| values[n * 7 % values.len()]).collect();
            let small = kind == 0;
            let all: Vec<u16> = if small { all.iter().map(|value| value % 256).collect() } else { all };
            let half = Rescale::Uniform { slope: 0.5, intercept: 1.0 };
            let volume = match kind {
                0 => volume(shape, Voxels::U8(Arc::new(all.iter().map(|value| *value as u8).collect())), Rescale::IDENTITY),
                1 => volume(shape, Voxels::U16(Arc::new(all.clone())), Rescale::IDENTITY),
                2 => volume(shape, Voxels::I32(Arc::new(all.iter().map(|v| (i32::from(*v) - 1) * 2).collect())), half),
                _ => volume(shape, Voxels::F64(Arc::new(all.iter().map(|v| f64::from(*v)).collect())), Rescale::IDENTITY),
            };
            let (map, furthest) = LabelMap::rounded(&volume, 0).unwrap();
            prop_assert_eq!(furthest, 0.0);
            for (n, value) in all.iter().enumerate() {
                let voxel = [n % shape[0], n / shape[0] % shape[1], n / (shape[0] * shape[1])];
                prop_assert_eq!(map.get(voxel), *value);
            }
        }
    }

    #[test]
    fn labels_that_are_stored_as_they_stand_are_found_without_a_map() {
        let shape = [70, 30, 3];
        let at = |n: usize| match n {
            0 | 130..400 | 6299 => 7,
            900 => 250,
            _ => 0,
        };
        let bytes: Vec<u8> = (0..6300).map(at).collect();
        let words: Vec<u16> = bytes.iter().map(|value| u16::from(*value) * 250).collect();
        let bytes = Voxels::U8(Arc::new(bytes));
        assert_eq!(volume(shape, bytes.clone(), Rescale::IDENTITY).stored_labels(), Some(vec![7, 250]));
        let words = volume(shape, Voxels::U16(Arc::new(words)), Rescale::IDENTITY);
        assert_eq!(words.stored_labels(), Some(vec![1750, 62500]));
        assert_eq!(volume(shape, bytes, Rescale::Uniform { slope: 2.0, intercept: 0.0 }).stored_labels(), None);
    }

    #[test]
    fn the_first_value_that_is_no_label_is_named() {
        let shape = [40, 3, 2];
        let mut values = vec![3.0f32; 240];
        // Bricks are read in any order; storage order counts.
        (values[200], values[121], values[150]) = (-1.0, 2.5, f32::NAN);
        let refused = |values: Vec<f32>| {
            LabelMap::rounded(&volume(shape, Voxels::F32(Arc::new(values)), Rescale::IDENTITY), 0).unwrap_err()
        };
        assert_eq!(refused(values.clone()), LabelMapError::NotALabel { value: 2.5, voxel: [1, 0, 1] });
        values[121] = 65536.0;
        assert_eq!(refused(values.clone()), LabelMapError::NotALabel { value: 65536.0, voxel: [1, 0, 1] });
        (values[121], values[150], values[200]) = (3.0005, 0.0, -0.0004);
        let near = volume(shape, Voxels::F32(Arc::new(values)), Rescale::IDENTITY);
        let (map, furthest) = LabelMap::rounded(&near, 0).unwrap();
        assert!((furthest - 0.0005).abs() < 1e-6, "{furthest}");
        assert_eq!([map.get([1, 0, 1]), map.get([0, 2, 1])], [3, 0]);
    }
}
