//! Convolutions, transposed ones and fully connected layers.

use super::arena::Slot;
use super::compile::{Compiler, Operation, Shape};
use super::draft::{Call, lines, threads, words};
use super::finish::Finish;
use super::resident::behind;
use super::shader;
use super::walk::{Kernel, Walk};
use crate::engine::error::Result;
use crate::graph::{Conv, ConvTranspose};

/// Output channels of a group below which a tile of the product would be mostly empty.
pub const LEAST_ROWS: usize = 8;

/// Rows, columns and depth of a tile in `shaders/conv_tiled.wgsl`.
pub const TILE: [usize; 3] = [32, 64, 16];

/// Numbers of an operation's arrays on the device.
const WEIGHTS: usize = 0;
const BIAS: usize = 1;
/// Further parts of a fully connected layer's weights follow.
const PARTS: usize = 2;

/// A convolution as a product of matrices.
pub struct Product {
    /// Of every group.
    pub rows: usize,
    /// Of every group.
    pub depth: usize,
    /// Groups.
    pub groups: usize,
}

impl Product {
    /// Of a walk over a map.
    pub fn of(walk: &Walk) -> Self {
        Self { rows: walk.rows, depth: walk.depth(), groups: walk.groups }
    }

    /// Rows and depth up to whole tiles.
    pub fn padded(&self) -> [usize; 2] {
        [self.rows.next_multiple_of(TILE[0]), self.depth.next_multiple_of(TILE[2])]
    }

    /// Weights as `[group][depth][row]`, filled up with zeros.
    fn packed(&self, weight: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
        let [rows, depth] = self.padded();
        let mut packed = vec![0.0; self.groups * depth * rows];
        for (group, of_group) in packed.chunks_exact_mut(depth * rows).enumerate() {
            for (k, line) in of_group.chunks_exact_mut(rows).take(self.depth).enumerate() {
                line.iter_mut().take(self.rows).enumerate().for_each(|(row, value)| *value = weight(group, row, k));
            }
        }
        packed
    }
}

/// What a convolution reads and writes.
pub struct Maps<'a> {
    /// What it reads.
    pub x: &'a Slot,
    /// Its shape.
    pub input: Shape,
    /// What it writes.
    pub y: &'a Slot,
    /// Its shape.
    pub output: Shape,
    /// As the walk's strides say; for a product of matrices packed.
    pub weights: &'a Slot,
    /// What is added to every output channel.
    pub bias: Option<&'a Slot>,
    /// Whether the result is added to what is there.
    pub adds: bool,
}

impl Compiler<'_> {
    /// A convolution, with a batch norm and an activation behind it.
    pub fn conv(&mut self, operation: &Operation, conv: &Conv, x: &Slot) -> Result<Slot> {
        let graph = self.graph;
        let node = &graph.nodes[operation.node];
        let walk = Kernel::of_conv(conv).forth();
        let product = Product::of(&walk);
        let [input, output] = [self.input_shape(node, 0), self.shape(operation.node)];
        let y = self.result(operation.node)?;
        let bias = self.bias(operation, conv.outputs)?;
        let weight = |parameters: &[Vec<f32>], group: usize, row: usize, k: usize| {
            let channel = group * product.rows + row;
            parameters[node.parameters[0]][channel * product.depth + k]
        };
        let is_tiled = product.rows >= LEAST_ROWS;
        let weights = self.weights.slot(self.gpu, (operation.node, WEIGHTS), &node.scope, |parameters| {
            let norm = behind(graph, operation.norm, conv.outputs, parameters);
            if is_tiled {
                let scaled = |group: usize, row: usize, k: usize| {
                    let [scale, _] = norm[group * product.rows + row];
                    (f64::from(weight(parameters, group, row, k)) * scale) as f32
                };
                return product.packed(scaled);
            }
            let values = parameters[node.parameters[0]].chunks_exact(product.depth.max(1));
            let scaled =
                values.zip(&norm).flat_map(|(w, [scale, _])| w.iter().map(move |w| (f64::from(*w) * scale) as f32));
            scaled.collect()
        })?;
        let maps = Maps { x, input, y: &y, output, weights: &weights, bias: Some(&bias), adds: false };
        if is_tiled {
            self.tiled(&walk, None, operation.finish, &maps);
        } else {
            self.direct(&walk, operation.finish, &maps);
        }
        Ok(y)
    }

    /// What is added to every output channel: the convolution's own bias through the norm behind it.
    fn bias(&mut self, operation: &Operation, outputs: usize) -> Result<Slot> {
        let graph = self.graph;
        let node = &graph.nodes[operation.node];
        self.weights.slot(self.gpu, (operation.node, BIAS), &node.scope, |parameters| {
            let norm = behind(graph, operation.norm, outputs, parameters);
            let own = |n: usize| node.parameters.get(1).map_or(0.0, |&id| f64::from(parameters[id][n]));
            norm.iter().enumerate().map(|(n, [scale, shift])| (own(n) * scale + shift) as f32).collect()
        })
    }

    /// A convolution as a product of matrices with packed weights; `scattered`: taps of a transposed one that lie side by side.
    pub fn tiled(&mut self, walk: &Walk, scattered: Option<[usize; 2]>, finish: Finish, maps: &Maps) {
        let product = Product::of(walk);
        let grid = if scattered.is_some() { maps.input } else { maps.output };
        let (input, positions) = (maps.input, grid.positions());
        let columns = self.batch * positions;
        let [padded_rows, padded_depth] = product.padded();
        let [taps_h, taps_w] = scattered.unwrap_or([1, 1]);
        let out_channels = product.rows * product.groups / (taps_h * taps_w);
        let [padding_h, padding_w] = walk.padding.map(isize::cast_unsigned);
        let sizes = words([
            input.channels,
            input.height,
            input.width,
            grid.width,
            positions,
            columns,
            walk.stride[0],
            walk.stride[1],
            padding_h,
            padding_w,
            walk.dilation[0],
            walk.dilation[1],
            walk.channels,
            product.rows,
            padded_rows,
            product.depth,
            padded_depth,
            out_channels,
            taps_h,
            taps_w,
            usize::from(maps.adds),
        ]);
        let [across, further, _] = lines(self.gpu, columns.div_ceil(TILE[1]));
        let down = padded_rows / TILE[0] * product.groups;
        self.call(Call {
            shader: shader::conv_tiled(walk, scattered.is_some(), maps.bias.is_some(), finish),
            sizes: finish.before(sizes),
            output: maps.y,
            inputs: &[maps.x, maps.weights, maps.bias.unwrap_or(maps.weights)],
            groups: [across, down as u32, further],
            work: columns * product.rows * product.groups * product.depth,
            // Of the product itself, and of bringing its parts.
            turns: 2 * padded_depth,
        });
    }

    /// A convolution value by value.
    pub fn direct(&mut self, walk: &Walk, finish: Finish, maps: &Maps) {
        let (input, output) = (maps.input, maps.output);
        let count = self.batch * output.len();
        let [padding_h, padding_w] = walk.padding.map(isize::cast_unsigned);
        let [of_group, of_output, of_channel] = walk.strides;
        let sizes = words([
            usize::from(maps.adds),
            count,
            input.channels,
            input.height,
            input.width,
            output.channels,
            output.height,
            output.width,
            walk.stride[0],
            walk.stride[1],
            padding_h,
            padding_w,
            walk.dilation[0],
            walk.dilation[1],
            walk.channels,
            walk.rows,
            of_group,
            of_output,
            of_channel,
            usize::from(walk.is_flipped),
        ]);
        let [spread_h, spread_w] = walk.spread;
        self.call(Call {
            shader: shader::conv_direct(walk, maps.bias.is_some(), finish),
            sizes: finish.before(sizes),
            output: maps.y,
            inputs: &[maps.x, maps.weights, maps.bias.unwrap_or(maps.weights)],
            groups: threads(self.gpu, count),
            work: count * walk.depth() / (spread_h * spread_w),
            turns: walk.depth() + walk.kernel[0] * (walk.kernel[1] + 1),
        });
    }

    /// A transposed convolution; where its stride is its kernel, as a product of matrices.
    pub fn conv_transpose(&mut self, operation: &Operation, conv: &ConvTranspose, x: &Slot) -> Result<Slot> {
        let graph = self.graph;
        let node = &graph.nodes[operation.node];
        let taps = conv.kernel[0] * conv.kernel[1];
        let (inputs, outputs) = (conv.inputs / conv.groups, conv.outputs / conv.groups);
        let [input, output] = [self.input_shape(node, 0), self.shape(operation.node)];
        let y = self.result(operation.node)?;
        let bias = self.bias(operation, conv.outputs)?;
        let key = (operation.node, WEIGHTS);
        let product = Product { rows: outputs * taps, depth: inputs, groups: conv.groups };
        let is_side_by_side = conv.stride == conv.kernel && conv.padding == [0; 2] && conv.output_padding == [0; 2];
        if is_side_by_side && product.rows >= LEAST_ROWS {
            let weights = self.weights.slot(self.gpu, key, &node.scope, |parameters| {
                let norm = behind(graph, operation.norm, conv.outputs, parameters);
                let values = &parameters[node.parameters[0]];
                product.packed(|group, row, k| {
                    let [scale, _] = norm[group * outputs + row / taps];
                    (f64::from(values[(group * inputs + k) * product.rows + row]) * scale) as f32
                })
            })?;
            let maps = Maps { x, input, y: &y, output, weights: &weights, bias: Some(&bias), adds: false };
            self.tiled(&side_by_side(conv), Some(conv.kernel), operation.finish, &maps);
            return Ok(y);
        }
        let weights = self.weights.slot(self.gpu, key, &node.scope, |parameters| {
            let norm = behind(graph, operation.norm, conv.outputs, parameters);
            let channel = |n: usize| n / (product.rows * inputs).max(1) * outputs + n / taps % outputs;
            let values = parameters[node.parameters[0]].iter().enumerate();
            values.map(|(n, value)| (f64::from(*value) * norm[channel(n)][0]) as f32).collect()
        })?;
        let maps = Maps { x, input, y: &y, output, weights: &weights, bias: Some(&bias), adds: false };
        self.direct(&Kernel::of_transpose(conv).back(), operation.finish, &maps);
        Ok(y)
    }

    /// A fully connected layer, in parts where its weights are more than a shader can be given at a time.
    pub fn linear(&mut self, operation: &Operation, [inputs, outputs]: [usize; 2], x: &Slot) -> Result<Slot> {
        let graph = self.graph;
        let node = &graph.nodes[operation.node];
        let y = self.result(operation.node)?;
        let bias = self.bias(operation, outputs)?;
        let most = self.gpu.limits.max_storage_buffer_binding_size.min(self.gpu.limits.max_buffer_size) as usize;
        let rows_at_a_time = (most / (inputs * size_of::<f32>()).max(1)).clamp(1, outputs.max(1));
        for (part, first) in (0..outputs).step_by(rows_at_a_time).enumerate() {
            let rows = rows_at_a_time.min(outputs - first);
            let weights = self.weights.slot(self.gpu, (operation.node, PARTS + part), &node.scope, |parameters| {
                parameters[node.parameters[0]][first * inputs..(first + rows) * inputs].to_vec()
            })?;
            let count = self.batch * rows;
            self.call(Call {
                shader: shader::linear(operation.finish),
                sizes: operation.finish.before(words([inputs, rows, first, outputs, count])),
                output: &y,
                inputs: &[x, &weights, &bias],
                groups: lines(self.gpu, count),
                work: count * inputs,
                turns: inputs / 256 + 1,
            });
        }
        Ok(y)
    }
}

/// A transposed convolution whose stride is its kernel, as one of single positions to so many channels more.
fn side_by_side(conv: &ConvTranspose) -> Walk {
    let (inputs, rows) = (conv.inputs / conv.groups, conv.outputs / conv.groups * conv.kernel[0] * conv.kernel[1]);
    Kernel {
        size: [1; 2],
        stride: [1; 2],
        padding: [0; 2],
        dilation: [1; 2],
        groups: conv.groups,
        first: rows,
        second: inputs,
    }
    .forth()
}
