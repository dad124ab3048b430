//! Pure geometry: which pixels lie inside an outline, how far voxels are from a set of voxels.
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

mod distance;
mod polygon;

pub use distance::squared_distances;
pub use polygon::pixels_inside;
