//! The training loop.

use std::collections::BTreeMap;

use super::checkpoint::{BestSoFar, Checkpoint, DATA, TrainingProgress, signature};
use super::clock::Clock;
use super::dataset::{CaseFiles, Dataset, Split};
use super::events::{Epoch, FitEvent, Measurement};
use super::fingerprint::Fingerprint;
use super::learner::Learner;
use super::pace::Pace;
use super::plan::{Budget, Plan};
use super::preparing::prepare_all;
use super::reading::{LabelledScan, read_case};
use super::sampling::{PreparedCase, checksum, draw};
use super::schedule::warm_poly;
use super::specification::{is_ct_by_values, prepared_for, prepared_like, specification, started_from};
use super::start;
use super::validation::{CaseDice, Measured, mean_dice, validate};
use crate::engine::{DeviceChoice, EngineError, KeepFreedMemory, Weights};
use crate::model::{Model, ModelSpec};
use crate::volume::{LabelMap, Volume};
use crate::work::{Stopped, Watch};

/// Reads the files of a case.
pub type Loader<'a> = &'a (dyn Fn(&CaseFiles) -> Result<(Volume, LabelMap), String> + Sync);

/// Why training ended without a model.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The user stopped before the first step.
    #[error(transparent)]
    Stopped(#[from] Stopped),
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
    Engine(EngineError),
    /// The architecture cannot be built.
    #[error(transparent)]
    Zoo(#[from] crate::zoo::ZooError),
    /// The plan does not fit the data.
    #[error("{0}")]
    Plan(String),
}

impl From<EngineError> for FitError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Stopped(stopped) => Self::Stopped(stopped),
            other => Self::Engine(other),
        }
    }
}

/// How a training is carried out.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// A sentence about each choice that was left to the data.
    pub why: Vec<String>,
}

/// A finished training.
pub struct TrainedModel {
    /// The best model by mean validation Dice; the last one where training was stopped before the first validation.
    pub model: Model,
    /// Epoch it is from.
    pub epoch: usize,
    /// Its mean Dice per label name.
    pub dice: BTreeMap<String, f64>,
    /// Its Dice on every held-back case.
    pub cases: Vec<CaseDice>,
    /// The same of the model that training started from, where it has the same classes.
    pub before: Option<Vec<CaseDice>>,
    /// Every epoch.
    pub epochs: Vec<Epoch>,
}

/// Where nothing is held back every epoch gives a better model; it is given away no more often than this.
const UNMEASURED_SECONDS: f64 = 10.0;

/// How a run is made, besides the plan.
pub struct FitOptions<'a> {
    /// Length.
    pub budget: Budget,
    /// Device.
    pub device: DeviceChoice,
    /// A model to start from instead of random weights.
    pub init: Option<&'a Model>,
    /// A model whose network and preparation of scans are taken over, with random weights.
    pub like: Option<&'a ModelSpec>,
    /// Epochs between validations; none: after every epoch of a budget in epochs, and a tenth of the time of one in time.
    pub validate_every: Option<usize>,
    /// Validations without a better one after which training ends; none: only with the budget.
    pub patience: Option<usize>,
    /// Seconds between two checkpoints.
    pub checkpoint_seconds: f64,
    /// The state of an interrupted training to go on from.
    pub resume: Option<Checkpoint>,
}

/// Trains on a split of a data set.
///
/// When stopped after a validation, the best model so far is returned; before the first one, what was learned until then.
///
/// # Errors
/// When data, plan or device do not work.
pub fn fit(
    dataset: &Dataset,
    split: &Split,
    plan: &Plan,
    options: FitOptions,
    load: Loader,
    watch: Watch,
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<TrainedModel, FitError> {
    let _memory = KeepFreedMemory::start();
    let mut run = begin(dataset, split, plan, &options, load, watch, on_event)?.0;
    let seconds = match options.resume {
        Some(checkpoint) => run.restore(checkpoint)?,
        None => 0.0,
    };
    if let Some(init) = options.init.filter(|_| run.learner.steps == 0) {
        run.before = run.measure_start(init, watch, on_event)?;
    }
    // From the first moment on a training that ends early can be told from a finished one, and gone on with.
    on_event(FitEvent::Checkpoint(Box::new(run.checkpoint(seconds)?)));
    let clock = Clock::start(options.budget, run.steps_per_epoch, seconds);
    run.train(clock, watch, on_event)
}

/// Reads the data set and says how a training on it would be carried out.
///
/// # Errors
/// As [`fit`].
pub fn plan(
    dataset: &Dataset,
    split: &Split,
    plan: &Plan,
    options: &FitOptions,
    load: Loader,
    watch: Watch,
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<Planned, FitError> {
    Ok(begin(dataset, split, plan, options, load, watch, on_event)?.1)
}

/// A training before its first step.
fn begin(
    dataset: &Dataset,
    split: &Split,
    plan: &Plan,
    options: &FitOptions,
    load: Loader,
    watch: Watch,
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<(Run, Planned), FitError> {
    let mut planned = plan.clone();
    if let Some(like) = options.like {
        planned.take_over(like);
    }
    let plan = &planned;
    let mut signature = signature(plan, split, options.budget, options.init);
    if let Some(checkpoint) = &options.resume {
        // What can be said before anything is read.
        signature[DATA] = checkpoint.progress.signature[DATA].clone();
        checkpoint.fits(&signature).map_err(FitError::Plan)?;
    }
    let total = split.train.len() + split.validation.len();
    let mut read = |names: &[String], before: usize| -> Result<Vec<LabelledScan>, FitError> {
        let mut cases = Vec::new();
        for name in names {
            watch.check()?;
            let case = read_case(dataset, name, load, &mut |notice| on_event(FitEvent::Notice(notice)));
            // A file that was not read to its end is no damaged one.
            cases.push(case.map_err(|error| if watch.should_stop() { FitError::Stopped(Stopped) } else { error })?);
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
    let mut fingerprint = Fingerprint::new(&train, names);
    // What is to be like another model, as the folds of a data set are, is planned for as many scans.
    fingerprint.scans = options.like.map_or(train.len(), |like| like.provenance.cases[0]);
    let (plan, mut decided) = fingerprint.decide(plan);
    let spec = specification(dataset, split, &plan, &train, &fingerprint)?;
    fingerprint.rare_labels().into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
    if plan.intensities.is_none() && is_ct_by_values(dataset, &fingerprint) {
        let [low, high] = fingerprint.values;
        decided.push(format!("Intensities are prepared as those of CT, because they reach from {low} to {high}."));
    }
    let (mut spec, notices) = match (options.like, options.init) {
        (Some(like), _) => (prepared_like(spec, like), Vec::new()),
        (None, Some(init)) => prepared_for(spec, &init.spec, &plan),
        (None, None) => (spec, Vec::new()),
    };
    notices.into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
    if let Some(init) = options.init {
        spec = started_from(spec, &init.spec);
    }
    spec.check().map_err(FitError::Plan)?;
    let cases = prepare_all(&train, &spec, dataset.ignore, watch)?;
    drop(train);
    signature[DATA] = checksum(&cases, &validation).into();
    if let Some(checkpoint) = &options.resume {
        checkpoint.fits(&signature).map_err(FitError::Plan)?;
    }

    let graph = spec.graph()?;
    let threads = rayon::current_num_threads();
    if let Some(before) = options.resume.as_ref().and_then(|state| state.progress.threads).filter(|&n| n != threads) {
        on_event(FitEvent::Notice(format!(
            "The training began on {before} threads and goes on with {threads}: sums come in another order, so the weights will \
             not be the same to the last digit."
        )));
    }
    let first = match (&options.resume, options.init) {
        (Some(checkpoint), _) => start::Start { weights: checkpoint.weights.clone(), notices: Vec::new() },
        (None, Some(model)) => {
            let target = start::Target::of(&model.spec, &spec);
            start::from_model(model, &graph, target, plan.seed).map_err(FitError::Plan)?
        }
        (None, None) => start::random(&graph, plan.seed),
    };
    first.notices.into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
    let slices: usize = cases.iter().map(|case| case.known.len()).sum();
    let plan = match &options.resume {
        // As many as before, so that the same slices come in the same steps.
        Some(checkpoint) => Plan { batch: checkpoint.progress.batch, ..plan },
        None => plan,
    };
    let (learner, notices) = Learner::new(&spec, graph, &first.weights, &plan, dataset.ignore, options.device)?;
    let plan = Plan { batch: learner.batch(), ..plan };
    spec.provenance.plan = serde_json::json!({"budget": options.budget, "choices": plan});
    let planned = Planned { plan: plan.clone(), why: decided };
    on_event(FitEvent::Planned(Box::new(planned.clone())));
    notices.into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
    let run = Run {
        signature,
        cases,
        validation,
        ignore: dataset.ignore,
        device: options.device,
        best: None,
        validated: None,
        epochs: Vec::new(),
        before: None,
        losses: (0.0, 0),
        rate: 0.0,
        written: 0.0,
        steps_per_epoch: plan.epoch_steps.unwrap_or(slices.div_ceil(learner.batch())).max(1),
        pace: Pace::new(options.validate_every, options.budget),
        measuring: 0.0,
        patience: options.patience,
        checkpoint_seconds: options.checkpoint_seconds,
        spec,
        plan,
        learner,
        stored: dataset
            .stored
            .clone()
            .filter(|values| !values.iter().copied().eq(0..values.len() as u16))
            .unwrap_or_default(),
    };
    Ok((run, planned))
}

struct Run {
    plan: Plan,
    /// Values of the classes in files, where they are not 0, 1, 2 ...
    stored: Vec<u16>,
    spec: ModelSpec,
    signature: serde_json::Value,
    cases: Vec<PreparedCase>,
    validation: Vec<LabelledScan>,
    ignore: Option<u16>,
    device: DeviceChoice,
    learner: Learner,
    best: Option<(BestSoFar, Weights)>,
    /// Steps at the last validation.
    validated: Option<u64>,
    epochs: Vec<Epoch>,
    before: Option<Vec<CaseDice>>,
    /// Sum and count of the losses of this epoch.
    losses: (f64, usize),
    /// Rate of the last step.
    rate: f64,
    /// Seconds when the best model was given away last.
    written: f64,
    steps_per_epoch: usize,
    pace: Pace,
    /// Seconds that validations took.
    measuring: f64,
    patience: Option<usize>,
    checkpoint_seconds: f64,
}

impl Run {
    fn train(
        &mut self,
        mut clock: Clock,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<TrainedModel, FitError> {
        let mut saved = clock.seconds();
        if self.owes_an_epoch() && clock.done(self.learner.steps) < 1.0 {
            self.end_epoch(false, &mut clock, watch, on_event)?;
        }
        loop {
            if watch.should_pause() && !watch.should_stop() {
                on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(clock.seconds())?)));
                clock.wait(watch);
            }
            let share = clock.done(self.learner.steps);
            if share >= 1.0 && self.validated != Some(self.learner.steps) && !watch.should_stop() {
                // The time ran out between two steps.
                self.end_epoch(true, &mut clock, watch, on_event)?;
            }
            if watch.should_stop() || share >= 1.0 {
                break;
            }
            let rate = warm_poly(self.plan.rate, self.plan.warm_up, share);
            self.rate = rate;
            let cases = &self.cases;
            // A step that moves running statistics is not broken off where its state is to be gone on with.
            let loss = match self.learner.step(&|forced, random| draw(cases, forced, random), rate, watch.finishing()) {
                Err(FitError::Stopped(_)) => break,
                other => other?,
            };
            if !loss.is_finite() && self.best.is_some() {
                on_event(FitEvent::Notice(format!(
                    "The loss is {loss} after {} steps: the training has diverged, and the best model until then is kept; \
                     choose a lower rate than {}.",
                    self.learner.steps, self.plan.rate
                )));
                break;
            }
            if !loss.is_finite() {
                return Err(FitError::Plan(format!(
                    "the loss is {loss} after {} steps: the training has diverged; choose a lower rate than {}",
                    self.learner.steps, self.plan.rate
                )));
            }
            self.losses = (self.losses.0 + loss, self.losses.1 + 1);
            on_event(FitEvent::Step { done: share, loss, rate });
            let last = clock.done(self.learner.steps) >= 1.0;
            if last || self.learner.steps.is_multiple_of(self.steps_per_epoch as u64) {
                let Some(patient) = self.end_epoch(last, &mut clock, watch, on_event)? else { break };
                if !patient {
                    break;
                }
            }
            if clock.seconds() - saved >= self.checkpoint_seconds {
                on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(clock.seconds())?)));
                saved = clock.seconds();
            }
        }
        if watch.is_abandoned() && self.learner.steps > 0 {
            on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(clock.seconds())?)));
        }
        let (best, weights) = match self.best.take() {
            Some(best) => best,
            // Stopped before the first validation: what was learned so far, unmeasured.
            None if self.learner.steps > 0 => {
                let epoch = (self.learner.steps as usize).div_ceil(self.steps_per_epoch);
                (BestSoFar { mean: f64::NEG_INFINITY, epoch, cases: Vec::new() }, self.learner.current_weights()?)
            }
            None => return Err(FitError::Stopped(Stopped)),
        };
        Ok(self.trained(&best, weights))
    }

    /// Whether the last step of an epoch is made and the epoch has not ended, because a validation was broken off.
    fn owes_an_epoch(&self) -> bool {
        let (steps, each) = (self.learner.steps, self.steps_per_epoch as u64);
        let ended = self.epochs.last().map_or(0, |epoch| epoch.number as u64);
        steps.is_multiple_of(each) && ended < steps / each
    }

    /// Reports an epoch, with a validation where one is due; `None` when stopped, else whether there is patience left.
    fn end_epoch(
        &mut self,
        last: bool,
        clock: &mut Clock,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Option<bool>, FitError> {
        self.learner.take_notices().into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
        let number = (self.learner.steps as usize).div_ceil(self.steps_per_epoch);
        let (sum, count) = std::mem::take(&mut self.losses);
        let (mut dice, mut better) = (None, false);
        if last || self.pace.is_due(number, self.measuring, clock.seconds()) {
            let started = clock.seconds();
            let when = if last { Measurement::Last } else { Measurement::Between };
            let cases = match self.validate(when, clock, watch, on_event) {
                Err(FitError::Stopped(_)) => {
                    // The epoch has not ended yet for whoever goes on with this training.
                    self.losses = (sum, count);
                    return Ok(None);
                }
                other => other?,
            };
            self.measuring += clock.seconds() - started;
            let measured = mean_dice(&cases);
            self.validated = Some(self.learner.steps);
            let mean = measured.values().sum::<f64>() / measured.len().max(1) as f64;
            // Without validation cases (or labels in them) there is nothing to choose by: the latest is kept.
            let weights = self.learner.current_weights()?;
            let is_whole = || weights.values().all(|array| array.values.iter().all(|value| value.is_finite()));
            better = if measured.is_empty() {
                is_whole()
            } else {
                self.best.as_ref().is_none_or(|(best, _)| mean > best.mean)
            };
            if better {
                let is_due = !measured.is_empty() || last || clock.seconds() - self.written >= UNMEASURED_SECONDS;
                let best = BestSoFar { mean, epoch: number, cases };
                if is_due {
                    self.written = clock.seconds();
                    on_event(FitEvent::Best(Box::new(self.trained(&best, weights.clone()).model)));
                }
                self.best = Some((best, weights));
            }
            dice = Some(measured);
        }
        let epoch = Epoch {
            number,
            done: clock.done(self.learner.steps).min(1.0),
            loss: sum / count.max(1) as f64,
            dice,
            best: better,
            seconds: clock.seconds(),
            rate: self.rate,
        };
        self.epochs.push(epoch.clone());
        on_event(FitEvent::Epoch(epoch));
        let best = self.best.as_ref().map_or(number, |(best, _)| best.epoch);
        let since = self.epochs.iter().filter(|epoch| epoch.number > best && epoch.dice.is_some()).count();
        Ok(Some(self.patience.is_none_or(|patience| since < patience)))
    }

    fn trained(&self, best: &BestSoFar, weights: Weights) -> TrainedModel {
        let mut model = Model { spec: self.spec.clone(), weights };
        for (class, &value) in model.spec.classes.iter_mut().zip(&self.stored) {
            class.value = Some(value);
            model.spec.version = crate::model::SPEC_VERSION;
        }
        let dice = mean_dice(&best.cases);
        model.spec.provenance.metrics = dice.iter().map(|(name, d)| (format!("dice/{name}"), *d)).collect();
        TrainedModel {
            model,
            epoch: best.epoch,
            dice,
            cases: best.cases.clone(),
            before: self.before.clone(),
            epochs: self.epochs.clone(),
        }
    }

    fn checkpoint(&self, seconds: f64) -> Result<Checkpoint, FitError> {
        let state = self.learner.state()?;
        let progress = TrainingProgress {
            signature: self.signature.clone(),
            labels: Some(self.spec.classes.iter().skip(1).map(|class| class.name.clone()).collect()),
            seconds,
            steps: self.learner.steps,
            batch: self.learner.batch(),
            threads: Some(rayon::current_num_threads()),
            epochs: self.epochs.clone(),
            before: self.before.clone(),
            losses: self.losses,
            measuring: self.measuring,
            steps_per_epoch: Some(self.steps_per_epoch),
            average_steps: state.average.as_ref().map_or(0, |(_, steps)| *steps),
            optimiser_steps: state.optimiser.steps,
            best: self.best.as_ref().map(|(best, _)| best.clone()),
            keeps_earlier: false,
        };
        Ok(Checkpoint {
            progress,
            weights: state.weights,
            average: state.average.map(|(mean, _)| mean),
            optimiser: state.optimiser,
            best: self.best.as_ref().map(|(_, weights)| weights.clone()),
        })
    }

    /// Takes over an interrupted training's state; the network has its weights already. Gives the seconds it had run.
    fn restore(&mut self, checkpoint: Checkpoint) -> Result<f64, FitError> {
        let Checkpoint { progress, average, optimiser, best, .. } = checkpoint;
        let average = average.map(|mean| (mean, progress.average_steps));
        self.learner.restore(progress.steps, average, &optimiser)?;
        self.best = progress.best.zip(best);
        (self.losses, self.epochs, self.before) = (progress.losses, progress.epochs, progress.before);
        self.measuring = progress.measuring;
        // The batch may have shrunk since, or memory be shorter now: an epoch stays as long as it was.
        self.steps_per_epoch = progress.steps_per_epoch.unwrap_or(self.steps_per_epoch);
        Ok(progress.seconds)
    }

    /// Dice of the model that training starts from, prepared and averaged as it is used; `None` where it has other classes or channels,
    /// or nothing is held back.
    fn measure_start(
        &self,
        init: &Model,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Option<Vec<CaseDice>>, FitError> {
        let mut spec = init.spec.clone();
        let is_comparable = !spec.is_classifier()
            && spec.image_channels == self.spec.image_channels
            && start::are_same_classes(&spec.classes, &self.spec.classes);
        if self.validation.is_empty() || !is_comparable {
            return Ok(None);
        }
        for (class, own) in spec.classes.iter_mut().zip(&self.spec.classes) {
            class.name.clone_from(&own.name);
        }
        let model = Model { spec, weights: init.weights.clone() };
        on_event(FitEvent::Measuring { done: 0, count: self.validation.len(), when: Measurement::Start });
        let mut tell = |news| tell(news, Measurement::Start, on_event);
        Ok(Some(validate(&model, &self.validation, self.ignore, self.device, watch, &mut tell)?))
    }

    /// Dice of the model as it is now; a pause is noticed between slices.
    fn validate(
        &self,
        when: Measurement,
        clock: &mut Clock,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Vec<CaseDice>, FitError> {
        let model = Model { spec: self.spec.clone(), weights: self.learner.current_weights()? };
        if !self.validation.is_empty() {
            on_event(FitEvent::Measuring { done: 0, count: self.validation.len(), when });
        }
        let mut heard = |news| match news {
            Measured::Slices => clock.wait(watch),
            news => tell(news, when, on_event),
        };
        validate(&model, &self.validation, self.ignore, self.device, watch, &mut heard)
    }
}

fn tell(news: Measured, when: Measurement, on_event: &mut dyn FnMut(FitEvent)) {
    match news {
        Measured::Preview(preview) => on_event(FitEvent::Preview(Box::new(preview))),
        Measured::Case { done, count } => on_event(FitEvent::Measuring { done, count, when }),
        Measured::Slices => {}
    }
}
