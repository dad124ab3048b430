//! Memory of a plan's maps: what is no longer read is given to later maps.

use wgpu::Buffer;

use super::gpu::Gpu;
use crate::engine::error::{EngineError, Result};

/// Values on a device: a buffer, of which the first bytes count.
#[derive(Clone)]
pub struct Slot {
    /// Where they lie.
    pub buffer: Buffer,
    /// Bytes that count.
    pub bytes: u64,
}

/// Buffers of a plan.
pub struct Arena<'a> {
    gpu: &'a Gpu,
    free: Vec<Buffer>,
    /// Bytes of all buffers.
    pub bytes: u64,
}

impl<'a> Arena<'a> {
    /// No memory yet.
    pub fn new(gpu: &'a Gpu) -> Self {
        Self { gpu, free: Vec::new(), bytes: 0 }
    }

    /// Memory for so many values: the smallest buffer that is free and large enough, or a new one. `scope` names the operation.
    ///
    /// # Errors
    /// Where a shader cannot be given as much at a time.
    pub fn take(&mut self, values: usize, scope: &str) -> Result<Slot> {
        let bytes = check_bytes(self.gpu, values, scope)?;
        let fitting = (0..self.free.len()).filter(|&n| self.free[n].size() >= bytes);
        if let Some(n) = fitting.min_by_key(|&n| self.free[n].size()) {
            return Ok(Slot { buffer: self.free.swap_remove(n), bytes });
        }
        self.bytes += bytes;
        Ok(Slot { buffer: self.gpu.buffer(bytes), bytes })
    }

    /// Memory that nothing else gets.
    ///
    /// # Errors
    /// As [`Arena::take`].
    pub fn keep(&mut self, values: usize, scope: &str) -> Result<Slot> {
        let bytes = check_bytes(self.gpu, values, scope)?;
        self.bytes += bytes;
        Ok(Slot { buffer: self.gpu.buffer(bytes), bytes })
    }

    /// A map that nothing reads any more.
    pub fn give(&mut self, slot: Slot) {
        self.free.push(slot.buffer);
    }
}

/// Bytes of so many values, where a shader can be given them at a time.
///
/// # Errors
/// Where it cannot.
pub fn check_bytes(gpu: &Gpu, values: usize, scope: &str) -> Result<u64> {
    let bytes = values as u64 * size_of::<f32>() as u64;
    let most = gpu.limits.max_storage_buffer_binding_size.min(gpu.limits.max_buffer_size);
    if bytes <= most {
        return Ok(bytes);
    }
    let (bytes, most) = (bytes.div_ceil(1 << 20), most >> 20);
    Err(EngineError::failed(format!("{scope} needs {bytes} MiB at a time, and the device takes {most}")))
}
