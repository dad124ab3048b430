//! From a graph and weights to a plan for one input size.

use std::sync::Arc;

use super::super::simd::LANES;
use super::dense::Dense;
use super::direct::Direct;
use super::draft::Draft;
use super::function::Function;
use super::fuse::{Fused, FusedGraph, as_finish, fuse, with_known_slopes};
use super::head::Head;
use super::memory::{Aligned, Arena, Constants, Map};
use super::norm::{Affine, Norm, NormStep, NormWork};
use super::options::Options;
use super::pieces::Pieces;
use super::plan::Plan;
use super::pointwise::{Border, Load, MaxPool, Pair, Pairing, Repeat, ScaleShift, Store, Unary};
use super::products::Product;
use super::step::Step;
use super::target::{Finish, Target};
use super::winograd::Winograd;
use crate::graph::{Conv, ConvTranspose, Graph, GraphError, NodeId, Normalisation, Op, UpsampleMode, UpsampleTo};
use crate::work::memory::ensure;

/// Parameters in the graph's order.
pub type Parameters<'a> = &'a [&'a [f32]];

/// A value's place: when it is written and read last, and in whose memory it lies.
#[derive(Clone)]
struct Place {
    channels: usize,
    lanes: usize,
    size: [usize; 2],
    border: usize,
    /// Operations that write it first and read it last.
    first: usize,
    last: usize,
    /// The concatenation it is part of, and the blocks before it there.
    part_of: Option<(NodeId, usize)>,
    /// The output that it is written to at once, so that it has no memory here.
    given_back: Option<usize>,
}

struct Compiler<'a> {
    graph: &'a Graph,
    parameters: Parameters<'a>,
    options: &'a Options,
    batch: usize,
    fused: FusedGraph,
    places: Vec<Option<Place>>,
    maps: Vec<Option<Map>>,
    draft: Draft,
    arena: Arena,
    /// The operation that is compiled.
    now: usize,
}

/// Compiles a plan for inputs `[batch, channels, size]`.
///
/// # Errors
/// Where maps do not fit together for this size.
pub fn compile(
    graph: &Graph,
    parameters: Parameters,
    batch: usize,
    size: [usize; 2],
    options: &Options,
) -> Result<Plan, GraphError> {
    let sizes = graph.sizes(size)?;
    let graph = &with_known_slopes(graph, parameters);
    let by_winograd = |id: NodeId| match &graph.nodes[id].op {
        Op::Conv2d(conv) => Winograd::takes(conv),
        _ => false,
    };
    let fused = fuse(graph, by_winograd);
    let mut compiler = Compiler {
        graph,
        parameters,
        options,
        batch,
        places: vec![None; graph.nodes.len()],
        maps: vec![None; graph.nodes.len()],
        draft: Draft::default(),
        arena: Arena::default(),
        now: 0,
        fused,
    };
    compiler.find_places(&sizes);
    compiler.place_maps();
    // What the kernels' safety rests on.
    assert!(
        compiler.maps.iter().flatten().all(|map| map.end() <= compiler.arena.len()),
        "a map lies outside its memory"
    );
    let operations = std::mem::take(&mut compiler.fused.operations);
    for (now, operation) in operations.iter().enumerate() {
        compiler.now = now;
        compiler.emit(operation);
    }
    compiler.fused.operations = operations;
    for (output, &id) in graph.outputs.iter().enumerate() {
        if let Some(map) = compiler.map(id) {
            compiler.push(Store { map, output }, false);
        }
    }
    compiler.draft.wait();
    let shape = |&id: &NodeId| {
        let id = compiler.source(id);
        [batch, graph.nodes[id].size.channels, sizes[id][0], sizes[id][1]]
    };
    let outputs = graph.outputs.iter().map(shape).collect();
    let weight_bytes = compiler.draft.weight_bytes;
    let (stages, floats) = compiler.draft.finish(compiler.arena.len(), options);
    ensure::<f32>(floats)?;
    Ok(Plan {
        stages,
        outputs,
        input_len: batch * graph.input_channels() * size[0] * size[1],
        arena: Aligned::zeros(floats),
        options: *options,
        weight_bytes,
    })
}

impl Compiler<'_> {
    fn source(&self, id: NodeId) -> NodeId {
        self.fused.alias[id]
    }

    /// Nodes whose values an operation reads.
    fn reads(&self, operation: &Fused) -> Vec<NodeId> {
        let own = self.graph.nodes[operation.node].inputs.iter().copied();
        own.chain(operation.add).map(|id| self.source(id)).collect()
    }

    fn find_places(&mut self, sizes: &[[usize; 2]]) {
        let count = self.fused.operations.len();
        for n in 0..count {
            let operation = &self.fused.operations[n];
            for id in [Some(operation.value), operation.pooled].into_iter().flatten() {
                self.places[id] = Some(Place {
                    channels: self.graph.nodes[id].size.channels,
                    lanes: LANES,
                    size: sizes[id],
                    border: 0,
                    first: n,
                    last: n,
                    part_of: None,
                    given_back: None,
                });
            }
        }
        for n in 0..count {
            let operation = &self.fused.operations[n];
            let border = match &self.graph.nodes[operation.node].op {
                Op::Conv2d(conv) if conv.groups == 1 => conv.padding[0].max(conv.padding[1]),
                _ => 0,
            };
            let first_input = self.graph.nodes[operation.node].inputs.first().map(|&id| self.source(id));
            for id in self.reads(operation) {
                if let Some(place) = &mut self.places[id] {
                    place.last = n;
                    if Some(id) == first_input {
                        place.border = place.border.max(border);
                    }
                }
            }
        }
        for &id in &self.graph.outputs {
            if let Some(place) = &mut self.places[self.fused.alias[id]] {
                place.last = count;
            }
        }
        self.join_concatenations();
        self.flatten_input();
        self.find_heads();
    }

    /// Lets the parts of a concatenation be written where they are wanted.
    fn join_concatenations(&mut self) {
        for n in 0..self.fused.operations.len() {
            let (node, value) = (self.fused.operations[n].node, self.fused.operations[n].value);
            if self.graph.nodes[node].op != Op::Concat {
                continue;
            }
            let parts: Vec<NodeId> = self.graph.nodes[node].inputs.iter().map(|&id| self.source(id)).collect();
            let mut channels = 0;
            for &part in &parts {
                let is_free = self.places[part].as_ref().is_some_and(|p| p.part_of.is_none())
                    && self.graph.nodes[part].op != Op::Input
                    && parts.iter().filter(|&&p| p == part).count() == 1
                    && self.graph.nodes[part].op != Op::Concat;
                if is_free && channels % LANES == 0 {
                    self.adopt(part, value, channels / LANES);
                }
                channels += self.graph.nodes[part].size.channels;
            }
        }
    }

    fn adopt(&mut self, part: NodeId, whole: NodeId, block: usize) {
        let Some(child) = self.places[part].clone() else { return };
        // A part whose last block is not full would write over the next part's first channels.
        let is_last = self.places[whole].as_ref().is_some_and(|w| block * LANES + child.channels == w.channels);
        if !child.channels.is_multiple_of(LANES) && !is_last {
            return;
        }
        let Some(parent) = &mut self.places[whole] else { return };
        parent.border = parent.border.max(child.border);
        parent.first = parent.first.min(child.first);
        parent.last = parent.last.max(child.last);
        if let Some(child) = &mut self.places[part] {
            child.part_of = Some((whole, block));
        }
    }

    /// An image of a few channels stays in planes of single channels where only direct convolutions read it.
    fn flatten_input(&mut self) {
        let direct = |compiler: &Self, n: &Fused| match &compiler.graph.nodes[n.node].op {
            Op::Conv2d(conv) => conv.groups == 1 && !Winograd::takes(conv) && n.add.is_none(),
            _ => false,
        };
        let readers: Vec<&Fused> = self.fused.operations.iter().filter(|n| self.reads(n).contains(&0)).collect();
        let flat = self.graph.input_channels() < LANES
            && !self.graph.outputs.iter().any(|&id| self.source(id) == 0)
            && readers.iter().all(|n| direct(self, n));
        if flat && let Some(place) = &mut self.places[0] {
            place.lanes = 1;
        }
    }

    /// The last 1x1 convolutions of a few classes write what is given back.
    fn find_heads(&mut self) {
        for n in 0..self.fused.operations.len() {
            let operation = &self.fused.operations[n];
            let value = operation.value;
            let Op::Conv2d(conv) = &self.graph.nodes[operation.node].op else { continue };
            let is_plain = operation.add.is_none() && operation.pooled.is_none() && operation.finish == Finish::Plain;
            let mut outputs = (0..self.graph.outputs.len()).filter(|&n| self.source(self.graph.outputs[n]) == value);
            let (Some(output), None) = (outputs.next(), outputs.next()) else { continue };
            let is_read = self.fused.operations.iter().any(|other| self.reads(other).contains(&value));
            let input = self.source(self.graph.nodes[operation.node].inputs[0]);
            let in_blocks = self.places[input].as_ref().is_some_and(|place| place.lanes == LANES);
            if let Some(place) = &mut self.places[value]
                && is_plain
                && !is_read
                && in_blocks
                && Head::takes(conv, place.size[1])
            {
                place.given_back = Some(output);
            }
        }
    }

    fn place_maps(&mut self) {
        // Wholes first, so that parts find them.
        for pass in 0..2 {
            for id in 0..self.places.len() {
                let Some(place) = self.places[id].as_ref().filter(|place| place.given_back.is_none()) else { continue };
                let mut map = Map {
                    offset: 0,
                    batch: self.batch,
                    channels: place.channels,
                    lanes: place.lanes,
                    size: place.size,
                    border: place.border,
                    image: 0,
                };
                match place.part_of {
                    None if pass == 0 => {
                        map.image = map.own_len();
                        map.offset = self.arena.place(map.image * self.batch, place.first, place.last);
                    }
                    Some((whole, block)) if pass == 1 => {
                        let Some(whole) = self.maps[whole] else { continue };
                        map.border = whole.border;
                        map.image = whole.image;
                        map.offset = whole.offset + block * whole.plane();
                    }
                    _ => continue,
                }
                self.maps[id] = Some(map);
            }
        }
    }

    /// The map of a node's value; every node that an operation reads or writes has one.
    fn map(&self, id: NodeId) -> Option<Map> {
        self.maps[self.source(id)]
    }

    fn push(&mut self, step: impl Step + 'static, barrier: bool) {
        self.draft.push(step, barrier);
    }

    fn emit(&mut self, operation: &Fused) {
        for id in [Some(operation.value), operation.pooled].into_iter().flatten() {
            if let Some(map) = self.maps[id].filter(|map| map.border > 0) {
                self.push(Border(map), false);
            }
        }
        if let Some(output) = self.places[operation.value].as_ref().and_then(|place| place.given_back) {
            self.emit_head(operation, output);
            return;
        }
        let Some(y) = self.map(operation.value) else { return };
        let node = &self.graph.nodes[operation.node];
        let x = node.inputs.first().and_then(|&id| self.map(id));
        let Some(x) = x else {
            self.push(Load { input: 0, map: y }, true);
            return;
        };
        match &node.op {
            Op::Conv2d(conv) if conv.groups == 1 => self.emit_conv(operation, conv, x, y),
            Op::ConvTranspose2d(conv) if Direct::scatters(conv) => self.emit_scatter(operation, conv, x, y),
            Op::MaxPool2d(pool) => self.push(MaxPool { x, y, pool: *pool }, true),
            Op::Norm { kind: Normalisation::Batch { .. }, .. } => {
                let (scale, shift) = self.fold(operation.node);
                let step = ScaleShift {
                    x,
                    y,
                    scale: Aligned::padded(&scale),
                    shift: Aligned::padded(&shift),
                    finish: operation.finish,
                };
                self.push(step, true);
            }
            Op::Norm { kind: Normalisation::Instance, eps, affine, .. } => {
                let parameter = |n: usize| node.parameters.get(n).map(|&id| self.parameters[id].to_vec());
                let affine = match (parameter(0), parameter(1)) {
                    (Some(scale), Some(shift)) if *affine => Affine::Fixed([scale, shift]),
                    _ => Affine::None,
                };
                let (finish, pieces) = (operation.finish, Pieces::new(&x));
                let mut norm = Norm { x, together: false, eps: *eps, affine, finish, pieces, partials: 0, records: 0 };
                norm.partials = self.arena.place(norm.partial_len(), self.now, self.now);
                norm.records = self.arena.place(norm.record_len(), self.now, self.now);
                let norm = Arc::new(norm);
                for work in [NormWork::Moments, NormWork::Combine, NormWork::Apply { y, pooled: None }] {
                    self.push(NormStep { norm: norm.clone(), work }, true);
                }
            }
            Op::Activate(activation) => match as_finish(*activation) {
                Some(finish) => self.push(Unary { x, y, finish }, true),
                None => self.push(Function::of(*activation, x, y), true),
            },
            Op::ParametricRelu => {
                let step = Function::rectifier(self.parameters[node.parameters[0]], x, y);
                self.push(step, true);
            }
            Op::Add | Op::Multiply => {
                let Some(b) = self.map(node.inputs[1]) else { return };
                let fit = |map: &Map, single: bool| {
                    map.channels == y.channels && (map.size == y.size || (single && map.size == [1, 1]))
                };
                if !fit(&x, false) || !fit(&b, true) {
                    let by_pixel = node.op == Op::Multiply
                        && operation.finish == Finish::Plain
                        && fit(&x, false)
                        && (b.channels, b.size) == (1, y.size);
                    if by_pixel {
                        self.push(Product { a: x, b: Some(b), to: y, scale: 1.0, add: false }, true);
                    } else {
                        self.emit_dense(operation, y);
                    }
                    return;
                }
                let pairing = if node.op == Op::Add { Pairing::Add } else { Pairing::Multiply };
                self.push(Pair { a: x, b, y, pairing, finish: operation.finish }, true);
            }
            Op::Upsample(UpsampleMode::Nearest, UpsampleTo::Scale(times)) if x.lanes == LANES => {
                self.push(Repeat { x, y, times: *times }, true);
            }
            Op::AdaptiveAvgPool2d([1, 1]) if x.lanes == LANES => {
                let scale = 1.0 / (x.size[0] * x.size[1]) as f32;
                self.push(Product { a: x, b: None, to: y, scale, add: false }, true);
            }
            Op::WeightedPool => {
                let Some(b) = self.map(node.inputs[1]) else { return };
                self.push(Product { a: x, b: Some(b), to: y, scale: 1.0, add: false }, true);
            }
            Op::Concat => self.emit_concat(operation, y),
            _ => self.emit_dense(operation, y),
        }
    }

    /// Weights `[out, ...]` and bias with a following batch norm taken in, in double precision.
    fn folded(&self, operation: &Fused, outputs: usize) -> (Vec<f32>, Vec<f32>) {
        let node = &self.graph.nodes[operation.node];
        let mut weight = self.parameters[node.parameters[0]].to_vec();
        let mut bias = node.parameters.get(1).map_or_else(|| vec![0.0; outputs], |&id| self.parameters[id].to_vec());
        if let Some(norm) = operation.norm {
            let (scale, shift) = self.fold(norm);
            let per_output = weight.len() / outputs.max(1);
            for (o, part) in weight.chunks_exact_mut(per_output).enumerate() {
                part.iter_mut().for_each(|w| *w = (f64::from(*w) * scale[o]) as f32);
                bias[o] = (f64::from(bias[o]) * scale[o] + shift[o]) as f32;
            }
        }
        (weight, bias)
    }

    /// Scale and shift of a batch norm with its running statistics.
    fn fold(&self, norm: NodeId) -> (Vec<f64>, Vec<f64>) {
        let node = &self.graph.nodes[norm];
        let Op::Norm { channels, eps, affine, .. } = node.op else { return (Vec::new(), Vec::new()) };
        let get = |n: usize, c: usize| f64::from(self.parameters[node.parameters[n]][c]);
        let first = if affine { 2 } else { 0 };
        (0..channels)
            .map(|c| {
                let (gamma, beta) = if affine { (get(0, c), get(1, c)) } else { (1.0, 0.0) };
                let scale = gamma / (get(first + 1, c) + eps).sqrt();
                (scale, beta - get(first, c) * scale)
            })
            .unzip()
    }

    fn target(&self, operation: &Fused, y: Map, bias: &[f32]) -> Target {
        Target {
            y,
            pooled: operation.pooled.and_then(|id| self.maps[id]),
            add: operation.add.and_then(|id| self.map(id)),
            bias: Constants::Fixed(Aligned::padded(bias)),
            finish: operation.finish,
        }
    }

    fn emit_conv(&mut self, operation: &Fused, conv: &Conv, x: Map, y: Map) {
        let (weight, bias) = self.folded(operation, conv.outputs);
        let target = self.target(operation, y, &bias);
        self.draft.push_convolution(conv, x, target, &weight, self.options);
    }

    fn emit_head(&mut self, operation: &Fused, output: usize) {
        let node = &self.graph.nodes[operation.node];
        let (Op::Conv2d(conv), Some(x)) = (&node.op, self.map(node.inputs[0])) else { return };
        let (weight, bias) = self.folded(operation, conv.outputs);
        let head = Head::new(x, &weight, bias, output);
        self.draft.weight_bytes += head.weight_bytes();
        self.push(head, true);
    }

    fn emit_scatter(&mut self, operation: &Fused, conv: &ConvTranspose, x: Map, y: Map) {
        let node = &self.graph.nodes[operation.node];
        let weight = self.parameters[node.parameters[0]];
        let bias = node.parameters.get(1).map_or_else(|| vec![0.0; conv.outputs], |&id| self.parameters[id].to_vec());
        self.draft.push_direct(Direct::scattered(
            x,
            self.target(operation, y, &bias),
            conv.kernel,
            weight,
            self.options,
        ));
    }

    /// Copies the parts that were not written in place already; if one of them does not fill blocks, all are.
    fn emit_concat(&mut self, operation: &Fused, y: Map) {
        let parts: Vec<NodeId> = self.graph.nodes[operation.node].inputs.iter().map(|&id| self.source(id)).collect();
        let mut channels = 0;
        let mut copies = Vec::new();
        for &part in &parts {
            let (start, count) = (channels, self.graph.nodes[part].size.channels);
            channels += count;
            let in_place = |place: &Place| place.part_of.is_some_and(|(whole, _)| whole == operation.value);
            if self.places[part].as_ref().is_some_and(in_place) {
                continue;
            }
            let fills_blocks = start % LANES == 0 && (count.is_multiple_of(LANES) || channels == y.channels);
            let Some(x) = self.maps[part].filter(|map| fills_blocks && map.lanes == LANES) else {
                self.emit_dense(operation, y);
                return;
            };
            let y = Map { offset: y.offset + start / LANES * y.plane(), channels: count, ..y };
            copies.push(Unary { x, y, finish: Finish::Plain });
        }
        copies.into_iter().for_each(|copy| self.push(copy, false));
        self.draft.wait();
    }

    fn emit_dense(&mut self, operation: &Fused, output: Map) {
        let node = &self.graph.nodes[operation.node];
        let inputs = node.inputs.iter().filter_map(|&id| self.map(id)).collect();
        let parameter = |&id: &usize| (self.parameters[id].to_vec(), self.graph.parameters[id].shape.clone());
        let parameters = node.parameters.iter().map(parameter).collect();
        let step = Dense::new(&node.op, parameters, inputs, output);
        self.push(step, true);
        if operation.finish != Finish::Plain {
            self.push(Unary { x: output, y: output, finish: operation.finish }, true);
        }
    }
}
