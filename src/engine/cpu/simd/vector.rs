//! What a vector of sixteen numbers can do.

use super::operands::{Product, Sink};

/// Numbers in a vector: the channels of a block.
pub const LANES: usize = 16;

/// The matrix kernel of a vector type as a function with the instructions named.
macro_rules! kernel {
    ($vector:ident $(, $features:literal)?) => {
        /// # Safety
        /// As the trait says.
        #[inline(always)]
        unsafe fn multiply_rows<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<Self>>(
            groups: usize,
            product: Product,
            sink: S,
        ) {
            /// # Safety
            /// As the trait says.
            $(#[target_feature(enable = $features)])?
            #[inline(never)]
            unsafe fn own<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<$vector>>(
                groups: usize,
                product: Product,
                sink: S,
            ) {
                // SAFETY: the caller keeps the conditions of `Vector`.
                unsafe { multiply_rows::<$vector, ROWS, COLUMNS, STEP, S>(groups, product, sink) }
            }
            // The compiler forgets `inline(never)` where instructions are named (Rust 1.95), and a kernel that is inlined into
            // its step loses registers: it may not see who is called.
            let own: unsafe fn(usize, Product, S) = std::hint::black_box(own::<ROWS, COLUMNS, STEP, S>);
            // SAFETY: the caller keeps the conditions of `Vector`.
            unsafe { own(groups, product, sink) }
        }
    };
}
pub(super) use kernel;

/// Some 32-bit floats side by side.
///
/// # Safety
/// All functions need a processor with the instruction set of the type; `load` and `store` need pointers to
/// [`Lanes::WIDTH`] readable (writable) floats. There is no alignment requirement.
pub unsafe trait Lanes: Copy {
    /// How many.
    const WIDTH: usize;
    /// All lanes alike.
    unsafe fn splat(value: f32) -> Self;
    /// Reads the floats.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes the floats.
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
    /// Asks for a cache line that is needed soon; any address is allowed.
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        let _ = at;
    }
}

/// Sixteen 32-bit floats.
///
/// # Safety
/// As [`Lanes`] says.
pub unsafe trait Vector: Lanes {
    /// A part of it of which the processor has registers enough for Winograd's tiles.
    type Part: Lanes;
    /// Rows that the matrix kernel with one column computes together.
    const NARROW_ROWS: usize = 6;
    /// The matrix kernel for so many rows and columns and a step from row to row, as a function of its own; so many groups of
    /// these rows, one after the other.
    unsafe fn multiply_rows<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<Self>>(
        groups: usize,
        product: Product,
        sink: S,
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
}

#[cfg(test)]
mod tests {
    use super::super::{InstructionSet, Portable};
    use super::{LANES, Lanes, Vector};

    /// Turns sixteen rows of the numbers from 0 on.
    ///
    /// # Safety
    /// The processor runs `V`'s instructions.
    unsafe fn turned<V: Vector>() -> Vec<f32> {
        let numbers: Vec<f32> = (0..LANES * LANES).map(|n| n as f32).collect();
        let mut to = vec![0.0; LANES * LANES];
        // SAFETY: as the caller says; both arrays have sixteen rows.
        unsafe {
            let rows = std::array::from_fn(|n| V::load(numbers.as_ptr().add(n * LANES)));
            for (n, column) in V::transpose(rows).into_iter().enumerate() {
                column.store(to.as_mut_ptr().add(n * LANES));
            }
        }
        to
    }

    #[test]
    fn rows_become_columns() {
        let expected: Vec<f32> = (0..LANES * LANES).map(|n| (n % LANES * LANES + n / LANES) as f32).collect();
        for set in InstructionSet::available() {
            // SAFETY: the set was found on this processor.
            let found = unsafe {
                match set {
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx512 => turned::<super::super::Avx512>(),
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx => turned::<super::super::Avx>(),
                    #[cfg(target_arch = "aarch64")]
                    InstructionSet::Neon => turned::<super::super::Neon>(),
                    InstructionSet::Portable => turned::<Portable>(),
                }
            };
            assert_eq!(found, expected, "{}", set.name());
        }
    }
}
