//! A network on a device of wgpu: plans for the sizes met last.

use std::sync::Arc;

use super::arena::{Slot, check_bytes};
use super::compile::compile;
use super::gpu::{Gpu, TO_AND_FRO};
use super::plan::{Plan, Running};
use super::resident::{Resident, as_bytes};
use super::training::{self, Asked, GpuArray, PlanPool, own};
use crate::engine::array::Array;
use crate::engine::dropout::Masks;
use crate::engine::error::Result;
use crate::engine::executor::{DeviceArray, Executor, ForwardPass, Mode, Pending};
use crate::engine::recipe::Update;
use crate::engine::stage_times::StageTimes;
use crate::engine::training_options::TrainingOptions;
use crate::graph::Graph;
use crate::work::Watch;

/// Sizes that stay compiled.
const MOST_PLANS: usize = 3;

/// Inferences in the device's hands at a time: one that it works on, and one that waits.
const MOST_STARTED: usize = 2;

/// A network on a device of wgpu.
pub struct WgpuExecutor {
    graph: Arc<Graph>,
    gpu: Arc<Gpu>,
    weights: Resident,
    /// By batch, height and width.
    plans: Vec<([usize; 3], Plan)>,
    /// Inferences until the device is destroyed.
    fails_after: Option<usize>,
    /// Of training.
    pool: PlanPool,
}

impl WgpuExecutor {
    /// A network whose weights go to the device when they are first needed.
    pub fn new(graph: Arc<Graph>, gpu: Arc<Gpu>, parameters: Vec<Vec<f32>>) -> Self {
        Self {
            graph,
            gpu,
            weights: Resident::new(parameters),
            plans: Vec::new(),
            fails_after: None,
            pool: PlanPool::default(),
        }
    }

    /// The plan for an input's size, compiled where there is none or training has changed the weights.
    fn plan(&mut self, input: &Array) -> Result<&Plan> {
        if self.weights.catch_up(&self.gpu)? {
            self.plans.clear();
        }
        let [batch, _, height, width] = input.dims4();
        let key = [batch, height, width];
        if let Some(found) = self.plans.iter().position(|(size, _)| *size == key) {
            return Ok(&self.plans[found].1);
        }
        if self.plans.len() == MOST_PLANS {
            self.plans.remove(0);
        }
        let (graph, weights, gpu) = (&self.graph, &mut self.weights, &self.gpu);
        let plan = gpu.watched(|| compile(gpu, graph, weights, batch, [height, width]))?;
        self.plans.push((key, plan));
        Ok(&self.plans[self.plans.len() - 1].1)
    }

    /// Images of a size whose maps a shader can be given at a time.
    fn most_images(&self, size: [usize; 2]) -> Result<usize> {
        let sizes = self.graph.sizes(size)?;
        let nodes = self.graph.nodes.iter().zip(&sizes);
        let largest = nodes.max_by_key(|(node, [h, w])| node.size.channels * h * w);
        let Some((node, [h, w])) = largest else { return Ok(1) };
        let bytes = check_bytes(&self.gpu, node.size.channels * h * w, &node.scope)?;
        let most = self.gpu.limits.max_storage_buffer_binding_size.min(self.gpu.limits.max_buffer_size);
        Ok((most / bytes.max(1)) as usize)
    }

    /// For tests: one run less until the device is lost.
    fn count_run(&mut self) {
        if let Some(left) = &mut self.fails_after {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => self.gpu.device.destroy(),
            }
        }
    }

    fn submit(&mut self, input: &Array, watch: Watch) -> Result<Running> {
        self.count_run();
        let gpu = self.gpu.clone();
        self.plan(input)?.submit(&gpu, input, watch)
    }
}

impl Executor for WgpuExecutor {
    fn infer(&mut self, input: &Array, watch: Watch) -> Result<Vec<Array>> {
        let [batch, _, height, width] = input.dims4();
        let most = self.most_images([height, width])?;
        if most >= batch {
            return Box::new(self.submit(input, watch)?).finish(watch);
        }
        let mut parts: Vec<Vec<Array>> = vec![Vec::new(); self.graph.outputs.len()];
        for part in input.split(most) {
            let outputs = Box::new(self.submit(&part, watch)?).finish(watch)?;
            parts.iter_mut().zip(outputs).for_each(|(parts, output)| parts.push(output));
        }
        Ok(parts.into_iter().filter_map(Array::join).collect())
    }

    fn start(&mut self, input: &Array, watch: Watch) -> Result<Option<Box<dyn Pending>>> {
        let [batch, _, height, width] = input.dims4();
        if self.most_images([height, width])? < batch {
            return Ok(None);
        }
        Ok(Some(Box::new(self.submit(input, watch)?)))
    }

    fn run(
        &mut self,
        input: &Array,
        mode: Mode,
        wanted: TrainingOptions,
        masks: Masks,
        watch: Watch,
    ) -> Result<Box<dyn ForwardPass>> {
        self.count_run();
        let Self { graph, gpu, weights, pool, .. } = self;
        training::pass(gpu, graph, weights, pool, &Asked { input, mode, wanted }, masks, watch)
    }

    fn parameter(&self, number: usize) -> Result<Vec<f32>> {
        Ok(self.weights.now(&self.gpu)?[number].clone())
    }

    fn hold(&self, values: &Array) -> Result<Box<dyn DeviceArray>> {
        let bytes = check_bytes(&self.gpu, values.values.len(), "what an optimiser remembers")?;
        let filled = self.gpu.watched(|| Ok(self.gpu.filled(&as_bytes(&values.values), TO_AND_FRO)))?;
        Ok(Box::new(GpuArray::new(&self.gpu, Slot { buffer: filled, bytes })))
    }

    fn square_sum(&self, arrays: &[&dyn DeviceArray]) -> Result<f64> {
        let slots = arrays.iter().map(|array| own(&self.gpu, *array)).collect::<Result<Vec<_>>>()?;
        training::square_sum(&self.gpu, &slots)
    }

    fn update(
        &mut self,
        number: usize,
        gradient: &dyn DeviceArray,
        memory: &mut [Option<Box<dyn DeviceArray>>; 2],
        update: &Update,
    ) -> Result<()> {
        let mut slots = [None, None];
        for (slot, held) in slots.iter_mut().zip(memory.iter()) {
            *slot = held.as_ref().map(|held| own(&self.gpu, &**held).cloned()).transpose()?;
        }
        let value = self.weights.trained(&self.gpu, &self.graph)?[number].clone();
        training::descend(&self.gpu, &value, own(&self.gpu, gradient)?, &mut slots, update)?;
        for (held, slot) in memory.iter_mut().zip(slots) {
            if held.is_none() {
                *held = slot.map(|slot| -> Box<dyn DeviceArray> { Box::new(GpuArray::new(&self.gpu, slot)) });
            }
        }
        self.weights.change();
        self.pool.count_update();
        Ok(())
    }

    fn most_started(&self) -> usize {
        MOST_STARTED
    }

    fn stage_times(&mut self, input: &Array) -> Result<StageTimes> {
        let gpu = self.gpu.clone();
        let weight_bytes = self.weights.bytes() as usize;
        let plan = self.plan(input)?;
        // The first run's memory is fresh.
        Box::new(plan.submit(&gpu, input, Watch::unwatched())?).finish(Watch::unwatched())?;
        let stages = plan.step_seconds(&gpu, input)?;
        Ok(StageTimes { instructions: "WGSL", stages, weight_bytes, map_bytes: plan.map_bytes as usize })
    }

    fn training_stage_times(&mut self, input: &Array, _: TrainingOptions) -> Result<StageTimes> {
        let (stages, bytes) = training::stage_seconds(&self.gpu, &self.graph, &mut self.weights, input)?;
        Ok(StageTimes { instructions: "WGSL", stages, weight_bytes: 0, map_bytes: bytes as usize })
    }

    fn lose_device_after(&mut self, inferences: usize) {
        // Other networks share the device; one of its own is destroyed.
        if let Ok(own) = self.gpu.another() {
            let parameters = self.weights.now(&self.gpu).unwrap_or_else(|_| self.weights.parameters.clone());
            (self.weights, self.pool) = (Resident::sharing(parameters), PlanPool::default());
            (self.gpu, self.fails_after) = (Arc::new(own), Some(inferences));
            self.plans.clear();
        }
    }
}
