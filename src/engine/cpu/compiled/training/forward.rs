//! The steps of a unit on its way to the results, and again where those were not kept.

use std::sync::Arc;

use super::super::direct::{Direct, Source, Window};
use super::super::memory::{Constants, Map};
use super::super::norm::{Affine, Norm, NormStep, NormWork};
use super::super::pieces::Pieces;
use super::super::pointwise::{Load, MaxPool, Pair, Pairing, Repeat, Unary};
use super::super::products::Product;
use super::super::target::{Finish, Target};
use super::super::winograd::{Share, Winograd};
use super::compile::{Compiler, Run, mean_of};
use super::kernel_step::{KernelBack, KernelStep};
use super::pack::{PackDirect, PackWinograd};
use super::plan::RunningStatistics;
use super::units::{Kind, Unit};
use crate::engine::cpu::kernels::parameter_count;
use crate::engine::cpu::simd::LANES;
use crate::graph::{Conv, NodeId};

impl Compiler<'_> {
    pub(super) fn forward(&mut self, u: usize, run: Run) {
        let unit = self.units[u].clone();
        let Some(y) = self.value(unit.value, run) else { return };
        let x = unit.inputs.first().and_then(|&id| self.value(id, run));
        let time = match run {
            Run::First => u,
            Run::Again { time } => time,
        };
        // The parts of a concatenation have seen to its border, if all of them lie in it.
        let has_border = match unit.kind {
            Kind::MaxPool { with: Some(_), .. } => true,
            Kind::Concat => self.parts(&unit, y).iter().all(|(part, slice)| self.lies_in(*part, slice)),
            _ => false,
        };
        if !has_border {
            self.border(y);
        }
        if unit.kind == Kind::Input {
            self.push(Load { input: self.graph.parameters.len(), map: y }, true);
        }
        let Some(x) = x else { return };
        match unit.kind {
            Kind::Input | Kind::MaxPool { with: Some(_), .. } => {}
            Kind::Conv(conv) => {
                let bias = self.constant(self.parameter(&unit, 1), y.blocks(), time);
                let target = Target { y, pooled: None, add: None, bias, finish: Finish::Plain };
                let Some(weight) = self.parameter(&unit, 0) else { return };
                self.convolution(&conv, x, target, weight, false, time);
            }
            Kind::Scatter(conv) => {
                let bias = self.constant(self.parameter(&unit, 1), y.blocks(), time);
                let target = Target { y, pooled: None, add: None, bias, finish: Finish::Plain };
                let Some(weight) = self.parameter(&unit, 0) else { return };
                let (kernel, options) = (conv.kernel, self.options);
                let step = Direct::new(x, target, Window::POINT, kernel, x.size, Source::Scattered, options);
                self.direct(step, weight, time);
            }
            Kind::Norm { .. } if run != Run::First => {
                let Some(norm) = self.norm_of(u, x) else { return };
                self.push(NormStep { norm, work: NormWork::Apply { y, pooled: None } }, true);
            }
            Kind::Norm { together, eps, affine, finish, momentum } => {
                let parameters = self.graph.nodes[unit.node].parameters.clone();
                let arrays = |n: usize| parameters.get(n).copied();
                let affine_arrays = match (affine, arrays(0), arrays(1)) {
                    (true, Some(scale), Some(shift)) => Affine::Inputs([scale, shift]),
                    _ => Affine::None,
                };
                let pieces = Pieces::new(&x);
                let mut norm =
                    Norm { x, together, eps, affine: affine_arrays, finish, pieces, partials: 0, records: 0 };
                let back = self.schedule.back[u];
                norm.partials = self.arena.place(norm.partial_len(), u, back);
                norm.records = self.arena.place(norm.record_len(), u, back);
                let first = if affine { 2 } else { 0 };
                if let (Some(momentum), Some(mean), Some(variance)) = (momentum, arrays(first), arrays(first + 1)) {
                    let channels = x.channels;
                    let records = norm.records;
                    self.statistics.push(RunningStatistics {
                        parameters: [mean, variance],
                        momentum,
                        records,
                        channels,
                    });
                }
                let norm = Arc::new(norm);
                self.norms[u] = Some(norm.clone());
                let pools = |other: &&Unit| matches!(other.kind, Kind::MaxPool { with, .. } if with == Some(u));
                let pooled = self.units.iter().find(pools).map(|other| other.value).and_then(|id| self.value(id, run));
                if let Some(pooled) = pooled {
                    self.border(pooled);
                }
                for work in [NormWork::Moments, NormWork::Combine, NormWork::Apply { y, pooled }] {
                    self.push(NormStep { norm: norm.clone(), work }, true);
                }
            }
            Kind::Activate(finish) => self.push(Unary { x, y, finish }, true),
            Kind::Add(finish) => {
                let Some(b) = self.value(unit.inputs[1], run) else { return };
                self.push(Pair { a: x, b, y, pairing: Pairing::Add, finish }, true);
            }
            Kind::AddChannels => {
                let Some(b) = self.value(unit.inputs[1], run) else { return };
                self.push(Pair { a: x, b, y, pairing: Pairing::Add, finish: Finish::Plain }, true);
            }
            Kind::Multiply | Kind::WeightedPool => {
                let Some(b) = self.value(unit.inputs[1], run) else { return };
                self.push(Product { a: x, b: Some(b), to: y, scale: 1.0, add: false }, true);
            }
            Kind::GlobalMean => {
                self.push(Product { a: x, b: None, to: y, scale: mean_of(&x), add: false }, true);
            }
            Kind::MaxPool { pool, with: None } => self.push(MaxPool { x, y, pool }, true),
            Kind::Repeat(times) => self.push(Repeat { x, y, times }, true),
            Kind::Kernel => {
                let step = self.kernel(&unit, y, run, None);
                self.push(step, true);
            }
            Kind::Concat => {
                for (part, slice) in self.parts(&unit, y) {
                    if let Some(x) = self.value(part, run).filter(|_| !self.lies_in(part, &slice)) {
                        self.push(Unary { x, y: slice, finish: Finish::Plain }, true);
                    }
                }
            }
        }
    }

    /// An operation on dense arrays; the gradients' part is added for the way back.
    pub(super) fn kernel(&self, unit: &Unit, y: Map, run: Run, back: Option<KernelBack>) -> KernelStep {
        let node = &self.graph.nodes[unit.node];
        let parameters = node.parameters.iter().take(parameter_count(&node.op));
        let parameters = parameters.map(|&id| (id, self.graph.parameters[id].shape.clone())).collect();
        let inputs = unit.inputs.iter().filter_map(|&id| self.value(id, run)).collect();
        KernelStep { op: node.op.clone(), inputs, parameters, y, back }
    }

    /// Whether a value is written where a concatenation wants it.
    fn lies_in(&self, part: NodeId, slice: &Map) -> bool {
        self.places.value_inside[part] && self.places.values[part].is_some_and(|map| map.offset == slice.offset)
    }

    /// The parts of a concatenation and where they lie in it.
    pub(super) fn parts(&self, unit: &Unit, whole: Map) -> Vec<(NodeId, Map)> {
        let mut start = 0;
        let mut parts = Vec::new();
        for &part in &unit.inputs {
            let channels = self.graph.nodes[part].size.channels;
            let offset = whole.offset + start / LANES * whole.plane();
            parts.push((part, Map { offset, channels, ..whole }));
            start += channels;
        }
        parts
    }

    /// Appends a convolution of stride and window as given, with weights packed right before.
    pub(super) fn convolution(
        &mut self,
        conv: &Conv,
        x: Map,
        target: Target,
        weight: usize,
        flipped: bool,
        time: usize,
    ) {
        if !Winograd::takes(conv) {
            let Conv { kernel, stride, padding, dilation, .. } = *conv;
            let window = Window { kernel, stride, padding, dilation };
            let source = if flipped { Source::Flipped } else { Source::Convolution };
            let positions = target.y.size;
            let step = Direct::new(x, target, window, [1, 1], positions, source, self.options);
            self.direct(step, weight, time);
            return;
        }
        let mut step = Winograd::new(x, target, conv.padding, self.options);
        step.weights = Constants::Placed(self.arena.place(step.weight_len(), time, time));
        let (threads, own) = (self.options.threads, step.own_len());
        let start = self.arena.place(step.scratch_len(threads, own), time, time);
        step.place_scratch(start, threads, own);
        let shared = step.share == Share::Channels;
        let step = Arc::new(step);
        self.push(PackWinograd { of: step.clone(), input: weight, flipped }, !shared);
        self.stages.extend(Winograd::stages(&step));
    }

    pub(super) fn direct(&mut self, mut step: Direct, weight: usize, time: usize) {
        step.weights = Constants::Placed(self.arena.place(step.weight_len(), time, time));
        let step = Arc::new(step);
        self.push(PackDirect { of: step.clone(), input: weight }, true);
        self.push(step, true);
    }

    /// A unit's norm, with its input where the way back finds it.
    pub(super) fn norm_of(&self, u: usize, x: Map) -> Option<Arc<Norm>> {
        let norm = self.norms[u].as_ref()?;
        Some(if norm.x == x { norm.clone() } else { Arc::new(Norm { x, ..Norm::clone(norm) }) })
    }
}
