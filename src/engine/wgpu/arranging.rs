//! What joins, moves or changes values one by one.

use super::arena::Slot;
use super::compile::{Compiler, Operation, Shape};
use super::draft::{Call, threads, words};
use super::finish::Finish;
use super::shader::{self, Joined};
use crate::engine::error::Result;
use crate::graph::{Activation, Border, Op};

/// How far a map's next image, channel and position are; zero repeats a value.
pub type Strides = [usize; 3];

/// Strides of a map that meets another one value by value.
pub fn strides(shape: Shape) -> Strides {
    let positions = shape.positions();
    let of_channel = if shape.channels == 1 { 0 } else { positions };
    [shape.len(), of_channel, usize::from(positions != 1)]
}

impl Compiler<'_> {
    /// Two maps of the same size, or the second of one position or channel.
    pub fn pair(&mut self, operation: &Operation, joined: Joined, first: &Slot, second: &Slot) -> Result<Slot> {
        let node = &self.graph.nodes[operation.node];
        let [a, b] = [0, 1].map(|n| strides(self.input_shape(node, n)));
        self.joined(operation, joined, operation.finish, (first, a), (second, b))
    }

    /// Two maps value by value, by their strides.
    ///
    /// # Errors
    /// Where the result is too large for the device.
    pub fn joined(
        &mut self,
        operation: &Operation,
        joined: Joined,
        finish: Finish,
        (first, a): (&Slot, Strides),
        (second, b): (&Slot, Strides),
    ) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let shape = self.shape(operation.node);
        let count = self.batch * shape.len();
        let sizes = words([count, shape.channels, shape.positions(), a[0], a[1], a[2], b[0], b[1], b[2]]);
        self.call(Call {
            shader: shader::pair(joined, finish),
            sizes: finish.before(sizes),
            output: &y,
            inputs: &[first, second],
            groups: threads(self.gpu, count),
            work: count,
            turns: 0,
        });
        Ok(y)
    }

    /// An element-wise function that nothing before it takes in.
    pub fn activate(&mut self, operation: &Operation, activation: Activation, x: &Slot) -> Result<Slot> {
        let whole = strides(self.shape(operation.node));
        self.joined(operation, Joined::First, Finish::of(activation), (x, whole), (x, whole))
    }

    /// A rectifier with one learned slope below zero, or one for each channel.
    pub fn parametric_relu(&mut self, operation: &Operation, x: &Slot) -> Result<Slot> {
        self.with_parameter(operation, Joined::Rectified, x)
    }

    /// A product with one learned number.
    pub fn gain(&mut self, operation: &Operation, x: &Slot) -> Result<Slot> {
        self.with_parameter(operation, Joined::Product, x)
    }

    /// A map and a parameter that has one value, or one for each channel.
    fn with_parameter(&mut self, operation: &Operation, joined: Joined, x: &Slot) -> Result<Slot> {
        let values = self.graph.parameters[self.graph.nodes[operation.node].parameters[0]].len();
        let own = self.parameter(operation.node, 0)?;
        let whole = strides(self.shape(operation.node));
        self.joined(operation, joined, operation.finish, (x, whole), (&own, [0, usize::from(values > 1), 0]))
    }

    /// A map of one position at every position of another.
    pub fn spread_like(&mut self, operation: &Operation, x: &Slot) -> Result<Slot> {
        let shape = self.input_shape(&self.graph.nodes[operation.node], 0);
        let one = strides(shape);
        self.joined(operation, Joined::First, Finish::PLAIN, (x, one), (x, one))
    }

    /// Channels of all maps, one after the other.
    pub fn concat(&mut self, operation: &Operation, maps: &[Slot]) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let whole = self.shape(operation.node).len();
        let mut offset = 0;
        for (n, map) in maps.iter().enumerate() {
            let length = self.input_shape(&self.graph.nodes[operation.node], n).len();
            let count = self.batch * length;
            self.call(Call {
                shader: shader::concat(),
                sizes: words([count, length, whole, offset]),
                output: &y,
                inputs: &[map],
                groups: threads(self.gpu, count),
                work: count,
                turns: 0,
            });
            offset += length;
        }
        Ok(y)
    }

    /// A map cut to its result's size around its centre.
    pub fn crop_like(&mut self, operation: &Operation, x: &Slot) -> Result<Slot> {
        let [big, small] = [self.input_shape(&self.graph.nodes[operation.node], 0), self.shape(operation.node)];
        let offset = [0, (big.height - small.height) / 2, (big.width - small.width) / 2];
        self.window(operation, offset.map(|n| n as i32), 0.0, x)
    }

    /// Part of an axis (1: channels, 2: rows, 3: columns).
    pub fn slice(&mut self, operation: &Operation, axis: usize, start: usize, x: &Slot) -> Result<Slot> {
        let offset = [1, 2, 3].map(|n| if n == axis { start as i32 } else { 0 });
        self.window(operation, offset, 0.0, x)
    }

    /// A map with a border.
    pub fn pad(&mut self, operation: &Operation, border: &Border, x: &Slot) -> Result<Slot> {
        debug_assert!(matches!(self.graph.nodes[operation.node].op, Op::Pad(_)));
        self.window(operation, border.before.map(|n| -(n as i32)), border.value, x)
    }

    /// A map's values from an offset on (channels, rows, columns), and a constant outside.
    fn window(&mut self, operation: &Operation, offset: [i32; 3], outside: f32, x: &Slot) -> Result<Slot> {
        let y = self.result(operation.node)?;
        let shapes = [self.input_shape(&self.graph.nodes[operation.node], 0), self.shape(operation.node)];
        self.cut(x, &y, shapes, offset, outside, false);
        Ok(y)
    }

    /// Values of maps from an offset on, and a constant outside, put to or added to others; their shapes are `shapes`.
    pub fn cut(&mut self, x: &Slot, y: &Slot, [input, output]: [Shape; 2], offset: [i32; 3], outside: f32, adds: bool) {
        let count = self.batch * output.len();
        let mut sizes =
            words([count, input.channels, input.height, input.width, output.channels, output.height, output.width]);
        sizes.extend(offset.map(i32::cast_unsigned));
        sizes.extend([outside.clamp(f32::MIN, f32::MAX).to_bits(), u32::from(adds)]);
        self.call(Call {
            shader: shader::window(),
            sizes,
            output: y,
            inputs: &[x],
            groups: threads(self.gpu, count),
            work: count,
            turns: 0,
        });
    }
}
