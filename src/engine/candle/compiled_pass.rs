//! Training passes through a compiled plan, which the network lends to the pass and takes back when that ends.

use std::sync::{Arc, Mutex};

use candle_core::{Result, Tensor, Var};

use super::in_place::blend;
use super::kernel_op::with_values;
use super::tape::Found;
use crate::engine;
use crate::engine::cpu::compiled::Options;
use crate::engine::cpu::compiled::training::{TrainingPlan, Wanted, compile};
use crate::graph::{Graph, GraphError};
use crate::work::Watch;
use crate::work::memory::ensure;

/// Batch, height and width.
type Key = [usize; 3];

/// The plan of the last training pass, while no pass uses it.
#[derive(Clone, Default)]
pub struct Lender(Arc<Mutex<Option<(Key, TrainingPlan)>>>);

/// A plan in use; it goes back when this ends.
pub struct Lent {
    key: Key,
    plan: Option<TrainingPlan>,
    lender: Lender,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(plan), Ok(mut slot)) = (self.plan.take(), self.lender.0.lock()) {
            *slot = Some((self.key, plan));
        }
    }
}

impl Lender {
    /// The plan for this size, compiled where there is none; `None` where the graph cannot be compiled.
    ///
    /// # Errors
    /// Where maps do not fit together for this size.
    pub fn lend(
        &self,
        graph: &Graph,
        key: Key,
        wanted: Wanted,
        options: &Options,
    ) -> std::result::Result<Option<Lent>, GraphError> {
        let kept = self.0.lock().ok().and_then(|mut slot| slot.take());
        let fits = |(of, plan): &(Key, TrainingPlan)| *of == key && plan.wanted() == wanted;
        let plan = match kept.filter(fits) {
            Some((_, plan)) => Some(plan),
            None => compile(graph, key[0], [key[1], key[2]], wanted, options)?,
        };
        Ok(plan.map(|plan| Lent { key, plan: Some(plan), lender: self.clone() }))
    }
}

fn detached(variables: &[Var]) -> Vec<Tensor> {
    variables.iter().map(Var::as_detached_tensor).collect()
}

impl Lent {
    fn plan(&mut self) -> Result<&mut TrainingPlan> {
        self.plan.as_mut().ok_or_else(|| candle_core::Error::Msg("the plan is gone".into()))
    }

    /// The results of an image; running statistics move.
    pub fn forward(&mut self, variables: &[Var], input: &[f32], watch: Watch) -> engine::Result<Vec<Tensor>> {
        let plan = self.plan()?;
        if plan.has_no_arena() {
            ensure::<f32>(plan.memory_bytes() / size_of::<f32>()).map_err(candle_core::Error::wrap)?;
        }
        let tensors = detached(variables);
        let results = with_values(&tensors, |values| plan.forward(values, input, watch, &mut |_| {}))??;
        for (of, mean, variance) in plan.statistics() {
            let share = of.momentum as f32;
            for (id, new) in [(of.mean, mean), (of.variance, variance)] {
                let new = Tensor::from_vec(new, tensors[id].shape(), tensors[id].device())?;
                blend(&tensors[id], &new, |old, new| old * (1.0 - share) + new * share)?;
            }
        }
        let shapes = plan.output_shapes();
        let results = shapes.into_iter().zip(results);
        let tensor = |(shape, values): ([usize; 4], _)| Tensor::from_vec(values, &shape, &candle_core::Device::Cpu);
        Ok(results.map(tensor).collect::<Result<_>>()?)
    }

    /// Name and seconds of every stage of a step with the results as their own gradient, and the bytes of all maps.
    pub fn stage_times(&mut self, variables: &[Var], input: &[f32]) -> engine::Result<(Vec<(String, f64)>, usize)> {
        let plan = self.plan()?;
        let [forward, backward] = plan.stage_names();
        let tensors = detached(variables);
        let mut stages = Vec::new();
        for round in 0..2 {
            let mut ends = Vec::new();
            let mut started = std::time::Instant::now();
            let mut ended = |_: usize| ends.push(started.elapsed().as_secs_f64());
            let results = with_values(&tensors, |values| plan.forward(values, input, Watch::unwatched(), &mut ended))??;
            let forward_ends = std::mem::take(&mut ends);
            started = std::time::Instant::now();
            let mut ended = |_: usize| ends.push(started.elapsed().as_secs_f64());
            let views: Vec<&[f32]> = results.iter().map(Vec::as_slice).collect();
            with_values(&tensors, |values| plan.backward(values, &views, Watch::unwatched(), &mut ended))??;
            // The first round's memory is fresh.
            if round == 1 {
                for (names, ends) in [(&forward, &forward_ends), (&backward, &ends)] {
                    let starts = std::iter::once(0.0).chain(ends.iter().copied());
                    let times = ends.iter().zip(starts).map(|(end, start)| end - start);
                    stages.extend(names.iter().cloned().zip(times));
                }
            }
        }
        Ok((stages, plan.memory_bytes()))
    }

    /// An inner result by name.
    pub fn tap(&self, name: &str) -> Option<([usize; 4], Vec<f32>)> {
        self.plan.as_ref()?.tap(name)
    }

    /// All gradients from those of the outputs.
    pub fn backward(
        mut self,
        graph: &Graph,
        variables: &[Var],
        outputs: &[&[f32]],
        input: &[usize],
        watch: Watch,
    ) -> engine::Result<Found> {
        let plan = self.plan()?;
        let found = with_values(&detached(variables), |values| plan.backward(values, outputs, watch, &mut |_| {}))??;
        let tensor = |values: Vec<f32>, shape: &[usize]| Tensor::from_vec(values, shape, &candle_core::Device::Cpu);
        let mut parameters = Vec::with_capacity(found.parameters.len());
        for (parameter, values) in graph.parameters.iter().zip(found.parameters) {
            parameters.push(values.map(|values| tensor(values, &parameter.shape)).transpose()?);
        }
        Ok(Found { input: found.input.map(|values| tensor(values, input)).transpose()?, parameters })
    }
}
