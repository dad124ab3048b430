//! The training of a Touch network.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use serde_json::json;

use super::example::{Drawn, Sources};
use super::held_back::{HeldBack, TouchDice};
use super::kinds::KINDS;
use super::real::RealSlices;
use crate::engine::{
    Array, DeviceChoice, KeepFreedMemory, Mode, Network, Optimiser, Random, Recipe, SegmentationLoss, Weights,
    initial_weights,
};
use crate::learn::schedule::warm_poly;
use crate::learn::{Checkpoint, FitError, TrainingProgress, WeightAverage};
use crate::model::{
    ArchitectureSpec, ClassSpec, IntensityNormalisation, Model, ModelSpec, PLAIN_VERSION, Provenance, SliceAxis,
    Windows,
};
use crate::pipeline::CHANNELS;
use crate::work::{Stopped, Watch};
use crate::zoo::TOUCH;

/// The share of the steps over which the rate rises.
const WARM_UP: f64 = 0.03;
/// Norm that gradients are clipped to.
const CLIP_NORM: f64 = 12.0;
/// Share of the weights' mean that each step keeps.
const AVERAGE: f64 = 0.995;
/// Sides of pictures and how many are in a step, in turn.
const SIZES: [(usize, usize); 4] = [(256, 2), (160, 4), (256, 2), (192, 3)];
/// Those of the last steps, and the share that these are.
const LAST_SIZE: (usize, usize) = (256, 2);
const LAST: f64 = 0.25;
/// Seconds between two checkpoints.
const CHECKPOINT_SECONDS: f64 = 60.0;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TouchTraining {
    /// The model file to write.
    pub output: PathBuf,
    /// Steps.
    pub steps: u64,
    /// Seed of weights and examples.
    pub seed: u64,
    /// Channels of the network's first stage.
    pub width: usize,
    /// Folders with real pictures.
    pub data: Vec<PathBuf>,
    /// First learning rate.
    pub rate: f64,
    /// A model whose weights are the start, of the same width.
    pub start: Option<PathBuf>,
    /// Steps between two measurements.
    pub measure_every: u64,
    /// Pictures of each kind that the measurements are made on.
    pub measured: usize,
    /// Their rows and columns.
    pub measured_side: usize,
    /// Whether to go on from the checkpoint beside the model, where there is one.
    pub resume: bool,
    /// Where the data is from, and its licence, for the model's specification.
    pub source: [String; 2],
    /// The command, for the same.
    pub command: String,
}

/// What is told of a training.
#[derive(Debug, Clone, PartialEq)]
pub enum TouchNews {
    /// Something that was read or decided.
    Note(String),
    /// A measurement, after so many steps: the mean loss since the last one, seconds of the whole training, and Dice.
    Measured {
        /// Steps so far.
        steps: u64,
        /// Mean loss since the last measurement.
        loss: f64,
        /// Seconds so far.
        seconds: f64,
        /// Dice of what was held back.
        dice: TouchDice,
    },
}

/// The checkpoint beside a model.
pub fn touch_checkpoint(model: &Path) -> PathBuf {
    crate::learn::checkpoint_path(model)
}

impl TouchTraining {
    /// Trains and writes the model, also after every measurement. A killed training goes on with `resume`; the same seed and number of
    /// threads give the same weights.
    ///
    /// # Errors
    /// When pictures cannot be read, the checkpoint is another training's, files cannot be written, the network fails, or the work is
    /// stopped.
    pub fn run(&self, watch: Watch, tell: &mut dyn FnMut(TouchNews)) -> Result<Model, FitError> {
        let _memory = KeepFreedMemory::start();
        let real = self.read(watch, tell)?;
        let sources = Sources::training(KINDS, real.as_ref());
        let held_back = HeldBack::new(self.measured, self.measured_side);
        let mut state = State::new(self, real.as_ref())?;
        if state.steps == 0 {
            let dice = held_back.measure_without()?;
            tell(TouchNews::Note(format!(
                "nearness alone: Dice {:.4} of kinds that are learned from, {:.4} of others",
                dice.seen, dice.unseen
            )));
        }
        let mut saved = Instant::now();
        while state.steps < self.steps {
            if watch.should_stop() {
                state.save(&touch_checkpoint(&self.output))?;
                return Err(Stopped.into());
            }
            // The checkpoint is read as a whole step.
            state.step(self, &sources, watch.finishing())?;
            let _ = watch.at((state.steps as f64 / self.steps as f64) as f32);
            let is_last = state.steps == self.steps;
            if is_last || state.steps.is_multiple_of(self.measure_every.max(1)) {
                let weights = state.average.mean().clone();
                let mut network = Network::new(state.network.graph().clone(), &weights, DeviceChoice::Cpu)?;
                let dice = held_back.measure(&mut network, watch.finishing())?;
                let (sum, count) = std::mem::take(&mut state.losses);
                let (steps, seconds) = (state.steps, state.seconds());
                tell(TouchNews::Measured { steps, loss: sum / count.max(1) as f64, seconds, dice: dice.clone() });
                self.write(&state, &dice)?;
            }
            if is_last || saved.elapsed().as_secs_f64() > CHECKPOINT_SECONDS {
                state.save(&touch_checkpoint(&self.output))?;
                saved = Instant::now();
            }
        }
        Model::load(&self.output).map_err(|e| FitError::Plan(e.to_string()))
    }

    fn read(&self, watch: Watch, tell: &mut dyn FnMut(TouchNews)) -> Result<Option<RealSlices>, FitError> {
        if self.data.is_empty() {
            return Ok(None);
        }
        let (real, lines) = RealSlices::read(&self.data, watch)?;
        lines.into_iter().for_each(|line| tell(TouchNews::Note(line)));
        Ok(Some(real))
    }

    /// Identifier and checksum of the model that it starts from.
    fn start_facts(&self) -> Result<Option<[String; 2]>, FitError> {
        let facts = |path: &PathBuf| {
            let model = Model::load(path).map_err(|e| FitError::Plan(e.to_string()))?;
            Ok([model.spec.id, model.spec.sha256])
        };
        self.start.as_ref().map(facts).transpose()
    }

    fn spec(&self) -> Result<ModelSpec, FitError> {
        let class = |name: &str, colour| ClassSpec { name: name.into(), colour, value: None };
        let [data, licence] = self.source.clone();
        Ok(ModelSpec {
            version: PLAIN_VERSION,
            id: TOUCH.into(),
            title: "Touch: strokes to masks".into(),
            architecture: ArchitectureSpec { id: TOUCH.into(), options: json!({"width": self.width}) },
            image_channels: CHANNELS,
            neighbours: 0,
            slice_axis: SliceAxis::Axial,
            fused_axes: Vec::new(),
            spacing_mm: None,
            // The planes have their own scale.
            normalisation: IntensityNormalisation::ZScore { nonzero: false },
            channel_normalisation: Vec::new(),
            windows: Windows::Fitted,
            reversed: [false; 3],
            patch: [LAST_SIZE.0; 2],
            classes: vec![class("Background", [0; 3]), class("Structure", crate::volume::default_colour(1))],
            mirror: false,
            mirror_axes: [true; 3],
            average_mirrored: false,
            licence: "MIT OR Apache-2.0".into(),
            provenance: Provenance {
                data,
                data_licence: licence,
                command: self.command.clone(),
                seed: self.seed,
                start: self.start_facts()?,
                ..Provenance::default()
            },
            sha256: String::new(),
        })
    }

    /// Writes the model so far.
    fn write(&self, state: &State, dice: &TouchDice) -> Result<(), FitError> {
        let mut spec = self.spec()?;
        let named = dice.kinds.iter().map(|(kind, dice)| (format!("dice/{kind}"), *dice));
        spec.provenance.metrics = named.collect();
        spec.provenance.plan = json!({"steps": state.steps, "of": self.steps, "rate": self.rate, "average": AVERAGE});
        let model = Model { spec, weights: state.average.mean().clone() };
        model.save(&self.output).map_err(|e| FitError::Plan(e.to_string()))
    }

    /// What decides how the training goes.
    fn signature(&self, slices: usize) -> serde_json::Value {
        json!({
            "steps": self.steps, "seed": self.seed, "width": self.width, "rate": self.rate, "slices": slices,
            "kinds": KINDS.iter().map(|kind| json!([kind.name, kind.weight])).collect::<Vec<_>>(),
        })
    }
}

/// A training in the middle.
struct State {
    network: Network,
    optimiser: Optimiser,
    average: WeightAverage,
    loss: SegmentationLoss,
    steps: u64,
    losses: (f64, usize),
    signature: serde_json::Value,
    /// Seconds before this run, and its beginning.
    clock: (f64, Instant),
}

impl State {
    fn new(training: &TouchTraining, real: Option<&RealSlices>) -> Result<Self, FitError> {
        let graph = training.spec()?.graph()?;
        let signature = training.signature(real.map_or(0, RealSlices::count));
        let recipe = Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
        let mut optimiser = Optimiser::new(recipe, Some(CLIP_NORM));
        let path = touch_checkpoint(&training.output);
        let found = if training.resume && path.exists() {
            let found = Checkpoint::load(&path).map_err(FitError::Plan)?;
            found.fits(&signature).map_err(FitError::Plan)?;
            Some(found)
        } else {
            None
        };
        let weights = match &found {
            Some(found) => found.weights.clone(),
            None => match &training.start {
                Some(path) => Model::load(path).map_err(|e| FitError::Plan(e.to_string()))?.weights,
                None => initial_weights(&graph, training.seed),
            },
        };
        let network = Network::new(graph, &weights, DeviceChoice::Cpu)?;
        let (mut average, mut steps, mut seconds, mut losses) =
            (WeightAverage::new(AVERAGE, weights), 0, 0.0, (0.0, 0));
        if let Some(found) = found {
            optimiser.restore(&network, &found.optimiser)?;
            (steps, seconds, losses) = (found.progress.steps, found.progress.seconds, found.progress.losses);
            if let Some(mean) = found.average {
                average = WeightAverage::resume(AVERAGE, mean, found.progress.average_steps);
            }
        }
        // Each picture has its own ratio: small structures count as much as large ones.
        let loss = SegmentationLoss { batch_dice: false, smooth: 1.0, ..SegmentationLoss::default() };
        Ok(Self { network, optimiser, average, loss, steps, losses, signature, clock: (seconds, Instant::now()) })
    }

    fn seconds(&self) -> f64 {
        self.clock.0 + self.clock.1.elapsed().as_secs_f64()
    }

    /// One step of the optimiser.
    fn step(&mut self, training: &TouchTraining, sources: &Sources, watch: Watch) -> Result<(), FitError> {
        let done = self.steps as f64 / training.steps as f64;
        let (side, count) = if done >= 1.0 - LAST { LAST_SIZE } else { SIZES[self.steps as usize % SIZES.len()] };
        let draw = |n: usize| {
            let stream = self.steps.wrapping_mul(64) + n as u64;
            let drawn = sources.draw([side; 2], &mut Random::new(training.seed, stream));
            (drawn.planes(), drawn)
        };
        let examples: Vec<(Vec<f32>, Drawn)> = (0..count).into_par_iter().map(draw).collect();
        let target: Vec<u16> =
            examples.iter().flat_map(|(_, drawn)| drawn.mask.iter().map(|is_in| u16::from(*is_in))).collect();
        let planes: Vec<f32> = examples.into_iter().flat_map(|(planes, _)| planes).collect();
        let input = Array::new([count, CHANNELS, side, side], planes);
        let pass = self.network.run(&input, Mode::Training, watch)?;
        let mut value = 0.0;
        let mut gradients = Vec::new();
        for logits in pass.outputs()? {
            let loss = self.loss.of(&logits, &target);
            value += loss.value;
            gradients.push(loss.gradient);
        }
        if !value.is_finite() {
            return Err(FitError::Plan(format!(
                "the loss is {value} after {} steps; nothing can be learned on",
                self.steps
            )));
        }
        let gradients = pass.backward(&gradients, watch)?;
        self.optimiser.step(&mut self.network, &gradients, warm_poly(training.rate, WARM_UP, done))?;
        self.steps += 1;
        self.losses = (self.losses.0 + value, self.losses.1 + 1);
        self.average.add(&self.network.weights()?);
        Ok(())
    }

    fn save(&self, path: &Path) -> Result<(), FitError> {
        let optimiser = self.optimiser.state(&self.network)?;
        let weights: Weights = self.network.weights()?;
        let progress = TrainingProgress {
            signature: self.signature.clone(),
            labels: None,
            seconds: self.seconds(),
            steps: self.steps,
            batch: LAST_SIZE.1,
            threads: Some(rayon::current_num_threads()),
            epochs: Vec::new(),
            before: None,
            losses: self.losses,
            measuring: 0.0,
            steps_per_epoch: None,
            average_steps: self.average.steps(),
            optimiser_steps: optimiser.steps,
            best: None,
            keeps_earlier: false,
        };
        let checkpoint =
            Checkpoint { progress, weights, average: Some(self.average.mean().clone()), optimiser, best: None };
        checkpoint.save(path).map_err(|e| FitError::Plan(format!("{} cannot be written: {e}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn an_interrupted_training_goes_on_to_the_same_weights() {
        let folder = tempfile::tempdir().unwrap();
        let training = |name: &str, resume| TouchTraining {
            output: folder.path().join(name),
            steps: 3,
            seed: 4,
            rate: 0.003,
            start: None,
            width: 1,
            data: Vec::new(),
            measure_every: 100,
            measured: 1,
            measured_side: 64,
            resume,
            source: [String::new(), String::new()],
            command: String::new(),
        };
        let whole = training("whole.safetensors", false);
        let mut measured = BTreeMap::new();
        let model = whole
            .run(Watch::unwatched(), &mut |news| {
                if let TouchNews::Measured { steps, dice, .. } = news {
                    measured.insert(steps, dice);
                }
            })
            .unwrap();
        assert!(model.spec.is_touch() && measured.keys().eq([&3]));
        let parts = training("parts.safetensors", true);
        let mut state = State::new(&parts, None).unwrap();
        state.step(&parts, &Sources::training(KINDS, None), Watch::unwatched()).unwrap();
        state.save(&touch_checkpoint(&parts.output)).unwrap();
        let again = parts.run(Watch::unwatched(), &mut |_| {}).unwrap();
        assert!(again.weights == model.weights);
        // Another seed is another training.
        let other = TouchTraining { seed: 5, ..parts };
        assert!(other.run(Watch::unwatched(), &mut |_| {}).unwrap_err().to_string().contains("seed"));
    }
}
