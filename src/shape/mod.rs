//! Pure geometry: which pixels lie inside an outline, how far voxels are from a set of voxels, the surface of such a set.
//!
//! **Invariant:** a pixel belongs to an outline if its centre lies inside, by the even-odd rule.
//! **Invariant:** the surface of a set of voxels is closed and turns outward, also where the set reaches its box and in mirrored grids.
//!
//! Deliberately absent: labels, documents, screens, files.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points and pixels turn into each other"
)]

mod distance;
mod polygon;
mod surface;

pub use distance::squared_distances;
pub use polygon::pixels_inside;
pub use surface::{SurfaceSize, Triangle, surface_size, surface_triangles};
