//! Lamella: segment medical images slice by slice.
//!
//! Rooms and their one-way doors are described in ARCHITECTURE.md. For research use; not for diagnosis.

pub mod app;
pub mod cli;
#[cfg(feature = "gui")]
pub mod gui;
pub mod home;
pub mod jobs;
pub mod learn;
pub mod licences;
pub mod model;
pub mod pipeline;
pub mod remote;
pub mod session;
pub mod tools;
pub mod words;

// Rooms of the parts that are built before: whoever changes one builds what stands on it, and two cores have work all the time.
pub use lamella_base::{disk, work};
pub use lamella_images::{drawing, edit, formats, measure, shape, volume};
pub use lamella_networks::{engine, graph, zoo};

/// The worked example of CONTRIBUTING.md, which `cargo test` compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../CONTRIBUTING.md")]
pub struct AddingAnArchitecture;
