//! Running a graph: tensors, kernels, losses, optimisers.
//!
//! **Invariant:** outside this room there are only plain slices of numbers. An engine is one folder and one entry in `engines.rs`; it
//! implements the trait of `executor.rs`, and no engine knows another.
//! **Invariant:** every gradient is exact on every device, checked against PyTorch; where candle's own backward pass is
//! wrong or missing it is not used.
//! **Invariant:** a device that fails or runs out of memory is replaced by the CPU with a notice, never silently.
//!
//! Deliberately absent: images, files, schedules.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes and indices of arrays that fit in memory"
)]

mod array;
#[cfg(feature = "candle")]
mod candle;
mod cpu;
mod device;
mod device_times;
mod dropout;
mod engines;
mod error;
mod executor;
mod losses;
mod memory;
mod network;
mod optimiser;
mod pass;
mod random;
mod recipe;
mod resampling;
mod stage_times;
mod training_options;
mod weights;
#[cfg(feature = "gpu")]
mod wgpu;

pub use crate::work::memory::free_bytes as free_memory_bytes;
pub use array::Array;
pub use cpu::allocator::KeepFreedMemory;
pub use device::{DeviceChoice, DeviceFacts, OfferedDevice};
pub use device_times::DeviceTimes;
pub use engines::{available_devices, list_devices};
pub use error::{EngineError, Result};
pub use executor::Mode;
pub use losses::{LossGradient, SegmentationLoss, bce_with_logits, cross_entropy, soft_dice};
pub use memory::{inference_memory_bytes, training_memory_bytes};
pub use network::{Backend, Network};
pub use optimiser::{Optimiser, OptimiserState, is_in_scopes};
pub use pass::{Gradients, Pass};
pub use random::Random;
pub use recipe::Recipe;
pub use stage_times::StageTimes;
pub use training_options::Activations;
pub use weights::{WeightError, Weights, check as check_weights, initial_weights};
