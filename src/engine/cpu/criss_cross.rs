//! Criss-cross attention (Huang et al. 2019): every position attends to its row and column, itself once. Work and memory
//! per position grow with height + width.

use rayon::prelude::*;

use super::lines::add_product;
use super::softmax::soften;
use super::{Kernel, View, lines};

/// Inputs: queries and keys `[batch, d, h, w]`, values `[batch, c, h, w]`; result like the values.
pub struct CrissCross;

/// The maps of one image with the channels of a position side by side.
struct Image {
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    depth: usize,
    channels: usize,
    size: [usize; 2],
}

/// `[channels, positions]` to `[positions, channels]`.
fn turn(x: &[f32], channels: usize) -> Vec<f32> {
    let positions = x.len() / channels.max(1);
    let mut y = vec![0.0; x.len()];
    for (c, plane) in x.chunks_exact(positions.max(1)).enumerate() {
        for (n, &v) in plane.iter().enumerate() {
            y[n * channels + c] = v;
        }
    }
    y
}

fn turn_back(x: &[f32], channels: usize) -> Vec<f32> {
    turn(x, x.len() / channels.max(1))
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    lines::sum_of_products(a, b, 0.0) as f32
}

impl Image {
    fn new(inputs: &[View], n: usize) -> Self {
        let of = |view: &View| {
            let [_, channels, h, w] = view.dims4();
            turn(&view.data[n * channels * h * w..][..channels * h * w], channels)
        };
        let [_, depth, h, w] = inputs[0].dims4();
        let channels = inputs[2].dims4()[1];
        Self { query: of(&inputs[0]), key: of(&inputs[1]), value: of(&inputs[2]), depth, channels, size: [h, w] }
    }

    /// The positions a position sees: its row, then the rest of its column.
    fn cross(&self, position: usize) -> impl Iterator<Item = usize> + use<> {
        let [h, w] = self.size;
        let (row, column) = (position / w, position % w);
        let own = (0..w).map(move |c| row * w + c);
        own.chain((0..h).filter(move |r| *r != row).map(move |r| r * w + column))
    }

    /// Weights in the order of [`Image::cross`].
    fn weights(&self, position: usize) -> Vec<f32> {
        let d = self.depth;
        let query = &self.query[position * d..][..d];
        let mut weights: Vec<f32> = self.cross(position).map(|at| dot(query, &self.key[at * d..][..d])).collect();
        soften(&mut weights);
        weights
    }
}

impl Kernel for CrissCross {
    fn name(&self) -> &'static str {
        "criss-cross attention"
    }

    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, channels, h, w] = inputs[2].dims4();
        let mut y = Vec::with_capacity(inputs[2].data.len());
        for n in 0..batch {
            let image = Image::new(inputs, n);
            let mut turned = vec![0.0; channels * h * w];
            turned.par_chunks_mut(channels.max(1)).enumerate().for_each(|(position, y)| {
                for (at, weight) in image.cross(position).zip(image.weights(position)) {
                    add_product(y, &image.value[at * channels..][..channels], weight);
                }
            });
            y.extend(turn_back(&turned, channels));
        }
        (y, inputs[2].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let batch = inputs[0].dims4()[0];
        let each = (0..batch).into_par_iter().map(|n| {
            let image = Image::new(inputs, n);
            let (d, c) = (image.depth, image.channels);
            let of_image = turn(&dy[n * dy.len() / batch..][..dy.len() / batch], c);
            let mut found = [&image.query, &image.key, &image.value].map(|x| vec![0.0; x.len()]);
            for (position, g) in of_image.chunks_exact(c.max(1)).enumerate() {
                let weights = image.weights(position);
                let slopes: Vec<f32> = image.cross(position).map(|at| dot(g, &image.value[at * c..][..c])).collect();
                let mean = dot(&weights, &slopes);
                for ((at, weight), slope) in image.cross(position).zip(&weights).zip(slopes) {
                    add_product(&mut found[2][at * c..][..c], g, *weight);
                    let score = weight * (slope - mean);
                    add_product(&mut found[0][position * d..][..d], &image.key[at * d..][..d], score);
                    add_product(&mut found[1][at * d..][..d], &image.query[position * d..][..d], score);
                }
            }
            let [query, key, value] = found;
            [turn_back(&query, d), turn_back(&key, d), turn_back(&value, c)]
        });
        let mut gradients = [Vec::new(), Vec::new(), Vec::new()];
        for found in each.collect::<Vec<_>>() {
            gradients.iter_mut().zip(found).for_each(|(all, own)| all.extend(own));
        }
        gradients.map(Some).into()
    }
}
