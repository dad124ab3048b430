//! Algorithms that say which voxels or labels change: one a file, from inputs to voxels or labels.
//!
//! **Invariant:** nothing here changes a document or knows what is protected; `session` does.
//!
//! Deliberately absent: pointers, screens, undo, locks.

mod brush;
mod join;
pub mod operations;
mod region_growing;
mod voxel_set;

pub use brush::Brush;
pub use join::{Fate, Join, JoinedLabel, NoNumberLeft, is_nameless, is_same_name, join, values_of_model};
pub use region_growing::{
    Confidence, GrowError, Growing, Grown, confidence_connected, connected, neighbourhood_connected,
};
pub use voxel_set::VoxelSet;
