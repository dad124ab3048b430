//! Operations between labels. A voxel has one label, so what one label gains another one loses.

pub(super) mod add;
pub(super) mod clear;
pub(super) mod exchange;
pub(super) mod invert;
mod recolour;
pub(super) mod relabel;
