//! AVX with FMA: two registers. Nothing of AVX2 is used: processors before it and virtual machines that hide it have these too.

use std::arch::x86_64::{
    __m256, _CMP_GT_OQ, _mm256_add_ps, _mm256_blendv_ps, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_max_ps, _mm256_mul_ps, _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_shuffle_ps, _mm256_storeu_ps,
    _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

use super::super::matmul::multiply_rows;
use super::operands::{Product, Sink};
use super::twin::Twin;
use super::vector::{LANES, Lanes, Vector, kernel};

/// One register.
#[derive(Clone, Copy)]
pub struct Register(__m256);

/// See [`Vector`].
pub type Avx = Twin<Register>;

// SAFETY: every function maps to an instruction of AVX or FMA; the callers keep the trait's conditions.
unsafe impl Lanes for Register {
    const WIDTH: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(_mm256_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(_mm256_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(_mm256_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(_mm256_max_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn select_greater(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(_mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0))) }
    }

    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast()) }
    }
}

// SAFETY: as above.
unsafe impl Vector for Avx {
    type Part = Register;

    kernel!(Avx, "avx,fma");

    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        let mut columns = rows;
        // A quarter at a time, which has registers enough.
        for below in 0..2 {
            for right in 0..2 {
                let mut quarter = [rows[0].0; 8];
                for (n, value) in quarter.iter_mut().enumerate() {
                    let row = rows[8 * below + n];
                    *value = if right == 0 { row.0 } else { row.1 };
                }
                // SAFETY: the caller keeps the conditions of `Vector`.
                let quarter = unsafe { transpose_quarter(quarter) };
                for (n, value) in quarter.into_iter().enumerate() {
                    let column = &mut columns[8 * right + n];
                    *(if below == 0 { &mut column.0 } else { &mut column.1 }) = value;
                }
            }
        }
        columns
    }
}

/// Eight rows become columns.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn transpose_quarter(rows: [Register; 8]) -> [Register; 8] {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        // Pairs, then fours within 128-bit parts, then the parts themselves.
        let mut a = rows;
        for n in (0..8).step_by(2) {
            a[n] = Register(_mm256_unpacklo_ps(rows[n].0, rows[n + 1].0));
            a[n + 1] = Register(_mm256_unpackhi_ps(rows[n].0, rows[n + 1].0));
        }
        let mut b = a;
        for n in (0..8).step_by(4) {
            for half in 0..2 {
                let (x, y) = (a[n + half].0, a[n + half + 2].0);
                b[n + 2 * half] = Register(_mm256_shuffle_ps::<0x44>(x, y));
                b[n + 2 * half + 1] = Register(_mm256_shuffle_ps::<0xee>(x, y));
            }
        }
        // b[4 g + k] holds, in part p, rows 4 g .. 4 g + 4 of column 4 p + k.
        let mut columns = b;
        for k in 0..4 {
            columns[k] = Register(_mm256_permute2f128_ps::<0x20>(b[k].0, b[4 + k].0));
            columns[4 + k] = Register(_mm256_permute2f128_ps::<0x31>(b[k].0, b[4 + k].0));
        }
        columns
    }
}
