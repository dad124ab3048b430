//! Element-wise work and sums over slices, with the processor's widest vectors. Slices of one call have one length.

#![allow(unsafe_code)]
// Plain loops name a vector type only to be compiled with its instructions.
#![allow(clippy::extra_unused_type_parameters)]

#[cfg(target_arch = "aarch64")]
use super::simd::Neon;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{InstructionSet, LANES, Portable, Vector};

/// Writes a function over slices once and compiles it for every instruction set.
macro_rules! for_every_set {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),*) -> $result:ty, $generic:ident) => {
        $(#[$doc])*
        pub fn $name($($arg: $kind),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            // SAFETY: the processor has the instructions of the function's set.
            unsafe fn avx512($($arg: $kind),*) -> $result {
                // SAFETY: chunks have sixteen floats; the caller vouches for the processor.
                unsafe { $generic::<Avx512>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            // SAFETY: the processor has the instructions of the function's set.
            unsafe fn avx2($($arg: $kind),*) -> $result {
                // SAFETY: chunks have sixteen floats; the caller vouches for the processor.
                unsafe { $generic::<Avx2>($($arg),*) }
            }
            // SAFETY: the set was found on this processor; the functions stay within the shortest slice.
            unsafe {
                match InstructionSet::best() {
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx2 => avx2($($arg),*),
                    #[cfg(target_arch = "aarch64")]
                    InstructionSet::Neon => $generic::<Neon>($($arg),*),
                    InstructionSet::Portable => $generic::<Portable>($($arg),*),
                }
            }
        }
    };
}

/// Values that are summed in single precision before they join a double.
const PIECE: usize = 1024;

fn lanes_of<V: Vector>(v: V) -> [f32; LANES] {
    let mut values = [0.0; LANES];
    // SAFETY: sixteen floats are writable.
    unsafe { v.store(values.as_mut_ptr()) };
    values
}

fn total(values: [f32; LANES]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum()
}

for_every_set!(
    /// Sum of all values.
    sum(x: &[f32]) -> f64, sum_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn sum_by<V: Vector>(x: &[f32]) -> f64 {
    let mut all = 0.0;
    for piece in x.chunks(PIECE) {
        let vectors = piece.chunks_exact(LANES);
        all += vectors.remainder().iter().map(|&v| f64::from(v)).sum::<f64>();
        // SAFETY: chunks have sixteen floats; the caller vouches for the processor.
        unsafe {
            let mut part = V::splat(0.0);
            for v in vectors {
                part = part.add(V::load(v.as_ptr()));
            }
            all += total(lanes_of(part));
        }
    }
    all
}

for_every_set!(
    /// Sum of squared distances from a centre.
    sum_of_squares(x: &[f32], centre: f32) -> f64, sum_of_squares_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn sum_of_squares_by<V: Vector>(x: &[f32], centre: f32) -> f64 {
    let mut all = 0.0;
    for piece in x.chunks(PIECE) {
        let vectors = piece.chunks_exact(LANES);
        all += vectors.remainder().iter().map(|&v| f64::from(v - centre).powi(2)).sum::<f64>();
        // SAFETY: chunks have sixteen floats; the caller vouches for the processor.
        unsafe {
            let (mut part, c) = (V::splat(0.0), V::splat(centre));
            for v in vectors {
                let off = V::load(v.as_ptr()).sub(c);
                part = off.mul_add(off, part);
            }
            all += total(lanes_of(part));
        }
    }
    all
}

for_every_set!(
    /// Sum of products `a * (b - centre)`.
    sum_of_products(a: &[f32], b: &[f32], centre: f32) -> f64, sum_of_products_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn sum_of_products_by<V: Vector>(a: &[f32], b: &[f32], centre: f32) -> f64 {
    let mut all = 0.0;
    for (a, b) in a.chunks(PIECE).zip(b.chunks(PIECE)) {
        let (av, bv) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let rest = av.remainder().iter().zip(bv.remainder());
        all += rest.map(|(&a, &b)| f64::from(a) * f64::from(b - centre)).sum::<f64>();
        // SAFETY: chunks have sixteen floats; the caller vouches for the processor.
        unsafe {
            let (mut part, c) = (V::splat(0.0), V::splat(centre));
            for (a, b) in av.zip(bv) {
                part = V::load(a.as_ptr()).mul_add(V::load(b.as_ptr()).sub(c), part);
            }
            all += total(lanes_of(part));
        }
    }
    all
}

for_every_set!(
    /// `y = (x - centre) * scale + shift`.
    affine(x: &[f32], y: &mut [f32], centre: f32, scale: f32, shift: f32) -> (), affine_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn affine_by<V: Vector>(x: &[f32], y: &mut [f32], centre: f32, scale: f32, shift: f32) {
    let (mut ys, xs) = (y.chunks_exact_mut(LANES), x.chunks_exact(LANES));
    // SAFETY: chunks have sixteen floats; the caller vouches for the processor.
    unsafe {
        let (c, a, b) = (V::splat(centre), V::splat(scale), V::splat(shift));
        for (y, x) in ys.by_ref().zip(xs.clone()) {
            V::load(x.as_ptr()).sub(c).mul_add(a, b).store(y.as_mut_ptr());
        }
    }
    for (y, &x) in ys.into_remainder().iter_mut().zip(xs.remainder()) {
        *y = (x - centre) * scale + shift;
    }
}

for_every_set!(
    /// `dx = g * a + (x - centre) * b + c`: the gradient of a normalisation.
    affine_gradient(g: &[f32], x: &[f32], dx: &mut [f32], centre: f32, a: f32, b: f32, c: f32) -> (), affine_gradient_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn affine_gradient_by<V: Vector>(g: &[f32], x: &[f32], dx: &mut [f32], centre: f32, a: f32, b: f32, c: f32) {
    let (mut out, gs, xs) = (dx.chunks_exact_mut(LANES), g.chunks_exact(LANES), x.chunks_exact(LANES));
    // SAFETY: chunks have sixteen floats; the caller vouches for the processor.
    unsafe {
        let (centre, a, b, c) = (V::splat(centre), V::splat(a), V::splat(b), V::splat(c));
        for ((out, g), x) in out.by_ref().zip(gs.clone()).zip(xs.clone()) {
            let along = V::load(x.as_ptr()).sub(centre).mul_add(b, c);
            V::load(g.as_ptr()).mul_add(a, along).store(out.as_mut_ptr());
        }
    }
    for ((out, &g), &x) in out.into_remainder().iter_mut().zip(gs.remainder()).zip(xs.remainder()) {
        *out = g * a + (x - centre) * b + c;
    }
}

for_every_set!(
    /// `y = x > 0 ? x : slope * x`; 0 and not NaN for minus infinity where the slope is 0.
    rectify(x: &[f32], y: &mut [f32], slope: f32) -> (), rectify_by
);

// Plain loops: inside a function that has the instructions, the compiler vectorises them as well as we could.
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn rectify_by<V>(x: &[f32], y: &mut [f32], slope: f32) {
    if slope == 0.0 {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = if x > 0.0 { x } else { 0.0 });
    } else {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = if x > 0.0 { x } else { x * slope });
    }
}

for_every_set!(
    /// `dx = x > 0 ? g : slope * g`.
    rectify_gradient(g: &[f32], x: &[f32], dx: &mut [f32], slope: f32) -> (), rectify_gradient_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn rectify_gradient_by<V>(g: &[f32], x: &[f32], dx: &mut [f32], slope: f32) {
    for ((dx, &g), &x) in dx.iter_mut().zip(g).zip(x) {
        *dx = g * if x > 0.0 { 1.0 } else { slope };
    }
}

for_every_set!(
    /// Adds `a` times x.
    add_product(y: &mut [f32], x: &[f32], a: f32) -> (), add_product_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn add_product_by<V>(y: &mut [f32], x: &[f32], a: f32) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

for_every_set!(
    /// The largest value; minus infinity of none.
    largest(x: &[f32]) -> f32, largest_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn largest_by<V: Vector>(x: &[f32]) -> f32 {
    let vectors = x.chunks_exact(LANES);
    let rest = vectors.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // SAFETY: every chunk has sixteen floats.
    unsafe {
        let mut most = V::splat(f32::NEG_INFINITY);
        for v in vectors {
            most = most.max(V::load(v.as_ptr()));
        }
        lanes_of(most).into_iter().fold(rest, f32::max)
    }
}

for_every_set!(
    /// `x = exp(x - shift) * scale`; results below 1e-38 are 0.
    exponentials(x: &mut [f32], shift: f32, scale: f32) -> (), exponentials_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn exponentials_by<V>(x: &mut [f32], shift: f32, scale: f32) {
    x.iter_mut().for_each(|x| *x = exponential(*x - shift) * scale);
}

/// The exponential function, within two units in the last place: a power of two times a polynomial, as in Moshier's Cephes
/// library (`expf`). Branches would keep the compiler from doing sixteen at a time.
#[allow(clippy::excessive_precision, reason = "the digits are those of the source")]
#[allow(clippy::manual_clamp, reason = "clamp would pass NaN on")]
#[inline(always)]
fn exponential(x: f32) -> f32 {
    const LN_2: [f32; 2] = [0.693_359_375, -2.121_944_4e-4];
    // A NaN becomes a number here, since converting it would be undefined, and is put back at the end.
    let inside = x.max(-87.0).min(88.0);
    let power = (inside * std::f32::consts::LOG2_E).round_ties_even();
    let r = inside - power * LN_2[0] - power * LN_2[1];
    let mut p = 1.987_569_2e-4f32;
    for c in [1.398_199_95e-3, 8.333_451_9e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * r + c;
    }
    // SAFETY: the power is between -126 and 127.
    let exponent = unsafe { power.to_int_unchecked::<i32>() };
    let value = (p * r * r + r + 1.0) * f32::from_bits(((exponent + 127) << 23) as u32);
    if x < -87.0 {
        0.0
    } else if x.is_nan() {
        x
    } else {
        value
    }
}

for_every_set!(
    /// `y += b`.
    add_constant(y: &mut [f32], b: f32) -> (), add_constant_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn add_constant_by<V>(y: &mut [f32], b: f32) {
    y.iter_mut().for_each(|y| *y += b);
}

for_every_set!(
    /// Maxima of neighbouring pairs of two lines: `y[n]` of `a[2 n], a[2 n + 1], b[2 n], b[2 n + 1]`.
    pair_maxima(a: &[f32], b: &[f32], y: &mut [f32]) -> (), pair_maxima_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn pair_maxima_by<V>(a: &[f32], b: &[f32], y: &mut [f32]) {
    for ((y, a), b) in y.iter_mut().zip(a.chunks_exact(2)).zip(b.chunks_exact(2)) {
        // Of NaN and a number, NaN is the larger, as in PyTorch.
        let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
        *y = larger(larger(a[0], a[1]), larger(b[0], b[1]));
    }
}

for_every_set!(
    /// Gives each `g[n]` to the first of the four values that is the largest, and 0 to the others.
    pair_maxima_gradient(a: &[f32], b: &[f32], g: &[f32], da: &mut [f32], db: &mut [f32]) -> (), pair_maxima_gradient_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn pair_maxima_gradient_by<V>(a: &[f32], b: &[f32], g: &[f32], da: &mut [f32], db: &mut [f32]) {
    let values = a.chunks_exact(2).zip(b.chunks_exact(2)).zip(g);
    for (((a, b), &g), (da, db)) in values.zip(da.chunks_exact_mut(2).zip(db.chunks_exact_mut(2))) {
        let above = |x: f32, y: f32| x > y || x.is_nan();
        let second = above(a[1], a[0]);
        let top = if second { a[1] } else { a[0] };
        let third = above(b[0], top);
        let so_far = if third { b[0] } else { top };
        let fourth = above(b[1], so_far);
        let pick = |chosen: bool| if chosen { g } else { 0.0 };
        da[0] = pick(!second && !third && !fourth);
        da[1] = pick(second && !third && !fourth);
        db[0] = pick(third && !fourth);
        db[1] = pick(fourth);
    }
}

/// Constants of a step of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Factor of the gradient.
    pub clip: f32,
    /// Share of the value that is added to the gradient.
    pub decay: f32,
    /// Factor of the value.
    pub keep: f32,
    /// Shares of the moments that are kept.
    pub betas: [f32; 2],
    /// Shares of what is new in them.
    pub rests: [f32; 2],
    /// Length of the step, with the first moment's correction.
    pub rate: f32,
    /// The second moment's correction.
    pub second: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
}

for_every_set!(
    /// A step of Adam: the moments `m` and `v` take in the gradient `g`, and the values `p` move.
    adam(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], step: &AdamStep) -> (), adam_by
);

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn adam_by<V>(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], step: &AdamStep) {
    let AdamStep { clip, decay, keep, betas, rests, rate, second, eps } = *step;
    for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        let g = g * clip + decay * *p;
        *m = betas[0] * *m + rests[0] * g;
        *v = betas[1] * *v + rests[1] * g * g;
        *p = *p * keep - rate * *m / ((*v * second).sqrt() + eps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_agrees_with_plain_loops() {
        for len in [0, 1, 15, 16, 17, 1023, 1024, 1041, 3000] {
            let x: Vec<f32> = (0..len).map(|n| ((n * 37 % 101) as f32 - 50.0) / 20.0).collect();
            let g: Vec<f32> = (0..len).map(|n| ((n * 53 % 89) as f32 - 44.0) / 30.0).collect();
            let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{len}: {a} {b}");
            let plain = |f: &dyn Fn(usize) -> f64| (0..len).map(f).sum::<f64>();
            close(sum(&x), plain(&|n| f64::from(x[n])));
            close(sum_of_squares(&x, 0.3), plain(&|n| (f64::from(x[n]) - 0.3).powi(2)));
            close(sum_of_products(&g, &x, 0.3), plain(&|n| f64::from(g[n]) * (f64::from(x[n]) - 0.3)));
            let mut y = vec![0.0; len];
            let check = |y: &[f32], f: &dyn Fn(usize) -> f32| {
                y.iter().enumerate().for_each(|(n, &y)| close(f64::from(y), f64::from(f(n))));
            };
            affine(&x, &mut y, 0.3, 2.0, 1.0);
            check(&y, &|n| (x[n] - 0.3) * 2.0 + 1.0);
            affine_gradient(&g, &x, &mut y, 0.3, 2.0, -1.0, 0.5);
            check(&y, &|n| g[n] * 2.0 - (x[n] - 0.3) + 0.5);
            rectify(&x, &mut y, 0.1);
            check(&y, &|n| if x[n] > 0.0 { x[n] } else { 0.1 * x[n] });
            rectify_gradient(&g, &x, &mut y, 0.1);
            check(&y, &|n| if x[n] > 0.0 { g[n] } else { 0.1 * g[n] });
            assert_eq!(largest(&x), x.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        }
    }

    #[test]
    fn exponentials_are_exact_to_two_units() {
        let mut x: Vec<f32> = (-8800..8800).map(|n| n as f32 / 101.0).collect();
        let expected: Vec<f64> = x.iter().map(|&x| f64::from(x - 0.7).exp() * 0.5).collect();
        exponentials(&mut x, 0.7, 0.5);
        for (found, expected) in x.iter().zip(expected) {
            let off = (f64::from(*found) - expected).abs();
            assert!(off <= 2.5e-7 * expected + 1e-38, "{found} instead of {expected}");
        }
        let mut odd = [f32::NEG_INFINITY, f32::NAN, -1e30, 0.0];
        exponentials(&mut odd, 0.0, 1.0);
        assert!(odd[0] == 0.0 && odd[1].is_nan() && odd[2] == 0.0 && odd[3] == 1.0);
    }
}
