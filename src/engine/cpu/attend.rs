//! Attention of every position to every other (Wang et al. 2018), streamed: a few queries meet all keys at a time, so the
//! matrix of all pairs never exists, forward or backward.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::kernel::{Kernel, View};
use super::lines;
use super::matrices::{product, rows_of};
use super::softmax::soften;
use crate::graph::Affinity;

/// Inputs: queries `[batch, d, h, w]`, keys `[batch, d, h', w']`, values `[batch, c, h', w']`; result `[batch, c, h, w]`.
/// For [`Affinity::Concat`] queries and keys are maps of one channel, the two halves of the pair's product.
pub struct Attend(pub Affinity);

/// Queries that meet the keys together.
const ROWS: usize = 32;
/// Parts of an image whose gradients of keys and values are summed on their own; fixed, so that sums keep their order.
const PARTS: usize = 8;

/// One image's arrays, `[channels, positions]`.
struct Image<'a> {
    query: ArrayView2<'a, f32>,
    key: ArrayView2<'a, f32>,
    value: ArrayView2<'a, f32>,
}

/// One image of a batch as `[channels, positions]`.
fn matrix_of(data: &[f32], [_, c, h, w]: [usize; 4], n: usize) -> ArrayView2<'_, f32> {
    let image = &data[n * c * h * w..][..c * h * w];
    ArrayView2::from_shape((c, h * w), image)
        .unwrap_or_else(|_| unreachable!("the slice has as many values as the shape"))
}

impl<'a> Image<'a> {
    fn new(inputs: &[View<'a>], n: usize) -> Self {
        let [query, key, value] = [0, 1, 2].map(|k| matrix_of(inputs[k].data, inputs[k].dims4(), n));
        Self { query, key, value }
    }

    fn queries(&self) -> usize {
        self.query.ncols()
    }
}

/// Ranges of at most [`ROWS`] queries that make up `of`.
fn blocks(of: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = of.end;
    of.step_by(ROWS).map(move |first| first..(first + ROWS).min(end))
}

impl Attend {
    /// Weights of all keys for some queries, `[queries, keys]`.
    fn weights(&self, image: &Image, queries: Range<usize>) -> Array2<f32> {
        let query = image.query.slice(s![.., queries]);
        let mut weights = if self.0 == Affinity::Concat {
            let mut sums = Array2::zeros((query.ncols(), image.key.ncols()));
            for (query, key) in query.rows().into_iter().zip(image.key.rows()) {
                for (mut row, q) in sums.rows_mut().into_iter().zip(query) {
                    row.zip_mut_with(&key, |s, k| *s = (q + k).max(0.0));
                }
            }
            sums
        } else {
            product(&query.t(), &image.key)
        };
        if self.0 == Affinity::Softmax {
            rows_of(&mut weights).for_each(soften);
        } else {
            let scale = 1.0 / image.key.ncols() as f32;
            weights.map_inplace(|s| *s *= scale);
        }
        weights
    }

    /// Turns gradients of the weights into those of the pairs' scores.
    fn score_gradient(&self, weights: &[f32], gradient: &mut [f32]) {
        match self.0 {
            Affinity::Softmax => {
                let mean = lines::sum_of_products(weights, gradient, 0.0) as f32;
                gradient.iter_mut().zip(weights).for_each(|(g, w)| *g = w * (*g - mean));
            }
            Affinity::Dot => {
                let scale = 1.0 / weights.len() as f32;
                gradient.iter_mut().for_each(|g| *g *= scale);
            }
            Affinity::Concat => {
                let scale = 1.0 / weights.len() as f32;
                gradient.iter_mut().zip(weights).for_each(|(g, w)| *g *= if *w > 0.0 { scale } else { 0.0 });
            }
        }
    }

    /// Gradients of some queries `[d, those queries]`, and what they give to all keys and values.
    fn part(&self, image: &Image, dy: &ArrayView2<f32>, part: Range<usize>) -> [Array2<f32>; 3] {
        let first = part.start;
        let mut query = Array2::zeros((image.query.nrows(), part.len()));
        let mut found = [&image.key, &image.value].map(|map| Array2::zeros(map.dim()));
        for block in blocks(part) {
            let g = dy.slice(s![.., block.clone()]);
            let mut weights = self.weights(image, block.clone());
            general_mat_mul(1.0, &g, &weights, 1.0, &mut found[1]);
            let mut scores = product(&g.t(), &image.value);
            for (weights, scores) in rows_of(&mut weights).zip(rows_of(&mut scores)) {
                self.score_gradient(weights, scores);
            }
            let mut of_queries = query.slice_mut(s![.., block.start - first..block.end - first]);
            if self.0 == Affinity::Concat {
                // Queries and keys are maps of one channel, and a score is their sum.
                for (mut query, mut key) in of_queries.rows_mut().into_iter().zip(found[0].rows_mut()) {
                    query.assign(&scores.sum_axis(Axis(1)));
                    key += &scores.sum_axis(Axis(0));
                }
            } else {
                of_queries.assign(&product(&image.key, &scores.t()));
                general_mat_mul(1.0, &image.query.slice(s![.., block]), &scores, 1.0, &mut found[0]);
            }
        }
        let [key, value] = found;
        [query, key, value]
    }
}

impl Kernel for Attend {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, _, h, w] = inputs[0].dims4();
        let channels = inputs[2].dims4()[1];
        let mut y = vec![0.0; batch * channels * h * w];
        for (n, y) in y.chunks_exact_mut((channels * h * w).max(1)).enumerate() {
            let image = Image::new(inputs, n);
            let of_block = |block: Range<usize>| {
                let sums = product(&image.value, &self.weights(&image, block.clone()).t());
                (block, sums)
            };
            let all: Vec<Range<usize>> = blocks(0..image.queries()).collect();
            for (block, sums) in all.into_par_iter().map(of_block).collect::<Vec<_>>() {
                for (c, sums) in sums.rows().into_iter().enumerate() {
                    let to = &mut y[c * h * w..][block.clone()];
                    to.iter_mut().zip(sums).for_each(|(to, sum)| *to = *sum);
                }
            }
        }
        (y, vec![batch, channels, h, w])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [batch, _, h, w] = inputs[0].dims4();
        let result = [batch, inputs[2].dims4()[1], h, w];
        let mut gradients = [0, 1, 2].map(|n| vec![0.0f32; inputs[n].data.len()]);
        for n in 0..batch {
            let image = Image::new(inputs, n);
            let of_image = matrix_of(dy, result, n);
            let step = image.queries().div_ceil(PARTS).max(1);
            let parts: Vec<Range<usize>> =
                (0..image.queries()).step_by(step).map(|first| first..(first + step).min(image.queries())).collect();
            let found: Vec<_> = parts.clone().into_par_iter().map(|part| self.part(&image, &of_image, part)).collect();
            for (part, [query, key, value]) in parts.into_iter().zip(found) {
                let of_queries = &mut gradients[0][n * image.query.len()..][..image.query.len()];
                for (to, query) in of_queries.chunks_exact_mut(image.queries().max(1)).zip(query.rows()) {
                    to[part.clone()].iter_mut().zip(query).for_each(|(to, from)| *to = *from);
                }
                for (k, of_part) in [(1, key), (2, value)] {
                    let len = of_part.len();
                    let to = gradients[k][n * len..][..len].iter_mut();
                    to.zip(&of_part).for_each(|(to, from)| *to += from);
                }
            }
        }
        gradients.map(Some).into()
    }
}

/// The same with [`Affinity::Concat`] from maps of many channels. Inputs: theta `[batch, d, h, w]`, phi `[batch, d, h', w']`,
/// values, and the weight `[1, 2 d, 1, 1]` whose first half goes with theta.
pub struct PairedAttend;

/// Sum over channels of weight times map.
fn project(x: &View, weight: &[f32]) -> Vec<f32> {
    let [batch, channels, h, w] = x.dims4();
    let mut y = vec![0.0; batch * h * w];
    for (n, plane) in x.data.chunks_exact((h * w).max(1)).enumerate() {
        lines::add_product(&mut y[n / channels * h * w..][..h * w], plane, weight[n % channels]);
    }
    y
}

/// Gradients of map and weight of [`project`].
fn project_gradient(x: &View, weight: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let [_, channels, h, w] = x.dims4();
    let mut dx = vec![0.0; x.data.len()];
    let mut dw = vec![0.0f64; weight.len()];
    for (n, (dx, plane)) in dx.chunks_exact_mut((h * w).max(1)).zip(x.data.chunks_exact((h * w).max(1))).enumerate() {
        let dy = &dy[n / channels * h * w..][..h * w];
        lines::add_product(dx, dy, weight[n % channels]);
        dw[n % channels] += lines::sum_of_products(plane, dy, 0.0);
    }
    (dx, dw.into_iter().map(|v| v as f32).collect())
}

impl PairedAttend {
    fn halves(inputs: &[View]) -> ([Vec<f32>; 2], [[usize; 4]; 2]) {
        let depth = inputs[0].dims4()[1];
        let weight = inputs[3].data;
        let maps = [project(&inputs[0], &weight[..depth]), project(&inputs[1], &weight[depth..])];
        let shape = |n: usize| {
            let [batch, _, h, w] = inputs[n].dims4();
            [batch, 1, h, w]
        };
        (maps, [shape(0), shape(1)])
    }
}

impl Kernel for PairedAttend {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let (maps, shapes) = Self::halves(inputs);
        let [left, right] = [0, 1].map(|n| View { data: &maps[n], shape: &shapes[n] });
        Attend(Affinity::Concat).forward(&[left, right, inputs[2]])
    }

    fn backward(&self, inputs: &[View], output: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let (maps, shapes) = Self::halves(inputs);
        let [left, right] = [0, 1].map(|n| View { data: &maps[n], shape: &shapes[n] });
        let mut found = Attend(Affinity::Concat).backward(&[left, right, inputs[2]], output, dy).into_iter().flatten();
        let (Some(dl), Some(dr), Some(dv)) = (found.next(), found.next(), found.next()) else { return Vec::new() };
        let depth = inputs[0].dims4()[1];
        let weight = inputs[3].data;
        let (dq, mut dw) = project_gradient(&inputs[0], &weight[..depth], &dl);
        let (dk, more) = project_gradient(&inputs[1], &weight[depth..], &dr);
        dw.extend(more);
        vec![Some(dq), Some(dk), Some(dv), Some(dw)]
    }
}
