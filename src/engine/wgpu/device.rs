//! Adapters as devices that networks can be put on.

use std::sync::Arc;

use super::adapters::{FoundAdapter, adapters, may_have_card};
use super::executor::WgpuExecutor;
use super::gpu::{self, Gpu};
use crate::engine::device::{DeviceChoice, OfferedDevice};
use crate::engine::error::Result;
use crate::engine::executor::{Device, Engine, Executor};
use crate::engine::weights::Weights;
use crate::graph::Graph;

/// The engine.
pub const ENGINE: Engine = Engine {
    devices,
    measured: || {
        let first = if may_have_card() { adapters().first() } else { None };
        first.filter(|first| !first.is_software).map(|_| DeviceChoice::Adapter(0))
    },
    takes: |choice| matches!(choice, DeviceChoice::Adapter(_)),
    // Hardware comes first in the list.
    gpus: &[DeviceChoice::Adapter(0)],
    is_taken_unasked: false,
    open,
};

fn devices() -> Vec<OfferedDevice> {
    let offered = |(n, found): (usize, &FoundAdapter)| {
        let name = if found.is_software { format!("{}, software", found.name) } else { found.name.clone() };
        OfferedDevice { choice: DeviceChoice::Adapter(n), name: Some(name) }
    };
    adapters().iter().enumerate().map(offered).collect()
}

struct WgpuDevice {
    gpu: Arc<Gpu>,
    name: &'static str,
    description: String,
}

fn open(choice: DeviceChoice) -> std::result::Result<Box<dyn Device>, String> {
    let DeviceChoice::Adapter(number) = choice else { return Err("it is no adapter".into()) };
    let gpu = gpu::open(number)?;
    let found = adapters().get(number).ok_or("it is gone")?;
    Ok(Box::new(WgpuDevice { gpu, name: &found.name, description: found.description() }))
}

impl Device for WgpuDevice {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> String {
        self.description.clone()
    }

    fn is_cpu(&self) -> bool {
        false
    }

    fn memory_bytes(&self) -> Option<[u64; 2]> {
        None
    }

    fn load(&self, graph: &Arc<Graph>, weights: &Weights) -> Result<Box<dyn Executor>> {
        let parameters = graph.parameters.iter().map(|parameter| weights[&parameter.name].values.clone()).collect();
        Ok(Box::new(WgpuExecutor::new(graph.clone(), self.gpu.clone(), parameters)))
    }
}
