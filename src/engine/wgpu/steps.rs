//! Calls of shaders that a device can run, and how they are handed to it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use wgpu::{BindGroup, CommandEncoder, CommandEncoderDescriptor, ComputePassDescriptor, ComputePipeline, PollType};

use super::gpu::Gpu;
use crate::engine::error::{EngineError, Result};
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

/// Calls in their order.
pub struct Steps(pub Vec<Step>);

impl Steps {
    /// Hands them to the device, with what is to be done behind them, after what it was given before.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn submit(&self, gpu: &Gpu, watch: Watch, behind: impl FnOnce(&mut CommandEncoder)) -> Result<()> {
        let most_work = if gpu.is_software { MOST_WORK_OF_SOFTWARE } else { MOST_WORK };
        let mut behind = Some(behind);
        for part in self.parts(most_work) {
            watch.check()?;
            let mut encoder = gpu.device.create_command_encoder(&CommandEncoderDescriptor::default());
            self.encode(&mut encoder, part.clone());
            if part.end == self.0.len()
                && let Some(behind) = behind.take()
            {
                behind(&mut encoder);
            }
            gpu.queue.submit([encoder.finish()]);
        }
        Ok(())
    }

    /// Name with work, and seconds, of every call, each run by itself.
    ///
    /// # Errors
    /// When the device fails.
    pub fn seconds(&self, gpu: &Arc<Gpu>) -> Result<Vec<(String, f64)>> {
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
        self.0.iter().enumerate().map(|(n, step)| seconds(n, step)).collect()
    }

    /// Calls that are handed in together.
    fn parts(&self, most_work: usize) -> Vec<Range<usize>> {
        let (mut parts, mut start, mut work) = (Vec::new(), 0, 0);
        for (n, step) in self.0.iter().enumerate() {
            work += step.work;
            if work >= most_work {
                parts.push(start..n + 1);
                (start, work) = (n + 1, 0);
            }
        }
        if start < self.0.len() || parts.is_empty() {
            parts.push(start..self.0.len());
        }
        parts
    }

    fn encode(&self, encoder: &mut CommandEncoder, part: Range<usize>) {
        let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
        for step in &self.0[part] {
            pass.set_pipeline(&step.pipeline);
            pass.set_bind_group(0, &step.group, &[step.offset]);
            let [x, y, z] = step.groups;
            pass.dispatch_workgroups(x, y, z);
        }
    }
}
