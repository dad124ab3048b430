//! Products of matrices, for attention of positions to positions.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2};

/// A matrix product, rows side by side in memory whatever the operands' order.
pub fn product(a: &ArrayView2<f32>, b: &ArrayView2<f32>) -> Array2<f32> {
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    general_mat_mul(1.0, a, b, 0.0, &mut c);
    c
}

/// The rows of a [`product`].
pub fn rows_of(matrix: &mut Array2<f32>) -> impl Iterator<Item = &mut [f32]> {
    let len = matrix.ncols().max(1);
    matrix.as_slice_mut().unwrap_or(&mut []).chunks_exact_mut(len)
}
