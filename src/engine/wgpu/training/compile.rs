//! From a graph to the calls of a training pass, for one batch and size.

use super::super::arena::Slot;
use super::super::compile::{Compiler, Operation};
use super::super::finish::Finish;
use super::super::gpu::Gpu;
use super::super::resident::Resident;
use super::plan::{Mask, TrainingPlan};
use crate::engine::error::Result;
use crate::engine::executor::Mode;
use crate::graph::{Activation, Graph, Node, NodeId, Op};

/// What a pass is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Images.
    pub batch: usize,
    /// Height and width.
    pub size: [usize; 2],
    /// Whose statistics norms take, and whether there is dropout.
    pub mode: Mode,
    /// Whether the image's gradient is made.
    pub input_gradient: bool,
    /// Whether running statistics move.
    pub moves_statistics: bool,
}

/// Where a gradient goes.
#[derive(Clone)]
pub struct Target {
    /// Its array.
    pub slot: Slot,
    /// Whether there is something already that it is added to.
    pub adds: bool,
}

/// What is compiled, and how far.
pub struct Trainer<'a> {
    /// For the calls that inference makes too.
    pub compiler: Compiler<'a>,
    /// Whose statistics norms take, and whether there is dropout.
    pub mode: Mode,
    /// Nodes whose gradient is made.
    wanted: Vec<bool>,
    /// The node whose value a node shares.
    alias: Vec<NodeId>,
    /// Gradients of nodes, from the first that reads them on.
    gradients: Vec<Option<Slot>>,
    /// Gradients of parameters.
    of_parameters: Vec<Option<Slot>>,
    /// A norm's moments, or what dropout keeps, by node.
    pub aside: Vec<Option<Slot>>,
    /// What dropout keeps, in the order of the nodes.
    pub masks: Vec<Mask>,
}

/// Compiles a pass.
///
/// # Errors
/// Names the operation that needs more than the device gives; or the graph does not fit the size.
pub fn compile(gpu: &Gpu, graph: &Graph, weights: &mut Resident, key: Key) -> Result<TrainingPlan> {
    let trained = weights.trained(gpu, graph)?;
    let mut compiler = Compiler::new(gpu, graph, weights, key.batch, key.size)?;
    compiler.trained = Some(trained);
    let alias = aliases(graph, key.mode);
    let (with_taps, reached) = (reached(graph, &alias, true), reached(graph, &alias, false));
    let wanted = wanted(graph, &alias, &reached, key.input_gradient);
    let count = graph.nodes.len();
    let mut trainer = Trainer {
        compiler,
        mode: key.mode,
        wanted,
        alias,
        gradients: vec![None; count],
        of_parameters: vec![None; graph.parameters.len()],
        aside: vec![None; count],
        masks: Vec::new(),
    };
    let mut reads = trainer.reads(&with_taps);
    let input = trainer.compiler.result(0)?;
    trainer.compiler.values[0] = Some(input.clone());
    let forth: Vec<NodeId> = (1..count).filter(|&id| with_taps[id] && trainer.alias[id] == id).collect();
    for id in forth {
        let inputs = trainer.inputs(id);
        let maps = inputs.iter().map(|&id| trainer.compiler.value(id)).collect::<Result<Vec<Slot>>>()?;
        let made = trainer.forth(id, &maps)?;
        trainer.compiler.check_turns(id)?;
        trainer.compiler.values[id] = Some(made);
        trainer.let_go(&mut reads, inputs);
    }
    // A stopped pass leaves running statistics as they are.
    if key.moves_statistics {
        trainer.move_running_statistics()?;
    }
    let forward = std::mem::take(&mut trainer.compiler.draft).finish(gpu)?;
    let named = |trainer: &Trainer, id: NodeId| -> Result<(Slot, Vec<usize>)> {
        Ok((trainer.compiler.value(trainer.alias[id])?, trainer.compiler.array_shape(id)))
    };
    let outputs = graph.outputs.iter().map(|&id| named(&trainer, id)).collect::<Result<_>>()?;
    let taps =
        graph.taps.iter().map(|(name, id)| named(&trainer, *id).map(|(slot, shape)| (name.clone(), slot, shape)));
    let taps = taps.collect::<Result<_>>()?;
    let mut output_gradients: Vec<(Slot, Vec<usize>)> = Vec::new();
    for (n, &id) in graph.outputs.iter().enumerate() {
        let id = trainer.alias[id];
        let numbers = (0..n).filter(|&other| trainer.alias[graph.outputs[other]] == id).count();
        if numbers == 0
            && let Some(target) = trainer.gradient_of(id)?
        {
            let same = (n..graph.outputs.len()).filter(|&other| trainer.alias[graph.outputs[other]] == id);
            output_gradients.push((target.slot, same.collect()));
        }
    }
    let shown: Vec<NodeId> = graph.outputs.iter().chain(graph.taps.iter().map(|(_, id)| id)).copied().collect();
    let shown = shown.into_iter().map(|id| trainer.alias[id]).collect();
    trainer.let_go(&mut reads, shown);
    for id in (1..count).rev() {
        if !trainer.goes_back(id) {
            continue;
        }
        if let Some(gradient) = trainer.gradients[id].take() {
            trainer.back(id, &gradient)?;
            trainer.compiler.check_turns(id)?;
            trainer.compiler.arena.give(gradient);
        }
        let kept = trainer.kept(id);
        trainer.let_go(&mut reads, kept);
    }
    let input_gradient = trainer.gradients[0].take();
    let backward = std::mem::take(&mut trainer.compiler.draft).finish(gpu)?;
    Ok(TrainingPlan {
        forward,
        backward,
        input,
        outputs,
        taps,
        masks: trainer.masks,
        output_gradients,
        input_gradient,
        parameter_gradients: trainer.of_parameters,
        bytes: trainer.compiler.arena.bytes,
    })
}

/// For every node the one whose value it shares: dropout that keeps everything hands its input on.
fn aliases(graph: &Graph, mode: Mode) -> Vec<NodeId> {
    let mut alias: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        let keeps_all = matches!(node.op, Op::Dropout(share) if mode == Mode::Inference || share == 0.0);
        alias.push(if keeps_all { alias[node.inputs[0]] } else { id });
    }
    alias
}

/// Nodes that the results need, and where asked for those that others look at.
fn reached(graph: &Graph, alias: &[NodeId], with_taps: bool) -> Vec<bool> {
    let mut reached = vec![false; graph.nodes.len()];
    graph.outputs.iter().for_each(|&id| reached[alias[id]] = true);
    if with_taps {
        graph.taps.iter().for_each(|(_, id)| reached[alias[*id]] = true);
    }
    for id in (0..graph.nodes.len()).rev() {
        if reached[id] {
            graph.nodes[id].inputs.iter().for_each(|&input| reached[alias[input]] = true);
        }
    }
    reached
}

/// Nodes whose gradient something needs: they depend on a parameter that is trained, or on the image where that is asked for.
fn wanted(graph: &Graph, alias: &[NodeId], reached: &[bool], input_gradient: bool) -> Vec<bool> {
    let mut wanted = vec![false; graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        let own = node.parameters.iter().any(|&parameter| graph.parameters[parameter].role.is_trainable());
        let depends = own || differentiable(node).iter().any(|&input| wanted[alias[input]]);
        wanted[id] = reached[id] && (depends || (id == 0 && input_gradient));
    }
    wanted
}

/// Inputs whose values count; of the others only the size does.
fn differentiable(node: &Node) -> &[NodeId] {
    match node.op {
        Op::CropLike | Op::SpreadLike => &node.inputs[..1],
        _ => &node.inputs,
    }
}

/// Whether an activation's derivative is taken from its value.
pub fn is_by_value(activation: Activation) -> bool {
    match activation {
        Activation::Relu | Activation::Sigmoid | Activation::Tanh => true,
        // Where the slope is positive the value has the sign of what it was made of.
        Activation::LeakyRelu(slope) => slope > 0.0,
        _ => false,
    }
}

impl Trainer<'_> {
    /// A node of the graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.compiler.graph.nodes[id]
    }

    /// The nodes whose values a node reads.
    pub fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        self.compiler.graph.nodes[id].inputs.iter().map(|&input| self.alias[input]).collect()
    }

    fn goes_back(&self, id: NodeId) -> bool {
        self.wanted[id] && self.alias[id] == id
    }

    /// How often the value of every node is read, forth, back and by others in between.
    fn reads(&self, needed: &[bool]) -> Vec<usize> {
        let graph = self.compiler.graph;
        let mut reads = vec![0; graph.nodes.len()];
        let shown = graph.outputs.iter().chain(graph.taps.iter().map(|(_, id)| id));
        shown.for_each(|&id| reads[self.alias[id]] += 1);
        for id in (1..graph.nodes.len()).filter(|&id| needed[id] && self.alias[id] == id) {
            self.inputs(id).into_iter().for_each(|input| reads[input] += 1);
            if self.goes_back(id) {
                self.kept(id).into_iter().for_each(|kept| reads[kept] += 1);
            }
        }
        reads
    }

    /// The nodes whose values a node's way back reads.
    fn kept(&self, id: NodeId) -> Vec<NodeId> {
        let takes_result = match &self.node(id).op {
            Op::Softmax(_) | Op::LogSoftmax => true,
            Op::Activate(activation) => is_by_value(*activation),
            _ => false,
        };
        if takes_result {
            return vec![id];
        }
        if self.node(id).op.gradient_reads_inputs() { self.inputs(id) } else { Vec::new() }
    }

    /// Values that have been read once more; what nothing reads any more gives its memory back.
    fn let_go(&mut self, reads: &mut [usize], ids: Vec<NodeId>) {
        for id in ids {
            reads[id] = reads[id].saturating_sub(1);
            if reads[id] == 0
                && let Some(slot) = self.compiler.values[id].take()
            {
                self.compiler.arena.give(slot);
            }
        }
    }

    /// Where a node's share of the gradient of one of its inputs goes; `None` where nothing needs it.
    ///
    /// # Errors
    /// Where it is too large for the device.
    pub fn gradient_of_input(&mut self, id: NodeId, number: usize) -> Result<Option<Target>> {
        let input = self.alias[self.node(id).inputs[number]];
        self.gradient_of(input)
    }

    fn gradient_of(&mut self, id: NodeId) -> Result<Option<Target>> {
        if !self.wanted[id] {
            return Ok(None);
        }
        if let Some(slot) = &self.gradients[id] {
            return Ok(Some(Target { slot: slot.clone(), adds: true }));
        }
        let slot = self.compiler.result(id)?;
        self.gradients[id] = Some(slot.clone());
        Ok(Some(Target { slot, adds: false }))
    }

    /// Where a node's share of the gradient of one of its parameters goes; `None` where it has none, or it is not trained.
    ///
    /// # Errors
    /// Where it is too large for the device.
    pub fn gradient_of_parameter(&mut self, id: NodeId, number: usize) -> Result<Option<Target>> {
        let graph = self.compiler.graph;
        let Some(&parameter) = graph.nodes[id].parameters.get(number) else { return Ok(None) };
        let of = &graph.parameters[parameter];
        if !of.role.is_trainable() {
            return Ok(None);
        }
        if let Some(slot) = &self.of_parameters[parameter] {
            return Ok(Some(Target { slot: slot.clone(), adds: true }));
        }
        let slot = self.compiler.arena.keep(of.len(), &of.name)?;
        self.of_parameters[parameter] = Some(slot.clone());
        Ok(Some(Target { slot, adds: false }))
    }

    /// Makes a node's value.
    fn forth(&mut self, id: NodeId, maps: &[Slot]) -> Result<Slot> {
        let graph = self.compiler.graph;
        match &graph.nodes[id].op {
            Op::Conv2d(_) | Op::ConvTranspose2d(_) | Op::Linear { .. } => self.convolve(id, &maps[0]),
            Op::Norm { .. } => self.normalise(id, &maps[0]),
            Op::Dropout(share) => self.drop_out(id, *share, &maps[0]),
            _ => {
                let operation = Operation { node: id, norm: None, finish: Finish::PLAIN, value: id };
                self.compiler.operation(&operation, maps)
            }
        }
    }
}
