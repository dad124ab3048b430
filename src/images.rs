//! Volumes, their files, shapes and edits: a part of Lamella that is built beside that of networks.
//!
//! `src/lib.rs` brings the rooms of all parts together; they are described in ARCHITECTURE.md.

pub mod drawing;
pub mod edit;
pub mod formats;
pub mod measure;
pub mod shape;
pub mod volume;

pub use lamella_base::{disk, work};
