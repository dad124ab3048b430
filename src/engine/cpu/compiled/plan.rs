//! A network ready to run on inputs of one size.

use super::memory::Aligned;
use super::options::Options;
use super::run::run_team;
use super::step::{SharedPointer, Stage};
use crate::work::{Stopped, Watch};

/// A network ready to run on inputs of one size.
pub struct Plan {
    pub(super) stages: Vec<Stage>,
    /// Shapes `[batch, channels, height, width]`.
    pub(super) outputs: Vec<[usize; 4]>,
    /// Floats of the image.
    pub(super) input_len: usize,
    pub(super) arena: Aligned,
    pub(super) options: Options,
    pub(super) weight_bytes: usize,
}

impl Plan {
    /// Bytes of packed weights and of the arena.
    pub fn memory_bytes(&self) -> [usize; 2] {
        [self.weight_bytes, self.arena.len() * 4]
    }

    /// Shapes `[batch, channels, height, width]` of the outputs.
    pub fn output_shapes(&self) -> Vec<[usize; 4]> {
        self.outputs.clone()
    }

    /// Runs the image `[batch, channels, height, width]` that the plan was made for; a stop is noticed after every stage.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn run(&mut self, input: &[f32], watch: Watch) -> Result<Vec<Vec<f32>>, Stopped> {
        self.run_timed(input, watch, &mut |_| {})
    }

    /// As [`Plan::run`]; `ended` is told the number of every stage when all threads have done it.
    ///
    /// # Errors
    /// As there.
    pub fn run_timed(
        &mut self,
        input: &[f32],
        watch: Watch,
        ended: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<f32>>, Stopped> {
        assert!(input.len() == self.input_len, "an image of {} values, not {}", input.len(), self.input_len);
        let shapes = self.output_shapes();
        let mut results: Vec<Vec<f32>> =
            shapes.iter().map(|shape| crate::work::memory::zeros(shape.iter().product())).collect();
        let outputs: Vec<SharedPointer> = results.iter_mut().map(|values| SharedPointer(values.as_mut_ptr())).collect();
        let Self { stages, arena, options, .. } = self;
        // SAFETY: the compiler placed all maps inside the arena, the outputs have their shapes, and the set was found on
        // this processor.
        unsafe { run_team(stages, arena, &[input], &outputs, options, watch, ended) }?;
        Ok(results)
    }

    /// What every stage does.
    pub fn stage_names(&self) -> Vec<String> {
        self.stages.iter().map(Stage::name).collect()
    }
}
