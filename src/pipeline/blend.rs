//! Averaging what a network says of overlapping and mirrored windows of a slice.

use rayon::prelude::*;

use super::tiles::gaussian;
use crate::engine::Array;
use crate::model::{ModelSpec, SliceAxis, Windows};
use crate::work::memory;

/// Rows that a thread takes at least.
const MIN_ROWS: usize = 16;

/// The mirrored images that are averaged: every combination of the axes that the model allows.
pub(super) fn flips(spec: &ModelSpec, axis: SliceAxis, mirror: bool) -> Vec<[bool; 2]> {
    let [rows, columns] = spec.mirrors(axis).map(|allowed| allowed && mirror);
    let all = [[false, false], [false, true], [true, false], [true, true]];
    all.into_iter().filter(|[r, c]| (rows || !r) && (columns || !c)).collect()
}

/// How overlapping windows of a slice, and mirrored ones, are averaged.
pub(super) struct Blend {
    /// Height and width of a slice on the network's grid.
    target: [usize; 2],
    /// Height and width of a tile that counts.
    tile: [usize; 2],
    /// Height and width of the network's input.
    input: [usize; 2],
    windows: Windows,
    /// Weight of each pixel of a tile.
    weights: Vec<f32>,
    /// Sum of the weights at each pixel, over all windows and mirrored images; empty where it is 1.
    coverage: Vec<f32>,
}

impl Blend {
    /// For tiles at these places, each `times` times mirrored, as a network with this input sees them.
    pub(super) fn new(
        target: [usize; 2],
        tiles: &[[usize; 2]],
        tile: [usize; 2],
        input: [usize; 2],
        windows: Windows,
        times: usize,
    ) -> Self {
        let weights = if tiles.len() == 1 { vec![1.0; tile[0] * tile[1]] } else { gaussian(tile, windows) };
        Self { target, tile, input, windows, coverage: coverage(target, tiles, tile, &weights, times), weights }
    }

    /// Adds the `n`-th image of a batch, whose tile lies at `corner`, to a slice's sums `[class][pixel]`.
    pub(super) fn add(&self, logits: &Array, n: usize, corner: [usize; 2], flip: [bool; 2], sums: &mut [f32]) {
        let [_, classes, oh, ow] = logits.dims4();
        let target = self.target;
        let pixels = target[0] * target[1];
        // The tile lies in the middle of the output, whose border is that of the input less what the network eats.
        let offset = [0, 1].map(|axis| {
            let eaten = self.input[axis] - [oh, ow][axis];
            (self.input[axis] - self.tile[axis]) / 2 - eaten / 2
        });
        let averages_probabilities = self.windows != Windows::NnUnet;
        let image = &logits.values[n * classes * oh * ow..(n + 1) * classes * oh * ow];
        // Rows of all classes together, so that threads can share them.
        let mut rows: Vec<Vec<&mut [f32]>> = (0..self.tile[0]).map(|_| Vec::with_capacity(classes)).collect();
        for map in sums.chunks_exact_mut(pixels) {
            let lines = map.chunks_exact_mut(target[1]).skip(corner[0]);
            for (row, line) in rows.iter_mut().zip(lines) {
                row.push(&mut line[corner[1]..corner[1] + self.tile[1]]);
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

    /// Divides a slice's sums by the weights that went into them.
    pub(super) fn finish(&self, sums: &mut [f32]) {
        for map in sums.chunks_exact_mut(self.target[0] * self.target[1]) {
            map.iter_mut().zip(&self.coverage).for_each(|(sum, weight)| *sum /= weight);
        }
    }
}

/// Logits of a voxel become probabilities.
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

/// Mirrors an image `[h, w]` from top to bottom, from left to right, or both.
pub(super) fn flip_in_place(image: &mut [f32], [h, w]: [usize; 2], [vertical, horizontal]: [bool; 2]) {
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
