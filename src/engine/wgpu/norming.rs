//! Normalisation, softmax, and the norm over neighbouring channels.

use super::arena::Slot;
use super::compile::{Compiler, Operation};
use super::draft::{Call, lines, threads, words};
use super::resident::scale_and_shift;
use super::shader;
use crate::engine::error::Result;
use crate::graph::{LocalResponse, Normalisation, Op};

/// Numbers of an operation's arrays on the device.
const SCALE: usize = 0;
const SHIFT: usize = 1;

impl Compiler<'_> {
    /// A normalisation; batch norm by its running statistics.
    pub fn norm(&mut self, operation: &Operation, kind: Normalisation, eps: f64, x: &Slot) -> Result<Slot> {
        let graph = self.graph;
        let node = &graph.nodes[operation.node];
        let y = self.result(operation.node)?;
        let shape = self.shape(operation.node);
        let of_channels = |parameters: &[Vec<f32>], which: usize| -> Vec<f32> {
            let learned = matches!(node.op, Op::Norm { affine: true, .. });
            match kind {
                Normalisation::Batch { .. } => {
                    scale_and_shift(node, parameters).into_iter().map(|both| both[which] as f32).collect()
                }
                _ if learned => parameters[node.parameters[which]].clone(),
                _ => vec![if which == SCALE { 1.0 } else { 0.0 }; shape.channels],
            }
        };
        let key = |which| (operation.node, which);
        let scale = self.weights.slot(self.gpu, key(SCALE), &node.scope, |p| of_channels(p, SCALE))?;
        let shift = self.weights.slot(self.gpu, key(SHIFT), &node.scope, |p| of_channels(p, SHIFT))?;
        let (batch, positions) = (self.batch, shape.positions());
        let values = batch * shape.len();
        let finish = operation.finish;
        let inputs = &[x, &scale, &shift];
        let eps = (eps as f32).to_bits();
        let in_sets = |sets: usize, set_channels: usize, gpu| {
            let size = set_channels * positions;
            let mut sizes = words([sets, size, positions, set_channels, shape.channels]);
            sizes.push(eps);
            (shader::norm_sets(finish), sizes, lines(gpu, sets), 3 * (size / 256 + 1))
        };
        let (shader, sizes, groups, turns) = match kind {
            Normalisation::Batch { .. } => {
                let sizes = words([values, shape.channels, positions]);
                (shader::scale_shift(finish), sizes, threads(self.gpu, values), 0)
            }
            Normalisation::Instance => in_sets(batch * shape.channels, 1, self.gpu),
            Normalisation::Group { groups } => in_sets(batch * groups, shape.channels / groups, self.gpu),
            Normalisation::Layer => {
                let count = batch * positions;
                let mut sizes = words([count, shape.channels, positions]);
                sizes.push(eps);
                (shader::norm_layer(finish), sizes, threads(self.gpu, count), 3 * shape.channels)
            }
        };
        self.call(Call { shader, sizes: finish.before(sizes), output: &y, inputs, groups, work: 3 * values, turns });
        Ok(y)
    }

    /// Softmax over channels, or its logarithm.
    pub fn softmax_channels(&mut self, operation: &Operation, log: bool, x: &Slot) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let shape = self.shape(operation.node);
        let count = self.batch * shape.positions();
        self.call(Call {
            shader: shader::softmax_channels(log),
            sizes: words([count, shape.channels, shape.positions()]),
            output: &y,
            inputs: &[x],
            groups: threads(self.gpu, count),
            work: 3 * self.batch * shape.len(),
            turns: 3 * shape.channels,
        });
        Ok(y)
    }

    /// Softmax over the positions of every channel.
    pub fn softmax_positions(&mut self, operation: &Operation, x: &Slot) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let shape = self.shape(operation.node);
        self.softmax_lines(self.batch * shape.channels, shape.positions(), x, &y);
        Ok(y)
    }

    /// Softmax over lines of values.
    pub fn softmax_lines(&mut self, count: usize, length: usize, x: &Slot, y: &Slot) {
        self.call(Call {
            shader: shader::softmax_lines(),
            sizes: words([count, length]),
            output: y,
            inputs: &[x],
            groups: lines(self.gpu, count),
            work: 3 * count * length,
            turns: 3 * (length / 256 + 1),
        });
    }

    /// Division by a power of the squares in neighbouring channels.
    pub fn local_response(&mut self, operation: &Operation, constants: &LocalResponse, x: &Slot) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let shape = self.shape(operation.node);
        let count = self.batch * shape.len();
        let mut sizes = words([count, shape.channels, shape.positions(), constants.size / 2, constants.size]);
        sizes.extend([constants.alpha, constants.beta, constants.k].map(|number| (number as f32).to_bits()));
        self.call(Call {
            shader: shader::local_response(),
            sizes,
            output: &y,
            inputs: &[x],
            groups: threads(self.gpu, count),
            work: count * constants.size,
            turns: constants.size,
        });
        Ok(y)
    }
}
