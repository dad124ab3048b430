//! Gradients of what visits every pixel once: activations, poolings, biases; and a strided convolution's gradient spread
//! out.

use super::super::memory::Map;
use super::super::norm::gate;
use super::super::pieces::Pieces;
use super::super::pointwise::Lines;
use super::super::step::{Context, Step};
use super::super::target::Finish;
use crate::engine::cpu::simd::{LANES, Vector};
use crate::graph::Pool;

/// The gradient before an activation whose result is `y`: its sign is that of its input.
pub struct ActivationGradient {
    /// Gradient of the result.
    pub g: Map,
    /// The result.
    pub y: Map,
    /// Where it goes; may be `g`.
    pub to: Map,
    /// Whether it is added to what is there.
    pub add: bool,
    /// The activation.
    pub finish: Finish,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for ActivationGradient {
    fn name(&self) -> String {
        "activation gradient".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        for (image, block, row) in Lines::new(context, step, &self.to) {
            // SAFETY: all lines lie in the arena; lines are taken once.
            unsafe {
                let line = |map: &Map| context.arena.add(map.at(image, block, row as isize, 0));
                let (g, y, to) = (line(&self.g), line(&self.y), line(&self.to));
                for n in 0..self.to.size[1] {
                    let at = n * LANES;
                    let mut value = V::load(g.add(at));
                    // Without an activation the result may be gone already.
                    if self.finish != Finish::Plain {
                        value = gate(self.finish, V::load(y.add(at)), value);
                    }
                    if self.add {
                        value = value.add(V::load(to.add(at)));
                    }
                    value.store(to.add(at));
                }
            }
        }
    }
}

/// Gives the gradient of each maximum to the first value that equals it.
pub struct PoolGradient {
    /// The pooling's input.
    pub x: Map,
    /// Its result.
    pub y: Map,
    /// Gradient of the result.
    pub g: Map,
    /// Gradient of the input.
    pub to: Map,
    /// The windows.
    pub pool: Pool,
    /// Whether it is added to what is there.
    pub add: bool,
}

impl PoolGradient {
    /// Two rows of the input, whose windows are theirs alone.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_pair<V: Vector>(&self, context: &Context, image: usize, block: usize, row: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let line = |map: &Map, row: usize| context.arena.add(map.at(image, block, row as isize, 0));
            let (x, to) = (line(&self.x, 2 * row), line(&self.to, 2 * row));
            let (y, g) = (line(&self.y, row), line(&self.g, row));
            let places = [0, LANES];
            for n in 0..self.y.size[1] {
                let largest = V::load(y.add(n * LANES));
                let mut left = V::load(g.add(n * LANES));
                for (x, to) in [(x, to), (x.add(self.x.row()), to.add(self.to.row()))] {
                    for place in places {
                        let at = 2 * n * LANES + place;
                        left = Self::share::<V>(V::load(x.add(at)), largest, left, to.add(at), self.add);
                    }
                }
            }
        }
    }

    /// Gives a value its share and returns what is left for the next ones.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; pointers lead to the floats that are read and written.
    #[inline(always)]
    unsafe fn share<V: Vector>(x: V, largest: V, left: V, to: *mut f32, add: bool) -> V {
        // SAFETY: the caller keeps the function's conditions.
        unsafe {
            let zero = V::splat(0.0);
            let mut own = largest.select_greater(x, zero, left);
            let rest = largest.select_greater(x, left, zero);
            if add {
                own = own.add(V::load(to));
            }
            own.store(to);
            rest
        }
    }

    /// A plane with windows of any kind.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_plane<V: Vector>(&self, context: &Context, image: usize, block: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (x, pool) = (&self.x, &self.pool);
            let at = |map: &Map, row: usize, column: usize| {
                context.arena.add(map.at(image, block, row as isize, column as isize))
            };
            if !self.add {
                for row in 0..x.size[0] {
                    for column in 0..x.size[1] {
                        V::splat(0.0).store(at(&self.to, row, column));
                    }
                }
            }
            let range = |axis: usize, out: usize| {
                let start = out * pool.stride[axis];
                let end = (start + pool.kernel[axis]).saturating_sub(pool.padding[axis]).min(x.size[axis]);
                start.saturating_sub(pool.padding[axis])..end
            };
            for row in 0..self.y.size[0] {
                for column in 0..self.y.size[1] {
                    let largest = V::load(at(&self.y, row, column));
                    let mut left = V::load(at(&self.g, row, column));
                    for r in range(0, row) {
                        for c in range(1, column) {
                            let value = V::load(at(x, r, c));
                            left = Self::share::<V>(value, largest, left, at(&self.to, r, c), true);
                        }
                    }
                }
            }
        }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for PoolGradient {
    fn name(&self) -> String {
        "max pool gradient".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let halves = self.pool.is_halving() && self.x.size.iter().all(|n| n.is_multiple_of(2));
        let pieces = Pieces::new(&self.x);
        let work = if halves { pieces.work() } else { [self.x.batch, self.x.blocks()] };
        while let Some([line, block]) = context.take(step, work) {
            // SAFETY: all planes lie in the arena; lines are taken once.
            unsafe {
                if halves {
                    let (image, block, rows) = pieces.get(pieces.of_line(line, block));
                    for row in rows.step_by(2) {
                        self.run_pair::<V>(context, image, block, row / 2);
                    }
                } else {
                    self.run_plane::<V>(context, line, block);
                }
            }
        }
    }
}

/// Sums of every channel over all pixels: the gradient of a bias.
pub struct ChannelSums {
    /// The map.
    pub g: Map,
    /// Number of the array among the outputs.
    pub output: usize,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for ChannelSums {
    fn name(&self) -> String {
        "bias gradient".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let g = &self.g;
        while let Some([block, _]) = context.take(step, [g.blocks(), 1]) {
            let mut sums = [0.0f64; LANES];
            for image in 0..g.batch {
                for row in 0..g.size[0] {
                    let mut part = [0.0f32; LANES];
                    // SAFETY: the line lies in the arena.
                    unsafe {
                        let from = context.arena.add(g.at(image, block, row as isize, 0));
                        let mut sum = V::splat(0.0);
                        for n in 0..g.size[1] {
                            sum = sum.add(V::load(from.add(n * LANES)));
                        }
                        sum.store(part.as_mut_ptr());
                    }
                    sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += f64::from(part));
                }
            }
            for (lane, sum) in sums.into_iter().enumerate().take(g.channels - block * LANES) {
                // SAFETY: the array has a value per channel; every block is taken once.
                unsafe { *context.outputs[self.output].0.add(block * LANES + lane) = sum as f32 };
            }
        }
    }
}

/// Sums over the copies that nearest up-sampling made of a pixel.
pub struct RepeatGradient {
    /// Gradient of the large map.
    pub g: Map,
    /// Gradient of the small one.
    pub to: Map,
    /// Copies down and across.
    pub times: [usize; 2],
    /// Whether it is added to what is there.
    pub add: bool,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for RepeatGradient {
    fn name(&self) -> String {
        "nearest up-sampling gradient".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        for (image, block, row) in Lines::new(context, step, &self.to) {
            // SAFETY: all lines lie in the arena; lines are taken once.
            unsafe {
                let to = context.arena.add(self.to.at(image, block, row as isize, 0));
                let from = context.arena.add(self.g.at(image, block, (row * self.times[0]) as isize, 0));
                for n in 0..self.to.size[1] {
                    let to = to.add(n * LANES);
                    let mut sum = if self.add { V::load(to) } else { V::splat(0.0) };
                    for down in 0..self.times[0] {
                        for across in 0..self.times[1] {
                            let at = down * self.g.row() + (n * self.times[1] + across) * LANES;
                            sum = sum.add(V::load(from.add(at)));
                        }
                    }
                    sum.store(to);
                }
            }
        }
    }
}

/// A map with zeros between its pixels: a strided convolution's gradient, as one of stride 1 would have it.
pub struct Spread {
    /// The map.
    pub from: Map,
    /// Where its pixels go, `stride` apart.
    pub to: Map,
    /// Distance down and across.
    pub stride: [usize; 2],
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Spread {
    fn name(&self) -> String {
        "spread".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        for (image, block, row) in Lines::new(context, step, &self.to) {
            // SAFETY: all lines lie in the arena; lines are taken once.
            unsafe {
                let to = context.arena.add(self.to.at(image, block, row as isize, 0));
                for n in 0..self.to.size[1] {
                    V::splat(0.0).store(to.add(n * LANES));
                }
                if row % self.stride[0] != 0 || row / self.stride[0] >= self.from.size[0] {
                    continue;
                }
                let from = context.arena.add(self.from.at(image, block, (row / self.stride[0]) as isize, 0));
                for n in 0..self.from.size[1] {
                    V::load(from.add(n * LANES)).store(to.add(n * self.stride[1] * LANES));
                }
            }
        }
    }
}
