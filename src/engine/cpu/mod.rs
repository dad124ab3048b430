//! Kernels for the CPU: forward and exact backward passes on plain slices, parallel over images and strips.
//!
//! **Invariant:** arrays are `[batch, channels, height, width]`, row-major. The same work on the same number of threads gives
//! the same bits; another number may round otherwise.
//! **Invariant:** `unsafe` is only here; `compiled/run.rs` says what it rests on.
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
mod gain;
pub mod layer_norm;
mod linear;
pub mod lines;
pub mod local_response;
#[allow(unsafe_code)]
mod matmul;
mod matrices;
pub mod max_pool;
pub mod norm;
mod of_op;
mod pair;
pub mod resample;
#[allow(unsafe_code)]
pub mod simd;
pub mod softmax;
mod weighted_pool;
#[allow(unsafe_code)]
mod winograd;

/// A shaped view of numbers.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Values, row-major.
    pub data: &'a [f32],
    /// Sizes, outermost first.
    pub shape: &'a [usize],
}

impl View<'_> {
    /// Sizes as batch, channels, height, width; missing ones are 1.
    pub fn dims4(&self) -> [usize; 4] {
        std::array::from_fn(|n| self.shape.get(n).copied().unwrap_or(1))
    }
}

/// A function of one to three arrays with its gradient.
pub trait Kernel: Send + Sync {
    /// Name in error messages.
    fn name(&self) -> &'static str;
    /// The result and its shape.
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>);
    /// Gradients of the inputs from the gradient of the result; `None` where an input is a constant.
    fn backward(&self, inputs: &[View], output: View, gradient: &[f32]) -> Vec<Option<Vec<f32>>>;
}
