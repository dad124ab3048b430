//! Kernels for the CPU: forward and exact backward passes on plain slices, parallel over images and strips.
//!
//! **Invariant:** arrays are `[batch, channels, height, width]`, row-major. The same work on the same number of threads gives
//! the same bits; another number may round otherwise.
//! **Invariant:** `unsafe` is only here; `compiled/step.rs` says what it rests on.
//! **Invariant:** every kernel has its gradient here, checked against PyTorch and finite differences.

#![allow(clippy::inline_always, reason = "kernels end up inside the function that has their instruction set")]
#![allow(clippy::needless_range_loop, reason = "loops over axes and lanes index several arrays")]
#![allow(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "kernels list one index per dimension, take small structures by value, and mean exact values"
)]

pub mod activation;
pub mod allocator;
pub mod arrange;
pub mod attend;
pub mod compiled;
pub mod conv;
pub mod criss_cross;
mod executor;
mod gain;
pub mod kernel;
mod kernels;
pub mod layer_norm;
mod linear;
pub mod lines;
pub mod local_response;
#[allow(unsafe_code)]
mod matmul;
mod matrices;
pub mod max_pool;
pub mod norm;
mod pair;
mod plan_pool;
mod resample;
#[allow(unsafe_code)]
pub mod simd;
pub mod softmax;
mod statistics;
mod tape;
mod update;
mod views;
mod weighted_pool;
#[allow(unsafe_code)]
mod winograd;

pub use executor::ENGINE;
