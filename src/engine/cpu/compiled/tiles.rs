//! Winograd's transforms of tiles and weights where they lie in memory, and where products go.

use super::super::matmul::Sink;
use super::super::simd::{LANES, Vector};
use super::super::winograd::{
    PATCH, TILE, transform_gradient, transform_input, transform_output, transform_products_to_taps, transform_taps,
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
        let zero = V::splat(0.0);
        let mut columns = [[zero; PATCH]; PATCH];
        columns[0] = transform_column(from, row);
        columns[1] = transform_column(from.add(LANES), row);
        for n in 0..count {
            let from = from.add(n * TILE * LANES);
            // The next patch's new columns: maps come from a cache that is further away than a patch takes.
            for c in 2..PATCH {
                for r in 0..PATCH {
                    V::prefetch(from.wrapping_add((c + TILE) * LANES + r * row));
                }
            }
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

/// # Safety
/// The processor has the instructions of `V`; pointers lead to the floats that are read and written.
#[inline(always)]
unsafe fn transform_column<V: Vector>(from: *const f32, row: usize) -> [V; PATCH] {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let mut d = [V::splat(0.0); PATCH];
        for r in 0..PATCH {
            d[r] = V::load(from.add(r * row));
        }
        transform_input(d)
    }
}

/// A^T m A of one tile; the tile `step` floats behind it is asked for meanwhile.
///
/// # Safety
/// The processor runs `V`'s instructions; the 36 products are readable.
#[inline(always)]
pub unsafe fn transform_products<V: Vector>(from: *const f32, stride: usize, step: usize) -> [[V; TILE]; TILE] {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let zero = V::splat(0.0);
        let mut rows = [[zero; TILE]; PATCH];
        for r in 0..PATCH {
            let mut m = [zero; PATCH];
            for c in 0..PATCH {
                m[c] = V::load(from.add((r * PATCH + c) * stride));
                V::prefetch(from.wrapping_add((r * PATCH + c) * stride + step));
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
pub unsafe fn add_tile<V: Vector>(
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

/// Writes the first rows and columns of a tile to a map, whose rows are `row` floats apart.
///
/// # Safety
/// The processor runs `V`'s instructions; that part of the map is writable.
#[inline(always)]
pub unsafe fn store_tile<V: Vector>(tile: &[[V; TILE]; TILE], to: *mut f32, row: usize, [rows, columns]: [usize; 2]) {
    for r in 0..rows {
        for c in 0..columns {
            // SAFETY: the caller keeps the function's conditions.
            unsafe {
                let to = to.add(r * row + c * LANES);
                tile[r][c].store(to);
                // The tile that follows; what is only written has to be fetched all the same.
                V::prefetch(to.wrapping_add(TILE * LANES));
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
            for c in 0..PATCH {
                out[c].store(to.add((r * PATCH + c) * stride));
            }
        }
    }
}

/// G^T u G of 36 values.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn transform_to_taps<V: Vector>(u: &[V; PATCH * PATCH]) -> [V; KERNEL] {
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
    /// # Safety
    /// As [`Sink::put`] says.
    #[inline(always)]
    unsafe fn put(&self, row: usize, column: usize, sum: V) {
        // SAFETY: the caller keeps the function's conditions.
        unsafe { sum.store(self.to.add(row * self.width + column * LANES)) }
    }
}

impl From<(Products, usize)> for Products {
    fn from((products, rows): (Products, usize)) -> Self {
        Self { to: products.to.wrapping_add(rows * products.width), ..products }
    }
}

/// Sums on top of those of earlier channels.
#[derive(Clone, Copy)]
pub struct MoreProducts(pub Products);

impl<V: Vector> Sink<V> for MoreProducts {
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

impl From<(MoreProducts, usize)> for MoreProducts {
    fn from((products, rows): (MoreProducts, usize)) -> Self {
        Self(Products::from((products.0, rows)))
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
        let (width, zero) = (blocks * LANES, V::splat(0.0));
        for channel in 0..channels {
            for block in 0..blocks {
                let from = raw.add(channel * KERNEL * width + block * LANES);
                let to = to.add(channel * to_width + block * LANES);
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
                    for c in 0..PATCH {
                        row[c].store(to.add((r * PATCH + c) * stride));
                    }
                }
            }
        }
    }
}
