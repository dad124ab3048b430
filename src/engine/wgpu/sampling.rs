//! Pooling and resampling.

use wgpu::BufferUsages;

use super::arena::{Slot, check_bytes};
use super::compile::{Compiler, Operation, Shape};
use super::draft::{Call, lines, threads, words};
use super::shader;
use crate::engine::error::{EngineError, Result};
use crate::engine::resampling::{Resample, Taps};
use crate::graph::Pool;

impl Compiler<'_> {
    /// Largest value of each window.
    pub fn max_pool(&mut self, operation: &Operation, pool: &Pool, x: &Slot) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let [input, output] = [self.input_shape(&self.graph.nodes[operation.node], 0), self.shape(operation.node)];
        let count = self.batch * output.len();
        self.call(Call {
            shader: shader::max_pool(),
            sizes: words([
                count,
                input.height,
                input.width,
                output.height,
                output.width,
                pool.kernel[0],
                pool.kernel[1],
                pool.stride[0],
                pool.stride[1],
                pool.padding[0],
                pool.padding[1],
            ]),
            output: &y,
            inputs: &[x],
            groups: threads(self.gpu, count),
            work: count * pool.kernel[0] * pool.kernel[1],
            turns: pool.kernel[0] * (pool.kernel[1] + 1),
        });
        Ok(y)
    }

    /// Means of windows, or resampling.
    pub fn resample(&mut self, operation: &Operation, x: &Slot) -> Result<Slot> {
        let graph = self.graph;
        let node = &graph.nodes[operation.node];
        let [input, output] = [self.input_shape(node, 0), self.shape(operation.node)];
        let map = Resample::of(&node.op, [input.height, input.width])
            .ok_or_else(|| EngineError::failed(format!("{}: not a resampling", node.scope)))?;
        let y = self.result(operation.node)?;
        self.apply(&map, x, &y, [input, output], &node.scope, false)?;
        Ok(y)
    }

    /// A linear map of rows and columns, put to or added to what is there.
    ///
    /// # Errors
    /// Where its taps are too many for the device.
    pub fn apply(
        &mut self,
        map: &Resample,
        x: &Slot,
        y: &Slot,
        [input, output]: [Shape; 2],
        scope: &str,
        adds: bool,
    ) -> Result<()> {
        let words_of_taps = table(map);
        let bytes = check_bytes(self.gpu, words_of_taps.len(), scope)?;
        let contents: Vec<u8> = words_of_taps.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let taps = Slot { buffer: self.gpu.filled(&contents, BufferUsages::STORAGE), bytes };
        let count = self.batch * output.len();
        let most = |taps: &Taps| taps.iter().map(Vec::len).max().unwrap_or(1);
        self.call(Call {
            shader: shader::resample(),
            sizes: words([count, input.height, input.width, output.height, output.width, usize::from(adds)]),
            output: y,
            inputs: &[x, &taps],
            groups: threads(self.gpu, count),
            work: count * most(&map.rows) * most(&map.columns),
            turns: most(&map.rows) * (most(&map.columns) + 1),
        });
        Ok(())
    }

    /// Sum over the positions of every map weighted by a map of one channel, or the mean.
    pub fn plane_sum(&mut self, operation: &Operation, x: &Slot, weights: Option<&Slot>) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let shape = self.input_shape(&self.graph.nodes[operation.node], 0);
        let count = self.batch * shape.channels;
        self.call(Call {
            shader: shader::plane_sum(weights.is_some()),
            sizes: words([count, shape.channels, shape.positions()]),
            output: &y,
            inputs: &[x, weights.unwrap_or(x)],
            groups: lines(self.gpu, count),
            work: self.batch * shape.len(),
            turns: shape.positions() / 256 + 1,
        });
        Ok(y)
    }
}

/// Taps as `shaders/resample.wgsl` reads them.
fn table(map: &Resample) -> Vec<u32> {
    let outputs = map.rows.iter().chain(&map.columns);
    let mut next = 2 * (map.rows.len() + map.columns.len());
    let mut words = Vec::with_capacity(next);
    for taps in outputs.clone() {
        words.extend([next as u32, taps.len() as u32]);
        next += 2 * taps.len();
    }
    outputs.flatten().for_each(|(at, weight)| words.extend([*at as u32, weight.to_bits()]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_taps_says_where_each_begins() {
        let map = Resample { rows: vec![vec![(0, 0.25), (1, 0.75)]], columns: vec![vec![(3, 1.0)]] };
        let bits = f32::to_bits;
        assert_eq!(table(&map), [4, 2, 8, 1, 0, bits(0.25), 1, bits(0.75), 3, bits(1.0)]);
    }
}
