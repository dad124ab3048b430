//! Sets of voxels in a box, one bit each.

use crate::shape::VoxelBits;
use crate::volume::Region;
use crate::work::memory::{self, OutOfMemory};
use crate::work::{Stopped, Watch};

/// Bits of a word.
const WORD: usize = 64;
/// Voxels handed over at a time by [`VoxelSet::in_batches`].
const BATCH: usize = 1 << 16;

/// Voxels of a box of the grid. It takes one bit per voxel of the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoxelSet {
    region: Region,
    bits: VoxelBits,
}

/// A row of a box: its place along j and k in the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub j: usize,
    pub k: usize,
}

impl VoxelSet {
    /// No voxel of a box.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn empty(region: Region) -> Result<Self, OutOfMemory> {
        let shape = region.shape();
        memory::ensure::<u64>(shape[0].div_ceil(WORD) * shape[1] * shape[2])?;
        Ok(Self { region, bits: VoxelBits::empty(shape) })
    }

    /// The box.
    pub fn region(&self) -> Region {
        self.region
    }

    /// Number of voxels of the box along an axis.
    pub(super) fn size(&self, axis: usize) -> usize {
        self.bits.shape()[axis]
    }

    /// The words of a row inside the box.
    pub(super) fn row(&self, row: Row) -> &[u64] {
        self.bits.row(row.j - self.region.start[1], row.k - self.region.start[2])
    }

    fn row_mut(&mut self, row: Row) -> &mut [u64] {
        self.bits.row_mut(row.j - self.region.start[1], row.k - self.region.start[2])
    }

    /// Whether a voxel is in the set; voxels outside the box are not.
    pub fn contains(&self, voxel: [usize; 3]) -> bool {
        self.region.contains(voxel) && self.bits.contains([0, 1, 2].map(|axis| voxel[axis] - self.region.start[axis]))
    }

    /// Adds or takes away the voxels `from..to` of a row, both counted from the start of the box.
    pub(super) fn set_run(&mut self, row: Row, from: usize, to: usize, is_in: bool) {
        let words = self.row_mut(row);
        for (n, word) in words.iter_mut().enumerate().take(to.div_ceil(WORD)).skip(from / WORD) {
            let mask = run_mask(from.saturating_sub(n * WORD), to - n * WORD);
            *word = if is_in { *word | mask } else { *word & !mask };
        }
    }

    /// The first run of voxels that has one at `from..to` of a row, with all of it that lies before and behind; counted from the
    /// start of the box.
    pub(super) fn run_in(&self, row: Row, from: usize, to: usize) -> Option<[usize; 2]> {
        let words = self.row(row);
        let first = next_bit(words, from, self.size(0), true)?;
        if first >= to {
            return None;
        }
        let end = next_bit(words, first, self.size(0), false).unwrap_or(self.size(0));
        Some([run_begin(words, first), end])
    }

    /// Number of voxels.
    pub fn len(&self) -> usize {
        self.bits.count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// Calls `visit(first, length)` for every run along i.
    pub fn for_each_run(&self, mut visit: impl FnMut([usize; 3], usize)) {
        for k in self.region.start[2]..self.region.end[2] {
            for j in self.region.start[1]..self.region.end[1] {
                let words = self.row(Row { j, k });
                let mut at = 0;
                while let Some(first) = next_bit(words, at, self.size(0), true) {
                    let end = next_bit(words, first, self.size(0), false).unwrap_or(self.size(0));
                    visit([self.region.start[0] + first, j, k], end - first);
                    at = end;
                }
            }
        }
    }

    /// Hands the voxels over in batches, so that there is no list of all of them.
    ///
    /// # Errors
    /// The first that `take` gives.
    pub fn in_batches<E>(&self, mut take: impl FnMut(&[[usize; 3]]) -> Result<(), E>) -> Result<(), E> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut result = Ok(());
        self.for_each_run(|[i, j, k], length| {
            batch.extend((i..i + length).map(|i| [i, j, k]));
            if batch.len() >= BATCH && result.is_ok() {
                result = take(&batch);
                batch.clear();
            }
        });
        result?;
        if batch.is_empty() { Ok(()) } else { take(&batch) }
    }

    /// Fills the rows of a box on all threads: `fill` gets a row and its words, all of which are 0.
    ///
    /// # Errors
    /// When the work is stopped; half of the rows are filled then.
    pub(super) fn fill_rows(&mut self, watch: Watch, fill: impl Fn(Row, &mut [u64]) + Sync) -> Result<(), Stopped> {
        let start = self.region.start;
        self.bits.for_each_block(1, watch, |slice, words, width| {
            for (row, words) in words.chunks_mut(width).enumerate() {
                fill(Row { j: start[1] + row, k: start[2] + slice }, words);
            }
            Ok(())
        })
    }

    /// What is in the box and not in the set.
    #[must_use]
    pub(super) fn inverted(self) -> Self {
        Self { bits: self.bits.inverted(), ..self }
    }

    /// All voxels of the box within `radius` voxels along each axis of one of the set, corners included.
    ///
    /// # Errors
    /// When the work is stopped or there is no memory for a second set.
    pub(super) fn widened<E: From<Stopped> + From<OutOfMemory>>(
        mut self,
        radius: [usize; 3],
        watch: Watch,
    ) -> Result<Self, E> {
        let size = self.size(0);
        if radius[0] > 0 {
            let wide = Self::empty(self.region)?;
            let narrow = std::mem::replace(&mut self, wide);
            self.fill_rows(watch, |row, words| widen_row(narrow.row(row), words, radius[0].min(size), size))?;
        }
        for axis in [1, 2] {
            if radius[axis] == 0 {
                continue;
            }
            let wide = Self::empty(self.region)?;
            let narrow = std::mem::replace(&mut self, wide);
            let region = self.region;
            self.fill_rows(watch, |row, words| {
                let at = if axis == 1 { row.j } else { row.k };
                let near = at.saturating_sub(radius[axis]).max(region.start[axis])
                    ..at.saturating_add(radius[axis]).saturating_add(1).min(region.end[axis]);
                for place in near {
                    let other = if axis == 1 { Row { j: place, ..row } } else { Row { k: place, ..row } };
                    for (word, more) in words.iter_mut().zip(narrow.row(other)) {
                        *word |= more;
                    }
                }
            })?;
        }
        Ok(self)
    }

    /// The same voxels as far as they lie in another box.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn within(&self, region: Region) -> Result<Self, OutOfMemory> {
        let mut part = Self::empty(region)?;
        let [low, high] = [region.start[0], region.end[0]];
        self.for_each_run(|[i, j, k], length| {
            let (from, to) = (i.max(low), (i + length).min(high));
            if from < to && region.contains([from, j, k]) {
                part.set_run(Row { j, k }, from - low, to - low, true);
            }
        });
        Ok(part)
    }
}

/// The bits `from..to` of a word; `to` may lie behind its end.
fn run_mask(from: usize, to: usize) -> u64 {
    if from >= to.min(WORD) {
        return 0;
    }
    let below = if to >= WORD { u64::MAX } else { (1 << to) - 1 };
    below & (u64::MAX << from)
}

/// The first place from `from` on, before `size`, where a row has a bit, or has none.
fn next_bit(words: &[u64], from: usize, size: usize, is_set: bool) -> Option<usize> {
    if from >= size {
        return None;
    }
    let turned = |word: u64| if is_set { word } else { !word };
    let first = turned(*words.get(from / WORD)?) & (u64::MAX << (from % WORD));
    let mut n = from / WORD;
    let mut word = first;
    while word == 0 {
        n += 1;
        word = turned(*words.get(n)?);
    }
    let at = n * WORD + word.trailing_zeros() as usize;
    (at < size).then_some(at)
}

/// Where the run of bits begins that ends at `last`, which is set.
fn run_begin(words: &[u64], last: usize) -> usize {
    let mut n = last / WORD;
    let mut gaps = !words[n] & run_mask(0, last % WORD);
    while gaps == 0 {
        if n == 0 {
            return 0;
        }
        n -= 1;
        gaps = !words[n];
    }
    n * WORD + WORD - gaps.leading_zeros() as usize
}

/// Sets all bits within `radius` of one of a row.
fn widen_row(narrow: &[u64], wide: &mut [u64], radius: usize, size: usize) {
    let mut at = 0;
    while let Some(first) = next_bit(narrow, at, size, true) {
        let end = next_bit(narrow, first, size, false).unwrap_or(size);
        let (from, to) = (first.saturating_sub(radius), (end + radius).min(size));
        for (n, word) in wide.iter_mut().enumerate().take(to.div_ceil(WORD)).skip(from / WORD) {
            *word |= run_mask(from.saturating_sub(n * WORD), to - n * WORD);
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Debug)]
    enum Failed {
        Stopped,
        Memory,
    }

    impl From<Stopped> for Failed {
        fn from(_: Stopped) -> Self {
            Self::Stopped
        }
    }

    impl From<OutOfMemory> for Failed {
        fn from(_: OutOfMemory) -> Self {
            Self::Memory
        }
    }

    fn region() -> Region {
        Region { start: [3, 1, 2], end: [140, 5, 6] }
    }

    fn listed(set: &VoxelSet) -> BTreeSet<[usize; 3]> {
        let mut all = BTreeSet::new();
        set.in_batches(|voxels| {
            all.extend(voxels.iter().copied());
            Ok::<(), ()>(())
        })
        .unwrap();
        all
    }

    proptest! {
        #[test]
        fn a_set_holds_what_was_put_in(
            voxels in prop::collection::btree_set((3usize..140, 1usize..5, 2usize..6), 0..90),
            radius in (0usize..70, 0usize..3, 0usize..3), cut in (3usize..140, 3usize..140)
        ) {
            let voxels: BTreeSet<[usize; 3]> = voxels.into_iter().map(|(i, j, k)| [i, j, k]).collect();
            let mut set = VoxelSet::empty(region()).unwrap();
            for [i, j, k] in &voxels {
                set.set_run(Row { j: *j, k: *k }, i - 3, i - 2, true);
            }
            prop_assert_eq!(listed(&set), voxels.clone());
            prop_assert_eq!((set.len(), set.is_empty()), (voxels.len(), voxels.is_empty()));
            let radius = [radius.0, radius.1, radius.2];
            let wide = set.clone().widened::<Failed>(radius, Watch::unwatched()).unwrap();
            let others = set.clone().inverted();
            let part = set.within(Region { start: [cut.0.min(cut.1), 2, 0], end: [cut.0.max(cut.1), 9, 5] }).unwrap();
            for i in 0..150 {
                for j in 0..6 {
                    for k in 1..7 {
                        let at = [i, j, k];
                        let inside = region().contains(at);
                        let near = |v: &[usize; 3]| (0..3).all(|axis| v[axis].abs_diff(at[axis]) <= radius[axis]);
                        prop_assert_eq!(set.contains(at), voxels.contains(&at));
                        prop_assert_eq!(others.contains(at), inside && !voxels.contains(&at));
                        prop_assert_eq!(wide.contains(at), inside && voxels.iter().any(near), "{:?}", at);
                        prop_assert_eq!(part.contains(at), voxels.contains(&at) && part.region().contains(at));
                    }
                }
            }
        }

        #[test]
        fn runs_are_found_from_any_place_in_them(edges in prop::collection::btree_set(0usize..137, 2..12), at in 0usize..137) {
            let edges: Vec<usize> = edges.into_iter().collect();
            let mut set = VoxelSet::empty(region()).unwrap();
            let row = Row { j: 2, k: 3 };
            for run in edges.chunks_exact(2) {
                set.set_run(row, run[0], run[1], true);
            }
            let wanted = edges.chunks_exact(2).find(|run| run[1] > at);
            prop_assert_eq!(set.run_in(row, at, 137), wanted.map(|run| [run[0], run[1]]));
            if let Some(run) = wanted {
                prop_assert_eq!(set.run_in(row, at, run[0].max(at)), None);
                set.set_run(row, run[0], run[1], false);
                prop_assert!(!set.contains([3 + run[0], 2, 3]));
            }
        }
    }
}
