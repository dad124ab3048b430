//! Connected parts of labels: by runs along rows and union-find, on all threads, with memory in proportion to the runs.
//!
//! The algorithm is that of runs and equivalences (Rosenfeld and Pfaltz 1966; He, Chao and Suzuki 2008 for runs), with the root of a part
//! being its first run, so that parts are numbered in scan order: i fastest, then j, then k.

use std::ops::Range;

use rayon::prelude::*;

use crate::volume::{LabelMap, LabelValue, Region};
use crate::work::{Stopped, Watch, memory};

/// Which voxels are neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbours {
    /// Those that share a face: 6, or 4 in a slice.
    Faces,
    /// Those that share a face, an edge or a corner: 26, or 8 in a slice.
    Corners,
}

/// Voxels of one part that follow each other along i.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// First voxel along i.
    pub start: u32,
    /// Behind the last one.
    pub end: u32,
    /// Number of the part, in scan order of first voxels.
    pub part: u32,
    /// What the voxels were told apart by.
    pub key: LabelValue,
}

/// A connected part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What its voxels were told apart by.
    pub key: LabelValue,
    /// How many voxels it has.
    pub voxels: usize,
    /// Its first voxel in scan order.
    pub first: [usize; 3],
}

/// All connected parts in a box of labels.
#[derive(Debug, Clone)]
pub struct Components {
    region: Region,
    /// Row after row, along j then k of the box.
    runs: Vec<Run>,
    /// Where the runs of each row begin; one more than there are rows.
    rows: Vec<usize>,
    parts: Vec<Part>,
}

/// What lies in some slices of the box, before they are put together.
struct Slab {
    runs: Vec<Run>,
    /// Behind the last run of each row.
    rows: Vec<usize>,
    /// For each run an earlier one of the same part, or itself.
    parents: Vec<u32>,
}

/// Most runs that numbers of 32 bits count.
const MOST_RUNS: usize = u32::MAX as usize;
/// Runs between two looks at the stop flag.
const STOP_EVERY: usize = 1 << 20;
/// Slabs for each thread, so that none waits long for another.
const SLABS: usize = 8;

/// Finds the connected parts of a box of labels. Voxels are of one part where they are neighbours and `key` gives their labels the same
/// value; where it gives 0 they belong to no part. Nothing outside the box connects.
///
/// # Errors
/// When the work is stopped.
pub fn components(
    labels: &LabelMap,
    region: Region,
    neighbours: Neighbours,
    key: impl Fn(LabelValue) -> LabelValue + Sync,
    watch: Watch,
) -> Result<Components, Stopped> {
    let [_, height, depth] = region.shape();
    let thickness = depth.div_ceil(rayon::current_num_threads() * SLABS).max(1);
    let starts: Vec<usize> = (0..depth).step_by(thickness).collect();
    let slabs: Result<Vec<Slab>, Stopped> = starts
        .into_par_iter()
        .map(|start| slab(labels, region, start..(start + thickness).min(depth), neighbours, &key, watch))
        .collect();
    let (mut runs, rows, mut parents) = joined(slabs?);
    watch.at(0.7)?;
    for k in (thickness..depth).step_by(thickness) {
        for j in 0..height {
            join_with_slice_before(&runs, &rows, [height, k, j], neighbours, &mut parents);
        }
        watch.check()?;
    }
    let parts = numbered(&mut runs, &rows, &parents, region, watch)?;
    watch.at(1.0)?;
    Ok(Components { region, runs, rows, parts })
}

/// Runs and equivalences of the slices `slices` of a box.
fn slab(
    labels: &LabelMap,
    region: Region,
    slices: Range<usize>,
    neighbours: Neighbours,
    key: &(impl Fn(LabelValue) -> LabelValue + Sync),
    watch: Watch,
) -> Result<Slab, Stopped> {
    let [width, height, _] = region.shape();
    let mut row = vec![0; width];
    let mut slab = Slab { runs: Vec::new(), rows: Vec::with_capacity(slices.len() * height), parents: Vec::new() };
    let (mut starts, mut asked) = (vec![0], 0);
    for k in slices.clone() {
        watch.check()?;
        for j in 0..height {
            let start = [region.start[0], region.start[1] + j, region.start[2] + k];
            if !is_row_empty(labels, start, width, key) {
                labels.read_row(start, &mut row);
                append_runs(&row, key, &mut slab.runs);
            }
            starts.push(slab.runs.len());
            slab.rows.push(slab.runs.len());
            slab.parents.extend(slab.parents.len() as u32..slab.runs.len() as u32);
            let at = starts.len() - 2;
            if j > 0 {
                join_rows(
                    &slab.runs,
                    starts[at]..starts[at + 1],
                    starts[at - 1]..starts[at],
                    neighbours,
                    &mut slab.parents,
                );
            }
            if k > slices.start {
                join_with_slice_before(
                    &slab.runs,
                    &starts,
                    [height, k - slices.start, j],
                    neighbours,
                    &mut slab.parents,
                );
            }
        }
        if slab.runs.capacity() > asked {
            // As much again may be taken before the next look.
            memory::must_have::<Run>(slab.runs.capacity());
            asked = slab.runs.capacity();
        }
    }
    Ok(slab)
}

/// Whether a row has only bricks of one label each that belongs to no part: most rows of most masks.
fn is_row_empty(labels: &LabelMap, start: [usize; 3], width: usize, key: impl Fn(LabelValue) -> LabelValue) -> bool {
    let end = start[0] + width;
    let mut at = start[0];
    while at < end {
        if labels.uniform_at([at, start[1], start[2]]).is_none_or(|label| key(label) != 0) {
            return false;
        }
        at = (at / crate::volume::BRICK_EDGE + 1) * crate::volume::BRICK_EDGE;
    }
    true
}

/// Appends the runs of a row; labels of one key that follow each other are one run.
fn append_runs(row: &[LabelValue], key: impl Fn(LabelValue) -> LabelValue, runs: &mut Vec<Run>) {
    let first = runs.len();
    let mut at = 0;
    while at < row.len() {
        let label = row[at];
        let end = at + length_of_run(&row[at..]);
        let key = key(label);
        if key != 0 {
            match runs[first..].last_mut() {
                Some(last) if last.key == key && last.end == at as u32 => last.end = end as u32,
                _ => runs.push(Run { start: at as u32, end: end as u32, part: 0, key }),
            }
        }
        at = end;
    }
}

/// How many labels at the beginning are the same.
fn length_of_run(row: &[LabelValue]) -> usize {
    const AT_A_TIME: usize = 16;
    let Some(&label) = row.first() else { return 0 };
    let mut length = 1;
    for block in row[1..].chunks_exact(AT_A_TIME) {
        if block.iter().fold(0, |differs, other| differs | (*other ^ label)) != 0 {
            break;
        }
        length += AT_A_TIME;
    }
    length + row[length..].iter().take_while(|other| **other == label).count()
}

/// Joins the runs of row `j` of slice `k` with those of the slice before it.
fn join_with_slice_before(
    runs: &[Run],
    rows: &[usize],
    [height, k, j]: [usize; 3],
    neighbours: Neighbours,
    parents: &mut [u32],
) {
    let range = |row: usize| rows[row]..rows[row + 1];
    let own = range(k * height + j);
    let before = match neighbours {
        Neighbours::Faces => j..j + 1,
        Neighbours::Corners => j.saturating_sub(1)..(j + 2).min(height),
    };
    for row in before {
        join_rows(runs, own.clone(), range((k - 1) * height + row), neighbours, parents);
    }
}

/// Joins runs of one row with those of a neighbouring one.
fn join_rows(runs: &[Run], own: Range<usize>, other: Range<usize>, neighbours: Neighbours, parents: &mut [u32]) {
    // Across a corner a run reaches one voxel further.
    let reach = u32::from(neighbours == Neighbours::Corners);
    let mut first = other.start;
    for a in own {
        let one = runs[a];
        while first < other.end && runs[first].end + reach <= one.start {
            first += 1;
        }
        for (b, run) in
            (first..other.end).zip(&runs[first..other.end]).take_while(|(_, run)| run.start < one.end + reach)
        {
            // Most neighbours hang on one root already.
            if run.key == one.key && parents[a] != parents[b] {
                unite(parents, a as u32, b as u32);
            }
        }
    }
}

fn root(parents: &mut [u32], of: u32) -> u32 {
    let mut at = of;
    while parents[at as usize] != at {
        let above = parents[parents[at as usize] as usize];
        parents[at as usize] = above;
        at = above;
    }
    at
}

/// The earlier root becomes the root of both.
fn unite(parents: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b) as usize] = a.min(b);
}

/// Puts slabs together: all runs, where each row begins, and the equivalences found so far.
fn joined(slabs: Vec<Slab>) -> (Vec<Run>, Vec<usize>, Vec<u32>) {
    let count: usize = slabs.iter().map(|slab| slab.runs.len()).sum();
    memory::must_have::<[u32; 5]>(count);
    if count > MOST_RUNS {
        // They take 64 GB before they are put together; so many are refused as memory that cannot be had.
        memory::must_have::<u8>(isize::MAX.unsigned_abs());
    }
    let mut runs = Vec::with_capacity(count);
    let mut parents = Vec::with_capacity(count);
    let mut rows = vec![0];
    for slab in slabs {
        let before = runs.len();
        runs.extend(slab.runs);
        rows.extend(slab.rows.into_iter().map(|end| end + before));
        parents.extend(slab.parents.into_iter().map(|parent| parent + before as u32));
    }
    (runs, rows, parents)
}

/// Numbers the parts in scan order and counts their voxels. Every run's root comes before it or is itself.
fn numbered(
    runs: &mut [Run],
    rows: &[usize],
    parents: &[u32],
    region: Region,
    watch: Watch,
) -> Result<Vec<Part>, Stopped> {
    let height = region.shape()[1];
    let mut parts: Vec<Part> = Vec::new();
    let mut row = 0;
    for n in 0..runs.len() {
        if n % STOP_EVERY == 0 {
            watch.check()?;
        }
        while rows[row + 1] <= n {
            row += 1;
        }
        let parent = parents[n] as usize;
        let run = &runs[n];
        let length = (run.end - run.start) as usize;
        let part = if parent == n {
            let place = [run.start as usize, row % height, row / height];
            let first = [0, 1, 2].map(|axis| region.start[axis] + place[axis]);
            parts.push(Part { key: run.key, voxels: 0, first });
            parts.len() - 1
        } else {
            runs[parent].part as usize
        };
        parts[part].voxels += length;
        runs[n].part = part as u32;
    }
    Ok(parts)
}

impl Components {
    /// The parts, in scan order of their first voxels.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The box that was looked at.
    pub fn region(&self) -> Region {
        self.region
    }

    /// The number of the part that a voxel belongs to; `None` where it belongs to none or lies outside the box.
    pub fn part_at(&self, voxel: [usize; 3]) -> Option<usize> {
        if !self.region.contains(voxel) {
            return None;
        }
        let at = (voxel[0] - self.region.start[0]) as u32;
        let runs = self.row(voxel[1], voxel[2]);
        let run = runs.get(runs.partition_point(|run| run.end <= at))?;
        (run.start <= at).then_some(run.part as usize)
    }

    /// The runs of a row inside the box; their places count from the start of the box.
    pub fn row(&self, j: usize, k: usize) -> &[Run] {
        let row = (k - self.region.start[2]) * self.region.shape()[1] + j - self.region.start[1];
        &self.runs[self.rows[row]..self.rows[row + 1]]
    }

    /// Calls `visit(start, length, part)` for every run: its first voxel, in the labels' grid, and the number of its part.
    pub fn for_each_run(&self, mut visit: impl FnMut([usize; 3], usize, usize)) {
        let start = self.region.start;
        let height = self.region.shape()[1];
        for (row, ends) in self.rows.windows(2).enumerate() {
            let [j, k] = [start[1] + row % height.max(1), start[2] + row / height.max(1)];
            for run in &self.runs[ends[0]..ends[1]] {
                visit([start[0] + run.start as usize, j, k], (run.end - run.start) as usize, run.part as usize);
            }
        }
    }

    /// The box around the parts that are meant; `None` where none is.
    pub fn region_of(&self, is_meant: impl Fn(usize) -> bool) -> Option<Region> {
        let mut found: Option<Region> = None;
        self.for_each_run(|[i, j, k], length, part| {
            if is_meant(part) {
                let own = Region { start: [i, j, k], end: [i + length, j + 1, k + 1] };
                found = Some(found.map_or(own, |found| found.joined(own)));
            }
        });
        found
    }

    /// The labels with other values for whole parts: `to(part)` says which, or nothing for a part that stays.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn painted(
        &self,
        labels: &LabelMap,
        to: impl Fn(usize) -> Option<LabelValue> + Sync,
        watch: Watch,
    ) -> Result<LabelMap, Stopped> {
        let Some(region) = self.region_of(|part| to(part).is_some()) else { return Ok(labels.clone()) };
        labels.edited(region, watch, |at, row| {
            let first = (at[0] - self.region.start[0]) as u32;
            let end = first + row.len() as u32;
            let runs = self.row(at[1], at[2]);
            for run in runs[runs.partition_point(|run| run.end <= first)..].iter().take_while(|run| run.start < end) {
                if let Some(label) = to(run.part as usize) {
                    let (from, to) = (run.start.max(first) - first, run.end.min(end) - first);
                    row[from as usize..to as usize].fill(label);
                }
            }
        })
    }

    /// The numbers of the parts by size, the largest first; of equals the one that comes first in scan order.
    pub fn by_size(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by_key(|part| std::cmp::Reverse(self.parts[*part].voxels));
        order
    }
}

/// Keeps the largest part of every label, parts being connected through voxel faces; of equals the first one in scan order.
///
/// # Errors
/// When the work is stopped; the labels are as they were then.
pub fn keep_largest(labels: &mut LabelMap, watch: Watch) -> Result<(), Stopped> {
    let whole = Region::whole(labels.geometry().shape());
    let found = components(labels, whole, Neighbours::Faces, |label| label, watch.part(0.0, 0.7))?;
    let mut largest = std::collections::BTreeMap::new();
    for part in found.by_size() {
        largest.entry(found.parts()[part].key).or_insert(part);
    }
    let is_kept = |part: usize| largest.get(&found.parts()[part].key) == Some(&part);
    *labels = found.painted(labels, |part| (!is_kept(part)).then_some(0), watch.part(0.7, 1.0))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use crate::work::Signal;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn map(shape: [usize; 3], label: impl Fn([usize; 3]) -> LabelValue) -> LabelMap {
        LabelMap::from_fn(Geometry::new(shape, Affine::IDENTITY).unwrap(), label)
    }

    /// Parts by flooding from voxel to voxel, in scan order.
    fn flooded(labels: &LabelMap, region: Region, neighbours: Neighbours) -> (Vec<Part>, BTreeMap<[usize; 3], usize>) {
        let (mut parts, mut seen) = (Vec::new(), BTreeMap::new());
        for k in region.start[2]..region.end[2] {
            for j in region.start[1]..region.end[1] {
                for i in region.start[0]..region.end[0] {
                    let (first, key) = ([i, j, k], labels.get([i, j, k]));
                    if key == 0 || seen.contains_key(&first) {
                        continue;
                    }
                    let (mut open, mut voxels) = (vec![first], 0);
                    seen.insert(first, parts.len());
                    while let Some(at) = open.pop() {
                        voxels += 1;
                        for n in 0..27 {
                            let step = [n % 3, n / 3 % 3, n / 9].map(|n| n as isize - 1);
                            let far = step.iter().filter(|s| **s != 0).count();
                            if far == 0 || (far > 1 && neighbours == Neighbours::Faces) {
                                continue;
                            }
                            let next = [0, 1, 2].map(|axis| at[axis].wrapping_add_signed(step[axis]));
                            if region.contains(next) && labels.get(next) == key && !seen.contains_key(&next) {
                                seen.insert(next, parts.len());
                                open.push(next);
                            }
                        }
                    }
                    parts.push(Part { key, voxels, first });
                }
            }
        }
        (parts, seen)
    }

    fn check(labels: &LabelMap, region: Region) {
        for neighbours in [Neighbours::Faces, Neighbours::Corners] {
            let found = components(labels, region, neighbours, |label| label, Watch::unwatched()).unwrap();
            let (parts, voxels) = flooded(labels, region, neighbours);
            assert_eq!(found.parts(), parts, "{neighbours:?} {region:?}");
            let mut seen = 0;
            found.for_each_run(|[i, j, k], length, part| {
                for i in i..i + length {
                    assert_eq!(voxels.get(&[i, j, k]), Some(&part));
                    assert_eq!(found.part_at([i, j, k]), Some(part));
                    seen += 1;
                }
            });
            assert_eq!(seen, voxels.len());
        }
    }

    #[test]
    fn corners_connect_also_at_the_ends_of_rows() {
        // Every pair of runs in two rows of four voxels, next to each other and across an edge.
        for pattern in 0..256usize {
            let bit = |n: usize| u16::from(pattern >> n & 1 == 1);
            for shape in [[4, 2, 1], [4, 1, 2], [4, 2, 2]] {
                let labels = map(shape, |[i, j, k]| {
                    let row = if shape[1] == shape[2] {
                        usize::from(j == 1 && k == 1) + 2 * usize::from(j != k)
                    } else {
                        j + k
                    };
                    if row > 1 { 0 } else { bit(row * 4 + i) }
                });
                check(&labels, Region::whole(shape));
            }
        }
    }

    #[test]
    fn only_the_largest_part_of_each_label_stays() {
        let mut labels = map([8, 8, 8], |_| 0);
        for i in 0..4 {
            labels.set([i, 0, 0], 1);
        }
        labels.set([6, 6, 6], 1);
        labels.set([7, 7, 7], 2);
        // Touching only by a corner is not connected.
        labels.set([4, 1, 0], 1);
        let signal = Signal::default();
        signal.stop();
        assert_eq!(keep_largest(&mut labels.clone(), Watch::new(&signal)), Err(Stopped));
        assert_eq!(keep_largest(&mut labels, Watch::unwatched()), Ok(()));
        assert_eq!(labels.counts(), BTreeMap::from([(1, 4), (2, 1)]));
    }

    proptest! {
        #[test]
        fn parts_are_those_of_flooding_in_scan_order(
            noise in prop::collection::vec(0u16..5, 36 * 7 * 20), from in (0usize..36, 0usize..7, 0usize..20),
            size in (1usize..37, 1usize..8, 1usize..21),
        ) {
            let shape = [36, 7, 20];
            // Sparse and dense: labels 3 and 4 are background and label 1.
            let labels = map(shape, |[i, j, k]| match noise[(k * 7 + j) * 36 + i] { 3 => 0, 4 => 1, other => other });
            let start = [from.0, from.1, from.2];
            let size = [size.0, size.1, size.2];
            let region = Region { start, end: [0, 1, 2].map(|axis| (start[axis] + size[axis]).min(shape[axis])) };
            check(&labels, region);
            check(&labels, Region::whole(shape));
        }

        #[test]
        fn labels_of_one_key_are_one_part_and_parts_are_painted_whole(noise in prop::collection::vec(0u16..4, 34 * 3 * 5)) {
            let shape = [34, 3, 5];
            let labels = map(shape, |[i, j, k]| noise[(k * 3 + j) * 34 + i]);
            let merged = map(shape, |voxel| u16::from(labels.get(voxel) > 1));
            let whole = Region::whole(shape);
            let key = |label: LabelValue| u16::from(label > 1);
            let found = components(&labels, whole, Neighbours::Faces, key, Watch::unwatched()).unwrap();
            prop_assert_eq!(found.parts(), flooded(&merged, whole, Neighbours::Faces).0);
            let painted = found.painted(&labels, |part| (part % 2 == 1).then_some(9), Watch::unwatched()).unwrap();
            let truth = map(shape, |voxel| {
                if found.part_at(voxel).is_some_and(|part| part % 2 == 1) { 9 } else { labels.get(voxel) }
            });
            prop_assert!(painted.same_labels(&truth));
        }
    }
}
