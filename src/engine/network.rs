//! A graph with weights on a device: which device, what happens where it fails, and what the user is told of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::array::Array;
use super::device::DeviceChoice;
use super::device_times::{DeviceTimes, Measured, TimeKey};
use super::dropout::Masks;
use super::engines::{self, ENGINES, Opened, REFERENCE};
use super::error::{EngineError, Result};
use super::executor::{Device, Engine, Executor, Mode, Pending};
use super::memory::inference_memory_bytes;
use super::pass::Pass;
use super::stage_times::StageTimes;
use super::training_options::{Activations, TrainingOptions};
use super::weights::{self, Weights};
use crate::graph::Graph;
use crate::work::Watch;

/// Share of a GPU's free memory that maps may take; the rest is for fragments and the libraries' own scratch space.
const MEMORY_SHARE: f64 = 0.7;

/// An inference that takes so long is not repeated to measure it.
const LONG_SECONDS: f64 = 2.0;

/// Which implementation of the operations runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The engine that is fastest on the device.
    Best,
    /// Compositions of plain operations everywhere: what CUDA and Metal run, testable on the CPU. Only builds with the feature `candle`
    /// have it.
    Composed,
}

impl Backend {
    fn engines(self) -> &'static [Engine] {
        match self {
            Self::Best => ENGINES,
            Self::Composed => REFERENCE,
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
    /// Whether `auto` was asked for and has not chosen yet.
    chooses: bool,
    /// Images whose results nobody has asked for yet, with what a device makes of them.
    started: VecDeque<(Array, Option<Box<dyn Pending>>)>,
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
        let (most_slices, dropout, started) = (None, (0, 0), VecDeque::new());
        let chooses = choice == DeviceChoice::Auto && device.is_cpu();
        Ok(Self { graph, device, executor, backend, notices, wanted, most_slices, dropout, chooses, started })
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
        let found = self.executor.infer(input, watch);
        self.settle(input, found, watch)
    }

    /// The results of an image, computed again with less or elsewhere where the device failed.
    fn settle(&mut self, input: &Array, found: Result<Vec<Array>>, watch: Watch) -> Result<Vec<Array>> {
        let [batch, _, height, width] = input.dims4();
        match found {
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

    /// Begins an inference, so that a GPU works on it while the next image is prepared. [`Network::finish`] gives the results, in the
    /// order of the beginnings; an engine that computes at once does so there.
    ///
    /// # Errors
    /// When the input does not fit, or the work is stopped.
    pub fn start(&mut self, input: Array, watch: Watch) -> Result<()> {
        self.check_input(&input)?;
        let [batch, _, height, width] = input.dims4();
        let fits = self.most_slices([height, width])? >= batch;
        let begun = if fits { self.executor.start(&input, watch) } else { Ok(None) };
        let pending = match begun {
            Err(EngineError::Stopped(stopped)) => return Err(stopped.into()),
            // An error comes again, and is dealt with, when the results are asked for.
            begun => begun.unwrap_or(None),
        };
        self.started.push_back((input, pending));
        Ok(())
    }

    /// Inferences that are worth having begun at a time: more than one where a device works by itself.
    pub fn most_started(&self) -> usize {
        self.executor.most_started()
    }

    /// Forgets inferences that were begun and whose results nobody will ask for.
    pub fn forget_started(&mut self) {
        self.started.clear();
    }

    /// The results of the inference that was begun first, as of [`Network::infer`]; `None` where none was. Where the device is lost, the
    /// CPU makes all results that are still missing.
    ///
    /// # Errors
    /// As of [`Network::infer`]; when stopped, whatever was begun is forgotten.
    pub fn finish(&mut self, watch: Watch) -> Result<Option<Vec<Array>>> {
        let Some((input, pending)) = self.started.pop_front() else { return Ok(None) };
        let found = match pending {
            // A device that was left meanwhile does not count any more.
            Some(pending) if !self.is_on_cpu() => {
                let found = pending.finish(watch);
                self.settle(&input, found, watch)
            }
            _ => self.infer(&input, watch),
        };
        if found.is_err() {
            self.started.clear();
        }
        found.map(Some)
    }

    /// For tests: the device is lost after so many inferences more.
    pub fn lose_device_after(&mut self, inferences: usize) {
        self.executor.lose_device_after(inferences);
    }

    /// Whether [`Network::choose_device`] has anything to choose.
    pub fn has_to_choose(&self) -> bool {
        self.chooses
    }

    /// Where `auto` was asked for and there are GPUs that it does not take unseen: runs an image on the first of them and on the CPU, and
    /// goes on where that took less time. What is known from earlier is not measured again. A notice says what was chosen and why.
    ///
    /// # Errors
    /// When the CPU fails or the work is stopped.
    pub fn choose_device(&mut self, input: &Array, known: &mut DeviceTimes, watch: Watch) -> Result<()> {
        if !std::mem::take(&mut self.chooses) {
            return Ok(());
        }
        self.check_input(input)?;
        let candidate = self.backend.engines().iter().find_map(|engine| (engine.measured)());
        candidate.map_or(Ok(()), |choice| self.choose(choice, input, known, watch))
    }

    /// Goes on, on a device, where it is faster than the CPU.
    fn choose(&mut self, choice: DeviceChoice, input: &Array, known: &mut DeviceTimes, watch: Watch) -> Result<()> {
        let weights = self.weights()?;
        let opened = engines::open(self.backend.engines(), choice).and_then(|opened| {
            let executor = opened.device.load(&self.graph, &weights)?;
            Ok((opened.device, executor))
        });
        let (device, mut executor) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.notices.push(format!("{error}; the CPU is used."));
                return Ok(());
            }
        };
        let key = TimeKey::new(device.name(), &self.graph, input);
        let measured = match known.get(&key) {
            Some(measured) => measured,
            None => {
                let on_device = match seconds(&mut *executor, input, watch) {
                    Err(EngineError::Stopped(stopped)) => return Err(stopped.into()),
                    Err(error) => {
                        self.notices.push(format!("{} failed ({error}); the CPU is used.", device.name()));
                        return Ok(());
                    }
                    Ok(seconds) => seconds,
                };
                let measured = Measured { on_device, on_cpu: seconds(&mut *self.executor, input, watch)? };
                known.set(&key, measured);
                measured
            }
        };
        self.notices.push(measured.reason(device.name(), input.dims4()[0]));
        if measured.is_device_faster() {
            (self.device, self.executor, self.most_slices) = (device, executor, None);
        }
        Ok(())
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
        let notice = format!("{} failed ({reason}); the CPU takes over.", self.device.name());
        let weights = self.weights()?;
        let device = engines::open(self.backend.engines(), DeviceChoice::Cpu)?.device;
        self.executor = device.load(&self.graph, &weights)?;
        self.notices.push(notice);
        self.device = device;
        self.most_slices = None;
        Ok(())
    }

    /// Runs `[B, C, H, W]` and keeps what gradients need. A stop is noticed between
    /// the stages of a compiled pass, and before every operation of another.
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

/// How long an inference takes; the first one, which compiles, counts only where it is long.
fn seconds(executor: &mut dyn Executor, input: &Array, watch: Watch) -> Result<f64> {
    let mut timed = || -> Result<f64> {
        let started = Instant::now();
        executor.infer(input, watch)?;
        Ok(started.elapsed().as_secs_f64())
    };
    let first = timed()?;
    Ok(if first > LONG_SECONDS { first } else { timed()?.min(first) })
}

fn is_finite(array: &Array) -> bool {
    array.values.iter().all(|value| value.is_finite())
}

#[cfg(all(test, feature = "gpu"))]
#[allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]
mod tests {
    use super::*;
    use crate::engine::initial_weights;
    use crate::graph::GraphBuilder;

    /// A small network, opened by `auto`, and an image for it.
    fn network() -> (Network, Array) {
        let builder = GraphBuilder::new();
        let x = builder.input(1);
        let y = builder.root().sub("conv").conv_same(&x, 8, 3).relu();
        let graph = builder.finish(&[y]).unwrap();
        let weights = initial_weights(&graph, 1);
        let input = Array::new([2, 1, 8, 8], (0..128).map(|n| n as f32).collect());
        (Network::new(graph, &weights, DeviceChoice::Auto).unwrap(), input)
    }

    #[test]
    fn auto_goes_where_an_inference_took_less_time_and_says_why() {
        let Some(choice) = engines::list_devices()
            .into_iter()
            .map(|found| found.choice)
            .find(|choice| matches!(choice, DeviceChoice::Adapter(_)))
        else {
            return;
        };
        let name = engines::open(ENGINES, choice).unwrap().device.name().to_string();
        for (times, on_device) in [([0.001, 0.5], true), ([0.5, 0.001], false)] {
            let (mut network, input) = network();
            let mut known = DeviceTimes::default();
            let [on, cpu] = times;
            known.set(&TimeKey::new(&name, &network.graph, &input), Measured { on_device: on, on_cpu: cpu });
            network.choose(choice, &input, &mut known, Watch::unwatched()).unwrap();
            assert_eq!(!network.is_on_cpu(), on_device);
            let notices = network.take_notices();
            assert!(notices[0].contains("0.5 ms") && notices[0].contains("250.0 ms"), "{notices:?}");
        }
        // What is not known is measured, and kept.
        let (mut network, input) = network();
        let mut known = DeviceTimes::default();
        network.choose(choice, &input, &mut known, Watch::unwatched()).unwrap();
        let measured = known.get(&TimeKey::new(&name, &network.graph, &input)).unwrap();
        assert!(measured.on_device > 0.0 && measured.on_cpu > 0.0);
        assert_eq!(network.is_on_cpu(), measured.on_cpu <= measured.on_device);
    }

    #[test]
    fn auto_takes_no_software_and_asks_once() {
        let (mut network, input) = network();
        let mut known = DeviceTimes::default();
        network.choose_device(&input, &mut known, Watch::unwatched()).unwrap();
        let has_hardware = ENGINES.iter().any(|engine| (engine.measured)().is_some());
        assert_eq!(known == DeviceTimes::default(), !has_hardware);
        assert!(!network.chooses && (has_hardware || network.is_on_cpu()));
    }
}
