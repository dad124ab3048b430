//! Training: a graph compiled into two lists of calls for one batch and size, forth and back, over one memory by lifetimes.
//!
//! **Invariant:** every value of a gradient is gathered by one thread, or summed by one group of threads, in a fixed order: no atomic
//! additions, so that the same work gives the same bits.
//! **Invariant:** parameters, gradients and what optimisers remember stay on the device; they are read when somebody asks for them.
//!
//! `compile.rs` goes forth and back through the graph and decides what is kept in between; files beside it hold both ways of a kind of
//! operation where inference's calls do not do. `pass.rs` is what others see of a pass, `update.rs` the optimisers' step.

mod attending;
mod compile;
mod convolving;
mod norming;
mod pass;
mod plan;
mod reducing;
mod returning;
mod shaders;
mod update;

pub use pass::{Asked, GpuArray, PlanPool, own, pass, stage_seconds};
pub use update::{descend, square_sum};
