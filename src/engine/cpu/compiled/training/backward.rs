//! The steps of a unit's way back.

use std::sync::Arc;

use super::super::direct::{Direct, Source, Window};
use super::super::memory::Map;
use super::super::norm::{Affine, NormStep, NormWork};
use super::super::pointwise::{Pair, Pairing, Unary};
use super::super::products::Product;
use super::super::target::{Finish, Target};
use super::super::weight_gradient::{WeightGradient, WeightGradientSums};
use super::super::winograd::Winograd;
use super::compile::{Compiler, Run, mean_of};
use super::gradients::{ActivationGradient, ChannelSums, PoolGradient, RepeatGradient, Spread};
use super::kernel_step::KernelBack;
use super::places::return_padding;
use super::plan::Gradient;
use super::tile_weight_gradient::{TileWeightGradient, TileWeightGradientSums};
use super::units::{Kind, Unit};
use crate::engine::cpu::kernels::parameter_count;
use crate::engine::cpu::simd::LANES;
use crate::graph::{Conv, ConvTranspose, NodeId, Op};

impl Compiler<'_> {
    /// Where the next share of a value's gradient goes, and whether it is added; `None` where nobody wants it.
    pub(super) fn contribute(&mut self, id: NodeId) -> Option<(Map, bool)> {
        let map = self.places.gradients[id]?;
        let add = std::mem::replace(&mut self.written[id], true);
        if !add {
            self.border(map);
        }
        Some((map, add))
    }

    pub(super) fn backward(&mut self, u: usize) {
        let unit = self.units[u].clone();
        // What nobody's gradient depends on has none.
        if !self.written[unit.value] {
            return;
        }
        let time = self.schedule.back[u];
        let (Some(y), Some(g)) = (self.value_back(unit.value), self.places.gradients[unit.value]) else { return };
        let Some(&input) = unit.inputs.first() else { return };
        let Some(x) = self.value_back(input) else { return };
        match unit.kind {
            Kind::Input => {}
            Kind::Conv(conv) => self.return_convolution(&unit, &conv, x, g, time),
            Kind::Scatter(conv) => self.return_scatter(&unit, &conv, x, g, time),
            Kind::Norm { .. } => {
                let Some(norm) = self.norm_of(u, x) else { return };
                let outputs = match norm.affine {
                    Affine::Inputs(arrays) => Some(arrays),
                    _ => None,
                };
                outputs.into_iter().flatten().for_each(|parameter| self.gradients[parameter] = Gradient::Stored);
                let in_place = self.places.gradient_inside[input] && self.places.gradients[input] == Some(g);
                let target = if in_place {
                    self.written[input] = true;
                    Some((g, false))
                } else {
                    self.contribute(input)
                };
                for work in [NormWork::Sums { g }, NormWork::CombineSums { outputs }] {
                    self.push(NormStep { norm: norm.clone(), work }, true);
                }
                if let Some((to, add)) = target {
                    self.push(NormStep { norm, work: NormWork::Gradient { g, to, add } }, true);
                }
            }
            Kind::Activate(finish) => {
                if let Some((to, add)) = self.contribute(input) {
                    self.push(ActivationGradient { g, y, to, add, finish }, true);
                }
            }
            Kind::Add(finish) => {
                for &input in &unit.inputs {
                    if let Some((to, add)) = self.contribute(input) {
                        self.push(ActivationGradient { g, y, to, add, finish }, true);
                    }
                }
            }
            Kind::AddChannels => {
                if let Some((to, add)) = self.contribute(input) {
                    self.push(ActivationGradient { g, y, to, add, finish: Finish::Plain }, true);
                }
                self.return_product(unit.inputs[1], g, None, 1.0);
            }
            Kind::Multiply | Kind::WeightedPool => {
                let other = unit.inputs[1];
                self.return_product(input, g, self.value_back(other), 1.0);
                self.return_product(other, g, Some(x), 1.0);
            }
            Kind::GlobalMean => self.return_product(input, g, None, mean_of(&x)),
            Kind::MaxPool { pool, .. } => {
                if let Some((to, add)) = self.contribute(input) {
                    self.push(PoolGradient { x, y, g, to, pool, add }, true);
                }
            }
            Kind::Repeat(times) => {
                if let Some((to, add)) = self.contribute(input) {
                    self.push(RepeatGradient { g, to, times, add }, true);
                }
            }
            Kind::Kernel => {
                // A cut looks only at the size of its second input.
                let count = if matches!(self.graph.nodes[unit.node].op, Op::CropLike | Op::SpreadLike) {
                    1
                } else {
                    unit.inputs.len()
                };
                let mut to = Vec::with_capacity(unit.inputs.len());
                for (n, &input) in unit.inputs.iter().enumerate() {
                    to.push(if n < count { self.contribute(input) } else { None });
                }
                let step = self.kernel(&unit, y, Run::Again { time }, Some(KernelBack { g, to }));
                for &parameter in
                    self.graph.nodes[unit.node].parameters.iter().take(parameter_count(&self.graph.nodes[unit.node].op))
                {
                    self.gradients[parameter] = Gradient::Stored;
                }
                self.push(step, true);
            }
            Kind::Concat => {
                for (part, slice) in self.parts(&unit, g) {
                    let inside = self.places.gradient_inside[part]
                        && self.places.gradients[part].is_some_and(|map| map.offset == slice.offset);
                    if inside {
                        self.written[part] = true;
                    } else if let Some((to, add)) = self.contribute(part) {
                        let finish = Finish::Plain;
                        if add {
                            self.push(Pair { a: to, b: slice, y: to, pairing: Pairing::Add, finish }, true);
                        } else {
                            self.push(Unary { x: slice, y: to, finish }, true);
                        }
                    }
                }
            }
        }
    }

    /// A product as a value's gradient.
    fn return_product(&mut self, id: NodeId, g: Map, other: Option<Map>, scale: f32) {
        if let Some((to, add)) = self.contribute(id) {
            self.push(Product { a: g, b: other, to, scale, add }, true);
        }
    }

    /// Whether a value's only reader is a norm, which takes out any constant.
    fn is_only_normed(&self, id: NodeId) -> bool {
        let mut readers = self.units.iter().filter(|other| other.inputs.contains(&id));
        let normed = readers.next().is_some_and(|unit| matches!(unit.kind, Kind::Norm { .. }));
        normed && readers.next().is_none() && !self.graph.outputs.contains(&id)
    }

    /// The gradients of a convolution's weights, bias and input.
    fn return_convolution(&mut self, unit: &Unit, conv: &Conv, x: Map, g: Map, time: usize) {
        let Some(weight) = self.parameter(unit, 0) else { return };
        self.gradients[weight] = Gradient::Stored;
        if Winograd::takes(conv) {
            let mut step = TileWeightGradient::new(x, g, conv.padding, weight, self.options);
            step.scratch = self.arena.place(step.scratch_len(), time, time);
            step.sums = self.arena.place(step.sums_len(), time, time);
            let (split, step) = (step.is_split(), Arc::new(step));
            self.push(step.clone(), split);
            if split {
                self.push(TileWeightGradientSums(step), false);
            }
        } else {
            let Conv { kernel, stride, padding, dilation, .. } = *conv;
            self.outer(x, g, Window { kernel, stride, padding, dilation }, weight, time);
        }
        match self.parameter(unit, 1) {
            // A norm takes out whatever a bias adds.
            Some(bias) if self.is_only_normed(unit.value) => self.gradients[bias] = Gradient::Zero,
            Some(bias) => {
                self.gradients[bias] = Gradient::Stored;
                self.push(ChannelSums { g, output: bias }, false);
            }
            None => {}
        }
        let input = unit.inputs[0];
        if let Some((to, add)) = self.contribute(input) {
            let padding = return_padding(&unit.kind);
            let back =
                Conv { inputs: conv.outputs, outputs: conv.inputs, stride: [1, 1], padding, bias: false, ..*conv };
            let from = if conv.stride == [1, 1] { g } else { self.spread(conv, x, g, padding, time) };
            let bias = self.constant(None, to.blocks(), time);
            let target = Target { y: to, pooled: None, add: add.then_some(to), bias, finish: Finish::Plain };
            self.convolution(&back, from, target, weight, true, time);
        } else if let Some(stage) = self.stages.last_mut() {
            stage.barrier = true;
        }
    }

    /// A strided convolution's gradient with zeros between, of the size that stride 1 would give.
    fn spread(&mut self, conv: &Conv, x: Map, g: Map, padding: [usize; 2], time: usize) -> Map {
        let size = [0, 1].map(|axis| {
            let reach = conv.dilation[axis] * (conv.kernel[axis] - 1);
            x.size[axis] + 2 * conv.padding[axis] - reach
        });
        let border = padding[0].max(padding[1]);
        let mut map = Map { offset: 0, batch: self.batch, channels: g.channels, lanes: LANES, size, border, image: 0 };
        map.image = map.own_len();
        map.offset = self.arena.place(map.image * self.batch, time, time);
        self.border(map);
        self.push(Spread { from: g, to: map, stride: conv.stride }, true);
        map
    }

    fn outer(&mut self, x: Map, dy: Map, window: Window, output: usize, time: usize) {
        let mut step = WeightGradient::new(x, dy, window);
        step.sums = self.arena.place(step.len() * step.copies(self.options.threads), time, time);
        let of = Arc::new(step);
        self.push(of.clone(), true);
        self.push(WeightGradientSums { of, output }, false);
    }

    /// The gradients of a transposed convolution.
    fn return_scatter(&mut self, unit: &Unit, conv: &ConvTranspose, x: Map, g: Map, time: usize) {
        let Some(weight) = self.parameter(unit, 0) else { return };
        self.gradients[weight] = Gradient::Stored;
        let window = Window { kernel: conv.kernel, stride: conv.kernel, padding: [0, 0], dilation: [1, 1] };
        self.outer(g, x, window, weight, time);
        if let Some(bias) = self.parameter(unit, 1) {
            self.gradients[bias] = Gradient::Stored;
            self.push(ChannelSums { g, output: bias }, false);
        }
        if let Some((to, add)) = self.contribute(unit.inputs[0]) {
            let bias = self.constant(None, to.blocks(), time);
            let target = Target { y: to, pooled: None, add: add.then_some(to), bias, finish: Finish::Plain };
            let step = Direct::new(g, target, window, [1, 1], to.size, Source::Convolution, self.options);
            self.direct(step, weight, time);
        } else if let Some(stage) = self.stages.last_mut() {
            stage.barrier = true;
        }
    }
}
