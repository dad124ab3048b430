//! 3x3 convolutions in tiles, by Winograd's algorithm.

mod steps;
mod weights;

use super::super::matmul::{Product, Run, multiply, row_groups};
use super::super::simd::{LANES, Vector};
use super::super::winograd::{PRODUCTS, TILE};
use super::memory::{Constants, Map};
use super::options::Options;
use super::patches::{Line, Patches};
use super::step::Context;
use super::target::{Target, multiply_narrow, panels};
use super::tiles::{KERNEL, MoreProducts, Products, add_tile, store_tile, transform_products, transform_weights};

/// How the threads share a Winograd convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Everyone takes tiles and computes all channels of them, with weights that were transformed before: large maps.
    Tiles,
    /// The same, but a part of the input channels after the other, transforming weights on the way: many channels.
    Parts,
    /// All tiles are transformed first, then everyone takes channels, so that every weight is read once: small maps.
    Channels,
}

/// Channels of a part of the depth, the first that divides it.
const PARTS: [usize; 4] = [64, 48, 32, 16];
/// Most output channels of a panel of any instruction set.
const MOST_WIDTH: usize = 2 * LANES;
/// Products of a group, times 36: as many as stay in the second-level cache beside a part of the tiles.
const GROUP_PRODUCTS: usize = 8192;

/// Floats between the 36 matrices of a scratch buffer, so that they do not fall on the same cache sets.
const SKEW: usize = LANES;

/// A 3x3 convolution of stride 1 by Winograd's algorithm.
pub struct Winograd {
    /// Its input, in tiles.
    patches: Patches,
    /// Where its results go.
    pub target: Target,
    /// By tiles: transformed, `[panel][product][channel][panel channels]`. By channels: as they are,
    /// `[panel][channel][9][panel channels]`; they are transformed while running, because reading a quarter of the
    /// bytes takes less time than that.
    pub weights: Constants,
    panels: Vec<(usize, usize)>,
    /// Panels that are computed together, tile by tile: one, or a thread's share.
    groups: Vec<std::ops::Range<usize>>,
    rows: usize,
    /// Tiles of a chunk.
    chunk: usize,
    /// Tiles that scratch holds side by side: a chunk or all.
    places: usize,
    /// The blocks of a part of the depth, in scratch.
    runs: Vec<Run>,
    /// Channels of a part of the depth: all of them, or few enough that their tiles stay in the second-level cache.
    part: usize,
    /// How the work is shared.
    pub share: Share,
    scratch: Scratch,
}

/// Where a convolution's scratch lies in the arena.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Scratch {
    /// First float of the first thread's own.
    own: usize,
    /// Floats of each thread's own.
    own_len: usize,
    /// First float of everybody's.
    shared: usize,
}

/// Tiles per thread from which on threads share a convolution by tiles: few weights, many weights.
const TILES_FOR_TILES: usize = 48;
/// See [`TILES_FOR_TILES`].
const TILES_FOR_PARTS: usize = 24;

impl Winograd {
    /// The step without weights.
    pub fn new(x: Map, target: Target, padding: [usize; 2], options: &Options) -> Self {
        let (set, threads) = (options.set, options.threads);
        let (rows, depth) = (set.panel_rows(), x.blocks() * LANES);
        let patches = Patches::new(x, target.y.size, padding);
        let count = patches.count();
        let panels = panels(target.y.blocks(), set.panel_blocks());
        let transformed = PRODUCTS * depth * target.y.blocks() * LANES * size_of::<f32>();
        let share = match count / threads {
            0..TILES_FOR_PARTS => Share::Channels,
            TILES_FOR_PARTS.. if transformed > set.weight_bytes() => Share::Parts,
            TILES_FOR_PARTS..TILES_FOR_TILES => Share::Channels,
            _ => Share::Tiles,
        };
        let most_panels =
            (GROUP_PRODUCTS / (count * set.panel_blocks() * LANES)).clamp(1, panels.len().div_ceil(threads));
        let groups: Vec<_> = match share {
            Share::Tiles => (0..panels.len()).map(|n| n..n + 1).collect(),
            Share::Parts => std::iter::once(0..panels.len()).collect(),
            Share::Channels => row_groups(panels.len(), most_panels).map(|(start, len)| start..start + len).collect(),
        };
        let part = match share {
            Share::Tiles => depth,
            Share::Parts | Share::Channels => PARTS.into_iter().find(|part| depth % part == 0).unwrap_or(LANES),
        };
        let most = match share {
            Share::Parts => (GROUP_PRODUCTS / (target.y.blocks() * LANES)).max(rows),
            _ => (set.chunk_bytes() / (PRODUCTS * depth * size_of::<f32>())).clamp(rows, 16 * rows),
        };
        let chunks = count.div_ceil(most).next_multiple_of(threads);
        let chunk = count.div_ceil(chunks);
        let places = if share == Share::Channels { count } else { chunk };
        let runs = (0..part / LANES).map(|n| Run { offset: (n * places * LANES) as isize, len: LANES }).collect();
        let weights = Constants::Placed(0);
        Self {
            patches,
            target,
            weights,
            panels,
            groups,
            rows,
            chunk,
            places,
            runs,
            part,
            share,
            scratch: Scratch::default(),
        }
    }

    /// Input channels.
    pub fn input_channels(&self) -> usize {
        self.patches.x.channels
    }

    /// Blocks of input channels.
    pub fn input_blocks(&self) -> usize {
        self.patches.x.blocks()
    }

    /// What it is, for tables of times.
    pub fn name(&self) -> String {
        let (x, y) = (&self.patches.x, &self.target.y);
        format!(
            "3x3 {} -> {} at {}x{} by {:?}, {} tiles a chunk",
            x.channels, y.channels, y.size[0], y.size[1], self.share, self.chunk
        )
    }

    fn tile_count(&self) -> usize {
        self.patches.count()
    }

    fn depth(&self) -> usize {
        self.patches.x.blocks() * LANES
    }

    /// Floats of one product's transformed tiles, for a part of the depth: `[block][tile][16]`.
    fn in_stride(&self) -> usize {
        self.places * self.part + SKEW
    }

    /// Floats of the transformed tiles of a chunk: `[part][product][block of the part][tile][16]`.
    fn inputs_len(&self) -> usize {
        self.depth() / self.part * PRODUCTS * self.in_stride()
    }

    /// Floats of one product's transformed weights of a panel, for a part of the depth.
    fn weight_stride(&self) -> usize {
        self.part * MOST_WIDTH + SKEW
    }

    fn products_len(&self, tiles: usize) -> usize {
        let widest = (0..self.groups.len()).map(|group| self.group_width(group)).max().unwrap_or(0);
        PRODUCTS * (tiles * widest + SKEW)
    }

    /// Output channels of a group, padded to blocks.
    fn group_width(&self, group: usize) -> usize {
        self.panels[self.groups[group].clone()].iter().map(|p| p.1 * LANES).sum()
    }

    /// Floats of a thread's own scratch.
    pub fn own_len(&self) -> usize {
        match self.share {
            Share::Tiles => self.inputs_len() + self.products_len(self.chunk),
            Share::Parts => PRODUCTS * (self.in_stride() + self.weight_stride()) + self.products_len(self.chunk),
            Share::Channels => self.products_len(self.tile_count()) + PRODUCTS * self.weight_stride(),
        }
    }

    /// Floats of scratch for so many threads, of which each has `own` for itself, at least [`Winograd::own_len`].
    pub fn scratch_len(&self, threads: usize, own: usize) -> usize {
        threads * own + if self.share == Share::Channels { self.inputs_len() } else { 0 }
    }

    /// Says where as much scratch as that is.
    pub fn place_scratch(&mut self, start: usize, threads: usize, own: usize) {
        self.scratch = Scratch { own: start, own_len: own, shared: start + threads * own };
    }

    /// A thread's own scratch.
    ///
    /// # Safety
    /// As [`Context`] says.
    unsafe fn own_scratch(&self, context: &Context) -> *mut f32 {
        // SAFETY: the arena holds it, see [`Context`].
        unsafe { context.arena.add(self.scratch.own + context.thread * self.scratch.own_len) }
    }

    /// All of it, everyone taking chunks of tiles.
    ///
    /// # Safety
    /// As [`Context`] says; `COLUMNS` is the panel width in blocks.
    #[inline(always)]
    pub unsafe fn run_by_tiles<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let inputs = self.own_scratch(context);
            let products = inputs.add(self.inputs_len());
            while let Some([chunk, _]) = context.take(step, [self.tile_count().div_ceil(self.chunk), 1]) {
                let start = chunk * self.chunk;
                let tiles = start..(start + self.chunk).min(self.tile_count());
                let (count, stride) = (tiles.len(), self.in_stride());
                for line in self.patches.lines(tiles.clone()) {
                    for block in 0..self.patches.x.blocks() {
                        let to = inputs.add(block * self.places * LANES);
                        self.patches.transform_line::<V>(context, to, line, block, LANES, stride);
                    }
                }
                for panel in 0..self.panels.len() {
                    self.run_panel::<V, COLUMNS>(context, inputs, products, panel, tiles.clone(), count);
                }
            }
        }
    }

    /// All of it, everyone taking chunks of tiles, part of the depth by part.
    ///
    /// # Safety
    /// As [`Context`] says; `COLUMNS` is the panel width in blocks.
    #[inline(always)]
    pub unsafe fn run_by_parts<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let inputs = self.own_scratch(context);
            let stride = self.in_stride();
            let weights = inputs.add(PRODUCTS * stride);
            let products = weights.add(PRODUCTS * self.weight_stride());
            while let Some([chunk, _]) = context.take(step, [self.tile_count().div_ceil(self.chunk), 1]) {
                let start = chunk * self.chunk;
                let tiles = start..(start + self.chunk).min(self.tile_count());
                for number in 0..self.depth() / self.part {
                    for line in self.patches.lines(tiles.clone()) {
                        for block in number * self.part / LANES..(number + 1) * self.part / LANES {
                            let to = inputs.add((block * LANES - number * self.part) * self.places);
                            self.patches.transform_line::<V>(context, to, line, block, LANES, stride);
                        }
                    }
                    self.multiply_part::<V, COLUMNS>(context, inputs, weights, products, 0, number, tiles.len());
                }
                self.finish_group::<V>(context, products, 0, tiles);
            }
        }
    }

    /// The input transform of all tiles, everyone taking some.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    pub unsafe fn run_inputs<V: Vector>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let inputs = context.arena.add(self.scratch.shared);
            let (count, blocks, stride) = (self.tile_count(), self.patches.x.blocks(), self.in_stride());
            // A piece is one row of tiles of one block.
            while let Some([line, block]) = context.take(step, [count / self.patches.tiles[1], blocks]) {
                let all = Line {
                    image: line / self.patches.tiles[0],
                    down: line % self.patches.tiles[0],
                    across: 0,
                    len: self.patches.tiles[1],
                    slot: line * self.patches.tiles[1],
                };
                let (number, channel) = (block * LANES / self.part, block * LANES % self.part);
                let to = inputs.add(number * PRODUCTS * stride + channel * self.places);
                self.patches.transform_line::<V>(context, to, all, block, LANES, stride);
            }
        }
    }

    /// Products and outputs, everyone taking groups of panels.
    ///
    /// # Safety
    /// As [`Context`] says; `COLUMNS` is the panel width in blocks.
    #[inline(always)]
    pub unsafe fn run_by_channels<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let count = self.tile_count();
            let inputs = context.arena.add(self.scratch.shared);
            let products = self.own_scratch(context);
            let weights = products.add(self.products_len(count));
            while let Some([group, _]) = context.take(step, [self.groups.len(), 1]) {
                for number in 0..self.depth() / self.part {
                    let inputs = inputs.add(number * PRODUCTS * self.in_stride());
                    self.multiply_part::<V, COLUMNS>(context, inputs, weights, products, group, number, count);
                }
                self.finish_group::<V>(context, products, group, 0..count);
            }
        }
    }

    /// Products and outputs of a panel for a chunk of tiles, with transformed weights.
    ///
    /// # Safety
    /// As [`Context`] says.
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
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (first, blocks) = self.panels[panel];
            let (depth, width) = (self.depth(), blocks * LANES);
            let mut weights = self.weights.start(context.arena).add(PRODUCTS * depth * first * LANES);
            let out_stride = count * width + SKEW;
            for n in 0..PRODUCTS {
                // The weights that come next are asked for by the first two groups of rows.
                let mut ahead = weights.wrapping_add(depth * width);
                let place = |n: usize, row: usize| inputs.wrapping_add(n * self.in_stride() + row * LANES);
                for (start, rows) in row_groups(count, self.rows) {
                    let end = start + rows;
                    let next = if end < count { place(n, end) } else { place((n + 1) % PRODUCTS, 0) };
                    let (a, runs) = (place(n, start), &self.runs);
                    let product = Product { a, a_step: LANES, runs, b: weights, ahead, next };
                    let products = Products { to: products.add(n * out_stride + start * width), width };
                    if blocks == COLUMNS {
                        multiply::<V, COLUMNS, LANES>(rows, product, &products);
                    } else {
                        multiply_narrow::<V, LANES, _>(rows, product, products);
                    }
                    ahead = if start == 0 { ahead.wrapping_add(depth * LANES) } else { weights };
                }
                weights = weights.add(depth * width);
            }
            for line in self.patches.lines(tiles) {
                for block in 0..blocks {
                    let from = products.add(line.slot * width + block * LANES);
                    self.finish_line::<V>(context, from, width, out_stride, line, first + block);
                }
            }
        }
    }

    /// Products of a group of panels for some tiles and a part of the depth, transforming weights on the way.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn multiply_part<V: Vector, const COLUMNS: usize>(
        &self,
        context: &Context,
        inputs: *const f32,
        fresh: *mut f32,
        products: *mut f32,
        group: usize,
        number: usize,
        count: usize,
    ) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let panels = &self.panels[self.groups[group].clone()];
            let (first, group_width) = (panels[0].0, self.group_width(group));
            let (depth, part) = (self.depth(), self.part);
            let (in_stride, out_stride) = (self.in_stride(), count * group_width + SKEW);
            for &(panel, blocks) in panels {
                let width = blocks * LANES;
                let raw = self.weights.start(context.arena);
                let raw = raw.add(KERNEL * (depth * panel * LANES + number * part * width));
                transform_weights::<V>(raw, part, blocks, fresh, width, self.weight_stride());
                // The next panel's weights as they are.
                let next = raw.wrapping_add(KERNEL * depth * width);
                for n in 0..PRODUCTS {
                    let weights = fresh.add(n * self.weight_stride()).cast_const();
                    let ahead = next.wrapping_add(n * part * width / 4);
                    let place = |n: usize, row: usize| inputs.wrapping_add(n * in_stride + row * LANES);
                    for (start, rows) in row_groups(count, self.rows) {
                        let (a, end) = (place(n, start), start + rows);
                        let ahead = if start == 0 { ahead } else { weights };
                        let next = if end < count { place(n, end) } else { place((n + 1) % PRODUCTS, 0) };
                        let product = Product { a, a_step: LANES, runs: &self.runs, b: weights, ahead, next };
                        let to = n * out_stride + (panel - first) * LANES * count + start * width;
                        let to = Products { to: products.add(to), width };
                        match (blocks == COLUMNS, number == 0) {
                            (true, true) => multiply::<V, COLUMNS, LANES>(rows, product, &to),
                            (true, false) => multiply::<V, COLUMNS, LANES>(rows, product, &MoreProducts(to)),
                            (false, true) => multiply_narrow::<V, LANES, _>(rows, product, to),
                            (false, false) => multiply_narrow::<V, LANES, _>(rows, product, MoreProducts(to)),
                        }
                    }
                }
            }
        }
    }

    /// Outputs of a group of panels for some tiles.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn finish_group<V: Vector>(
        &self,
        context: &Context,
        products: *const f32,
        group: usize,
        tiles: std::ops::Range<usize>,
    ) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let panels = &self.panels[self.groups[group].clone()];
            let (first, count) = (panels[0].0, tiles.len());
            let stride = count * self.group_width(group) + SKEW;
            for line in self.patches.lines(tiles) {
                for &(panel, blocks) in panels {
                    let width = blocks * LANES;
                    let products = products.add((panel - first) * LANES * count + line.slot * width);
                    for block in 0..blocks {
                        let from = products.add(block * LANES);
                        self.finish_line::<V>(context, from, width, stride, line, panel + block);
                    }
                }
            }
        }
    }

    /// A^T m A of a line of tiles of one block, and what follows.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn finish_line<V: Vector>(
        &self,
        context: &Context,
        from: *const f32,
        step: usize,
        stride: usize,
        line: Line,
        block: usize,
    ) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let target = &self.target;
            let y = &target.y;
            let bias = V::load(target.bias.start(context.arena).add(block * LANES));
            let top = line.down * TILE;
            let height = (y.size[0] - top).min(TILE);
            let start = |map: &Map, row: usize| context.arena.add(map.at(line.image, block, row as isize, 0));
            let left = line.across * TILE * LANES;
            let to = start(y, top).add(left);
            let add = target.add.as_ref().map(|add| (start(add, top).add(left).cast_const(), add.row()));
            // A map of odd size leaves its last row and column without a maximum.
            let pooled = target.pooled.as_ref().filter(|_| height >= 2);
            let pooled = pooled.map(|map| (start(map, top / 2), map.row()));
            for n in 0..line.len {
                let width = (y.size[1] - (line.across + n) * TILE).min(TILE);
                let whole = height == TILE && width == TILE;
                let mut out = transform_products::<V>(from.add(n * step), stride, step);
                for r in 0..TILE {
                    for c in 0..TILE {
                        out[r][c] = out[r][c].add(bias);
                    }
                }
                // Sizes that the compiler knows keep a whole tile in registers.
                if let Some((add, row)) = add {
                    let add = add.add(n * TILE * LANES);
                    if whole {
                        add_tile(&mut out, add, row, [TILE, TILE]);
                    } else {
                        add_tile(&mut out, add, row, [height, width]);
                    }
                }
                target.finish.apply_to_tile(&mut out);
                let to = to.add(n * TILE * LANES);
                if whole {
                    store_tile(&out, to, y.row(), [TILE, TILE]);
                } else {
                    store_tile(&out, to, y.row(), [height, width]);
                }
                if let Some((pooled, row)) = pooled {
                    for r in 0..TILE / 2 {
                        for c in 0..TILE / 2 {
                            if whole || (2 * r + 1 < height && 2 * c + 1 < width) {
                                let above = out[2 * r][2 * c].max(out[2 * r][2 * c + 1]);
                                let below = out[2 * r + 1][2 * c].max(out[2 * r + 1][2 * c + 1]);
                                let column = (line.across + n) * TILE / 2 + c;
                                above.max(below).store(pooled.add(r * row + column * LANES));
                            }
                        }
                    }
                }
            }
        }
    }
}
