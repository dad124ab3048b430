//! Pure geometry: which pixels lie inside an outline, the outlines of pixels, which voxels are connected, how far voxels are from a set of voxels, which lie within
//! a ball of it, the surface of such a set.
//!
//! **Invariant:** a pixel belongs to an outline if its centre lies inside, by the even-odd rule; to contours of other programs also if its
//! centre lies on one.
//! **Invariant:** outlines of pixels, filled, are the same pixels again.
//! **Invariant:** the surface of a set of voxels is closed and turns outward, also where the set reaches its box and in mirrored grids.
//!
//! Deliberately absent: documents, screens, files.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points and pixels turn into each other"
)]

mod ball;
mod block_surface;
mod closed_mesh;
mod components;
mod contour;
mod distance;
mod fairing;
mod mesh;
mod plane_figure;
mod polygon;
mod ray;
mod surface;
mod trace;
mod voxel_bits;

pub use ball::{Ball, TooWide, within};
pub use block_surface::{
    BlockPart, BlockSurface, BlockVertex, STEPS_PER_VOXEL, block_counts, block_surface, blocks_around, simpler_surface,
};
pub use closed_mesh::surface_mesh;
pub use components::{Components, Neighbours, Part, Run, components, keep_largest};
pub use contour::{ON_OUTLINE, fill_contours};
pub use distance::{squared_distances, squared_distances_within};
pub use mesh::Mesh;
pub use plane_figure::{area_vector, even_odd_area, flattened, tangents};
pub use polygon::{pixels_inside, spans_inside};
pub use ray::first_along;
pub use surface::{SurfaceSize, Triangle, surface_size, surface_triangles};
pub use trace::{OUTLINE_INSET, outlines};
pub use voxel_bits::VoxelBits;
