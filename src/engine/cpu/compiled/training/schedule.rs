//! In which order units run: forward, on the way back, and again where their results were not kept.

use super::super::target::Finish;
use super::units::{Kind, Unit};
use crate::engine::training_options::Activations;
use crate::graph::{Graph, NodeId, Op};

/// Times of a training pass. Unit `u` of `n` runs forward at time `u`, results are read at `n`, their gradients arrive at
/// `n + 1`. Then come the ways back from the last unit to the first, each after the units that run again for it.
pub struct Schedule {
    /// Time of each unit's way back.
    pub back: Vec<usize>,
    /// Units that run again before each unit's way back, in order, and when.
    pub again: Vec<Vec<Again>>,
    /// Values that the way back finds in a second place.
    pub recomputed: Vec<bool>,
    /// What each unit's way back reads.
    pub reads: Vec<Vec<NodeId>>,
    /// The last time.
    pub end: usize,
}

/// A second run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// Of this unit.
    pub unit: usize,
    /// When.
    pub time: usize,
}

impl Schedule {
    /// The order for a graph; `sizes` are those of the nodes.
    pub fn new(graph: &Graph, units: &[Unit], sizes: &[[usize; 2]], activations: Activations) -> Self {
        let n = units.len();
        let reached = reached(graph, units);
        let reads: Vec<Vec<NodeId>> = units
            .iter()
            .zip(reached)
            .map(|(unit, reached)| if reached { back_reads(graph, unit) } else { Vec::new() })
            .collect();
        let mut schedule = Self {
            back: vec![0; n],
            again: vec![Vec::new(); n],
            recomputed: vec![false; graph.nodes.len()],
            reads,
            end: n + 1,
        };
        let producers = match activations {
            Activations::Kept => vec![None; graph.nodes.len()],
            Activations::Recomputed => producers(graph, units, sizes),
        };
        for u in (0..n).rev() {
            for id in schedule.reads[u].clone() {
                schedule.need(units, &producers, id, u);
            }
            schedule.end += 1;
            schedule.back[u] = schedule.end;
        }
        schedule
    }

    /// A value is read before the way back of unit `u`.
    fn need(&mut self, units: &[Unit], producers: &[Option<usize>], id: NodeId, u: usize) {
        let Some(unit) = producers[id].filter(|_| !self.recomputed[id]) else { return };
        self.recomputed[id] = true;
        for &input in &units[unit].inputs {
            self.need(units, producers, input, u);
        }
        self.end += 1;
        self.again[u].push(Again { unit, time: self.end });
    }
}

/// Which units have a way back: outputs depend on them.
fn reached(graph: &Graph, units: &[Unit]) -> Vec<bool> {
    let mut wanted = vec![false; graph.nodes.len()];
    graph.outputs.iter().for_each(|&id| wanted[id] = true);
    let mut reached = vec![false; units.len()];
    for (u, unit) in units.iter().enumerate().rev() {
        reached[u] = wanted[unit.value];
        unit.inputs.iter().for_each(|&id| wanted[id] |= reached[u]);
    }
    reached
}

/// What a unit's way back reads.
fn back_reads(graph: &Graph, unit: &Unit) -> Vec<NodeId> {
    let (inputs, result) = match unit.kind {
        Kind::Conv(_) | Kind::Scatter(_) | Kind::Norm { .. } | Kind::Multiply | Kind::WeightedPool => (true, false),
        Kind::MaxPool { .. } => (true, true),
        Kind::Activate(_) => (false, true),
        Kind::Add(finish) => (false, finish != Finish::Plain),
        Kind::Kernel => {
            let read = graph.nodes[unit.node].op.gradient_reads_inputs();
            (read, read)
        }
        Kind::Input | Kind::AddChannels | Kind::GlobalMean | Kind::Repeat(_) | Kind::Concat => (false, false),
    };
    let inputs = unit.inputs.iter().copied().filter(|_| inputs);
    inputs.chain(Some(unit.value).filter(|_| result)).collect()
}

/// The unit that gives a value, where it may run again. Kept are the image, outputs, what is asked for by name, concatenations with
/// their parts, where the resolution changes, and what is read beyond such a place: from one of those to the next everything can be
/// computed again.
fn producers(graph: &Graph, units: &[Unit], sizes: &[[usize; 2]]) -> Vec<Option<usize>> {
    let mut last_readers = vec![0; graph.nodes.len()];
    for (u, unit) in units.iter().enumerate() {
        unit.inputs.iter().for_each(|&id| last_readers[id] = u);
    }
    let mut producers = vec![None; graph.nodes.len()];
    for (u, unit) in units.iter().enumerate() {
        let size = sizes[unit.value];
        let scales = unit.inputs.first().is_none_or(|&id| sizes[id] != size);
        let joins = graph.nodes[unit.node].op == Op::Concat;
        let between = units.get(u + 1..last_readers[unit.value]).unwrap_or_default();
        let is_skip = between.iter().any(|other| ![size, [1, 1]].contains(&sizes[other.value]));
        producers[unit.value] = Some(u).filter(|_| !scales && !joins && !is_skip);
    }
    let joined = units.iter().filter(|unit| unit.kind == Kind::Concat).flat_map(|unit| unit.inputs.iter());
    let tapped = graph.taps.iter().map(|(_, id)| id);
    joined.chain(&graph.outputs).chain(tapped).for_each(|&id| producers[id] = None);
    producers
}
