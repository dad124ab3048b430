//! Sixteen numbers at a time, on whatever the processor offers.
//!
//! Kernels are written once over [`Vector`] and compiled once per instruction set; [`InstructionSet::best`] picks one at
//! run time. A channel block of the compiled engine is one vector.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod operands;
mod portable;
mod set;
pub mod vector;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;
pub use set::InstructionSet;
pub use vector::{LANES, Vector};
