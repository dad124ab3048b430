//! Bricks as bytes, run-length coded: what a journal and a document keep of labels.
//!
//! A chunk holds some bricks: the index of each, 0 and a label for one of a single label, or 1 and runs of a label and how often it follows,
//! i fastest. All numbers have seven bits a byte, the lowest first.

use std::sync::Arc;

use super::brick_patch::BrickPatch;
use super::label_map::{BRICK_EDGE, Brick, LabelMap, LabelValue};
use crate::work::memory::{OutOfMemory, ensure};

const BRICK_VOXELS: usize = BRICK_EDGE * BRICK_EDGE * BRICK_EDGE;
/// Bricks of a chunk.
const BRICKS_OF_CHUNK: usize = 64;
/// Most bytes of a chunk: every voxel a run of its own.
pub const MOST_CHUNK_BYTES: usize = BRICKS_OF_CHUNK * (BRICK_VOXELS * 4 + 16);
/// Most bricks of a grid that is read from a file: far above every scan, and their table is still small.
pub const MOST_BRICKS: usize = 1 << 22;

/// Why bytes are no bricks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrickCodeError {
    /// The bytes are not what they should be.
    #[error("bricks of labels are damaged: {0}")]
    Damaged(&'static str),
    /// There is no room for them.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
}

impl BrickPatch {
    /// All of a map that is not background.
    pub fn whole(labels: &LabelMap) -> Self {
        let bricks = labels.bricks.iter().enumerate().filter(|(_, brick)| !matches!(brick, Brick::Uniform(0)));
        Self::of_bricks(bricks.map(|(index, brick)| (index, brick.clone())).collect())
    }

    /// What a map has now in the places of this patch.
    #[must_use]
    pub fn counterpart(&self, labels: &LabelMap) -> Self {
        let now = |(index, _): &(usize, Brick)| Some((*index, labels.bricks.get(*index)?.clone()));
        Self::of_bricks(self.bricks().iter().filter_map(now).collect())
    }

    /// The bricks as chunks of bytes.
    pub fn chunks(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.bricks().chunks(BRICKS_OF_CHUNK).map(|bricks| {
            let mut out = Vec::with_capacity(bricks.len() * 512);
            for (index, brick) in bricks {
                put(&mut out, *index as u64);
                put_brick(&mut out, brick);
            }
            out
        })
    }

    /// Reads a chunk for a map.
    ///
    /// # Errors
    /// Where the bytes are no bricks of such a map.
    pub fn from_chunk(bytes: &[u8], labels: &LabelMap) -> Result<Self, BrickCodeError> {
        Self::decoded(bytes, labels.bricks.len())
    }

    fn decoded(mut bytes: &[u8], brick_count: usize) -> Result<Self, BrickCodeError> {
        let mut bricks: Vec<(usize, Brick)> = Vec::new();
        ensure::<LabelValue>(BRICKS_OF_CHUNK * BRICK_VOXELS)?;
        while !bytes.is_empty() {
            let index = usize::try_from(take(&mut bytes)?).ok().filter(|index| *index < brick_count);
            let index = index.ok_or(BrickCodeError::Damaged("there is no such brick"))?;
            if bricks.last().is_some_and(|(last, _)| *last >= index) || bricks.len() == BRICKS_OF_CHUNK {
                return Err(BrickCodeError::Damaged("the order of bricks"));
            }
            bricks.push((index, take_brick(&mut bytes)?));
        }
        Ok(Self::of_bricks(bricks))
    }
}

/// A patch as bytes, for what is kept and seldom used.
#[derive(Debug, Clone)]
pub struct PackedPatch(Vec<Box<[u8]>>);

impl PackedPatch {
    /// The bytes of a patch.
    pub fn of(patch: &BrickPatch) -> Self {
        Self(patch.chunks().map(Vec::into_boxed_slice).collect())
    }

    /// The patch again.
    ///
    /// # Errors
    /// Where there is no room for it.
    pub fn unpack(&self) -> Result<BrickPatch, BrickCodeError> {
        let mut bricks = Vec::new();
        for chunk in &self.0 {
            bricks.extend_from_slice(BrickPatch::decoded(chunk, usize::MAX)?.bricks());
        }
        Ok(BrickPatch::of_bricks(bricks))
    }

    /// Bytes that it takes.
    pub fn byte_count(&self) -> usize {
        self.0.iter().map(|chunk| chunk.len() + size_of::<Box<[u8]>>()).sum()
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_brick(out: &mut Vec<u8>, brick: &Brick) {
    match brick {
        Brick::Uniform(value) => {
            out.push(0);
            put(out, u64::from(*value));
        }
        Brick::Dense(values) => {
            out.push(1);
            for run in values.chunk_by(|a, b| a == b) {
                put(out, run.first().copied().map_or(0, u64::from));
                put(out, run.len() as u64);
            }
        }
    }
}

fn take(bytes: &mut &[u8]) -> Result<u64, BrickCodeError> {
    let mut value = 0;
    for shift in (0..42).step_by(7) {
        let (first, rest) = bytes.split_first().ok_or(BrickCodeError::Damaged("they end too early"))?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BrickCodeError::Damaged("a number is too long"))
}

fn take_label(bytes: &mut &[u8]) -> Result<LabelValue, BrickCodeError> {
    LabelValue::try_from(take(bytes)?).map_err(|_| BrickCodeError::Damaged("there is no such label"))
}

fn take_brick(bytes: &mut &[u8]) -> Result<Brick, BrickCodeError> {
    match take(bytes)? {
        0 => Ok(Brick::Uniform(take_label(bytes)?)),
        1 => {
            let mut values: Vec<LabelValue> = Vec::with_capacity(BRICK_VOXELS);
            while values.len() < BRICK_VOXELS {
                let label = take_label(bytes)?;
                let count = usize::try_from(take(bytes)?).unwrap_or(usize::MAX);
                if count == 0 || count > BRICK_VOXELS - values.len() {
                    return Err(BrickCodeError::Damaged("the length of a run"));
                }
                values.resize(values.len() + count, label);
            }
            Ok(Brick::Dense(Arc::from(values)))
        }
        _ => Err(BrickCodeError::Damaged("there is no such kind of brick")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use proptest::prelude::*;

    fn map() -> LabelMap {
        LabelMap::empty(Geometry::new([70, 40, 35], Affine::IDENTITY).unwrap())
    }

    fn read(chunks: &[Vec<u8>]) -> Result<LabelMap, BrickCodeError> {
        let mut labels = map();
        for chunk in chunks {
            let _ = BrickPatch::from_chunk(chunk, &labels)?.exchange(&mut labels);
        }
        Ok(labels)
    }

    proptest! {
        #[test]
        fn bricks_come_back_and_damage_never_panics(
            edits in prop::collection::vec((0usize..70, 0usize..40, 0usize..35, any::<u16>()), 0..40),
            compacted in any::<bool>(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut labels = map();
            edits.iter().for_each(|(i, j, k, label)| labels.set([*i, *j, *k], *label));
            if compacted {
                labels.compact();
            }
            let whole = BrickPatch::whole(&labels);
            let chunks: Vec<Vec<u8>> = whole.chunks().collect();
            prop_assert!(chunks.iter().all(|chunk| chunk.len() <= MOST_CHUNK_BYTES));
            prop_assert!(read(&chunks).unwrap().same_labels(&labels));
            let mut unpacked = map();
            let _ = PackedPatch::of(&whole).unpack().unwrap().exchange(&mut unpacked);
            prop_assert!(unpacked.same_labels(&labels));
            prop_assert_eq!(whole.counterpart(&labels).byte_count(), whole.byte_count());
            for mut chunk in chunks {
                for (place, value) in &damage {
                    let at = place.index(chunk.len());
                    chunk[at] = *value;
                }
                let _ = read(&[chunk]);
            }
        }
    }

    #[test]
    fn every_voxel_may_be_a_run_of_its_own_and_hostile_runs_are_refused() {
        let geometry = Geometry::new([160, 128, 128], Affine::IDENTITY).unwrap();
        let labels =
            LabelMap::from_fn(geometry, |[i, j, k]| if (i + j + k) % 2 == 0 { u16::MAX } else { u16::MAX - 1 });
        let chunks: Vec<Vec<u8>> = BrickPatch::whole(&labels).chunks().collect();
        assert_eq!(chunks.len(), 2, "80 bricks");
        assert!(chunks.iter().all(|chunk| chunk.len() <= MOST_CHUNK_BYTES));
        let damaged: [&[u8]; 6] =
            [&[0, 1, 1, 0], &[0, 1, 1, 0xff, 0xff, 0x7f], &[0, 2], &[99, 0, 1], &[1, 0, 1, 0, 0, 1], &[0xff; 9]];
        for bytes in damaged {
            assert!(matches!(BrickPatch::from_chunk(bytes, &map()), Err(BrickCodeError::Damaged(_))), "{bytes:?}");
        }
    }
}
