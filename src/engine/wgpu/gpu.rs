//! An open device with the pipelines that it has compiled.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wgpu::{
    BindGroupLayout, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType, Buffer, BufferBindingType,
    BufferDescriptor, BufferUsages, ComputePipeline, ComputePipelineDescriptor, Device, DeviceDescriptor, ErrorFilter,
    Limits, PipelineLayout, PipelineLayoutDescriptor, PollType, Queue, ShaderModuleDescriptor, ShaderSource,
    ShaderStages,
};

use super::adapters::adapters;
use super::failure::{Health, of_wgpu};
use super::shader::Shader;
use super::waiting::answer;
use crate::engine::error::{EngineError, Result};

/// The use of memory that is filled from here, that shaders read and write, and that is read back.
pub const TO_AND_FRO: BufferUsages = BufferUsages::STORAGE.union(BufferUsages::COPY_SRC);

/// How long is waited for a device to say why it refuses something.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An open device.
pub struct Gpu {
    /// As wgpu has it.
    pub device: Device,
    /// Where work is handed in.
    pub queue: Queue,
    /// What it can do.
    pub limits: Limits,
    /// Whether it computes on the processor.
    pub is_software: bool,
    /// Its adapter's number.
    number: usize,
    /// What it reports of itself.
    pub health: Arc<Health>,
    /// By the number of a shader's inputs.
    layouts: Mutex<BTreeMap<usize, (BindGroupLayout, PipelineLayout)>>,
    /// By the shader's text.
    pipelines: Mutex<HashMap<String, ComputePipeline>>,
}

/// Devices that are open, by their adapter's number: networks share them, and what they have compiled.
static OPEN: Mutex<BTreeMap<usize, Arc<Gpu>>> = Mutex::new(BTreeMap::new());

/// The device of an adapter, opened where it is not yet or was lost.
///
/// # Errors
/// Tells why there is none.
pub fn open(number: usize) -> std::result::Result<Arc<Gpu>, String> {
    let mut open = OPEN.lock().map_err(|_| "an earlier use of it ended in an error")?;
    if let Some(gpu) = open.get(&number).filter(|gpu| !gpu.health.is_lost()) {
        return Ok(gpu.clone());
    }
    let gpu = Arc::new(Gpu::new(number)?);
    open.insert(number, gpu.clone());
    Ok(gpu)
}

impl Gpu {
    fn new(number: usize) -> std::result::Result<Self, String> {
        let found = adapters();
        let Some(adapter) = found.get(number) else {
            return Err(match found.len() {
                0 => "no GPU was found; install its driver with Vulkan, DirectX 12 or Metal".into(),
                count => format!("the last one is gpu:{}; `lamella devices` lists them", count - 1),
            });
        };
        let wanted = DeviceDescriptor {
            label: Some("networks"),
            required_limits: adapter.limits.clone(),
            ..DeviceDescriptor::default()
        };
        let (device, queue) = answer(adapter.adapter.request_device(&wanted))
            .map_err(|error| format!("{} does not open: {error}; its driver may be too old", adapter.name))?;
        let health = Arc::new(Health::default());
        let (on_error, on_loss) = (health.clone(), health.clone());
        device.on_uncaptured_error(Arc::new(move |error| on_error.report(of_wgpu(error))));
        device.set_device_lost_callback(move |_, why| on_loss.lose(&why));
        let limits = device.limits();
        let (layouts, pipelines) = (Mutex::default(), Mutex::default());
        Ok(Self { device, queue, limits, is_software: adapter.is_software, number, health, layouts, pipelines })
    }

    /// Another device of the same adapter, which nothing else uses.
    ///
    /// # Errors
    /// Tells why there is none.
    pub fn another(&self) -> std::result::Result<Self, String> {
        Self::new(self.number)
    }

    /// Does something with the device; what wgpu reports of it is an error.
    pub fn watched<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.health.check()?;
        let filters = [ErrorFilter::OutOfMemory, ErrorFilter::Validation, ErrorFilter::Internal];
        let scopes = filters.map(|filter| self.device.push_error_scope(filter));
        // wgpu panics at what it does not expect of a driver.
        let done = catch_unwind(AssertUnwindSafe(work));
        let done = done.unwrap_or_else(|_| Err(EngineError::failed("the driver did what wgpu does not expect")));
        let mut reported = None;
        for scope in scopes.into_iter().rev() {
            reported = answer(scope.pop()).or(reported);
        }
        match reported {
            Some(error) => {
                // A device that is gone also refuses what it is asked for; that it is gone is the reason.
                // wgpu tells so once what was handed in before has ended.
                let _ = self.device.poll(PollType::Wait { submission_index: None, timeout: Some(LAST_WORDS) });
                self.health.check()?;
                Err(of_wgpu(error))
            }
            None => done.and_then(|done| self.health.check().map(|()| done)),
        }
    }

    /// Memory of the device for so many bytes, without values.
    pub fn buffer(&self, bytes: u64) -> Buffer {
        let usage = TO_AND_FRO | BufferUsages::COPY_DST;
        self.device.create_buffer(&BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false })
    }

    /// Memory of the device with these values.
    pub fn filled(&self, contents: &[u8], usage: BufferUsages) -> Buffer {
        let (size, usage) = (contents.len() as u64, usage | BufferUsages::COPY_DST);
        let buffer =
            self.device.create_buffer(&BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
        self.queue.write_buffer(&buffer, 0, contents);
        buffer
    }

    /// The pipeline of a shader, compiled where it is not yet, and the layout of what it is given.
    pub fn pipeline(&self, shader: &Shader) -> Result<(ComputePipeline, BindGroupLayout)> {
        let broken = |_| EngineError::failed("an earlier use of the device ended in an error");
        let mut layouts = self.layouts.lock().map_err(broken)?;
        let (of_group, of_pipeline) = layouts.entry(shader.inputs).or_insert_with(|| self.layout(shader.inputs));
        let mut pipelines = self.pipelines.lock().map_err(|_| EngineError::failed("a shader did not compile"))?;
        if let Some(pipeline) = pipelines.get(&shader.text) {
            return Ok((pipeline.clone(), of_group.clone()));
        }
        let pipeline = self.watched(|| Ok(self.compiled(shader, of_pipeline)))?;
        pipelines.insert(shader.text.clone(), pipeline.clone());
        Ok((pipeline, of_group.clone()))
    }

    fn compiled(&self, shader: &Shader, layout: &PipelineLayout) -> ComputePipeline {
        let source = ShaderSource::Wgsl(shader.text.as_str().into());
        let module = self.device.create_shader_module(ShaderModuleDescriptor { label: Some(shader.name), source });
        self.device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: Some(shader.name),
            layout: Some(layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        })
    }

    /// What shaders are given: sizes, their result, and so many inputs.
    fn layout(&self, inputs: usize) -> (BindGroupLayout, PipelineLayout) {
        let entry = |binding: usize, ty: BufferBindingType| BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: ShaderStages::COMPUTE,
            ty: BindingType::Buffer { ty, has_dynamic_offset: binding == 0, min_binding_size: None },
            count: None,
        };
        let mut entries =
            vec![entry(0, BufferBindingType::Uniform), entry(1, BufferBindingType::Storage { read_only: false })];
        entries.extend((0..inputs).map(|n| entry(2 + n, BufferBindingType::Storage { read_only: true })));
        let group = self.device.create_bind_group_layout(&BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline = self.device.create_pipeline_layout(&PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&group)],
            immediate_size: 0,
        });
        (group, pipeline)
    }
}
