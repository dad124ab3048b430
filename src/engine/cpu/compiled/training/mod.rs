//! Training on the CPU: the forward and the backward pass of a graph, compiled for one batch size and input size.
//!
//! The same maps and kernels as for inference; every value and every gradient has its place in one arena, whose size is
//! known before anything runs. Weights are packed anew on every pass, because they change. Gradients of 3x3 convolutions
//! run by Winograd's algorithm in all three directions.
//!
//! **Invariant:** the same pass on the same number of threads gives the same bits.

mod backward;
mod compile;
mod forward;
mod gradients;
mod kernel_step;
mod pack;
mod places;
mod plan;
mod schedule;
#[cfg(test)]
mod tests;
mod tile_weight_gradient;
mod units;

pub use compile::compile;
pub use plan::TrainingPlan;
