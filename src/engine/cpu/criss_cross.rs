//! Criss-cross attention (Huang et al. 2019): every position attends to its row and column, itself once. Work per position
//! grows with height + width; scores are held for one row or column at a time.
//!
//! All scores of a row are one matrix product, and so are those of a column. A position's softmax runs over both, so the
//! first pass finds the largest score and the sum of every position, and the second one weights.

use ndarray::{Array2, ArrayView2, ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::kernel::{Kernel, View};
use super::lines;
use super::matrices::{product, rows_of};

/// Inputs: queries and keys `[batch, d, h, w]`, values `[batch, c, h, w]`; result like the values.
pub struct CrissCross;

/// Axes of `[channels, h, w]` whose indices name a row, and a column.
const ROWS: Axis = Axis(1);
const COLUMNS: Axis = Axis(2);

/// A map of one image, `[channels, h, w]`.
type Channels<'a> = ArrayView3<'a, f32>;

/// The maps of one image.
struct Image<'a> {
    query: Channels<'a>,
    key: Channels<'a>,
    value: Channels<'a>,
}

/// What a position's scores become weights with: `exp(score - largest) * scale`. `[h, w]`.
struct Scales {
    largest: Array2<f32>,
    scale: Array2<f32>,
}

/// One image of a batch.
fn image_of(data: &[f32], [_, c, h, w]: [usize; 4], n: usize) -> Channels<'_> {
    let image = &data[n * c * h * w..][..c * h * w];
    ArrayView3::from_shape((c, h, w), image)
        .unwrap_or_else(|_| unreachable!("the slice has as many values as the shape"))
}

impl<'a> Image<'a> {
    fn new(inputs: &[View<'a>], n: usize) -> Self {
        let [query, key, value] = [0, 1, 2].map(|k| image_of(inputs[k].data, inputs[k].dims4(), n));
        Self { query, key, value }
    }

    /// Scores of a line: `[its positions, its positions]`, queries down. A position is in its row and in its column; in the
    /// column it does not count.
    fn scores(&self, axis: Axis, line: usize) -> Array2<f32> {
        let mut scores = product(&self.query.index_axis(axis, line).t(), &self.key.index_axis(axis, line));
        if axis == COLUMNS {
            scores.diag_mut().fill(f32::NEG_INFINITY);
        }
        scores
    }

    /// Largest score and sum of exponentials of every position of each line.
    fn sums(&self, axis: Axis) -> Vec<Vec<[f32; 2]>> {
        let count = self.query.len_of(axis);
        let of_line = |line: usize| {
            let mut scores = self.scores(axis, line);
            let of_position = |row: &mut [f32]| {
                let largest = lines::largest(row);
                if largest == f32::NEG_INFINITY {
                    return [largest, 0.0];
                }
                lines::exponentials(row, largest, 1.0);
                [largest, lines::sum(row) as f32]
            };
            rows_of(&mut scores).map(of_position).collect()
        };
        (0..count).into_par_iter().map(of_line).collect()
    }

    fn scales(&self) -> Scales {
        let (rows, columns) = (self.sums(ROWS), self.sums(COLUMNS));
        let (_, h, w) = self.query.dim();
        let mut scales = Scales { largest: Array2::zeros((h, w)), scale: Array2::zeros((h, w)) };
        for r in 0..h {
            for c in 0..w {
                let ([a, of_row], [b, of_column]) = (rows[r][c], columns[c][r]);
                let largest = a.max(b);
                scales.largest[[r, c]] = largest;
                scales.scale[[r, c]] = 1.0 / (of_row * (a - largest).exp() + of_column * (b - largest).exp());
            }
        }
        scales
    }

    /// Weights of a line, `[its positions, its positions]`.
    fn weights(&self, axis: Axis, line: usize, scales: &Scales) -> Array2<f32> {
        let mut weights = self.scores(axis, line);
        let of = Axis(axis.index() - 1);
        let (largest, scale) = (scales.largest.index_axis(of, line), scales.scale.index_axis(of, line));
        for ((row, &largest), &scale) in rows_of(&mut weights).zip(largest).zip(scale) {
            lines::exponentials(row, largest, scale);
        }
        weights
    }

    /// Calls `of_line` for every row and every column at once, and `take` with each result in order.
    fn each_line<T: Send>(&self, of_line: impl Fn(Axis, usize) -> T + Sync, mut take: impl FnMut(Axis, usize, T)) {
        for axis in [ROWS, COLUMNS] {
            let found: Vec<T> = (0..self.query.len_of(axis)).into_par_iter().map(|line| of_line(axis, line)).collect();
            found.into_iter().enumerate().for_each(|(line, found)| take(axis, line, found));
        }
    }

    fn forward(&self, y: &mut [f32]) {
        let scales = self.scales();
        let (c, h, w) = self.value.dim();
        let shaped = ArrayViewMut3::from_shape((c, h, w), y);
        let mut y = shaped.unwrap_or_else(|_| unreachable!("the result has as many values as the shape"));
        let of_line = |axis: Axis, line: usize| {
            product(&self.value.index_axis(axis, line), &self.weights(axis, line, &scales).t())
        };
        self.each_line(of_line, |axis, line, found| {
            let mut to = y.index_axis_mut(axis, line);
            to += &found;
        });
    }

    /// Gradients of queries, keys and values of one line.
    fn line_gradients(
        &self,
        axis: Axis,
        line: usize,
        scales: &Scales,
        g: ArrayView2<f32>,
        means: &Array2<f32>,
    ) -> [Array2<f32>; 3] {
        let weights = self.weights(axis, line, scales);
        let [query, key, value] = [&self.query, &self.key, &self.value].map(|map| map.index_axis(axis, line));
        let of_value = product(&g, &weights.view());
        // The gradient of a score is its weight times how much its value's gradient exceeds their weighted mean.
        let mut scores = product(&g.t(), &value);
        let means = means.index_axis(Axis(axis.index() - 1), line);
        for ((mut row, weights), &mean) in scores.rows_mut().into_iter().zip(weights.rows()).zip(means) {
            row.zip_mut_with(&weights, |slope, weight| *slope = weight * (*slope - mean));
        }
        [product(&key, &scores.t()), product(&query, &scores.view()), of_value]
    }

    /// Gradients of queries, keys and values; `g` is that of the result `y`.
    fn backward(&self, y: Channels, g: Channels) -> [Vec<f32>; 3] {
        let scales = self.scales();
        let (_, h, w) = y.dim();
        let mut means = Array2::zeros((h, w));
        for (y, g) in y.outer_iter().zip(g.outer_iter()) {
            means.zip_mut_with(&(&y * &g), |mean, product| *mean += product);
        }
        let mut found = [&self.query, &self.key, &self.value].map(|map| ndarray::Array3::<f32>::zeros(map.dim()));
        let of_line =
            |axis: Axis, line: usize| self.line_gradients(axis, line, &scales, g.index_axis(axis, line), &means);
        self.each_line(of_line, |axis, line, gradients| {
            for (to, gradient) in found.iter_mut().zip(gradients) {
                let mut to = to.index_axis_mut(axis, line);
                to += &gradient;
            }
        });
        found.map(|map| map.into_raw_vec_and_offset().0)
    }
}

impl Kernel for CrissCross {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let mut y = vec![0.0; inputs[2].data.len()];
        let len = y.len() / inputs[2].dims4()[0].max(1);
        let images = y.par_chunks_exact_mut(len.max(1)).enumerate();
        images.for_each(|(n, y)| Image::new(inputs, n).forward(y));
        (y, inputs[2].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], output: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let dims = inputs[2].dims4();
        let of_image = |n: usize| Image::new(inputs, n).backward(image_of(output.data, dims, n), image_of(dy, dims, n));
        let mut gradients = [Vec::new(), Vec::new(), Vec::new()];
        for found in (0..dims[0]).into_par_iter().map(of_image).collect::<Vec<_>>() {
            gradients.iter_mut().zip(found).for_each(|(all, own)| all.extend(own));
        }
        gradients.map(Some).into()
    }
}
