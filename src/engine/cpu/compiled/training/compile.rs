//! From a graph to the steps of a training pass.

use std::sync::Arc;

use super::super::direct::{Direct, Source, Window};
use super::super::memory::{Aligned, Arena, Constants, Map};
use super::super::norm::{Affine, Norm, NormStep, NormWork};
use super::super::outer::Outer;
use super::super::pieces::Pieces;
use super::super::pointwise::{Border, Load, MaxPool, Pair, Pairing, Repeat, Store, Unary};
use super::super::products::Product;
use super::super::run::{Stage, Step};
use super::super::target::{Finish, Target};
use super::super::winograd::{Share, Winograd};
use super::super::{Options, is_winograd};
use super::gradients::{ChannelSums, Gate, PoolGradient, RepeatGradient, Spread};
use super::kernel_step::{KernelBack, KernelStep};
use super::pack::{Pack, PackVector};
use super::places::{Places, backward_time, place, return_padding};
use super::tile_outer::TileOuter;
use super::units::{Kind, Unit, units};
use super::{Gradient, RunningStatistics, TrainingPlan, Wanted};
use crate::engine::cpu::of_op::parameter_count;
use crate::engine::cpu::simd::LANES;
use crate::graph::{Conv, ConvTranspose, Graph, GraphError, NodeId, Op, Parameter};

/// What makes a sum over a map's pixels their mean.
fn mean_of(map: &Map) -> f32 {
    1.0 / (map.size[0] * map.size[1]) as f32
}

/// When a unit runs forward.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// On the way to the results.
    First,
    /// For the way back of a unit.
    Again {
        /// That unit.
        before: usize,
    },
}

struct Compiler<'a> {
    graph: &'a Graph,
    options: &'a Options,
    units: Vec<Unit>,
    places: Places,
    arena: Arena,
    /// Which gradients hold something already.
    written: Vec<bool>,
    /// What becomes of every parameter's gradient.
    gradients: Vec<Gradient>,
    /// The norm of each unit that is one.
    norms: Vec<Option<Arc<Norm>>>,
    statistics: Vec<RunningStatistics>,
    stages: Vec<Stage>,
    batch: usize,
}

/// Compiles the training of a graph on inputs `[batch, channels, size]`; `None` where an operation has no kernel here.
///
/// # Errors
/// Where maps do not fit together for this size.
pub fn compile(
    graph: &Graph,
    batch: usize,
    size: [usize; 2],
    wanted: Wanted,
    options: &Options,
) -> Result<Option<TrainingPlan>, GraphError> {
    let (graph, copies) = with_own_parameters(graph);
    let graph = &graph;
    let sizes = graph.sizes(size)?;
    let Some(units) = units(graph, &sizes) else { return Ok(None) };
    // Every output is some unit's own value, once.
    let mut outputs = graph.outputs.clone();
    outputs.sort_unstable();
    outputs.dedup();
    if outputs.len() != graph.outputs.len() || outputs.contains(&0) {
        return Ok(None);
    }
    let mut arena = Arena::default();
    let places = place(graph, &units, &sizes, batch, wanted, &mut arena);
    let count = units.len();
    let mut compiler = Compiler {
        graph,
        options,
        written: vec![false; graph.nodes.len()],
        gradients: vec![Gradient::None; graph.parameters.len()],
        norms: vec![None; count],
        statistics: Vec::new(),
        units,
        places,
        arena,
        stages: Vec::new(),
        batch,
    };
    for u in 0..count {
        compiler.forward(u, Run::First);
    }
    let output_maps: Vec<Map> = graph.outputs.iter().filter_map(|&id| compiler.places.values[id]).collect();
    for (output, &map) in output_maps.iter().enumerate() {
        compiler.push(Step::Store(Store { map, output }), output + 1 == output_maps.len());
    }
    let forward = std::mem::take(&mut compiler.stages);
    let parameters = graph.parameters.len();
    for (k, &id) in graph.outputs.iter().enumerate() {
        let Some((map, _)) = compiler.contribute(id) else { continue };
        compiler.push(Step::Load(Load { input: parameters + 1 + k, map }), true);
    }
    for u in (0..count).rev() {
        for again in std::mem::take(&mut compiler.places.again[u]) {
            compiler.forward(again, Run::Again { before: u });
        }
        compiler.backward(u);
    }
    if let Some(map) = compiler.places.gradients[0].filter(|_| wanted.input_gradient && compiler.written[0]) {
        compiler.push(Step::Store(Store { map, output: parameters }), true);
    }
    let backward = std::mem::take(&mut compiler.stages);
    let maps = [&compiler.places.values, &compiler.places.values_back, &compiler.places.gradients];
    // What the kernels' safety rests on.
    assert!(
        maps.into_iter().flatten().flatten().all(|map| map.end() <= compiler.arena.len()),
        "a map lies outside its memory"
    );
    let own = |id: usize| copies.get(id.wrapping_sub(graph.parameters.len() - copies.len())).map_or(id, |&of| of);
    for statistics in &mut compiler.statistics {
        (statistics.mean, statistics.variance) = (own(statistics.mean), own(statistics.variance));
    }
    let tap = |(name, id): &(String, NodeId)| Some((name.clone(), compiler.places.values[*id]?));
    let input = compiler.places.values[0].map_or(0, |map| batch * map.channels * map.size[0] * map.size[1]);
    Ok(Some(TrainingPlan {
        forward,
        backward,
        floats: compiler.arena.len(),
        arena: None,
        outputs: output_maps,
        taps: graph.taps.iter().filter_map(tap).collect(),
        statistics: compiler.statistics,
        gradients: compiler.gradients.into_iter().zip(graph.parameters.iter().map(Parameter::len)).collect(),
        copies,
        input_len: input,
        wanted,
        options: *options,
    }))
}

/// The same graph with a parameter of its own for every operation, because each stores its gradient; and for each of the
/// parameters that are added at the end, which one it is a copy of.
fn with_own_parameters(graph: &Graph) -> (Graph, Vec<usize>) {
    let mut graph = graph.clone();
    let mut taken = vec![false; graph.parameters.len()];
    let mut copies = Vec::new();
    for node in &mut graph.nodes {
        for id in &mut node.parameters {
            if std::mem::replace(&mut taken[*id], true) {
                copies.push(*id);
                let copy = graph.parameters[*id].clone();
                *id = graph.parameters.len();
                graph.parameters.push(copy);
            }
        }
    }
    (graph, copies)
}

impl Compiler<'_> {
    fn push(&mut self, step: Step, barrier: bool) {
        self.stages.push(Stage { step, barrier });
    }

    /// Number of a unit's parameter among the inputs.
    fn parameter(&self, unit: &Unit, n: usize) -> Option<usize> {
        self.graph.nodes[unit.node].parameters.get(n).copied()
    }

    /// Where a run finds a result, and leaves its own.
    fn value(&self, id: NodeId, run: Run) -> Option<Map> {
        match run {
            Run::First => self.places.values[id],
            Run::Again { .. } => self.value_back(id),
        }
    }

    /// Where the way back finds a result.
    fn value_back(&self, id: NodeId) -> Option<Map> {
        self.places.values_back[id]
    }

    fn border(&mut self, map: Map) {
        if map.border > 0 {
            self.push(Step::Border(Border(map)), false);
        }
    }

    /// Where the next share of a value's gradient goes, and whether it is added; `None` where nobody wants it.
    fn contribute(&mut self, id: NodeId) -> Option<(Map, bool)> {
        let map = self.places.gradients[id]?;
        let add = std::mem::replace(&mut self.written[id], true);
        if !add {
            self.border(map);
        }
        Some((map, add))
    }

    /// A vector of an input, or zeros, padded to whole blocks.
    fn constant(&mut self, input: Option<usize>, blocks: usize, time: usize) -> Constants {
        let Some(input) = input else { return Constants::Fixed(Aligned::zeros(blocks * LANES)) };
        let len = blocks * LANES;
        let to = self.arena.place(len, time, time);
        self.push(Step::PackVector(PackVector { input: Some(input), to, len }), false);
        Constants::Placed(to)
    }

    fn forward(&mut self, u: usize, run: Run) {
        let unit = self.units[u].clone();
        let Some(y) = self.value(unit.value, run) else { return };
        let x = unit.inputs.first().and_then(|&id| self.value(id, run));
        let time = match run {
            Run::First => u,
            Run::Again { before } => backward_time(self.units.len(), before),
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
            self.push(Step::Load(Load { input: self.graph.parameters.len(), map: y }), true);
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
                self.push(Step::Norm(NormStep { norm, work: NormWork::Apply { y, pooled: None } }), true);
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
                let back = backward_time(self.units.len(), u);
                norm.partials = self.arena.place(norm.partial_len(), u, back);
                norm.records = self.arena.place(norm.record_len(), u, back);
                let first = if affine { 2 } else { 0 };
                if let (Some(momentum), Some(mean), Some(variance)) = (momentum, arrays(first), arrays(first + 1)) {
                    let channels = x.channels;
                    let records = norm.records;
                    self.statistics.push(RunningStatistics { mean, variance, momentum, records, channels });
                }
                let norm = Arc::new(norm);
                self.norms[u] = Some(norm.clone());
                let pools = |other: &&Unit| matches!(other.kind, Kind::MaxPool { with, .. } if with == Some(u));
                let pooled = self.units.iter().find(pools).map(|other| other.value).and_then(|id| self.value(id, run));
                if let Some(pooled) = pooled {
                    self.border(pooled);
                }
                for work in [NormWork::Moments, NormWork::Combine, NormWork::Apply { y, pooled }] {
                    self.push(Step::Norm(NormStep { norm: norm.clone(), work }), true);
                }
            }
            Kind::Activate(finish) => self.push(Step::Unary(Unary { x, y, finish }), true),
            Kind::Add(finish) => {
                let Some(b) = self.value(unit.inputs[1], run) else { return };
                self.push(Step::Pair(Pair { a: x, b, y, pairing: Pairing::Add, finish }), true);
            }
            Kind::AddChannels => {
                let Some(b) = self.value(unit.inputs[1], run) else { return };
                self.push(Step::Pair(Pair { a: x, b, y, pairing: Pairing::Add, finish: Finish::Plain }), true);
            }
            Kind::Multiply | Kind::WeightedPool => {
                let Some(b) = self.value(unit.inputs[1], run) else { return };
                self.push(Step::Product(Product { a: x, b: Some(b), to: y, scale: 1.0, add: false }), true);
            }
            Kind::GlobalMean => {
                self.push(Step::Product(Product { a: x, b: None, to: y, scale: mean_of(&x), add: false }), true);
            }
            Kind::MaxPool { pool, with: None } => self.push(Step::MaxPool(MaxPool { x, y, pool }), true),
            Kind::Repeat(times) => self.push(Step::Repeat(Repeat { x, y, times }), true),
            Kind::Kernel => {
                let step = self.kernel(&unit, y, run, None);
                self.push(step, true);
            }
            Kind::Concat => {
                for (part, slice) in self.parts(&unit, y) {
                    if let Some(x) = self.value(part, run).filter(|_| !self.lies_in(part, &slice)) {
                        self.push(Step::Unary(Unary { x, y: slice, finish: Finish::Plain }), true);
                    }
                }
            }
        }
    }

    /// An operation on dense arrays; the gradients' part is added for the way back.
    fn kernel(&self, unit: &Unit, y: Map, run: Run, back: Option<KernelBack>) -> Step {
        let node = &self.graph.nodes[unit.node];
        let parameters = node.parameters.iter().take(parameter_count(&node.op));
        let parameters = parameters.map(|&id| (id, self.graph.parameters[id].shape.clone())).collect();
        let inputs = unit.inputs.iter().filter_map(|&id| self.value(id, run)).collect();
        Step::Kernel(KernelStep { op: node.op.clone(), inputs, parameters, y, back })
    }

    /// Whether a value is written where a concatenation wants it.
    fn lies_in(&self, part: NodeId, slice: &Map) -> bool {
        self.places.value_inside[part] && self.places.values[part].is_some_and(|map| map.offset == slice.offset)
    }

    /// The parts of a concatenation and where they lie in it.
    fn parts(&self, unit: &Unit, whole: Map) -> Vec<(NodeId, Map)> {
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
    fn convolution(&mut self, conv: &Conv, x: Map, target: Target, weight: usize, flipped: bool, time: usize) {
        if !is_winograd(conv) {
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
        step.scratch = self.arena.place(step.scratch_len(self.options.threads), time, time);
        let shared = step.share == Share::Channels;
        let stage = self.stages.len() + 1 + usize::from(shared);
        self.push(Step::Pack(Pack { stage, input: weight, flipped }), !shared);
        if shared {
            self.push(Step::WinogradInputs(stage), true);
        }
        self.push(Step::Winograd(step), true);
    }

    fn direct(&mut self, mut step: Direct, weight: usize, time: usize) {
        step.weights = Constants::Placed(self.arena.place(step.weight_len(), time, time));
        let stage = self.stages.len() + 1;
        self.push(Step::Pack(Pack { stage, input: weight, flipped: false }), true);
        self.push(Step::Direct(step), true);
    }

    /// A unit's norm, with its input where the way back finds it.
    fn norm_of(&self, u: usize, x: Map) -> Option<Arc<Norm>> {
        let norm = self.norms[u].as_ref()?;
        Some(if norm.x == x { norm.clone() } else { Arc::new(Norm { x, ..Norm::clone(norm) }) })
    }

    fn backward(&mut self, u: usize) {
        let unit = self.units[u].clone();
        // What nobody's gradient depends on has none.
        if !self.written[unit.value] {
            return;
        }
        let time = backward_time(self.units.len(), u);
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
                    self.push(Step::Norm(NormStep { norm: norm.clone(), work }), true);
                }
                if let Some((to, add)) = target {
                    self.push(Step::Norm(NormStep { norm, work: NormWork::Gradient { g, to, add } }), true);
                }
            }
            Kind::Activate(finish) => {
                if let Some((to, add)) = self.contribute(input) {
                    self.push(Step::Gate(Gate { g, y, to, add, finish }), true);
                }
            }
            Kind::Add(finish) => {
                for &input in &unit.inputs {
                    if let Some((to, add)) = self.contribute(input) {
                        self.push(Step::Gate(Gate { g, y, to, add, finish }), true);
                    }
                }
            }
            Kind::AddChannels => {
                if let Some((to, add)) = self.contribute(input) {
                    self.push(Step::Gate(Gate { g, y, to, add, finish: Finish::Plain }), true);
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
                    self.push(Step::PoolGradient(PoolGradient { x, y, g, to, pool, add }), true);
                }
            }
            Kind::Repeat(times) => {
                if let Some((to, add)) = self.contribute(input) {
                    self.push(Step::RepeatGradient(RepeatGradient { g, to, times, add }), true);
                }
            }
            Kind::Kernel => {
                // A cut looks only at the size of its second input.
                let count = if self.graph.nodes[unit.node].op == Op::CropLike { 1 } else { unit.inputs.len() };
                let mut to = Vec::with_capacity(unit.inputs.len());
                for (n, &input) in unit.inputs.iter().enumerate() {
                    to.push(if n < count { self.contribute(input) } else { None });
                }
                let step = self.kernel(&unit, y, Run::Again { before: u }, Some(KernelBack { g, to }));
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
                        let step = if add {
                            let finish = Finish::Plain;
                            Step::Pair(Pair { a: to, b: slice, y: to, pairing: Pairing::Add, finish })
                        } else {
                            Step::Unary(Unary { x: slice, y: to, finish: Finish::Plain })
                        };
                        self.push(step, true);
                    }
                }
            }
        }
    }

    /// A product as a value's gradient.
    fn return_product(&mut self, id: NodeId, g: Map, other: Option<Map>, scale: f32) {
        if let Some((to, add)) = self.contribute(id) {
            self.push(Step::Product(Product { a: g, b: other, to, scale, add }), true);
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
        if is_winograd(conv) {
            let mut step = TileOuter::new(x, g, conv.padding, weight, self.options);
            step.scratch = self.arena.place(step.scratch_len(), time, time);
            step.sums = self.arena.place(step.sums_len(), time, time);
            let (split, number) = (step.is_split(), self.stages.len());
            self.push(Step::TileOuter(step), split);
            if split {
                self.push(Step::TileOuterSums(number), false);
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
                self.push(Step::ChannelSums(ChannelSums { g, output: bias }), false);
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
        self.push(Step::Spread(Spread { from: g, to: map, stride: conv.stride }), true);
        map
    }

    fn outer(&mut self, x: Map, dy: Map, window: Window, output: usize, time: usize) {
        let mut step = Outer::new(x, dy, window);
        step.sums = self.arena.place(step.len() * step.copies(self.options.threads), time, time);
        step.output = Some(output);
        let number = self.stages.len();
        self.push(Step::Outer(step), true);
        self.push(Step::OuterSums(number), false);
    }

    /// The gradients of a transposed convolution.
    fn return_scatter(&mut self, unit: &Unit, conv: &ConvTranspose, x: Map, g: Map, time: usize) {
        let Some(weight) = self.parameter(unit, 0) else { return };
        self.gradients[weight] = Gradient::Stored;
        let window = Window { kernel: conv.kernel, stride: conv.kernel, padding: [0, 0], dilation: [1, 1] };
        self.outer(g, x, window, weight, time);
        if let Some(bias) = self.parameter(unit, 1) {
            self.gradients[bias] = Gradient::Stored;
            self.push(Step::ChannelSums(ChannelSums { g, output: bias }), false);
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
