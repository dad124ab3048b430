//! A graph with weights on a device: which device, what happens where it fails, and what the user is told of it.

use std::sync::Arc;

use super::array::Array;
use super::device::DeviceChoice;
use super::dropout::Masks;
use super::engines::{self, ENGINES, Opened, REFERENCE};
use super::error::{EngineError, Result};
use super::executor::{Device, DeviceArray, DeviceGradients, Engine, Executor, ForwardPass, Mode};
use super::memory::inference_memory_bytes;
use super::stage_times::StageTimes;
use super::training_options::{Activations, TrainingOptions};
use super::weights::{self, Weights};
use crate::graph::Graph;
use crate::work::Watch;

/// Share of a GPU's free memory that maps may take; the rest is for fragments and the libraries' own scratch space.
const MEMORY_SHARE: f64 = 0.7;

/// Which implementation of the operations runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The engine that is fastest on the device.
    Best,
    /// Compositions of plain operations everywhere: what CUDA and Metal run, testable on the CPU.
    Composed,
}

impl Backend {
    fn engines(self) -> &'static [Engine] {
        match self {
            Self::Best => &ENGINES,
            Self::Composed => &REFERENCE,
        }
    }
}

/// A network ready to run.
pub struct Network {
    graph: Arc<Graph>,
    device: Box<dyn Device>,
    executor: Box<dyn Executor>,
    backend: Backend,
    notices: Vec<String>,
    /// What training passes give, and how.
    wanted: TrainingOptions,
    /// Most slices of a size that go through a GPU at a time.
    most_slices: Option<([usize; 2], usize)>,
    /// Seed of dropout's masks, and passes that have trained.
    dropout: (u64, u64),
}

impl Network {
    /// Checks the weights and puts them on a device.
    ///
    /// # Errors
    /// Names the first tensor that does not fit, or the device that cannot be used.
    pub fn new(graph: Graph, weights: &Weights, choice: DeviceChoice) -> Result<Self> {
        Self::with_backend(graph, weights, choice, Backend::Best)
    }

    /// As [`Network::new`], with a choice of implementation.
    ///
    /// # Errors
    /// As there.
    pub fn with_backend(graph: Graph, weights: &Weights, choice: DeviceChoice, backend: Backend) -> Result<Self> {
        graph.check()?;
        weights::check(&graph, weights)?;
        let graph = Arc::new(graph);
        let Opened { mut device, notice } = engines::open(backend.engines(), choice)?;
        let mut notices: Vec<String> = notice.into_iter().collect();
        let executor = match device.load(&graph, weights) {
            Err(error) if choice == DeviceChoice::Auto && !device.is_cpu() => {
                notices.push(format!("{} failed ({error}); the CPU is used.", device.name()));
                device = engines::open(backend.engines(), DeviceChoice::Cpu)?.device;
                device.load(&graph, weights)?
            }
            loaded => loaded?,
        };
        let wanted = TrainingOptions::default();
        Ok(Self { graph, device, executor, backend, notices, wanted, most_slices: None, dropout: (0, 0) })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where it runs.
    pub fn device_name(&self) -> &str {
        self.device.name()
    }

    /// Whether it runs on the CPU.
    pub fn is_on_cpu(&self) -> bool {
        self.device.is_cpu()
    }

    /// What the user must be told since the last call, for example that the GPU ran out of memory.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// The current weights.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn weights(&self) -> Result<Weights> {
        let parameters = self.graph.parameters.iter().enumerate();
        parameters
            .map(|(number, of)| Ok((of.name.clone(), Array::new(of.shape.clone(), self.executor.parameter(number)?))))
            .collect()
    }

    /// What runs it.
    pub(super) fn executor(&self) -> &dyn Executor {
        &*self.executor
    }

    /// What runs it, for an optimiser.
    pub(super) fn executor_mut(&mut self) -> &mut dyn Executor {
        &mut *self.executor
    }

    /// Whether an array can be the network's image.
    fn check_input(&self, input: &Array) -> Result<()> {
        let [batch, channels, h, w] = input.dims4();
        self.graph.sizes([h, w])?;
        let (wanted, count) = (self.graph.input_channels(), input.values.len());
        if channels != wanted || batch == 0 || count != batch * channels * h * w {
            let what = format!("the network takes {wanted} channels, not {count} values as {:?}", input.shape);
            return Err(EngineError::failed(what));
        }
        Ok(())
    }

    /// What one inference does; nothing where the engine does not tell.
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn stage_times(&mut self, input: &Array) -> Result<StageTimes> {
        self.check_input(input)?;
        self.executor.stage_times(input)
    }

    /// What the two passes of a training step do; nothing where the engine does not tell.
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn training_stage_times(&mut self, input: &Array) -> Result<StageTimes> {
        self.check_input(input)?;
        self.executor.training_stage_times(input, self.wanted)
    }

    /// Asks for the image's gradient too, which training does without.
    #[must_use]
    pub fn with_input_gradient(mut self) -> Self {
        self.wanted.input_gradient = true;
        self
    }

    /// Whether training on batches `[batch, channels, size]` can compute inner results again instead of keeping them: where it is
    /// compiled, which takes the CPU and a graph without dropout.
    ///
    /// # Errors
    /// Where the graph does not fit the size.
    pub fn can_recompute(&self, batch: usize, size: [usize; 2]) -> Result<bool> {
        self.executor.can_recompute(batch, size)
    }

    /// What becomes of inner results in training, where [`Network::can_recompute`] says that there is a choice.
    pub fn set_activations(&mut self, activations: Activations) {
        self.wanted.activations = activations;
    }

    /// Whether inference on a GPU keeps maps in 16 bits (the default there): half the memory, faster, three decimal digits. Sums
    /// over many values, normalisation and softmax are made in 32 bits all the same. Where a result is not finite, 32 bits take
    /// over with a notice. Our kernels on the CPU always use 32 bits.
    pub fn set_half_precision(&mut self, half: bool) {
        self.executor.set_half_precision(half);
        self.most_slices = None;
    }

    /// Dropout's masks are from here on those of this seed after so many passes that train.
    pub fn draw_dropout_after(&mut self, seed: u64, passes: u64) {
        self.dropout = (seed, passes);
    }

    /// Runs `[B, C, H, W]` without keeping anything for gradients. A GPU gets as many slices at a time as its memory takes, and
    /// keeps maps in 16 bits ([`Network::set_half_precision`]); if it fails, the CPU takes over; [`Network::take_notices`] says so.
    /// A stop is noticed before every operation.
    ///
    /// # Errors
    /// When the input does not fit, the CPU fails, or the work is stopped.
    pub fn infer(&mut self, input: &Array, watch: Watch) -> Result<Vec<Array>> {
        self.check_input(input)?;
        let [batch, _, height, width] = input.dims4();
        let most = self.most_slices([height, width])?;
        if most < batch {
            let mut parts: Vec<Vec<Array>> = vec![Vec::new(); self.graph.outputs.len()];
            for part in input.split(most) {
                let outputs = self.infer(&part, watch)?;
                parts.iter_mut().zip(outputs).for_each(|(parts, output)| parts.push(output));
            }
            return Ok(parts.into_iter().filter_map(Array::join).collect());
        }
        match self.executor.infer(input, watch) {
            Ok(outputs) if self.executor.is_half_precision() && !outputs.iter().all(is_finite) => {
                self.set_half_precision(false);
                let name = self.device.name();
                self.notices.push(format!("16 bits are too few for this network on {name}; it uses 32."));
                self.infer(input, watch)
            }
            Err(EngineError::Stopped(stopped)) => Err(stopped.into()),
            Err(error) if !self.is_on_cpu() && error.is_out_of_memory() && batch > 1 => {
                self.most_slices = Some(([height, width], batch / 2));
                let name = self.device.name();
                self.notices
                    .push(format!("{name} has too little memory for {batch} slices at a time; it gets {}.", batch / 2));
                self.infer(input, watch)
            }
            Err(error) if !self.is_on_cpu() => {
                self.move_to_cpu(&error)?;
                self.infer(input, watch)
            }
            other => other,
        }
    }

    /// Slices that fit the device's free memory, at least one; any number where it does not say.
    fn most_slices(&mut self, size: [usize; 2]) -> Result<usize> {
        if let Some((_, most)) = self.most_slices.filter(|(known, _)| *known == size) {
            return Ok(most);
        }
        let Some(free) = self.executor.free_bytes() else { return Ok(usize::MAX) };
        let value_bytes = if self.executor.is_half_precision() { 2 } else { size_of::<f32>() };
        let of_slice = inference_memory_bytes(&self.graph, size, value_bytes)?;
        let most = ((free as f64 * MEMORY_SHARE) as usize / of_slice.max(1)).max(1);
        self.most_slices = Some((size, most));
        Ok(most)
    }

    /// Moves the weights of a device that failed to the CPU, and leaves a notice; an optimiser has its own memory to move.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn move_to_cpu(&mut self, reason: &EngineError) -> Result<()> {
        let weights = self.weights()?;
        let device = engines::open(self.backend.engines(), DeviceChoice::Cpu)?.device;
        self.executor = device.load(&self.graph, &weights)?;
        self.notices.push(format!("{} failed ({reason}); the CPU takes over.", self.device.name()));
        self.device = device;
        self.most_slices = None;
        Ok(())
    }

    /// Runs `[B, C, H, W]` and keeps what gradients need. A stop is noticed between the stages of a compiled pass, and before every
    /// operation of another.
    ///
    /// # Errors
    /// When the input does not fit, the device fails, or the work is stopped.
    pub fn run(&mut self, input: &Array, mode: Mode, watch: Watch) -> Result<Pass> {
        self.check_input(input)?;
        if mode == Mode::Training {
            self.dropout.1 = self.dropout.1.wrapping_add(1);
        }
        let (seed, passes) = self.dropout;
        let forward = self.executor.run(input, mode, self.wanted, Masks::new(seed, passes), watch)?;
        let [batch, _, h, w] = input.dims4();
        let sizes = self.graph.sizes([h, w])?;
        let len = |&id: &usize| batch * self.graph.nodes[id].size.channels * sizes[id][0] * sizes[id][1];
        let lens = self.graph.outputs.iter().map(len).collect();
        Ok(Pass { forward, lens, input_shape: input.dims4(), graph: self.graph.clone() })
    }
}

fn is_finite(array: &Array) -> bool {
    array.values.iter().all(|value| value.is_finite())
}

/// A finished forward pass.
pub struct Pass {
    forward: Box<dyn ForwardPass>,
    /// Values of every output.
    lens: Vec<usize>,
    input_shape: [usize; 4],
    graph: Arc<Graph>,
}

impl Pass {
    /// The results, in the graph's order.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn outputs(&self) -> Result<Vec<Array>> {
        self.forward.outputs()
    }

    /// An inner result by its name in [`Graph::taps`].
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn tap(&self, name: &str) -> Result<Option<Array>> {
        self.forward.tap(name)
    }

    /// Gradients of `sum over outputs of sum(output * gradient)`. A stop is noticed between the stages of a compiled pass.
    ///
    /// # Errors
    /// When the device fails or the work is stopped.
    pub fn backward(self, output_gradients: &[Array], watch: Watch) -> Result<Gradients> {
        if !output_gradients.iter().map(|gradient| gradient.values.len()).eq(self.lens.iter().copied()) {
            return Err(EngineError::failed("the gradients are not those of the network's outputs"));
        }
        let found = self.forward.backward(output_gradients, watch)?;
        Ok(Gradients { found, input_shape: self.input_shape, graph: self.graph })
    }
}

/// Gradients of a pass.
pub struct Gradients {
    found: DeviceGradients,
    input_shape: [usize; 4],
    graph: Arc<Graph>,
}

impl Gradients {
    /// The gradient of the input; `None` where it was not asked for, see [`Network::with_input_gradient`].
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn input(&self) -> Result<Option<Array>> {
        self.found.input.as_ref().map(|held| Ok(Array::new(self.input_shape, held.read()?))).transpose()
    }

    /// The gradient of a parameter by name; zeros where nothing depends on it, `None` for an unknown name.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn parameter(&self, name: &str) -> Result<Option<Array>> {
        let Some(number) = self.graph.parameters.iter().position(|p| p.name == name) else { return Ok(None) };
        let shape = &self.graph.parameters[number].shape;
        Ok(Some(match self.held(number) {
            Some(held) => Array::new(shape.clone(), held.read()?),
            None => Array::zeros(shape),
        }))
    }

    /// The gradient of a parameter by its number, on the device.
    pub(super) fn held(&self, parameter: usize) -> Option<&dyn DeviceArray> {
        self.found.parameters.get(parameter)?.as_deref()
    }
}
