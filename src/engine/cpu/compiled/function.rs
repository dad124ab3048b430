//! Element-wise functions that no kernel has at its end, and rectifiers with a slope for each channel.

use super::super::activation;
use super::super::simd::{LANES, Vector};
use super::memory::{Aligned, Map};
use super::pointwise::Lines;
use super::step::{Context, Step};
use crate::graph::Activation;

/// What becomes of a value.
enum Curve {
    /// The same function for all channels.
    Activation(Activation),
    /// A rectifier with these slopes below zero, padded to blocks.
    Slopes(Aligned),
}

/// A function of every value of a map.
pub struct Function {
    /// Input.
    pub x: Map,
    /// Result, of the same blocks.
    pub y: Map,
    /// The function.
    curve: Curve,
}

impl Function {
    /// An activation.
    pub fn of(activation: Activation, x: Map, y: Map) -> Self {
        Self { x, y, curve: Curve::Activation(activation) }
    }

    /// A rectifier with one slope below zero, or one for each channel.
    pub fn rectifier(slopes: &[f32], x: Map, y: Map) -> Self {
        let slopes: Vec<f32> = (0..y.channels).map(|c| slopes[c % slopes.len()]).collect();
        Self { x, y, curve: Curve::Slopes(Aligned::padded(&slopes)) }
    }

    /// A line of sixteen channels; lanes without a channel become zero.
    ///
    /// # Safety
    /// As [`Context`] says.
    unsafe fn line(&self, activation: Activation, block: usize, from: *const f32, to: *mut f32) {
        let lanes = LANES.min(self.y.channels - block * LANES);
        let mut values = [0.0; LANES];
        for n in 0..self.y.size[1] {
            // SAFETY: as above.
            unsafe {
                let x = std::slice::from_raw_parts(from.add(n * LANES), LANES);
                activation::apply(activation, x, &mut values);
                values[lanes..].fill(0.0);
                std::slice::from_raw_parts_mut(to.add(n * LANES), LANES).copy_from_slice(&values);
            }
        }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Function {
    fn name(&self) -> String {
        "activation".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        for (image, block, row) in Lines::new(context, step, &self.y) {
            // SAFETY: both lines lie in the arena, apart or as one; they are taken once.
            unsafe {
                let from = context.arena.add(self.x.at(image, block, row as isize, 0));
                let to = context.arena.add(self.y.at(image, block, row as isize, 0));
                match &self.curve {
                    Curve::Activation(activation) => self.line(*activation, block, from, to),
                    Curve::Slopes(slopes) => {
                        let slope = V::load(slopes.as_slice().as_ptr().add(block * LANES));
                        let zero = V::splat(0.0);
                        for n in 0..self.y.size[1] {
                            let x = V::load(from.add(n * LANES));
                            x.select_greater(zero, x, x.mul(slope)).store(to.add(n * LANES));
                        }
                    }
                }
            }
        }
    }
}
