//! The gradient of a 3x3 convolution's weights by Winograd's algorithm: `dU = V^T M` for each of the 36 products, with the
//! input's patches `V = B^T d B` and the gradient's tiles `M = A g A^T`, then `dW = G^T dU G`.

use std::sync::Arc;

use super::super::memory::Map;
use super::super::options::Options;
use super::super::patches::{Line, Patches};
use super::super::step::{Context, Step};
use super::super::tiles::{KERNEL, transform_gradient_tile, transform_to_taps};
use crate::engine::cpu::matmul::{OuterProduct, OuterRun, multiply_outer};
use crate::engine::cpu::simd::{LANES, Vector};
use crate::engine::cpu::winograd::{PRODUCTS, TILE};

/// Most blocks of channels of a piece, of each map: their sums stay in the second-level cache.
const BLOCKS: usize = 4;
/// Tiles of a chunk: fewer, and sums are fetched too often; more, and the tiles leave the cache.
const TILES: std::ops::RangeInclusive<usize> = 8..=64;
/// Floats between the 36 matrices, so that they do not fall on the same cache sets.
const SKEW: usize = LANES;

/// The gradient of a 3x3 convolution's weights.
pub struct TileWeightGradient {
    patches: Patches,
    dy: Map,
    chunk: usize,
    /// Groups of blocks of the input and of the gradient.
    groups: [usize; 2],
    /// Ranges of tiles that have sums of their own; they are added up by a second step.
    splits: usize,
    /// Where transformed tiles lie (per thread), and after them sums that are not split.
    pub scratch: usize,
    /// Where sums of ranges lie.
    pub sums: usize,
    /// Number of the array `[out, in, 3, 3]` among the outputs.
    output: usize,
    threads: usize,
}

impl TileWeightGradient {
    /// The step for a convolution's input and its result's gradient; scratch and sums are placed later.
    pub fn new(x: Map, dy: Map, padding: [usize; 2], output: usize, options: &Options) -> Self {
        let patches = Patches::new(x, dy.size, padding);
        let groups = [x.blocks().div_ceil(BLOCKS), dy.blocks().div_ceil(BLOCKS)];
        let (pieces, threads) = (groups[0] * groups[1], options.threads);
        let even = pieces.is_multiple_of(threads) || pieces >= 4 * threads;
        let splits = if even { 1 } else { threads.div_ceil(pieces).max(2).min(patches.count()) };
        let widest = x.blocks().min(BLOCKS) + dy.blocks().min(BLOCKS);
        let fit = options.set.tile_bytes() / (PRODUCTS * widest * LANES * size_of::<f32>());
        let chunk = fit.clamp(*TILES.start(), *TILES.end()).min(patches.count().div_ceil(splits));
        Self { patches, dy, chunk, groups, splits, scratch: 0, sums: 0, output, threads }
    }

    /// Whether [`TileWeightGradientSums`] is to follow.
    pub fn is_split(&self) -> bool {
        self.splits > 1
    }

    /// First block and number of blocks of a group.
    fn group(&self, side: usize, n: usize) -> (usize, usize) {
        let blocks = if side == 0 { self.patches.x.blocks() } else { self.dy.blocks() };
        let (start, end) = (n * blocks / self.groups[side], (n + 1) * blocks / self.groups[side]);
        (start, end - start)
    }

    /// Floats of the sums of a piece: `[product][out block][in block][16][16]`.
    fn sum_len(&self) -> usize {
        let most = |blocks: usize, groups: usize| blocks.div_ceil(groups);
        let blocks = most(self.patches.x.blocks(), self.groups[0]) * most(self.dy.blocks(), self.groups[1]);
        PRODUCTS * blocks * LANES * LANES
    }

    fn tile_len(&self) -> usize {
        PRODUCTS * (BLOCKS * self.chunk * LANES + SKEW)
    }

    fn own_len(&self) -> usize {
        2 * self.tile_len() + self.sum_len()
    }

    /// Floats of scratch of all threads.
    pub fn scratch_len(&self) -> usize {
        self.threads * self.own_len()
    }

    /// Floats of the sums of all ranges; none where they are not split.
    pub fn sums_len(&self) -> usize {
        if self.is_split() { self.groups[0] * self.groups[1] * self.splits * self.sum_len() } else { 0 }
    }

    /// The weights from the sums of all ranges.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_sums<V: Vector>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let blocks = [self.patches.x.blocks(), self.dy.blocks()];
            while let Some([output, input]) = context.take(step, [blocks[1], blocks[0]]) {
                let at = [input, output];
                // The group that holds the block, on both sides.
                let find = |side: usize| {
                    let holds = |n: &usize| {
                        let (first, count) = self.group(side, *n);
                        (first..first + count).contains(&at[side])
                    };
                    (0..self.groups[side]).find(holds).unwrap_or(0)
                };
                let (i_group, o_group) = (find(0), find(1));
                let (inputs, outputs) = (self.group(0, i_group), self.group(1, o_group));
                let piece = o_group * self.groups[0] + i_group;
                let stride = outputs.1 * inputs.1 * LANES * LANES;
                let inside = ((at[1] - outputs.0) * inputs.1 + at[0] - inputs.0) * LANES * LANES;
                let first = context.arena.add(self.sums + piece * self.splits * self.sum_len() + inside);
                // All ranges join the first, in order.
                for n in 0..PRODUCTS {
                    let first = first.add(n * stride);
                    for row in 0..LANES {
                        let to = first.add(row * LANES);
                        let mut sum = V::load(to);
                        for range in 1..self.splits {
                            sum = sum.add(V::load(to.add(range * self.sum_len())));
                        }
                        sum.store(to);
                    }
                }
                self.finish::<V>(context, first.cast_const(), stride, at);
            }
        }
    }

    /// Adds the products of some tiles, in chunks, to the sums of a piece.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn add_tiles<V: Vector, const COLUMNS: usize>(
        &self,
        context: &Context,
        own: *mut f32,
        sums: *mut f32,
        [inputs, outputs]: [(usize, usize); 2],
        tiles: std::ops::Range<usize>,
    ) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (patches, gradients) = (own, own.add(self.tile_len()));
            let chunk = self.chunk;
            // From product to product.
            let [in_stride, out_stride] = [inputs.1, outputs.1].map(|blocks| blocks * chunk * LANES + SKEW);
            let runs = [OuterRun { a: 0, b: 0 }];
            for start in tiles.clone().step_by(chunk) {
                let some = start..(start + chunk).min(tiles.end);
                for line in self.patches.lines(some.clone()) {
                    for block in 0..inputs.1 {
                        let to = patches.add(block * chunk * LANES);
                        self.patches.transform_line::<V>(context, to, line, inputs.0 + block, LANES, in_stride);
                    }
                    for block in 0..outputs.1 {
                        let to = gradients.add(block * chunk * LANES);
                        self.transform_gradients::<V>(context, to, line, outputs.0 + block, out_stride);
                    }
                }
                for n in 0..PRODUCTS {
                    let sums = sums.add(n * outputs.1 * inputs.1 * LANES * LANES);
                    for i in 0..inputs.1 {
                        for o in (0..outputs.1).step_by(COLUMNS) {
                            let product = OuterProduct {
                                a: patches.add(n * in_stride + i * chunk * LANES),
                                a_next: LANES,
                                b: gradients.add(n * out_stride + o * chunk * LANES),
                                b_column: chunk * LANES,
                                len: some.len(),
                                runs: &runs,
                                fresh: start == tiles.start,
                            };
                            let to = sums.add((o * inputs.1 + i) * LANES * LANES);
                            let to_column = inputs.1 * LANES * LANES;
                            if o + COLUMNS <= outputs.1 {
                                multiply_outer::<V, COLUMNS>(product, to, to_column);
                            } else {
                                multiply_outer::<V, 1>(product, to, to_column);
                            }
                        }
                    }
                }
            }
        }
    }

    /// A g A^T of a line of tiles of one block of the gradient; there is nothing beyond its end.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn transform_gradients<V: Vector>(
        &self,
        context: &Context,
        to: *mut f32,
        line: Line,
        block: usize,
        stride: usize,
    ) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let dy = &self.dy;
            let top = line.down * TILE;
            for n in 0..line.len {
                let left = (line.across + n) * TILE;
                let to = to.add((line.slot + n) * LANES);
                let from = context.arena.add(dy.at(line.image, block, top as isize, left as isize)).cast_const();
                if top + TILE <= dy.size[0] && left + TILE <= dy.size[1] {
                    transform_gradient_tile::<V>(from, dy.row(), to, stride);
                    continue;
                }
                let mut tile = [0.0f32; TILE * TILE * LANES];
                let (rows, columns) = ((dy.size[0] - top).min(TILE), (dy.size[1] - left).min(TILE));
                for r in 0..rows {
                    let line = std::slice::from_raw_parts(from.add(r * dy.row()), columns * LANES);
                    tile[r * TILE * LANES..][..columns * LANES].copy_from_slice(line);
                }
                transform_gradient_tile::<V>(tile.as_ptr(), TILE * LANES, to, stride);
            }
        }
    }

    /// G^T dU G of a block of inputs and one of outputs, into the dense array.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn finish<V: Vector>(&self, context: &Context, sums: *const f32, stride: usize, [i, o]: [usize; 2]) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            // `[input channel][tap][16 outputs]`, then turned around.
            let mut taps = [0.0f32; LANES * KERNEL * LANES];
            for row in 0..LANES {
                let mut u = [V::splat(0.0); PRODUCTS];
                for (n, u) in u.iter_mut().enumerate() {
                    *u = V::load(sums.add(n * stride + row * LANES));
                }
                for (n, tap) in transform_to_taps(&u).into_iter().enumerate() {
                    tap.store(taps.as_mut_ptr().add((row * KERNEL + n) * LANES));
                }
            }
            let (inputs, outputs) = (self.patches.x.channels, self.dy.channels);
            let to = context.outputs[self.output].0;
            let line = |lane: usize| to.add(((o * LANES + lane) * inputs + i * LANES) * KERNEL);
            let (rows, lanes) = (LANES.min(inputs - i * LANES), LANES.min(outputs - o * LANES));
            if rows == LANES {
                for group in 0..KERNEL {
                    let mut lines = [V::splat(0.0); LANES];
                    for (n, line) in lines.iter_mut().enumerate() {
                        *line = V::load(taps.as_ptr().add((group * LANES + n) * LANES));
                    }
                    for (lane, values) in V::transpose(lines).into_iter().enumerate().take(lanes) {
                        values.store(line(lane).add(group * LANES));
                    }
                }
                return;
            }
            for lane in 0..lanes {
                for n in 0..rows * KERNEL {
                    *line(lane).add(n) = taps[n * LANES + lane];
                }
            }
        }
    }
}

/// Sums of all pieces and ranges; where there are no ranges, the weights too.
// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for TileWeightGradient {
    fn name(&self) -> String {
        let (x, y) = (&self.patches.x, &self.dy);
        format!("3x3 weights {} -> {} at {}x{}", x.channels, y.channels, y.size[0], y.size[1])
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let own = context.arena.add(self.scratch + context.thread * self.own_len());
            let count = self.patches.count();
            let work = [self.splits, self.groups[0] * self.groups[1]];
            while let Some([range, piece]) = context.take(step, work) {
                let sums = if self.is_split() {
                    context.arena.add(self.sums + (piece * self.splits + range) * self.sum_len())
                } else {
                    own.add(2 * self.tile_len())
                };
                let tiles = range * count / self.splits..(range + 1) * count / self.splits;
                let inputs = self.group(0, piece % self.groups[0]);
                let outputs = self.group(1, piece / self.groups[0]);
                self.add_tiles::<V, COLUMNS>(context, own, sums, [inputs, outputs], tiles);
                if !self.is_split() {
                    for o in 0..outputs.1 {
                        for i in 0..inputs.1 {
                            let sums = sums.add((o * inputs.1 + i) * LANES * LANES).cast_const();
                            let stride = outputs.1 * inputs.1 * LANES * LANES;
                            self.finish::<V>(context, sums, stride, [inputs.0 + i, outputs.0 + o]);
                        }
                    }
                }
            }
        }
    }
}

/// The weights from the sums of all ranges.
pub struct TileWeightGradientSums(pub Arc<TileWeightGradient>);

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for TileWeightGradientSums {
    fn name(&self) -> String {
        "3x3 weights, sums".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: as the caller says.
        unsafe { self.0.run_sums::<V>(context, step) }
    }
}
