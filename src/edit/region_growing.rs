//! Region growing: what is connected to a seed through voxels whose values lie between bounds.
//!
//! Three ways, defined as in ITK (`ConnectedThresholdImageFilter`, `ConfidenceConnectedImageFilter`,
//! `NeighborhoodConnectedImageFilter`), but all values and bounds are compared as floating point numbers in the image's units: ITK cuts the
//! fraction of a bound off where the image has whole numbers. Voxels are connected through their faces.

use rayon::prelude::*;

use super::voxel_set::{Row, VoxelSet};
use crate::volume::{Region, Volume, Voxel, with_voxels};
use crate::work::memory::OutOfMemory;
use crate::work::{Stopped, Watch};

/// Runs of a flood between two looks at the stop flag.
const STOP_EVERY: usize = 1 << 12;

/// Where a region grows.
#[derive(Debug, Clone, Copy)]
pub struct Growing<'a> {
    /// The image.
    pub volume: &'a Volume,
    /// The frame of it that is looked at.
    pub frame: usize,
    /// Where it begins: voxels of the grid.
    pub seeds: &'a [[usize; 3]],
    /// The part of the grid that it stays in, such as one slice; all of it where nothing is said.
    pub within: Option<Region>,
}

/// What [`confidence_connected`] is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence {
    /// How many standard deviations the bounds are away from the mean.
    pub factor: f64,
    /// How often the region is measured and grown again.
    pub rounds: usize,
    /// The first mean and deviation are those of the boxes of `2 radius + 1` voxels around the seeds.
    pub radius: usize,
}

impl Default for Confidence {
    /// As in ITK: 4.5 deviations, 4 rounds, boxes of 3 voxels.
    fn default() -> Self {
        Self { factor: 4.5, rounds: 4, radius: 1 }
    }
}

/// What grew.
#[derive(Debug, Clone)]
pub struct Grown {
    /// Its voxels.
    pub voxels: VoxelSet,
    /// The bounds that it grew between, both included, in the image's units.
    pub bounds: [f64; 2],
    /// Seeds that nothing grew from: beside the part of the grid, or their values beyond the bounds.
    pub idle_seeds: usize,
}

/// Why nothing grew.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GrowError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// Not enough memory.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    /// There is no seed.
    #[error("nothing grows without a seed; click into the structure")]
    NoSeed,
    /// No seed lies in the part of the grid.
    #[error("the seed at voxel {0:?} is outside the part of the scan that may grow; click inside it")]
    Outside([usize; 3]),
    /// The bounds hold nothing.
    #[error("the lower bound {0} is not below or at the upper bound {1}; nothing lies between them")]
    Bounds(f64, f64),
    /// The value at the seed is beyond the bounds.
    #[error(
        "the value {value} at the seed {seed:?} is not between {low} and {high}, so nothing grew; \
         click where the value lies between the bounds, or widen them"
    )]
    Beyond {
        /// The voxel.
        seed: [usize; 3],
        /// Its value.
        value: f64,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// The box around the seed has a value beyond the bounds.
    #[error(
        "not all values within {radius:?} voxels of the seed {seed:?} are between {low} and {high}, so nothing grew; \
         click further inside, widen the bounds, or take a smaller radius"
    )]
    BoxBeyond {
        /// The voxel.
        seed: [usize; 3],
        /// Half the box, per axis.
        radius: [usize; 3],
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// There is nothing to measure at the seeds.
    #[error("the values at the seed {0:?} are no numbers, so nothing grew; click elsewhere")]
    NoNumber([usize; 3]),
}

impl Growing<'_> {
    /// The part of the grid that may grow.
    fn region(&self) -> Region {
        let shape = self.volume.geometry.shape();
        let within = self.within.unwrap_or(Region { start: [0; 3], end: shape });
        let end = [0, 1, 2].map(|axis| within.end[axis].min(shape[axis]));
        Region { start: [0, 1, 2].map(|axis| within.start[axis].min(end[axis])), end }
    }

    /// Seeds in that part, at least one.
    fn seeds(&self) -> Result<Vec<[usize; 3]>, GrowError> {
        let first = *self.seeds.first().ok_or(GrowError::NoSeed)?;
        let region = self.region();
        let inside: Vec<_> = self.seeds.iter().copied().filter(|seed| region.contains(*seed)).collect();
        if inside.is_empty() { Err(GrowError::Outside(first)) } else { Ok(inside) }
    }

    fn value(&self, voxel: [usize; 3]) -> f64 {
        self.volume.value(voxel, self.frame)
    }

    /// Voxels of a box with values between bounds.
    fn between(&self, region: Region, [low, high]: [f64; 2], watch: Watch) -> Result<VoxelSet, GrowError> {
        let mut set = VoxelSet::empty(region)?;
        with_voxels!(&self.volume.voxels, data => {
            set.fill_rows(watch, |row, words| {
                let (stored, [slope, intercept]) = self.row(data, region, row);
                for (word, values) in words.iter_mut().zip(stored.chunks(64)) {
                    for (bit, value) in values.iter().enumerate() {
                        let value = value.to_f64() * slope + intercept;
                        *word |= u64::from(low <= value && value <= high) << bit;
                    }
                }
            })?;
        });
        Ok(set)
    }

    /// Stored values of a row of a box, and its slope and intercept.
    fn row<'d, T>(&self, data: &'d [T], region: Region, row: Row) -> (&'d [T], [f64; 2]) {
        let first = self.volume.index_of([region.start[0], row.j, row.k], self.frame);
        let slice = self.frame * self.volume.geometry.shape()[2] + row.k;
        let (slope, intercept) = self.volume.rescale.of_slice(slice);
        (data.get(first..first + region.end[0] - region.start[0]).unwrap_or(&[]), [slope, intercept])
    }

    /// Number, sum and sum of squares of the values of a set.
    fn moments(&self, set: &VoxelSet, watch: Watch) -> Result<Moments, Stopped> {
        let region = set.region();
        with_voxels!(&self.volume.voxels, data => {
            let of_slice = |k: usize| {
                watch.check()?;
                let mut moments = Moments::default();
                for row in (region.start[1]..region.end[1]).map(|j| Row { j, k }) {
                    let (stored, [slope, intercept]) = self.row(data, region, row);
                    for (word, values) in set.row(row).iter().zip(stored.chunks(64)) {
                        if *word == 0 {
                            continue;
                        }
                        for (bit, value) in values.iter().enumerate() {
                            if word >> bit & 1 == 1 {
                                moments.add(value.to_f64() * slope + intercept);
                            }
                        }
                    }
                }
                Ok(moments)
            };
            // Slices are added in their order, so that the sum is the same on any number of threads.
            let slices: Vec<Moments> =
                (region.start[2]..region.end[2]).into_par_iter().map(of_slice).collect::<Result<_, Stopped>>()?;
            Ok(slices.into_iter().fold(Moments::default(), Moments::joined))
        })
    }
}

/// What mean and standard deviation follow from.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn joined(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum, squares: self.squares + other.squares }
    }

    fn mean(self) -> f64 {
        self.sum / self.count
    }

    /// With n - 1, as ITK has it.
    fn variance(self) -> f64 {
        if self.count < 2.0 {
            return 0.0;
        }
        ((self.squares - self.sum * self.sum / self.count) / (self.count - 1.0)).max(0.0)
    }
}

fn check_bounds([low, high]: [f64; 2]) -> Result<(), GrowError> {
    if low <= high { Ok(()) } else { Err(GrowError::Bounds(low, high)) }
}

/// All voxels that are connected to a seed through values between two bounds, both included.
///
/// Memory: two bits per voxel of the part of the grid that may grow.
///
/// # Errors
/// [`GrowError`]: why nothing grew, among them that the values at all seeds are beyond the bounds.
pub fn connected(growing: &Growing, bounds: [f64; 2], watch: Watch) -> Result<Grown, GrowError> {
    check_bounds(bounds)?;
    let seeds = growing.seeds()?;
    let candidates = growing.between(growing.region(), bounds, watch.part(0.0, 0.3))?;
    let voxels = flood(candidates, &seeds, watch.part(0.3, 1.0))?;
    let used = seeds.iter().filter(|seed| voxels.contains(**seed)).count();
    if used == 0 {
        let (seed, [low, high]) = (seeds[0], bounds);
        return Err(GrowError::Beyond { seed, value: growing.value(seed), low, high });
    }
    Ok(Grown { voxels, bounds, idle_seeds: growing.seeds.len() - used })
}

/// All voxels that are connected to a seed through values near the mean of the region, which is measured again after each round.
///
/// First the boxes around all seeds are measured together; beyond the volume's border the border's value counts again. A seed is always
/// between the bounds.
///
/// # Errors
/// [`GrowError`]: why nothing grew.
pub fn confidence_connected(growing: &Growing, how: &Confidence, watch: Watch) -> Result<Grown, GrowError> {
    let seeds = growing.seeds()?;
    let values: Vec<f64> = seeds.iter().map(|seed| growing.value(*seed)).collect();
    let mut moments = Moments::default();
    seeds.iter().for_each(|seed| moments = moments.joined(around(growing, *seed, how.radius)));
    // A seed between others without a number would take all bounds away.
    if !moments.variance().is_finite() || values.iter().any(|value| !value.is_finite()) {
        let bad = seeds.iter().find(|seed| !around(growing, **seed, how.radius).sum.is_finite());
        return Err(GrowError::NoNumber(bad.copied().unwrap_or(seeds[0])));
    }
    let (lowest, highest) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let bounds_of = |moments: Moments| {
        let reach = how.factor * moments.variance().sqrt();
        [(moments.mean() - reach).min(lowest), (moments.mean() + reach).max(highest)]
    };
    let mut bounds = bounds_of(moments);
    let part = |round: usize| {
        let at = |n: usize| crate::work::numbers::share(n, how.rounds + 1);
        watch.part(at(round), at(round + 1))
    };
    let grow = |bounds, round| flood(growing.between(growing.region(), bounds, watch)?, &seeds, part(round));
    let mut voxels = grow(bounds, 0)?;
    for round in 1..=how.rounds {
        moments = growing.moments(&voxels, watch)?;
        if moments.variance() == 0.0 {
            break;
        }
        bounds = bounds_of(moments);
        voxels = grow(bounds, round)?;
    }
    Ok(Grown { voxels, bounds, idle_seeds: growing.seeds.len() - seeds.len() })
}

/// Measures a box, the border of the volume repeated beyond it.
fn around(growing: &Growing, seed: [usize; 3], radius: usize) -> Moments {
    let shape = growing.volume.geometry.shape();
    let mut moments = Moments::default();
    let near =
        |axis: usize| (0..=2 * radius).map(move |n| (seed[axis] + n).saturating_sub(radius).min(shape[axis] - 1));
    for k in near(2) {
        for j in near(1) {
            for i in near(0) {
                moments.add(growing.value([i, j, k]));
            }
        }
    }
    moments
}

/// All voxels that are connected to a seed through voxels whose whole box of `2 radius + 1` voxels lies between the bounds; what of the box
/// is outside the volume does not count. `grow_back` adds the boxes, so that the result is not smaller than what it lies in.
///
/// # Errors
/// [`GrowError`]: why nothing grew.
pub fn neighbourhood_connected(
    growing: &Growing,
    bounds: [f64; 2],
    radius: [usize; 3],
    grow_back: bool,
    watch: Watch,
) -> Result<Grown, GrowError> {
    check_bounds(bounds)?;
    let seeds = growing.seeds()?;
    let region = growing.region();
    let shape = growing.volume.geometry.shape();
    let wide = Region {
        start: [0, 1, 2].map(|axis| region.start[axis].saturating_sub(radius[axis])),
        end: [0, 1, 2].map(|axis| region.end[axis].saturating_add(radius[axis]).min(shape[axis])),
    };
    // A box lies between the bounds where no voxel in it is beyond them.
    let beyond = growing.between(wide, bounds, watch.part(0.0, 0.2))?.inverted();
    let candidates = beyond.widened::<GrowError>(radius, watch)?.inverted();
    let candidates = if wide == region { candidates } else { candidates.within(region)? };
    let voxels = flood(candidates, &seeds, watch.part(0.3, 1.0))?;
    let used = seeds.iter().filter(|seed| voxels.contains(**seed)).count();
    if used == 0 {
        let (seed, [low, high]) = (seeds[0], bounds);
        let value = growing.value(seed);
        return Err(if low <= value && value <= high {
            GrowError::BoxBeyond { seed, radius, low, high }
        } else {
            GrowError::Beyond { seed, value, low, high }
        });
    }
    let voxels = if grow_back { voxels.widened::<GrowError>(radius, watch)? } else { voxels };
    Ok(Grown { voxels, bounds, idle_seeds: growing.seeds.len() - used })
}

/// The voxels of a set that are connected to a seed through faces.
///
/// Whole runs along i are taken at a time: a run that was taken leaves the set, so that what is left consists of whole runs as well.
fn flood(mut left: VoxelSet, seeds: &[[usize; 3]], watch: Watch) -> Result<VoxelSet, GrowError> {
    let region = left.region();
    let mut taken = VoxelSet::empty(region)?;
    let mut open: Vec<(Row, [usize; 2])> = Vec::new();
    let total = region_voxels(region);
    let (mut steps, mut done) = (0usize, 0usize);
    for seed in seeds {
        let at = seed[0] - region.start[0];
        let row = Row { j: seed[1], k: seed[2] };
        take_runs(&mut left, &mut taken, &mut open, row, [at, at + 1]);
        while let Some((row, run)) = open.pop() {
            steps += 1;
            done += run[1] - run[0];
            if steps.is_multiple_of(STOP_EVERY) {
                watch.at(crate::work::numbers::share(done, total))?;
            }
            for near in neighbours(region, row) {
                take_runs(&mut left, &mut taken, &mut open, near, run);
            }
        }
    }
    watch.at(1.0)?;
    Ok(taken)
}

fn region_voxels(region: Region) -> usize {
    (0..3).map(|axis| region.end[axis] - region.start[axis]).product::<usize>().max(1)
}

/// Rows beside a row, inside a box.
fn neighbours(region: Region, row: Row) -> impl Iterator<Item = Row> {
    let before = [(row.j > region.start[1], -1, 0), (row.k > region.start[2], 0, -1)];
    let behind = [(row.j + 1 < region.end[1], 1, 0), (row.k + 1 < region.end[2], 0, 1)];
    let there = before.into_iter().chain(behind).filter(|(is_there, ..)| *is_there);
    there.map(move |(_, j, k)| Row { j: row.j.wrapping_add_signed(j), k: row.k.wrapping_add_signed(k) })
}

/// Takes the runs of a row that touch `[from, to]`.
fn take_runs(
    left: &mut VoxelSet,
    taken: &mut VoxelSet,
    open: &mut Vec<(Row, [usize; 2])>,
    row: Row,
    [from, to]: [usize; 2],
) {
    let mut at = from;
    while let Some([begin, end]) = left.run_in(row, at, to) {
        left.set_run(row, begin, end, false);
        taken.set_run(row, begin, end, true);
        open.push((row, [begin, end]));
        at = end;
    }
}

#[cfg(test)]
mod tests;
