//! A network on its way through the slices of a volume: what it is shown, in which order, and what it says of each.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::blend::{Blend, flip_in_place};
use super::news::{SegmentError, SegmentSeconds};
use super::prepare::{Normaliser, Preparation};
use super::restore::Restorer;
use super::tiles::{Border, Fit, fit_window, starts, window};
use crate::engine::{Array, Network};
use crate::graph::{Extent, Graph};
use crate::model::{ModelSpec, keep_device_times, known_device_times};
use crate::volume::Volume;
use crate::work::{Watch, memory};

/// Pixels of one network run, over all images of a batch.
const BATCH_PIXELS: usize = 128 * 1024;
/// Most images in one run.
const MAX_BATCH: usize = 16;
/// Most bytes of probabilities kept at a time.
const PROBABILITY_BYTES: usize = 64 << 20;

/// What a run of the network sees: a slice, the corner of a tile, and along which axes it is mirrored.
type Window = (usize, [usize; 2], [bool; 2]);

/// A model on its way through the slices of a volume.
pub(super) struct Runner<'a> {
    volume: &'a Volume,
    spec: &'a ModelSpec,
    preparation: Preparation,
    frames: Vec<usize>,
    normalisers: Vec<Normaliser>,
    fit: Fit,
    border: Border,
    /// Top left corners of the tiles on the network's grid.
    tiles: Vec<[usize; 2]>,
    /// Height and width of a tile that counts.
    tile: [usize; 2],
    blend: Blend,
    flips: Vec<[bool; 2]>,
    prepared: BTreeMap<(usize, usize), Arc<Vec<f32>>>,
    /// Runs of the network on the next group that were begun already.
    begun: usize,
    /// Windows that the network has seen.
    seen: usize,
    /// Slices from the first to the last that is done.
    done: Option<Range<usize>>,
    pub(super) seconds: SegmentSeconds,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        volume: &'a Volume,
        spec: &'a ModelSpec,
        preparation: Preparation,
        frames: Vec<usize>,
        normalisers: Vec<Normaliser>,
        graph: &Graph,
        flips: Vec<[bool; 2]>,
    ) -> Result<Self, SegmentError> {
        let target = preparation.target;
        let tile = [0, 1].map(|n| target[n].min(spec.patch[n].max(1)));
        let (rows, columns) = (starts(target[0], tile[0]), starts(target[1], tile[1]));
        let fit = fit_window(graph, spec.windows, spec.patch, tile)
            .ok_or_else(|| SegmentError::Image(format!("no network input covers {tile:?} pixels")))?;
        let last = graph.outputs[0];
        let padded = graph.nodes[last].size.extent.iter().all(|e| *e == Extent::INPUT);
        let tiles: Vec<[usize; 2]> = rows.iter().flat_map(|&r| columns.iter().map(move |&c| [r, c])).collect();
        Ok(Self {
            volume,
            spec,
            blend: Blend::new(target, &tiles, tile, fit.input, spec.windows, flips.len()),
            preparation,
            frames,
            normalisers,
            fit,
            border: if padded { Border::Zero } else { Border::Mirror },
            tiles,
            tile,
            flips,
            prepared: BTreeMap::new(),
            begun: 0,
            seen: 0,
            done: None,
            seconds: SegmentSeconds::default(),
        })
    }

    /// Number of slices.
    pub(super) fn slice_count(&self) -> usize {
        self.preparation.slice_count()
    }

    /// Slices that are worked through together, in their order; with a voxel in view from its slice outwards.
    pub(super) fn groups(&self, in_view: Option<[usize; 3]>) -> Vec<Range<usize>> {
        let (count, step) = (self.slice_count(), self.slices_per_group());
        let mut groups: Vec<Range<usize>> =
            (0..count).step_by(step).map(|start| start..(start + step).min(count)).collect();
        if let Some(voxel) = in_view {
            let slice = self.preparation.layout.screen(voxel)[2];
            // Groups stay the same, so that the network sees the same batches.
            groups.sort_by_key(|group| (group.start / step).abs_diff(slice / step));
        }
        groups
    }

    /// Visits the maps of a group's slices, one after the other. Where the network's device works by itself, it begins on the group
    /// that is next meanwhile.
    pub(super) fn each_slice(
        &mut self,
        network: &mut Network,
        [group, next]: [Range<usize>; 2],
        watch: Watch,
        mut visit: impl FnMut(&Self, usize, &[f32]),
    ) -> Result<(), SegmentError> {
        let probabilities = self.probabilities(network, [group.clone(), next], watch)?;
        let started = Instant::now();
        for (slice, maps) in group.zip(&probabilities) {
            visit(self, slice, maps);
        }
        self.seconds.labels += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn slices_per_group(&self) -> usize {
        let pixels = self.preparation.target[0] * self.preparation.target[1];
        let by_memory = PROBABILITY_BYTES / (pixels * self.spec.classes.len() * 4).max(1);
        self.batch_size().min(by_memory).max(1)
    }

    fn batch_size(&self) -> usize {
        (BATCH_PIXELS / (self.fit.input[0] * self.fit.input[1]).max(1)).clamp(1, MAX_BATCH)
    }

    fn prepared(&mut self, channel: usize, slice: usize) -> Arc<Vec<f32>> {
        if let Some(image) = self.prepared.get(&(slice, channel)) {
            return image.clone();
        }
        let image = self.preparation.read(self.volume, self.frames[channel], slice, &self.normalisers[channel]);
        let image = Arc::new(image);
        self.prepared.insert((slice, channel), image.clone());
        image
    }

    /// What the network sees of a group: slice, tile and mirroring of every window.
    fn windows_of(&self, group: Range<usize>) -> Vec<Window> {
        let of_tile = |slice: usize, tile: [usize; 2]| self.flips.iter().map(move |&flip| (slice, tile, flip));
        group.flat_map(|slice| self.tiles.iter().flat_map(move |&tile| of_tile(slice, tile))).collect()
    }

    /// Class probabilities (with nnU-Net's windows logits) of a group of slices on the network's grid: `[class][pixel]` each. Another
    /// group, maybe an empty one, is next.
    fn probabilities(
        &mut self,
        network: &mut Network,
        [group, next]: [Range<usize>; 2],
        watch: Watch,
    ) -> Result<Vec<Vec<f32>>, SegmentError> {
        let target = self.preparation.target;
        let pixels = target[0] * target[1];
        let classes = self.spec.classes.len();
        memory::must_have::<f32>(classes * pixels * group.len());
        let mut sums = vec![vec![0.0f32; classes * pixels]; group.len()];
        let [own, of_next] = [self.windows_of(group.clone()), self.windows_of(next)];
        let count = own.len().div_ceil(self.batch_size());
        let batches: Vec<&[Window]> = [&own, &of_next].iter().flat_map(|w| w.chunks(self.batch_size())).collect();
        let windows = (self.slice_count() * self.tiles.len() * self.flips.len()) as f32;
        watch.check()?;
        let mut begun = std::mem::take(&mut self.begun);
        for (done, batch) in batches.iter().take(count).enumerate() {
            let enough = (done + network.most_started()).min(batches.len());
            for &batch in batches.iter().take(enough).skip(begun) {
                self.begin(network, batch, watch)?;
                begun += 1;
            }
            let started = Instant::now();
            let logits = network.finish(watch)?;
            self.seconds.network += started.elapsed().as_secs_f64();
            let started = Instant::now();
            let Some(logits) = logits.and_then(|outputs| outputs.into_iter().next()) else { continue };
            for (n, &(slice, tile, flip)) in batch.iter().enumerate() {
                self.blend.add(&logits, n, tile, flip, &mut sums[slice - group.start]);
            }
            self.seconds.labels += started.elapsed().as_secs_f64();
            self.seen += batch.len();
            watch.at(self.seen as f32 / windows)?;
        }
        self.begun = begun.saturating_sub(count);
        sums.iter_mut().for_each(|sums| self.blend.finish(sums));
        self.forget(&group);
        Ok(sums)
    }

    /// Prepares some windows and lets the network begin on them; before the first ones `auto` chooses where.
    fn begin(&mut self, network: &mut Network, batch: &[Window], watch: Watch) -> Result<(), SegmentError> {
        let started = Instant::now();
        let input = self.input(batch);
        self.seconds.prepare += started.elapsed().as_secs_f64();
        let started = Instant::now();
        if network.has_to_choose() {
            let mut known = known_device_times();
            let before = known.clone();
            network.choose_device(&input, &mut known, watch)?;
            if known != before {
                keep_device_times(&known);
            }
        }
        network.start(input, watch)?;
        self.seconds.network += started.elapsed().as_secs_f64();
        Ok(())
    }

    /// Lets go of slices that are no neighbours of the groups beside those that are done.
    fn forget(&mut self, group: &Range<usize>) {
        let done = self.done.get_or_insert_with(|| group.clone());
        *done = done.start.min(group.start)..done.end.max(group.end);
        let (edges, near) = ([done.start, done.end], self.spec.neighbours);
        self.prepared.retain(|&(slice, _), _| edges.iter().any(|&edge| slice + near >= edge && slice < edge + near));
    }

    fn input(&mut self, batch: &[Window]) -> Array {
        let [h, w] = self.fit.input;
        let neighbours = self.spec.neighbours as i64;
        let last = self.preparation.slice_count() as i64 - 1;
        memory::must_have::<f32>(batch.len() * self.spec.input_channels() * h * w);
        let mut values = Vec::with_capacity(batch.len() * self.spec.input_channels() * h * w);
        for &(slice, tile, flip) in batch {
            let origin = [0, 1].map(|n| tile[n] as i64 - ((self.fit.input[n] - self.tile[n]) / 2) as i64);
            for channel in 0..self.frames.len() {
                for offset in -neighbours..=neighbours {
                    let neighbour = (slice as i64 + offset).clamp(0, last) as usize;
                    let image = self.prepared(channel, neighbour);
                    let start = values.len();
                    window(&image, self.preparation.target, origin, [h, w], self.border, &mut values);
                    flip_in_place(&mut values[start..], [h, w], flip);
                }
            }
        }
        Array::new([batch.len(), self.spec.input_channels(), h, w], values)
    }

    /// Where a slice's maps go.
    pub(super) fn restorer(&self) -> Restorer<'_> {
        Restorer { preparation: &self.preparation, spec: self.spec, shape: self.volume.geometry.shape() }
    }
}
