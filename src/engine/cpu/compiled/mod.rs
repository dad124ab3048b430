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
mod pointwise;
mod run;
mod target;
mod team;
#[cfg(test)]
mod tests;
mod winograd;

use super::simd::InstructionSet;
use memory::{Aligned, Map};
use run::{Context, Stage};
use team::Team;

pub use compile::compile;

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

/// The arena's address, for the threads of a run.
#[derive(Clone, Copy)]
struct Shared(*mut f32);

// SAFETY: threads write disjoint parts of the arena between barriers; see `run::Context`.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

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
        let threads = self.options.threads;
        let team = Team::new(threads, self.stages.len());
        let arena = Shared(self.arena.as_mut_slice().as_mut_ptr());
        let (stages, set) = (&self.stages, self.options.set);
        let times: Vec<_> = stages.iter().map(|_| std::sync::atomic::AtomicU64::new(0)).collect();
        let started = std::time::Instant::now();
        let work = |thread: usize, arena: Shared, stop: &dyn Fn() -> bool| {
            let context = Context { arena: arena.0, input, thread, team: &team, times: &times, started };
            // SAFETY: the compiler placed all maps inside the arena, and the set was found on this processor.
            unsafe { run::run(stages, set, &context, stop) }
        };
        let finished = std::thread::scope(|scope| {
            for thread in 1..threads {
                let work = &work;
                scope.spawn(move || work(thread, arena, &|| false));
            }
            work(0, arena, stop)
        });
        if std::env::var_os("LAMELLA_STAGES").is_some() {
            let mut last = 0;
            for (stage, time) in stages.iter().zip(&times) {
                let time = time.load(std::sync::atomic::Ordering::Relaxed);
                eprintln!("{:8.3} ms  {}", (time - last) as f64 / 1e6, stage.step.name());
                last = time;
            }
            eprintln!("{:8.3} ms all", started.elapsed().as_nanos() as f64/1e6);
        }
        finished.then(|| {
            self.outputs
                .iter()
                .map(|map| {
                    let mut values = vec![0.0; map.batch * map.channels * map.size[0] * map.size[1]];
                    // SAFETY: the map lies in the arena and all threads have ended.
                    unsafe { pointwise::read_map(self.arena.as_slice().as_ptr(), map, &mut values) };
                    values
                })
                .collect()
        })
    }
}
