//! Labels made rounder: thin parts, narrow gaps and steps between slices removed.

pub(super) mod close;
pub(super) mod gaussian;
pub(super) mod joint;
pub(super) mod median;
pub(super) mod open;
mod sigma;
