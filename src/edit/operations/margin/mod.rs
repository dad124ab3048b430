//! Labels made larger, smaller, or hollow by a distance in millimetres.

pub(super) mod grow;
pub(super) mod hollow;
pub(super) mod shrink;
