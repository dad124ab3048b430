//! The same scan cut along several axes: probabilities of all cuts are averaged.
//!
//! A volume is worked through in blocks with a margin, so that probabilities of all classes are only held for one block.

use std::time::Instant;

use super::blend::{flips, softmax};
use super::news::{SegmentError, SegmentEvent, SegmentSeconds, VoxelVisitor};
use super::prepare::{Normaliser, Preparation};
use super::runner::Runner;
use crate::engine::Network;
use crate::model::{ModelSpec, SliceAxis, Windows};
use crate::volume::{Affine, Geometry, LabelMap, LabelValue, Rescale, Volume, Voxels};
use crate::work::{Watch, memory};

/// Bytes of probabilities that a block aims at.
const BLOCK_BYTES: usize = 128 << 20;
/// Bytes above which a block is refused, however small it is.
const MOST_BYTES: usize = 512 << 20;
/// Voxels around a block that the network sees too.
const MARGIN: usize = 24;
/// Shortest side of a block.
const LEAST_SIDE: usize = 32;

/// A block: its own voxels, and with the margin around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    start: [usize; 3],
    size: [usize; 3],
    seen_start: [usize; 3],
    seen_size: [usize; 3],
}

impl Block {
    /// Squared distance of a voxel from the block's own voxels.
    fn distance(&self, voxel: [usize; 3]) -> usize {
        let nearest = |a: usize| voxel[a].clamp(self.start[a], self.start[a] + self.size[a].max(1) - 1);
        (0..3).map(|a| voxel[a].abs_diff(nearest(a)).pow(2)).sum()
    }
}

/// Blocks that cover a grid; one where its probabilities fit.
fn blocks(shape: [usize; 3], classes: usize, bytes: usize, margin: usize) -> Vec<Block> {
    let voxels = (bytes / (4 * classes.max(1))).max(1);
    let mut side = shape;
    // The longest side is halved until a block with its margin fits.
    loop {
        let seen: usize =
            [0, 1, 2].map(|a| if side[a] < shape[a] { side[a] + 2 * margin } else { side[a] }).iter().product();
        let longest = (0..3).max_by_key(|&a| side[a]).unwrap_or(0);
        if seen <= voxels || side[longest] <= LEAST_SIDE {
            break;
        }
        side[longest] = side[longest].div_ceil(2);
    }
    let starts = |a: usize| (0..shape[a]).step_by(side[a].max(1)).collect::<Vec<_>>();
    let mut all = Vec::new();
    for k in starts(2) {
        for j in starts(1) {
            for i in starts(0) {
                let start = [i, j, k];
                let size = [0, 1, 2].map(|a| side[a].min(shape[a] - start[a]));
                let seen_start = start.map(|s| s.saturating_sub(margin));
                let seen_end = [0, 1, 2].map(|a| (start[a] + size[a] + margin).min(shape[a]));
                let seen_size = [0, 1, 2].map(|a| seen_end[a] - seen_start[a]);
                all.push(Block { start, size, seen_start, seen_size });
            }
        }
    }
    all
}

/// Part of a volume: the frames one after the other, in real values.
fn part(volume: &Volume, frames: &[usize], block: &Block) -> Result<Volume, SegmentError> {
    let [ni, nj, nk] = block.seen_size;
    memory::must_have::<f32>(ni * nj * nk * frames.len());
    let mut values = Vec::with_capacity(ni * nj * nk * frames.len());
    for &frame in frames {
        for k in 0..nk {
            for j in 0..nj {
                let row = [block.seen_start[0], block.seen_start[1] + j, block.seen_start[2] + k];
                let first = volume.index_of(row, frame);
                values.extend((first..first + ni).map(|index| volume.value_at(index).unwrap_or(0.0) as f32));
            }
        }
    }
    let of_whole = volume.geometry.world_from_voxel();
    let columns = [0, 1, 2].map(|axis| of_whole.column(axis));
    let world_from_voxel = Affine::from_columns(columns, volume.geometry.world_at(block.seen_start));
    let geometry = Geometry::new(block.seen_size, world_from_voxel).map_err(|e| SegmentError::Image(e.to_string()))?;
    let dims = if frames.len() > 1 { vec![frames.len()] } else { vec![] };
    Ok(Volume::new(geometry, Voxels::F32(values.into()), dims, Rescale::IDENTITY, volume.name.clone()))
}

/// Runs a model along all its axes. Labels lie on the volume's own grid.
///
/// # Errors
/// As of [`super::segment`].
#[allow(clippy::too_many_arguments, reason = "what a segmentation needs, once")]
pub(super) fn segment_fused(
    volume: &Volume,
    spec: &ModelSpec,
    network: &mut Network,
    (frames, normalisers): (&[usize], &[Normaliser]),
    mirror: bool,
    in_view: Option<[usize; 3]>,
    watch: Watch,
    on_event: &mut dyn FnMut(SegmentEvent),
    mut visit: Option<VoxelVisitor>,
) -> Result<(LabelMap, SegmentSeconds), SegmentError> {
    let (classes, values) = (spec.classes.len(), spec.values());
    let margin = MARGIN.max(spec.neighbours);
    let mut all = blocks(volume.geometry.shape(), classes, BLOCK_BYTES, margin);
    if let Some(voxel) = in_view {
        all.sort_by_key(|block| block.distance(voxel));
    }
    let largest = all.iter().map(|b| b.seen_size.iter().product::<usize>()).max().unwrap_or(0);
    if largest.saturating_mul(4 * classes) > MOST_BYTES {
        return Err(SegmentError::Image(format!(
            "{classes} classes along all axes would need more than {} MB; choose one slice axis",
            MOST_BYTES >> 20
        )));
    }
    let mut labels = LabelMap::empty(volume.geometry.clone());
    let mut seconds = SegmentSeconds::default();
    let slices: usize = all.iter().map(|block| block.seen_size.iter().sum::<usize>()).sum();
    // The network sees every voxel of a block along each axis, as often as it is mirrored.
    let work_of = |block: &Block, axis: SliceAxis| {
        block.seen_size.iter().product::<usize>() as f32 * flips(spec, axis, mirror).len() as f32
    };
    let all_work: f32 = all.iter().flat_map(|b| spec.fused_axes.iter().map(move |&axis| work_of(b, axis))).sum();
    let (mut done, mut worked) = (0, 0.0);
    // With what is known so far of the block that is not done.
    let mut shown = labels.clone();
    for block in &all {
        let part = part(volume, frames, block)?;
        let [ni, nj, nk] = block.seen_size;
        let voxels = ni * nj * nk;
        let mut sums: Vec<f32> = memory::zeros(classes * voxels);
        for &axis in &spec.fused_axes {
            let preparation = Preparation::new(spec, axis, &part.geometry).map_err(SegmentError::Image)?;
            let flips = flips(spec, axis, mirror);
            let own: Vec<usize> = (0..frames.len()).collect();
            let mut runner = Runner::new(&part, spec, preparation, own, normalisers.to_vec(), network.graph(), flips)?;
            let until = worked + work_of(block, axis);
            let watch = watch.part(worked / all_work, until / all_work);
            worked = until;
            for group in runner.groups(None) {
                done += group.len();
                runner.each_slice(network, [group, 0..0], watch, |runner, slice, maps| {
                    runner.restorer().add_restored(slice, maps, &mut sums);
                })?;
                on_event(SegmentEvent::Slices { done, count: slices, labels: shown.clone() });
            }
            seconds = seconds.plus(runner.seconds);
            if Some(&axis) != spec.fused_axes.last() {
                shown = labels.clone();
                write_block(block, &values, &sums, &mut shown);
            }
        }
        let started = Instant::now();
        write_block(block, &values, &sums, &mut labels);
        if let Some(visit) = &mut visit {
            let (mut p, share) = (vec![0.0; classes], 1.0 / spec.fused_axes.len() as f32);
            each_voxel(block, |at, voxel| {
                p.iter_mut().enumerate().for_each(|(class, p)| *p = share * sums[class * voxels + at]);
                if spec.windows == Windows::NnUnet {
                    softmax(&mut p);
                }
                visit(voxel, &p);
            });
        }
        seconds.labels += started.elapsed().as_secs_f64();
        network.take_notices().into_iter().for_each(|notice| on_event(SegmentEvent::Notice(notice)));
        shown = labels.clone();
        on_event(SegmentEvent::Slices { done, count: slices, labels: labels.clone() });
    }
    Ok((labels, seconds))
}

/// Visits a block's own voxels: their place in the block with its margin, and in the volume.
fn each_voxel(block: &Block, mut visit: impl FnMut(usize, [usize; 3])) {
    let [ni, nj, _] = block.seen_size;
    let offset = [0, 1, 2].map(|a| block.start[a] - block.seen_start[a]);
    for k in 0..block.size[2] {
        for j in 0..block.size[1] {
            for i in 0..block.size[0] {
                let at = ((k + offset[2]) * nj + j + offset[1]) * ni + i + offset[0];
                visit(at, [i + block.start[0], j + block.start[1], k + block.start[2]]);
            }
        }
    }
}

/// The value of the most probable class of a block's own voxels; of equals the lowest.
fn write_block(block: &Block, values: &[LabelValue], sums: &[f32], labels: &mut LabelMap) {
    let voxels: usize = block.seen_size.iter().product();
    each_voxel(block, |at, voxel| {
        let mut best = 0;
        for class in 1..values.len() {
            if sums[class * voxels + at] > sums[best * voxels + at] {
                best = class;
            }
        }
        if best > 0 {
            labels.set(voxel, values[best]);
        }
    });
}

/// All three axes, the model's own first.
pub fn all_axes(own: SliceAxis) -> Vec<SliceAxis> {
    let others = [SliceAxis::Axial, SliceAxis::Coronal, SliceAxis::Sagittal].into_iter().filter(|&axis| axis != own);
    std::iter::once(own).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_every_voxel_once_and_fit_in_memory() {
        for (shape, bytes) in [([35, 51, 35], BLOCK_BYTES), ([200, 180, 60], 12 << 20), ([90, 33, 400], 4 << 20)] {
            let all = blocks(shape, 3, bytes, MARGIN);
            let mut seen = vec![0u8; shape.iter().product()];
            for block in &all {
                assert!(block.seen_size.iter().product::<usize>() * 12 <= bytes, "{block:?}");
                for k in 0..block.size[2] {
                    for j in 0..block.size[1] {
                        for i in 0..block.size[0] {
                            let at = [i + block.start[0], j + block.start[1], k + block.start[2]];
                            seen[(at[2] * shape[1] + at[1]) * shape[0] + at[0]] += 1;
                        }
                    }
                }
            }
            assert!(seen.iter().all(|&n| n == 1), "{shape:?}");
        }
        assert_eq!(blocks([35, 51, 35], 3, BLOCK_BYTES, MARGIN).len(), 1);
    }
}
