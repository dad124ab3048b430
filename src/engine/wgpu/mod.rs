//! The engine for GPUs through wgpu: a graph compiled into shaders for one batch and size, on any Vulkan, DirectX 12 or Metal device.
//!
//! **Invariant:** an operation that has no shader makes compiling fail with its name; nothing is left out silently.
//! **Invariant:** the device is not the window's: what fails here does not take the window with it.
//! **Invariant:** wgpu's types stay in this folder, and no error of a driver is a panic: it becomes an error of this room.
//!
//! `compile.rs` goes through the graph, files beside it make the calls of a kind of operation; `plan.rs` runs them. Shaders are WGSL
//! files (`shaders/`), put together by `shader.rs`; their pipelines are kept by their text. `training/` is both ways of a training pass
//! and the optimisers' steps.
//!
//! Deliberately absent: maps of 16 bits, losses (plain functions on the CPU).

mod adapters;
mod arena;
mod arranging;
mod attending;
mod compile;
mod convolving;
mod device;
mod draft;
mod executor;
mod failure;
mod finish;
mod gpu;
mod norming;
mod plan;
mod reading;
mod resident;
mod sampling;
mod shader;
mod steps;
mod training;
mod waiting;
mod walk;

pub use device::ENGINE;
