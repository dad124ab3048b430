//! What formats that store plain numbers have in common: the files that hold them, how the numbers are written, and in which order.
//!
//! **Invariant:** memory is taken for values whose bytes are there, never for those that a header only declares.

mod apart;
mod data;
mod encoding;
mod head;
mod order;
mod parts;
mod written;
mod zlib;

pub use apart::{named_beside, write_apart};
pub use data::{Data, Layout, read_values};
pub use encoding::Encoding;
pub use head::{Head, check};
pub use order::in_order;
pub use parts::{Parts, Pattern};
pub use written::{put_slice, put_slice_in, written_type};

/// Texts of a header that are shown are cut after so many characters.
const LONGEST_SHOWN: usize = 200;

/// The beginning of a text that may be long.
pub fn shown(text: &str) -> String {
    let short: String = text.chars().take(LONGEST_SHOWN).collect();
    if short.len() < text.len() { format!("{short} ...") } else { short }
}
