//! A network's last 1x1 convolution: from blocks of channels straight into the dense array that is given back.
//!
//! With a few classes, blocks of sixteen output channels would be mostly empty, and written and read once more. Here a
//! vector holds sixteen pixels of one channel.

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
    /// `[out][input channel, padded to blocks]`.
    weights: Aligned,
    bias: Vec<f32>,
    /// Number of the array among the outputs.
    output: usize,
}

impl Head {
    /// Whether a convolution of an input with so many columns can be one.
    pub fn takes(conv: &Conv, columns: usize) -> bool {
        let is_point = conv.kernel == [1, 1] && conv.stride == [1, 1] && conv.padding == [0, 0];
        is_point && conv.groups == 1 && (1..=MOST_OUTPUTS).contains(&conv.outputs) && columns >= LANES
    }

    /// The step for weights `[out, in, 1, 1]`.
    pub fn new(x: Map, weight: &[f32], bias: Vec<f32>, output: usize) -> Self {
        let (outputs, padded) = (bias.len(), x.blocks() * LANES);
        // What the kernel's safety rests on.
        assert!(
            weight.len() == outputs * x.channels && x.size[1] >= LANES,
            "a head of other weights or a narrower map"
        );
        let mut weights = Aligned::zeros(outputs * padded);
        for (to, from) in weights.as_mut_slice().chunks_exact_mut(padded).zip(weight.chunks_exact(x.channels)) {
            to[..x.channels].copy_from_slice(from);
        }
        Self { x, outputs, weights, bias, output }
    }

    /// Bytes of the packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.weights.len() * size_of::<f32>()
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_outputs<V: Vector, const OUTPUTS: usize>(&self, context: &Context, step: usize) {
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
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Head {
    fn name(&self) -> String {
        format!(
            "1x1, {} channels to {} classes at {}x{}",
            self.x.channels, self.outputs, self.x.size[0], self.x.size[1]
        )
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
