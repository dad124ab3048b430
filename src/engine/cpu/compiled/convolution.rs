//! Convolutions in blocks of channels: Winograd's tiles, and direct sums over runs of channels.

use super::super::matmul::{Run, Sink, multiply, row_groups};
use super::super::simd::{LANES, Vector};
use super::super::winograd::{PATCH, PRODUCTS, TILE, transform_input, transform_kernel, transform_output};
use super::memory::{Aligned, Map};
use super::run::Context;

/// What happens to a sum before it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finish {
    /// Nothing.
    Plain,
    /// max(x, 0).
    Relu,
    /// max(x, slope x), slope at most 1.
    Leaky(f32),
}

impl Finish {
    /// Applies it.
    ///
    /// # Safety
    /// The processor runs `V`'s instructions.
    #[inline(always)]
    pub unsafe fn apply<V: Vector>(self, x: V) -> V {
        unsafe {
            match self {
                Self::Plain => x,
                Self::Relu => x.max(V::splat(0.0)),
                Self::Leaky(slope) => x.max(x.mul(V::splat(slope))),
            }
        }
    }
}

/// Bias, residual and activation, and where results go.
pub struct Target {
    /// The result.
    pub y: Map,
    /// Its 2x2 maxima, where the next operation is that pooling.
    pub pooled: Option<Map>,
    /// A map of the same size that is added first.
    pub add: Option<Map>,
    /// One value per output channel, padded to blocks.
    pub bias: Aligned,
    /// Activation.
    pub finish: Finish,
}

/// Panels of output channels: first block and number of blocks of each.
fn panels(blocks: usize, width: usize) -> Vec<(usize, usize)> {
    (0..blocks).step_by(width).map(|first| (first, width.min(blocks - first))).collect()
}

/// How the threads share a Winograd convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Everyone takes tiles and computes all channels of them: large maps.
    Tiles,
    /// All tiles are transformed first, then everyone takes channels, so that every weight is read once: small maps.
    Channels,
}

/// Floats between the 36 matrices of a scratch buffer, so that they do not fall on the same cache sets.
const SKEW: usize = LANES;

/// A 3x3 convolution of stride 1 by Winograd's algorithm.
pub struct Winograd {
    /// Its input.
    pub x: Map,
    /// Where its results go.
    pub target: Target,
    padding: [usize; 2],
    /// `[panel][product][channel][panel channels]`.
    weights: Aligned,
    panels: Vec<(usize, usize)>,
    rows: usize,
    /// Tiles down and across.
    tiles: [usize; 2],
    /// Tiles of a chunk.
    chunk: usize,
    /// How the work is shared.
    pub share: Share,
    /// Scratch for transformed inputs: shared, or one per thread.
    pub scratch: usize,
}

/// Bytes of transformed tiles that stay in a core's second-level cache.
const CHUNK_BYTES: usize = 512 * 1024;

impl Winograd {
    /// Packs the weights `[out, in, 3, 3]`; `panel` and `rows` are the matrix kernel's.
    pub fn new(
        x: Map,
        target: Target,
        padding: [usize; 2],
        weight: &[f32],
        panel: usize,
        rows: usize,
        threads: usize,
    ) -> Self {
        let depth = x.blocks() * LANES;
        let outputs = target.y.channels;
        let panels = panels(target.y.blocks(), panel);
        let mut weights = Aligned::zeros(PRODUCTS * depth * target.y.blocks() * LANES);
        let packed = weights.as_mut_slice();
        for &(first, blocks) in &panels {
            let width = blocks * LANES;
            let start = PRODUCTS * depth * first * LANES;
            for o in first * LANES..(first * LANES + width).min(outputs) {
                for i in 0..x.channels {
                    let kernel: [f32; 9] = std::array::from_fn(|n| weight[(o * x.channels + i) * 9 + n]);
                    for (n, value) in transform_kernel(&kernel).into_iter().enumerate() {
                        packed[start + (n * depth + i) * width + o - first * LANES] = value;
                    }
                }
            }
        }
        let tiles = target.y.size.map(|n| n.div_ceil(TILE));
        let count = x.batch * tiles[0] * tiles[1];
        let most = (CHUNK_BYTES / (PRODUCTS * depth * 4)).clamp(rows, 16 * rows);
        let chunks = count.div_ceil(most).next_multiple_of(threads);
        let chunk = count.div_ceil(chunks);
        let weight_floats = PRODUCTS * depth * target.y.blocks() * LANES;
        let tile_floats = PRODUCTS * depth * count;
        // Floats read from beyond the second-level cache by one thread.
        let by_tiles = chunks.div_ceil(threads) * weight_floats;
        let by_channels = tile_floats * panels.len().div_ceil(threads) + weight_floats / threads;
        let share = if by_tiles <= by_channels || count >= 2048 { Share::Tiles } else { Share::Channels };
        Self { x, target, padding, weights, panels, rows, tiles, chunk, share, scratch: 0 }
    }

    /// Bytes of the packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.weights.len() * 4
    }

    /// What it is, for tables of times.
    pub fn name(&self) -> String {
        let (x, y) = (&self.x, &self.target.y);
        format!("3x3 {} -> {} at {}x{} by {:?}, {} tiles a chunk", x.channels, y.channels, y.size[0], y.size[1], self.share, self.chunk)
    }

    fn tile_count(&self) -> usize {
        self.x.batch * self.tiles[0] * self.tiles[1]
    }

    fn depth(&self) -> usize {
        self.x.blocks() * LANES
    }

    /// Floats of the transformed tiles of a chunk.
    fn inputs_len(&self, tiles: usize) -> usize {
        PRODUCTS * (tiles * self.depth() + SKEW)
    }

    fn products_len(&self, tiles: usize) -> usize {
        PRODUCTS * (tiles * self.panel_width() + SKEW)
    }

    fn panel_width(&self) -> usize {
        self.panels.iter().map(|p| p.1).max().unwrap_or(1) * LANES
    }

    /// Floats of scratch for so many threads.
    pub fn scratch_len(&self, threads: usize) -> usize {
        match self.share {
            Share::Tiles => threads * (self.inputs_len(self.chunk) + self.products_len(self.chunk)),
            Share::Channels => {
                self.inputs_len(self.tile_count()) + threads * self.products_len(self.tile_count())
            }
        }
    }

    /// All of it, everyone taking chunks of tiles.
    ///
    /// # Safety
    /// As [`Context`] says; `COLUMNS` is the panel width in blocks.
    #[inline(always)]
    pub unsafe fn run_by_tiles<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        unsafe {
            let own = self.inputs_len(self.chunk) + self.products_len(self.chunk);
            let inputs = context.arena.add(self.scratch + context.thread * own);
            let products = inputs.add(self.inputs_len(self.chunk));
            loop {
                let start = context.team.take(step) * self.chunk;
                if start >= self.tile_count() {
                    break;
                }
                let tiles = start..(start + self.chunk).min(self.tile_count());
                let count = tiles.len();
                for block in 0..self.x.blocks() {
                    for tile in tiles.clone() {
                        self.transform_tile::<V>(context, inputs, tile, tile - start, block, count);
                    }
                }
                for panel in 0..self.panels.len() {
                    self.run_panel::<V, COLUMNS>(context, inputs, products, panel, tiles.clone(), count);
                }
            }
        }
    }

    /// The input transform of all tiles, everyone taking some.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    pub unsafe fn run_inputs<V: Vector>(&self, context: &Context, step: usize) {
        unsafe {
            let inputs = context.arena.add(self.scratch);
            let (count, blocks) = (self.tile_count(), self.x.blocks());
            loop {
                // A piece is one row of tiles of one block.
                let piece = context.team.take(step);
                let (line, block) = (piece / blocks, piece % blocks);
                if line * self.tiles[1] >= count {
                    break;
                }
                for tile in line * self.tiles[1]..(line + 1) * self.tiles[1] {
                    self.transform_tile::<V>(context, inputs, tile, tile, block, count);
                }
            }
        }
    }

    /// Products and outputs, everyone taking panels.
    ///
    /// # Safety
    /// As [`Context`] says; `COLUMNS` is the panel width in blocks.
    #[inline(always)]
    pub unsafe fn run_by_channels<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        unsafe {
            let count = self.tile_count();
            let inputs = context.arena.add(self.scratch);
            let products = inputs.add(self.inputs_len(count) + context.thread * self.products_len(count));
            loop {
                let panel = context.team.take(step);
                if panel >= self.panels.len() {
                    break;
                }
                self.run_panel::<V, COLUMNS>(context, inputs, products, panel, 0..count, count);
            }
        }
    }

    #[inline(always)]
    unsafe fn transform_tile<V: Vector>(
        &self,
        context: &Context,
        inputs: *mut f32,
        tile: usize,
        slot: usize,
        block: usize,
        count: usize,
    ) {
        unsafe {
            let x = &self.x;
            let [across, down] = [tile % self.tiles[1], tile / self.tiles[1] % self.tiles[0]];
            let image = tile / (self.tiles[0] * self.tiles[1]);
            let top = (down * TILE) as isize - self.padding[0] as isize;
            let left = (across * TILE) as isize - self.padding[1] as isize;
            let border = x.border as isize;
            let inside = top >= -border
                && left >= -border
                && top + PATCH as isize <= x.size[0] as isize + border
                && left + PATCH as isize <= x.size[1] as isize + border;
            let mut patch = [0.0f32; PRODUCTS * LANES];
            let (from, row) = if inside {
                (context.arena.add(x.at(image, block, top, left)).cast_const(), x.row())
            } else {
                for (n, pixel) in patch.chunks_exact_mut(LANES).enumerate() {
                    let (r, c) = (top + (n / PATCH) as isize, left + (n % PATCH) as isize);
                    let in_map = r >= 0 && c >= 0 && r < x.size[0] as isize && c < x.size[1] as isize;
                    if in_map {
                        let from = context.arena.add(x.at(image, block, r, c));
                        pixel.copy_from_slice(std::slice::from_raw_parts(from, LANES));
                    }
                }
                (patch.as_ptr(), PATCH * LANES)
            };
            let mut columns = [[V::splat(0.0); PATCH]; PATCH];
            for c in 0..PATCH {
                let mut d = [V::splat(0.0); PATCH];
                for r in 0..PATCH {
                    d[r] = V::load(from.add(r * row + c * LANES));
                }
                columns[c] = transform_input(d);
            }
            let stride = count * self.depth() + SKEW;
            let to = inputs.add(slot * self.depth() + block * LANES);
            for r in 0..PATCH {
                let mut d = [V::splat(0.0); PATCH];
                for c in 0..PATCH {
                    d[c] = columns[c][r];
                }
                let out = transform_input(d);
                for c in 0..PATCH {
                    out[c].store(to.add((r * PATCH + c) * stride));
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn run_panel<V: Vector, const COLUMNS: usize>(
        &self,
        context: &Context,
        inputs: *const f32,
        products: *mut f32,
        panel: usize,
        tiles: std::ops::Range<usize>,
        count: usize,
    ) {
        unsafe {
            let (first, blocks) = self.panels[panel];
            let depth = self.depth();
            let width = blocks * LANES;
            let weights = self.weights.as_slice().as_ptr().add(PRODUCTS * depth * first * LANES);
            let in_stride = count * depth + SKEW;
            let out_stride = count * width + SKEW;
            let runs = [Run { offset: 0, len: depth }];
            for n in 0..PRODUCTS {
                let weights = weights.add(n * depth * width);
                for (start, rows) in row_groups(count, self.rows) {
                    let a = inputs.add(n * in_stride + start * depth);
                    let to = products.add(n * out_stride + start * width);
                    let products = Products { to, width };
                    if blocks == COLUMNS {
                        multiply::<V, COLUMNS>(rows, a, depth, &runs, weights, &products);
                    } else {
                        multiply_narrow::<V, _>(rows, a, depth, &runs, weights, products);
                    }
                }
            }
            for block in 0..blocks {
                for tile in tiles.clone() {
                    let from = products.add((tile - tiles.start) * width + block * LANES);
                    self.finish_tile::<V>(context, from, out_stride, tile, first + block);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn finish_tile<V: Vector>(
        &self,
        context: &Context,
        from: *const f32,
        stride: usize,
        tile: usize,
        block: usize,
    ) {
        unsafe {
            let mut columns = [[V::splat(0.0); TILE]; PATCH];
            for c in 0..PATCH {
                let mut m = [V::splat(0.0); PATCH];
                for r in 0..PATCH {
                    m[r] = V::load(from.add((r * PATCH + c) * stride));
                }
                columns[c] = transform_output(m);
            }
            let target = &self.target;
            let y = &target.y;
            let [across, down] = [tile % self.tiles[1], tile / self.tiles[1] % self.tiles[0]];
            let image = tile / (self.tiles[0] * self.tiles[1]);
            let (top, left) = (down * TILE, across * TILE);
            let (height, width) = ((y.size[0] - top).min(TILE), (y.size[1] - left).min(TILE));
            let bias = V::load(target.bias.as_slice().as_ptr().add(block * LANES));
            let mut out = [[V::splat(0.0); TILE]; TILE];
            for r in 0..TILE {
                let mut m = [V::splat(0.0); PATCH];
                for c in 0..PATCH {
                    m[c] = columns[c][r];
                }
                out[r] = transform_output(m);
                for c in 0..TILE {
                    out[r][c] = out[r][c].add(bias);
                }
            }
            if let Some(add) = &target.add {
                for r in 0..height {
                    for c in 0..width {
                        let from = context.arena.add(add.at(image, block, (top + r) as isize, (left + c) as isize));
                        out[r][c] = out[r][c].add(V::load(from));
                    }
                }
            }
            for r in 0..TILE {
                for c in 0..TILE {
                    out[r][c] = target.finish.apply(out[r][c]);
                }
            }
            let to = context.arena.add(y.at(image, block, top as isize, left as isize));
            if height == TILE && width == TILE {
                for r in 0..TILE {
                    for c in 0..TILE {
                        out[r][c].store(to.add(r * y.row() + c * LANES));
                    }
                }
            } else {
                for r in 0..height {
                    for c in 0..width {
                        out[r][c].store(to.add(r * y.row() + c * LANES));
                    }
                }
            }
            if let Some(pooled) = &target.pooled {
                for r in 0..height / 2 {
                    for c in 0..width / 2 {
                        let [above, below] = [&out[2 * r], &out[2 * r + 1]];
                        let largest = above[2 * c].max(above[2 * c + 1]).max(below[2 * c].max(below[2 * c + 1]));
                        let (row, column) = ((top / 2 + r) as isize, (left / 2 + c) as isize);
                        largest.store(context.arena.add(pooled.at(image, block, row, column)));
                    }
                }
            }
        }
    }
}

/// Sums as they are, in rows of a panel's width.
#[derive(Clone, Copy)]
struct Products {
    to: *mut f32,
    width: usize,
}

impl<V: Vector> Sink<V> for Products {
    #[inline(always)]
    unsafe fn put(&self, row: usize, column: usize, sum: V) {
        unsafe { sum.store(self.to.add(row * self.width + column * LANES)) }
    }
}

impl From<(Products, usize)> for Products {
    fn from((products, rows): (Products, usize)) -> Self {
        Self { to: products.to.wrapping_add(rows * products.width), ..products }
    }
}

/// Results with bias, residual and activation, in a line of pixels.
#[derive(Clone, Copy)]
struct Pixels {
    to: *mut f32,
    /// Floats from pixel to pixel, and from block to block.
    step: usize,
    plane: usize,
    bias: *const f32,
    /// The line of the map that is added, and the distance of its blocks.
    add: Option<(*const f32, usize)>,
    finish: Finish,
}

impl<V: Vector> Sink<V> for Pixels {
    #[inline(always)]
    unsafe fn put(&self, row: usize, column: usize, sum: V) {
        unsafe {
            let mut value = sum.add(V::load(self.bias.add(column * LANES)));
            if let Some((from, plane)) = self.add {
                value = value.add(V::load(from.add(column * plane + row * self.step)));
            }
            self.finish.apply(value).store(self.to.add(column * self.plane + row * self.step));
        }
    }
}

impl From<(Pixels, usize)> for Pixels {
    fn from((pixels, rows): (Pixels, usize)) -> Self {
        let add = pixels.add.map(|(from, plane)| (from.wrapping_add(rows * pixels.step), plane));
        Self { to: pixels.to.wrapping_add(rows * pixels.step), add, ..pixels }
    }
}

/// The last panel, one block wide where the others are wider; at most as many rows as a narrow kernel has, per call.
#[inline(always)]
unsafe fn multiply_narrow<V: Vector, S: Sink<V> + Copy + From<(S, usize)>>(
    rows: usize,
    a: *const f32,
    a_step: usize,
    runs: &[Run],
    b: *const f32,
    sink: S,
) {
    for (start, count) in row_groups(rows, 6) {
        unsafe { multiply::<V, 1>(count, a.add(start * a_step), a_step, runs, b, &S::from((sink, start))) };
    }
}

/// A convolution (or one tap of a transposed one) as sums over runs of channels, of any kernel, stride and dilation.
pub struct Direct {
    /// Its input.
    pub x: Map,
    /// Where its results go; not pooled.
    pub target: Target,
    stride: [usize; 2],
    padding: [usize; 2],
    runs: Vec<Run>,
    /// `[panel][channel of the runs][panel channels]`.
    weights: Aligned,
    panels: Vec<(usize, usize)>,
    rows: usize,
    /// Positions down and across at which it is computed.
    positions: [usize; 2],
    /// Output pixels per position, and the pixel among them that this writes.
    out_step: [usize; 2],
    out_at: [usize; 2],
    /// Rows of positions in a piece of work.
    piece: usize,
}

/// A direct convolution's geometry.
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

/// Positions that a piece of work has at least, so that weights are used more than once.
const PIECE_POSITIONS: usize = 256;

impl Direct {
    /// Packs weights that `weight(output, input, ky, kx)` gives.
    pub fn new(
        x: Map,
        target: Target,
        window: Window,
        weight: impl Fn(usize, usize, usize, usize) -> f32,
        panel: usize,
        rows: usize,
        threads: usize,
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
        let panels = panels(target.y.blocks(), panel);
        let mut weights = Aligned::zeros(order.len() * target.y.blocks() * LANES);
        let packed = weights.as_mut_slice();
        for &(first, blocks) in &panels {
            let width = blocks * LANES;
            let start = order.len() * first * LANES;
            for o in first * LANES..(first * LANES + width).min(target.y.channels) {
                for (k, &(i, ky, kx)) in order.iter().enumerate() {
                    packed[start + k * width + o - first * LANES] = weight(o, i, ky, kx);
                }
            }
        }
        let positions = target.y.size;
        let mut direct = Self {
            x,
            target,
            stride: window.stride,
            padding: window.padding,
            runs,
            weights,
            panels,
            rows,
            positions,
            out_step: [1, 1],
            out_at: [0, 0],
            piece: 1,
        };
        direct.set_piece(threads);
        direct
    }

    /// Makes it one tap of a transposed convolution whose kernel is its stride: every input pixel gives the output pixel
    /// `at` of its `step` rectangle.
    pub fn scattered(mut self, step: [usize; 2], at: [usize; 2], threads: usize) -> Self {
        (self.out_step, self.out_at) = (step, at);
        self.positions = self.x.size;
        self.set_piece(threads);
        self
    }

    fn set_piece(&mut self, threads: usize) {
        let lines = self.x.batch * self.positions[0];
        let wanted = PIECE_POSITIONS.div_ceil(self.positions[1].max(1));
        self.piece = wanted.min(lines.div_ceil(threads)).max(1);
    }

    /// Bytes of the packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.weights.len() * 4
    }

    /// What it is, for tables of times.
    pub fn name(&self) -> String {
        let (x, y) = (&self.x, &self.target.y);
        format!("direct {} -> {} at {}x{}", x.channels, y.channels, y.size[0], y.size[1])
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
            let x = &self.x;
            let depth: usize = self.runs.iter().map(|run| run.len).sum();
            let weights = self.weights.as_slice().as_ptr().add(depth * first * LANES);
            let a_step = self.stride[1] * x.lanes;
            let row = (line * self.stride[0]) as isize - self.padding[0] as isize;
            let base = context.arena.add(x.at(image, 0, row, -(self.padding[1] as isize))).cast_const();
            let target = &self.target;
            let out_row = (line * self.out_step[0] + self.out_at[0]) as isize;
            let out = target.y.at(image, first, out_row, self.out_at[1] as isize);
            let add = target.add.as_ref().map(|add| {
                let at = add.at(image, first, out_row, self.out_at[1] as isize);
                (context.arena.add(at).cast_const(), add.plane())
            });
            let line = Pixels {
                to: context.arena.add(out),
                step: self.out_step[1] * LANES,
                plane: target.y.plane(),
                bias: target.bias.as_slice().as_ptr().add(first * LANES),
                add,
                finish: target.finish,
            };
            for (start, rows) in row_groups(self.positions[1], self.rows) {
                let a = base.add(start * a_step);
                let pixels = Pixels::from((line, start));
                if blocks == COLUMNS {
                    multiply::<V, COLUMNS>(rows, a, a_step, &self.runs, weights, &pixels);
                } else {
                    multiply_narrow::<V, _>(rows, a, a_step, &self.runs, weights, pixels);
                }
            }
        }
    }
}
