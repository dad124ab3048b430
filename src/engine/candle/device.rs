//! The devices of candle: CUDA and Metal in builds that have them, and the processor.

use std::sync::Arc;

use candle_core::{Device as Place, Tensor, Var};

use super::executor::CandleExecutor;
use super::memory::gpu_memory;
use crate::engine::device::{DeviceChoice, OfferedDevice};
use crate::engine::error::Result;
use crate::engine::executor::{Device, Engine, Executor};
use crate::engine::weights::Weights;
use crate::graph::Graph;

/// The engine.
pub const ENGINE: Engine = Engine {
    devices,
    measured: || None,
    takes: |choice| matches!(choice, DeviceChoice::Cpu | DeviceChoice::Cuda(_) | DeviceChoice::Metal),
    gpus: &[DeviceChoice::Cuda(0), DeviceChoice::Metal],
    is_taken_unasked: cfg!(any(feature = "cuda", feature = "metal")),
    open,
};

fn devices() -> Vec<OfferedDevice> {
    let mut devices: Vec<DeviceChoice> = (0..cuda_count()).map(DeviceChoice::Cuda).collect();
    if cfg!(feature = "metal") {
        devices.push(DeviceChoice::Metal);
    }
    devices.into_iter().map(Into::into).collect()
}

fn cuda_count() -> usize {
    #[cfg(feature = "cuda")]
    let count = candle_core::cuda_backend::cudarc::driver::CudaContext::device_count().unwrap_or(0);
    #[cfg(not(feature = "cuda"))]
    let count = 0;
    usize::try_from(count).unwrap_or(0)
}

/// A device and how it is called.
struct CandleDevice {
    place: Place,
    name: String,
}

fn open(choice: DeviceChoice) -> std::result::Result<Box<dyn Device>, String> {
    Ok(Box::new(match choice {
        DeviceChoice::Cuda(number) => open_cuda(number)?,
        DeviceChoice::Metal => open_metal()?,
        DeviceChoice::Auto | DeviceChoice::Cpu | DeviceChoice::Gpu | DeviceChoice::Adapter(_) => {
            CandleDevice { place: Place::Cpu, name: "CPU".into() }
        }
    }))
}

fn open_cuda(number: usize) -> std::result::Result<CandleDevice, String> {
    if !cfg!(feature = "cuda") {
        return Err("this build has no CUDA support (feature `cuda`)".into());
    }
    let place = Place::new_cuda(number).map_err(|e| e.to_string())?;
    #[cfg(feature = "cuda")]
    let model = place.as_cuda_device().ok().and_then(|cuda| cuda.cuda_stream().context().name().ok());
    #[cfg(not(feature = "cuda"))]
    let model: Option<String> = None;
    let name = model.map_or_else(|| format!("CUDA device {number}"), |model| format!("{model} (CUDA device {number})"));
    Ok(CandleDevice { place, name })
}

fn open_metal() -> std::result::Result<CandleDevice, String> {
    if !cfg!(feature = "metal") {
        return Err("this build has no Metal support (feature `metal`)".into());
    }
    let place = Place::new_metal(0).map_err(|e| e.to_string())?;
    Ok(CandleDevice { place, name: "Metal".into() })
}

impl Device for CandleDevice {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_cpu(&self) -> bool {
        self.place.is_cpu()
    }

    fn memory_bytes(&self) -> Option<[u64; 2]> {
        gpu_memory(&self.place)
    }

    fn load(&self, graph: &Arc<Graph>, weights: &Weights) -> Result<Box<dyn Executor>> {
        let mut variables = Vec::with_capacity(graph.parameters.len());
        for parameter in &graph.parameters {
            let array = &weights[&parameter.name];
            let tensor = Tensor::from_slice(&array.values, array.shape.as_slice(), &self.place)?;
            variables.push(Var::from_tensor(&tensor)?);
        }
        Ok(Box::new(CandleExecutor {
            graph: graph.clone(),
            variables,
            half: !self.place.is_cpu(),
            place: self.place.clone(),
        }))
    }
}
