//! A graph with weights on a device.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{Device, Tensor, Var};

use super::compiled_pass::{Lender, Lent};
use super::interpret::{Interpreter, inputs_of};
use super::kernel_op::with_values;
use super::masks::Masks;
use super::tape::{Found, LastKernel, Tape};
use crate::engine::array::Array;
use crate::engine::cpu::compiled::training::{Activations, Wanted, compile};
use crate::engine::cpu::compiled::{self, Options, Plan};
use crate::engine::device::{self, DeviceChoice};
use crate::engine::weights::{self, Weights};
use crate::engine::{Backend, EngineError, Result};
use crate::graph::Graph;

/// Sizes that stay compiled.
const MOST_PLANS: usize = 3;

/// Whether a pass trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics, no dropout.
    Inference,
    /// Batch statistics (running ones are updated) and dropout.
    Training,
}

/// What a compiled network does in one run.
#[derive(Debug, Clone, Default)]
pub struct StageTimes {
    /// Instruction set of the kernels.
    pub instructions: &'static str,
    /// Name and seconds of every stage.
    pub stages: Vec<(String, f64)>,
    /// Bytes of packed weights.
    pub weight_bytes: usize,
    /// Bytes of all maps and scratch space.
    pub map_bytes: usize,
}

/// A network ready to run.
pub struct Network {
    pub(super) graph: Arc<Graph>,
    pub(super) variables: Vec<Var>,
    pub(super) device: Device,
    pub(super) device_name: String,
    backend: Backend,
    pub(super) notices: Vec<String>,
    /// Compiled for the sizes met last; emptied when the weights change.
    plans: Vec<([usize; 3], Plan)>,
    /// What trains on the CPU.
    training: Lender,
    /// What training passes give, and how.
    wanted: Wanted,
    options: Options,
    /// Most slices of a size that go through a GPU at a time.
    pub(super) most_slices: Option<([usize; 2], usize)>,
    /// Whether inference on a GPU keeps maps in 16 bits.
    pub(super) half: bool,
    /// Seed of dropout's masks, and passes that have trained.
    dropout: (u64, u64),
}

fn upload(graph: &Graph, weights: &Weights, device: &Device) -> Result<Vec<Var>> {
    weights::check(graph, weights)?;
    let mut variables = Vec::with_capacity(graph.parameters.len());
    for parameter in &graph.parameters {
        let array = &weights[&parameter.name];
        let tensor = Tensor::from_slice(&array.values, array.shape.as_slice(), device)?;
        variables.push(Var::from_tensor(&tensor)?);
    }
    Ok(variables)
}

pub(super) fn download(tensor: &Tensor) -> candle_core::Result<Array> {
    Ok(Array { shape: tensor.dims().to_vec(), values: tensor.flatten_all()?.to_vec1::<f32>()? })
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
        let opened = device::open(choice)?;
        let mut notices: Vec<String> = opened.notice.into_iter().collect();
        let (device, device_name, variables) = match upload(&graph, weights, &opened.device) {
            Ok(variables) => (opened.device, opened.name, variables),
            Err(error) if choice == DeviceChoice::Auto && !opened.device.is_cpu() => {
                notices.push(format!("{} failed ({error}); the CPU is used.", opened.name));
                (Device::Cpu, "CPU".to_string(), upload(&graph, weights, &Device::Cpu)?)
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            graph: Arc::new(graph),
            half: !device.is_cpu(),
            variables,
            device,
            device_name,
            backend,
            notices,
            plans: Vec::new(),
            training: Lender::default(),
            wanted: Wanted::default(),
            options: Options::default(),
            most_slices: None,
            dropout: (0, 0),
        })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where it runs.
    pub fn device_name(&self) -> &str {
        &self.device_name
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
        let mut weights = Weights::new();
        for (parameter, variable) in self.graph.parameters.iter().zip(&self.variables) {
            weights.insert(parameter.name.clone(), download(variable.as_tensor())?);
        }
        Ok(weights)
    }

    /// Drops what was compiled for the weights as they were.
    pub(super) fn weights_changed(&mut self) {
        self.plans.clear();
    }

    /// Whether an array can be the network's image.
    fn check_input(&self, input: &Array) -> Result<()> {
        let [batch, channels, h, w] = input.dims4();
        self.graph.sizes([h, w])?;
        let (wanted, count) = (self.graph.input_channels(), input.values.len());
        if channels != wanted || batch == 0 || count != batch * channels * h * w {
            let what = format!("the network takes {wanted} channels, not {count} values as {:?}", input.shape);
            return Err(candle_core::Error::Msg(what).into());
        }
        Ok(())
    }

    /// Runs the plan for this size on the CPU, compiling it first where there is none.
    fn infer_compiled(&mut self, input: &Array, stop: &dyn Fn() -> bool) -> Result<Vec<Array>> {
        let [batch, _, height, width] = input.dims4();
        let key = [batch, height, width];
        let found = match self.plans.iter().position(|(size, _)| *size == key) {
            Some(found) => found,
            None => {
                let tensors: Vec<Tensor> = self.variables.iter().map(Var::as_detached_tensor).collect();
                let compile = |parameters: &[&[f32]]| {
                    compiled::compile(&self.graph, parameters, batch, [height, width], &self.options)
                };
                let plan = with_values(&tensors, compile)??;
                if self.plans.len() == MOST_PLANS {
                    self.plans.remove(0);
                }
                self.plans.push((key, plan));
                self.plans.len() - 1
            }
        };
        let plan = &mut self.plans[found].1;
        let values = plan.run(&input.values, stop).ok_or(EngineError::Stopped)?;
        Ok(plan.output_shapes().into_iter().zip(values).map(|(shape, values)| Array::new(shape, values)).collect())
    }

    /// What one run on the CPU does; nothing where another device runs.
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn stage_times(&mut self, input: &Array) -> Result<StageTimes> {
        if !self.is_ours() {
            return Ok(StageTimes::default());
        }
        self.infer(input)?;
        let [batch, _, height, width] = input.dims4();
        let Some((_, plan)) = self.plans.iter_mut().find(|(size, _)| *size == [batch, height, width]) else {
            return Ok(StageTimes::default());
        };
        let started = std::time::Instant::now();
        let mut ends = Vec::new();
        plan.run_timed(&input.values, &|| false, &mut |_| ends.push(started.elapsed().as_secs_f64()));
        let starts = std::iter::once(0.0).chain(ends.iter().copied());
        let times = ends.iter().zip(starts).map(|(end, start)| end - start);
        let stages = plan.stage_names().into_iter().zip(times).collect();
        let [weight_bytes, map_bytes] = plan.memory_bytes();
        Ok(StageTimes { instructions: self.options.set.name(), stages, weight_bytes, map_bytes })
    }

    /// What the two passes of a training step on the CPU do; nothing where they are not compiled. Running statistics move.
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn training_stage_times(&mut self, input: &Array) -> Result<StageTimes> {
        self.weights_changed();
        self.check_input(input)?;
        let [batch, _, h, w] = input.dims4();
        let key = [batch, h, w];
        if !self.is_ours() {
            return Ok(StageTimes::default());
        }
        let lent = self.training.lend(&self.graph, key, self.wanted, &self.options)?;
        let Some(mut lent) = lent else { return Ok(StageTimes::default()) };
        let (stages, map_bytes) = lent.stage_times(&self.variables, &input.values)?;
        Ok(StageTimes { instructions: self.options.set.name(), stages, weight_bytes: 0, map_bytes })
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
        Ok(self.is_ours() && compile(&self.graph, batch, size, self.wanted, &self.options)?.is_some())
    }

    /// What becomes of inner results in training, where it is compiled.
    pub fn set_activations(&mut self, activations: Activations) {
        self.wanted.activations = activations;
    }

    /// Whether it runs on the CPU.
    pub fn is_on_cpu(&self) -> bool {
        self.device.is_cpu()
    }

    /// Whether our own kernels run: on the CPU, unless told otherwise.
    pub(super) fn is_ours(&self) -> bool {
        self.device.is_cpu() && self.backend == Backend::Best
    }

    pub(super) fn variables(&self) -> &[Var] {
        &self.variables
    }

    pub(super) fn interpreter(&self, mode: Mode, tracked: bool) -> Interpreter<'_> {
        Interpreter {
            graph: &self.graph,
            variables: &self.variables,
            mode,
            backend: self.backend,
            tracked,
            taped: false,
            last: LastKernel::default(),
            masks: Masks::new(self.dropout.0, self.dropout.1),
        }
    }

    /// Dropout's masks are from here on those of this seed after so many passes that train.
    pub fn draw_dropout_after(&mut self, seed: u64, passes: u64) {
        self.dropout = (seed, passes);
    }

    /// Runs `[B, C, H, W]` without keeping anything for gradients. A GPU gets as many slices at a time as its memory takes, and
    /// keeps maps in 16 bits ([`Network::set_half_precision`]); if it fails, the CPU takes over; [`Network::take_notices`] says so.
    ///
    /// # Errors
    /// When the input does not fit or the CPU fails.
    pub fn infer(&mut self, input: &Array) -> Result<Vec<Array>> {
        self.infer_unless(input, &|| false)
    }

    /// As [`Network::infer`]; `stop` is asked before every operation.
    ///
    /// # Errors
    /// As there, and [`EngineError::Stopped`].
    pub fn infer_unless(&mut self, input: &Array, stop: &dyn Fn() -> bool) -> Result<Vec<Array>> {
        self.check_input(input)?;
        if self.is_ours() {
            return self.infer_compiled(input, stop);
        }
        self.infer_uncompiled(input, stop)
    }

    /// Moves the weights of a device that failed to the CPU, and leaves a notice; an optimiser has its own memory to move.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn move_to_cpu(&mut self, reason: &EngineError) -> Result<()> {
        let weights = self.weights()?;
        self.notices.push(format!("{} failed ({reason}); the CPU takes over.", self.device_name));
        self.variables = upload(&self.graph, &weights, &Device::Cpu)?;
        (self.device, self.device_name) = (Device::Cpu, "CPU".into());
        Ok(())
    }

    /// Runs `[B, C, H, W]` and keeps what gradients need.
    ///
    /// # Errors
    /// When the input does not fit or the device fails.
    pub fn run(&mut self, input: &Array, mode: Mode) -> Result<Pass> {
        self.run_unless(input, mode, &|| false)
    }

    /// As [`Network::run`]; `stop` is asked between the stages of a compiled pass, and before every operation of another.
    ///
    /// # Errors
    /// As there, and [`EngineError::Stopped`].
    pub fn run_unless(&mut self, input: &Array, mode: Mode, stop: &dyn Fn() -> bool) -> Result<Pass> {
        if mode == Mode::Training {
            // Running statistics move.
            self.weights_changed();
            self.dropout.1 = self.dropout.1.wrapping_add(1);
        }
        self.check_input(input)?;
        if mode == Mode::Training && self.is_ours() {
            let [batch, _, h, w] = input.dims4();
            return match self.training.lend(&self.graph, [batch, h, w], self.wanted, &self.options)? {
                Some(plan) => self.run_compiled(input, plan, stop),
                None => self.run_taped(input, stop),
            };
        }
        let interpreter = self.interpreter(mode, true);
        let x = Var::from_tensor(&Tensor::from_slice(&input.values, input.dims4().as_slice(), &self.device)?)?;
        let uses = interpreter.uses(true);
        let mut results: Vec<Option<Tensor>> = vec![None; self.graph.nodes.len()];
        for (id, node) in self.graph.nodes.iter().enumerate() {
            if uses[id] == 0 {
                continue;
            }
            if stop() {
                return Err(EngineError::Stopped);
            }
            results[id] = Some(interpreter.node(node, &inputs_of(node, &results, x.as_tensor()))?);
        }
        let result =
            |id: usize| results[id].clone().ok_or_else(|| candle_core::Error::Msg("a result is missing".into()));
        let outputs = self.graph.outputs.iter().map(|&id| result(id)).collect::<candle_core::Result<_>>()?;
        let taps = self
            .graph
            .taps
            .iter()
            .map(|(name, id)| Ok((name.clone(), result(*id)?)))
            .collect::<candle_core::Result<_>>()?;
        Ok(Pass { outputs, taps, way: Way::Candle(x), graph: self.graph.clone(), variables: self.variables.clone() })
    }

    /// A training pass through a compiled plan.
    fn run_compiled(&self, input: &Array, mut plan: Lent, stop: &dyn Fn() -> bool) -> Result<Pass> {
        let outputs = plan.forward(&self.variables, &input.values, stop)?.ok_or(EngineError::Stopped)?;
        let way = Way::Compiled(plan, input.dims4());
        let (graph, variables) = (self.graph.clone(), self.variables.clone());
        Ok(Pass { outputs, taps: BTreeMap::new(), way, graph, variables })
    }

    /// A training pass through our kernels, one operation after the other.
    fn run_taped(&self, input: &Array, stop: &dyn Fn() -> bool) -> Result<Pass> {
        let interpreter = Interpreter { taped: true, ..self.interpreter(Mode::Training, false) };
        let x = Tensor::from_slice(&input.values, input.dims4().as_slice(), &self.device)?;
        let tape = Tape::record(&interpreter, &x, stop)?.ok_or(EngineError::Stopped)?;
        let outputs = self.graph.outputs.iter().map(|&id| tape.value(id)).collect::<candle_core::Result<_>>()?;
        let taps = self.graph.taps.iter().map(|(name, id)| Ok((name.clone(), tape.value(*id)?)));
        let taps = taps.collect::<candle_core::Result<_>>()?;
        Ok(Pass { outputs, taps, way: Way::Tape(tape), graph: self.graph.clone(), variables: self.variables.clone() })
    }
}

/// Where a pass keeps what its gradients need.
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
enum Way {
    /// In candle's tensors; the image as a variable.
    Candle(Var),
    /// On our tape.
    Tape(Tape),
    /// In a compiled plan's memory; the image's shape.
    Compiled(Lent, [usize; 4]),
}

/// A finished forward pass.
pub struct Pass {
    outputs: Vec<Tensor>,
    taps: BTreeMap<String, Tensor>,
    way: Way,
    graph: Arc<Graph>,
    variables: Vec<Var>,
}

impl Pass {
    /// The results, in the graph's order.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn outputs(&self) -> Result<Vec<Array>> {
        Ok(self.outputs.iter().map(download).collect::<candle_core::Result<_>>()?)
    }

    /// An inner result by its name in [`Graph::taps`].
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn tap(&self, name: &str) -> Result<Option<Array>> {
        if let Way::Compiled(plan, _) = &self.way {
            return Ok(plan.tap(name).map(|(shape, values)| Array::new(shape, values)));
        }
        Ok(self.taps.get(name).map(download).transpose()?)
    }

    /// Gradients of `sum over outputs of sum(output * gradient)`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn backward(self, output_gradients: &[Array]) -> Result<Gradients> {
        self.backward_unless(output_gradients, &|| false)
    }

    /// As [`Pass::backward`]; `stop` is asked between the stages of a compiled pass.
    ///
    /// # Errors
    /// As there, and [`EngineError::Stopped`].
    pub fn backward_unless(self, output_gradients: &[Array], stop: &dyn Fn() -> bool) -> Result<Gradients> {
        let fits = |(output, gradient): (&Tensor, &Array)| output.elem_count() == gradient.values.len();
        if self.outputs.len() != output_gradients.len() || !self.outputs.iter().zip(output_gradients).all(fits) {
            return Err(candle_core::Error::Msg("the gradients are not those of the network's outputs".into()).into());
        }
        let Self { outputs, taps, way, graph, variables } = self;
        drop(taps);
        let of_outputs = || {
            let of_outputs = outputs.iter().zip(output_gradients);
            let of_outputs = of_outputs.map(|(o, g)| Tensor::from_slice(&g.values, o.shape(), o.device()));
            of_outputs.collect::<candle_core::Result<Vec<_>>>()
        };
        let found = match way {
            Way::Compiled(plan, shape) => {
                let views: Vec<&[f32]> = output_gradients.iter().map(|g| g.values.as_slice()).collect();
                plan.backward(&graph, &variables, &views, &shape, stop)?.ok_or(EngineError::Stopped)?
            }
            Way::Tape(tape) => {
                let interpreter = Interpreter {
                    graph: &graph,
                    variables: &variables,
                    mode: Mode::Training,
                    backend: Backend::Best,
                    tracked: false,
                    taped: true,
                    last: LastKernel::default(),
                    masks: Masks::default(),
                };
                let of_outputs = graph.outputs.iter().copied().zip(of_outputs()?).collect();
                drop(outputs);
                tape.backward(&interpreter, of_outputs)?
            }
            Way::Candle(input) => {
                let mut total: Option<Tensor> = None;
                for (output, gradient) in outputs.iter().zip(of_outputs()?) {
                    let part = (output * gradient)?.sum_all()?;
                    total = Some(match total {
                        Some(sum) => (sum + part)?,
                        None => part,
                    });
                }
                let total = total.ok_or_else(|| candle_core::Error::Msg("the network has no output".into()))?;
                let mut store = total.backward()?;
                let parameters = variables.iter().map(|v| store.remove(v.as_tensor())).collect();
                Found { input: store.remove(input.as_tensor()), parameters }
            }
        };
        Ok(Gradients { found, graph })
    }
}

/// Gradients of a pass.
pub struct Gradients {
    found: Found,
    graph: Arc<Graph>,
}

impl Gradients {
    /// The gradient of the input; `None` where it was not asked for, see [`Network::with_input_gradient`].
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn input(&self) -> Result<Option<Array>> {
        Ok(self.found.input.as_ref().map(download).transpose()?)
    }

    /// The gradient of a parameter by name; zeros where nothing depends on it, `None` for an unknown name.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn parameter(&self, name: &str) -> Result<Option<Array>> {
        let Some(n) = self.graph.parameters.iter().position(|p| p.name == name) else { return Ok(None) };
        Ok(Some(match &self.found.parameters[n] {
            Some(gradient) => download(gradient)?,
            None => Array::zeros(&self.graph.parameters[n].shape),
        }))
    }

    /// The gradient of a parameter by its number.
    pub(super) fn tensor(&self, parameter: usize) -> Option<&Tensor> {
        self.found.parameters[parameter].as_ref()
    }
}
