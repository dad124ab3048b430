//! The training loop.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::augment::Cut;
use super::averaging::WeightAverage;
use super::checkpoint::{BestSoFar, Checkpoint, TrainingProgress, signature};
use super::clock::Clock;
use super::dataset::{CaseFiles, Dataset, Split};
use super::fingerprint::Fingerprint;
use super::plan::{Budget, Plan};
use super::preparing::{LabelledScan, prepare, read_case, specification};
use super::sampling::{PreparedCase, draw};
use super::schedule::warm_poly;
use super::start;
use super::validation::{CaseDice, Preview, mean_dice, validate};
use crate::engine::{
    Array, DeviceChoice, EngineError, KeepFreedMemory, Mode, Network, Optimiser, Random, SegmentationLoss, Weights,
    free_memory_bytes, training_memory_bytes,
};
use crate::graph::{Extent, Graph};
use crate::model::{Model, ModelSpec};
use crate::pipeline::{self, nearest};
use crate::volume::{LabelMap, Volume};

/// Norm that gradients are clipped to, as in nnU-Net.
const CLIP_NORM: f64 = 12.0;

/// Share of the free memory that training may take.
const MEMORY_SHARE: f64 = 0.8;

/// Reads the files of a case.
pub type Loader<'a> = &'a (dyn Fn(&CaseFiles) -> Result<(Volume, LabelMap), String> + Sync);

/// Why training ended without a model.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The user stopped before the first validation.
    #[error("stopped")]
    Stopped,
    /// A case cannot be used.
    #[error("case {name}: {problem}")]
    Case {
        /// Its name.
        name: String,
        /// Why.
        problem: String,
    },
    /// The network failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The architecture cannot be built.
    #[error(transparent)]
    Zoo(#[from] crate::zoo::ZooError),
    /// The plan does not fit the data.
    #[error("{0}")]
    Plan(String),
}

/// What happened in an epoch.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// Counted from 1.
    pub number: usize,
    /// Share of the budget used.
    pub done: f64,
    /// Mean training loss.
    pub loss: f64,
    /// Mean validation Dice per label name, where it was measured.
    pub dice: Option<BTreeMap<String, f64>>,
    /// Whether this is the best so far.
    pub best: bool,
    /// Seconds since the start.
    pub seconds: f64,
}

/// News from a running training.
#[derive(Debug)]
pub enum FitEvent {
    /// Cases are being read.
    Preparing {
        /// Cases read.
        done: usize,
        /// Cases to read.
        count: usize,
    },
    /// A step is done.
    Step {
        /// Share of the budget used.
        done: f64,
        /// Its loss.
        loss: f64,
    },
    /// An epoch is done.
    Epoch(Epoch),
    /// The best model so far, so that an interrupted training leaves something.
    Best(Box<Model>),
    /// The state of the training, from which it can go on another time.
    Checkpoint(Box<Checkpoint>),
    /// How a held-back slice is segmented now.
    Preview(Box<Preview>),
    /// Dice of the model that training starts from, where it has the same classes.
    Before(Vec<CaseDice>),
    /// Something the user must know.
    Notice(String),
}

/// A finished training.
pub struct TrainedModel {
    /// The best model by mean validation Dice.
    pub model: Model,
    /// Epoch it is from.
    pub epoch: usize,
    /// Its mean Dice per label name.
    pub dice: BTreeMap<String, f64>,
    /// Its Dice on every held-back case.
    pub cases: Vec<CaseDice>,
}

/// How a run is made, besides the plan.
pub struct FitOptions<'a> {
    /// Length.
    pub budget: Budget,
    /// Device.
    pub device: DeviceChoice,
    /// A model to start from instead of random weights.
    pub init: Option<&'a Model>,
    /// Epochs between validations.
    pub validate_every: usize,
    /// Validations without a better one after which training ends; none: only with the budget.
    pub patience: Option<usize>,
    /// Seconds between two checkpoints.
    pub checkpoint_seconds: f64,
    /// The state of an interrupted training to go on from.
    pub resume: Option<Checkpoint>,
}

/// What a training is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Nothing.
    GoOn,
    /// Wait between two steps.
    Pause,
    /// End.
    Stop,
}

/// Trains on a split of a data set.
///
/// When stopped after a validation, the best model so far is returned.
///
/// # Errors
/// When data, plan or device do not work.
pub fn fit(
    dataset: &Dataset,
    split: &Split,
    plan: &Plan,
    options: FitOptions,
    load: Loader,
    control: &(dyn Fn() -> Control + Sync),
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<TrainedModel, FitError> {
    let _memory = KeepFreedMemory::start();
    let signature = signature(plan, split, options.budget, options.init);
    if let Some(checkpoint) = &options.resume {
        checkpoint.fits(&signature).map_err(FitError::Plan)?;
    }
    let total = split.train.len() + split.validation.len();
    let mut read = |names: &[String], before: usize| -> Result<Vec<LabelledScan>, FitError> {
        let mut cases = Vec::new();
        for name in names {
            if control() == Control::Stop {
                return Err(FitError::Stopped);
            }
            cases.push(read_case(dataset, name, load)?);
            on_event(FitEvent::Preparing { done: before + cases.len(), count: total });
        }
        Ok(cases)
    };
    let train = read(&split.train, 0)?;
    let validation = read(&split.validation, train.len())?;
    if train.is_empty() {
        return Err(FitError::Plan("there is no training case".into()));
    }
    let names = dataset.labels.values().map(String::as_str);
    let (plan, decided) = Fingerprint::new(&train, names).decide(plan);
    if !decided.is_empty() {
        on_event(FitEvent::Notice(format!("Chosen for these scans: {}", decided.join(" "))));
    }
    let spec = specification(dataset, split, &plan, options.init, &train)?;
    let cases = prepare_all(&train, &spec, dataset.ignore)?;
    drop(train);

    let graph = spec.graph()?;
    let fit = pipeline::fit(&graph, plan.patch)
        .ok_or_else(|| FitError::Plan(format!("no input covers the patch {:?}", plan.patch)))?;
    let padded = graph.nodes[graph.outputs[0]].size.extent.iter().all(|e| *e == Extent::INPUT);
    let first = match (&options.resume, options.init) {
        (Some(checkpoint), _) => start::Start { weights: checkpoint.weights.clone(), notices: Vec::new() },
        (None, Some(model)) => start::from_model(model, &graph, plan.seed).map_err(FitError::Plan)?,
        (None, None) => start::random(&graph, plan.seed),
    };
    first.notices.into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
    let slices: usize = cases.iter().map(|case| case.known.len()).sum();
    let batch = fitting_batch(&graph, plan.batch, fit.input, on_event)?;
    let plan = Plan { batch, ..plan };
    let mut run = Run {
        signature,
        cases,
        validation,
        ignore: dataset.ignore,
        average: (plan.average > 0.0).then(|| WeightAverage::new(plan.average, first.weights.clone())),
        device: options.device,
        network: Network::new(graph, &first.weights, options.device)?,
        optimiser: Optimiser::new(plan.recipe, Some(CLIP_NORM)),
        loss: SegmentationLoss { ignore: dataset.ignore, ..SegmentationLoss::default() },
        cut: Cut { patch: fit.input, neighbours: plan.neighbours, mirrored_border: !padded },
        output: fit.output,
        best: None,
        steps: 0,
        losses: (0.0, 0),
        steps_per_epoch: slices.div_ceil(plan.batch).max(1),
        validate_every: options.validate_every.max(1),
        patience: options.patience,
        checkpoint_seconds: options.checkpoint_seconds,
        spec,
        plan,
    };
    let seconds = match options.resume {
        Some(checkpoint) => run.restore(checkpoint)?,
        None => 0.0,
    };
    let is_first = run.steps == 0;
    if let Some(model) = options.init.filter(|model| is_first && model.spec.classes.len() == run.spec.classes.len()) {
        if !model.spec.is_classifier() {
            let Some(cases) = run.validate(&|| control() == Control::Stop, on_event)? else {
                return Err(FitError::Stopped);
            };
            on_event(FitEvent::Before(cases));
        }
    }
    let clock = Clock::start(options.budget, run.steps_per_epoch, seconds);
    run.train(clock, control, on_event)
}

/// The largest batch up to the wanted one whose training fits into the memory that is free; halved until it does.
fn fitting_batch(
    graph: &Graph,
    wanted: usize,
    size: [usize; 2],
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<usize, FitError> {
    let Some(free) = free_memory_bytes() else { return Ok(wanted) };
    let mut batch = wanted.max(1);
    loop {
        let needed = training_memory_bytes(graph, batch, size)?;
        if needed as f64 <= MEMORY_SHARE * free as f64 {
            break;
        }
        if batch == 1 {
            return Err(FitError::Plan(format!(
                "training would take {} MB even with one slice of {} x {} in a step, and {} MB are free; choose a smaller \
                 --patch or a smaller network",
                needed >> 20,
                size[0],
                size[1],
                free >> 20
            )));
        }
        batch /= 2;
    }
    if batch < wanted {
        let text =
            format!("{batch} slices in a step instead of {wanted}, so that training fits into {} MB.", free >> 20);
        on_event(FitEvent::Notice(text));
    }
    Ok(batch)
}

/// All cases along all axes that the model cuts, without those that nothing can be learned from.
fn prepare_all(train: &[LabelledScan], spec: &ModelSpec, ignore: Option<u16>) -> Result<Vec<PreparedCase>, FitError> {
    let axes = if spec.fused_axes.is_empty() { vec![spec.slice_axis] } else { spec.fused_axes.clone() };
    let cuts: Vec<_> = train.iter().flat_map(|scan| axes.iter().map(move |&axis| (scan, axis))).collect();
    let all: Result<Vec<PreparedCase>, FitError> =
        cuts.into_par_iter().map(|(scan, axis)| prepare(scan, spec, axis, ignore)).collect();
    let mut cases = all?;
    cases.retain(|case| !case.known.is_empty());
    if cases.is_empty() {
        return Err(FitError::Plan("no training case has a labelled slice; everything is to be ignored".into()));
    }
    Ok(cases)
}

struct Run {
    plan: Plan,
    spec: ModelSpec,
    signature: serde_json::Value,
    cases: Vec<PreparedCase>,
    validation: Vec<LabelledScan>,
    ignore: Option<u16>,
    network: Network,
    average: Option<WeightAverage>,
    device: DeviceChoice,
    optimiser: Optimiser,
    loss: SegmentationLoss,
    cut: Cut,
    /// Height and width of the network's output.
    output: [usize; 2],
    best: Option<(BestSoFar, Weights)>,
    steps: u64,
    /// Sum and count of the losses of this epoch.
    losses: (f64, usize),
    steps_per_epoch: usize,
    validate_every: usize,
    patience: Option<usize>,
    checkpoint_seconds: f64,
}

impl Run {
    fn train(
        &mut self,
        mut clock: Clock,
        control: &(dyn Fn() -> Control + Sync),
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<TrainedModel, FitError> {
        let stop = || control() == Control::Stop;
        let mut saved = clock.seconds();
        loop {
            if control() == Control::Pause {
                on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(clock.seconds())?)));
                clock.wait(|| control() != Control::Pause);
            }
            let share = clock.done(self.steps);
            if stop() || share >= 1.0 {
                break;
            }
            let loss = match self.step(warm_poly(self.plan.rate, self.plan.warm_up, share), &stop) {
                Err(FitError::Engine(EngineError::Stopped)) => break,
                other => other?,
            };
            if !loss.is_finite() {
                return Err(FitError::Plan(format!(
                    "the loss is {loss} after {} steps: the training has diverged; choose a lower rate than {}",
                    self.steps, self.plan.rate
                )));
            }
            self.losses = (self.losses.0 + loss, self.losses.1 + 1);
            on_event(FitEvent::Step { done: share, loss });
            let last = clock.done(self.steps) >= 1.0;
            if last || self.steps.is_multiple_of(self.steps_per_epoch as u64) {
                let Some(patient) = self.end_epoch(last, &clock, &stop, on_event)? else { break };
                if !patient {
                    break;
                }
            }
            if clock.seconds() - saved >= self.checkpoint_seconds {
                on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(clock.seconds())?)));
                saved = clock.seconds();
            }
        }
        let (best, weights) = self.best.take().ok_or(FitError::Stopped)?;
        Ok(self.trained(&best, weights))
    }

    /// Reports an epoch, with a validation where one is due; `None` when stopped, else whether there is patience left.
    fn end_epoch(
        &mut self,
        last: bool,
        clock: &Clock,
        stop: &(dyn Fn() -> bool + Sync),
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Option<bool>, FitError> {
        self.network.take_notices().into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
        let number = (self.steps as usize).div_ceil(self.steps_per_epoch);
        let (sum, count) = std::mem::take(&mut self.losses);
        let (mut dice, mut better) = (None, false);
        if last || number.is_multiple_of(self.validate_every) {
            let Some(cases) = self.validate(stop, on_event)? else { return Ok(None) };
            let measured = mean_dice(&cases);
            let mean = measured.values().sum::<f64>() / measured.len().max(1) as f64;
            // Without validation cases (or labels in them) there is nothing to choose by: the latest is kept.
            better = measured.is_empty() || self.best.as_ref().is_none_or(|(best, _)| mean > best.mean);
            if better {
                let best = BestSoFar { mean, epoch: number, cases };
                let weights = self.current_weights()?;
                on_event(FitEvent::Best(Box::new(self.trained(&best, weights.clone()).model)));
                self.best = Some((best, weights));
            }
            dice = Some(measured);
        }
        on_event(FitEvent::Epoch(Epoch {
            number,
            done: clock.done(self.steps).min(1.0),
            loss: sum / count.max(1) as f64,
            dice,
            best: better,
            seconds: clock.seconds(),
        }));
        let since = self.best.as_ref().map_or(0, |(best, _)| number - best.epoch);
        Ok(Some(self.patience.is_none_or(|patience| since < patience * self.validate_every)))
    }

    fn trained(&self, best: &BestSoFar, weights: Weights) -> TrainedModel {
        let mut model = Model { spec: self.spec.clone(), weights };
        let dice = mean_dice(&best.cases);
        model.spec.provenance.metrics = dice.iter().map(|(name, d)| (format!("dice/{name}"), *d)).collect();
        TrainedModel { model, epoch: best.epoch, dice, cases: best.cases.clone() }
    }

    /// The weights that a model would have now: their mean where one is kept.
    fn current_weights(&self) -> Result<Weights, FitError> {
        match &self.average {
            Some(average) => Ok(average.mean().clone()),
            None => Ok(self.network.weights()?),
        }
    }

    fn checkpoint(&self, seconds: f64) -> Result<Checkpoint, FitError> {
        let optimiser = self.optimiser.state(&self.network)?;
        let progress = TrainingProgress {
            signature: self.signature.clone(),
            seconds,
            steps: self.steps,
            losses: self.losses,
            average_steps: self.average.as_ref().map_or(0, WeightAverage::steps),
            optimiser_steps: optimiser.steps,
            best: self.best.as_ref().map(|(best, _)| best.clone()),
        };
        Ok(Checkpoint {
            progress,
            weights: self.network.weights()?,
            average: self.average.as_ref().map(|average| average.mean().clone()),
            optimiser,
            best: self.best.as_ref().map(|(_, weights)| weights.clone()),
        })
    }

    /// Takes over an interrupted training's state; the network has its weights already. Gives the seconds it had run.
    fn restore(&mut self, checkpoint: Checkpoint) -> Result<f64, FitError> {
        let Checkpoint { progress, average, optimiser, best, .. } = checkpoint;
        self.optimiser.restore(&self.network, &optimiser)?;
        if let Some(mean) = average {
            self.average = Some(WeightAverage::resume(self.plan.average, mean, progress.average_steps));
        }
        self.best = progress.best.zip(best);
        (self.steps, self.losses) = (progress.steps, progress.losses);
        Ok(progress.seconds)
    }

    fn step(&mut self, rate: f64, stop: &dyn Fn() -> bool) -> Result<f64, FitError> {
        let batch = self.plan.batch;
        let forced = (self.plan.forced_foreground * batch as f64).round() as usize;
        let first = self.steps * batch as u64;
        let examples: Vec<_> = (0..batch)
            .into_par_iter()
            .map(|n| {
                // Every example has its own stream, so that threads do not matter.
                let mut random = Random::new(self.plan.seed, 1 + first + n as u64);
                let (case, slice) = draw(&self.cases, n >= batch - forced, &mut random);
                self.plan.augmentation.example(&self.cases[case], slice, self.cut, &mut random)
            })
            .collect();
        self.steps += 1;
        let [h, w] = self.cut.patch;
        let channels = self.spec.input_channels();
        let images = examples.iter().flat_map(|e| e.image.iter().copied()).collect();
        let image = Array::new([batch, channels, h, w], images);
        let pass = self.network.run_unless(&image, Mode::Training, stop)?;
        let outputs = pass.outputs()?;
        let weights = self.network.graph().output_weights();
        let mut value = 0.0;
        let mut gradients = Vec::with_capacity(outputs.len());
        for (logits, weight) in outputs.iter().zip(weights) {
            let [_, _, oh, ow] = logits.dims4();
            let target: Vec<u16> = examples.iter().flat_map(|e| self.target(&e.labels, [oh, ow])).collect();
            let mut loss = self.loss.of(logits, &target);
            value += weight * loss.value;
            loss.gradient.values.iter_mut().for_each(|g| *g *= weight as f32);
            gradients.push(loss.gradient);
        }
        let gradients = pass.backward_unless(&gradients, stop)?;
        self.optimiser.step(&mut self.network, &gradients, rate)?;
        if let Some(average) = &mut self.average {
            average.add(&self.network.weights()?);
        }
        Ok(value)
    }

    /// The middle of a patch's labels, at the resolution of an output.
    fn target(&self, labels: &[u16], size: [usize; 2]) -> Vec<u16> {
        let patch = self.cut.patch;
        let offset = [0, 1].map(|axis| (patch[axis] - self.output[axis]) / 2);
        (0..size[0] * size[1])
            .map(|n| {
                let row = offset[0] + nearest(n / size[1], self.output[0], size[0]);
                let column = offset[1] + nearest(n % size[1], self.output[1], size[1]);
                labels[row * patch[1] + column]
            })
            .collect()
    }

    fn validate(
        &self,
        stop: &(dyn Fn() -> bool + Sync),
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Option<Vec<CaseDice>>, FitError> {
        let model = Model { spec: self.spec.clone(), weights: self.current_weights()? };
        let mut show = |preview| on_event(FitEvent::Preview(Box::new(preview)));
        validate(&model, &self.validation, self.ignore, self.device, stop, &mut show)
    }
}
