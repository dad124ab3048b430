//! How a plan is to run.

use super::super::simd::InstructionSet;

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
