//! Attention: queries in parts, so that the scores of all pairs are never there at a time.

use super::arena::Slot;
use super::compile::{Compiler, Operation, Shape};
use super::draft::{Call, lines, threads, words};
use super::shader;
use crate::engine::error::{EngineError, Result};
use crate::graph::{Affinity, NodeId};

/// Scores that are there at a time, of all images.
const MOST_SCORES: usize = 1 << 22;

/// Rows and columns of a tile in `shaders/matmul.wgsl`.
const TILE: [usize; 2] = [32, 64];

/// Most positions that one sees in its row and column: what fits the memory that a group of threads shares on every device.
pub const MOST_SEEN: usize = 2048;

/// A matrix of every image.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    /// Where it lies.
    pub slot: &'a Slot,
    /// Values before it.
    pub start: usize,
    /// How far the next image is.
    pub image: usize,
    /// How far the next row is.
    pub row: usize,
    /// How far the next column is; that of a result is one.
    pub column: usize,
}

/// Channels and positions of queries, keys and values.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Channels of queries and keys.
    pub depth: usize,
    /// Positions of queries.
    pub queries: usize,
    /// Positions of keys and values.
    pub keys: usize,
    /// Channels of values.
    pub channels: usize,
}

impl Sizes {
    /// Queries whose scores are made at a time.
    pub fn part(&self, batch: usize) -> usize {
        (MOST_SCORES / (batch * self.keys).max(1)).clamp(1, self.queries.max(1))
    }
}

impl Compiler<'_> {
    /// Of an attention's maps.
    pub fn attention_sizes(&self, id: NodeId) -> Sizes {
        let [query, key, value] = [0, 1, 2].map(|n| self.input_shape(&self.graph.nodes[id], n));
        Sizes { depth: query.channels, queries: query.positions(), keys: key.positions(), channels: value.channels }
    }

    /// The product of two matrices of every image times a factor: rows, depth and columns are `sizes`.
    fn product(&mut self, sizes: [usize; 3], factor: f32, left: Matrix, right: Matrix, output: Matrix) {
        self.add_product(sizes, factor, left, right, output, false);
    }

    /// The same, put to or added to what is there.
    pub fn add_product(
        &mut self,
        sizes: [usize; 3],
        factor: f32,
        left: Matrix,
        right: Matrix,
        output: Matrix,
        adds: bool,
    ) {
        let [rows, depth, columns] = sizes;
        let mut words_of_sizes = words([rows, columns, depth]);
        words_of_sizes.push(factor.to_bits());
        words_of_sizes.extend(words([left.start, left.image, left.row, left.column]));
        words_of_sizes.extend(words([right.start, right.image, right.row, right.column]));
        words_of_sizes.extend(words([output.start, output.image, output.row, usize::from(adds)]));
        let groups = [columns.div_ceil(TILE[1]) as u32, rows.div_ceil(TILE[0]) as u32, self.batch as u32];
        self.call(Call {
            shader: shader::matmul(),
            sizes: words_of_sizes,
            output: output.slot,
            inputs: &[left.slot, right.slot],
            groups,
            work: self.batch * rows * depth * columns,
            // Of the product itself, and of bringing its parts.
            turns: 2 * depth.next_multiple_of(16),
        });
    }

    /// Values of all keys, weighted by products of queries and keys.
    pub fn attend(&mut self, operation: &Operation, affinity: Affinity, maps: &[Slot]) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let sizes = self.attention_sizes(operation.node);
        let Sizes { depth, queries, keys, .. } = sizes;
        let part = sizes.part(self.batch);
        let scope = &self.graph.nodes[operation.node].scope;
        let scores = self.arena.take(self.batch * part * keys, scope)?;
        let shares = if affinity == Affinity::Softmax {
            self.arena.take(self.batch * part * keys, scope)?
        } else {
            scores.clone()
        };
        for first in (0..queries).step_by(part) {
            let count = part.min(queries - first);
            let query = Matrix { slot: &maps[0], start: first, image: depth * queries, row: 1, column: queries };
            let key = Matrix { slot: &maps[1], start: 0, image: depth * keys, row: keys, column: 1 };
            let made = Matrix { slot: &scores, start: 0, image: count * keys, row: keys, column: 1 };
            self.product([count, depth, keys], 1.0, query, key, made);
            if affinity == Affinity::Softmax {
                self.softmax_lines(self.batch * count, keys, &scores, &shares);
            }
            let factor = if affinity == Affinity::Softmax { 1.0 } else { 1.0 / keys as f32 };
            self.weigh(&sizes, [first, count], factor, &maps[2], &shares, &y);
        }
        if affinity == Affinity::Softmax {
            self.arena.give(shares);
        }
        self.arena.give(scores);
        Ok(y)
    }

    /// Values of all keys times the shares of some queries: from the first, so many.
    fn weigh(&mut self, sizes: &Sizes, [first, count]: [usize; 2], factor: f32, value: &Slot, shares: &Slot, y: &Slot) {
        let Sizes { queries, keys, channels, .. } = *sizes;
        let value = Matrix { slot: value, start: 0, image: channels * keys, row: keys, column: 1 };
        let shares = Matrix { slot: shares, start: 0, image: count * keys, row: 1, column: keys };
        let output = Matrix { slot: y, start: first, image: channels * queries, row: queries, column: 1 };
        self.product([channels, keys, count], factor, value, shares, output);
    }

    /// The same, weighted by a learned function of query and key together.
    pub fn attend_pairs(&mut self, operation: &Operation, maps: &[Slot]) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let sizes = self.attention_sizes(operation.node);
        let Sizes { queries, keys, .. } = sizes;
        let part = sizes.part(self.batch);
        let node = &self.graph.nodes[operation.node];
        let [of_queries, of_keys] = self.pair_halves(operation.node, &sizes, maps)?;
        let scores = self.arena.take(self.batch * part * keys, &node.scope)?;
        for first in (0..queries).step_by(part) {
            let count = part.min(queries - first);
            self.pair_scores(&sizes, [first, count], [&of_queries, &of_keys], &scores);
            self.weigh(&sizes, [first, count], 1.0 / keys as f32, &maps[2], &scores, &y);
        }
        [scores, of_queries, of_keys].into_iter().for_each(|slot| self.arena.give(slot));
        Ok(y)
    }

    /// Queries and keys, each multiplied with its half of the pair's weight: maps of one channel.
    ///
    /// # Errors
    /// Where they are too large for the device.
    pub fn pair_halves(&mut self, id: NodeId, sizes: &Sizes, maps: &[Slot]) -> Result<[Slot; 2]> {
        let scope = &self.graph.nodes[id].scope;
        let Sizes { depth, queries, keys, .. } = *sizes;
        let weight = self.parameter(id, 0)?;
        let of_queries = self.arena.take(self.batch * queries, scope)?;
        let of_keys = self.arena.take(self.batch * keys, scope)?;
        for (map, positions, start, half) in [(&maps[0], queries, 0, &of_queries), (&maps[1], keys, depth, &of_keys)] {
            let weight = Matrix { slot: &weight, start, image: 0, row: 0, column: 1 };
            let map = Matrix { slot: map, start: 0, image: depth * positions, row: positions, column: 1 };
            let output = Matrix { slot: half, start: 0, image: positions, row: 0, column: 1 };
            self.product([1, depth, positions], 1.0, weight, map, output);
        }
        Ok([of_queries, of_keys])
    }

    /// Scores of some queries (from the first, so many) and all keys, from their halves.
    pub fn pair_scores(
        &mut self,
        sizes: &Sizes,
        [first, count]: [usize; 2],
        [of_queries, of_keys]: [&Slot; 2],
        scores: &Slot,
    ) {
        let values = self.batch * count * sizes.keys;
        self.call(Call {
            shader: shader::pair_scores(),
            sizes: words([values, count, sizes.keys, first, sizes.queries]),
            output: scores,
            inputs: &[of_queries, of_keys],
            groups: threads(self.gpu, values),
            work: values,
            turns: 0,
        });
    }

    /// Positions that one sees in its row and column, where they are not too many.
    ///
    /// # Errors
    /// Where they are; names the node.
    pub fn check_cross(&self, id: NodeId) -> Result<usize> {
        let node = &self.graph.nodes[id];
        let Shape { height, width, .. } = self.input_shape(node, 0);
        if height + width > MOST_SEEN {
            let what = format!("{}: criss-cross attention of {height} x {width} positions", node.scope);
            return Err(EngineError::failed(format!("{what} is too large for this device")));
        }
        Ok(height + width)
    }

    /// Attention of every position to its row and its column.
    pub fn criss_cross(&mut self, operation: &Operation, maps: &[Slot]) -> Result<Slot> {
        let node = &self.graph.nodes[operation.node];
        let [query, value] = [0, 2].map(|n| self.input_shape(node, n));
        let seen = self.check_cross(operation.node)?;
        let y = self.result(operation.node)?;
        let count = self.batch * query.positions();
        self.call(Call {
            shader: shader::criss_cross(MOST_SEEN),
            sizes: words([count, query.height, query.width, query.channels, value.channels, 0]),
            output: &y,
            inputs: &[&maps[0], &maps[1], &maps[2]],
            groups: lines(self.gpu, count),
            work: count * seen * (query.channels + value.channels),
            turns: (seen / 256 + 2) * (query.channels + 2) + (value.channels / 256 + 1) * (seen + 1),
        });
        Ok(y)
    }
}
