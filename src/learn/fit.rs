//! The training loop.

use super::checkpoint::{BestSoFar, Checkpoint, TrainingProgress};
use super::clock::Clock;
use super::epoch::Epoch;
use super::error::FitError;
use super::events::{FitEvent, Planned};
use super::learner::Learner;
use super::measuring::HeldBack;
use super::pace::Pace;
use super::plan::Budget;
use super::record::Record;
use super::sampling::{PreparedCase, draw};
use super::schedule::warm_poly;
use super::stages::{LEARNING, MEASURING, MEASURING_START};
use super::trained::{Ending, TrainedModel};
use super::validation::{CaseDice, mean_dice};
use crate::engine::{KeepFreedMemory, Weights};
use crate::model::{Model, ModelSpec, SPEC_VERSION};
use crate::work::{Stopped, Watch};

/// A training that is ready to begin, or to be continued: its cases are read, its plan is made.
pub struct Fit<'a> {
    /// How it is carried out.
    pub planned: Planned,
    pub(super) spec: ModelSpec,
    /// Values of the classes in files, where they are not 0, 1, 2 ...
    pub(super) stored: Vec<u16>,
    pub(super) signature: serde_json::Value,
    pub(super) cases: Vec<PreparedCase>,
    pub(super) held_back: HeldBack<'a>,
    pub(super) learner: Learner,
    pub(super) record: Record,
    pub(super) steps_per_epoch: usize,
    pub(super) pace: Pace,
    pub(super) patience: Option<usize>,
    pub(super) budget: Budget,
    pub(super) checkpoint_seconds: f64,
    /// Seconds that it ran before it was interrupted.
    pub(super) seconds: f64,
    /// The model to measure first.
    pub(super) start: Option<Model>,
    pub(super) _memory: KeepFreedMemory,
}

impl Fit<'_> {
    /// Learns until the budget is used, patience ends or the work is stopped.
    ///
    /// When stopped after a validation, the best model so far is returned; before the first one, what was learned until then.
    ///
    /// # Errors
    /// When the device fails, the loss grows beyond all numbers before anything was measured, or the work is stopped before the first
    /// step.
    pub fn run(mut self, watch: Watch, on_event: &mut dyn FnMut(FitEvent)) -> Result<TrainedModel, FitError> {
        if let Some(start) = self.start.take() {
            let watch = watch.stage(MEASURING_START);
            self.record.before = self.held_back.measure_start(&start, &self.spec, watch, on_event)?;
        }
        // From the first moment on a training that ends early can be told from a finished one, and continued.
        on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(self.seconds)?)));
        let mut clock = Clock::start(self.budget, self.steps_per_epoch, self.seconds);
        let ending = self.learn(&mut clock, watch, on_event)?;
        if watch.is_abandoned() && self.learner.steps > 0 {
            on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(clock.seconds())?)));
        }
        self.trained(ending)
    }

    /// The loop.
    fn learn(
        &mut self,
        clock: &mut Clock,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Ending, FitError> {
        let mut saved = clock.seconds();
        if self.record.owes_an_epoch(self.learner.steps, self.steps_per_epoch) && clock.done(self.learner.steps) < 1.0 {
            self.end_epoch(false, clock, watch, on_event)?;
        }
        loop {
            if watch.should_pause() && !watch.should_stop() {
                on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(clock.seconds())?)));
                clock.wait(watch);
            }
            let share = clock.done(self.learner.steps);
            if share >= 1.0 && self.record.validated != Some(self.learner.steps) && !watch.should_stop() {
                // The time ran out between two steps.
                self.end_epoch(true, clock, watch, on_event)?;
            }
            if watch.should_stop() {
                return Ok(Ending::Stopped);
            }
            if share >= 1.0 {
                return Ok(Ending::Budget);
            }
            let rate = warm_poly(self.planned.plan.rate, self.planned.plan.warm_up, share);
            let cases = &self.cases;
            // A step that moves running statistics is not broken off where its state is to be continued.
            let loss = match self.learner.step(&|forced, random| draw(cases, forced, random), rate, watch.finishing()) {
                Err(FitError::Stopped(_)) => return Ok(Ending::Stopped),
                other => other?,
            };
            if !loss.is_finite() {
                return self.diverged(loss, on_event);
            }
            self.record.add(loss, rate);
            on_event(FitEvent::Step { done: share, loss, rate });
            // The loop itself looks for a stop.
            let _ = watch.stage(LEARNING).at(share as f32);
            let is_last = clock.done(self.learner.steps) >= 1.0;
            if is_last || self.learner.steps.is_multiple_of(self.steps_per_epoch as u64) {
                match self.end_epoch(is_last, clock, watch, on_event)? {
                    None => return Ok(Ending::Stopped),
                    Some(false) => return Ok(Ending::Patience),
                    Some(true) => {}
                }
            }
            if clock.seconds() - saved >= self.checkpoint_seconds {
                on_event(FitEvent::Checkpoint(Box::new(self.checkpoint(clock.seconds())?)));
                saved = clock.seconds();
            }
        }
    }

    /// A loss that is no number ends the training; what was measured until then is kept.
    fn diverged(&self, loss: f64, on_event: &mut dyn FnMut(FitEvent)) -> Result<Ending, FitError> {
        let (steps, rate) = (self.learner.steps, self.planned.plan.rate);
        if self.record.best.is_none() {
            return Err(FitError::Plan(format!(
                "the loss is {loss} after {steps} steps: the training has diverged; choose a lower rate than {rate}"
            )));
        }
        on_event(FitEvent::Notice(format!(
            "The loss is {loss} after {steps} steps: the training has diverged, and the best model until then is kept; choose a \
             lower rate than {rate}."
        )));
        Ok(Ending::Diverged)
    }

    /// Reports an epoch, with a validation where one is due; `None` when stopped, else whether there is patience left.
    fn end_epoch(
        &mut self,
        is_last: bool,
        clock: &mut Clock,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Option<bool>, FitError> {
        self.learner.take_notices().into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
        let number = self.epoch();
        let (sum, count) = std::mem::take(&mut self.record.losses);
        let (mut dice, mut is_better) = (None, false);
        if is_last || self.pace.is_due(number, self.record.measuring, clock.seconds()) {
            let started = clock.seconds();
            let cases = match self.measure(is_last, clock, watch, on_event) {
                Err(FitError::Stopped(_)) => {
                    // The epoch has not ended yet for whoever continues this training.
                    self.record.losses = (sum, count);
                    return Ok(None);
                }
                other => other?,
            };
            self.record.measuring += clock.seconds() - started;
            self.record.validated = Some(self.learner.steps);
            let weights = self.learner.current_weights()?;
            let judged = self.record.judge(number, cases, weights, clock.seconds(), is_last);
            if let Some((best, weights)) = self.record.best.as_ref().filter(|_| judged.is_due) {
                on_event(FitEvent::Best(Box::new(self.model(best, weights.clone()))));
            }
            (dice, is_better) = (Some(judged.dice), judged.is_better);
        }
        let epoch = Epoch {
            number,
            done: clock.done(self.learner.steps).min(1.0),
            loss: sum / count.max(1) as f64,
            dice,
            best: is_better,
            seconds: clock.seconds(),
            rate: self.record.rate,
        };
        self.record.epochs.push(epoch.clone());
        on_event(FitEvent::Epoch(epoch));
        Ok(Some(self.record.has_patience(number, self.patience)))
    }

    /// Dice of the model as it is now. Between two steps the share of the stage is that of the budget; a pause is noticed between
    /// slices.
    fn measure(
        &self,
        is_last: bool,
        clock: &mut Clock,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Vec<CaseDice>, FitError> {
        let model = Model { spec: self.spec.clone(), weights: self.learner.current_weights()? };
        let own = if is_last { watch.stage(MEASURING) } else { watch.quiet() };
        let mut between = || {
            clock.wait(watch);
            if !is_last {
                let _ = watch.stage(LEARNING).at(clock.done(self.learner.steps).min(1.0) as f32);
            }
        };
        self.held_back.measure(&model, own, on_event, &mut between)
    }

    /// The epoch that the last step was of.
    fn epoch(&self) -> usize {
        (self.learner.steps as usize).div_ceil(self.steps_per_epoch)
    }

    /// A model of its own, with what was measured of it.
    fn model(&self, best: &BestSoFar, weights: Weights) -> Model {
        let mut model = Model { spec: self.spec.clone(), weights };
        for (class, &value) in model.spec.classes.iter_mut().zip(&self.stored) {
            class.value = Some(value);
            model.spec.version = SPEC_VERSION;
        }
        let dice = mean_dice(&best.cases);
        model.spec.provenance.metrics = dice.into_iter().map(|(name, d)| (format!("dice/{name}"), d)).collect();
        model
    }

    fn trained(mut self, ending: Ending) -> Result<TrainedModel, FitError> {
        let (best, weights) = match self.record.best.take() {
            Some(best) => best,
            // Stopped before the first validation: what was learned so far, unmeasured.
            None if self.learner.steps > 0 => {
                let best = BestSoFar { mean: f64::NEG_INFINITY, epoch: self.epoch(), cases: Vec::new() };
                (best, self.learner.current_weights()?)
            }
            None => return Err(FitError::Stopped(Stopped)),
        };
        Ok(TrainedModel {
            model: self.model(&best, weights),
            epoch: best.epoch,
            dice: mean_dice(&best.cases),
            cases: best.cases,
            before: self.record.before,
            epochs: self.record.epochs,
            ending,
        })
    }

    /// All that is needed to continue another time.
    fn checkpoint(&self, seconds: f64) -> Result<Checkpoint, FitError> {
        let state = self.learner.state()?;
        let record = &self.record;
        let progress = TrainingProgress {
            signature: self.signature.clone(),
            labels: Some(self.spec.classes.iter().skip(1).map(|class| class.name.clone()).collect()),
            seconds,
            steps: self.learner.steps,
            batch: self.learner.batch(),
            threads: Some(rayon::current_num_threads()),
            epochs: record.epochs.clone(),
            before: record.before.clone(),
            losses: record.losses,
            measuring: record.measuring,
            steps_per_epoch: Some(self.steps_per_epoch),
            average_steps: state.average.as_ref().map_or(0, |(_, steps)| *steps),
            optimiser_steps: state.optimiser.steps,
            best: record.best.as_ref().map(|(best, _)| best.clone()),
            keeps_earlier: false,
        };
        Ok(Checkpoint {
            progress,
            weights: state.weights,
            average: state.average.map(|(mean, _)| mean),
            optimiser: state.optimiser,
            best: record.best.as_ref().map(|(_, weights)| weights.clone()),
        })
    }
}
