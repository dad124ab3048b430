//! Sums and products of two arrays of which either may be one value wide along an axis.

use rayon::prelude::*;

use super::kernel::{Kernel, View};

/// Values per parallel piece.
const PIECE: usize = 1 << 14;

/// Inputs: a, b; axes of length 1 are repeated.
pub struct Pair {
    /// Product instead of sum.
    pub multiply: bool,
}

/// Shape of the result, and for both inputs the step along each axis: 0 where it is repeated.
fn align(a: &View, b: &View) -> ([usize; 4], [[usize; 4]; 2]) {
    let (sa, sb) = (a.dims4(), b.dims4());
    let shape = std::array::from_fn(|axis| sa[axis].max(sb[axis]));
    let steps = |of: [usize; 4]| {
        let full = [of[1] * of[2] * of[3], of[2] * of[3], of[3], 1];
        std::array::from_fn(|axis| if of[axis] == 1 { 0 } else { full[axis] })
    };
    (shape, [steps(sa), steps(sb)])
}

/// Calls `visit` with the index of the result and those of both inputs.
fn each(shape: [usize; 4], steps: [[usize; 4]; 2], mut visit: impl FnMut(usize, usize, usize)) {
    let mut n = 0;
    for i in 0..shape[0] {
        for c in 0..shape[1] {
            for h in 0..shape[2] {
                let start = steps.map(|s| i * s[0] + c * s[1] + h * s[2]);
                for w in 0..shape[3] {
                    visit(n, start[0] + w * steps[0][3], start[1] + w * steps[1][3]);
                    n += 1;
                }
            }
        }
    }
}

impl Pair {
    /// Of two arrays of one shape.
    fn of_alike(&self, a: &[f32], b: &[f32]) -> Vec<f32> {
        let mut y = a.to_vec();
        y.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).for_each(|(y, b)| {
            if self.multiply {
                y.iter_mut().zip(b).for_each(|(y, b)| *y *= b);
            } else {
                y.iter_mut().zip(b).for_each(|(y, b)| *y += b);
            }
        });
        y
    }
}

impl Kernel for Pair {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let (a, b) = (inputs[0], inputs[1]);
        if a.dims4() == b.dims4() {
            return (self.of_alike(a.data, b.data), a.dims4().to_vec());
        }
        let (shape, steps) = align(&a, &b);
        let mut y = vec![0.0; shape.iter().product()];
        each(shape, steps, |n, i, j| y[n] = if self.multiply { a.data[i] * b.data[j] } else { a.data[i] + b.data[j] });
        (y, shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let (a, b) = (inputs[0], inputs[1]);
        if a.dims4() == b.dims4() {
            let of = |other: &[f32]| if self.multiply { self.of_alike(dy, other) } else { dy.to_vec() };
            return vec![Some(of(b.data)), Some(of(a.data))];
        }
        let (shape, steps) = align(&a, &b);
        // Sums over repeated axes may be long.
        let (mut da, mut db) = (vec![0.0f64; a.data.len()], vec![0.0f64; b.data.len()]);
        each(shape, steps, |n, i, j| {
            let g = f64::from(dy[n]);
            let (fa, fb) = if self.multiply { (f64::from(b.data[j]), f64::from(a.data[i])) } else { (1.0, 1.0) };
            da[i] += g * fa;
            db[j] += g * fb;
        });
        [da, db].into_iter().map(|d| Some(d.into_iter().map(|v| v as f32).collect())).collect()
    }
}
