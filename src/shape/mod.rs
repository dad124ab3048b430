//! Pure geometry: which pixels lie inside an outline, how far voxels are from a set of voxels, which lie within a ball of it.
//!
//! **Invariant:** a pixel belongs to an outline if its centre lies inside, by the even-odd rule.
//!
//! Deliberately absent: labels, documents, screens, files. Meshes are not here yet.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points and pixels turn into each other"
)]

mod ball;
mod distance;
mod polygon;
mod voxel_bits;

pub use ball::{Ball, TooWide, within};
pub use distance::{squared_distances, squared_distances_within};
pub use polygon::pixels_inside;
pub use voxel_bits::VoxelBits;
