//! Inflating large gzip files on all threads (RFC 1951, RFC 1952).
//!
//! It is a faster way to what `flate2` makes of the same bytes, and is left for that one wherever anything is unusual or wrong.

#![allow(
    clippy::cast_possible_truncation,
    reason = "bits of a number are what is meant, and lengths of streams are below 2^32"
)]
#![allow(clippy::inline_always, reason = "a call costs more than what it does")]

mod bits;
mod block;
mod codes;
mod parallel;

pub use parallel::{Member, first_member, header_length};
