//! Touch: from a few strokes on a picture to a mask.
//!
//! [`TouchNetwork::answer`] is the one function that answers strokes, for the command line and the window. What it shows the network is
//! made by [`channels`], from the same strokes: the picture, the strokes, what classical methods make of them (likelihoods of the greys
//! under the strokes, and geodesic distances to them), and the mask so far. Training makes its examples by the same function.

mod answer;
mod channels;
mod geodesic;
mod likelihood;
mod prompt;
mod rescale;
mod smooth;

pub use answer::{TouchAnswer, TouchError, TouchNetwork};
pub use channels::{CHANNELS, channels};
pub use prompt::{NOTHING, OFF, ON, TouchPrompt};
pub use smooth::smooth;
