//! A training pass as others see it. Its plan returns to the pool when nobody reads its gradients any more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::super::arena::Slot;
use super::super::gpu::Gpu;
use super::super::reading::read;
use super::super::resident::Resident;
use super::compile::{Key, compile};
use super::plan::TrainingPlan;
use crate::engine::array::Array;
use crate::engine::dropout::Masks;
use crate::engine::error::{EngineError, Result};
use crate::engine::executor::{DeviceArray, DeviceGradients, ForwardPass, Mode, downcast};
use crate::engine::training_options::TrainingOptions;
use crate::graph::Graph;
use crate::work::Watch;

/// The plan of the last pass, while nothing uses it.
#[derive(Clone, Default)]
pub struct PlanPool {
    kept: Arc<Mutex<Option<(Key, TrainingPlan)>>>,
    /// Steps of optimisers so far.
    updates: Arc<AtomicU64>,
}

impl PlanPool {
    /// An optimiser has changed parameters.
    pub fn count_update(&self) {
        self.updates.fetch_add(1, Ordering::Relaxed);
    }
}

/// A plan in use.
struct Lease {
    key: Key,
    plan: Option<TrainingPlan>,
    pool: PlanPool,
}

impl Lease {
    fn plan(&self) -> Result<&TrainingPlan> {
        self.plan.as_ref().ok_or_else(|| EngineError::failed("the pass has ended"))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(plan), Ok(mut kept)) = (self.plan.take(), self.pool.kept.lock()) {
            *kept = Some((self.key, plan));
        }
    }
}

/// Values on a device of wgpu.
pub struct GpuArray {
    /// Where they are.
    pub slot: Slot,
    gpu: Arc<Gpu>,
    /// The pass whose memory they lie in.
    _lease: Option<Arc<Lease>>,
}

impl GpuArray {
    /// Values in memory of their own.
    pub fn new(gpu: &Arc<Gpu>, slot: Slot) -> Self {
        Self { slot, gpu: gpu.clone(), _lease: None }
    }
}

impl DeviceArray for GpuArray {
    fn read(&self) -> Result<Vec<f32>> {
        Ok(read(&self.gpu, &[&self.slot])?.remove(0))
    }
}

/// The memory of an array on this device.
///
/// # Errors
/// When it is another device's.
pub fn own<'a>(gpu: &Arc<Gpu>, array: &'a dyn DeviceArray) -> Result<&'a Slot> {
    let array: &GpuArray = downcast(array)?;
    if Arc::ptr_eq(&array.gpu, gpu) {
        return Ok(&array.slot);
    }
    Err(EngineError::failed("an array lies on another device than the network"))
}

/// A finished way forth.
struct GpuPass {
    gpu: Arc<Gpu>,
    lease: Lease,
    /// Steps of optimisers before it.
    updates: u64,
}

/// What is asked of a pass.
pub struct Asked<'a> {
    /// The image.
    pub input: &'a Array,
    /// Whose statistics norms take, and whether there is dropout.
    pub mode: Mode,
    /// What it is to give.
    pub wanted: TrainingOptions,
}

/// Runs the way forth.
///
/// # Errors
/// When the device fails or gives too little, or the work is stopped.
pub fn pass(
    gpu: &Arc<Gpu>,
    graph: &Graph,
    weights: &mut Resident,
    pool: &PlanPool,
    asked: &Asked,
    masks: Masks,
    watch: Watch,
) -> Result<Box<dyn ForwardPass>> {
    let Asked { input, mode, wanted } = *asked;
    let [batch, _, height, width] = input.dims4();
    let key = Key { batch, size: [height, width], mode, input_gradient: wanted.input_gradient };
    let kept = pool.kept.lock().ok().and_then(|mut kept| kept.take());
    let plan = match kept.filter(|(of, _)| *of == key) {
        Some((_, plan)) => plan,
        None => gpu.watched(|| compile(gpu, graph, weights, key))?,
    };
    let lease = Lease { key, plan: Some(plan), pool: pool.clone() };
    if mode == Mode::Training {
        weights.change();
    }
    lease.plan()?.go(gpu, input, masks, watch)?;
    Ok(Box::new(GpuPass { gpu: gpu.clone(), lease, updates: pool.updates.load(Ordering::Relaxed) }))
}

/// What every call of both ways of a pass does, and the bytes of its memory.
///
/// # Errors
/// As of [`pass`].
pub fn stage_seconds(
    gpu: &Arc<Gpu>,
    graph: &Graph,
    weights: &mut Resident,
    input: &Array,
) -> Result<(Vec<(String, f64)>, u64)> {
    let [batch, _, height, width] = input.dims4();
    // With the statistics that it has, so that they stay.
    let key = Key { batch, size: [height, width], mode: Mode::Inference, input_gradient: false };
    let plan = gpu.watched(|| compile(gpu, graph, weights, key))?;
    // The first run's memory is fresh.
    plan.stage_seconds(gpu, input)?;
    Ok((plan.stage_seconds(gpu, input)?, plan.bytes))
}

impl GpuPass {
    fn arrays<'a>(&self, of: impl Iterator<Item = (&'a Slot, &'a Vec<usize>)>) -> Result<Vec<Array>> {
        let (slots, shapes): (Vec<&Slot>, Vec<&Vec<usize>>) = of.unzip();
        let values = read(&self.gpu, &slots)?;
        Ok(shapes.into_iter().zip(values).map(|(shape, values)| Array::new(shape.clone(), values)).collect())
    }
}

impl ForwardPass for GpuPass {
    fn outputs(&self) -> Result<Vec<Array>> {
        self.arrays(self.lease.plan()?.outputs.iter().map(|(slot, shape)| (slot, shape)))
    }

    fn tap(&self, name: &str) -> Result<Option<Array>> {
        let taps = self.lease.plan()?.taps.iter().filter(|(of, ..)| of == name);
        Ok(self.arrays(taps.take(1).map(|(_, slot, shape)| (slot, shape)))?.pop())
    }

    fn backward(self: Box<Self>, gradients: &[Array], watch: Watch) -> Result<DeviceGradients> {
        let Self { gpu, lease, updates } = *self;
        if lease.pool.updates.load(Ordering::Relaxed) != updates {
            return Err(EngineError::failed("the weights have changed since this pass"));
        }
        lease.plan()?.go_back(&gpu, gradients, watch)?;
        let lease = Arc::new(lease);
        let held = |slot: &Slot| -> Box<dyn DeviceArray> {
            Box::new(GpuArray { slot: slot.clone(), gpu: gpu.clone(), _lease: Some(lease.clone()) })
        };
        let plan = lease.plan()?;
        let parameters = plan.parameter_gradients.iter().map(|slot| slot.as_ref().map(held)).collect();
        Ok(DeviceGradients { input: plan.input_gradient.as_ref().map(held), parameters })
    }
}
