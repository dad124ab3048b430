//! What every room needs of the machine while it works: memory that is asked for before it is taken.
//!
//! **Invariant:** memory whose size follows from a file or a user's choice is asked for with [`memory::ensure`] first; where it cannot be
//! had, an error says how much was wanted, and the program goes on.
//!
//! Deliberately absent: files, voxels, networks, screens.

pub mod memory;
