//! Tools that change labels: which voxels a gesture covers.
//!
//! **Invariant:** a tool only says what changes; the session applies it.
//!
//! Deliberately absent: pointers, screens, undo.

mod brush;
mod join;
mod protect;

pub use brush::{Brush, paint};
pub use join::{Fate, Join, JoinedLabel, NoNumberLeft, is_nameless, is_same_name, join, values_of_model};
pub use protect::{KeptOutBy, Protection, Withheld, erase_label, keep_protected, protect};
