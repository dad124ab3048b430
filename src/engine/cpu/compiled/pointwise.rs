//! Steps that visit every pixel once or twice: loading, borders, pooling, norms, sums, products, storing.

use super::super::simd::{LANES, Vector};
use super::memory::{Aligned, Map};
use super::step::{Context, Step};
use super::target::Finish;
use crate::graph::Pool;

/// The lines of a map that this thread takes: image, block and row of each. An iterator and not a function with a
/// closure, for the reason that [`super::super::matmul::Sink`] tells.
pub struct Lines<'a> {
    context: &'a Context<'a>,
    step: usize,
    blocks: usize,
    rows: usize,
    /// Lines of all images.
    count: usize,
    piece: usize,
    block: usize,
    taken: std::ops::Range<usize>,
}

impl<'a> Lines<'a> {
    /// The lines of a map of this shape.
    pub fn new(context: &'a Context, step: usize, map: &Map) -> Self {
        let (blocks, rows) = (map.blocks(), map.size[0]);
        let count = map.batch * rows;
        let piece = (4096 / (map.size[1] * LANES)).min(count.div_ceil(context.team.threads)).max(1);
        Self { context, step, blocks, rows, count, piece, block: 0, taken: 0..0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = (usize, usize, usize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.taken.is_empty() {
            let [piece, block] = self.context.take(self.step, [self.count.div_ceil(self.piece), self.blocks])?;
            self.block = block;
            self.taken = piece * self.piece..((piece + 1) * self.piece).min(self.count);
        }
        let n = self.taken.next()?;
        Some((n / self.rows, self.block, n % self.rows))
    }
}

/// Writes the zeros around a map.
pub struct Border(pub Map);

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Border {
    fn name(&self) -> String {
        "border".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let map = &self.0;
        let planes = map.batch * map.blocks();
        let (row, thick) = (map.row(), map.border * map.lanes);
        while let Some([plane, _]) = context.take(step, [planes, 1]) {
            let border = map.border as isize;
            let start = map.at(plane / map.blocks(), plane % map.blocks(), -border, -border);
            // SAFETY: the plane lies in the arena, and nobody else writes its border in this step; its inside is not touched.
            unsafe {
                let start = context.arena.add(start);
                let zero = |from: usize, len: usize| std::slice::from_raw_parts_mut(start.add(from), len).fill(0.0);
                zero(0, map.border * row);
                zero((map.border + map.size[0]) * row, map.border * row);
                for line in map.border..map.border + map.size[0] {
                    zero(line * row, thick);
                    zero((line + 1) * row - thick, thick);
                }
            }
        }
    }
}

/// Index of a line of a block's first channel in a dense array of the map's shape.
fn dense_line(map: &Map, image: usize, block: usize, row: usize) -> usize {
    let [height, width] = map.size;
    ((image * map.channels + block * map.lanes) * height + row) * width
}

/// Part of a dense array into a line of a map; lanes without a channel become zero.
///
/// # Safety
/// `from` is the line of the block's first channel in an array of the map's shape, `to` the line of the map.
#[inline(always)]
unsafe fn load_line<V: Vector>(map: &Map, block: usize, from: *const f32, to: *mut f32) {
    let [height, width] = map.size;
    let zero = [0.0f32; LANES];
    // SAFETY: as the caller says.
    unsafe {
        if map.lanes == 1 {
            std::ptr::copy_nonoverlapping(from, to, width);
            return;
        }
        let channels = LANES.min(map.channels - block * LANES);
        let mut column = 0;
        while column + LANES <= width {
            let mut lines = [V::splat(0.0); LANES];
            for (lane, line) in lines.iter_mut().enumerate() {
                let inside = lane < channels;
                *line = V::load(if inside { from.add(lane * height * width + column) } else { zero.as_ptr() });
            }
            let pixels = V::transpose(lines);
            for (n, pixel) in pixels.into_iter().enumerate() {
                pixel.store(to.add((column + n) * LANES));
            }
            column += LANES;
        }
        for column in column..width {
            for lane in 0..LANES {
                let value = if lane < channels { *from.add(lane * height * width + column) } else { 0.0 };
                *to.add(column * LANES + lane) = value;
            }
        }
    }
}

/// A line of a map into a dense array.
///
/// # Safety
/// As [`load_line`], the other way.
#[inline(always)]
unsafe fn store_line<V: Vector>(map: &Map, block: usize, from: *const f32, to: *mut f32) {
    let [height, width] = map.size;
    // SAFETY: as the caller says.
    unsafe {
        if map.lanes == 1 {
            std::ptr::copy_nonoverlapping(from, to, width);
            return;
        }
        let channels = LANES.min(map.channels - block * LANES);
        let mut column = 0;
        while column + LANES <= width {
            let mut pixels = [V::splat(0.0); LANES];
            for (n, pixel) in pixels.iter_mut().enumerate() {
                *pixel = V::load(from.add((column + n) * LANES));
            }
            let lines = V::transpose(pixels);
            for (lane, line) in lines.into_iter().enumerate() {
                if lane < channels {
                    line.store(to.add(lane * height * width + column));
                }
            }
            column += LANES;
        }
        for column in column..width {
            for lane in 0..channels {
                *to.add(lane * height * width + column) = *from.add(column * LANES + lane);
            }
        }
    }
}

/// A dense array into a map; lanes without a channel become zero.
pub struct Load {
    /// Number of the array among the inputs.
    pub input: usize,
    /// The map.
    pub map: Map,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Load {
    fn name(&self) -> String {
        "load".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let map = &self.map;
        let from = context.inputs[self.input].as_ptr();
        for (image, block, row) in Lines::new(context, step, map) {
            // SAFETY: the array has the map's shape; the line lies in the arena and is taken once.
            unsafe {
                let to = context.arena.add(map.at(image, block, row as isize, 0));
                load_line::<V>(map, block, from.add(dense_line(map, image, block, row)), to);
            }
        }
    }
}

/// A map into a dense array.
pub struct Store {
    /// The map.
    pub map: Map,
    /// Number of the array among the outputs.
    pub output: usize,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Store {
    fn name(&self) -> String {
        "store".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let map = &self.map;
        let to = context.outputs[self.output].0;
        for (image, block, row) in Lines::new(context, step, map) {
            // SAFETY: the array has the map's shape; the line lies in the arena; lines are taken once.
            unsafe {
                let from = context.arena.add(map.at(image, block, row as isize, 0));
                store_line::<V>(map, block, from, to.add(dense_line(map, image, block, row)));
            }
        }
    }
}

/// Largest value of each window, of any size, stride and padding.
pub struct MaxPool {
    /// Its input.
    pub x: Map,
    /// Its result.
    pub y: Map,
    /// The windows.
    pub pool: Pool,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for MaxPool {
    fn name(&self) -> String {
        "max pool".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let (x, pool) = (&self.x, &self.pool);
        let range = |axis: usize, out: usize| {
            let start = out * pool.stride[axis];
            let end = (start + pool.kernel[axis]).saturating_sub(pool.padding[axis]).min(x.size[axis]);
            start.saturating_sub(pool.padding[axis])..end
        };
        for (image, block, row) in Lines::new(context, step, &self.y) {
            for column in 0..self.y.size[1] {
                // SAFETY: windows are cut to the map; results are written once.
                unsafe {
                    let mut largest = V::splat(f32::NEG_INFINITY);
                    for r in range(0, row) {
                        for c in range(1, column) {
                            let from = context.arena.add(x.at(image, block, r as isize, c as isize));
                            largest = V::load(from).max(largest);
                        }
                    }
                    largest.store(context.arena.add(self.y.at(image, block, row as isize, column as isize)));
                }
            }
        }
    }
}

/// `finish(x * scale + shift)` per channel: a batch norm that could not be folded.
pub struct ScaleShift {
    /// Its input.
    pub x: Map,
    /// Its result.
    pub y: Map,
    /// Per channel, padded to blocks.
    pub scale: Aligned,
    /// Per channel, padded to blocks.
    pub shift: Aligned,
    /// Activation.
    pub finish: Finish,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for ScaleShift {
    fn name(&self) -> String {
        "scale and shift".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        for (image, block, row) in Lines::new(context, step, &self.y) {
            // SAFETY: both lines lie in the arena.
            unsafe {
                let scale = V::load(self.scale.as_slice().as_ptr().add(block * LANES));
                let shift = V::load(self.shift.as_slice().as_ptr().add(block * LANES));
                let from = context.arena.add(self.x.at(image, block, row as isize, 0));
                let to = context.arena.add(self.y.at(image, block, row as isize, 0));
                for n in 0..self.y.size[1] {
                    let value = V::load(from.add(n * LANES)).mul_add(scale, shift);
                    self.finish.apply(value).store(to.add(n * LANES));
                }
            }
        }
    }
}

/// How two maps become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// Sum.
    Add,
    /// Product.
    Multiply,
}

/// Sum or product of two maps; the second may be 1x1 and counts for every pixel.
pub struct Pair {
    /// First.
    pub a: Map,
    /// Second.
    pub b: Map,
    /// Result.
    pub y: Map,
    /// Which.
    pub pairing: Pairing,
    /// Activation.
    pub finish: Finish,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Pair {
    fn name(&self) -> String {
        "sum or product".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let single = self.b.size == [1, 1] && self.a.size != [1, 1];
        for (image, block, row) in Lines::new(context, step, &self.y) {
            // SAFETY: all lines lie in the arena.
            unsafe {
                let at = |map: &Map, row: usize| context.arena.add(map.at(image, block, row as isize, 0));
                let (a, b) = (at(&self.a, row), at(&self.b, if single { 0 } else { row }));
                let to = at(&self.y, row);
                for n in 0..self.y.size[1] {
                    let left = V::load(a.add(n * LANES));
                    let right = V::load(if single { b } else { b.add(n * LANES) });
                    let value = match self.pairing {
                        Pairing::Add => left.add(right),
                        Pairing::Multiply => left.mul(right),
                    };
                    self.finish.apply(value).store(to.add(n * LANES));
                }
            }
        }
    }
}

/// An activation that was not fused, or a copy: element by element.
pub struct Unary {
    /// Input.
    pub x: Map,
    /// Result, of the same blocks.
    pub y: Map,
    /// Activation.
    pub finish: Finish,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Unary {
    fn name(&self) -> String {
        "activation or copy".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        for (image, block, row) in Lines::new(context, step, &self.y) {
            // SAFETY: both lines lie in the arena.
            unsafe {
                let from = context.arena.add(self.x.at(image, block, row as isize, 0));
                let to = context.arena.add(self.y.at(image, block, row as isize, 0));
                for n in 0..self.y.size[1] {
                    self.finish.apply(V::load(from.add(n * LANES))).store(to.add(n * LANES));
                }
            }
        }
    }
}

/// Every pixel repeated down and across: nearest up-sampling by whole numbers.
pub struct Repeat {
    /// Input.
    pub x: Map,
    /// Result, larger by the factors.
    pub y: Map,
    /// Times down and across.
    pub times: [usize; 2],
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Repeat {
    fn name(&self) -> String {
        "nearest up-sampling".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        for (image, block, row) in Lines::new(context, step, &self.x) {
            // SAFETY: all lines lie in the arena; every line of the result belongs to one of the input.
            unsafe {
                let from = context.arena.add(self.x.at(image, block, row as isize, 0));
                for copy in 0..self.times[0] {
                    let row = row * self.times[0] + copy;
                    let mut to = context.arena.add(self.y.at(image, block, row as isize, 0));
                    for n in 0..self.x.size[1] {
                        let value = V::load(from.add(n * LANES));
                        for _ in 0..self.times[1] {
                            value.store(to);
                            to = to.add(LANES);
                        }
                    }
                }
            }
        }
    }
}

/// Values of a map as a dense `[batch, channels, height, width]` array.
///
/// # Safety
/// `arena` holds the map, and nobody writes it meanwhile; the processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn read_map<V: Vector>(arena: *const f32, map: &Map, to: &mut [f32]) {
    assert_eq!(to.len(), map.batch * map.channels * map.size[0] * map.size[1], "an array that is not the map's");
    for image in 0..map.batch {
        for block in 0..map.blocks() {
            for row in 0..map.size[0] {
                // SAFETY: the line lies in the arena, and the array has the map's shape.
                unsafe {
                    let from = arena.add(map.at(image, block, row as isize, 0));
                    store_line::<V>(map, block, from, to.as_mut_ptr().add(dense_line(map, image, block, row)));
                }
            }
        }
    }
}

/// A dense array into a map; lanes without a channel become zero.
///
/// # Safety
/// `arena` holds the map, and nobody else uses it meanwhile; the processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn write_map<V: Vector>(arena: *mut f32, map: &Map, from: &[f32]) {
    assert_eq!(from.len(), map.batch * map.channels * map.size[0] * map.size[1], "an array that is not the map's");
    for image in 0..map.batch {
        for block in 0..map.blocks() {
            for row in 0..map.size[0] {
                // SAFETY: as above.
                unsafe {
                    let to = arena.add(map.at(image, block, row as isize, 0));
                    load_line::<V>(map, block, from.as_ptr().add(dense_line(map, image, block, row)), to);
                }
            }
        }
    }
}
