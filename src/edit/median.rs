//! The median of a label: what most voxels of a box say.

use std::collections::VecDeque;

use crate::edit::label_box::{Over, Reshaped, bits_of, with_bits};
use crate::shape::VoxelBits;
use crate::volume::{LabelMap, LabelValue};
use crate::work::{Stopped, Watch, memory};

/// Voxels that a box reaches from its centre at most, so that a plane of it is counted in 16 bits.
pub const FURTHEST: usize = 127;
/// Slices that a thread takes at a time, at least.
const SLICES: usize = 32;

/// The labels after one of them was given all voxels around which it has the majority, in a box that reaches `reach` voxels from its centre
/// along each axis. At the border of the volume the last voxel is repeated. `reach` is at most [`FURTHEST`].
///
/// # Errors
/// When the work is stopped.
pub fn by_majority(
    labels: &LabelMap,
    label: LabelValue,
    reach: [usize; 3],
    over: Over,
    watch: Watch,
) -> Result<(LabelMap, Reshaped), Stopped> {
    watch.at(0.0)?;
    // No voxel outside the box around the label has a majority of it around.
    let Some(own) = labels.region_of(label) else { return Ok((labels.clone(), Reshaped::default())) };
    let reach = reach.map(|n| n.min(FURTHEST));
    let region = own.grown(reach, labels.geometry().shape());
    let bits = bits_of(labels, label, region, watch.part(0.0, 0.1))?;
    watch.at(0.1)?;
    let bits = majority(&bits, reach, watch)?;
    watch.at(0.9)?;
    with_bits(labels, label, (region, &bits), over, watch.part(0.9, 1.0))
}

/// Voxels in whose box more than half are in the set; behind its ends the set goes on as its last voxels are.
fn majority(bits: &VoxelBits, reach: [usize; 3], watch: Watch) -> Result<VoxelBits, Stopped> {
    let shape = bits.shape();
    let half = reach.iter().map(|n| 2 * n + 1).product::<usize>() / 2;
    let mut found = VoxelBits::empty(shape);
    let slices = shape[2].div_ceil(4 * rayon::current_num_threads()).max(SLICES).max(2 * reach[2]);
    found.for_each_block(slices, watch, |first, block, width| {
        let length = width * shape[1];
        let mut sums = Sums::new(bits, reach);
        // Steps along k from `first`, clamped to the box.
        let place = |step: isize| first.saturating_add_signed(step).min(shape[2] - 1);
        let deep = reach[2].cast_signed();
        for step in -deep..=deep {
            watch.check()?;
            sums.enter(place(step));
        }
        for (n, slice) in block.chunks_mut(length).enumerate() {
            watch.check()?;
            if n > 0 {
                sums.leave();
                sums.enter(place(n.cast_signed() + deep));
            }
            for (row, words) in slice.chunks_mut(width).enumerate() {
                let sums = &sums.whole[row * shape[0]..][..shape[0]];
                for (sums, word) in sums.chunks(64).zip(words) {
                    *word =
                        sums.iter().enumerate().fold(0, |word, (n, sum)| word | u64::from(*sum as usize > half) << n);
                }
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Counts in boxes that slide along k.
struct Sums<'a> {
    bits: &'a VoxelBits,
    reach: [usize; 3],
    /// Counts in the box within each slice that the box covers, oldest first.
    planes: VecDeque<Vec<u16>>,
    /// A plane that is free.
    spare: Vec<u16>,
    /// Their sum.
    whole: Vec<u32>,
    columns: Vec<u16>,
    running: Vec<u16>,
}

impl<'a> Sums<'a> {
    fn new(bits: &'a VoxelBits, reach: [usize; 3]) -> Self {
        let [ni, nj, _] = bits.shape();
        memory::must_have::<u16>(ni * nj * (2 * reach[2] + 4));
        Self {
            bits,
            reach,
            planes: VecDeque::with_capacity(2 * reach[2] + 1),
            spare: vec![0; ni * nj],
            whole: vec![0; ni * nj],
            columns: vec![0; ni.next_multiple_of(64)],
            running: vec![0; ni + 2 * reach[0] + 1],
        }
    }

    fn leave(&mut self) {
        if let Some(plane) = self.planes.pop_front() {
            self.whole.iter_mut().zip(&plane).for_each(|(sum, count)| *sum -= u32::from(*count));
            self.spare = plane;
        }
    }

    fn enter(&mut self, k: usize) {
        let mut plane = std::mem::take(&mut self.spare);
        plane.resize(self.whole.len(), 0);
        self.count(k, &mut plane);
        self.whole.iter_mut().zip(&plane).for_each(|(sum, count)| *sum += u32::from(*count));
        self.planes.push_back(plane);
    }

    /// Counts in the box within one slice.
    fn count(&mut self, k: usize, plane: &mut [u16]) {
        let [ni, nj, _] = self.bits.shape();
        let [wide, high, _] = self.reach;
        let row = |j: isize| self.bits.row(j.clamp(0, nj.cast_signed() - 1).cast_unsigned(), k);
        let high = high.cast_signed();
        self.columns.fill(0);
        (-high..=high).for_each(|j| spread(row(j), &mut self.columns, u16::wrapping_add));
        for (j, counts) in plane.chunks_mut(ni).enumerate() {
            let j = j.cast_signed();
            if j > 0 {
                let (old, new) = (row(j - high - 1), row(j + high));
                if old != new {
                    spread(old, &mut self.columns, u16::wrapping_sub);
                    spread(new, &mut self.columns, u16::wrapping_add);
                }
            }
            // Sums of all columns up to each, the first and the last of which are repeated. They may wrap, their differences do not.
            let columns = &self.columns[..ni];
            let repeated = |count: u16| std::iter::repeat_n(count, wide);
            let (first, last) = (columns[0], columns[ni - 1]);
            let all = repeated(first).chain(columns.iter().copied()).chain(repeated(last));
            let mut sum = 0u16;
            for (total, count) in self.running[1..].iter_mut().zip(all) {
                sum = sum.wrapping_add(count);
                *total = sum;
            }
            let ends = self.running[2 * wide + 1..].iter().zip(&self.running);
            counts.iter_mut().zip(ends).for_each(|(count, (to, from))| *count = to.wrapping_sub(*from));
        }
    }
}

/// The bits of a byte as numbers.
const BITS_OF_BYTE: [[u16; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            table[byte][bit] = if byte >> bit & 1 == 1 { 1 } else { 0 };
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Adds the bits of a row to its columns, or takes them away.
fn spread(words: &[u64], columns: &mut [u16], by: impl Fn(u16, u16) -> u16) {
    for (word, columns) in words.iter().zip(columns.chunks_exact_mut(64)) {
        if *word == 0 {
            continue;
        }
        for (byte, columns) in word.to_le_bytes().into_iter().zip(columns.chunks_exact_mut(8)) {
            let bits = &BITS_OF_BYTE[usize::from(byte)];
            columns.iter_mut().zip(bits).for_each(|(column, bit)| *column = by(*column, *bit));
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "indices of small grids"
)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use proptest::prelude::*;

    const SHAPE: [usize; 3] = [70, 6, 5];

    proptest! {
        #[test]
        fn a_voxel_has_what_most_around_it_have(
            blocks in prop::collection::vec(((0usize..70, 0usize..6, 0usize..5), (1usize..30, 1usize..5, 1usize..4)), 0..5),
            specks in prop::collection::vec((0usize..70, 0usize..6, 0usize..5), 0..50),
            reach in (0usize..9, 0usize..4, 0usize..4), over in any::<bool>(),
        ) {
            let grid = Geometry::new(SHAPE, Affine::IDENTITY).unwrap();
            let before = LabelMap::from_fn(grid, |[i, j, k]| {
                let in_block = blocks.iter().any(|((a, b, c), (di, dj, dk))| {
                    (*a..a + di).contains(&i) && (*b..b + dj).contains(&j) && (*c..c + dk).contains(&k)
                });
                let is_speck = specks.contains(&(i, j, k));
                if in_block == is_speck { u16::from(i % 7 == 3) } else { 2 }
            });
            let reach = [reach.0, reach.1, reach.2];
            let over = if over { Over::OtherLabels } else { Over::Background };
            let (after, told) = by_majority(&before, 2, reach, over, Watch::unwatched()).unwrap();
            let mut counts = Reshaped::default();
            for v in (0usize..70 * 30).map(|n| [n % 70, n / 70 % 6, n / 420]) {
                let range = |n: usize| -(reach[n] as isize)..=reach[n] as isize;
                let mut votes = 0isize;
                for dk in range(2) {
                    for dj in range(1) {
                        for di in range(0) {
                            let at = [di, dj, dk];
                            let at = [0, 1, 2].map(|n| v[n].saturating_add_signed(at[n]).min(SHAPE[n] - 1));
                            votes += if before.get(at) == 2 { 1 } else { -1 };
                        }
                    }
                }
                let old = before.get(v);
                let new = match (votes > 0, old) {
                    (true, 1) if over == Over::Background => 1,
                    (true, _) => 2,
                    (false, 2) => 0,
                    (false, other) => other,
                };
                prop_assert_eq!(after.get(v), new, "{:?} {}", v, votes);
                counts.added += usize::from(new == 2 && old != 2);
                counts.removed += usize::from(new != 2 && old == 2);
                counts.left += usize::from(votes > 0 && new != 2);
            }
            prop_assert_eq!(told, counts);
        }
    }
}
