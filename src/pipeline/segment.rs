//! The main job: a volume and a model give a label map.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use super::Watch;
use super::components::keep_largest;
use super::fused::segment_fused;
use super::prepare::{Normaliser, Preparation};
use super::suitability::cut_axes;
use super::tiles::{Border, Fit, fit_window, gaussian, starts, window};
use crate::engine::{Array, EngineError, Network};
use crate::model::{ModelSpec, SliceAxis, Windows};
use crate::volume::{LabelMap, LabelValue, Volume};
use crate::work::memory;

/// Pixels of one network run, over all images of a batch.
const BATCH_PIXELS: usize = 128 * 1024;
/// Most images in one run.
const MAX_BATCH: usize = 16;
/// Most bytes of probabilities kept at a time.
const PROBABILITY_BYTES: usize = 64 << 20;

/// Rows that a thread takes at least.
const MIN_ROWS: usize = 16;

/// Choices of the user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SegmentOptions {
    /// Slice axis instead of the model's own.
    pub axis: Option<SliceAxis>,
    /// Average over mirrored images, where the model allows it; some models always do.
    pub mirror: bool,
    /// Keep only the largest connected part of every label.
    pub keep_largest: bool,
    /// Frame of a 4-D volume (single-channel models).
    pub frame: usize,
    /// Keep maps in 32 bits on a GPU too ([`Network::set_half_precision`]).
    pub full_precision: bool,
}

/// News from a running segmentation.
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
pub enum SegmentEvent {
    /// Slices (along the slice axis, R, A, S order) that are done; the labels so far are a snapshot.
    Slices {
        /// Numbers of the finished slices.
        done: Range<usize>,
        /// Number of all slices.
        count: usize,
        /// Labels so far.
        labels: LabelMap,
    },
    /// Something the user must know.
    Notice(String),
    /// How long each part took, at the end.
    Took(SegmentSeconds),
}

/// Seconds of a segmentation's parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct SegmentSeconds {
    /// Normalisation and resampling to the network's grid.
    pub prepare: f64,
    /// The network.
    pub network: f64,
    /// Probabilities, and labels on the volume's grid.
    pub labels: f64,
}

impl SegmentSeconds {
    /// The sum of both.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            prepare: self.prepare + other.prepare,
            network: self.network + other.network,
            labels: self.labels + other.labels,
        }
    }
}

/// Why there is no segmentation.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The user stopped it.
    #[error("stopped")]
    Stopped,
    /// The network failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The image does not suit the model.
    #[error("{0}")]
    Image(String),
}

/// Is shown every voxel `[i, j, k]` once, with the probabilities of all classes.
pub type VoxelVisitor<'a> = &'a mut dyn FnMut([usize; 3], &[f32]);

/// Runs a model over all slices of a volume. Labels lie on the volume's own grid.
///
/// # Errors
/// When the image does not suit the model, the network fails, or `on_event` breaks off.
pub fn segment(
    volume: &Volume,
    spec: &ModelSpec,
    network: &mut Network,
    options: &SegmentOptions,
    stop: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(SegmentEvent),
) -> Result<LabelMap, SegmentError> {
    segment_and_visit(volume, spec, network, options, stop, on_event, None)
}

/// The same, and `visit` sees the probabilities, which are not kept.
///
/// # Errors
/// As of [`segment`].
pub fn segment_and_visit(
    volume: &Volume,
    spec: &ModelSpec,
    network: &mut Network,
    options: &SegmentOptions,
    stop: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(SegmentEvent),
    mut visit: Option<VoxelVisitor>,
) -> Result<LabelMap, SegmentError> {
    let frames = frames_of(volume, spec, options)?;
    let mirror = options.mirror || spec.average_mirrored;
    if mirror && !spec.mirror {
        return Err(SegmentError::Image(format!(
            "the model {} tells left from right and must not be mirrored",
            spec.id
        )));
    }
    if options.full_precision {
        network.set_half_precision(false);
    }
    let watch = |_| if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let watch: Watch = &watch;
    let started = Instant::now();
    let mut normalisers = Vec::new();
    for (channel, &frame) in frames.iter().enumerate() {
        let kind = spec.normalisation_of(channel);
        normalisers.push(Normaliser::new(kind, volume, frame, watch).ok_or(SegmentError::Stopped)?);
    }
    let normalising = started.elapsed().as_secs_f64();
    let axes = cut_axes(spec, options.axis, &volume.geometry);
    if axes.len() > 1 {
        let inputs = (&frames[..], &normalisers[..]);
        let (mut labels, mut seconds) = segment_fused(volume, spec, network, inputs, mirror, stop, on_event, visit)?;
        seconds.prepare += normalising;
        finish(&mut labels, options, stop, &mut seconds)?;
        on_event(SegmentEvent::Took(seconds));
        return Ok(labels);
    }
    let axis = axes.first().copied().unwrap_or(spec.slice_axis);
    let preparation = Preparation::new(spec, axis, volume).map_err(SegmentError::Image)?;
    let mut runner =
        Runner::new(volume, spec, preparation, frames, normalisers, network.graph(), flips(spec, axis, mirror))?;
    runner.seconds.prepare += normalising;
    let count = runner.preparation.slice_count();
    let mut labels = LabelMap::empty(volume.geometry.clone());
    for group in runner.groups() {
        runner.each_slice(network, group.clone(), stop, |runner, slice, maps| {
            runner.write_labels(slice, maps, &mut labels);
            if let Some(visit) = &mut visit {
                runner.visit_voxels(slice, maps, *visit);
            }
        })?;
        network.take_notices().into_iter().for_each(|notice| on_event(SegmentEvent::Notice(notice)));
        on_event(SegmentEvent::Slices { done: group, count, labels: labels.clone() });
    }
    finish(&mut labels, options, stop, &mut runner.seconds)?;
    on_event(SegmentEvent::Took(runner.seconds));
    Ok(labels)
}

/// The mirrored images that are averaged: every combination of the axes that the model allows.
pub(super) fn flips(spec: &ModelSpec, axis: SliceAxis, mirror: bool) -> Vec<[bool; 2]> {
    let [rows, columns] = spec.mirrors(axis).map(|allowed| allowed && mirror);
    let all = [[false, false], [false, true], [true, false], [true, true]];
    all.into_iter().filter(|[r, c]| (rows || !r) && (columns || !c)).collect()
}

/// What is done to labels as a whole.
fn finish(
    labels: &mut LabelMap,
    options: &SegmentOptions,
    stop: &(dyn Fn() -> bool + Sync),
    seconds: &mut SegmentSeconds,
) -> Result<(), SegmentError> {
    let started = Instant::now();
    if options.keep_largest {
        keep_largest(labels, stop).ok_or(SegmentError::Stopped)?;
    }
    labels.compact();
    seconds.labels += started.elapsed().as_secs_f64();
    Ok(())
}

/// Frames that are the model's image channels.
fn frames_of(volume: &Volume, spec: &ModelSpec, options: &SegmentOptions) -> Result<Vec<usize>, SegmentError> {
    let present = volume.frame_count();
    if spec.image_channels == 1 {
        if options.frame < present {
            return Ok(vec![options.frame]);
        }
        return Err(SegmentError::Image(format!(
            "there is no frame {}; the image {} has {present}",
            options.frame, volume.name
        )));
    }
    if present != spec.image_channels {
        return Err(SegmentError::Image(format!(
            "the model {} needs {} channels, the image {} has {present}",
            spec.id, spec.image_channels, volume.name
        )));
    }
    Ok((0..present).collect())
}

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
    weights: Vec<f32>,
    /// Sum of the weights at each pixel, over all windows and mirrored images; empty where it is 1.
    coverage: Vec<f32>,
    flips: Vec<[bool; 2]>,
    prepared: BTreeMap<(usize, usize), Arc<Vec<f32>>>,
    pub(super) seconds: SegmentSeconds,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        volume: &'a Volume,
        spec: &'a ModelSpec,
        preparation: Preparation,
        frames: Vec<usize>,
        normalisers: Vec<Normaliser>,
        graph: &crate::graph::Graph,
        flips: Vec<[bool; 2]>,
    ) -> Result<Self, SegmentError> {
        let target = preparation.target;
        let tile = [0, 1].map(|n| target[n].min(spec.patch[n].max(1)));
        let (rows, columns) = (starts(target[0], tile[0]), starts(target[1], tile[1]));
        let whole = rows.len() * columns.len() == 1;
        let fit = fit_window(graph, spec.windows, spec.patch, tile)
            .ok_or_else(|| SegmentError::Image(format!("no network input covers {tile:?} pixels")))?;
        let last = graph.outputs[0];
        let padded = graph.nodes[last].size.extent.iter().all(|e| *e == crate::graph::Extent::INPUT);
        let tiles: Vec<[usize; 2]> = rows.iter().flat_map(|&r| columns.iter().map(move |&c| [r, c])).collect();
        let weights = if whole { vec![1.0; tile[0] * tile[1]] } else { gaussian(tile, spec.windows) };
        Ok(Self {
            volume,
            spec,
            coverage: coverage(target, &tiles, tile, &weights, flips.len()),
            preparation,
            frames,
            normalisers,
            fit,
            border: if padded { Border::Zero } else { Border::Mirror },
            tiles,
            tile,
            weights,
            flips,
            prepared: BTreeMap::new(),
            seconds: SegmentSeconds::default(),
        })
    }

    /// Slices that are worked through together.
    pub(super) fn groups(&self) -> Vec<Range<usize>> {
        let (count, step) = (self.preparation.slice_count(), self.slices_per_group());
        (0..count).step_by(step).map(|start| start..(start + step).min(count)).collect()
    }

    /// Visits the maps of a group's slices, one after the other.
    pub(super) fn each_slice(
        &mut self,
        network: &mut Network,
        group: Range<usize>,
        stop: &dyn Fn() -> bool,
        mut visit: impl FnMut(&Self, usize, &[f32]),
    ) -> Result<(), SegmentError> {
        let probabilities = self.probabilities(network, group.clone(), stop)?;
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

    /// Class probabilities (with nnU-Net's windows logits) of a group of slices on the network's grid: `[class][pixel]` each.
    fn probabilities(
        &mut self,
        network: &mut Network,
        group: Range<usize>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Vec<f32>>, SegmentError> {
        let target = self.preparation.target;
        let pixels = target[0] * target[1];
        let classes = self.spec.classes.len();
        memory::must_have::<f32>(classes * pixels * group.len());
        let mut sums = vec![vec![0.0f32; classes * pixels]; group.len()];
        let mut jobs: Vec<(usize, [usize; 2], [bool; 2])> = Vec::new();
        for slice in group.clone() {
            for &tile in &self.tiles {
                jobs.extend(self.flips.iter().map(|&flip| (slice, tile, flip)));
            }
        }
        for batch in jobs.chunks(self.batch_size()) {
            if stop() {
                return Err(SegmentError::Stopped);
            }
            let started = Instant::now();
            let input = self.input(batch);
            self.seconds.prepare += started.elapsed().as_secs_f64();
            let started = Instant::now();
            let logits = network.infer_unless(&input, stop).map_err(|error| match error {
                EngineError::Stopped => SegmentError::Stopped,
                other => SegmentError::Engine(other),
            })?;
            self.seconds.network += started.elapsed().as_secs_f64();
            let started = Instant::now();
            let Some(logits) = logits.into_iter().next() else { continue };
            for (n, &(slice, tile, flip)) in batch.iter().enumerate() {
                self.add_probabilities(&logits, n, tile, flip, &mut sums[slice - group.start]);
            }
            self.seconds.labels += started.elapsed().as_secs_f64();
        }
        for map in sums.iter_mut().flat_map(|maps| maps.chunks_exact_mut(pixels)) {
            map.iter_mut().zip(&self.coverage).for_each(|(sum, weight)| *sum /= weight);
        }
        // Slices before the next group's neighbours are not needed again.
        let keep = group.end.saturating_sub(self.spec.neighbours);
        self.prepared = self.prepared.split_off(&(keep, 0));
        Ok(sums)
    }

    fn input(&mut self, batch: &[(usize, [usize; 2], [bool; 2])]) -> Array {
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

    fn add_probabilities(&self, logits: &Array, n: usize, tile: [usize; 2], flip: [bool; 2], sums: &mut [f32]) {
        let [_, classes, oh, ow] = logits.dims4();
        let target = self.preparation.target;
        let pixels = target[0] * target[1];
        // The tile lies in the middle of the output, whose border is that of the input less what the network eats.
        let offset = [0, 1].map(|axis| {
            let eaten = self.fit.input[axis] - [oh, ow][axis];
            (self.fit.input[axis] - self.tile[axis]) / 2 - eaten / 2
        });
        let averages_probabilities = self.spec.windows != Windows::NnUnet;
        let image = &logits.values[n * classes * oh * ow..(n + 1) * classes * oh * ow];
        // Rows of all classes together, so that threads can share them.
        let mut rows: Vec<Vec<&mut [f32]>> = (0..self.tile[0]).map(|_| Vec::with_capacity(classes)).collect();
        for map in sums.chunks_exact_mut(pixels) {
            let lines = map.chunks_exact_mut(target[1]).skip(tile[0]);
            for (row, line) in rows.iter_mut().zip(lines) {
                row.push(&mut line[tile[1]..tile[1] + self.tile[1]]);
            }
        }
        rows.into_par_iter().with_min_len(MIN_ROWS).enumerate().for_each_init(
            || vec![0.0f32; classes],
            |p, (row, mut lines)| {
                for column in 0..self.tile[1] {
                    let mut at = [row + offset[0], column + offset[1]];
                    for axis in 0..2 {
                        if flip[axis] {
                            at[axis] = [oh, ow][axis] - 1 - at[axis];
                        }
                    }
                    let position = at[0] * ow + at[1];
                    for (c, p) in p.iter_mut().enumerate() {
                        *p = image[c * oh * ow + position];
                    }
                    if averages_probabilities {
                        softmax(p);
                    }
                    let weight = self.weights[row * self.tile[1] + column];
                    for (line, p) in lines.iter_mut().zip(p.iter()) {
                        line[column] += weight * p;
                    }
                }
            },
        );
    }

    /// Adds a slice's maps to sums `[class][voxel]` on the stored grid, i fastest.
    pub(super) fn add_restored(&self, slice: usize, maps: &[f32], sums: &mut [f32]) {
        let pixels = self.preparation.target[0] * self.preparation.target[1];
        let [rows, columns] = self.preparation.source;
        let [ni, nj, nk] = self.volume.geometry.shape();
        let mut restored = Vec::new();
        for (map, sums) in maps.chunks_exact(pixels).zip(sums.chunks_exact_mut(ni * nj * nk)) {
            self.preparation.restore(map, &mut restored);
            for (n, p) in restored.iter().take(rows * columns).enumerate() {
                let [i, j, k] = self.preparation.layout.voxel([n % columns, n / columns, slice]);
                sums[(k * nj + j) * ni + i] += p;
            }
        }
    }

    /// Shows the probabilities of every pixel on the stored grid.
    fn visit_voxels(&self, slice: usize, maps: &[f32], visit: VoxelVisitor) {
        let pixels = self.preparation.target[0] * self.preparation.target[1];
        let [rows, columns] = self.preparation.source;
        let classes = maps.len() / pixels;
        let mut restored = vec![Vec::new(); classes];
        for (map, restored) in maps.chunks_exact(pixels).zip(&mut restored) {
            self.preparation.restore(map, restored);
        }
        let mut p = vec![0.0; classes];
        for n in 0..rows * columns {
            p.iter_mut().zip(&restored).for_each(|(p, map)| *p = map[n]);
            if self.spec.windows == Windows::NnUnet {
                softmax(&mut p);
            }
            visit(self.preparation.layout.voxel([n % columns, n / columns, slice]), &p);
        }
    }

    /// The most probable class of every pixel on the stored grid; of equals the lowest.
    fn write_labels(&self, slice: usize, maps: &[f32], labels: &mut LabelMap) {
        let pixels = self.preparation.target[0] * self.preparation.target[1];
        let [rows, columns] = self.preparation.source;
        let mut best = vec![(f32::NEG_INFINITY, 0 as LabelValue); rows * columns];
        let mut restored = Vec::new();
        for (value, map) in self.spec.values().into_iter().zip(maps.chunks_exact(pixels)) {
            self.preparation.restore(map, &mut restored);
            for (best, &p) in best.iter_mut().zip(&restored) {
                if p > best.0 {
                    *best = (p, value);
                }
            }
        }
        for (n, &(_, label)) in best.iter().enumerate() {
            if label != 0 {
                labels.set(self.preparation.layout.voxel([n % columns, n / columns, slice]), label);
            }
        }
    }
}

pub(super) fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for v in values.iter_mut() {
        *v = (*v - largest).exp();
        sum += *v;
    }
    values.iter_mut().for_each(|v| *v /= sum);
}

/// Sum of the weights at each pixel; empty for a single window that counts once.
fn coverage(target: [usize; 2], tiles: &[[usize; 2]], tile: [usize; 2], weights: &[f32], times: usize) -> Vec<f32> {
    if tiles.len() * times == 1 {
        return Vec::new();
    }
    let mut sums: Vec<f32> = memory::zeros(target[0] * target[1]);
    for &[top, left] in tiles {
        for (row, line) in weights.chunks_exact(tile[1]).enumerate() {
            let at = (top + row) * target[1] + left;
            sums[at..at + tile[1]].iter_mut().zip(line).for_each(|(sum, w)| *sum += times as f32 * w);
        }
    }
    sums
}

fn flip_in_place(image: &mut [f32], [h, w]: [usize; 2], [vertical, horizontal]: [bool; 2]) {
    if horizontal {
        image.chunks_exact_mut(w).for_each(<[f32]>::reverse);
    }
    if vertical {
        for row in 0..h / 2 {
            let (top, bottom) = image.split_at_mut((h - 1 - row) * w);
            top[row * w..(row + 1) * w].swap_with_slice(&mut bottom[..w]);
        }
    }
}
