//! Sums and products of maps of which some are as wide as a channel or as a pixel only: what attention to channels and to
//! positions is made of, forward and backward.

use super::memory::Map;
use super::pointwise::Lines;
use super::step::{Context, Step};
use crate::engine::cpu::simd::{LANES, Vector};

/// `to = scale * a * b`, summed over channels or pixels that `to` does not have.
///
/// With C channels of h x w pixels, each map is `[batch, C, h, w]`, `[batch, C, 1, 1]` or `[batch, 1, h, w]`.
pub struct Product {
    /// First factor.
    pub a: Map,
    /// Second factor; 1 without it.
    pub b: Option<Map>,
    /// The result.
    pub to: Map,
    /// A number that multiplies all.
    pub scale: f32,
    /// Whether it is added to what is there.
    pub add: bool,
}

/// What a map has values for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Every channel of every pixel.
    Whole,
    /// Every channel.
    Channels,
    /// Every pixel.
    Pixels,
}

/// A factor along a line of pixels.
#[derive(Clone, Copy)]
struct Line {
    at: *const f32,
    /// Floats from pixel to pixel.
    step: usize,
    /// Whether one number counts for all channels.
    single: bool,
}

impl Line {
    /// # Safety
    /// The processor has the instructions of `V`; pointers lead to the floats that are read and written.
    #[inline(always)]
    unsafe fn get<V: Vector>(&self, pixel: usize) -> V {
        // SAFETY: the caller keeps the function's conditions.
        unsafe {
            let at = self.at.add(pixel * self.step);
            if self.single { V::splat(*at) } else { V::load(at) }
        }
    }
}

/// Channels, and rows and columns.
pub type Shape = (usize, [usize; 2]);

/// The widest of some shapes.
fn widest(shapes: impl IntoIterator<Item = Shape>) -> Shape {
    let wider = |a: Shape, b: Shape| (a.0.max(b.0), [a.1[0].max(b.1[0]), a.1[1].max(b.1[1])]);
    shapes.into_iter().fold((1, [1, 1]), wider)
}

/// Whether maps are of the three shapes that a [`Product`] knows.
pub fn fit(shapes: &[Shape]) -> bool {
    let (channels, size) = widest(shapes.iter().copied());
    shapes.iter().all(|&of| of.0 == channels && (of.1 == size || of.1 == [1, 1]) || of == (1, size))
}

impl Product {
    fn whole(&self) -> Shape {
        let maps = [Some(&self.a), self.b.as_ref(), Some(&self.to)];
        widest(maps.into_iter().flatten().map(|map| (map.channels, map.size)))
    }

    fn extent(&self, map: &Map) -> Extent {
        let (channels, size) = self.whole();
        match (map.size == size, map.channels == channels) {
            (true, true) => Extent::Whole,
            (false, _) => Extent::Channels,
            (true, false) => Extent::Pixels,
        }
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn line(context: &Context, map: &Map, extent: Extent, image: usize, block: usize, row: usize) -> Line {
        let (block, row) = match extent {
            Extent::Whole => (block, row),
            Extent::Channels => (block, 0),
            Extent::Pixels => (0, row),
        };
        let step = if extent == Extent::Channels { 0 } else { LANES };
        // SAFETY: the line lies in the arena.
        let at = unsafe { context.arena.add(map.at(image, block, row as isize, 0)) };
        Line { at, step, single: extent == Extent::Pixels }
    }

    /// Both factors along a line.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn lines(
        &self,
        context: &Context,
        extents: [Extent; 2],
        [image, block, row]: [usize; 3],
    ) -> (Line, Option<Line>) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let a = Self::line(context, &self.a, extents[0], image, block, row);
            let b = self.b.as_ref().map(|b| Self::line(context, b, extents[1], image, block, row));
            (a, b)
        }
    }

    /// # Safety
    /// The processor has the instructions of `V`; pointers lead to the floats that are read and written.
    #[inline(always)]
    unsafe fn value<V: Vector>(a: &Line, b: Option<&Line>, pixel: usize) -> V {
        // SAFETY: the caller keeps the function's conditions.
        unsafe {
            match b {
                Some(b) => a.get::<V>(pixel).mul(b.get::<V>(pixel)),
                None => a.get::<V>(pixel),
            }
        }
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_whole<V: Vector>(&self, context: &Context, step: usize, extents: [Extent; 2]) {
        for (image, block, row) in Lines::new(context, step, &self.to) {
            // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
            unsafe {
                let (a, b) = self.lines(context, extents, [image, block, row]);
                let to = context.arena.add(self.to.at(image, block, row as isize, 0));
                let scale = V::splat(self.scale);
                for pixel in 0..self.to.size[1] {
                    let to = to.add(pixel * LANES);
                    let value = Self::value::<V>(&a, b.as_ref(), pixel);
                    if self.add { value.mul_add(scale, V::load(to)) } else { value.mul(scale) }.store(to);
                }
            }
        }
    }

    /// Sums over pixels, in double precision from line to line.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_channels<V: Vector>(&self, context: &Context, step: usize, extents: [Extent; 2]) {
        let (_, size) = self.whole();
        let blocks = self.to.blocks();
        while let Some([image, block]) = context.take(step, [self.to.batch, blocks]) {
            let mut sums = [0.0f64; LANES];
            let mut part = [0.0f32; LANES];
            // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
            unsafe {
                for row in 0..size[0] {
                    let (a, b) = self.lines(context, extents, [image, block, row]);
                    let mut sum = V::splat(0.0);
                    for pixel in 0..size[1] {
                        sum = sum.add(Self::value::<V>(&a, b.as_ref(), pixel));
                    }
                    sum.store(part.as_mut_ptr());
                    sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += f64::from(part));
                }
                let to = context.arena.add(self.to.at(image, block, 0, 0));
                for (lane, sum) in sums.into_iter().enumerate() {
                    let value = (sum * f64::from(self.scale)) as f32;
                    let to = to.add(lane);
                    *to = if self.add { *to + value } else { value };
                }
            }
        }
    }

    /// Sums over channels.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_pixels<V: Vector>(&self, context: &Context, step: usize, extents: [Extent; 2]) {
        let (channels, _) = self.whole();
        let blocks = channels.div_ceil(LANES);
        // What the last block holds beyond the channels does not count.
        let mut counted = [1.0f32; LANES];
        counted[channels - (blocks - 1) * LANES..].fill(0.0);
        for (image, _, row) in Lines::new(context, step, &self.to) {
            // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
            unsafe {
                let to = context.arena.add(self.to.at(image, 0, row as isize, 0));
                for block in 0..blocks {
                    let (a, b) = self.lines(context, extents, [image, block, row]);
                    let last = block + 1 == blocks;
                    let counted = V::load(counted.as_ptr());
                    for pixel in 0..self.to.size[1] {
                        let mut value = Self::value::<V>(&a, b.as_ref(), pixel);
                        if last {
                            value = value.mul(counted);
                        }
                        let mut lanes = [0.0f32; LANES];
                        value.store(lanes.as_mut_ptr());
                        let sum = self.scale * lanes.iter().sum::<f32>();
                        let to = to.add(pixel * LANES);
                        *to = if self.add || block > 0 { *to + sum } else { sum };
                    }
                }
                if !self.add {
                    // Lanes without a channel are finite.
                    for pixel in 0..self.to.size[1] {
                        std::slice::from_raw_parts_mut(to.add(pixel * LANES + 1), LANES - 1).fill(0.0);
                    }
                }
            }
        }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Product {
    fn name(&self) -> String {
        "products and sums of attention".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let extents = [self.extent(&self.a), self.b.as_ref().map_or(Extent::Whole, |map| self.extent(map))];
        // SAFETY: as the caller says; every piece of the result is taken once.
        unsafe {
            match self.extent(&self.to) {
                Extent::Whole => self.run_whole::<V>(context, step, extents),
                Extent::Channels => self.run_channels::<V>(context, step, extents),
                Extent::Pixels => self.run_pixels::<V>(context, step, extents),
            }
        }
    }
}
