//! The way back of attention: queries in parts as on the way forth, whose shares are made again.

use super::super::arena::Slot;
use super::super::arranging::strides;
use super::super::attending::{MOST_SEEN, Matrix, Sizes};
use super::super::compile::Shape;
use super::super::draft::{Call, lines, threads, words};
use super::compile::{Target, Trainer};
use super::reducing::{Kept, Sum};
use super::shaders::{self, Term};
use crate::engine::error::Result;
use crate::graph::{Affinity, NodeId};

/// A map of every image as a matrix: channels down, positions along.
fn plain(slot: &Slot, channels: usize, positions: usize) -> Matrix<'_> {
    Matrix { slot, start: 0, image: channels * positions, row: positions, column: 1 }
}

/// The same, positions down.
fn turned(slot: &Slot, channels: usize, positions: usize) -> Matrix<'_> {
    Matrix { row: 1, column: positions, ..plain(slot, channels, positions) }
}

/// A gradient that is added to another one at the end.
struct Later {
    slot: Slot,
    shape: Shape,
    to: Target,
}

/// A part of the queries: the first, and how many.
type Part = [usize; 2];

impl Trainer<'_> {
    /// Where the gradients of queries, keys and values go. Those of a map that counts as several of these come together at the end.
    fn targets(&mut self, id: NodeId) -> Result<([Option<Target>; 3], Vec<Later>)> {
        let inputs = self.inputs(id);
        let (mut targets, mut later) = ([None, None, None], Vec::new());
        for number in 0..3 {
            let Some(to) = self.gradient_of_input(id, number)? else { continue };
            targets[number] = Some(if inputs[..number].contains(&inputs[number]) {
                let shape = self.input_shape(id, number);
                let scope = &self.compiler.graph.nodes[id].scope;
                let slot = self.compiler.arena.take(self.compiler.batch * shape.len(), scope)?;
                later.push(Later { slot: slot.clone(), shape, to });
                Target { slot, adds: false }
            } else {
                to
            });
        }
        Ok((targets, later))
    }

    /// Adds up the gradients of maps that count as several.
    fn settle(&mut self, later: Vec<Later>) {
        for Later { slot, shape, to } in later {
            let axes = self.compiler.axes(shape);
            self.compiler.sum(&Sum::new(Term::First, axes, [(&slot, strides(shape)); 3], Kept::ALL), &to);
            self.compiler.arena.give(slot);
        }
    }

    /// What the shares of some queries give to the values, and the gradient of these shares.
    fn shares_back(
        &mut self,
        sizes: &Sizes,
        [first, count]: Part,
        factor: f32,
        [gradient, value, shares, of_shares]: [&Slot; 4],
        target: Option<&Target>,
    ) {
        let Sizes { queries, keys, channels, .. } = *sizes;
        let shares = Matrix { slot: shares, start: 0, image: count * keys, row: keys, column: 1 };
        let of_part = Matrix { start: first, ..plain(gradient, channels, queries) };
        if let Some(target) = target {
            let output = plain(&target.slot, channels, keys);
            let adds = target.adds || first > 0;
            self.compiler.add_product([channels, count, keys], factor, of_part, shares, output, adds);
        }
        let left = Matrix { start: first, ..turned(gradient, channels, queries) };
        let output = Matrix { slot: of_shares, ..shares };
        let value = plain(value, channels, keys);
        self.compiler.add_product([count, channels, keys], 1.0, left, value, output, false);
    }

    /// The way back of attention by products of queries and keys.
    ///
    /// # Errors
    /// Where its parts are too large for the device.
    pub fn attend_back(&mut self, id: NodeId, affinity: Affinity, gradient: &Slot) -> Result<()> {
        let sizes = self.compiler.attention_sizes(id);
        let Sizes { depth, queries, keys, .. } = sizes;
        let part = sizes.part(self.compiler.batch);
        let maps = [self.input(id, 0)?, self.input(id, 1)?, self.input(id, 2)?];
        let (targets, later) = self.targets(id)?;
        let scope = &self.compiler.graph.nodes[id].scope;
        let length = self.compiler.batch * part * keys;
        let scores = self.compiler.arena.take(length, scope)?;
        let shares = self.compiler.arena.take(length, scope)?;
        let of_shares = self.compiler.arena.take(length, scope)?;
        let factor = if affinity == Affinity::Softmax { 1.0 } else { 1.0 / keys as f32 };
        for first in (0..queries).step_by(part) {
            let count = part.min(queries - first);
            let query = Matrix { start: first, ..turned(&maps[0], depth, queries) };
            let key = plain(&maps[1], depth, keys);
            let made = Matrix { slot: &scores, start: 0, image: count * keys, row: keys, column: 1 };
            self.compiler.add_product([count, depth, keys], 1.0, query, key, made, false);
            let used = if affinity == Affinity::Softmax {
                self.compiler.softmax_lines(self.compiler.batch * count, keys, &scores, &shares);
                &shares
            } else {
                &scores
            };
            let slots = [gradient, &maps[2], used, &of_shares];
            self.shares_back(&sizes, [first, count], factor, slots, targets[2].as_ref());
            // The gradient of the scores takes the place of the scores.
            let (of_scores, factor) = if affinity == Affinity::Softmax {
                let lines = self.compiler.batch * count;
                self.softmax_lines_back([lines, keys], &shares, &of_shares, &scores, false);
                (&scores, 1.0)
            } else {
                (&of_shares, factor)
            };
            let of_scores = Matrix { slot: of_scores, ..made };
            if let Some(target) = &targets[0] {
                let output = Matrix { start: first, ..plain(&target.slot, depth, queries) };
                let turned_scores = Matrix { row: 1, column: keys, ..of_scores };
                self.compiler.add_product([depth, keys, count], factor, key, turned_scores, output, target.adds);
            }
            if let Some(target) = &targets[1] {
                let left = Matrix { start: first, ..plain(&maps[0], depth, queries) };
                let output = plain(&target.slot, depth, keys);
                let adds = target.adds || first > 0;
                self.compiler.add_product([depth, count, keys], factor, left, of_scores, output, adds);
            }
        }
        [scores, shares, of_shares].into_iter().for_each(|slot| self.compiler.arena.give(slot));
        self.settle(later);
        Ok(())
    }

    /// The way back of attention by a learned function of query and key together.
    ///
    /// # Errors
    /// Where its parts are too large for the device.
    pub fn attend_pairs_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let sizes = self.compiler.attention_sizes(id);
        let Sizes { depth, queries, keys, .. } = sizes;
        let (batch, part) = (self.compiler.batch, sizes.part(self.compiler.batch));
        let maps = [self.input(id, 0)?, self.input(id, 1)?, self.input(id, 2)?];
        let halves = self.compiler.pair_halves(id, &sizes, &maps)?;
        let (targets, later) = self.targets(id)?;
        let scope = &self.compiler.graph.nodes[id].scope;
        let length = batch * part * keys;
        let scores = self.compiler.arena.take(length, scope)?;
        let of_shares = self.compiler.arena.take(length, scope)?;
        let of_scores = self.compiler.arena.take(length, scope)?;
        let of_halves =
            [self.compiler.arena.take(batch * queries, scope)?, { self.compiler.arena.take(batch * keys, scope)? }];
        let factor = 1.0 / keys as f32;
        for first in (0..queries).step_by(part) {
            let count = part.min(queries - first);
            self.compiler.pair_scores(&sizes, [first, count], [&halves[0], &halves[1]], &scores);
            let slots = [gradient, &maps[2], &scores, &of_shares];
            self.shares_back(&sizes, [first, count], factor, slots, targets[2].as_ref());
            let values = batch * count * keys;
            let mut words_of_sizes = words([values]);
            words_of_sizes.push(factor.to_bits());
            self.compiler.call(Call {
                shader: shaders::pair_scores_gradient(),
                sizes: words_of_sizes,
                output: &of_scores,
                inputs: &[&scores, &of_shares],
                groups: threads(self.compiler.gpu, values),
                work: values,
                turns: 0,
            });
            // A score is the sum of its query's and its key's half.
            let whole = (&of_scores, [count * keys, keys, 1]);
            let by_query = Kept { images: true, channels: true, positions: false };
            let sum = Sum::new(Term::First, [batch, count, keys], [whole; 3], by_query);
            let target = Target { slot: of_halves[0].clone(), adds: false };
            self.compiler.sum(&Sum { place: (first, [queries, 1, 0]), ..sum }, &target);
            let by_key = Kept { images: true, channels: false, positions: true };
            let target = Target { slot: of_halves[1].clone(), adds: first > 0 };
            self.compiler.sum(&Sum::new(Term::First, [batch, count, keys], [whole; 3], by_key), &target);
        }
        self.halves_back(id, [queries, keys], depth, &maps, &of_halves, &targets)?;
        let [of_queries, of_keys] = of_halves;
        let [query, key] = halves;
        let slots = [scores, of_shares, of_scores, of_queries, of_keys, query, key];
        slots.into_iter().for_each(|slot| self.compiler.arena.give(slot));
        self.settle(later);
        Ok(())
    }

    /// The way back of the products of queries and keys with their halves of the pair's weight.
    fn halves_back(
        &mut self,
        id: NodeId,
        positions: [usize; 2],
        depth: usize,
        maps: &[Slot],
        of_halves: &[Slot; 2],
        targets: &[Option<Target>; 3],
    ) -> Result<()> {
        let weight = self.compiler.parameter(id, 0)?;
        let of_weight = self.gradient_of_parameter(id, 0)?;
        for n in [0, 1] {
            let axes = [self.compiler.batch, depth, positions[n]];
            let half = (&of_halves[n], [positions[n], 0, 1]);
            if let Some(target) = &targets[n] {
                // The second half of the weight is that of keys.
                let sum = Sum::new(Term::Product, axes, [half, (&weight, [0, 1, 0]), half], Kept::ALL);
                self.compiler.sum(&Sum { starts: [0, n * depth, 0], ..sum }, target);
            }
            if let Some(target) = &of_weight {
                let map = (&maps[n], [depth * positions[n], positions[n], 1]);
                let kept = Kept { images: false, channels: true, positions: false };
                let sum = Sum::new(Term::Product, axes, [half, map, half], kept);
                self.compiler.sum(&Sum { place: (n * depth, [0, 1, 0]), ..sum }, target);
            }
        }
        Ok(())
    }

    /// The way back of attention to rows and columns.
    ///
    /// # Errors
    /// Where the shares of all positions are too many for the device.
    pub fn criss_cross_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let seen = self.compiler.check_cross(id)?;
        let [query, value] = [0, 2].map(|number| self.input_shape(id, number));
        let maps = [self.input(id, 0)?, self.input(id, 1)?, self.input(id, 2)?];
        let (targets, later) = self.targets(id)?;
        let count = self.compiler.batch * query.positions();
        let scope = &self.compiler.graph.nodes[id].scope;
        let shares = self.compiler.arena.take(count * (seen - 1), scope)?;
        let of_scores = self.compiler.arena.take(count * (seen - 1), scope)?;
        let sizes = words([count, query.height, query.width, query.channels, value.channels, 0]);
        self.compiler.call(Call {
            shader: shaders::cross_shares(MOST_SEEN),
            sizes: sizes.clone(),
            output: &shares,
            inputs: &[&maps[0], &maps[1]],
            groups: lines(self.compiler.gpu, count),
            work: count * seen * query.channels,
            turns: (seen / 256 + 2) * (query.channels + 3),
        });
        self.compiler.call(Call {
            shader: shaders::cross_scores_gradient(MOST_SEEN),
            sizes,
            output: &of_scores,
            inputs: &[&shares, &maps[2], gradient],
            groups: lines(self.compiler.gpu, count),
            work: count * seen * value.channels,
            turns: (seen / 256 + 2) * (value.channels + 2),
        });
        let sums = [(&of_scores, &maps[1], false), (&of_scores, &maps[0], true), (&shares, gradient, true)];
        for ((weights, map, back), target) in sums.into_iter().zip(&targets) {
            let Some(target) = target else { continue };
            let channels = if std::ptr::eq(map, gradient) { value.channels } else { query.channels };
            let count = count * channels;
            let adds = usize::from(target.adds);
            self.compiler.call(Call {
                shader: shaders::cross_sum(back),
                sizes: words([count, query.height, query.width, query.channels, channels, adds]),
                output: &target.slot,
                inputs: &[weights, map],
                groups: threads(self.compiler.gpu, count),
                work: count * seen,
                turns: seen,
            });
        }
        [shares, of_scores].into_iter().for_each(|slot| self.compiler.arena.give(slot));
        self.settle(later);
        Ok(())
    }
}
