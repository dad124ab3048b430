//! The gradient of a convolution's weights: for every tap, products of the input's channels with the gradient's, summed
//! over all pixels.

use std::sync::Arc;

use super::super::matmul::{OuterProduct, OuterRun, multiply_outer};
use super::super::simd::{LANES, Vector};
use super::direct::Window;
use super::memory::Map;
use super::step::{Context, Step};

/// Sums of products of a map's channels, shifted by every tap, with those of another.
pub struct WeightGradient {
    /// The convolution's input.
    pub x: Map,
    /// The gradient of its result.
    pub dy: Map,
    /// Its window.
    pub window: Window,
    /// Where the sums lie: per thread or once, `[output block][tap][input channel][16]`.
    pub sums: usize,
    /// Whether threads take lines, each with sums of its own, or channels, with one array of sums.
    pub by_lines: bool,
}

/// Pixels that are summed in registers, and stay in the cache for all taps and channels.
const PIXELS: usize = 256;
/// Most lines of these.
const LINES: usize = 64;
/// Floats of sums up to which every thread has its own.
const OWN_SUMS: usize = 256 * 1024;

impl WeightGradient {
    /// The step for maps in an arena; its sums are placed later.
    pub fn new(x: Map, dy: Map, window: Window) -> Self {
        let mut outer = Self { x, dy, window, sums: 0, by_lines: true };
        outer.by_lines = outer.len() <= OWN_SUMS;
        outer
    }

    /// Floats of one array of sums.
    pub fn len(&self) -> usize {
        let taps = self.window.kernel[0] * self.window.kernel[1];
        self.dy.blocks() * LANES * taps * self.x.blocks() * LANES
    }

    /// Arrays of sums for so many threads.
    pub fn copies(&self, threads: usize) -> usize {
        if self.by_lines { threads } else { 1 }
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_chunk<V: Vector, const COLUMNS: usize>(
        &self,
        context: &Context,
        sums: *mut f32,
        block: usize,
        lines: std::ops::Range<usize>,
        fresh: bool,
    ) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (x, dy, window) = (&self.x, &self.dy, &self.window);
            let [kh, kw] = window.kernel;
            let mut runs = [OuterRun { a: 0, b: 0 }; LINES];
            let count = lines.len();
            for ky in 0..kh {
                for kx in 0..kw {
                    for (run, line) in runs.iter_mut().zip(lines.clone()) {
                        let (image, row) = (line / dy.size[0], line % dy.size[0]);
                        let from = (row * window.stride[0] + ky * window.dilation[0]) as isize;
                        let column = (kx * window.dilation[1]) as isize - window.padding[1] as isize;
                        run.a = x.at(image, block, from - window.padding[0] as isize, column);
                        run.b = dy.at(image, 0, row as isize, 0);
                    }
                    let tap = ky * kw + kx;
                    for panel in (0..dy.blocks()).step_by(COLUMNS) {
                        let product = OuterProduct {
                            a: context.arena,
                            a_next: window.stride[1] * x.lanes,
                            b: context.arena.add(panel * dy.plane()),
                            b_column: dy.plane(),
                            len: dy.size[1],
                            runs: &runs[..count],
                            fresh,
                        };
                        let at = ((panel * kh * kw + tap) * x.blocks() + block) * LANES * LANES;
                        let column = kh * kw * x.blocks() * LANES * LANES;
                        if panel + COLUMNS <= dy.blocks() {
                            multiply_outer::<V, COLUMNS>(product, sums.add(at), column);
                        } else {
                            multiply_outer::<V, 1>(product, sums.add(at), column);
                        }
                    }
                }
            }
        }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for WeightGradient {
    fn name(&self) -> String {
        "weight gradient".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let lines = self.dy.batch * self.dy.size[0];
            let some = (PIXELS / self.dy.size[1].max(1)).clamp(1, LINES);
            let chunks = lines.div_ceil(some);
            let chunk = |n: usize| n * some..((n + 1) * some).min(lines);
            if self.by_lines {
                let sums = context.arena.add(self.sums + context.thread * self.len());
                // A fixed share of the lines, so that the sums do not depend on who was faster.
                let own = context.team.share(context.thread, chunks);
                if own.is_empty() {
                    sums.write_bytes(0, self.len());
                }
                for n in own.clone() {
                    for block in 0..self.x.blocks() {
                        self.run_chunk::<V, COLUMNS>(context, sums, block, chunk(n), n == own.start);
                    }
                }
            } else {
                let sums = context.arena.add(self.sums);
                while let Some([block, _]) = context.take(step, [self.x.blocks(), 1]) {
                    for n in 0..chunks {
                        self.run_chunk::<V, COLUMNS>(context, sums, block, chunk(n), n == 0);
                    }
                }
            }
        }
    }
}

/// The gradient from the sums, everyone taking blocks of outputs.
pub struct WeightGradientSums {
    /// What summed.
    pub of: Arc<WeightGradient>,
    /// Number of the array `[out, in, kh, kw]` among the outputs.
    pub output: usize,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for WeightGradientSums {
    fn name(&self) -> String {
        self.of.name()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let of = &*self.of;
        let copies = of.copies(context.team.threads);
        let (inputs, outputs) = (of.x.channels, of.dy.channels);
        let taps = of.window.kernel[0] * of.window.kernel[1];
        // SAFETY: the sums lie in the arena.
        let sums = unsafe { std::slice::from_raw_parts(context.arena.add(of.sums), of.len() * copies) };
        while let Some([block, i_block]) = context.take(step, [of.dy.blocks(), of.x.blocks()]) {
            for i in i_block * LANES..((i_block + 1) * LANES).min(inputs) {
                for tap in 0..taps {
                    let row = ((block * taps + tap) * of.x.blocks() + i / LANES) * LANES + i % LANES;
                    for lane in 0..LANES.min(outputs - block * LANES) {
                        let sum: f32 = (0..copies).map(|copy| sums[copy * of.len() + row * LANES + lane]).sum();
                        let at = ((block * LANES + lane) * inputs + i) * taps + tap;
                        // SAFETY: the array has the weights' shape; pairs of blocks are taken once.
                        unsafe { *context.outputs[self.output].0.add(at) = sum };
                    }
                }
            }
        }
    }
}
