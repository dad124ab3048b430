//! Convolutions of any window as sums over runs of channels, and transposed ones whose windows do not overlap.

use rayon::prelude::*;

use super::super::matmul::{ANY_STEP, Product, Run, multiply, row_groups};
use super::super::simd::{LANES, Vector};
use super::memory::{Aligned, Constants, Map};
use super::options::Options;
use super::step::{Context, Step};
use super::target::{Pixels, Target, multiply_narrow, panels};
use crate::graph::ConvTranspose;

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

/// How the weights lie before they are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `[out, in, kh, kw]`.
    Convolution,
    /// `[in, out, kh, kw]`, every kernel turned by half a circle: what takes a convolution's gradient back.
    Flipped,
    /// `[in, out, kh, kw]` of a transposed convolution.
    Scattered,
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
    /// Input channel and tap of every row of the packed weights.
    order: Vec<(usize, usize, usize)>,
    source: Source,
    /// `[panel][tap][channel of the runs][panel channels]`.
    pub weights: Constants,
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
    /// A convolution with weights `[out, in, kh, kw]`.
    pub fn convolution(x: Map, target: Target, window: Window, weight: &[f32], options: &Options) -> Self {
        let positions = target.y.size;
        Self::new(x, target, window, [1, 1], positions, Source::Convolution, options).with_weights(weight)
    }

    /// A transposed convolution whose stride is its kernel, with weights `[in, out, kh, kw]`: every input pixel gives a
    /// rectangle of output pixels of its own.
    pub fn scattered(x: Map, target: Target, kernel: [usize; 2], weight: &[f32], options: &Options) -> Self {
        Self::new(x, target, Window::POINT, kernel, x.size, Source::Scattered, options).with_weights(weight)
    }

    /// Whether every input pixel of a transposed convolution has its own output pixels.
    pub fn scatters(conv: &ConvTranspose) -> bool {
        conv.kernel == conv.stride && conv.padding == [0, 0] && conv.output_padding == [0, 0] && conv.groups == 1
    }

    /// The step without weights; `taps` and `positions` as the fields.
    pub fn new(
        x: Map,
        target: Target,
        window: Window,
        taps: [usize; 2],
        positions: [usize; 2],
        source: Source,
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
        let depth = order.len();
        let lines = x.batch * positions[0];
        let piece = PIECE_POSITIONS.div_ceil(positions[1].max(1)).min(lines.div_ceil(options.threads)).max(1);
        let rows = options.set.panel_rows();
        let weights = Constants::Placed(0);
        Self { x, target, window, runs, depth, order, source, weights, panels, rows, taps, positions, piece }
    }

    /// Packs weights that stay as they are.
    fn with_weights(mut self, weight: &[f32]) -> Self {
        let mut weights = Aligned::zeros(self.weight_len());
        let mut rest = weights.as_mut_slice();
        let mut parts = Vec::with_capacity(self.panels.len());
        for panel in 0..self.panels.len() {
            let (part, after) = rest.split_at_mut(self.panel_len(panel));
            parts.push(part);
            rest = after;
        }
        parts.into_par_iter().enumerate().for_each(|(panel, packed)| self.pack_panel(panel, weight, packed));
        self.weights = Constants::Fixed(weights);
        self
    }

    /// Panels of output channels.
    pub fn panel_count(&self) -> usize {
        self.panels.len()
    }

    /// Floats of a panel's packed weights.
    pub fn panel_len(&self, panel: usize) -> usize {
        self.taps[0] * self.taps[1] * self.depth * self.panels[panel].1 * LANES
    }

    /// Packs a panel's weights; channels that do not exist get zeros.
    pub fn pack_panel(&self, panel: usize, weight: &[f32], packed: &mut [f32]) {
        let (first, blocks) = self.panels[panel];
        let (inputs, outputs) = (self.x.channels, self.target.y.channels);
        let ([kh, kw], tap_count) = (self.window.kernel, self.taps[0] * self.taps[1]);
        let columns = (blocks * LANES).min(outputs - first * LANES);
        for (row, packed) in packed.chunks_exact_mut(blocks * LANES).enumerate() {
            let (tap, (i, ky, kx)) = (row / self.depth, self.order[row % self.depth]);
            // Index of the first output channel's weight, and floats to the next one's.
            let (start, step) = match self.source {
                Source::Convolution => ((i * kh + ky) * kw + kx, inputs * kh * kw),
                Source::Flipped => (((i * outputs * kh) + kh - 1 - ky) * kw + kw - 1 - kx, kh * kw),
                Source::Scattered => (i * outputs * tap_count + tap, tap_count),
            };
            for (column, value) in packed[..columns].iter_mut().enumerate() {
                *value = weight[start + (first * LANES + column) * step];
            }
            packed[columns..].fill(0.0);
        }
    }

    /// A panel's packed weights.
    ///
    /// # Safety
    /// As [`Context`] says.
    unsafe fn panel_start(&self, context: &Context, panel: usize) -> *const f32 {
        let before = self.taps[0] * self.taps[1] * self.depth * self.panels[panel].0 * LANES;
        // SAFETY: the weights of all panels follow each other.
        unsafe { self.weights.start(context.arena).add(before) }
    }

    /// Floats of the packed weights.
    pub fn weight_len(&self) -> usize {
        self.taps[0] * self.taps[1] * self.depth * self.target.y.blocks() * LANES
    }

    /// Bytes of the packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.weight_len() * size_of::<f32>()
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_line<V: Vector, const COLUMNS: usize>(
        &self,
        context: &Context,
        panel: usize,
        [image, line]: [usize; 2],
        ahead: &mut *const f32,
        end: *const f32,
    ) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (first, blocks) = self.panels[panel];
            let (x, target, taps) = (&self.x, &self.target, self.taps);
            let tap_count = taps[0] * taps[1];
            let panel_weights = self.panel_start(context, panel);
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
                        bias: target.bias.start(context.arena).add(first * LANES),
                        add,
                        finish: target.finish,
                    };
                    let weights = panel_weights.add(tap * self.depth * blocks * LANES);
                    // Every call asks for a part of the next panel, until all of it is on its way.
                    let asks = *ahead < end;
                    let asked = if asks { *ahead } else { weights };
                    let next = a.wrapping_add(rows * a_step);
                    let product = Product { a, a_step, runs: &self.runs, b: weights, ahead: asked, next };
                    *ahead = ahead.wrapping_add(self.depth * LANES);
                    match (blocks == COLUMNS, a_step) {
                        (true, LANES) => multiply::<V, COLUMNS, LANES>(rows, product, &pixels),
                        (true, _) => multiply::<V, COLUMNS, ANY_STEP>(rows, product, &pixels),
                        (false, LANES) => multiply_narrow::<V, LANES, _>(rows, product, pixels),
                        (false, _) => multiply_narrow::<V, ANY_STEP, _>(rows, product, pixels),
                    }
                }
            }
        }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Direct {
    fn name(&self) -> String {
        let (x, y) = (&self.x, &self.target.y);
        let [kh, kw] = if self.taps == [1, 1] { self.window.kernel } else { self.taps };
        let kind = if self.taps == [1, 1] { "direct" } else { "transposed" };
        format!("{kind} {kh}x{kw}, {} to {} channels at {}x{}", x.channels, y.channels, y.size[0], y.size[1])
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let lines = self.x.batch * self.positions[0];
            let pieces = lines.div_ceil(self.piece);
            let own = context.team.share(context.thread, pieces);
            while let Some([piece, panel]) = context.take(step, [pieces, self.panels.len()]) {
                // The panel that this thread takes next, if it is not helping.
                let next = (panel + usize::from(piece + 1 == own.end)).min(self.panels.len() - 1);
                let mut ahead = self.panel_start(context, next);
                let end = ahead.wrapping_add(self.panel_len(next));
                for line in piece * self.piece..((piece + 1) * self.piece).min(lines) {
                    let at = [line / self.positions[0], line % self.positions[0]];
                    self.run_line::<V, COLUMNS>(context, panel, at, &mut ahead, end);
                }
            }
        }
    }
}
