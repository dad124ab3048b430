//! Pure geometry: which pixels lie inside an outline, which voxels are connected, how far they are from a set of voxels, and which lie within
//! a ball of it.
//!
//! **Invariant:** a pixel belongs to an outline if its centre lies inside, by the even-odd rule.
//!
//! Deliberately absent: documents, screens, files. Meshes are not here yet.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points and pixels turn into each other"
)]

mod ball;
mod components;
mod distance;
mod polygon;
mod voxel_bits;

pub use ball::{Ball, TooWide, within};
pub use components::{Components, Neighbours, Part, Run, components, keep_largest};
pub use distance::{squared_distances, squared_distances_within};
pub use polygon::pixels_inside;
pub use voxel_bits::VoxelBits;
