//! NEON: four registers.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vbslq_f32, vcgtq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vmaxnmq_f32, vmulq_f32, vst1q_f32,
    vsubq_f32,
};

use super::super::matmul::multiply_rows;
use super::operands::{Product, Sink};
use super::twin::Twin;
use super::vector::{Lanes, Vector, kernel};

/// One register.
#[derive(Clone, Copy)]
pub struct Register(float32x4_t);

/// See [`Vector`].
pub type Neon = Twin<Twin<Register>>;

// SAFETY: every function maps to a NEON instruction, which every 64-bit ARM has; the callers keep the trait's conditions.
unsafe impl Lanes for Register {
    const WIDTH: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(vdupq_n_f32(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(vld1q_f32(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(vaddq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(vsubq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(vmulq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(vfmaq_f32(term.0, self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(vmaxnmq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn select_greater(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(vbslq_f32(vcgtq_f32(self.0, other.0), yes.0, no.0)) }
    }
}

// SAFETY: as above.
unsafe impl Vector for Neon {
    type Part = Twin<Register>;

    kernel!(Neon);
}
