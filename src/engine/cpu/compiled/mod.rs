//! Inference on the CPU: a graph compiled for one input size.
//!
//! Maps lie in blocks of sixteen channels with a border of zeros, so that kernels have no edges; 3x3 convolutions run by
//! Winograd's algorithm, a last one of few classes sixteen pixels at a time, all others as sums over runs of channels; batch
//! norms, biases, sums, activations and 2x2 poolings are part of the convolution before them. The memory of all maps is
//! planned when compiling; operations that have no kernel here (`dense.rs`) ask for more while running. `training/` compiles
//! training in the same way; `single.rs` runs one convolution at a time for the kernels on dense arrays.
//!
//! A kind of step is one file with one type that implements `step::Step`.
//!
//! **Invariant:** inference does not know training; `training/` builds on it.
//! **Invariant:** the same plan gives the same bits, run after run. Plans for other numbers of threads share the work
//! otherwise, and round otherwise.

#![allow(unsafe_code)]

mod compile;
mod dense;
mod direct;
mod draft;
mod function;
pub mod fuse;
mod head;
mod memory;
mod norm;
pub mod options;
mod patches;
mod pieces;
mod plan;
mod pointwise;
mod products;
mod run;
pub mod single;
mod step;
mod target;
mod team;
#[cfg(test)]
mod tests;
mod tiles;
pub mod training;
mod weight_gradient;
mod winograd;

pub use compile::compile;
pub use options::Options;
pub use plan::Plan;
