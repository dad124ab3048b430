//! Networks and what runs and trains them: a part of Lamella that is built beside that of images.
//!
//! `src/lib.rs` brings the rooms of all parts together; they are described in ARCHITECTURE.md.

pub mod engine;
pub mod graph;
pub mod zoo;

pub use lamella_base::work;
