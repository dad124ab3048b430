//! Winograd's transforms of tiles and weights where they lie in memory, and where products go.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::super::matmul::Sink;
use super::super::simd::{LANES, Lanes, Vector};
use super::super::winograd::{
    PATCH, TILE, transform_gradient, transform_input, transform_input_end, transform_input_pair, transform_output,
    transform_products_to_taps, transform_taps,
};

/// Taps of a kernel.
pub const KERNEL: usize = 9;

/// B^T d B of `count` patches that follow each other, sharing two columns.
///
/// # Safety
/// The processor runs `V`'s instructions; all patches are readable, all results writable.
#[inline(always)]
pub unsafe fn transform_tiles<V: Vector>(
    from: *const f32,
    row: usize,
    count: usize,
    to: *mut f32,
    step: usize,
    stride: usize,
) {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        if V::Part::WIDTH == LANES {
            return transform_by_columns::<V>(from, row, count, to, step, stride);
        }
        for n in 0..count {
            let (from, to) = (from.add(n * TILE * LANES), to.add(n * step));
            ask_for_patch::<V>(from, row);
            for part in (0..LANES).step_by(V::Part::WIDTH) {
                transform_by_rows::<V::Part>(from.add(part), row, to.add(part), stride);
            }
        }
    }
}

/// Asks for the new columns of the patch that follows: maps come from a cache that is further away than a patch takes.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
unsafe fn ask_for_patch<V: Lanes>(from: *const f32, row: usize) {
    for c in 2..PATCH {
        for r in 0..PATCH {
            // SAFETY: any address is allowed.
            unsafe { V::prefetch(from.wrapping_add((c + TILE) * LANES + r * row)) };
        }
    }
}

/// [`transform_tiles`] where there are registers for most of a patch: columns that patches share are transformed once.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn transform_by_columns<V: Lanes>(
    from: *const f32,
    row: usize,
    count: usize,
    to: *mut f32,
    step: usize,
    stride: usize,
) {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let zero = V::splat(0.0);
        let mut columns = [[zero; PATCH]; PATCH];
        columns[0] = transform_column(from, row);
        columns[1] = transform_column(from.add(LANES), row);
        for n in 0..count {
            let from = from.add(n * TILE * LANES);
            ask_for_patch::<V>(from, row);
            for c in 2..PATCH {
                columns[c] = transform_column(from.add(c * LANES), row);
            }
            let to = to.add(n * step);
            for r in 0..PATCH {
                let mut d = [zero; PATCH];
                for c in 0..PATCH {
                    d[c] = columns[c][r];
                }
                let out = transform_input(d);
                for c in 0..PATCH {
                    let to = to.add((r * PATCH + c) * stride);
                    out[c].store(to);
                    // A line that is only written has to be fetched all the same.
                    V::prefetch(to.wrapping_add(step));
                }
            }
            columns[0] = columns[4];
            columns[1] = columns[5];
        }
    }
}

/// B^T d B of one patch by one or two rows of the result at a time, so that few registers do: nothing is kept in memory between.
///
/// # Safety
/// As [`transform_tiles`] says.
#[inline(always)]
unsafe fn transform_by_rows<V: Lanes>(from: *const f32, row: usize, to: *mut f32, stride: usize) {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let at = |r: usize, c: usize| from.add(r * row + c * LANES);
        let zero = V::splat(0.0);
        for (n, first) in [(0, 0), (PATCH - 1, 1)] {
            let mut d = [zero; PATCH];
            for c in 0..PATCH {
                d[c] =
                    transform_input_end([V::load(at(first, c)), V::load(at(first + 2, c)), V::load(at(first + 4, c))]);
            }
            store_row(transform_input(d), to.add(n * PATCH * stride), stride);
        }
        for (n, inner, outer) in [(1, 2.0, FRAC_1_SQRT_2), (3, 0.5, SQRT_2)] {
            let mut d = [[zero; PATCH]; 2];
            for c in 0..PATCH {
                let column = [V::load(at(1, c)), V::load(at(2, c)), V::load(at(3, c)), V::load(at(4, c))];
                let pair = transform_input_pair(column, inner, outer);
                d[0][c] = pair[0];
                d[1][c] = pair[1];
            }
            for half in 0..2 {
                store_row(transform_input(d[half]), to.add((n + half) * PATCH * stride), stride);
            }
        }
    }
}

/// # Safety
/// The processor has the instructions of `V`; pointers lead to the floats that are written.
#[inline(always)]
unsafe fn store_row<V: Lanes>(row: [V; PATCH], to: *mut f32, stride: usize) {
    for c in 0..PATCH {
        // SAFETY: the caller keeps the function's conditions.
        unsafe { row[c].store(to.add(c * stride)) };
    }
}

/// # Safety
/// The processor has the instructions of `V`; pointers lead to the floats that are read and written.
#[inline(always)]
unsafe fn transform_column<V: Lanes>(from: *const f32, row: usize) -> [V; PATCH] {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let mut d = [V::splat(0.0); PATCH];
        for r in 0..PATCH {
            d[r] = V::load(from.add(r * row));
        }
        transform_input(d)
    }
}

/// A^T m A of one tile; the tile `step` floats behind it is asked for meanwhile, if `asks`.
///
/// # Safety
/// The processor runs `V`'s instructions; the 36 products are readable.
#[inline(always)]
pub unsafe fn transform_products<V: Lanes>(
    from: *const f32,
    stride: usize,
    step: usize,
    asks: bool,
) -> [[V; TILE]; TILE] {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let zero = V::splat(0.0);
        let mut rows = [[zero; TILE]; PATCH];
        for r in 0..PATCH {
            let mut m = [zero; PATCH];
            for c in 0..PATCH {
                m[c] = V::load(from.add((r * PATCH + c) * stride));
                if asks {
                    V::prefetch(from.wrapping_add((r * PATCH + c) * stride + step));
                }
            }
            rows[r] = transform_output(m);
        }
        let mut out = [[zero; TILE]; TILE];
        for c in 0..TILE {
            let mut m = [zero; PATCH];
            for r in 0..PATCH {
                m[r] = rows[r][c];
            }
            let column = transform_output(m);
            for r in 0..TILE {
                out[r][c] = column[r];
            }
        }
        out
    }
}

/// Adds the first rows and columns of a tile of a map, whose rows are `row` floats apart.
///
/// # Safety
/// The processor runs `V`'s instructions; that part of the map is readable.
#[inline(always)]
pub unsafe fn add_tile<V: Lanes>(
    tile: &mut [[V; TILE]; TILE],
    from: *const f32,
    row: usize,
    [rows, columns]: [usize; 2],
) {
    for r in 0..rows {
        for c in 0..columns {
            // SAFETY: the caller keeps the function's conditions.
            tile[r][c] = unsafe { tile[r][c].add(V::load(from.add(r * row + c * LANES))) };
        }
    }
}

/// Writes the first rows and columns of a tile to a map, whose rows are `row` floats apart; the tile that follows is asked
/// for, if `asks`.
///
/// # Safety
/// The processor runs `V`'s instructions; that part of the map is writable.
#[inline(always)]
pub unsafe fn store_tile<V: Lanes>(
    tile: &[[V; TILE]; TILE],
    to: *mut f32,
    row: usize,
    [rows, columns]: [usize; 2],
    asks: bool,
) {
    for r in 0..rows {
        for c in 0..columns {
            // SAFETY: the caller keeps the function's conditions.
            unsafe {
                let to = to.add(r * row + c * LANES);
                tile[r][c].store(to);
                // What is only written has to be fetched all the same.
                if asks {
                    V::prefetch(to.wrapping_add(TILE * LANES));
                }
            }
        }
    }
}

/// A g A^T of one tile of a gradient; its 36 values are `stride` apart.
///
/// # Safety
/// The processor runs `V`'s instructions; the tile is readable and the results writable.
#[inline(always)]
pub unsafe fn transform_gradient_tile<V: Vector>(from: *const f32, row: usize, to: *mut f32, stride: usize) {
    for part in (0..LANES).step_by(V::Part::WIDTH) {
        // SAFETY: the caller keeps the function's conditions.
        unsafe { transform_gradient_part::<V::Part>(from.add(part), row, to.add(part), stride) };
    }
}

/// # Safety
/// As [`transform_gradient_tile`] says.
#[inline(always)]
unsafe fn transform_gradient_part<V: Lanes>(from: *const f32, row: usize, to: *mut f32, stride: usize) {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let zero = V::splat(0.0);
        let mut columns = [[zero; PATCH]; TILE];
        for c in 0..TILE {
            let mut y = [zero; TILE];
            for r in 0..TILE {
                y[r] = V::load(from.add(r * row + c * LANES));
            }
            columns[c] = transform_gradient(y);
        }
        for r in 0..PATCH {
            let out = transform_gradient([columns[0][r], columns[1][r], columns[2][r], columns[3][r]]);
            store_row(out, to.add(r * PATCH * stride), stride);
        }
    }
}

/// G^T u G of 36 values.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn transform_to_taps<V: Lanes>(u: &[V; PATCH * PATCH]) -> [V; KERNEL] {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let zero = V::splat(0.0);
        let mut rows = [[zero; 3]; PATCH];
        for r in 0..PATCH {
            let mut line = [zero; PATCH];
            line.copy_from_slice(&u[r * PATCH..(r + 1) * PATCH]);
            rows[r] = transform_products_to_taps(line);
        }
        let mut taps = [zero; KERNEL];
        for c in 0..3 {
            let mut column = [zero; PATCH];
            for r in 0..PATCH {
                column[r] = rows[r][c];
            }
            let out = transform_products_to_taps(column);
            for r in 0..3 {
                taps[r * 3 + c] = out[r];
            }
        }
        taps
    }
}

/// Sums as they are, in rows of a panel's width.
#[derive(Clone, Copy)]
pub struct Products {
    /// First row.
    pub to: *mut f32,
    /// Floats from row to row.
    pub width: usize,
}

impl<V: Vector> Sink<V> for Products {
    #[inline(always)]
    fn skip(self, rows: usize) -> Self {
        Self { to: self.to.wrapping_add(rows * self.width), ..self }
    }

    /// # Safety
    /// As [`Sink::put`] says.
    #[inline(always)]
    unsafe fn put(&self, row: usize, column: usize, sum: V) {
        // SAFETY: the caller keeps the function's conditions.
        unsafe { sum.store(self.to.add(row * self.width + column * LANES)) }
    }
}

/// Sums on top of those of earlier channels.
#[derive(Clone, Copy)]
pub struct MoreProducts(pub Products);

impl<V: Vector> Sink<V> for MoreProducts {
    #[inline(always)]
    fn skip(self, rows: usize) -> Self {
        Self(Sink::<V>::skip(self.0, rows))
    }

    /// # Safety
    /// As [`Sink::put`] says.
    #[inline(always)]
    unsafe fn put(&self, row: usize, column: usize, sum: V) {
        // SAFETY: the caller keeps the function's conditions.
        unsafe {
            let to = self.0.to.add(row * self.0.width + column * LANES);
            V::load(to).add(sum).store(to);
        }
    }
}

/// G g G^T of `channels` input channels and a panel of output channels: `[channel][9][blocks * 16]` to
/// `[product][channel][to_width]`.
///
/// # Safety
/// The processor runs `V`'s instructions; weights are readable and results writable.
#[inline(always)]
pub unsafe fn transform_weights<V: Vector>(
    raw: *const f32,
    channels: usize,
    blocks: usize,
    to: *mut f32,
    to_width: usize,
    stride: usize,
) {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let width = blocks * LANES;
        for channel in 0..channels {
            for part in (0..width).step_by(V::Part::WIDTH) {
                let from = raw.add(channel * KERNEL * width + part);
                transform_kernels::<V::Part>(from, width, to.add(channel * to_width + part), stride);
            }
        }
    }
}

/// G g G^T of kernels side by side, whose taps are `width` floats apart.
///
/// # Safety
/// As [`transform_weights`] says.
#[inline(always)]
unsafe fn transform_kernels<V: Lanes>(from: *const f32, width: usize, to: *mut f32, stride: usize) {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let zero = V::splat(0.0);
        let mut columns = [[zero; PATCH]; 3];
        for c in 0..3 {
            let mut g = [zero; 3];
            for r in 0..3 {
                g[r] = V::load(from.add((r * 3 + c) * width));
            }
            columns[c] = transform_taps(g);
        }
        for r in 0..PATCH {
            let row = transform_taps([columns[0][r], columns[1][r], columns[2][r]]);
            store_row(row, to.add(r * PATCH * stride), stride);
        }
    }
}
