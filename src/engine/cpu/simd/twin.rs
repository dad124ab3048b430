//! Two of something as one of twice the width.

use super::vector::Lanes;

/// Two halves.
#[derive(Clone, Copy)]
pub struct Twin<L>(pub L, pub L);

// SAFETY: every function does the same with both halves, which lie side by side; the callers keep the trait's conditions.
unsafe impl<L: Lanes> Lanes for Twin<L> {
    const WIDTH: usize = 2 * L::WIDTH;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(L::splat(value), L::splat(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(L::load(from), L::load(from.add(L::WIDTH))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe {
            self.0.store(to);
            self.1.store(to.add(L::WIDTH));
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(self.0.add(other.0), self.1.add(other.1)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(self.0.sub(other.0), self.1.sub(other.1)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(self.0.mul(other.0), self.1.mul(other.1)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(self.0.mul_add(factor.0, term.0), self.1.mul_add(factor.1, term.1)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(self.0.max(other.0), self.1.max(other.1)) }
    }

    #[inline(always)]
    unsafe fn select_greater(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { Self(self.0.select_greater(other.0, yes.0, no.0), self.1.select_greater(other.1, yes.1, no.1)) }
    }

    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        // SAFETY: the caller keeps the conditions of `Lanes`.
        unsafe { L::prefetch(at) }
    }
}
