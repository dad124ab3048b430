//! Tools that change labels: which voxels a gesture covers.
//!
//! **Invariant:** a tool only says what changes; the session applies it.
//!
//! Deliberately absent: pointers, screens, undo.

mod brush;
mod protect;

pub use brush::{Brush, paint};
pub use protect::{join_tables, keep_names, keep_protected};
