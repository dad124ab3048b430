//! What a vector of sixteen numbers can do.

use super::operands::{OuterProduct, Product, Sink};

/// Numbers in a vector: the channels of a block.
pub const LANES: usize = 16;

/// The matrix kernels of a vector type as functions of their own, with the instructions named.
macro_rules! kernels {
    ($vector:ident $(, $features:literal)?) => {
        /// # Safety
        /// As the trait says.
        #[inline(always)]
        unsafe fn multiply_rows<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<Self>>(
            product: Product,
            sink: &S,
        ) {
            /// # Safety
            /// As the trait says.
            $(#[target_feature(enable = $features)])?
            #[inline(never)]
            unsafe fn own<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<$vector>>(
                product: Product,
                sink: &S,
            ) {
                // SAFETY: the caller keeps the conditions of `Vector`.
                unsafe { multiply_rows::<$vector, ROWS, COLUMNS, STEP, S>(product, sink) }
            }
            // SAFETY: the caller keeps the conditions of `Vector`.
            unsafe { own::<ROWS, COLUMNS, STEP, S>(product, sink) }
        }

        /// # Safety
        /// As the trait says.
        #[inline(always)]
        unsafe fn multiply_outer_rows<const ROWS: usize, const COLUMNS: usize>(
            product: OuterProduct,
            to: *mut f32,
            to_column: usize,
        ) {
            /// # Safety
            /// As the trait says.
            $(#[target_feature(enable = $features)])?
            #[inline(never)]
            unsafe fn own<const ROWS: usize, const COLUMNS: usize>(product: OuterProduct, to: *mut f32, step: usize) {
                // SAFETY: the caller keeps the conditions of `Vector`.
                unsafe { multiply_outer_rows::<$vector, ROWS, COLUMNS>(product, to, step) }
            }
            // SAFETY: the caller keeps the conditions of `Vector`.
            unsafe { own::<ROWS, COLUMNS>(product, to, to_column) }
        }
    };
}
pub(super) use kernels;

/// Sixteen 32-bit floats.
///
/// # Safety
/// All functions need a processor with the instruction set of the type; `load` and `store` need pointers to
/// sixteen readable (writable) floats. There is no alignment requirement.
pub unsafe trait Vector: Copy {
    /// Rows that the matrix kernel with one column computes together.
    const NARROW_ROWS: usize = 6;
    /// All lanes alike.
    unsafe fn splat(value: f32) -> Self;
    /// Reads sixteen floats.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes sixteen floats.
    unsafe fn store(self, to: *mut f32);
    /// Sum.
    unsafe fn add(self, other: Self) -> Self;
    /// Difference.
    unsafe fn sub(self, other: Self) -> Self;
    /// Product.
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + term`, rounded once where the processor can.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The larger of each pair.
    unsafe fn max(self, other: Self) -> Self;
    /// Where `self` is greater than `other`, `yes`, elsewhere `no`.
    unsafe fn select_greater(self, other: Self, yes: Self, no: Self) -> Self;
    /// The matrix kernel for so many rows and columns and a step from row to row, as a function of its own.
    unsafe fn multiply_rows<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<Self>>(
        product: Product,
        sink: &S,
    );
    /// The outer product kernel for so many rows and columns, as a function of its own.
    unsafe fn multiply_outer_rows<const ROWS: usize, const COLUMNS: usize>(
        product: OuterProduct,
        to: *mut f32,
        to_column: usize,
    );
    /// Rows become columns.
    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        let mut values = [[0.0f32; LANES]; LANES];
        let mut turned = [[0.0f32; LANES]; LANES];
        for (values, row) in values.iter_mut().zip(rows) {
            // SAFETY: the caller keeps the conditions of `Vector`.
            unsafe { row.store(values.as_mut_ptr()) };
        }
        for (n, turned) in turned.iter_mut().enumerate() {
            for (value, row) in turned.iter_mut().zip(&values) {
                *value = row[n];
            }
        }
        let mut columns = rows;
        for (column, turned) in columns.iter_mut().zip(&turned) {
            // SAFETY: as above.
            *column = unsafe { Self::load(turned.as_ptr()) };
        }
        columns
    }
    /// Asks for a cache line that is needed soon; any address is allowed.
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        let _ = at;
    }
}
