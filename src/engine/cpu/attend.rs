//! Attention of every position to every other (Wang et al. 2018), streamed: a few queries meet all keys at a time, so the
//! matrix of all pairs never exists, forward or backward.

use rayon::prelude::*;

use super::softmax::soften;
use super::{Kernel, View, lines};
use crate::graph::Affinity;

/// Inputs: queries `[batch, d, h, w]`, keys `[batch, d, h', w']`, values `[batch, c, h', w']`; result `[batch, c, h, w]`.
/// For [`Affinity::Concat`] queries and keys are maps of one channel, the two halves of the pair's product.
pub struct Attend(pub Affinity);

/// Queries that meet the keys together.
const ROWS: usize = 8;
/// Parts of an image whose gradients of keys and values are summed on their own; fixed, so that sums keep their order.
const PARTS: usize = 8;

/// One image's arrays, channel by channel.
struct Image<'a> {
    query: &'a [f32],
    key: &'a [f32],
    value: &'a [f32],
    queries: usize,
    keys: usize,
    depth: usize,
}

impl Image<'_> {
    fn keys_of(&self, channel: usize) -> &[f32] {
        &self.key[channel * self.keys..][..self.keys]
    }

    fn values_of(&self, channel: usize) -> &[f32] {
        &self.value[channel * self.keys..][..self.keys]
    }
}

impl Attend {
    fn image<'a>(inputs: &[View<'a>], n: usize) -> Image<'a> {
        let [q, k, v] = [inputs[0], inputs[1], inputs[2]].map(|view| (view.data, view.dims4()));
        let len = |dims: [usize; 4]| dims[1] * dims[2] * dims[3];
        Image {
            query: &q.0[n * len(q.1)..][..len(q.1)],
            key: &k.0[n * len(k.1)..][..len(k.1)],
            value: &v.0[n * len(v.1)..][..len(v.1)],
            queries: q.1[2] * q.1[3],
            keys: k.1[2] * k.1[3],
            depth: q.1[1],
        }
    }

    /// Weights of all keys for one query.
    fn weights(&self, image: &Image, query: usize, row: &mut [f32]) {
        row.fill(0.0);
        for c in 0..image.depth {
            let q = image.query[c * image.queries + query];
            if self.0 == Affinity::Concat {
                row.iter_mut().zip(image.keys_of(c)).for_each(|(s, k)| *s = (q + k).max(0.0));
            } else {
                lines::add_product(row, image.keys_of(c), q);
            }
        }
        if self.0 == Affinity::Softmax {
            soften(row);
        } else {
            let scale = 1.0 / image.keys as f32;
            row.iter_mut().for_each(|s| *s *= scale);
        }
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
}

/// Gradients of one part of an image: queries `[depth, its queries]`, keys and values as they are.
struct Part {
    first: usize,
    count: usize,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
}

impl Attend {
    fn part(&self, image: &Image, dy: &[f32], first: usize, count: usize) -> Part {
        let channels = image.value.len() / image.keys.max(1);
        let mut part = Part {
            first,
            count,
            query: vec![0.0; image.depth * count],
            key: vec![0.0; image.key.len()],
            value: vec![0.0; image.value.len()],
        };
        let (mut weights, mut gradient) = (vec![0.0; image.keys], vec![0.0; image.keys]);
        for n in 0..count {
            let query = first + n;
            self.weights(image, query, &mut weights);
            gradient.fill(0.0);
            for c in 0..channels {
                let g = dy[c * image.queries + query];
                lines::add_product(&mut gradient, image.values_of(c), g);
                lines::add_product(&mut part.value[c * image.keys..][..image.keys], &weights, g);
            }
            self.score_gradient(&weights, &mut gradient);
            for c in 0..image.depth {
                let own = &mut part.key[c * image.keys..][..image.keys];
                if self.0 == Affinity::Concat {
                    part.query[c * count + n] = lines::sum(&gradient) as f32;
                    lines::add_product(own, &gradient, 1.0);
                } else {
                    part.query[c * count + n] = lines::sum_of_products(&gradient, image.keys_of(c), 0.0) as f32;
                    lines::add_product(own, &gradient, image.query[c * image.queries + query]);
                }
            }
        }
        part
    }
}

impl Kernel for Attend {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, _, h, w] = inputs[0].dims4();
        let channels = inputs[2].dims4()[1];
        let mut y = vec![0.0; batch * channels * h * w];
        for (n, y) in y.chunks_exact_mut((channels * h * w).max(1)).enumerate() {
            let image = Self::image(inputs, n);
            let blocks = (0..image.queries).step_by(ROWS).collect::<Vec<_>>();
            let found = blocks.into_par_iter().map(|first| {
                let count = ROWS.min(image.queries - first);
                let mut weights = vec![0.0; count * image.keys];
                for (n, row) in weights.chunks_exact_mut(image.keys).enumerate() {
                    self.weights(&image, first + n, row);
                }
                let mut sums = vec![0.0f32; channels * count];
                for (c, sums) in sums.chunks_exact_mut(count).enumerate() {
                    for (sum, row) in sums.iter_mut().zip(weights.chunks_exact(image.keys)) {
                        *sum = lines::sum_of_products(row, image.values_of(c), 0.0) as f32;
                    }
                }
                (first, sums)
            });
            for (first, sums) in found.collect::<Vec<_>>() {
                let count = sums.len() / channels.max(1);
                for (c, sums) in sums.chunks_exact(count).enumerate() {
                    y[c * image.queries + first..][..count].copy_from_slice(sums);
                }
            }
        }
        (y, vec![batch, channels, h, w])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let batch = inputs[0].dims4()[0];
        let mut gradients = [0, 1, 2].map(|n| vec![0.0f32; inputs[n].data.len()]);
        for n in 0..batch {
            let image = Self::image(inputs, n);
            let of_image = &dy[n * dy.len() / batch..][..dy.len() / batch];
            let step = image.queries.div_ceil(PARTS).max(1);
            let firsts = (0..image.queries).step_by(step).collect::<Vec<_>>();
            let part = |first: usize| self.part(&image, of_image, first, step.min(image.queries - first));
            for part in firsts.into_par_iter().map(part).collect::<Vec<_>>() {
                for c in 0..image.depth {
                    let from = &part.query[c * part.count..][..part.count];
                    gradients[0][n * image.query.len() + c * image.queries + part.first..][..part.count]
                        .copy_from_slice(from);
                }
                lines::add_product(&mut gradients[1][n * image.key.len()..][..image.key.len()], &part.key, 1.0);
                lines::add_product(&mut gradients[2][n * image.value.len()..][..image.value.len()], &part.value, 1.0);
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
    fn name(&self) -> &'static str {
        "attend to pairs"
    }

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
