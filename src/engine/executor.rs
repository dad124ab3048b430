//! What an engine does: the one trait of this room that every engine's folder implements.
//!
//! Parameters, gradients and what an optimiser remembers stay on the engine's device; others see them as plain arrays when
//! they ask for them.

use std::any::Any;
use std::sync::Arc;

use super::array::Array;
use super::device::{DeviceChoice, OfferedDevice};
use super::dropout::Masks;
use super::error::{EngineError, Result};
use super::recipe::Update;
use super::stage_times::StageTimes;
use super::training_options::TrainingOptions;
use super::weights::Weights;
use crate::graph::Graph;
use crate::work::Watch;

/// Whether a pass trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics, no dropout.
    Inference,
    /// Batch statistics (running ones are updated) and dropout.
    Training,
}

/// An engine: what it can run on, and how it gets there.
pub struct Engine {
    /// The devices of this machine that this build can use through it.
    pub devices: fn() -> Vec<OfferedDevice>,
    /// The device that `auto` takes where a measurement shows that it is faster than the CPU.
    pub measured: fn() -> Option<DeviceChoice>,
    /// Whether it runs on devices of this kind, be they here or not.
    pub takes: fn(DeviceChoice) -> bool,
    /// The GPUs that are tried where any will do, best first; also those that this build leaves out, for the reason why.
    pub gpus: &'static [DeviceChoice],
    /// Whether this build has GPUs of it that `auto` takes without having measured them.
    pub is_taken_unasked: bool,
    /// Opens a device that it takes, or tells why not.
    pub open: fn(DeviceChoice) -> std::result::Result<Box<dyn Device>, String>,
}

/// A device that an engine has opened.
pub trait Device: Send + Sync {
    /// How it is called in messages.
    fn name(&self) -> &str;

    /// How it is called in a list of devices.
    fn description(&self) -> String {
        self.name().into()
    }

    /// Whether it is the processor, which is the last resort.
    fn is_cpu(&self) -> bool;

    /// Bytes that are free, and all, where it says so.
    fn memory_bytes(&self) -> Option<[u64; 2]>;

    /// Puts a network with weights that fit on it.
    ///
    /// # Errors
    /// When the device fails.
    fn load(&self, graph: &Arc<Graph>, weights: &Weights) -> Result<Box<dyn Executor>>;
}

/// A network on a device. Its input was checked: `[batch, channels, height, width]` of a size that the graph takes.
pub trait Executor: Send + Sync {
    /// The results of an image, nothing kept for gradients. A stop is noticed before every operation or stage.
    ///
    /// # Errors
    /// When the device fails or the work is stopped.
    fn infer(&mut self, input: &Array, watch: Watch) -> Result<Vec<Array>>;

    /// Begins an inference that the device works on while the next image is prepared; `None` where the engine computes at once, in
    /// [`Executor::infer`].
    ///
    /// # Errors
    /// When the device fails or the work is stopped.
    fn start(&mut self, _input: &Array, _watch: Watch) -> Result<Option<Box<dyn Pending>>> {
        Ok(None)
    }

    /// Inferences that are worth having begun at a time.
    fn most_started(&self) -> usize {
        1
    }

    /// For tests: the device is lost after so many inferences more.
    fn lose_device_after(&mut self, _inferences: usize) {}

    /// The results of an image with what gradients need. `masks` are those of dropout. A stop is noticed as in
    /// [`Executor::infer`].
    ///
    /// # Errors
    /// As there.
    fn run(
        &mut self,
        input: &Array,
        mode: Mode,
        wanted: TrainingOptions,
        masks: Masks,
        watch: Watch,
    ) -> Result<Box<dyn ForwardPass>>;

    /// The values of a parameter by its number in the graph.
    ///
    /// # Errors
    /// When the device cannot be read.
    fn parameter(&self, number: usize) -> Result<Vec<f32>>;

    /// Values of a parameter's shape on this device.
    ///
    /// # Errors
    /// When the device cannot take them.
    fn hold(&self, values: &Array) -> Result<Box<dyn DeviceArray>>;

    /// Sum of the squares of all values.
    ///
    /// # Errors
    /// When the device fails.
    fn square_sum(&self, arrays: &[&dyn DeviceArray]) -> Result<f64>;

    /// One step of a parameter along its gradient; `memory` is what the optimiser remembers of it: the momentum buffer or first
    /// moment, and the second moment.
    ///
    /// # Errors
    /// When the device fails, or an array is another device's.
    fn update(
        &mut self,
        number: usize,
        gradient: &dyn DeviceArray,
        memory: &mut [Option<Box<dyn DeviceArray>>; 2],
        update: &Update,
    ) -> Result<()>;

    /// Bytes that inference can use for its maps at a time; `None` where it need not be told.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Whether inference keeps maps in 16 bits.
    fn is_half_precision(&self) -> bool {
        false
    }

    /// Keeps maps in 16 bits from here on, where the engine can, or in 32.
    fn set_half_precision(&mut self, _half: bool) {}

    /// Whether training on batches `[batch, channels, size]` can compute inner results again instead of keeping them.
    ///
    /// # Errors
    /// When the graph does not fit the size.
    fn can_recompute(&self, _batch: usize, _size: [usize; 2]) -> Result<bool> {
        Ok(false)
    }

    /// What one inference does; nothing where the engine does not tell.
    ///
    /// # Errors
    /// When the device fails.
    fn stage_times(&mut self, _input: &Array) -> Result<StageTimes> {
        Ok(StageTimes::default())
    }

    /// What the two passes of a training step do; nothing where the engine does not tell. Running statistics stay.
    ///
    /// # Errors
    /// When the device fails.
    fn training_stage_times(&mut self, _input: &Array, _wanted: TrainingOptions) -> Result<StageTimes> {
        Ok(StageTimes::default())
    }
}

/// An inference that a device works on.
pub trait Pending: Send {
    /// Waits for the results. A stop is noticed at once.
    ///
    /// # Errors
    /// When the device fails or the work is stopped.
    fn finish(self: Box<Self>, watch: Watch) -> Result<Vec<Array>>;
}

/// A finished forward pass on a device.
pub trait ForwardPass: Send {
    /// The results, in the graph's order.
    ///
    /// # Errors
    /// When the device cannot be read.
    fn outputs(&self) -> Result<Vec<Array>>;

    /// An inner result by its name in [`Graph::taps`].
    ///
    /// # Errors
    /// When the device cannot be read.
    fn tap(&self, name: &str) -> Result<Option<Array>>;

    /// Gradients of `sum over outputs of sum(output * gradient)`; the gradients are those of the outputs' shapes.
    ///
    /// # Errors
    /// When the device fails or the work is stopped.
    fn backward(self: Box<Self>, gradients: &[Array], watch: Watch) -> Result<DeviceGradients>;
}

/// The gradients of a pass.
pub struct DeviceGradients {
    /// Of the image, where it was asked for.
    pub input: Option<Box<dyn DeviceArray>>,
    /// Of the parameters, in the graph's order; `None` where nothing depends on one.
    pub parameters: Vec<Option<Box<dyn DeviceArray>>>,
}

/// An array on an engine's device. The engine that made it finds its own type behind it with [`downcast`].
pub trait DeviceArray: Any + Send + Sync {
    /// Its values, row-major.
    ///
    /// # Errors
    /// When the device cannot be read.
    fn read(&self) -> Result<Vec<f32>>;
}

/// An array as the type of the engine that holds it.
///
/// # Errors
/// When another engine holds it: the network has moved to another device since.
pub fn downcast<T: DeviceArray>(array: &dyn DeviceArray) -> Result<&T> {
    let array: &dyn Any = array;
    array.downcast_ref().ok_or_else(|| EngineError::failed("an array lies on another device than the network"))
}

/// The same, to be changed.
///
/// # Errors
/// As [`downcast`].
pub fn downcast_mut<T: DeviceArray>(array: &mut dyn DeviceArray) -> Result<&mut T> {
    let array: &mut dyn Any = array;
    array.downcast_mut().ok_or_else(|| EngineError::failed("an array lies on another device than the network"))
}
