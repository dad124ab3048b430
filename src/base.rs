//! Rooms that all others stand on: a part of Lamella that is built first.
//!
//! `src/lib.rs` brings the rooms of all parts together; they are described in ARCHITECTURE.md.

pub mod disk;
pub mod work;
