//! Algorithms that say which voxels or labels change: one a file, from inputs to voxels or labels.
//!
//! **Invariant:** nothing here changes a document or knows what is protected; `session` does.
//!
//! Deliberately absent: pointers, screens, undo, locks.

mod brush;
mod join;
pub mod operations;

pub use brush::Brush;
pub use join::{Fate, Join, JoinedLabel, NoNumberLeft, is_nameless, is_same_name, join, values_of_model};
