//! Training on the CPU: the forward and the backward pass of a graph, compiled for one batch size and input size.
//!
//! The same maps and kernels as for inference; every value and every gradient has its place in one arena, whose size is
//! known before anything runs. Weights are packed anew on every pass, because they change. Gradients of 3x3 convolutions
//! run by Winograd's algorithm in all three directions.
//!
//! **Invariant:** the same pass on the same number of threads gives the same bits.

mod backward;
mod compile;
mod forward;
pub mod gradients;
pub mod kernel_step;
pub mod pack;
mod places;
mod schedule;
#[cfg(test)]
mod tests;
pub mod tile_outer;
mod units;

use super::Options;
use super::memory::{Aligned, Map};
use super::norm::{MEAN, RECORD, VARIANCE};
use super::pointwise::read_map;
use super::run::{Shared, Stage, run_team};
use crate::work::memory;
use crate::work::{Stopped, Watch};

use crate::engine::cpu::simd::{LANES, Portable};

pub use compile::compile;

/// Statistics of a batch norm that a forward pass found.
pub struct RunningStatistics {
    /// Parameter that holds the running mean.
    pub mean: usize,
    /// Parameter that holds the running variance.
    pub variance: usize,
    /// Share of the new ones.
    pub momentum: f64,
    records: usize,
    channels: usize,
}

/// What becomes of a parameter's gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gradient {
    /// Nothing depends on the parameter, or it is not trained.
    None,
    /// It is known to be zero.
    Zero,
    /// Steps write all of it.
    Stored,
}

/// What a pass is to give beside the gradients of parameters, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The image's gradient too.
    pub input_gradient: bool,
    /// What becomes of inner results.
    pub activations: Activations,
}

/// What becomes of inner results until the way back needs them. The gradients are the same bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activations {
    /// They are kept.
    #[default]
    Kept,
    /// They are computed again: less memory, more time.
    Recomputed,
}

/// A training pass for inputs of one size.
pub struct TrainingPlan {
    forward: Vec<Stage>,
    backward: Vec<Stage>,
    /// Floats of the arena.
    floats: usize,
    /// There while a pass or its memory lives.
    arena: Option<Aligned>,
    outputs: Vec<Map>,
    taps: Vec<(String, Map)>,
    statistics: Vec<RunningStatistics>,
    /// What becomes of every parameter's gradient, and its floats.
    gradients: Vec<(Gradient, usize)>,
    /// The last parameters of the plan are these again, for operations that share them.
    copies: Vec<usize>,
    /// Floats of the image.
    input_len: usize,
    wanted: Wanted,
    options: Options,
}

/// Gradients of a pass.
pub struct PlanGradients {
    /// By parameter; `None` where nothing depends on it.
    pub parameters: Vec<Option<Vec<f32>>>,
    /// Of the image, where it was asked for.
    pub input: Option<Vec<f32>>,
}

impl TrainingPlan {
    /// Bytes of all maps, gradients and scratch space; weights and their gradients not counted.
    pub fn memory_bytes(&self) -> usize {
        self.floats * size_of::<f32>()
    }

    /// Whether the memory of its maps is still to be taken.
    pub fn has_no_arena(&self) -> bool {
        self.arena.is_none()
    }

    /// Shapes `[batch, channels, height, width]` of the outputs.
    pub fn output_shapes(&self) -> Vec<[usize; 4]> {
        self.outputs.iter().map(shape).collect()
    }

    /// What it was compiled for.
    pub fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// The forward pass of an image `[batch, channels, height, width]` with all parameters in the graph's order. A stop is
    /// noticed after every stage; `ended` is told the stage's number.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn forward(
        &mut self,
        parameters: &[&[f32]],
        input: &[f32],
        watch: Watch,
        ended: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<f32>>, Stopped> {
        let parameters = &self.with_copies(parameters)[..];
        self.check_parameters(parameters);
        assert!(input.len() == self.input_len, "an image of {} values, not {}", input.len(), self.input_len);
        let mut inputs = parameters.to_vec();
        inputs.push(input);
        let mut results: Vec<Vec<f32>> =
            self.output_shapes().iter().map(|shape| memory::zeros(shape.iter().product())).collect();
        let outputs: Vec<Shared> = results.iter_mut().map(|values| Shared(values.as_mut_ptr())).collect();
        let floats = self.floats;
        let arena = self.arena.get_or_insert_with(|| Aligned::zeros(floats));
        // SAFETY: the compiler placed all maps inside the arena, arrays have their shapes, and the set was found on this
        // processor.
        unsafe { run_team(&self.forward, arena, &inputs, &outputs, &self.options, watch, ended) }?;
        Ok(results)
    }

    /// The backward pass that follows [`TrainingPlan::forward`] with the same parameters, from the gradients of the outputs.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn backward(
        &mut self,
        parameters: &[&[f32]],
        output_gradients: &[&[f32]],
        watch: Watch,
        ended: &mut dyn FnMut(usize),
    ) -> Result<PlanGradients, Stopped> {
        let parameters = &self.with_copies(parameters)[..];
        self.check_parameters(parameters);
        let lens = self.output_shapes().into_iter().map(|shape| shape.iter().product::<usize>());
        let fit = output_gradients.iter().map(|g| g.len()).eq(lens);
        assert!(fit, "gradients that are not those of the outputs");
        let mut inputs = parameters.to_vec();
        inputs.push(&[]);
        inputs.extend(output_gradients);
        let room = |&(gradient, len): &(Gradient, usize)| match gradient {
            Gradient::None => None,
            Gradient::Zero => Some(memory::zeros(len)),
            Gradient::Stored => {
                memory::must_have::<f32>(len);
                Some(Vec::with_capacity(len))
            }
        };
        let mut found: Vec<Option<Vec<f32>>> = self.gradients.iter().map(room).collect();
        let mut image = memory::zeros(if self.wanted.input_gradient { self.input_len } else { 0 });
        let address =
            |values: &mut Option<Vec<f32>>| Shared(values.as_mut().map_or(std::ptr::null_mut(), Vec::as_mut_ptr));
        let mut outputs: Vec<Shared> = found.iter_mut().map(address).collect();
        outputs.push(Shared(image.as_mut_ptr()));
        let floats = self.floats;
        let arena = self.arena.get_or_insert_with(|| Aligned::zeros(floats));
        // SAFETY: as above.
        unsafe { run_team(&self.backward, arena, &inputs, &outputs, &self.options, watch, ended) }?;
        for (values, &(gradient, len)) in found.iter_mut().zip(&self.gradients) {
            if let (Some(values), Gradient::Stored) = (values, gradient) {
                // SAFETY: there is room, and the steps have written every value.
                unsafe { values.set_len(len) };
            }
        }
        for (copy, &of) in found.split_off(found.len() - self.copies.len()).into_iter().zip(&self.copies) {
            match (&mut found[of], copy) {
                (Some(sum), Some(more)) => sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more),
                (none @ None, more) => *none = more,
                (Some(_), None) => {}
            }
        }
        Ok(PlanGradients { parameters: found, input: self.wanted.input_gradient.then_some(image) })
    }

    /// The parameters of the graph, and those again that operations share.
    fn with_copies<'a>(&self, parameters: &[&'a [f32]]) -> Vec<&'a [f32]> {
        let copies = self.copies.iter().filter_map(|&of| parameters.get(of));
        parameters.iter().chain(copies).copied().collect()
    }

    /// What the kernels' safety rests on.
    fn check_parameters(&self, parameters: &[&[f32]]) {
        let fit = parameters.iter().map(|p| p.len()).eq(self.gradients.iter().map(|&(_, len)| len));
        assert!(fit, "parameters that are not those of the graph");
    }

    /// What every stage of both passes does.
    pub fn stage_names(&self) -> [Vec<String>; 2] {
        [&self.forward, &self.backward].map(|stages| stages.iter().map(|stage| stage.step.name()).collect())
    }

    /// Means and variances of the batch norms after a forward pass, with the parameters they go to.
    pub fn statistics(&self) -> impl Iterator<Item = (&RunningStatistics, Vec<f32>, Vec<f32>)> {
        let arena = self.arena.as_ref().map_or(&[][..], Aligned::as_slice);
        self.statistics.iter().map(move |of| {
            let get = |place: usize, channel: usize| {
                let record = of.records + channel / LANES * RECORD;
                arena.get(record + place * LANES + channel % LANES).copied().unwrap_or(0.0)
            };
            let all = |place: usize| (0..of.channels).map(|channel| get(place, channel)).collect();
            (of, all(MEAN), all(VARIANCE))
        })
    }

    /// Inner results by name, after a forward pass and before the backward one.
    pub fn tap(&self, name: &str) -> Option<([usize; 4], Vec<f32>)> {
        let (_, map) = self.taps.iter().find(|(tap, _)| tap == name)?;
        let arena = self.arena.as_ref()?;
        let mut values = vec![0.0; shape(map).iter().product()];
        // SAFETY: the map lies in the arena, and nobody writes it now.
        unsafe { read_map::<Portable>(arena.as_slice().as_ptr(), map, &mut values) };
        Some((shape(map), values))
    }
}

fn shape(map: &Map) -> [usize; 4] {
    [map.batch, map.channels, map.size[0], map.size[1]]
}
