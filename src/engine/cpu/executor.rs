//! The engine on the processor: compiled plans for inference and training, a tape for what they leave out.

use std::sync::Arc;
use std::time::Instant;

use super::compiled::options::Options;
use super::compiled::training;
use super::compiled::{self, Plan};
use super::plan_pool::{CompiledPass, PlanPool};
use super::simd::InstructionSet;
use super::tape::{Recording, Tape};
use super::update;
use super::views::views;
use crate::engine::array::Array;
use crate::engine::device::DeviceChoice;
use crate::engine::dropout::Masks;
use crate::engine::error::Result;
use crate::engine::executor::{Device, DeviceArray, Engine, Executor, ForwardPass, Mode, downcast, downcast_mut};
use crate::engine::recipe::Update;
use crate::engine::stage_times::{StageTimes, durations};
use crate::engine::training_options::TrainingOptions;
use crate::engine::weights::Weights;
use crate::graph::Graph;
use crate::work::Watch;
use crate::work::memory;

/// The engine.
pub const ENGINE: Engine = Engine {
    devices: || vec![DeviceChoice::Cpu.into()],
    measured: || None,
    takes: |choice| choice == DeviceChoice::Cpu,
    gpus: &[],
    is_taken_unasked: false,
    open: |_| Ok(Box::new(Processor)),
};

/// Sizes that stay compiled.
const MOST_PLANS: usize = 3;

struct Processor;

impl Device for Processor {
    fn name(&self) -> &'static str {
        "CPU"
    }

    fn description(&self) -> String {
        format!("CPU ({}, {} threads)", InstructionSet::best().name(), rayon::current_num_threads())
    }

    fn is_cpu(&self) -> bool {
        true
    }

    fn memory_bytes(&self) -> Option<[u64; 2]> {
        memory::free_and_all_bytes()
    }

    fn load(&self, graph: &Arc<Graph>, weights: &Weights) -> Result<Box<dyn Executor>> {
        let parameters = graph.parameters.iter().map(|parameter| weights[&parameter.name].values.clone());
        Ok(Box::new(CpuExecutor {
            parameters: Arc::new(parameters.collect()),
            graph: graph.clone(),
            plans: Vec::new(),
            pool: PlanPool::default(),
            options: Options::default(),
        }))
    }
}

impl DeviceArray for Vec<f32> {
    fn read(&self) -> Result<Vec<f32>> {
        Ok(self.clone())
    }
}

struct CpuExecutor {
    graph: Arc<Graph>,
    /// In the graph's order. A pass shares them until its gradients are known; whoever changes them before that makes a copy.
    parameters: Arc<Vec<Vec<f32>>>,
    /// Compiled for the sizes met last, as batch, height and width; emptied when the weights change.
    plans: Vec<([usize; 3], Plan)>,
    /// What trains.
    pool: PlanPool,
    options: Options,
}

impl CpuExecutor {
    /// The parameters, to be changed.
    fn change(&mut self) -> &mut Vec<Vec<f32>> {
        self.plans.clear();
        Arc::make_mut(&mut self.parameters)
    }

    /// The plan for an input's size, compiled where there is none.
    fn plan(&mut self, input: &Array) -> Result<&mut Plan> {
        let [batch, _, height, width] = input.dims4();
        let key = [batch, height, width];
        let found = match self.plans.iter().position(|(size, _)| *size == key) {
            Some(found) => found,
            None => {
                let parameters = views(&self.parameters);
                let plan = compiled::compile(&self.graph, &parameters, batch, [height, width], &self.options)?;
                if self.plans.len() == MOST_PLANS {
                    self.plans.remove(0);
                }
                self.plans.push((key, plan));
                self.plans.len() - 1
            }
        };
        Ok(&mut self.plans[found].1)
    }

    /// A training pass through a compiled plan, or by the tape where the graph has none; running statistics move.
    fn train(
        &mut self,
        input: &Array,
        wanted: TrainingOptions,
        masks: Masks,
        watch: Watch,
    ) -> Result<Box<dyn ForwardPass>> {
        let [batch, _, h, w] = input.dims4();
        let Some(mut plan) = self.pool.take(&self.graph, [batch, h, w], wanted, &self.options)? else {
            let mode = Mode::Training;
            let (recording, found) = Recording::new(&self.graph, &self.parameters, input, mode, masks, watch)?;
            found.iter().for_each(|statistics| statistics.blend_into(self.change()));
            return Ok(Box::new(Tape { recording, parameters: self.parameters.clone() }));
        };
        let (outputs, found) = plan.forward(&self.parameters, &input.values, watch)?;
        found.iter().for_each(|statistics| statistics.blend_into(self.change()));
        Ok(Box::new(CompiledPass { plan, outputs, parameters: self.parameters.clone() }))
    }
}

impl Executor for CpuExecutor {
    fn infer(&mut self, input: &Array, watch: Watch) -> Result<Vec<Array>> {
        let plan = self.plan(input)?;
        let values = plan.run(&input.values, watch)?;
        Ok(plan.output_shapes().into_iter().zip(values).map(|(shape, values)| Array::new(shape, values)).collect())
    }

    fn run(
        &mut self,
        input: &Array,
        mode: Mode,
        wanted: TrainingOptions,
        masks: Masks,
        watch: Watch,
    ) -> Result<Box<dyn ForwardPass>> {
        if mode == Mode::Training {
            return self.train(input, wanted, masks, watch);
        }
        let (recording, _) = Recording::new(&self.graph, &self.parameters, input, mode, masks, watch)?;
        Ok(Box::new(Tape { recording, parameters: self.parameters.clone() }))
    }

    fn parameter(&self, number: usize) -> Result<Vec<f32>> {
        Ok(self.parameters[number].clone())
    }

    fn hold(&self, values: &Array) -> Result<Box<dyn DeviceArray>> {
        Ok(Box::new(values.values.clone()))
    }

    fn square_sum(&self, arrays: &[&dyn DeviceArray]) -> Result<f64> {
        arrays.iter().map(|array| Ok(update::square_sum(downcast::<Vec<f32>>(*array)?))).sum()
    }

    fn update(
        &mut self,
        number: usize,
        gradient: &dyn DeviceArray,
        memory: &mut [Option<Box<dyn DeviceArray>>; 2],
        update: &Update,
    ) -> Result<()> {
        let gradient = downcast::<Vec<f32>>(gradient)?;
        let mut arrays = [Vec::new(), Vec::new()];
        for (array, held) in arrays.iter_mut().zip(memory.iter_mut()) {
            if let Some(held) = held {
                *array = std::mem::take(downcast_mut::<Vec<f32>>(&mut **held)?);
            }
        }
        update::step(&mut self.change()[number], gradient, &mut arrays, update);
        for (held, array) in memory.iter_mut().zip(arrays) {
            match held {
                Some(held) => *downcast_mut::<Vec<f32>>(&mut **held)? = array,
                None if array.is_empty() => {}
                None => *held = Some(Box::new(array)),
            }
        }
        Ok(())
    }

    fn can_recompute(&self, batch: usize, size: [usize; 2]) -> Result<bool> {
        Ok(training::compile(&self.graph, batch, size, TrainingOptions::default(), &self.options)?.is_some())
    }

    fn stage_times(&mut self, input: &Array) -> Result<StageTimes> {
        let instructions = self.options.set.name();
        let plan = self.plan(input)?;
        // The first run's memory is fresh.
        plan.run(&input.values, Watch::unwatched())?;
        let started = Instant::now();
        let mut ends = Vec::new();
        plan.run_timed(&input.values, Watch::unwatched(), &mut |_| ends.push(started.elapsed().as_secs_f64()))?;
        let [weight_bytes, map_bytes] = plan.memory_bytes();
        Ok(StageTimes { instructions, stages: durations(plan.stage_names(), &ends), weight_bytes, map_bytes })
    }

    fn training_stage_times(&mut self, input: &Array, wanted: TrainingOptions) -> Result<StageTimes> {
        let [batch, _, h, w] = input.dims4();
        let Some(mut plan) = self.pool.take(&self.graph, [batch, h, w], wanted, &self.options)? else {
            return Ok(StageTimes::default());
        };
        let (stages, map_bytes) = plan.stage_times(&self.parameters, &input.values)?;
        Ok(StageTimes { instructions: self.options.set.name(), stages, weight_bytes: 0, map_bytes })
    }
}
