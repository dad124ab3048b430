//! The way back of operations whose gradient is that of their inputs alone, or a sum over some axes.

use super::super::arena::Slot;
use super::super::arranging::strides;
use super::super::compile::{Operation, Shape};
use super::super::draft::{Call, lines, threads, words};
use super::super::finish::Finish;
use super::super::shader::Joined;
use super::compile::{Trainer, is_by_value};
use super::plan::Mask;
use super::reducing::{Kept, Sum};
use super::shaders::{self, Term};
use crate::engine::error::{EngineError, Result};
use crate::engine::resampling::{Resample, Taps};
use crate::graph::{Activation, Affinity, LocalResponse, NodeId, Op, Pool, SoftmaxOver};

/// The taps of the transposed map: for each input the outputs that it counts for.
fn transposed(taps: &Taps, inputs: usize) -> Taps {
    let mut back = vec![Vec::new(); inputs];
    for (output, of_output) in taps.iter().enumerate() {
        of_output.iter().for_each(|&(input, weight)| back[input].push((output, weight)));
    }
    back
}

impl Trainer<'_> {
    /// Shape of a node's input.
    pub fn input_shape(&self, id: NodeId, number: usize) -> Shape {
        self.compiler.input_shape(self.node(id), number)
    }

    /// The value of a node's input.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn input(&self, id: NodeId, number: usize) -> Result<Slot> {
        self.compiler.value(self.inputs(id)[number])
    }

    /// Gives a node's gradient to what it was made of.
    ///
    /// # Errors
    /// Names the operation that needs more than the device gives.
    pub fn back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let graph = self.compiler.graph;
        match &graph.nodes[id].op {
            Op::Conv2d(_) | Op::ConvTranspose2d(_) | Op::Linear { .. } => self.convolve_back(id, gradient),
            Op::Norm { .. } => self.normalise_back(id, gradient),
            Op::MaxPool2d(pool) => self.max_pool_back(id, pool, gradient),
            Op::AvgPool2d(_) | Op::AdaptiveAvgPool2d(_) | Op::Upsample(..) => self.resample_back(id, gradient),
            Op::Activate(activation) => self.activate_back(id, *activation, gradient),
            Op::ParametricRelu => self.rectify_back(id, gradient),
            Op::Gain => self.gain_back(id, gradient),
            Op::Pad(border) => {
                let offset = border.before.map(usize::cast_signed);
                self.cut_back(id, 0, offset, gradient)
            }
            Op::CropLike => {
                let [big, small] = [self.input_shape(id, 0), self.compiler.shape(id)];
                let offset = [0, (big.height - small.height) / 2, (big.width - small.width) / 2];
                self.cut_back(id, 0, offset.map(|n| -n.cast_signed()), gradient)
            }
            Op::Slice { axis, start, .. } => {
                let offset = [1, 2, 3].map(|n| if n == *axis { -start.cast_signed() } else { 0 });
                self.cut_back(id, 0, offset, gradient)
            }
            Op::Concat => self.concat_back(id, gradient),
            Op::Add => self.add_back(id, gradient),
            Op::Multiply => self.multiply_back(id, gradient),
            Op::SpreadLike => self.spread_back(id, gradient),
            Op::WeightedPool => self.weighted_pool_back(id, gradient),
            Op::Softmax(SoftmaxOver::Channels) => self.softmax_channels_back(id, false, gradient),
            Op::LogSoftmax => self.softmax_channels_back(id, true, gradient),
            Op::Softmax(SoftmaxOver::Positions) => self.softmax_positions_back(id, gradient),
            Op::LocalResponse(constants) => self.local_response_back(id, constants, gradient),
            Op::Attend(Affinity::Concat) => self.attend_pairs_back(id, gradient),
            Op::Attend(affinity) => self.attend_back(id, *affinity, gradient),
            Op::CrissCross => self.criss_cross_back(id, gradient),
            Op::Dropout(_) => self.drop_out_back(id, gradient),
            Op::Input => Err(EngineError::failed("the image is made of nothing")),
        }
    }

    /// Takes values away, and scales up the others.
    ///
    /// # Errors
    /// Where the result is too large for the device.
    pub fn drop_out(&mut self, id: NodeId, share: f64, x: &Slot) -> Result<Slot> {
        let shape = self.compiler.shape(id);
        let count = self.compiler.batch * shape.len();
        // Filled before the pass begins, so that no other map may lie there.
        let slot = self.compiler.arena.keep(count, &self.compiler.graph.nodes[id].scope)?;
        self.masks.push(Mask { slot: slot.clone(), count, share });
        self.aside[id] = Some(slot.clone());
        let operation = Operation { node: id, norm: None, finish: Finish::PLAIN, value: id };
        let whole = strides(shape);
        self.compiler.joined(&operation, Joined::Product, Finish::PLAIN, (x, whole), (&slot, whole))
    }

    fn drop_out_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, 0)? else { return Ok(()) };
        let shape = self.compiler.shape(id);
        let whole = strides(shape);
        if let Some(mask) = self.aside[id].clone() {
            let arrays = [(gradient, whole), (&mask, whole), (gradient, whole)];
            self.compiler.sum(&Sum::new(Term::Product, self.compiler.axes(shape), arrays, Kept::ALL), &target);
        }
        Ok(())
    }

    fn max_pool_back(&mut self, id: NodeId, pool: &Pool, gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, 0)? else { return Ok(()) };
        let [input, output] = [self.input_shape(id, 0), self.compiler.shape(id)];
        let x = self.input(id, 0)?;
        let count = self.compiler.batch * input.len();
        let window = pool.kernel[0] * (pool.kernel[1] + 1);
        let windows = [0, 1].map(|axis| pool.kernel[axis].div_ceil(pool.stride[axis]));
        let windows = windows[0] * windows[1];
        self.compiler.call(Call {
            shader: shaders::max_pool_gradient(),
            sizes: words([
                usize::from(target.adds),
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
            output: &target.slot,
            inputs: &[&x, gradient],
            groups: threads(self.compiler.gpu, count),
            work: count * windows * window,
            turns: windows * (window + 2),
        });
        Ok(())
    }

    fn resample_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, 0)? else { return Ok(()) };
        let graph = self.compiler.graph;
        let node = &graph.nodes[id];
        let [input, output] = [self.input_shape(id, 0), self.compiler.shape(id)];
        let map = Resample::of(&node.op, [input.height, input.width])
            .ok_or_else(|| EngineError::failed(format!("{}: not a resampling", node.scope)))?;
        let back =
            Resample { rows: transposed(&map.rows, input.height), columns: transposed(&map.columns, input.width) };
        self.compiler.apply(&back, gradient, &target.slot, [output, input], &node.scope, target.adds)
    }

    fn activate_back(&mut self, id: NodeId, activation: Activation, gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, 0)? else { return Ok(()) };
        let shape = self.compiler.shape(id);
        let whole = strides(shape);
        let at = if is_by_value(activation) { self.compiler.value(id)? } else { self.input(id, 0)? };
        let finish = Finish::of(activation);
        let arrays = [(gradient, whole), (&at, whole), (gradient, whole)];
        let sum = Sum::new(Term::Slope(finish.function), self.compiler.axes(shape), arrays, Kept::ALL);
        self.compiler.sum(&Sum { constants: finish.constants, ..sum }, &target);
        Ok(())
    }

    fn rectify_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let (shape, x, slope) = (self.compiler.shape(id), self.input(id, 0)?, self.compiler.parameter(id, 0)?);
        let (axes, whole) = (self.compiler.axes(shape), strides(shape));
        let is_by_channel = slope.bytes as usize > size_of::<f32>();
        if let Some(target) = self.gradient_of_input(id, 0)? {
            let slopes = [0, usize::from(is_by_channel), 0];
            let arrays = [(gradient, whole), (&x, whole), (&slope, slopes)];
            self.compiler.sum(&Sum::new(Term::Rectified, axes, arrays, Kept::ALL), &target);
        }
        if let Some(target) = self.gradient_of_parameter(id, 0)? {
            let kept = Kept { images: false, channels: is_by_channel, positions: false };
            let arrays = [(gradient, whole), (&x, whole), (gradient, whole)];
            self.compiler.sum(&Sum::new(Term::Below, axes, arrays, kept), &target);
        }
        Ok(())
    }

    fn gain_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let (shape, x, gain) = (self.compiler.shape(id), self.input(id, 0)?, self.compiler.parameter(id, 0)?);
        let (axes, whole) = (self.compiler.axes(shape), strides(shape));
        if let Some(target) = self.gradient_of_input(id, 0)? {
            let arrays = [(gradient, whole), (&gain, [0; 3]), (gradient, whole)];
            self.compiler.sum(&Sum::new(Term::Product, axes, arrays, Kept::ALL), &target);
        }
        if let Some(target) = self.gradient_of_parameter(id, 0)? {
            let kept = Kept { images: false, channels: false, positions: false };
            let arrays = [(gradient, whole), (&x, whole), (gradient, whole)];
            self.compiler.sum(&Sum::new(Term::Product, axes, arrays, kept), &target);
        }
        Ok(())
    }

    /// The gradient's values from an offset on (channels, rows, columns), and zeros outside.
    fn cut_back(&mut self, id: NodeId, number: usize, offset: [isize; 3], gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, number)? else { return Ok(()) };
        let shapes = [self.compiler.shape(id), self.input_shape(id, number)];
        let offset = offset.map(|n| n as i32);
        self.compiler.cut(gradient, &target.slot, shapes, offset, 0.0, target.adds);
        Ok(())
    }

    fn concat_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let mut start = 0usize;
        for number in 0..self.node(id).inputs.len() {
            self.cut_back(id, number, [start.cast_signed(), 0, 0], gradient)?;
            start += self.input_shape(id, number).channels;
        }
        Ok(())
    }

    fn add_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let shape = self.compiler.shape(id);
        for number in [0, 1] {
            let Some(target) = self.gradient_of_input(id, number)? else { continue };
            let kept = Kept::of(self.input_shape(id, number));
            let arrays = [(gradient, strides(shape)); 3];
            self.compiler.sum(&Sum::new(Term::First, self.compiler.axes(shape), arrays, kept), &target);
        }
        Ok(())
    }

    fn multiply_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let shape = self.compiler.shape(id);
        for (number, other) in [(0, 1), (1, 0)] {
            let Some(target) = self.gradient_of_input(id, number)? else { continue };
            let kept = Kept::of(self.input_shape(id, number));
            let (value, steps) = (self.input(id, other)?, strides(self.input_shape(id, other)));
            let arrays = [(gradient, strides(shape)), (&value, steps), (gradient, strides(shape))];
            self.compiler.sum(&Sum::new(Term::Product, self.compiler.axes(shape), arrays, kept), &target);
        }
        Ok(())
    }

    fn spread_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, 0)? else { return Ok(()) };
        let shape = self.compiler.shape(id);
        let kept = Kept { images: true, channels: true, positions: false };
        let arrays = [(gradient, strides(shape)); 3];
        self.compiler.sum(&Sum::new(Term::First, self.compiler.axes(shape), arrays, kept), &target);
        Ok(())
    }

    fn weighted_pool_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let [map, weights] = [0, 1].map(|number| self.input_shape(id, number));
        let axes = self.compiler.axes(map);
        // One value for each image and channel.
        let of_map = (gradient, [map.channels, 1, 0]);
        if let Some(target) = self.gradient_of_input(id, 0)? {
            let arrays = [of_map, (&self.input(id, 1)?, strides(weights)), of_map];
            self.compiler.sum(&Sum::new(Term::Product, axes, arrays, Kept::ALL), &target);
        }
        if let Some(target) = self.gradient_of_input(id, 1)? {
            let arrays = [of_map, (&self.input(id, 0)?, strides(map)), of_map];
            let kept = Kept { images: true, channels: false, positions: true };
            self.compiler.sum(&Sum::new(Term::Product, axes, arrays, kept), &target);
        }
        Ok(())
    }

    fn softmax_channels_back(&mut self, id: NodeId, log: bool, gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, 0)? else { return Ok(()) };
        let (shape, result) = (self.compiler.shape(id), self.compiler.value(id)?);
        let count = self.compiler.batch * shape.positions();
        self.compiler.call(Call {
            shader: shaders::softmax_channels_gradient(log),
            sizes: words([usize::from(target.adds), count, shape.channels, shape.positions()]),
            output: &target.slot,
            inputs: &[&result, gradient],
            groups: threads(self.compiler.gpu, count),
            work: 2 * count * shape.channels,
            turns: 2 * shape.channels,
        });
        Ok(())
    }

    fn softmax_positions_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, 0)? else { return Ok(()) };
        let (shape, result) = (self.compiler.shape(id), self.compiler.value(id)?);
        let count = self.compiler.batch * shape.channels;
        self.softmax_lines_back([count, shape.positions()], &result, gradient, &target.slot, target.adds);
        Ok(())
    }

    /// The way back of a softmax over so many lines of so many values.
    pub fn softmax_lines_back(
        &mut self,
        [count, length]: [usize; 2],
        result: &Slot,
        gradient: &Slot,
        to: &Slot,
        adds: bool,
    ) {
        self.compiler.call(Call {
            shader: shaders::softmax_lines_gradient(),
            sizes: words([usize::from(adds), count, length]),
            output: to,
            inputs: &[result, gradient],
            groups: lines(self.compiler.gpu, count),
            work: 2 * count * length,
            turns: 2 * (length / 256 + 1),
        });
    }

    fn local_response_back(&mut self, id: NodeId, constants: &LocalResponse, gradient: &Slot) -> Result<()> {
        let Some(target) = self.gradient_of_input(id, 0)? else { return Ok(()) };
        let (shape, x) = (self.compiler.shape(id), self.input(id, 0)?);
        let count = self.compiler.batch * shape.len();
        let below = constants.size / 2;
        let adds = usize::from(target.adds);
        let mut sizes = words([adds, count, shape.channels, shape.positions(), below, constants.size]);
        sizes.extend([constants.alpha, constants.beta, constants.k].map(|number| (number as f32).to_bits()));
        self.compiler.call(Call {
            shader: shaders::local_response_gradient(),
            sizes,
            output: &target.slot,
            inputs: &[&x, gradient],
            groups: threads(self.compiler.gpu, count),
            work: count * constants.size * (constants.size + 1),
            turns: (constants.size + 1) * (constants.size + 1),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposed_taps_go_from_inputs_to_outputs() {
        let taps = vec![vec![(0, 0.5), (1, 0.5)], vec![(1, 1.0)]];
        assert_eq!(transposed(&taps, 3), [vec![(0, 0.5)], vec![(0, 0.5), (1, 1.0)], Vec::new()]);
    }
}
