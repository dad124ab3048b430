//! Training passes through a compiled plan, which a pass takes from the network's pool and gives back when it ends.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::compiled::options::Options;
use super::compiled::training::{TrainingPlan, compile};
use super::statistics::FoundStatistics;
use super::views::views;
use crate::engine::array::Array;
use crate::engine::error::{EngineError, Result};
use crate::engine::executor::{DeviceArray, DeviceGradients, ForwardPass};
use crate::engine::stage_times::durations;
use crate::engine::training_options::TrainingOptions;
use crate::graph::{Graph, GraphError};
use crate::work::Watch;
use crate::work::memory::ensure;

/// Batch, height and width.
type Key = [usize; 3];

/// The plan of the last training pass, while no pass uses it.
#[derive(Clone, Default)]
pub struct PlanPool(Arc<Mutex<Option<(Key, TrainingPlan)>>>);

/// A plan in use; it returns to its pool when this ends.
pub struct PooledPlan {
    key: Key,
    plan: Option<TrainingPlan>,
    pool: PlanPool,
}

impl Drop for PooledPlan {
    fn drop(&mut self) {
        if let (Some(plan), Ok(mut slot)) = (self.plan.take(), self.pool.0.lock()) {
            *slot = Some((self.key, plan));
        }
    }
}

impl PlanPool {
    /// The plan for this size, compiled where there is none; `None` where the graph cannot be compiled.
    ///
    /// # Errors
    /// Where maps do not fit together for this size.
    pub fn take(
        &self,
        graph: &Graph,
        key: Key,
        wanted: TrainingOptions,
        options: &Options,
    ) -> std::result::Result<Option<PooledPlan>, GraphError> {
        let kept = self.0.lock().ok().and_then(|mut slot| slot.take());
        let fits = |(of, plan): &(Key, TrainingPlan)| *of == key && plan.wanted() == wanted;
        let plan = match kept.filter(fits) {
            Some((_, plan)) => Some(plan),
            None => compile(graph, key[0], [key[1], key[2]], wanted, options)?,
        };
        Ok(plan.map(|plan| PooledPlan { key, plan: Some(plan), pool: self.clone() }))
    }
}

impl PooledPlan {
    fn plan(&mut self) -> Result<&mut TrainingPlan> {
        self.plan.as_mut().ok_or_else(|| EngineError::failed("the plan is gone"))
    }

    /// The results of an image, and the statistics that its norms found.
    pub fn forward(
        &mut self,
        parameters: &[Vec<f32>],
        input: &[f32],
        watch: Watch,
    ) -> Result<(Vec<Array>, Vec<FoundStatistics>)> {
        let plan = self.plan()?;
        if plan.has_no_arena() {
            ensure::<f32>(plan.memory_bytes() / size_of::<f32>())?;
        }
        let results = plan.forward(&views(parameters), input, watch, &mut |_| {})?;
        let outputs = plan.output_shapes().into_iter().zip(results);
        Ok((outputs.map(|(shape, values)| Array::new(shape, values)).collect(), plan.statistics()))
    }

    /// Name and seconds of every stage of a step with the results as their own gradient, and the bytes of all maps.
    pub fn stage_times(&mut self, parameters: &[Vec<f32>], input: &[f32]) -> Result<(Vec<(String, f64)>, usize)> {
        let plan = self.plan()?;
        let [of_forward, of_backward] = plan.stage_names();
        let parameters = &views(parameters);
        let mut ends = [Vec::new(), Vec::new()];
        // The first round's memory is fresh.
        for _ in 0..2 {
            ends = [Vec::new(), Vec::new()];
            let [forward_ends, backward_ends] = &mut ends;
            let started = Instant::now();
            let mut ended = |_: usize| forward_ends.push(started.elapsed().as_secs_f64());
            let results = plan.forward(parameters, input, Watch::unwatched(), &mut ended)?;
            let started = Instant::now();
            let mut ended = |_: usize| backward_ends.push(started.elapsed().as_secs_f64());
            let gradients: Vec<&[f32]> = results.iter().map(Vec::as_slice).collect();
            plan.backward(parameters, &gradients, Watch::unwatched(), &mut ended)?;
        }
        let [forward_ends, backward_ends] = ends;
        let mut stages = durations(of_forward, &forward_ends);
        stages.extend(durations(of_backward, &backward_ends));
        Ok((stages, plan.memory_bytes()))
    }
}

/// A training pass whose maps lie in its plan's memory.
pub struct CompiledPass {
    /// The plan.
    pub plan: PooledPlan,
    /// The results.
    pub outputs: Vec<Array>,
    /// The network's parameters.
    pub parameters: Arc<Vec<Vec<f32>>>,
}

impl ForwardPass for CompiledPass {
    fn outputs(&self) -> Result<Vec<Array>> {
        Ok(self.outputs.clone())
    }

    fn tap(&self, name: &str) -> Result<Option<Array>> {
        let found = self.plan.plan.as_ref().and_then(|plan| plan.tap(name));
        Ok(found.map(|(shape, values)| Array::new(shape, values)))
    }

    fn backward(mut self: Box<Self>, gradients: &[Array], watch: Watch) -> Result<DeviceGradients> {
        let gradients: Vec<&[f32]> = gradients.iter().map(|gradient| gradient.values.as_slice()).collect();
        let found = self.plan.plan()?.backward(&views(&self.parameters), &gradients, watch, &mut |_| {})?;
        let held = |values: Vec<f32>| -> Box<dyn DeviceArray> { Box::new(values) };
        let parameters = found.parameters.into_iter().map(|values| values.map(held)).collect();
        Ok(DeviceGradients { input: found.input.map(held), parameters })
    }
}
