//! Plain arrays, for processors without an own file here. Also what Miri can check.

use super::super::matmul::{OuterProduct, Product, Sink, multiply_outer_rows, multiply_rows};
use super::{LANES, Vector};

/// See [`Vector`].
#[derive(Clone, Copy)]
pub struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|n| f(self.0[n], other.0[n])))
    }
}

// SAFETY: only loads and stores touch memory, sixteen floats each, as the trait says.
unsafe impl Vector for Portable {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(from.cast::<[f32; LANES]>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n] * factor.0[n] + term.0[n]))
    }

    #[inline(always)]
    unsafe fn multiply_rows<const ROWS: usize, const COLUMNS: usize, S: Sink<Self>>(product: Product, sink: &S) {
        #[inline(never)]
        unsafe fn own<const ROWS: usize, const COLUMNS: usize, S: Sink<Portable>>(product: Product, sink: &S) {
            unsafe { multiply_rows::<Portable, ROWS, COLUMNS, S>(product, sink) }
        }
        unsafe { own::<ROWS, COLUMNS, S>(product, sink) }
    }

    #[inline(always)]
    unsafe fn multiply_outer_rows<const ROWS: usize, const COLUMNS: usize>(
        product: OuterProduct,
        to: *mut f32,
        to_column: usize,
    ) {
        #[inline(never)]
        unsafe fn own<const ROWS: usize, const COLUMNS: usize>(product: OuterProduct, to: *mut f32, to_column: usize) {
            unsafe { multiply_outer_rows::<Portable, ROWS, COLUMNS>(product, to, to_column) }
        }
        unsafe { own::<ROWS, COLUMNS>(product, to, to_column) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, f32::max)
    }
}
