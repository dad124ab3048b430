//! The matrix kernel: a few rows of pixels or tiles times a panel of output channels, in registers.

pub use super::simd::operands::{ANY_STEP, OuterProduct, OuterRun, Product, Run, Sink};
use super::simd::vector::{LANES, Vector};

/// `rows x (COLUMNS * 16)` sums over all runs, handed to `sink`. `rows` is at most fourteen (with one column
/// [`Vector::NARROW_ROWS`]). `STEP` is the operands' `a_step`, which saves registers, or [`ANY_STEP`].
///
/// # Safety
/// The processor runs `V`'s instructions; `STEP` is as said; every `a + row * a_step + run.offset + 0..run.len` and
/// `b + 0..sum of lengths * COLUMNS * 16` is readable.
#[inline(always)]
pub unsafe fn multiply<V: Vector, const COLUMNS: usize, const STEP: usize>(
    rows: usize,
    product: Product,
    sink: &impl Sink<V>,
) {
    debug_assert!(STEP == ANY_STEP || STEP == product.a_step);
    macro_rules! dispatch {
        ($($n:literal)*) => {
            match rows {
                // SAFETY: the caller keeps the function's conditions, which are those of every row.
                $($n => unsafe { V::multiply_rows::<$n, COLUMNS, STEP, _>(product, sink) },)*
                _ => unreachable!("the matrix kernel has no {rows} rows"),
            }
        };
    }
    if COLUMNS == 1 && V::NARROW_ROWS <= 6 {
        dispatch!(1 2 3 4 5 6);
    } else {
        dispatch!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}

/// Repeats a statement for every row number below `ROWS`. The numbers are constants in it, so that sums stay in
/// registers; a loop over an array would be left in memory.
macro_rules! for_rows {
    ($rows:ident, $r:ident, $body:block) => {
        for_rows!(@ $rows, $r, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    (@ $rows:ident, $r:ident, $body:block, $($n:literal)*) => {
        $(if $rows > $n {
            const $r: usize = $n;
            $body
        })*
    };
}

/// Where the rows of the left operand are.
#[derive(Clone, Copy)]
struct RowPointers<const STEP: usize> {
    at: [*const f32; ROWS_MAX.div_ceil(3)],
    step: usize,
}

impl<const STEP: usize> RowPointers<STEP> {
    #[inline(always)]
    fn new(first: *const f32, step: usize) -> Self {
        let mut at = [first; ROWS_MAX.div_ceil(3)];
        if STEP == ANY_STEP {
            // Every third row has its own pointer; the rows between are one or two steps further. That many registers
            // there are, and the compiler may not know how the pointers belong together, or it makes more of them.
            for (n, at) in at.iter_mut().enumerate() {
                *at = std::hint::black_box(first.wrapping_add(3 * n * step));
            }
        }
        Self { at, step }
    }

    /// A constant away from the first row where the step is one.
    #[inline(always)]
    fn row(&self, row: usize) -> *const f32 {
        match STEP {
            ANY_STEP => self.at[row / 3].wrapping_add(row % 3 * self.step),
            _ => self.at[0].wrapping_add(row * STEP),
        }
    }

    #[inline(always)]
    fn advance(&mut self, channels: usize) {
        for at in &mut self.at {
            *at = at.wrapping_add(channels);
        }
    }
}

/// [`multiply`] for a fixed number of rows; every instruction set wraps it into a function of its own.
///
/// # Safety
/// As there.
#[inline(always)]
pub unsafe fn multiply_rows<V: Vector, const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<V>>(
    product: Product,
    sink: &S,
) {
    // SAFETY: the caller keeps the function's conditions, which are those of every row.
    unsafe {
        let Product { a, a_step, runs, mut b, mut ahead, next } = product;
        let mut sums = [[V::splat(0.0); COLUMNS]; ROWS_MAX];
        for run in runs {
            let mut at = RowPointers::<STEP>::new(a.offset(run.offset), a_step);
            let mut next = next.wrapping_offset(run.offset);
            // Four channels at a time: what counts and moves pointers would take the multipliers' slots.
            for _ in 0..run.len / UNROLL {
                for k in 0..UNROLL {
                    let mut right = [V::splat(0.0); COLUMNS];
                    for c in 0..COLUMNS {
                        right[c] = V::load(b.add((k * COLUMNS + c) * LANES));
                    }
                    for_rows!(ROWS, R, {
                        let left = V::splat(*at.row(R).add(k));
                        for c in 0..COLUMNS {
                            sums[R][c] = left.mul_add(right[c], sums[R][c]);
                        }
                    });
                    V::prefetch(ahead.wrapping_add(k * LANES));
                    if STEP == LANES {
                        V::prefetch(next.wrapping_add(k * LANES));
                    }
                }
                ahead = ahead.wrapping_add(UNROLL * LANES);
                next = next.wrapping_add(UNROLL * LANES);
                b = b.add(UNROLL * COLUMNS * LANES);
                at.advance(UNROLL);
            }
            for _ in 0..run.len % UNROLL {
                let mut right = [V::splat(0.0); COLUMNS];
                for c in 0..COLUMNS {
                    right[c] = V::load(b.add(c * LANES));
                }
                for_rows!(ROWS, R, {
                    let left = V::splat(*at.row(R));
                    for c in 0..COLUMNS {
                        sums[R][c] = left.mul_add(right[c], sums[R][c]);
                    }
                });
                b = b.add(COLUMNS * LANES);
                at.advance(1);
            }
        }
        for_rows!(ROWS, R, {
            for c in 0..COLUMNS {
                sink.put(R, c, sums[R][c]);
            }
        });
    }
}

/// Adds (or writes) `16 x (COLUMNS * 16)` sums over all pixels to `to + column * to_column + row * 16`.
///
/// # Safety
/// The processor runs `V`'s instructions; all pixels of all lines are readable, and the sums writable.
#[inline(always)]
pub unsafe fn multiply_outer<V: Vector, const COLUMNS: usize>(product: OuterProduct, to: *mut f32, to_column: usize) {
    // As many rows at a time as there are registers for.
    let step = if COLUMNS == 1 { 4 } else { 8 };
    for row in (0..LANES).step_by(step) {
        // SAFETY: the caller keeps the function's conditions, which are those of every row.
        unsafe {
            let product = OuterProduct { a: product.a.add(row), ..product };
            let to = to.add(row * LANES);
            if COLUMNS == 1 {
                V::multiply_outer_rows::<4, COLUMNS>(product, to, to_column);
            } else {
                V::multiply_outer_rows::<8, COLUMNS>(product, to, to_column);
            }
        }
    }
}

/// [`multiply_outer`] for a fixed number of rows; every instruction set wraps it into a function of its own.
///
/// # Safety
/// As there.
#[inline(always)]
pub unsafe fn multiply_outer_rows<V: Vector, const ROWS: usize, const COLUMNS: usize>(
    product: OuterProduct,
    to: *mut f32,
    to_column: usize,
) {
    // SAFETY: the caller keeps the function's conditions, which are those of every row.
    unsafe {
        let OuterProduct { a, a_next, b, b_column, len, runs, fresh } = product;
        let mut sums = [[V::splat(0.0); COLUMNS]; ROWS_MAX];
        macro_rules! step {
            ($a:expr, $b:expr) => {
                let (a, b) = ($a, $b);
                let mut right = [V::splat(0.0); COLUMNS];
                for c in 0..COLUMNS {
                    right[c] = V::load(b.add(c * b_column));
                }
                for_rows!(ROWS, R, {
                    let left = V::splat(*a.add(R));
                    for c in 0..COLUMNS {
                        sums[R][c] = left.mul_add(right[c], sums[R][c]);
                    }
                });
            };
        }
        for run in runs {
            let (mut a, mut b) = (a.add(run.a), b.add(run.b));
            let mut left = len;
            // Pixels side by side, four at a time.
            while a_next == LANES && left >= UNROLL {
                for k in 0..UNROLL {
                    step!(a.add(k * LANES), b.add(k * LANES));
                }
                a = a.add(UNROLL * LANES);
                b = b.add(UNROLL * LANES);
                left -= UNROLL;
            }
            for _ in 0..left {
                step!(a, b);
                a = a.add(a_next);
                b = b.add(LANES);
            }
        }
        for_rows!(ROWS, R, {
            for c in 0..COLUMNS {
                let to = to.add(c * to_column + R * LANES);
                let before = if fresh { V::splat(0.0) } else { V::load(to) };
                before.add(sums[R][c]).store(to);
            }
        });
    }
}

/// Channels of one turn of the kernel's loop.
const UNROLL: usize = 4;

/// Most rows of any instruction set.
const ROWS_MAX: usize = 14;

/// Splits `count` rows into the fewest groups of at most `most`, all nearly alike: start and length of each.
pub fn row_groups(count: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let groups = count.div_ceil(most).max(1);
    (0..groups).map(move |n| {
        let start = n * count / groups;
        (start, (n + 1) * count / groups - start)
    })
}
