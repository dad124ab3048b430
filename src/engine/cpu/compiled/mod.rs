//! Inference on the CPU: a graph compiled for one input size.
//!
//! Maps lie in blocks of sixteen channels with a border of zeros, so that kernels have no edges; 3x3 convolutions run by
//! Winograd's algorithm, all others as sums over runs of channels; batch norms, biases, sums, activations and 2x2 poolings
//! are part of the convolution before them. All memory is planned when compiling and nothing is allocated when running,
//! but for operations that have no kernel here (`dense.rs`).
//!
//! **Invariant:** the same plan gives the same bits, run after run; the number of threads only changes who computes what.

#![allow(unsafe_code)]

mod compile;
mod dense;
mod direct;
mod fuse;
mod memory;
mod outer;
mod pointwise;
mod run;
mod single;
mod target;
mod team;
#[cfg(test)]
mod tests;
mod tiles;
mod winograd;

use super::simd::{self, InstructionSet};
use crate::graph::Conv;
use memory::{Aligned, Map};
use run::{Context, Shared, Stage};
use team::Team;

pub use compile::compile;
pub use single::{convolve, scatter, weight_gradient};

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
    outputs: Vec<Map>,
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
    fn new(stages: Vec<Stage>, outputs: Vec<Map>, floats: usize, options: &Options, weight_bytes: usize) -> Self {
        Self { stages, outputs, arena: Aligned::zeros(floats), options: *options, weight_bytes }
    }

    /// Bytes of packed weights and of the arena.
    pub fn memory_bytes(&self) -> [usize; 2] {
        [self.weight_bytes, self.arena.len() * 4]
    }

    /// Shapes `[batch, channels, height, width]` of the outputs.
    pub fn output_shapes(&self) -> Vec<[usize; 4]> {
        self.outputs.iter().map(|map| [map.batch, map.channels, map.size[0], map.size[1]]).collect()
    }

    /// Runs the image `[batch, channels, height, width]` that the plan was made for; `None` when `stop` said so, which is
    /// asked after every stage.
    pub fn run(&mut self, input: &[f32], stop: &dyn Fn() -> bool) -> Option<Vec<Vec<f32>>> {
        self.run_timed(input, stop, &mut |_| {})
    }

    /// As [`Plan::run`]; `ended` is told the number of every stage when all threads have done it.
    pub fn run_timed(
        &mut self,
        input: &[f32],
        stop: &dyn Fn() -> bool,
        ended: &mut dyn FnMut(usize),
    ) -> Option<Vec<Vec<f32>>> {
        let threads = self.options.threads;
        let shapes = self.output_shapes();
        let mut results: Vec<Vec<f32>> = shapes.iter().map(|shape| vec![0.0; shape.iter().product()]).collect();
        let outputs: Vec<Shared> = results.iter_mut().map(|values| Shared(values.as_mut_ptr())).collect();
        let team = Team::new(threads, self.stages.len());
        let arena = Shared(self.arena.as_mut_slice().as_mut_ptr());
        let (stages, set, inputs) = (&self.stages, self.options.set, [input]);
        let work = |thread: usize, arena: Shared, stop: &dyn Fn() -> bool, ended: &mut dyn FnMut(usize)| {
            let context = Context { arena: arena.0, inputs: &inputs, outputs: &outputs, thread, team: &team };
            // SAFETY: the compiler placed all maps inside the arena, the outputs have their shapes, and the set was found
            // on this processor.
            unsafe { run::run(stages, set, &context, stop, ended) }
        };
        let finished = std::thread::scope(|scope| {
            for thread in 1..threads {
                let work = &work;
                scope.spawn(move || work(thread, arena, &|| false, &mut |_| {}));
            }
            work(0, arena, stop, ended)
        });
        finished.then_some(results)
    }

    /// What every stage does.
    pub fn stage_names(&self) -> Vec<String> {
        self.stages.iter().map(|stage| stage.step.name()).collect()
    }
}
