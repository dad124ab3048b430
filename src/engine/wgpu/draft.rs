//! The calls of shaders that become a plan.

use wgpu::{BindGroupDescriptor, BindGroupEntry, BindingResource, Buffer, BufferBinding, BufferSize, BufferUsages};

use super::arena::Slot;
use super::gpu::Gpu;
use super::shader::Shader;
use super::steps::{Step, Steps};
use crate::engine::error::Result;

/// Threads of a group where each makes a value of its own.
const GROUP: usize = 64;

/// Bytes between the sizes of two calls: what every device accepts as an offset.
const STRIDE: usize = 256;

/// One call of a shader.
pub struct Call<'a> {
    /// Which one.
    pub shader: Shader,
    /// Its sizes, in the order of its `Params`.
    pub sizes: Vec<u32>,
    /// What it writes.
    pub output: &'a Slot,
    /// What it reads.
    pub inputs: &'a [&'a Slot],
    /// Groups of threads along the three axes.
    pub groups: [u32; 3],
    /// Multiply-adds, or values that are read, whichever is more.
    pub work: usize,
    /// Turns of loops that a thread takes.
    pub turns: usize,
}

struct Drafted {
    shader: Shader,
    output: Slot,
    inputs: Vec<Slot>,
    groups: [u32; 3],
    work: usize,
}

/// Calls in their order.
#[derive(Default)]
pub struct Draft {
    calls: Vec<Drafted>,
    sizes: Vec<u8>,
}

impl Draft {
    /// Adds a call.
    pub fn call(&mut self, call: Call) {
        let start = self.sizes.len();
        call.sizes.iter().for_each(|word| self.sizes.extend(word.to_ne_bytes()));
        self.sizes.resize(start + STRIDE, 0);
        self.calls.push(Drafted {
            shader: call.shader,
            output: call.output.clone(),
            inputs: call.inputs.iter().map(|&slot| slot.clone()).collect(),
            groups: call.groups,
            work: call.work,
        });
    }

    /// The calls as steps that a device can run.
    ///
    /// # Errors
    /// When a shader does not compile.
    pub fn finish(self, gpu: &Gpu) -> Result<Steps> {
        let sizes = if self.sizes.is_empty() { vec![0; STRIDE] } else { self.sizes };
        let sizes = gpu.filled(&sizes, BufferUsages::UNIFORM);
        let step = |(n, call): (usize, Drafted)| {
            let (pipeline, layout) = gpu.pipeline(&call.shader)?;
            let whole = |buffer: &'_ Buffer, bytes: u64| (buffer.clone(), bytes);
            let mut bound = vec![whole(&sizes, STRIDE as u64), whole(&call.output.buffer, call.output.bytes)];
            bound.extend(call.inputs.iter().map(|slot| whole(&slot.buffer, slot.bytes)));
            let entries: Vec<BindGroupEntry> = bound
                .iter()
                .enumerate()
                .map(|(n, (buffer, bytes))| BindGroupEntry {
                    binding: n as u32,
                    resource: BindingResource::Buffer(BufferBinding {
                        buffer,
                        offset: 0,
                        size: BufferSize::new(*bytes),
                    }),
                })
                .collect();
            let group = gpu.device.create_bind_group(&BindGroupDescriptor {
                label: Some(call.shader.name),
                layout: &layout,
                entries: &entries,
            });
            let offset = (n * STRIDE) as u32;
            Ok(Step { name: call.shader.name, pipeline, group, offset, groups: call.groups, work: call.work })
        };
        self.calls.into_iter().enumerate().map(step).collect::<Result<_>>().map(Steps)
    }
}

/// Groups for so many values, a thread each.
pub fn threads(gpu: &Gpu, values: usize) -> [u32; 3] {
    lines(gpu, values.div_ceil(GROUP))
}

/// So many groups, along y too where x has no room for all.
pub fn lines(gpu: &Gpu, groups: usize) -> [u32; 3] {
    let most = gpu.limits.max_compute_workgroups_per_dimension.max(1) as usize;
    let across = groups.clamp(1, most);
    [across as u32, groups.div_ceil(across).max(1) as u32, 1]
}

/// Sizes for a shader.
pub fn words<const N: usize>(sizes: [usize; N]) -> Vec<u32> {
    sizes.map(|size| size as u32).to_vec()
}
