//! The connected region around a voxel, row by row.

use crate::volume::{Region, VoxelRow};
use crate::work::{Stopped, Watch};

/// Rows between two looks at the watch.
const ROWS_AT_A_TIME: usize = 256;

/// Which voxels of a box were seen, one bit each. A voxel is known by its place in the box, the first axis fastest.
struct Seen {
    region: Region,
    size: [usize; 3],
    bits: Vec<u64>,
}

impl Seen {
    fn new(region: Region) -> Self {
        let size = [0, 1, 2].map(|axis| region.end[axis].saturating_sub(region.start[axis]));
        Self { region, size, bits: vec![0; size.iter().product::<usize>().div_ceil(64)] }
    }

    fn place(&self, voxel: [usize; 3]) -> usize {
        let [i, j, k] = [0, 1, 2].map(|axis| voxel[axis] - self.region.start[axis]);
        (k * self.size[1] + j) * self.size[0] + i
    }

    fn voxel(&self, place: usize) -> [usize; 3] {
        let [width, height, _] = self.size;
        let off = [place % width, place / width % height, place / (width * height)];
        [0, 1, 2].map(|axis| self.region.start[axis] + off[axis])
    }

    fn has(&self, place: usize) -> bool {
        self.bits[place / 64] >> (place % 64) & 1 == 1
    }

    fn add(&mut self, place: usize) {
        self.bits[place / 64] |= 1 << (place % 64);
    }
}

/// Visits the voxels of a box that are joined with a seed by faces through voxels that `is_in` holds for, row by row, none twice. Nothing
/// where the seed is outside the box; the seed itself is always in. Memory: one bit for every voxel of the box, and what waits to be visited.
///
/// # Errors
/// Where the watch stops it.
pub fn flood(
    region: Region,
    seed: [usize; 3],
    is_in: impl Fn([usize; 3]) -> bool,
    mut visit: impl FnMut(VoxelRow),
    watch: Watch,
) -> Result<(), Stopped> {
    if !region.contains(seed) {
        return Ok(());
    }
    let mut seen = Seen::new(region);
    let mut waiting = vec![seen.place(seed)];
    let mut rows = 0usize;
    while let Some(place) = waiting.pop() {
        if seen.has(place) {
            continue;
        }
        let [at, j, k] = seen.voxel(place);
        // Places along a row are numbered as its voxels are.
        let first = place - (at - region.start[0]);
        let is_open = |i: usize, seen: &Seen| !seen.has(first + i - region.start[0]) && is_in([i, j, k]);
        let (mut start, mut end) = (at, at + 1);
        while start > region.start[0] && is_open(start - 1, &seen) {
            start -= 1;
        }
        while end < region.end[0] && is_open(end, &seen) {
            end += 1;
        }
        (start..end).for_each(|i| seen.add(first + i - region.start[0]));
        visit(VoxelRow { start: [start, j, k], count: end - start });
        rows += 1;
        if rows.is_multiple_of(ROWS_AT_A_TIME) {
            watch.check()?;
        }
        let beside = [
            (j > region.start[1]).then(|| [j - 1, k]),
            (j + 1 < region.end[1]).then_some([j + 1, k]),
            (k > region.start[2]).then(|| [j, k - 1]),
            (k + 1 < region.end[2]).then_some([j, k + 1]),
        ];
        for [j, k] in beside.into_iter().flatten() {
            let first = seen.place([start, j, k]);
            // One seed for every stretch of the neighbouring row.
            let mut was_open = false;
            for i in start..end {
                let place = first + i - start;
                let is_open = !seen.has(place) && is_in([i, j, k]);
                if is_open && !was_open {
                    waiting.push(place);
                }
                was_open = is_open;
            }
        }
    }
    Ok(())
}

/// The rows of a small box, where nobody stops it.
pub(super) fn flooded(region: Region, seed: [usize; 3], is_in: impl Fn([usize; 3]) -> bool) -> Vec<VoxelRow> {
    let mut rows = Vec::new();
    let whole = flood(region, seed, is_in, |row| rows.push(row), Watch::unwatched());
    // Only the end of the process stops it.
    if whole.is_ok() { rows } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn the_region_is_what_spreads_from_voxel_to_voxel(
            open in prop::collection::vec(prop::bool::weighted(0.65), 9 * 7 * 5), seed in (0usize..9, 0usize..7, 0usize..5),
            start in (0usize..4, 0usize..3, 0usize..2),
        ) {
            let region = Region { start: [start.0, start.1, start.2], end: [9, 7, 5] };
            let seed = [seed.0, seed.1, seed.2];
            let is_in = |v: [usize; 3]| open[(v[2] * 7 + v[1]) * 9 + v[0]];
            let rows = flooded(region, seed, is_in);
            let found: Vec<[usize; 3]> = rows.iter().flat_map(|row| row.voxels()).collect();
            // Spread until nothing new comes.
            let mut spread: BTreeSet<[usize; 3]> = region.contains(seed).then_some(seed).into_iter().collect();
            loop {
                let beside = |v: &[usize; 3]| {
                    let v = *v;
                    (0..3usize).flat_map(move |axis| {
                        let to = move |at: usize| [0, 1, 2].map(|n| if n == axis { at } else { v[n] });
                        [v[axis].checked_sub(1).map(to), Some(to(v[axis] + 1))]
                    })
                };
                let all = spread.iter().flat_map(beside).flatten();
                let more: Vec<[usize; 3]> =
                    all.filter(|v| region.contains(*v) && is_in(*v) && !spread.contains(v)).collect();
                if more.is_empty() {
                    break;
                }
                spread.extend(more);
            }
            prop_assert_eq!(found.len(), spread.len(), "no voxel twice");
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), spread);
        }
    }

    #[test]
    fn a_stop_ends_it() {
        let signal = crate::work::Signal::default();
        signal.stop();
        let region = Region { start: [0; 3], end: [8, 64, 64] };
        assert_eq!(flood(region, [0; 3], |_| true, |_| {}, Watch::new(&signal)), Err(Stopped));
    }
}
