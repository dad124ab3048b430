//! Convolutions, transposed ones and fully connected layers both ways: each is a walk of a kernel, and its gradient the walk back.

use super::super::arena::Slot;
use super::super::arranging::Strides;
use super::super::compile::Shape;
use super::super::convolving::{LEAST_ROWS, Maps, Product, TILE};
use super::super::draft::{Call, lines, threads, words};
use super::super::finish::Finish;
use super::super::walk::{Kernel, Walk};
use super::compile::{Target, Trainer};
use super::reducing::{Kept, Sum};
use super::shaders::{self, Term};
use crate::engine::error::{EngineError, Result};
use crate::graph::{NodeId, Op};

/// Groups of threads that keep a device busy.
const MANY_GROUPS: usize = 512;

/// Positions of a part of a weight gradient's sum: at least, and at most.
const PART: [usize; 2] = [256, 8192];

/// Values of all parts of a weight gradient, unless a single weight's parts are more.
const MOST_PARTIAL: usize = 1 << 23;

/// A layer that walks over a map.
struct Layer {
    kernel: Kernel,
    /// Whether it goes the kernel's way back.
    is_transposed: bool,
    is_biased: bool,
    input: Shape,
    output: Shape,
}

impl Layer {
    /// The walk that it makes, and that of its gradient.
    fn walks(&self) -> [Walk; 2] {
        let walks = [self.kernel.forth(), self.kernel.back()];
        if self.is_transposed { [walks[1], walks[0]] } else { walks }
    }
}

impl Trainer<'_> {
    fn layer(&self, id: NodeId) -> Result<Layer> {
        let [input, output] = [self.input_shape(id, 0), self.compiler.shape(id)];
        let node = self.node(id);
        Ok(match &node.op {
            Op::Conv2d(conv) => {
                let (kernel, is_biased) = (Kernel::of_conv(conv), conv.bias);
                Layer { kernel, is_transposed: false, is_biased, input, output }
            }
            Op::ConvTranspose2d(conv) => {
                let (kernel, is_biased) = (Kernel::of_transpose(conv), conv.bias);
                Layer { kernel, is_transposed: true, is_biased, input, output }
            }
            Op::Linear { inputs, outputs } => {
                let kernel = Kernel::of_linear([*inputs, *outputs]);
                let one = |channels| Shape { channels, height: 1, width: 1 };
                Layer { kernel, is_transposed: false, is_biased: true, input: one(*inputs), output: one(*outputs) }
            }
            _ => return Err(EngineError::failed(format!("{}: no convolution", node.scope))),
        })
    }

    /// A layer's value.
    ///
    /// # Errors
    /// Where it is too large for the device.
    pub fn convolve(&mut self, id: NodeId, x: &Slot) -> Result<Slot> {
        let layer = self.layer(id)?;
        let y = self.compiler.result(id)?;
        let bias = layer.is_biased.then(|| self.compiler.parameter(id, 1)).transpose()?;
        let target = Target { slot: y.clone(), adds: false };
        self.walk(id, &layer.walks()[0], (x, layer.input), (&target, layer.output), bias.as_ref())?;
        Ok(y)
    }

    /// A walk over a map with a node's weights.
    fn walk(
        &mut self,
        id: NodeId,
        walk: &Walk,
        (x, input): (&Slot, Shape),
        (target, output): (&Target, Shape),
        bias: Option<&Slot>,
    ) -> Result<()> {
        let weights = self.compiler.parameter(id, 0)?;
        let maps = Maps { x, input, y: &target.slot, output, weights: &weights, bias, adds: target.adds };
        if walk.rows < LEAST_ROWS {
            self.compiler.direct(walk, Finish::PLAIN, &maps);
            return Ok(());
        }
        let packed = self.packed(id, walk, &weights)?;
        self.compiler.tiled(walk, None, Finish::PLAIN, &Maps { weights: &packed, ..maps });
        self.compiler.arena.give(packed);
        Ok(())
    }

    /// Weights for the product of matrices.
    fn packed(&mut self, id: NodeId, walk: &Walk, weights: &Slot) -> Result<Slot> {
        let product = Product::of(walk);
        let [rows, depth] = product.padded();
        let count = product.groups * rows * depth;
        let packed = self.compiler.arena.take(count, &self.compiler.graph.nodes[id].scope)?;
        let taps = walk.kernel[0] * walk.kernel[1];
        let [of_group, of_row, of_channel] = walk.strides;
        self.compiler.call(Call {
            shader: shaders::pack_weights(),
            sizes: words([
                count,
                product.rows,
                rows,
                product.depth,
                depth,
                taps,
                of_group,
                of_row,
                of_channel,
                usize::from(walk.is_flipped),
            ]),
            output: &packed,
            inputs: &[weights],
            groups: threads(self.compiler.gpu, count),
            work: count,
            turns: 0,
        });
        Ok(packed)
    }

    /// A layer's gradients: of its map, weights and bias.
    ///
    /// # Errors
    /// Where one is too large for the device.
    pub fn convolve_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let layer = self.layer(id)?;
        if let Some(target) = self.gradient_of_input(id, 0)? {
            self.walk(id, &layer.walks()[1], (gradient, layer.output), (&target, layer.input), None)?;
        }
        if let Some(target) = self.gradient_of_parameter(id, 0)? {
            let x = self.input(id, 0)?;
            let (of_input, of_output) = ((&x, layer.input), (gradient, layer.output));
            let (fixed, seen) = if layer.is_transposed { (of_input, of_output) } else { (of_output, of_input) };
            self.weights_back(id, &layer.kernel, fixed, seen, &target)?;
        }
        if layer.is_biased
            && let Some(target) = self.gradient_of_parameter(id, 1)?
        {
            self.compiler.sum_of_channels(gradient, layer.output, &target);
        }
        Ok(())
    }

    /// Gradient of a kernel's weights, from the map on which it stands and the one that it looks at, one of which is a gradient.
    fn weights_back(
        &mut self,
        id: NodeId,
        kernel: &Kernel,
        (fixed, grid): (&Slot, Shape),
        (seen, map): (&Slot, Shape),
        target: &Target,
    ) -> Result<()> {
        let Kernel { groups, first, second, .. } = *kernel;
        let columns = second * kernel.taps();
        let count = groups * first * columns;
        let depth = self.compiler.batch * grid.positions();
        let walked = [kernel.stride, kernel.padding, kernel.dilation].concat();
        let is_tiled = first >= LEAST_ROWS && columns >= LEAST_ROWS;
        if !is_tiled {
            let mut sizes = words([
                usize::from(target.adds),
                count,
                grid.channels,
                map.channels,
                first,
                second,
                grid.width,
                grid.positions(),
                depth,
                map.height,
                map.width,
            ]);
            sizes.extend(walked.into_iter().map(|n| n as u32));
            self.compiler.call(Call {
                shader: shaders::conv_weights_direct(kernel.size),
                sizes,
                output: &target.slot,
                inputs: &[fixed, seen],
                groups: lines(self.compiler.gpu, count),
                work: count * depth,
                turns: depth / 256 + 1,
            });
            return Ok(());
        }
        let [row_tiles, column_tiles] = [first.div_ceil(TILE[0]), columns.div_ceil(TILE[1])];
        let wanted = MANY_GROUPS.div_ceil(row_tiles * column_tiles * groups).min(MOST_PARTIAL / count.max(1));
        let part = depth.div_ceil(wanted.max(1)).clamp(PART[0], PART[1]).next_multiple_of(TILE[2]);
        let parts = depth.div_ceil(part);
        let scope = &self.compiler.graph.nodes[id].scope;
        let partial = self.compiler.arena.take(parts * count, scope)?;
        let mut sizes = words([
            count,
            grid.channels,
            map.channels,
            first,
            second,
            columns,
            row_tiles,
            grid.width,
            grid.positions(),
            depth,
            part,
            map.height,
            map.width,
        ]);
        sizes.extend(walked.into_iter().map(|n| n as u32));
        self.compiler.call(Call {
            shader: shaders::conv_weights_tiled(kernel.size),
            sizes,
            output: &partial,
            inputs: &[fixed, seen],
            groups: [column_tiles as u32, (row_tiles * groups) as u32, parts as u32],
            work: count * depth,
            // Of the product itself, and of bringing its parts.
            turns: 2 * part,
        });
        let values: (&Slot, Strides) = (&partial, [count, 0, 1]);
        let kept = Kept { images: false, channels: false, positions: true };
        self.compiler.sum(&Sum::new(Term::First, [parts, 1, count], [values; 3], kept), target);
        self.compiler.arena.give(partial);
        Ok(())
    }
}
