//! The weights of a 3x3 convolution, packed as its products read them.

use rayon::prelude::*;

use super::super::super::simd::LANES;
use super::super::super::winograd::{PRODUCTS, transform_kernel};
use super::super::memory::{Aligned, Constants};
use super::super::tiles::KERNEL;
use super::{Share, Winograd};

impl Winograd {
    /// Packs weights `[out, in, 3, 3]` that stay as they are.
    pub fn with_weights(mut self, weight: &[f32]) -> Self {
        let (share, depth, x, target) = (self.share, self.depth(), self.patches.x, &self.target);
        let (taps, outputs) = (self.taps(), target.y.channels);
        let mut weights = Aligned::zeros(taps * depth * target.y.blocks() * LANES);
        let panel_len = |blocks: usize| taps * depth * blocks * LANES;
        let mut rest = weights.as_mut_slice();
        let mut parts = Vec::with_capacity(self.panels.len());
        for &(first, blocks) in &self.panels {
            let (part, after) = rest.split_at_mut(panel_len(blocks));
            parts.push((first, blocks, part));
            rest = after;
        }
        parts.into_par_iter().for_each(|(first, blocks, packed)| {
            let width = blocks * LANES;
            let columns = width.min(outputs - first * LANES);
            for i in 0..x.channels {
                for column in 0..columns {
                    let from = ((first * LANES + column) * x.channels + i) * KERNEL;
                    let kernel: &[f32] = &weight[from..from + KERNEL];
                    if share == Share::Tiles {
                        let kernel = std::array::from_fn(|n| kernel[n]);
                        for (n, value) in transform_kernel(&kernel).into_iter().enumerate() {
                            packed[(n * depth + i) * width + column] = value;
                        }
                    } else {
                        for (n, &value) in kernel.iter().enumerate() {
                            packed[(i * KERNEL + n) * width + column] = value;
                        }
                    }
                }
            }
        });
        self.weights = Constants::Fixed(weights);
        self
    }

    /// Values that are kept of a kernel.
    fn taps(&self) -> usize {
        if self.share == Share::Tiles { PRODUCTS } else { KERNEL }
    }

    /// Floats of the packed weights.
    pub fn weight_len(&self) -> usize {
        self.taps() * self.depth() * self.target.y.blocks() * LANES
    }

    /// Whether the packed weights are transformed already.
    pub fn is_transformed(&self) -> bool {
        self.share == Share::Tiles
    }

    /// Where the packed weights of a block of output channels start, and the channels of its panel.
    pub fn packed_place(&self, block: usize) -> (usize, usize) {
        let holds = |p: &&(usize, usize)| (p.0..p.0 + p.1).contains(&block);
        let &(first, blocks) = self.panels.iter().find(holds).unwrap_or(&(0, 1));
        (self.taps() * self.depth() * first * LANES + (block - first) * LANES, blocks * LANES)
    }

    /// Bytes of the packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.weight_len() * size_of::<f32>()
    }
}
