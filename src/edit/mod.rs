//! Algorithms that say which voxels or labels change: one a file, from inputs to voxels or labels.
//!
//! **Invariant:** nothing here changes a document or knows what is protected; `session` does.
//!
//! Deliberately absent: pointers, screens, undo, locks.

mod brush;
mod fill_between;
mod flood;
mod gaussian;
mod grow_from_seeds;
mod join;
mod label_box;
mod level;
mod live_wire;
mod median;
pub mod operations;
mod otsu;
mod region_growing;
mod resample_labels;
mod reshape;
mod similar;
mod voxel_set;

pub use brush::{Brush, BrushShape};
pub use fill_between::{FillMethod, Filled, FilledLabel, Filling, fill_between};
pub use flood::flood;
pub use grow_from_seeds::{SeedError, SeedGrowing, Shares, box_around, grow_from_seeds};
pub use join::{Fate, Join, JoinedLabel, NoNumberLeft, is_nameless, is_same_name, join, values_of_model};
pub use level::{Side, level_outline};
pub use live_wire::{Picture, Wire};
pub use otsu::otsu_threshold;
pub use region_growing::{
    Confidence, GrowError, Growing, Grown, confidence_connected, connected, neighbourhood_connected,
};
pub use resample_labels::{Resampling, resample_labels};
pub use similar::similar_within;
pub use voxel_set::VoxelSet;
