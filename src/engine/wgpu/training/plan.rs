//! A compiled training pass.

use std::sync::Arc;

use super::super::arena::Slot;
use super::super::gpu::Gpu;
use super::super::resident::as_bytes;
use super::super::steps::Steps;
use crate::engine::array::Array;
use crate::engine::dropout::Masks;
use crate::engine::error::Result;
use crate::work::Watch;

/// What a dropout keeps.
pub struct Mask {
    /// Where it goes.
    pub slot: Slot,
    /// Its values.
    pub count: usize,
    /// Share of them that is taken away.
    pub share: f64,
}

/// Calls of both ways, and where what others see of them lies.
pub struct TrainingPlan {
    /// From the image to the results.
    pub forward: Steps,
    /// From the results' gradients to those of parameters and image.
    pub backward: Steps,
    /// Where the image goes.
    pub input: Slot,
    /// The results and their shapes, between the two.
    pub outputs: Vec<(Slot, Vec<usize>)>,
    /// Inner results by name, and their shapes, between the two.
    pub taps: Vec<(String, Slot, Vec<usize>)>,
    /// What dropout keeps, in the order of the nodes.
    pub masks: Vec<Mask>,
    /// Where gradients of results go, and of which.
    pub output_gradients: Vec<(Slot, Vec<usize>)>,
    /// The image's gradient, where it is made.
    pub input_gradient: Option<Slot>,
    /// Gradients of parameters, in the graph's order; `None` where nothing depends on one.
    pub parameter_gradients: Vec<Option<Slot>>,
    /// Bytes of everything but the parameters.
    pub bytes: u64,
}

impl TrainingPlan {
    /// Puts an image and what dropout keeps on the device.
    fn fill(&self, gpu: &Gpu, input: &Array, masks: &mut Masks) {
        gpu.queue.write_buffer(&self.input.buffer, 0, &as_bytes(&input.values));
        for mask in &self.masks {
            gpu.queue.write_buffer(&mask.slot.buffer, 0, &as_bytes(&masks.next(mask.count, mask.share)));
        }
    }

    /// Hands the way forth to the device.
    ///
    /// # Errors
    /// When the device refuses, or the work is stopped.
    pub fn go(&self, gpu: &Gpu, input: &Array, mut masks: Masks, watch: Watch) -> Result<()> {
        gpu.watched(|| {
            self.fill(gpu, input, &mut masks);
            self.forward.submit(gpu, watch, |_| ())
        })
    }

    /// Hands the way back to the device.
    ///
    /// # Errors
    /// When the device refuses, or the work is stopped.
    pub fn go_back(&self, gpu: &Gpu, gradients: &[Array], watch: Watch) -> Result<()> {
        gpu.watched(|| {
            self.give_back(gpu, gradients);
            self.backward.submit(gpu, watch, |_| ())
        })
    }

    /// Puts the gradients of results on the device; those of one result that is named several times are added up.
    fn give_back(&self, gpu: &Gpu, gradients: &[Array]) {
        for (slot, numbers) in &self.output_gradients {
            let mut sum: Vec<f32> = Vec::new();
            for gradient in numbers.iter().filter_map(|&n| gradients.get(n)) {
                if sum.is_empty() {
                    sum.clone_from(&gradient.values);
                } else {
                    sum.iter_mut().zip(&gradient.values).for_each(|(sum, more)| *sum += more);
                }
            }
            gpu.queue.write_buffer(&slot.buffer, 0, &as_bytes(&sum));
        }
    }

    /// Name, work and seconds of every call of both ways, each run by itself.
    ///
    /// # Errors
    /// When the device fails.
    pub fn stage_seconds(&self, gpu: &Arc<Gpu>, input: &Array) -> Result<Vec<(String, f64)>> {
        gpu.watched(|| {
            self.fill(gpu, input, &mut Masks::default());
            let mut stages = self.forward.seconds(gpu)?;
            let zeros: Vec<Array> = self.outputs.iter().map(|(_, shape)| Array::zeros(shape)).collect();
            self.give_back(gpu, &zeros);
            stages.extend(
                self.backward.seconds(gpu)?.into_iter().map(|(name, seconds)| (format!("back {name}"), seconds)),
            );
            Ok(stages)
        })
    }
}
