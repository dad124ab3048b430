//! The candle engine: interprets a graph with candle tensors, forward and backward, on every device.

mod compiled_pass;
mod composed;
mod half;
mod in_place;
mod interpret;
mod kernel_op;
mod masks;
mod network;
mod optimiser;
mod tape;
mod uncompiled;

pub use network::{Gradients, Mode, Network, Pass, StageTimes};
pub use optimiser::{Optimiser, OptimiserState, Recipe, is_in_scopes};
