//! Sixteen numbers at a time, on whatever the processor offers.
//!
//! Kernels are written once over [`Vector`] and compiled once per instruction set; [`InstructionSet::best`] picks one at
//! run time. A channel block of the compiled engine is one vector.

#[cfg(target_arch = "x86_64")]
mod avx;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod operands;
mod portable;
mod set;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod twin;
pub mod vector;

#[cfg(target_arch = "x86_64")]
pub use avx::Avx;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;
pub use set::InstructionSet;
pub use vector::{LANES, Lanes, Vector};
