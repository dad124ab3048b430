//! Operations on islands: the connected parts of a label. Labels that touch are never joined.

mod found;
pub(super) mod keep_at;
pub(super) mod keep_largest;
pub(super) mod remove_at;
pub(super) mod remove_small;
pub(super) mod split;
