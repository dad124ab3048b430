//! Shortest paths of competing labels, on all threads.
//!
//! Voxels wait in buckets by the cost of their path, and a bucket is as wide as the cheapest step: no voxel of a bucket can make another one
//! of the same bucket cheaper, so that all of them are final and can be left by any number of threads in any order (Dial 1969; Denardo and
//! Fox, "Shortest-route methods: 1. Reaching, pruning, and buckets", 1979). Of equal costs the lower label wins.

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use super::costs::Costs;
use super::request::{SeedError, SeedGrowing};
use crate::volume::LabelValue;
use crate::work::memory;
use crate::work::{Stopped, Watch};

/// The label's place in a state: cost above, label below.
const LABEL_BITS: u32 = 8;
/// The largest cost of a path; dearer ones count as this.
const DEAREST: u32 = (1 << (32 - LABEL_BITS)) - 2;
/// A voxel that nothing has reached.
const FREE: u32 = u32::MAX;
/// A voxel that nothing may reach: no path is cheaper.
const WALL: u32 = 0;
/// Voxels of a bucket that are worth more than one thread.
const WORTH_THREADS: usize = 1 << 12;
/// Voxels between two looks at the stop flag.
const STOP_EVERY: usize = 1 << 14;
/// The owner of a wall among the seeds.
const WALL_OWNER: u8 = u8::MAX;

/// Where the strokes are.
pub(super) struct Seeds {
    /// One more than the label's index for each voxel of the box, i fastest; 0 is free, 255 is a wall.
    pub owners: Vec<u8>,
}

impl Seeds {
    /// Reads the strokes in the box.
    pub(super) fn new(growing: &SeedGrowing, labels: &[LabelValue], watch: Watch) -> Result<Self, SeedError> {
        let region = growing.region;
        let size = region.shape();
        memory::ensure::<u8>(size.iter().product())?;
        let mut owners = vec![0u8; size.iter().product()];
        let owner = |label: LabelValue| match labels.binary_search(&label) {
            _ if label == 0 => 0,
            Ok(index) => index as u8 + 1,
            Err(_) => WALL_OWNER,
        };
        owners.par_chunks_mut((size[0] * size[1]).max(1)).enumerate().try_for_each(|(k, slice)| {
            watch.check()?;
            for (n, out) in slice.iter_mut().enumerate() {
                let at = [n % size[0], n / size[0], k];
                *out = owner(growing.strokes.get([0, 1, 2].map(|axis| region.start[axis] + at[axis])));
            }
            Ok::<(), Stopped>(())
        })?;
        Ok(Self { owners })
    }
}

/// What a thread has found: voxels by the bucket that they belong to, as a ring.
struct Lane {
    buckets: Vec<Vec<u32>>,
    settled: usize,
}

/// What all threads share.
struct Field<'a> {
    size: [usize; 3],
    greys: &'a [u8],
    costs: &'a Costs,
    /// Cost of the best path so far and the label that it belongs to, per voxel.
    states: Vec<AtomicU32>,
}

/// Grows all strokes until every voxel that can be reached belongs to a label. One more than the label's index per voxel, 0 for walls and
/// what is behind them.
pub(super) fn grow(
    seeds: Seeds,
    size: [usize; 3],
    greys: &[u8],
    costs: &Costs,
    watch: Watch,
) -> Result<Vec<u8>, SeedError> {
    let Seeds { mut owners } = seeds;
    memory::ensure::<AtomicU32>(owners.len())?;
    let state = |owner: &u8| {
        AtomicU32::new(match *owner {
            0 => FREE,
            WALL_OWNER => WALL,
            label => u32::from(label),
        })
    };
    let field = Field { size, greys, costs, states: owners.par_iter().with_min_len(1 << 16).map(state).collect() };
    let ring = (costs.most / costs.least) as usize + 2;
    let mut lanes: Vec<Lane> = (0..rayon::current_num_threads().max(1))
        .map(|_| Lane { buckets: vec![Vec::new(); ring], settled: 0 })
        .collect();
    let strokes = owners.iter().enumerate().filter(|(_, owner)| !matches!(**owner, 0 | WALL_OWNER));
    lanes[0].buckets[0] = strokes.map(|(voxel, _)| voxel as u32).collect();
    let mut bucket = 0u32;
    let mut empty = 0;
    while empty < ring {
        let slot = bucket as usize % ring;
        let batch: Vec<Vec<u32>> = lanes.iter_mut().map(|lane| std::mem::take(&mut lane.buckets[slot])).collect();
        let total: usize = batch.iter().map(Vec::len).sum();
        if total == 0 {
            empty += 1;
            bucket += 1;
            continue;
        }
        // The same bucket again: where costs have met their bound, its voxels reach each other.
        empty = 0;
        let count = if total < WORTH_THREADS { 1 } else { lanes.len() };
        let leave = |(n, lane): (usize, &mut Lane)| {
            let part = [n * total / count, (n + 1) * total / count];
            field.leave(&batch, part, bucket, lane, watch)
        };
        if count == 1 {
            lanes.iter_mut().take(1).enumerate().try_for_each(leave)?;
        } else {
            lanes.par_iter_mut().enumerate().try_for_each(leave)?;
        }
        let settled: usize = lanes.iter().map(|lane| lane.settled).sum();
        watch.at(crate::work::numbers::share(settled.min(owners.len()), owners.len()))?;
    }
    let owner = |state: &AtomicU32| match state.load(Ordering::Relaxed) {
        FREE => 0,
        state => state as u8,
    };
    owners.par_iter_mut().with_min_len(1 << 16).zip(&field.states).for_each(|(own, state)| *own = owner(state));
    Ok(owners)
}

impl Field<'_> {
    /// Goes on from the voxels `from..to` of a bucket's lists to their neighbours.
    fn leave(
        &self,
        batch: &[Vec<u32>],
        [from, to]: [usize; 2],
        bucket: u32,
        lane: &mut Lane,
        watch: Watch,
    ) -> Result<(), Stopped> {
        let mut before = 0;
        for list in batch {
            let range = [from, to].map(|at| at.saturating_sub(before).min(list.len()));
            for voxels in list[range[0]..range[1]].chunks(STOP_EVERY) {
                watch.check()?;
                voxels.iter().for_each(|voxel| self.leave_voxel(*voxel, bucket, lane));
            }
            before += list.len();
        }
        Ok(())
    }

    fn leave_voxel(&self, voxel: u32, bucket: u32, lane: &mut Lane) {
        let at = voxel as usize;
        let state = self.states[at].load(Ordering::Relaxed);
        let (cost, label) = (state >> LABEL_BITS, state & ((1 << LABEL_BITS) - 1));
        // A cheaper path has taken it from an earlier bucket meanwhile.
        if cost / self.costs.least != bucket {
            return;
        }
        lane.settled += 1;
        let costs = self.costs.of(label as usize - 1);
        let [width, height, depth] = self.size;
        let strides = [1, width, width * height];
        let place = [at % width, at / width % height, at / strides[2]];
        let grey = self.greys[at];
        for (axis, (length, stride)) in [width, height, depth].into_iter().zip(strides).enumerate() {
            let before = (place[axis] > 0).then(|| at - stride);
            let behind = (place[axis] + 1 < length).then(|| at + stride);
            for near in before.into_iter().chain(behind) {
                let known = self.states[near].load(Ordering::Relaxed);
                // No step is free, so that nothing which is final needs to be looked at.
                if known >> LABEL_BITS <= cost {
                    continue;
                }
                let reached = (cost + costs.step(axis, grey, self.greys[near])).min(DEAREST);
                let new = reached << LABEL_BITS | label;
                if new < known && self.states[near].fetch_min(new, Ordering::Relaxed) > new {
                    let slot = (reached / self.costs.least) as usize % lane.buckets.len();
                    lane.buckets[slot].push(near as u32);
                }
            }
        }
    }
}
