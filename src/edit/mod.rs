//! Algorithms that say which voxels or labels change: one a file, from inputs to voxels or labels.
//!
//! **Invariant:** nothing here changes a document or knows what is protected; `session` does.
//!
//! Deliberately absent: pointers, screens, undo, locks.

mod brush;
mod gaussian;
mod join;
mod label_box;
mod median;
pub mod operations;
mod reshape;

pub use brush::Brush;
pub use join::{Fate, Join, JoinedLabel, NoNumberLeft, is_nameless, is_same_name, join, values_of_model};
