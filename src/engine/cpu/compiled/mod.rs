//! Inference on the CPU: a graph compiled for one input size.
//!
//! Maps lie in blocks of sixteen channels with a border of zeros, so that kernels have no edges; 3x3 convolutions run by
//! Winograd's algorithm, a last one of few classes sixteen pixels at a time, all others as sums over runs of channels; batch
//! norms, biases, sums, activations and 2x2 poolings are part of the convolution before them. The memory of all maps is
//! planned when compiling; operations that have no kernel here (`dense.rs`) ask for more while running. `training/` compiles
//! training in the same way; `single.rs` lends the kernels to the tape, one convolution at a time.
//!
//! **Invariant:** the same plan gives the same bits, run after run. Plans for other numbers of threads share the work
//! otherwise, and round otherwise.

#![allow(unsafe_code)]

mod compile;
mod dense;
mod direct;
mod function;
mod fuse;
mod head;
mod memory;
mod norm;
mod outer;
mod patches;
mod pieces;
mod pointwise;
mod products;
mod run;
mod single;
mod target;
mod team;
#[cfg(test)]
mod tests;
mod tiles;
pub mod training;
mod winograd;

use super::simd::{self, InstructionSet};
use crate::graph::Conv;
use crate::work::{Stopped, Watch};
use memory::Aligned;
use run::{Shared, Stage, run_team};

pub use compile::compile;
pub use single::{convolve, forget_arenas, scatter, weight_gradient};

/// How a plan is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Number of threads.
    pub threads: usize,
    /// Instructions the kernels use.
    pub set: InstructionSet,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: rayon::current_num_threads(), set: InstructionSet::best() }
    }
}

/// A network ready to run on inputs of one size.
pub struct Plan {
    stages: Vec<Stage>,
    /// Shapes `[batch, channels, height, width]`.
    outputs: Vec<[usize; 4]>,
    /// Floats of the image.
    input_len: usize,
    arena: Aligned,
    options: Options,
    weight_bytes: usize,
}

/// Whether a convolution can run by Winograd's algorithm, and is worth it.
fn is_winograd(conv: &Conv) -> bool {
    conv.kernel == [3, 3]
        && conv.stride == [1, 1]
        && conv.dilation == [1, 1]
        && conv.groups == 1
        && conv.padding.iter().all(|&p| p <= 1)
        && conv.inputs >= simd::LANES / 2
}

impl Plan {
    /// Bytes of packed weights and of the arena.
    pub fn memory_bytes(&self) -> [usize; 2] {
        [self.weight_bytes, self.arena.len() * 4]
    }

    /// Shapes `[batch, channels, height, width]` of the outputs.
    pub fn output_shapes(&self) -> Vec<[usize; 4]> {
        self.outputs.clone()
    }

    /// Runs the image `[batch, channels, height, width]` that the plan was made for; a stop is noticed after every stage.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn run(&mut self, input: &[f32], watch: Watch) -> Result<Vec<Vec<f32>>, Stopped> {
        self.run_timed(input, watch, &mut |_| {})
    }

    /// As [`Plan::run`]; `ended` is told the number of every stage when all threads have done it.
    ///
    /// # Errors
    /// As there.
    pub fn run_timed(
        &mut self,
        input: &[f32],
        watch: Watch,
        ended: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<f32>>, Stopped> {
        assert!(input.len() == self.input_len, "an image of {} values, not {}", input.len(), self.input_len);
        let shapes = self.output_shapes();
        let mut results: Vec<Vec<f32>> =
            shapes.iter().map(|shape| crate::work::memory::zeros(shape.iter().product())).collect();
        let outputs: Vec<Shared> = results.iter_mut().map(|values| Shared(values.as_mut_ptr())).collect();
        let Self { stages, arena, options, .. } = self;
        // SAFETY: the compiler placed all maps inside the arena, the outputs have their shapes, and the set was found on
        // this processor.
        unsafe { run_team(stages, arena, &[input], &outputs, options, watch, ended) }?;
        Ok(results)
    }

    /// What every stage does.
    pub fn stage_names(&self) -> Vec<String> {
        self.stages.iter().map(|stage| stage.step.name()).collect()
    }
}
