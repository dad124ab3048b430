//! From a graph to calls of shaders, for one batch and size.

use super::arena::{Arena, Slot};
use super::draft::{Call, Draft};
use super::finish::Finish;
use super::gpu::Gpu;
use super::plan::Plan;
use super::resident::Resident;
use crate::engine::error::{EngineError, Result};
use crate::graph::{Affinity, Graph, Node, NodeId, Normalisation, Op, SoftmaxOver};

/// An operation with what its shader does beside it.
pub struct Operation {
    /// The node whose operation is run.
    pub node: NodeId,
    /// A batch norm that its weights take in.
    pub norm: Option<NodeId>,
    /// The function at the end.
    pub finish: Finish,
    /// The node whose value this gives.
    pub value: NodeId,
}

/// A map of one image.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Number of channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// Pixels.
    pub fn positions(self) -> usize {
        self.height * self.width
    }

    /// Values.
    pub fn len(self) -> usize {
        self.channels * self.positions()
    }
}

/// What is compiled, and how far.
pub struct Compiler<'a> {
    /// The device.
    pub gpu: &'a Gpu,
    /// The network.
    pub graph: &'a Graph,
    /// Its weights.
    pub weights: &'a mut Resident,
    /// Images at a time.
    pub batch: usize,
    /// Memory of maps.
    pub arena: Arena<'a>,
    /// Height and width of every node's value.
    pub sizes: Vec<[usize; 2]>,
    /// The calls so far.
    pub draft: Draft,
    /// Where the nodes' values are, until nothing reads them any more.
    pub values: Vec<Option<Slot>>,
    /// Where training has the parameters; else weights are put on the device as shaders read them.
    pub trained: Option<Vec<Slot>>,
    /// Turns of the longest call so far that a driver would cut short.
    cut_short: Option<usize>,
}

/// Turns of loops after which Mesa's drivers for the processor leave a shader's loops, without a word (`LP_MAX_TGSI_LOOP_ITERATIONS`);
/// a few are kept back for sums over a group.
const MOST_TURNS_OF_SOFTWARE: usize = 65_000;

/// Compiles a network.
///
/// # Errors
/// Names the operation that has no shader or needs more than the device gives; or the graph does not fit the size.
pub fn compile(gpu: &Gpu, graph: &Graph, weights: &mut Resident, batch: usize, size: [usize; 2]) -> Result<Plan> {
    let mut compiler = Compiler::new(gpu, graph, weights, batch, size)?;
    let input = compiler.result(0)?;
    compiler.values[0] = Some(input.clone());
    let (operations, alias) = operations(graph);
    let mut reads = vec![0usize; graph.nodes.len()];
    operations.iter().for_each(|o| graph.nodes[o.node].inputs.iter().for_each(|&id| reads[alias[id]] += 1));
    // The image stays for the next run, results until they are read.
    reads[0] += 1;
    graph.outputs.iter().for_each(|&id| reads[alias[id]] += 1);
    for operation in &operations {
        let inputs: Vec<NodeId> = graph.nodes[operation.node].inputs.iter().map(|&id| alias[id]).collect();
        let maps = inputs.iter().map(|&id| compiler.value(id)).collect::<Result<Vec<Slot>>>()?;
        let made = compiler.operation(operation, &maps)?;
        compiler.check_turns(operation.node)?;
        compiler.values[operation.value] = Some(made);
        for id in inputs {
            reads[id] -= 1;
            if reads[id] == 0
                && let Some(slot) = compiler.values[id].take()
            {
                compiler.arena.give(slot);
            }
        }
    }
    let outputs = graph.outputs.iter().map(|&id| Ok((compiler.value(alias[id])?, compiler.array_shape(id))));
    let outputs = outputs.collect::<Result<_>>()?;
    let map_bytes = compiler.arena.bytes;
    Ok(Plan { steps: compiler.draft.finish(gpu)?, input, outputs, map_bytes })
}

/// The operations of a graph in their order, and for every node the one whose value it shares.
fn operations(graph: &Graph) -> (Vec<Operation>, Vec<NodeId>) {
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    let mut needed = vec![false; graph.nodes.len()];
    graph.outputs.iter().for_each(|&id| needed[id] = true);
    for id in (0..graph.nodes.len()).rev().filter(|&id| id > 0) {
        if needed[id] {
            for &input in &graph.nodes[id].inputs {
                needed[input] = true;
                readers[input].push(id);
            }
        }
    }
    let mut alias: Vec<NodeId> = (0..graph.nodes.len()).collect();
    let mut is_taken_in = vec![false; graph.nodes.len()];
    let mut operations = Vec::new();
    for id in 1..graph.nodes.len() {
        if is_taken_in[id] || !needed[id] {
            continue;
        }
        let op = &graph.nodes[id].op;
        if let Op::Dropout(_) = op {
            alias[id] = alias[graph.nodes[id].inputs[0]];
            continue;
        }
        let mut operation = Operation { node: id, norm: None, finish: Finish::PLAIN, value: id };
        // Who alone reads the value so far.
        let next = |value: NodeId| match readers[value][..] {
            [reader] if !graph.outputs.contains(&value) => Some(reader),
            _ => None,
        };
        let convolves = matches!(op, Op::Conv2d(_) | Op::ConvTranspose2d(_));
        let is_batch_norm = |&id: &NodeId| {
            matches!(graph.nodes[id].op, Op::Norm { kind: Normalisation::Batch { .. }, .. }) && convolves
        };
        if let Some(norm) = next(id).filter(is_batch_norm) {
            (operation.norm, operation.value) = (Some(norm), norm);
            is_taken_in[norm] = true;
        }
        if (convolves || matches!(op, Op::Linear { .. } | Op::Norm { .. } | Op::Add | Op::Multiply | Op::Gain))
            && let Some(reader) = next(operation.value)
            && let Op::Activate(activation) = graph.nodes[reader].op
        {
            (operation.finish, operation.value) = (Finish::of(activation), reader);
            is_taken_in[reader] = true;
        }
        operations.push(operation);
    }
    (operations, alias)
}

impl<'a> Compiler<'a> {
    /// Nothing compiled yet.
    ///
    /// # Errors
    /// Where the graph does not fit the size.
    pub fn new(
        gpu: &'a Gpu,
        graph: &'a Graph,
        weights: &'a mut Resident,
        batch: usize,
        size: [usize; 2],
    ) -> Result<Self> {
        let (sizes, values) = (graph.sizes(size)?, vec![None; graph.nodes.len()]);
        let (arena, draft) = (Arena::new(gpu), Draft::default());
        Ok(Self { gpu, graph, weights, batch, arena, sizes, draft, values, trained: None, cut_short: None })
    }

    /// Fails where a driver would cut a call of this node short.
    ///
    /// # Errors
    /// Names the node.
    pub fn check_turns(&self, id: NodeId) -> Result<()> {
        let Some(turns) = self.cut_short else { return Ok(()) };
        let scope = &self.graph.nodes[id].scope;
        let what = format!("{scope} takes {turns} turns of a loop, and software drivers stop after 65535");
        Err(EngineError::failed(what))
    }

    /// A parameter of a node as it is.
    ///
    /// # Errors
    /// Where a shader cannot be given as much at a time.
    pub fn parameter(&mut self, id: NodeId, number: usize) -> Result<Slot> {
        let node = &self.graph.nodes[id];
        let parameter = node.parameters[number];
        match &self.trained {
            Some(trained) => Ok(trained[parameter].clone()),
            None => self.weights.slot(self.gpu, (id, number), &node.scope, |p| p[parameter].clone()),
        }
    }

    /// The shape of a node's value as an array.
    pub fn array_shape(&self, id: NodeId) -> Vec<usize> {
        let Shape { channels, height, width } = self.shape(id);
        vec![self.batch, channels, height, width]
    }

    /// The shape of a node's value.
    pub fn shape(&self, id: NodeId) -> Shape {
        let [height, width] = self.sizes[id];
        Shape { channels: self.graph.nodes[id].size.channels, height, width }
    }

    /// The shape of a node's input.
    pub fn input_shape(&self, node: &Node, number: usize) -> Shape {
        self.shape(node.inputs[number])
    }

    /// Memory for a node's value.
    ///
    /// # Errors
    /// Where it is too large for the device.
    pub fn result(&mut self, id: NodeId) -> Result<Slot> {
        let count = self.batch * self.shape(id).len();
        self.arena.take(count, &self.graph.nodes[id].scope)
    }

    /// Where a node's value is.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn value(&self, id: NodeId) -> Result<Slot> {
        let missing = || EngineError::failed(format!("{}: a result is missing", self.graph.nodes[id].scope));
        self.values[id].clone().ok_or_else(missing)
    }

    /// Adds a call, unless the driver would cut it short; then compiling ends with the operation.
    pub fn call(&mut self, call: Call) {
        if self.gpu.is_software && call.turns > MOST_TURNS_OF_SOFTWARE {
            self.cut_short = Some(call.turns);
        }
        self.draft.call(call);
    }

    /// Makes an operation's value.
    ///
    /// # Errors
    /// Names the operation where it has no shader or needs more than the device gives.
    pub fn operation(&mut self, operation: &Operation, maps: &[Slot]) -> Result<Slot> {
        let graph = self.graph;
        let node = &graph.nodes[operation.node];
        match &node.op {
            Op::Conv2d(conv) => self.conv(operation, conv, &maps[0]),
            Op::ConvTranspose2d(conv) => self.conv_transpose(operation, conv, &maps[0]),
            Op::Linear { inputs, outputs } => self.linear(operation, [*inputs, *outputs], &maps[0]),
            Op::MaxPool2d(pool) => self.max_pool(operation, pool, &maps[0]),
            Op::AdaptiveAvgPool2d([1, 1]) => self.plane_sum(operation, &maps[0], None),
            Op::AvgPool2d(_) | Op::AdaptiveAvgPool2d(_) | Op::Upsample(..) => self.resample(operation, &maps[0]),
            Op::Norm { kind, eps, .. } => self.norm(operation, *kind, *eps, &maps[0]),
            Op::Activate(activation) => self.activate(operation, *activation, &maps[0]),
            Op::ParametricRelu => self.parametric_relu(operation, &maps[0]),
            Op::Pad(border) => self.pad(operation, border, &maps[0]),
            Op::Softmax(SoftmaxOver::Channels) => self.softmax_channels(operation, false, &maps[0]),
            Op::Softmax(SoftmaxOver::Positions) => self.softmax_positions(operation, &maps[0]),
            Op::LogSoftmax => self.softmax_channels(operation, true, &maps[0]),
            Op::Add => self.pair(operation, super::shader::Joined::Sum, &maps[0], &maps[1]),
            Op::Multiply => self.pair(operation, super::shader::Joined::Product, &maps[0], &maps[1]),
            Op::Concat => self.concat(operation, maps),
            Op::CropLike => self.crop_like(operation, &maps[0]),
            Op::SpreadLike => self.spread_like(operation, &maps[0]),
            Op::Slice { axis, start, .. } => self.slice(operation, *axis, *start, &maps[0]),
            Op::WeightedPool => self.plane_sum(operation, &maps[0], Some(&maps[1])),
            Op::Attend(Affinity::Concat) => self.attend_pairs(operation, maps),
            Op::Attend(affinity) => self.attend(operation, *affinity, maps),
            Op::CrissCross => self.criss_cross(operation, maps),
            Op::LocalResponse(constants) => self.local_response(operation, constants, &maps[0]),
            Op::Gain => self.gain(operation, &maps[0]),
            Op::Input | Op::Dropout(_) => Err(EngineError::failed(format!("{}: nothing to compute", node.scope))),
        }
    }
}
