//! Operations on holes: background that labels close off.

pub(super) mod fill;
pub(super) mod fill_slices;
mod found;
