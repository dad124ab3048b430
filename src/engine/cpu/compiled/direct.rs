//! Convolutions of any window as sums over runs of channels, and transposed ones whose windows do not overlap.

use rayon::prelude::*;

use super::super::matmul::{Product, Run, multiply, row_groups};
use super::super::simd::{LANES, Vector};
use super::Options;
use super::memory::{Aligned, Map};
use super::run::Context;
use super::target::{Pixels, Target, multiply_narrow, panels};

/// A convolution's window.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Stride.
    pub stride: [usize; 2],
    /// Zeros around; the input's border is at least as wide.
    pub padding: [usize; 2],
    /// Distance of taps.
    pub dilation: [usize; 2],
}

impl Window {
    /// One pixel.
    pub const POINT: Self = Self { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
}

/// A convolution as sums over runs of channels.
pub struct Direct {
    /// Its input.
    pub x: Map,
    /// Where its results go; not pooled.
    pub target: Target,
    window: Window,
    runs: Vec<Run>,
    /// Channels of all runs.
    depth: usize,
    /// `[panel][tap][channel of the runs][panel channels]`.
    weights: Aligned,
    panels: Vec<(usize, usize)>,
    rows: usize,
    /// Output pixels per position, down and across: a convolution has one, a transposed one its stride's rectangle.
    taps: [usize; 2],
    /// Positions down and across at which it is computed.
    positions: [usize; 2],
    /// Rows of positions in a piece of work.
    piece: usize,
}

/// Positions that a piece of work has at least, so that weights are used more than once.
const PIECE_POSITIONS: usize = 256;

impl Direct {
    /// Packs weights `[out, in, kh, kw]`.
    pub fn convolution(x: Map, target: Target, window: Window, weight: &[f32], options: &Options) -> Self {
        let (inputs, [kh, kw]) = (x.channels, window.kernel);
        let at = |o: usize, i: usize, _: usize, ky: usize, kx: usize| weight[((o * inputs + i) * kh + ky) * kw + kx];
        let positions = target.y.size;
        Self::new(x, target, window, [1, 1], positions, at, options)
    }

    /// Packs weights `[in, out, kh, kw]` of a transposed convolution whose stride is its kernel: every input pixel gives
    /// a rectangle of output pixels of its own.
    pub fn scattered(x: Map, target: Target, kernel: [usize; 2], weight: &[f32], options: &Options) -> Self {
        let (outputs, taps) = (target.y.channels, kernel[0] * kernel[1]);
        let at = |o: usize, i: usize, tap: usize, _: usize, _: usize| weight[(i * outputs + o) * taps + tap];
        Self::new(x, target, Window::POINT, kernel, x.size, at, options)
    }

    fn new(
        x: Map,
        target: Target,
        window: Window,
        taps: [usize; 2],
        positions: [usize; 2],
        weight: impl Fn(usize, usize, usize, usize, usize) -> f32 + Sync,
        options: &Options,
    ) -> Self {
        let mut runs = Vec::new();
        let mut order = Vec::new();
        for block in 0..x.blocks() {
            for ky in 0..window.kernel[0] {
                for kx in 0..window.kernel[1] {
                    let len = x.lanes.min(x.channels - block * x.lanes);
                    let pixel = ky * window.dilation[0] * x.row() + kx * window.dilation[1] * x.lanes;
                    runs.push(Run { offset: (block * x.plane() + pixel) as isize, len });
                    order.extend((0..len).map(|lane| (block * x.lanes + lane, ky, kx)));
                }
            }
        }
        let panels = panels(target.y.blocks(), options.set.panel_blocks());
        let (depth, tap_count) = (order.len(), taps[0] * taps[1]);
        let mut weights = Aligned::zeros(tap_count * depth * target.y.blocks() * LANES);
        let mut rest = weights.as_mut_slice();
        let mut parts = Vec::with_capacity(panels.len());
        for &(first, blocks) in &panels {
            let (part, after) = rest.split_at_mut(tap_count * depth * blocks * LANES);
            parts.push((first, blocks * LANES, part));
            rest = after;
        }
        parts.into_par_iter().for_each(|(first, width, packed)| {
            let columns = width.min(target.y.channels - first * LANES);
            for (row, packed) in packed.chunks_exact_mut(width).enumerate() {
                let (tap, (i, ky, kx)) = (row / depth, order[row % depth]);
                for (column, value) in packed[..columns].iter_mut().enumerate() {
                    *value = weight(first * LANES + column, i, tap, ky, kx);
                }
            }
        });
        let lines = x.batch * positions[0];
        let piece = PIECE_POSITIONS.div_ceil(positions[1].max(1)).min(lines.div_ceil(options.threads)).max(1);
        let rows = options.set.panel_rows();
        Self { x, target, window, runs, depth, weights, panels, rows, taps, positions, piece }
    }

    /// Bytes of the packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.weights.len() * size_of::<f32>()
    }

    /// What it is, for tables of times.
    pub fn name(&self) -> String {
        let (x, y) = (&self.x, &self.target.y);
        let [kh, kw] = if self.taps == [1, 1] { self.window.kernel } else { self.taps };
        let kind = if self.taps == [1, 1] { "direct" } else { "transposed" };
        format!("{kind} {kh}x{kw}, {} to {} channels at {}x{}", x.channels, y.channels, y.size[0], y.size[1])
    }

    /// All of it, everyone taking lines of positions for one panel.
    ///
    /// # Safety
    /// As [`Context`] says; `COLUMNS` is the panel width in blocks.
    #[inline(always)]
    pub unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        unsafe {
            let lines = self.x.batch * self.positions[0];
            let pieces = lines.div_ceil(self.piece);
            loop {
                let work = context.team.take(step);
                let (panel, piece) = (work / pieces, work % pieces);
                if panel >= self.panels.len() {
                    break;
                }
                for line in piece * self.piece..((piece + 1) * self.piece).min(lines) {
                    self.run_line::<V, COLUMNS>(context, panel, line / self.positions[0], line % self.positions[0]);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn run_line<V: Vector, const COLUMNS: usize>(
        &self,
        context: &Context,
        panel: usize,
        image: usize,
        line: usize,
    ) {
        unsafe {
            let (first, blocks) = self.panels[panel];
            let (x, target, taps) = (&self.x, &self.target, self.taps);
            let tap_count = taps[0] * taps[1];
            let panel_weights = self.weights.as_slice().as_ptr().add(tap_count * self.depth * first * LANES);
            let a_step = self.window.stride[1] * x.lanes;
            let row = (line * self.window.stride[0]) as isize - self.window.padding[0] as isize;
            let base = context.arena.add(x.at(image, 0, row, -(self.window.padding[1] as isize))).cast_const();
            for (start, rows) in row_groups(self.positions[1], self.rows) {
                let a = base.add(start * a_step);
                for tap in 0..tap_count {
                    let out_row = (line * taps[0] + tap / taps[1]) as isize;
                    let out_column = (start * taps[1] + tap % taps[1]) as isize;
                    let to = target.y.at(image, first, out_row, out_column);
                    let add = target.add.as_ref().map(|add| {
                        let at = add.at(image, first, out_row, out_column);
                        (context.arena.add(at).cast_const(), add.plane())
                    });
                    let pixels = Pixels {
                        to: context.arena.add(to),
                        step: taps[1] * LANES,
                        plane: target.y.plane(),
                        bias: target.bias.as_slice().as_ptr().add(first * LANES),
                        add,
                        finish: target.finish,
                    };
                    let weights = panel_weights.add(tap * self.depth * blocks * LANES);
                    let product = Product { a, a_step, runs: &self.runs, b: weights, ahead: weights };
                    if blocks == COLUMNS {
                        multiply::<V, COLUMNS>(rows, product, &pixels);
                    } else {
                        multiply_narrow::<V, _>(rows, product, pixels);
                    }
                }
            }
        }
    }
}
