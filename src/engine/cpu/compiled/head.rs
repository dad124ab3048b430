//! A network's last convolution: from blocks of channels straight into the dense array that is given back.
//!
//! With a few classes, blocks of sixteen output channels would be mostly empty, and written and read once more. Here a
//! vector holds sixteen pixels of one channel, or, with windows of more than a pixel, sums of sixteen channels that are added
//! up for sixteen pixels at a time.

use super::super::simd::{LANES, Vector};
use super::memory::{Aligned, Map};
use super::pointwise::Lines;
use super::step::{Context, Step};
use crate::graph::Conv;

/// Most output channels. With more, a block of sixteen output channels is full enough for the other way.
const MOST_OUTPUTS: usize = 4;

/// The last convolution of a network.
pub struct Head {
    /// Its input.
    x: Map,
    outputs: usize,
    /// Height and width of its window, which are odd; the result is as large as the input.
    kernel: [usize; 2],
    /// `[out][tap][input channel, padded to blocks]`.
    weights: Aligned,
    bias: Vec<f32>,
    /// Number of the array among the outputs.
    output: usize,
}

impl Head {
    /// Whether a convolution of an input with so many columns can be one.
    pub fn takes(conv: &Conv, columns: usize) -> bool {
        let is_same = (0..2).all(|axis| conv.kernel[axis] == 2 * conv.padding[axis] + 1);
        let is_dense = conv.stride == [1, 1] && conv.dilation == [1, 1] && conv.groups == 1;
        is_same && is_dense && (1..=MOST_OUTPUTS).contains(&conv.outputs) && columns >= LANES
    }

    /// The step for weights `[out, in, kh, kw]`; the input's border is as wide as half the window.
    pub fn new(x: Map, kernel: [usize; 2], weight: &[f32], bias: Vec<f32>, output: usize) -> Self {
        let (outputs, padded, taps) = (bias.len(), x.blocks() * LANES, kernel[0] * kernel[1]);
        // What the kernel's safety rests on.
        assert!(
            weight.len() == outputs * x.channels * taps
                && x.size[1] >= LANES
                && kernel.iter().all(|&k| k % 2 == 1 && k / 2 <= x.border),
            "a head of other weights or a narrower map"
        );
        let mut weights = Aligned::zeros(outputs * taps * padded);
        for (n, to) in weights.as_mut_slice()[..outputs * taps * padded].chunks_exact_mut(padded).enumerate() {
            let from = &weight[n / taps * x.channels * taps..][..x.channels * taps];
            for (to, from) in to.iter_mut().zip(from.chunks_exact(taps)) {
                *to = from[n % taps];
            }
        }
        Self { x, outputs, kernel, weights, bias, output }
    }

    /// Bytes of the packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.weights.len() * size_of::<f32>()
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_outputs<V: Vector, const OUTPUTS: usize>(&self, context: &Context, step: usize) {
        if self.kernel != [1, 1] {
            // SAFETY: as the caller says.
            return unsafe { self.run_windows::<V, OUTPUTS>(context, step) };
        }
        let (x, [height, width]) = (&self.x, self.x.size);
        let (weights, padded) = (self.weights.as_slice(), x.blocks() * LANES);
        // Lines of pixels, all blocks of each.
        for (image, _, row) in Lines::new(context, step, &Map { channels: LANES, ..*x }) {
            for column in (0..width).step_by(LANES) {
                // The last sixteen pixels, some of them once more.
                let column = column.min(width - LANES);
                // SAFETY: the pixels lie in the arena, the results in an array of this shape; lines are taken once.
                unsafe {
                    let mut sums = [V::splat(0.0); OUTPUTS];
                    for (sum, &bias) in sums.iter_mut().zip(&self.bias) {
                        *sum = V::splat(bias);
                    }
                    for block in 0..x.blocks() {
                        let from = context.arena.add(x.at(image, block, row as isize, column as isize));
                        let mut pixels = [V::splat(0.0); LANES];
                        for n in 0..LANES {
                            pixels[n] = V::load(from.add(n * LANES));
                        }
                        let channels = V::transpose(pixels);
                        for n in 0..LANES {
                            for o in 0..OUTPUTS {
                                let weight = *weights.get_unchecked(o * padded + block * LANES + n);
                                sums[o] = channels[n].mul_add(V::splat(weight), sums[o]);
                            }
                        }
                    }
                    let to = context.outputs[self.output].0;
                    for o in 0..OUTPUTS {
                        sums[o].store(to.add(((image * OUTPUTS + o) * height + row) * width + column));
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_windows<V: Vector, const OUTPUTS: usize>(&self, context: &Context, step: usize) {
        let (x, [height, width]) = (&self.x, self.x.size);
        let padded = x.blocks() * LANES;
        let [down, across] = self.kernel.map(|k| k / 2);
        for (image, _, row) in Lines::new(context, step, &Map { channels: LANES, ..*x }) {
            for column in (0..width).step_by(LANES) {
                // The last sixteen pixels, some of them once more.
                let column = column.min(width - LANES);
                // SAFETY: windows lie in the arena, the results in an array of this shape; lines are taken once.
                unsafe {
                    let mut sums = [[V::splat(0.0); LANES]; OUTPUTS];
                    for pixel in 0..LANES {
                        let mut parts = [V::splat(0.0); OUTPUTS];
                        let mut weights = self.weights.as_slice().as_ptr();
                        for ky in 0..self.kernel[0] {
                            let row = (row + ky) as isize - down as isize;
                            let column = (column + pixel) as isize - across as isize;
                            let line = context.arena.add(x.at(image, 0, row, column)).cast_const();
                            for kx in 0..self.kernel[1] {
                                for block in 0..x.blocks() {
                                    let value = V::load(line.add(kx * LANES + block * x.plane()));
                                    for o in 0..OUTPUTS {
                                        let weight = V::load(weights.add(o * padded * self.kernel[0] * self.kernel[1]));
                                        parts[o] = value.mul_add(weight, parts[o]);
                                    }
                                    weights = weights.add(LANES);
                                }
                            }
                        }
                        for o in 0..OUTPUTS {
                            sums[o][pixel] = parts[o];
                        }
                    }
                    let to = context.outputs[self.output].0;
                    for o in 0..OUTPUTS {
                        let mut parts = V::transpose(sums[o]);
                        let mut count = LANES;
                        while count > 1 {
                            count /= 2;
                            for n in 0..count {
                                parts[n] = parts[n].add(parts[n + count]);
                            }
                        }
                        let to = to.add(((image * OUTPUTS + o) * height + row) * width + column);
                        parts[0].add(V::splat(self.bias[o])).store(to);
                    }
                }
            }
        }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Head {
    fn name(&self) -> String {
        let ([kh, kw], x) = (self.kernel, &self.x);
        format!("{kh}x{kw}, {} channels to {} classes at {}x{}", x.channels, self.outputs, x.size[0], x.size[1])
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            match self.outputs {
                1 => self.run_outputs::<V, 1>(context, step),
                2 => self.run_outputs::<V, 2>(context, step),
                3 => self.run_outputs::<V, 3>(context, step),
                4 => self.run_outputs::<V, 4>(context, step),
                _ => unreachable!("a head of {} classes", self.outputs),
            }
        }
    }
}
