//! Winograd's minimal filtering F(4x4, 3x3): 36 products give 16 outputs of a 3x3 convolution instead of 144.
//!
//! Interpolation points 0, ±1/√2, ±√2 and infinity; they are symmetric and close to one, which keeps the rounding error
//! at half of the usual points' (0, ±1, ±2). Sources: Lavin & Gray 2016 (the algorithm), Barabasz et al. 2020 (points).

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::simd::Vector;

/// Edge of an output tile.
pub const TILE: usize = 4;
/// Edge of an input tile.
pub const PATCH: usize = 6;
/// Products per tile and pair of channels.
pub const PRODUCTS: usize = PATCH * PATCH;

/// G g G^T of a 3x3 kernel, in double precision.
pub fn transform_kernel(kernel: &[f32; 9]) -> [f32; PRODUCTS] {
    let (a, b) = (std::f64::consts::FRAC_1_SQRT_2, std::f64::consts::SQRT_2);
    let g = [
        [1.0, 0.0, 0.0],
        [-1.0 / 1.5, -a / 1.5, -0.5 / 1.5],
        [-1.0 / 1.5, a / 1.5, -0.5 / 1.5],
        [1.0 / 6.0, b / 6.0, 2.0 / 6.0],
        [1.0 / 6.0, -b / 6.0, 2.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];
    let mut half = [[0.0; 3]; PATCH];
    for (row, g) in half.iter_mut().zip(&g) {
        for (column, value) in row.iter_mut().enumerate() {
            *value = (0..3).map(|k| g[k] * f64::from(kernel[k * 3 + column])).sum();
        }
    }
    std::array::from_fn(|n| (0..3).map(|k| half[n / PATCH][k] * g[n % PATCH][k]).sum::<f64>() as f32)
}

/// G g of three values.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn transform_taps<V: Vector>(g: [V; 3]) -> [V; PATCH] {
    // SAFETY: only arithmetic of `V`, for whose instructions the caller vouches.
    unsafe {
        let (near, far) = (V::splat(-1.0 / 1.5), V::splat(1.0 / 6.0));
        let even = V::splat(0.5).mul_add(g[2], g[0]).mul(near);
        let even_far = V::splat(2.0).mul_add(g[2], g[0]).mul(far);
        let (odd, odd_far) = (V::splat(-FRAC_1_SQRT_2 / 1.5), V::splat(SQRT_2 / 6.0));
        let (minus_odd, minus_odd_far) = (V::splat(FRAC_1_SQRT_2 / 1.5), V::splat(-SQRT_2 / 6.0));
        [
            g[0],
            odd.mul_add(g[1], even),
            minus_odd.mul_add(g[1], even),
            odd_far.mul_add(g[1], even_far),
            minus_odd_far.mul_add(g[1], even_far),
            g[2],
        ]
    }
}

/// B^T d of six values.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn transform_input<V: Vector>(d: [V; PATCH]) -> [V; PATCH] {
    // SAFETY: only arithmetic of `V`, for whose instructions the caller vouches.
    unsafe {
        let a = V::splat(FRAC_1_SQRT_2);
        let b = V::splat(SQRT_2);
        let (minus_a, minus_b) = (V::splat(-FRAC_1_SQRT_2), V::splat(-SQRT_2));
        let minus_two = V::splat(-2.0);
        let minus_half = V::splat(-0.5);
        let minus_five_halves = V::splat(-2.5);
        let even = minus_two.mul_add(d[2], d[4]);
        let odd = minus_two.mul_add(d[1], d[3]);
        let even_far = minus_half.mul_add(d[2], d[4]);
        let odd_far = minus_half.mul_add(d[1], d[3]);
        [
            minus_five_halves.mul_add(d[2], d[0].add(d[4])),
            odd.mul_add(a, even),
            odd.mul_add(minus_a, even),
            odd_far.mul_add(b, even_far),
            odd_far.mul_add(minus_b, even_far),
            minus_five_halves.mul_add(d[3], d[1].add(d[5])),
        ]
    }
}

/// A^T m of six values.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn transform_output<V: Vector>(m: [V; PATCH]) -> [V; TILE] {
    // SAFETY: only arithmetic of `V`, for whose instructions the caller vouches.
    unsafe {
        let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
        let (sum_far, difference_far) = (m[3].add(m[4]), m[3].sub(m[4]));
        let a = V::splat(FRAC_1_SQRT_2);
        let b = V::splat(SQRT_2);
        let (half, two) = (V::splat(0.5), V::splat(2.0));
        [
            m[0].add(sum).add(sum_far),
            a.mul_add(difference, b.mul(difference_far)),
            half.mul_add(sum, two.mul(sum_far)),
            V::splat(0.5 * FRAC_1_SQRT_2).mul_add(difference, V::splat(2.0 * SQRT_2).mul_add(difference_far, m[5])),
        ]
    }
}

/// A g of four values: what takes an output's gradient back to the products.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn transform_gradient<V: Vector>(y: [V; TILE]) -> [V; PATCH] {
    // SAFETY: only arithmetic of `V`, for whose instructions the caller vouches.
    unsafe {
        let (half, two) = (V::splat(0.5), V::splat(2.0));
        let even = half.mul_add(y[2], y[0]);
        let even_far = two.mul_add(y[2], y[0]);
        let odd = half.mul_add(y[3], y[1]);
        let odd_far = two.mul_add(y[3], y[1]);
        let (a, b) = (V::splat(FRAC_1_SQRT_2), V::splat(SQRT_2));
        let (minus_a, minus_b) = (V::splat(-FRAC_1_SQRT_2), V::splat(-SQRT_2));
        [
            y[0],
            odd.mul_add(a, even),
            odd.mul_add(minus_a, even),
            odd_far.mul_add(b, even_far),
            odd_far.mul_add(minus_b, even_far),
            y[3],
        ]
    }
}

/// G^T u of six values: what takes the products' gradient back to the kernel.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn transform_products_to_taps<V: Vector>(u: [V; PATCH]) -> [V; 3] {
    // SAFETY: only arithmetic of `V`, for whose instructions the caller vouches.
    unsafe {
        let (near, far) = (V::splat(-1.0 / 1.5), V::splat(1.0 / 6.0));
        let (odd, odd_far) = (V::splat(-FRAC_1_SQRT_2 / 1.5), V::splat(SQRT_2 / 6.0));
        let (sum, difference) = (u[1].add(u[2]), u[1].sub(u[2]));
        let (sum_far, difference_far) = (u[3].add(u[4]), u[3].sub(u[4]));
        [
            sum.mul_add(near, sum_far.mul_add(far, u[0])),
            difference.mul_add(odd, difference_far.mul(odd_far)),
            sum.mul_add(V::splat(-0.5 / 1.5), sum_far.mul_add(V::splat(2.0 / 6.0), u[5])),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::Portable;
    use super::*;

    #[test]
    fn one_tile_is_the_convolution() {
        let kernel: [f32; 9] = std::array::from_fn(|n| ((n * 7 + 3) % 11) as f32 / 5.0 - 1.0);
        let patch: [[f32; PATCH]; PATCH] =
            std::array::from_fn(|r| std::array::from_fn(|c| ((r * 13 + c * 5) % 17) as f32 / 8.0 - 1.0));
        let weights = transform_kernel(&kernel);
        // SAFETY: plain arrays run on any processor.
        let splat = |v: f32| unsafe { Portable::splat(v) };
        let first = |v: Portable| {
            let mut out = [0.0; 16];
            // SAFETY: plain arrays run on any processor.
            unsafe { v.store(out.as_mut_ptr()) };
            out[0]
        };
        // Columns, then rows.
        // SAFETY: plain arrays run on any processor.
        let columns: [[Portable; PATCH]; PATCH] =
            std::array::from_fn(|c| unsafe { transform_input(std::array::from_fn(|r| splat(patch[r][c]))) });
        // SAFETY: plain arrays run on any processor.
        let products: [[Portable; PATCH]; PATCH] = std::array::from_fn(|r| unsafe {
            let row = transform_input(std::array::from_fn(|c| columns[c][r]));
            std::array::from_fn(|c| row[c].mul(splat(weights[r * PATCH + c])))
        });
        // SAFETY: plain arrays run on any processor.
        let half: [[Portable; TILE]; PATCH] =
            std::array::from_fn(|c| unsafe { transform_output(std::array::from_fn(|r| products[r][c])) });
        for r in 0..TILE {
            // SAFETY: plain arrays run on any processor.
            let row = unsafe { transform_output(std::array::from_fn(|c| half[c][r])) };
            for (c, value) in row.into_iter().enumerate() {
                let truth: f32 = (0..9).map(|n| kernel[n] * patch[r + n / 3][c + n % 3]).sum();
                assert!((first(value) - truth).abs() < 1e-5, "{} {truth}", first(value));
            }
        }
    }
}
