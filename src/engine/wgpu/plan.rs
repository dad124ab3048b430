//! A compiled network: calls of shaders in their order, for one batch and size.

use std::sync::Arc;

use super::arena::Slot;
use super::gpu::Gpu;
use super::reading::Reading;
use super::resident::as_bytes;
use super::steps::Steps;
use crate::engine::array::Array;
use crate::engine::error::Result;
use crate::engine::executor::Pending;
use crate::work::Watch;

/// A compiled network.
pub struct Plan {
    /// The calls.
    pub steps: Steps,
    /// Where the image goes.
    pub input: Slot,
    /// The results and their shapes.
    pub outputs: Vec<(Slot, Vec<usize>)>,
    /// Bytes of all maps.
    pub map_bytes: u64,
}

impl Plan {
    /// Hands a run to the device, which works on it after those before it.
    ///
    /// # Errors
    /// When the device refuses, or the work is stopped.
    pub fn submit(&self, gpu: &Arc<Gpu>, input: &Array, watch: Watch) -> Result<Running> {
        gpu.watched(|| {
            gpu.queue.write_buffer(&self.input.buffer, 0, &as_bytes(&input.values));
            let slots: Vec<&Slot> = self.outputs.iter().map(|(slot, _)| slot).collect();
            let reading = Reading::new(gpu, &slots);
            self.steps.submit(gpu, watch, |encoder| reading.copy(encoder, &slots))?;
            reading.ask();
            let shapes = self.outputs.iter().map(|(_, shape)| shape.clone()).collect();
            Ok(Running { reading, shapes })
        })
    }

    /// Name, work and seconds of every step, each run by itself.
    ///
    /// # Errors
    /// When the device fails.
    pub fn step_seconds(&self, gpu: &Arc<Gpu>, input: &Array) -> Result<Vec<(String, f64)>> {
        gpu.watched(|| {
            gpu.queue.write_buffer(&self.input.buffer, 0, &as_bytes(&input.values));
            self.steps.seconds(gpu)
        })
    }
}

/// A run that the device works on.
pub struct Running {
    reading: Reading,
    shapes: Vec<Vec<usize>>,
}

impl Pending for Running {
    fn finish(self: Box<Self>, watch: Watch) -> Result<Vec<Array>> {
        let values = self.reading.finish(watch)?;
        Ok(self.shapes.iter().zip(values).map(|(shape, values)| Array::new(shape.clone(), values)).collect())
    }
}
