//! AVX-512: one register.

use std::arch::x86_64::{
    __m512, _CMP_GT_OQ, _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd, _mm512_cmp_ps_mask, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_mask_blend_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_shuffle_f32x4,
    _mm512_storeu_ps, _mm512_sub_ps, _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};

use super::super::matmul::{multiply_outer_rows, multiply_rows};
use super::operands::{OuterProduct, Product, Sink};
use super::vector::{LANES, Vector, kernels};

/// See [`Vector`].
#[derive(Clone, Copy)]
pub struct Avx512(__m512);

// SAFETY: every function maps to one instruction of AVX-512 F; the callers keep the trait's conditions.
unsafe impl Vector for Avx512 {
    const NARROW_ROWS: usize = 12;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(_mm512_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(_mm512_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(_mm512_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(_mm512_fmadd_ps(self.0, factor.0, term.0)) }
    }

    kernels!(Avx512, "avx512f,avx2,fma");

    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe {
            // Pairs, then fours within 128-bit parts, then the parts themselves.
            let mut a = rows;
            for n in (0..LANES).step_by(2) {
                a[n] = Self(_mm512_unpacklo_ps(rows[n].0, rows[n + 1].0));
                a[n + 1] = Self(_mm512_unpackhi_ps(rows[n].0, rows[n + 1].0));
            }
            let mut b = a;
            for n in (0..LANES).step_by(4) {
                for half in 0..2 {
                    let (x, y) = (_mm512_castps_pd(a[n + half].0), _mm512_castps_pd(a[n + half + 2].0));
                    b[n + 2 * half] = Self(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)));
                    b[n + 2 * half + 1] = Self(_mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
                }
            }
            // b[4 g + k] holds, in part p, rows 4 g .. 4 g + 4 of column 4 p + k.
            let mut columns = rows;
            for k in 0..4 {
                let (r0, r1, r2, r3) = (b[k].0, b[4 + k].0, b[8 + k].0, b[12 + k].0);
                let low = _mm512_shuffle_f32x4::<0x44>(r0, r1);
                let high = _mm512_shuffle_f32x4::<0xee>(r0, r1);
                let low_next = _mm512_shuffle_f32x4::<0x44>(r2, r3);
                let high_next = _mm512_shuffle_f32x4::<0xee>(r2, r3);
                columns[k] = Self(_mm512_shuffle_f32x4::<0x88>(low, low_next));
                columns[4 + k] = Self(_mm512_shuffle_f32x4::<0xdd>(low, low_next));
                columns[8 + k] = Self(_mm512_shuffle_f32x4::<0x88>(high, high_next));
                columns[12 + k] = Self(_mm512_shuffle_f32x4::<0xdd>(high, high_next));
            }
            columns
        }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(_mm512_max_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn select_greater(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { Self(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0), no.0, yes.0)) }
    }

    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        // SAFETY: the caller keeps the conditions of `Vector`.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast()) }
    }
}
