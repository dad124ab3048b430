//! 3x3 convolutions in tiles, by Winograd's algorithm.

use super::super::matmul::{Product, Run, Sink, multiply, row_groups};
use super::super::simd::{LANES, Vector};
use super::super::winograd::{PATCH, PRODUCTS, TILE, transform_input, transform_kernel, transform_output};
use super::Options;
use super::memory::{Aligned, Map};
use super::run::Context;
use super::target::{Target, multiply_narrow, panels};

/// How the threads share a Winograd convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Everyone takes tiles and computes all channels of them: large maps.
    Tiles,
    /// All tiles are transformed first, then everyone takes channels, so that every weight is read once: small maps.
    Channels,
}

/// Most panels of a group, so that its products stay in the second-level cache.
const MOST_PANELS: usize = 8;

/// Floats between the 36 matrices of a scratch buffer, so that they do not fall on the same cache sets.
const SKEW: usize = LANES;

/// A 3x3 convolution of stride 1 by Winograd's algorithm.
pub struct Winograd {
    /// Its input.
    pub x: Map,
    /// Where its results go.
    pub target: Target,
    padding: [usize; 2],
    /// `[group][product][panel of the group][channel][panel channels]`.
    weights: Aligned,
    panels: Vec<(usize, usize)>,
    /// Panels that are computed together, tile by tile: one, or a thread's share.
    groups: Vec<std::ops::Range<usize>>,
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

/// Tiles per thread from which on threads share a convolution by tiles.
const SHARED_BY_TILES: usize = 96;

impl Winograd {
    /// Packs the weights `[out, in, 3, 3]`.
    pub fn new(x: Map, target: Target, padding: [usize; 2], weight: &[f32], options: &Options) -> Self {
        let (set, threads) = (options.set, options.threads);
        let (rows, depth, outputs) = (set.panel_rows(), x.blocks() * LANES, target.y.channels);
        let tiles = target.y.size.map(|n| n.div_ceil(TILE));
        let count = x.batch * tiles[0] * tiles[1];
        let panels = panels(target.y.blocks(), set.panel_blocks());
        let share = if count / threads >= SHARED_BY_TILES { Share::Tiles } else { Share::Channels };
        let groups: Vec<_> = match share {
            Share::Tiles => (0..panels.len()).map(|n| n..n + 1).collect(),
            Share::Channels => row_groups(panels.len(), panels.len().div_ceil(threads).min(MOST_PANELS))
                .map(|(start, len)| start..start + len)
                .collect(),
        };
        let mut weights = Aligned::zeros(PRODUCTS * depth * target.y.blocks() * LANES);
        let packed = weights.as_mut_slice();
        for group in &groups {
            let group_start = PRODUCTS * depth * panels[group.start].0 * LANES;
            let group_width: usize = panels[group.clone()].iter().map(|p| p.1 * LANES).sum();
            for &(first, blocks) in &panels[group.clone()] {
                let width = blocks * LANES;
                let start = group_start + depth * (first - panels[group.start].0) * LANES;
                for o in first * LANES..(first * LANES + width).min(outputs) {
                    for i in 0..x.channels {
                        let kernel: [f32; 9] = std::array::from_fn(|n| weight[(o * x.channels + i) * 9 + n]);
                        for (n, value) in transform_kernel(&kernel).into_iter().enumerate() {
                            packed[start + n * depth * group_width + i * width + o - first * LANES] = value;
                        }
                    }
                }
            }
        }
        let most = (set.tile_bytes() / (PRODUCTS * depth * size_of::<f32>())).clamp(rows, 16 * rows);
        let chunks = count.div_ceil(most).next_multiple_of(threads);
        let chunk = count.div_ceil(chunks);
        Self { x, target, padding, weights, panels, groups, rows, tiles, chunk, share, scratch: 0 }
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
        let widest = (0..self.groups.len()).map(|group| self.group_width(group)).max().unwrap_or(0);
        PRODUCTS * (tiles * widest + SKEW)
    }

    /// Output channels of a group, padded to blocks.
    fn group_width(&self, group: usize) -> usize {
        self.panels[self.groups[group].clone()].iter().map(|p| p.1 * LANES).sum()
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
                for group in 0..self.groups.len() {
                    self.run_group::<V, COLUMNS>(context, inputs, products, group, tiles.clone(), count);
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

    /// Products and outputs, everyone taking groups of panels.
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
                let group = context.team.take(step);
                if group >= self.groups.len() {
                    break;
                }
                self.run_group::<V, COLUMNS>(context, inputs, products, group, 0..count, count);
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
    unsafe fn run_group<V: Vector, const COLUMNS: usize>(
        &self,
        context: &Context,
        inputs: *const f32,
        products: *mut f32,
        group: usize,
        tiles: std::ops::Range<usize>,
        count: usize,
    ) {
        unsafe {
            let panels = &self.panels[self.groups[group].clone()];
            let first = panels[0].0;
            let (depth, width) = (self.depth(), self.group_width(group));
            let mut weights = self.weights.as_slice().as_ptr().add(PRODUCTS * depth * first * LANES);
            let in_stride = count * depth + SKEW;
            let out_stride = count * width + SKEW;
            let runs = [Run { offset: 0, len: depth }];
            for n in 0..PRODUCTS {
                for &(panel, blocks) in panels {
                    let own = blocks * LANES;
                    // The weights that come next, spread over the groups of rows.
                    let mut ahead = weights.wrapping_add(depth * own);
                    for (start, rows) in row_groups(count, self.rows) {
                        let a = inputs.add(n * in_stride + start * depth);
                        let to = products.add(n * out_stride + start * width + (panel - first) * LANES);
                        let product = Product { a, a_step: depth, runs: &runs, b: weights, ahead };
                        let products = Products { to, width };
                        if blocks == COLUMNS {
                            multiply::<V, COLUMNS>(rows, product, &products);
                        } else {
                            multiply_narrow::<V, _>(rows, product, products);
                        }
                        ahead = if start == 0 { ahead.wrapping_add(depth * LANES) } else { weights };
                    }
                    weights = weights.add(depth * own);
                }
            }
            for block in 0..width / LANES {
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

