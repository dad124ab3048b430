//! The candle engine: a graph node by node with candle's tensors, forward and backward, on CUDA and Metal; and on the processor as
//! the reference that others are held against.
//!
//! **Invariant:** candle's types stay in this folder.

mod composed;
mod device;
mod error;
mod executor;
mod half;
mod interpret;
mod memory;
mod update;

pub use device::ENGINE;
