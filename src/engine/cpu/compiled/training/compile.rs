//! From a graph to the steps of a training pass.

use std::sync::Arc;

use super::super::memory::{Aligned, Arena, Constants, Map};
use super::super::norm::Norm;
use super::super::options::Options;
use super::super::pointwise::{Border, Load, Store};
use super::super::step::{Stage, Step};
use super::pack::PackVector;
use super::places::{Places, place};
use super::plan::{Gradient, RunningStatistics, TrainingPlan};
use super::schedule::Schedule;
use super::units::{Unit, units};
use crate::engine::cpu::simd::LANES;
use crate::engine::training_options::TrainingOptions;
use crate::graph::{Graph, GraphError, NodeId, Parameter};

/// What makes a sum over a map's pixels their mean.
pub(super) fn mean_of(map: &Map) -> f32 {
    1.0 / (map.size[0] * map.size[1]) as f32
}

/// When a unit runs forward.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// On the way to the results.
    First,
    /// For the way back.
    Again {
        /// When, see [`Schedule`].
        time: usize,
    },
}

/// A training pass in the making.
pub(super) struct Compiler<'a> {
    pub(super) graph: &'a Graph,
    pub(super) options: &'a Options,
    pub(super) units: Vec<Unit>,
    pub(super) places: Places,
    pub(super) schedule: Schedule,
    pub(super) arena: Arena,
    /// Which gradients hold something already.
    pub(super) written: Vec<bool>,
    /// What becomes of every parameter's gradient.
    pub(super) gradients: Vec<Gradient>,
    /// The norm of each unit that is one.
    pub(super) norms: Vec<Option<Arc<Norm>>>,
    pub(super) statistics: Vec<RunningStatistics>,
    pub(super) stages: Vec<Stage>,
    pub(super) batch: usize,
}

/// Compiles the training of a graph on inputs `[batch, channels, size]`; `None` where an operation has no kernel here.
///
/// # Errors
/// Where maps do not fit together for this size.
pub fn compile(
    graph: &Graph,
    batch: usize,
    size: [usize; 2],
    wanted: TrainingOptions,
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
    let schedule = Schedule::new(graph, &units, &sizes, wanted.activations);
    let places = place(graph, &units, &sizes, batch, wanted.input_gradient, &schedule, &mut arena);
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
        schedule,
        arena,
        stages: Vec::new(),
        batch,
    };
    for u in 0..count {
        compiler.forward(u, Run::First);
    }
    let output_maps: Vec<Map> = graph.outputs.iter().filter_map(|&id| compiler.places.values[id]).collect();
    for (output, &map) in output_maps.iter().enumerate() {
        compiler.push(Store { map, output }, output + 1 == output_maps.len());
    }
    let forward = std::mem::take(&mut compiler.stages);
    let parameters = graph.parameters.len();
    for (k, &id) in graph.outputs.iter().enumerate() {
        let Some((map, _)) = compiler.contribute(id) else { continue };
        compiler.push(Load { input: parameters + 1 + k, map }, true);
    }
    for u in (0..count).rev() {
        for again in std::mem::take(&mut compiler.schedule.again[u]) {
            compiler.forward(again.unit, Run::Again { time: again.time });
        }
        compiler.backward(u);
    }
    if let Some(map) = compiler.places.gradients[0].filter(|_| wanted.input_gradient && compiler.written[0]) {
        compiler.push(Store { map, output: parameters }, true);
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
        statistics.parameters = statistics.parameters.map(own);
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
    pub(super) fn push(&mut self, step: impl Step + 'static, barrier: bool) {
        self.stages.push(Stage::new(step, barrier));
    }

    /// Number of a unit's parameter among the inputs.
    pub(super) fn parameter(&self, unit: &Unit, n: usize) -> Option<usize> {
        self.graph.nodes[unit.node].parameters.get(n).copied()
    }

    /// Where a run finds a result, and leaves its own.
    pub(super) fn value(&self, id: NodeId, run: Run) -> Option<Map> {
        match run {
            Run::First => self.places.values[id],
            Run::Again { .. } => self.value_back(id),
        }
    }

    /// Where the way back finds a result.
    pub(super) fn value_back(&self, id: NodeId) -> Option<Map> {
        self.places.values_back[id]
    }

    pub(super) fn border(&mut self, map: Map) {
        if map.border > 0 {
            self.push(Border(map), false);
        }
    }

    /// A vector of an input, or zeros, padded to whole blocks.
    pub(super) fn constant(&mut self, input: Option<usize>, blocks: usize, time: usize) -> Constants {
        let Some(input) = input else { return Constants::Fixed(Aligned::zeros(blocks * LANES)) };
        let len = blocks * LANES;
        let to = self.arena.place(len, time, time);
        self.push(PackVector { input, to, len }, false);
        Constants::Placed(to)
    }
}
