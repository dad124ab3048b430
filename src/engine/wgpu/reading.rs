//! Values that are on their way from a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use wgpu::{Buffer, BufferDescriptor, BufferUsages, CommandEncoder, CommandEncoderDescriptor, MapMode, PollType};

use super::arena::Slot;
use super::gpu::Gpu;
use super::waiting::NAP;
use crate::engine::error::{EngineError, Result};
use crate::work::Watch;

const WORKING: u8 = 0;
const DONE: u8 = 1;
const FAILED: u8 = 2;

/// Arrays of a device that are copied to where they can be read.
pub struct Reading {
    gpu: Arc<Gpu>,
    copies: Buffer,
    lens: Vec<usize>,
    state: Arc<AtomicU8>,
}

impl Reading {
    /// Room for arrays.
    pub fn new(gpu: &Arc<Gpu>, slots: &[&Slot]) -> Self {
        let copies = gpu.device.create_buffer(&BufferDescriptor {
            label: Some("results"),
            size: slots.iter().map(|slot| slot.bytes).sum(),
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let lens = slots.iter().map(|slot| slot.bytes as usize / size_of::<f32>()).collect();
        Self { gpu: gpu.clone(), copies, lens, state: Arc::new(AtomicU8::new(WORKING)) }
    }

    /// Copies the arrays behind what was encoded.
    pub fn copy(&self, encoder: &mut CommandEncoder, slots: &[&Slot]) {
        let mut start = 0;
        for slot in slots {
            encoder.copy_buffer_to_buffer(&slot.buffer, 0, &self.copies, start, slot.bytes);
            start += slot.bytes;
        }
    }

    /// Asks for the copies once the device has made them.
    pub fn ask(&self) {
        let told = self.state.clone();
        self.copies.slice(..).map_async(MapMode::Read, move |mapped| {
            told.store(if mapped.is_ok() { DONE } else { FAILED }, Ordering::Release);
        });
    }

    /// Waits for the values. A stop is noticed at once.
    ///
    /// # Errors
    /// When the device fails or the work is stopped.
    pub fn finish(&self, watch: Watch) -> Result<Vec<Vec<f32>>> {
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
        let mapped = self.copies.slice(..).get_mapped_range();
        let mapped = mapped.map_err(|error| EngineError::failed(error.to_string()))?;
        let (numbers, _) = mapped.as_chunks::<{ size_of::<f32>() }>();
        let mut numbers = numbers.iter().map(|bytes| f32::from_ne_bytes(*bytes));
        Ok(self.lens.iter().map(|&count| numbers.by_ref().take(count).collect()).collect())
    }
}

/// The values of arrays, once the device has done what it was given.
///
/// # Errors
/// When the device fails.
pub fn read(gpu: &Arc<Gpu>, slots: &[&Slot]) -> Result<Vec<Vec<f32>>> {
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    let reading = gpu.watched(|| {
        let reading = Reading::new(gpu, slots);
        let mut encoder = gpu.device.create_command_encoder(&CommandEncoderDescriptor::default());
        reading.copy(&mut encoder, slots);
        gpu.queue.submit([encoder.finish()]);
        reading.ask();
        Ok(reading)
    })?;
    reading.finish(Watch::unwatched())
}
