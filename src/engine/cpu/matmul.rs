//! The matrix kernel: a few rows of pixels or tiles times a panel of output channels, in registers.

use super::simd::{LANES, Vector};

/// A run of input channels that lie side by side: where it starts relative to a row, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Floats from the row's start; may be negative.
    pub offset: isize,
    /// Number of channels.
    pub len: usize,
}

/// Where the sums of a product go. A trait and not a closure, because a closure would be compiled without the
/// instruction set of the function that it is inlined into.
pub trait Sink<V> {
    /// Takes the sum of a row and a block of columns.
    ///
    /// # Safety
    /// As [`multiply`].
    unsafe fn put(&self, row: usize, column: usize, sum: V);
}

/// `rows x (COLUMNS * 16)` sums over all runs, handed to `sink`.
///
/// The left operand's row `r` starts at `a + r * a_step`; the right operand is packed as `[channel][COLUMNS * 16]` in the
/// order of the runs. `rows` is at most fourteen (six with one column). One cache line per channel, from `ahead` on, is
/// asked for meanwhile.
///
/// # Safety
/// The processor runs `V`'s instructions; every `a + r * a_step + run.offset + 0..run.len` and
/// `b + 0..sum of lengths * COLUMNS * 16` is readable.
#[inline(always)]
pub unsafe fn multiply<V: Vector, const COLUMNS: usize>(
    rows: usize,
    a: *const f32,
    a_step: usize,
    runs: &[Run],
    b: *const f32,
    ahead: *const f32,
    sink: &impl Sink<V>,
) {
    macro_rules! dispatch {
        ($($n:literal)*) => {
            match rows {
                $($n => unsafe { fixed::<V, $n, COLUMNS>(a, a_step, runs, b, ahead, sink) },)*
                _ => debug_assert!(false, "too many rows for the matrix kernel"),
            }
        };
    }
    if COLUMNS == 1 {
        dispatch!(1 2 3 4 5 6);
    } else {
        dispatch!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}

#[inline(always)]
unsafe fn fixed<V: Vector, const ROWS: usize, const COLUMNS: usize>(
    a: *const f32,
    a_step: usize,
    runs: &[Run],
    mut b: *const f32,
    mut ahead: *const f32,
    sink: &impl Sink<V>,
) {
    unsafe {
        let mut sums = [[V::splat(0.0); COLUMNS]; ROWS];
        for run in runs {
            let mut at = a.offset(run.offset);
            for _ in 0..run.len {
                let mut right = [V::splat(0.0); COLUMNS];
                for c in 0..COLUMNS {
                    right[c] = V::load(b.add(c * LANES));
                }
                for r in 0..ROWS {
                    let left = V::splat(*at.add(r * a_step));
                    for c in 0..COLUMNS {
                        sums[r][c] = left.mul_add(right[c], sums[r][c]);
                    }
                }
                V::prefetch(ahead);
                ahead = ahead.wrapping_add(LANES);
                b = b.add(COLUMNS * LANES);
                at = at.add(1);
            }
        }
        for r in 0..ROWS {
            for c in 0..COLUMNS {
                sink.put(r, c, sums[r][c]);
            }
        }
    }
}

/// Splits `count` rows into the fewest groups of at most `most`, all nearly alike: start and length of each.
pub fn row_groups(count: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let groups = count.div_ceil(most).max(1);
    (0..groups).map(move |n| {
        let start = n * count / groups;
        (start, (n + 1) * count / groups - start)
    })
}
