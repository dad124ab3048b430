//! Sets of voxels in a box, one bit each, in rows along i that begin with a word of their own.

use rayon::prelude::*;

use crate::work::{Stopped, Watch, memory};

/// Voxels in a word.
const WORD: usize = 64;

/// A set of voxels in a box of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoxelBits {
    shape: [usize; 3],
    /// Words of a row.
    width: usize,
    /// Rows by j, then by k; what of a row's last word lies behind its end is 0.
    words: Vec<u64>,
}

impl VoxelBits {
    /// No voxel of a box.
    pub fn empty(shape: [usize; 3]) -> Self {
        let width = shape[0].div_ceil(WORD);
        Self { shape, width, words: memory::zeros(width * shape[1] * shape[2]) }
    }

    /// Voxels for which `is_in(i)` holds, row by row: `row(j, k, is_in)` fills a row of the box.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn from_rows(
        shape: [usize; 3],
        watch: Watch,
        row: impl Fn(usize, usize, &mut [bool]) + Sync,
    ) -> Result<Self, Stopped> {
        let mut set = Self::empty(shape);
        set.for_each_slice(watch, |k, slice, width| {
            let mut is_in = vec![false; shape[0]];
            for (j, words) in slice.chunks_mut(width).enumerate() {
                row(j, k, &mut is_in);
                pack(&is_in, words);
            }
        })?;
        Ok(set)
    }

    /// Number of voxels of the box along i, j, k.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The words of all rows of one k.
    pub(super) fn slice(&self, k: usize) -> &[u64] {
        let length = self.width * self.shape[1];
        &self.words[k * length..][..length]
    }

    /// The words of a row.
    pub fn row(&self, j: usize, k: usize) -> &[u64] {
        &self.words[(k * self.shape[1] + j) * self.width..][..self.width]
    }

    /// The words of a row, to be changed; what lies behind its end must stay 0.
    pub fn row_mut(&mut self, j: usize, k: usize) -> &mut [u64] {
        &mut self.words[(k * self.shape[1] + j) * self.width..][..self.width]
    }

    /// Whether a voxel of the box is in the set.
    pub fn contains(&self, [i, j, k]: [usize; 3]) -> bool {
        self.row(j, k)[i / WORD] >> (i % WORD) & 1 == 1
    }

    /// Number of voxels in the set.
    pub fn count(&self) -> usize {
        self.words.par_iter().with_min_len(1 << 14).map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is no voxel in the set.
    pub fn is_empty(&self) -> bool {
        self.words.par_iter().with_min_len(1 << 14).all(|word| *word == 0)
    }

    /// The same for every slice: `change(k, words, words of a row)`.
    pub(super) fn for_each_slice(
        &mut self,
        watch: Watch,
        change: impl Fn(usize, &mut [u64], usize) + Sync,
    ) -> Result<(), Stopped> {
        self.for_each_block(1, watch, |k, slice, width| {
            change(k, slice, width);
            Ok(())
        })
    }

    /// Calls `change(first k, words of all rows of the block, words of a row)` for blocks of some slices, on all threads.
    ///
    /// # Errors
    /// When the work is stopped; what was changed by then stays.
    pub fn for_each_block(
        &mut self,
        slices: usize,
        watch: Watch,
        change: impl Fn(usize, &mut [u64], usize) -> Result<(), Stopped> + Sync,
    ) -> Result<(), Stopped> {
        watch.check()?;
        let (length, width) = (self.width * self.shape[1] * slices, self.width);
        if length == 0 {
            return Ok(());
        }
        self.words.par_chunks_mut(length).enumerate().try_for_each(|(block, words)| {
            watch.check()?;
            change(block * slices, words, width)
        })
    }

    /// All voxels of the box that are not in the set.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        let last = last_word(self.shape[0]);
        if self.width > 0 {
            self.words.par_chunks_mut(self.width).with_min_len(1 << 10).for_each(|row| {
                row.iter_mut().for_each(|word| *word = !*word);
                row[row.len() - 1] &= last;
            });
        }
        self
    }

    /// Without the voxels of another set in the same box.
    #[must_use]
    pub fn without(self, other: &Self) -> Self {
        self.combined(other, |own, other| own & !other)
    }

    /// With the voxels of another set in the same box.
    #[must_use]
    pub fn with(self, other: &Self) -> Self {
        self.combined(other, |own, other| own | other)
    }

    fn combined(mut self, other: &Self, word: impl Fn(u64, u64) -> u64 + Sync) -> Self {
        debug_assert_eq!(self.shape, other.shape);
        let both = self.words.par_iter_mut().with_min_len(1 << 14).zip(&other.words);
        both.for_each(|(own, other)| *own = word(*own, *other));
        self
    }

    /// The same voxels in another box, whose first voxel lies `by` voxels before that of this box; what lies outside is left out.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn moved(&self, by: [isize; 3], shape: [usize; 3], watch: Watch) -> Result<Self, Stopped> {
        let mut set = Self::empty(shape);
        let last = last_word(shape[0]);
        let source = |at: usize, axis: usize| at.checked_add_signed(-by[axis]).filter(|at| *at < self.shape[axis]);
        set.for_each_slice(watch, |k, slice, width| {
            let Some(from_k) = source(k, 2) else { return };
            for (j, words) in slice.chunks_mut(width).enumerate() {
                let Some(from_j) = source(j, 1) else { continue };
                shift(self.row(from_j, from_k), by[0], words);
                words[width - 1] &= last;
            }
        })?;
        Ok(set)
    }
}

/// The bits of a row's last word that belong to the row.
pub(super) fn last_word(voxels: usize) -> u64 {
    match voxels % WORD {
        0 => u64::MAX,
        some => (1 << some) - 1,
    }
}

/// Writes one bit per voxel.
pub(super) fn pack(is_in: &[bool], words: &mut [u64]) {
    for (voxels, word) in is_in.chunks(WORD).zip(words) {
        *word = voxels.iter().enumerate().fold(0, |word, (n, is_in)| word | u64::from(*is_in) << n);
    }
}

/// Moves a row by some voxels.
fn shift(from: &[u64], by: isize, to: &mut [u64]) {
    let (words, bits) = (by.div_euclid(WORD as isize), by.rem_euclid(WORD as isize));
    let at = |n: isize| usize::try_from(n).ok().and_then(|n| from.get(n)).copied().unwrap_or(0);
    for (n, word) in to.iter_mut().enumerate() {
        let source = n as isize - words;
        *word = at(source) << bits | if bits == 0 { 0 } else { at(source - 1) >> (WORD as isize - bits) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Signal;
    use proptest::prelude::*;

    fn set(shape: [usize; 3], voxels: &[[usize; 3]]) -> VoxelBits {
        VoxelBits::from_rows(shape, Watch::unwatched(), |j, k, row| {
            row.iter_mut().enumerate().for_each(|(i, is_in)| *is_in = voxels.contains(&[i, j, k]));
        })
        .unwrap()
    }

    proptest! {
        #[test]
        fn sets_are_moved_inverted_and_combined(
            first in prop::collection::btree_set((0usize..130, 0usize..4, 0usize..3), 0..60),
            second in prop::collection::btree_set((0usize..130, 0usize..4, 0usize..3), 0..60),
            by in (-140isize..140, -3isize..4, -2isize..3), wide in 1usize..200,
        ) {
            let shape = [130, 4, 3];
            let listed = |set: std::collections::BTreeSet<(usize, usize, usize)>| -> Vec<[usize; 3]> {
                set.into_iter().map(|(i, j, k)| [i, j, k]).collect()
            };
            let (first, second) = (listed(first), listed(second));
            let (a, b) = (set(shape, &first), set(shape, &second));
            let by = [by.0, by.1, by.2];
            let elsewhere = a.moved(by, [wide, 5, 4], Watch::unwatched()).unwrap();
            let (others, less, both) = (a.clone().inverted(), a.clone().without(&b), a.clone().with(&b));
            prop_assert_eq!((a.count(), others.count()), (first.len(), 130 * 12 - first.len()));
            let mut kept = 0;
            for voxel in (0..130 * 12).map(|n| [n % 130, n / 130 % 4, n / 520]) {
                let (in_a, in_b) = (first.contains(&voxel), second.contains(&voxel));
                prop_assert_eq!((a.contains(voxel), others.contains(voxel)), (in_a, !in_a));
                prop_assert_eq!((less.contains(voxel), both.contains(voxel)), (in_a && !in_b, in_a || in_b));
                let there = [0, 1, 2].map(|axis| voxel[axis].checked_add_signed(by[axis]));
                if let [Some(i), Some(j), Some(k)] = there
                    && i < wide && j < 5 && k < 4
                {
                    prop_assert_eq!(elsewhere.contains([i, j, k]), in_a);
                    kept += usize::from(in_a);
                }
            }
            prop_assert_eq!(elsewhere.count(), kept);
        }
    }

    #[test]
    fn boxes_without_voxels_are_no_trouble_and_a_stop_is_heard() {
        let none = set([0, 3, 3], &[]);
        assert_eq!((none.count(), none.clone().inverted().count()), (0, 0));
        let signal = Signal::default();
        signal.stop();
        assert_eq!(VoxelBits::from_rows([3, 3, 3], Watch::new(&signal), |_, _, _| {}), Err(Stopped));
        assert_eq!(none.moved([0; 3], [3, 0, 3], Watch::new(&signal)), Err(Stopped));
    }
}
