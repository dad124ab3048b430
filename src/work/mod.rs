//! What every room needs while it works: the token that stops and reports, and memory that is asked for before it is taken.
//!
//! **Invariant:** there is one token, [`Watch`], and one word for work that was stopped, [`Stopped`], in every layer.
//! **Invariant:** memory whose size follows from a file or a user's choice is asked for with [`memory::ensure`] first; where it cannot be
//! had, an error says how much was wanted, and the program goes on.
//!
//! Deliberately absent: files, voxels, networks, screens.

mod container;
mod disk_space;
pub mod memory;
pub mod numbers;
mod watch;

pub use disk_space::free_disk_bytes;
pub use watch::{Share, Signal, Stopped, Watch, ending};
