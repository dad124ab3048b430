//! Pure geometry: which pixels lie inside an outline, which voxels are connected.
//!
//! **Invariant:** a pixel belongs to an outline if its centre lies inside, by the even-odd rule.
//!
//! Deliberately absent: documents, screens, files. Meshes and signed distances are not here yet.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points and pixels turn into each other"
)]

mod components;
mod polygon;

pub use components::{Components, Neighbours, Part, Run, components, keep_largest};
pub use polygon::pixels_inside;
