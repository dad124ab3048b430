//! A compiled network: calls of shaders in their order, for one batch and size.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use wgpu::{
    BindGroup, Buffer, BufferDescriptor, BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor,
    ComputePipeline, MapMode, PollType,
};

use super::arena::Slot;
use super::gpu::Gpu;
use super::resident::as_bytes;
use super::waiting::NAP;
use crate::engine::array::Array;
use crate::engine::error::{EngineError, Result};
use crate::engine::executor::Pending;
use crate::work::Watch;

/// Multiply-adds handed to the device at a time: systems end what keeps a device for seconds, and a window on it would stand still.
const MOST_WORK: usize = 4_000_000_000;

/// The same for software, which is slow and may work while it is handed in; a stop is noticed in between.
const MOST_WORK_OF_SOFTWARE: usize = 50_000_000;

/// A call of a shader.
pub struct Step {
    /// The shader.
    pub name: &'static str,
    /// The shader, compiled.
    pub pipeline: ComputePipeline,
    /// What it is given.
    pub group: BindGroup,
    /// Where its sizes are.
    pub offset: u32,
    /// Groups of threads.
    pub groups: [u32; 3],
    /// Multiply-adds.
    pub work: usize,
}

/// A compiled network.
pub struct Plan {
    /// The calls.
    pub steps: Vec<Step>,
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
            let bytes = self.outputs.iter().map(|(slot, _)| slot.bytes).sum();
            let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
            let results = gpu.device.create_buffer(&BufferDescriptor {
                label: Some("results"),
                size: bytes,
                usage,
                mapped_at_creation: false,
            });
            let most_work = if gpu.is_software { MOST_WORK_OF_SOFTWARE } else { MOST_WORK };
            for part in &self.parts(most_work) {
                watch.check()?;
                let mut encoder = gpu.device.create_command_encoder(&CommandEncoderDescriptor::default());
                self.encode(&mut encoder, part.clone());
                if part.end == self.steps.len() {
                    self.copy_results(&mut encoder, &results);
                }
                gpu.queue.submit([encoder.finish()]);
            }
            let state = Arc::new(AtomicU8::new(WORKING));
            let told = state.clone();
            results.slice(..).map_async(MapMode::Read, move |mapped| {
                told.store(if mapped.is_ok() { DONE } else { FAILED }, Ordering::Release);
            });
            let shapes = self.outputs.iter().map(|(_, shape)| shape.clone()).collect();
            Ok(Running { gpu: gpu.clone(), results, shapes, state })
        })
    }

    /// Name, work and seconds of every step, each run by itself.
    ///
    /// # Errors
    /// When the device fails.
    pub fn step_seconds(&self, gpu: &Arc<Gpu>, input: &Array) -> Result<Vec<(String, f64)>> {
        gpu.watched(|| {
            gpu.queue.write_buffer(&self.input.buffer, 0, &as_bytes(&input.values));
            let seconds = |n: usize, step: &Step| {
                let started = Instant::now();
                let mut encoder = gpu.device.create_command_encoder(&CommandEncoderDescriptor::default());
                self.encode(&mut encoder, n..n + 1);
                gpu.queue.submit([encoder.finish()]);
                let waited = gpu.device.poll(PollType::wait_indefinitely());
                waited.map_err(|error| EngineError::failed(error.to_string()))?;
                let millions = step.work as f64 / 1e6;
                Ok((format!("{n} {} ({millions:.2} M multiply-adds)", step.name), started.elapsed().as_secs_f64()))
            };
            self.steps.iter().enumerate().map(|(n, step)| seconds(n, step)).collect()
        })
    }

    /// Steps that are handed in together.
    fn parts(&self, most_work: usize) -> Vec<Range<usize>> {
        let (mut parts, mut start, mut work) = (Vec::new(), 0, 0);
        for (n, step) in self.steps.iter().enumerate() {
            work += step.work;
            if work >= most_work {
                parts.push(start..n + 1);
                (start, work) = (n + 1, 0);
            }
        }
        if start < self.steps.len() || parts.is_empty() {
            parts.push(start..self.steps.len());
        }
        parts
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder, part: Range<usize>) {
        let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
        for step in &self.steps[part] {
            pass.set_pipeline(&step.pipeline);
            pass.set_bind_group(0, &step.group, &[step.offset]);
            let [x, y, z] = step.groups;
            pass.dispatch_workgroups(x, y, z);
        }
    }

    fn copy_results(&self, encoder: &mut wgpu::CommandEncoder, results: &Buffer) {
        let mut start = 0;
        for (slot, _) in &self.outputs {
            encoder.copy_buffer_to_buffer(&slot.buffer, 0, results, start, slot.bytes);
            start += slot.bytes;
        }
    }
}

const WORKING: u8 = 0;
const DONE: u8 = 1;
const FAILED: u8 = 2;

/// A run that the device works on.
pub struct Running {
    gpu: Arc<Gpu>,
    results: Buffer,
    shapes: Vec<Vec<usize>>,
    state: Arc<AtomicU8>,
}

impl Pending for Running {
    fn finish(self: Box<Self>, watch: Watch) -> Result<Vec<Array>> {
        while self.state.load(Ordering::Acquire) == WORKING {
            watch.check()?;
            self.gpu.device.poll(PollType::Poll).map_err(|error| EngineError::failed(error.to_string()))?;
            self.gpu.health.check()?;
            if self.state.load(Ordering::Acquire) == WORKING {
                std::thread::sleep(NAP);
            }
        }
        self.gpu.health.check()?;
        if self.state.load(Ordering::Acquire) == FAILED {
            return Err(EngineError::failed("the results could not be read from the device"));
        }
        let mapped = self.results.slice(..).get_mapped_range();
        let mapped = mapped.map_err(|error| EngineError::failed(error.to_string()))?;
        let (numbers, _) = mapped.as_chunks::<{ size_of::<f32>() }>();
        let mut numbers = numbers.iter().map(|bytes| f32::from_ne_bytes(*bytes));
        let arrays = self.shapes.iter().map(|shape| {
            let count = shape.iter().product();
            Array::new(shape.clone(), numbers.by_ref().take(count).collect())
        });
        Ok(arrays.collect())
    }
}
