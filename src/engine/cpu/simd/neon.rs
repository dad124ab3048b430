//! NEON: four registers.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vbslq_f32, vcgtq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vmaxnmq_f32, vmulq_f32, vst1q_f32,
    vsubq_f32,
};

use super::super::matmul::{multiply_outer_rows, multiply_rows};
use super::operands::{OuterProduct, Product, Sink};
use super::vector::{Vector, kernels};

/// See [`Vector`].
#[derive(Clone, Copy)]
pub struct Neon([float32x4_t; 4]);

// SAFETY: every function maps to four NEON instructions, which every 64-bit ARM has; the callers keep the trait's
// conditions.
unsafe impl Vector for Neon {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self([vdupq_n_f32(value); 4]) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self([vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))]) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe {
            for n in 0..4 {
                vst1q_f32(to.add(4 * n), self.0[n]);
            }
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(std::array::from_fn(|n| vaddq_f32(self.0[n], other.0[n]))) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(std::array::from_fn(|n| vsubq_f32(self.0[n], other.0[n]))) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(std::array::from_fn(|n| vmulq_f32(self.0[n], other.0[n]))) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(std::array::from_fn(|n| vfmaq_f32(term.0[n], self.0[n], factor.0[n]))) }
    }

    kernels!(Neon);

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(std::array::from_fn(|n| vmaxnmq_f32(self.0[n], other.0[n]))) }
    }

    #[inline(always)]
    unsafe fn select_greater(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(std::array::from_fn(|n| vbslq_f32(vcgtq_f32(self.0[n], other.0[n]), yes.0[n], no.0[n]))) }
    }
}
