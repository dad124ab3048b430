//! Learning what strokes mean: made and real pictures, strokes as people draw them, and the training of the Touch network on them.
//!
//! **Invariant:** an example follows from its seed alone; a training's weights follow from its seed, its data and the number of threads.

mod appearance;
mod distance;
mod earlier;
mod example;
mod held_back;
mod kinds;
mod noise;
mod real;
mod scene;
mod shapes;
mod strokes;
mod training;

pub use held_back::TouchDice;
pub use training::{TouchNews, TouchTraining, touch_checkpoint};
