//! Lamella: segment medical images slice by slice.
//!
//! Rooms and their one-way doors are described in ARCHITECTURE.md. For research use; not for diagnosis.

pub mod app;
pub mod cli;
pub mod disk;
pub mod drawing;
pub mod edit;
pub mod engine;
pub mod formats;
pub mod graph;
#[cfg(feature = "gui")]
pub mod gui;
pub mod jobs;
pub mod learn;
pub mod measure;
pub mod model;
pub mod pipeline;
pub mod remote;
pub mod session;
pub mod shape;
pub mod tools;
pub mod volume;
pub mod work;
pub mod zoo;

/// The worked example of CONTRIBUTING.md, which `cargo test` compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../CONTRIBUTING.md")]
pub struct AddingAnArchitecture;
